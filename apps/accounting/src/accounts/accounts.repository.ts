import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { type AccountState } from '../blocks/blocks.js';
import {
  type AccountKind,
  type AccountMode,
  type NormalSide,
  type StatementClass,
  type WantedState,
} from './accounts.js';

export interface AccountRow {
  readonly book: string;
  readonly number: string;
  readonly kind: AccountKind;
  readonly statementClass: StatementClass;
  readonly normalSide: NormalSide;
  readonly mode: AccountMode;
  readonly state: AccountState;
  readonly partyId: string | null;
  readonly currency: string | null;
  readonly iban: string | null;
  /** The code of the chart it stands under. */
  readonly glCode: string;
  readonly openedAt: Date;
}

export interface BalanceRow {
  readonly ledgerAccountId: string;
  readonly book: string;
  readonly number: string;
  readonly asset: string;
  readonly assetKind: 'CURRENCY' | 'INSTRUMENT';
  readonly scale: number;
  readonly normalSide: NormalSide;
  readonly isStrict: boolean;
  readonly postedDebit: string;
  readonly postedCredit: string;
  readonly pendingDebit: string;
  readonly pendingCredit: string;
  readonly available: string;
  readonly limitUnits: string;
  readonly forcedExcess: string;
  readonly lastSequence: string;
}

export interface LimitRow {
  readonly book: string;
  readonly number: string;
  readonly asset: string;
  readonly scale: number;
  readonly overdraftUnits: string;
  readonly paymentLimitUnits: string | null;
  readonly version: number;
  readonly reason: string | null;
  readonly reference: string | null;
}

/** The number of a book's first nostro in a currency. */
export type NostroOf = (book: string, currency: string) => string | undefined;

export interface NewLimit {
  readonly book: string;
  readonly number: string;
  readonly asset: string;
  readonly overdraftUnits: string;
  readonly paymentLimitUnits: string | null;
  /** Why it is what it is, and what says so: an approval, an import. */
  readonly reason?: string;
  readonly reference?: string;
}

export interface NewAccount {
  readonly book: string;
  readonly number: string;
  readonly kind: AccountKind;
  readonly statementClass: StatementClass;
  readonly normalSide: NormalSide;
  readonly mode: AccountMode;
  readonly state: WantedState;
  readonly partyId: string | null;
  readonly currency: string | null;
  readonly iban: string | null;
  readonly agentBic: string | null;
  readonly statementChannel: string | null;
  readonly importId: string | null;
}

export interface AccountFilter {
  readonly book?: string | null;
  readonly party?: string | null;
  readonly kind?: string | null;
  readonly state?: string | null;
  readonly blockReason?: string | null;
  readonly numberPrefix?: string | null;
}

const accountColumns = `a.book_id AS book, a.number, a.kind, a.statement_class AS "statementClass", a.normal_side AS "normalSide",
  a.mode, a.state, a.party_id AS "partyId", a.currency, a.iban, a.gl_code AS "glCode", a.opened_at AS "openedAt"`;

const balanceColumns = `b.ledger_account_id AS "ledgerAccountId", l.book_id AS book, l.number, l.asset, s.kind AS "assetKind", s.scale,
  b.normal_side AS "normalSide", b.is_strict AS "isStrict", b.posted_debit AS "postedDebit", b.posted_credit AS "postedCredit",
  -- A hold that ran out counts no more, whether or not somebody has used the account since.
  b.pending_debit - coalesce(g.debit, 0) AS "pendingDebit", b.pending_credit - coalesce(g.credit, 0) AS "pendingCredit",
  b.available + CASE b.normal_side WHEN 'CREDIT' THEN coalesce(g.debit, 0) ELSE coalesce(g.credit, 0) END AS available,
  b.limit_units AS "limitUnits", b.forced_excess AS "forcedExcess", b.last_sequence AS "lastSequence"`;

const balanceTables = `accounting.balance_now b
  JOIN accounting.ledger_account l USING (ledger_account_id)
  JOIN accounting.asset s ON s.asset = l.asset
  LEFT JOIN LATERAL (
    SELECT sum(h.open_units) FILTER (WHERE h.debit_account_id = b.ledger_account_id) AS debit,
           sum(h.open_units) FILTER (WHERE h.credit_account_id = b.ledger_account_id) AS credit
      FROM accounting.hold h
     WHERE (b.pending_debit > 0 OR b.pending_credit > 0) AND h.open_units > 0 AND h.expires_at <= kernel.now()
       AND (h.debit_account_id = b.ledger_account_id OR h.credit_account_id = b.ledger_account_id)) g ON true`;

@Injectable()
export class AccountsRepository {
  async byNumber(tx: Tx, keys: readonly { book: string; number: string }[]): Promise<AccountRow[]> {
    return tx.rows<AccountRow>(
      `SELECT ${accountColumns} FROM accounting.account a
         JOIN jsonb_to_recordset($1::jsonb) AS k(book text, number text) ON k.book = a.book_id AND k.number = a.number`,
      [JSON.stringify(keys)],
    );
  }

  async find(tx: Tx, book: string, number: string): Promise<AccountRow | undefined> {
    const [row] = await this.byNumber(tx, [{ book, number }]);
    return row;
  }

  /** The books that have an account of this number: most numbers stand in one book only. */
  async booksOfNumber(tx: Tx, number: string): Promise<string[]> {
    const rows = await tx.rows<{ book: string }>(
      'SELECT book_id AS book FROM accounting.account WHERE number = $1 ORDER BY book_id LIMIT 2',
      [number],
    );
    return rows.map(({ book }) => book);
  }

  async list(tx: Tx, filter: AccountFilter, first: number, after?: readonly (string | null)[]): Promise<AccountRow[]> {
    return tx.rows<AccountRow>(
      `SELECT ${accountColumns} FROM accounting.account a
        WHERE ($1::text IS NULL OR a.book_id = $1) AND ($2::text IS NULL OR a.party_id = $2) AND ($3::text IS NULL OR a.kind = $3)
          AND ($4::text IS NULL OR a.state = $4) AND ($5::text IS NULL OR starts_with(a.number, $5))
          AND ($6::text IS NULL OR (a.book_id, a.number) > ($6, $7))
          AND ($9::text IS NULL OR (a.book_id, a.number) IN (
                SELECT k.book_id, k.number FROM accounting.account_block k WHERE k.reason_code = $9 AND k.lifted_at IS NULL))
        ORDER BY a.book_id, a.number LIMIT $8`,
      [
        filter.book ?? null,
        filter.party ?? null,
        filter.kind ?? null,
        filter.state ?? null,
        filter.numberPrefix ?? null,
        after?.[0] ?? null,
        after?.[1] ?? null,
        first + 1,
        filter.blockReason ?? null,
      ],
    );
  }

  async nostrosOf(tx: Tx, asked: readonly { book: string; currency: string }[]): Promise<NostroOf> {
    const rows = await tx.rows<{ book: string; currency: string; number: string }>(
      `SELECT DISTINCT ON (a.book_id, a.currency) a.book_id AS book, a.currency, a.number FROM accounting.account a
        WHERE a.kind = 'NOSTRO' AND (a.book_id, a.currency) IN (SELECT * FROM unnest($1::text[], $2::text[]))
        ORDER BY a.book_id, a.currency, a.number`,
      [asked.map(({ book }) => book), asked.map(({ currency }) => currency)],
    );
    const numbers = new Map(rows.map(({ book, currency, number }) => [`${book} ${currency}`, number]));
    return (book, currency) => numbers.get(`${book} ${currency}`);
  }

  async ofParties(tx: Tx, partyIds: readonly string[]): Promise<AccountRow[]> {
    return tx.rows<AccountRow>(
      `SELECT ${accountColumns} FROM accounting.account a WHERE a.party_id = ANY ($1::text[]) ORDER BY a.book_id, a.number`,
      [partyIds],
    );
  }

  async balancesOf(tx: Tx, keys: readonly { book: string; number: string }[]): Promise<BalanceRow[]> {
    return tx.rows<BalanceRow>(
      `SELECT ${balanceColumns} FROM ${balanceTables}
         JOIN jsonb_to_recordset($1::jsonb) AS k(book text, number text) ON k.book = l.book_id AND k.number = l.number
        ORDER BY l.book_id, l.number, s.kind, l.asset`,
      [JSON.stringify(keys)],
    );
  }

  async balances(
    tx: Tx,
    filter: { book?: string | null; account?: string | null; asset?: string | null },
    first: number,
    after?: readonly (string | null)[],
  ): Promise<BalanceRow[]> {
    return tx.rows<BalanceRow>(
      `SELECT ${balanceColumns} FROM ${balanceTables}
        WHERE ($1::text IS NULL OR l.book_id = $1) AND ($2::text IS NULL OR l.number = $2) AND ($3::text IS NULL OR l.asset = $3)
          AND ($4::bigint IS NULL OR b.ledger_account_id > $4::bigint)
        ORDER BY b.ledger_account_id LIMIT $5`,
      [filter.book ?? null, filter.account ?? null, filter.asset ?? null, after?.[0] ?? null, first + 1],
    );
  }

  async limitsOf(tx: Tx, keys: readonly { book: string; number: string }[]): Promise<LimitRow[]> {
    return tx.rows<LimitRow>(
      `SELECT m.book_id AS book, m.number, m.asset, s.scale, m.overdraft_units AS "overdraftUnits", m.payment_limit_units AS "paymentLimitUnits", m.version,
              m.reason, m.reference
         FROM accounting.account_limit m JOIN accounting.asset s USING (asset)
         JOIN jsonb_to_recordset($1::jsonb) AS k(book text, number text) ON k.book = m.book_id AND k.number = m.number
        ORDER BY m.book_id, m.number, m.asset`,
      [JSON.stringify(keys)],
    );
  }

  /** Two who open the same numbers at the same time come one after the other. */
  async lockNumbers(tx: Tx, keys: readonly { book: string; number: string }[]): Promise<void> {
    await tx.execute(
      `SELECT pg_advisory_xact_lock(hashtextextended(k.book || '/' || k.number, 20))
         FROM (SELECT DISTINCT book, number FROM jsonb_to_recordset($1::jsonb) AS k(book text, number text) ORDER BY 1, 2) k`,
      [JSON.stringify(keys)],
    );
  }

  async assetsOf(tx: Tx, accounts: readonly { currency: string | null }[]): Promise<Set<string>> {
    const rows = await tx.rows<{ asset: string }>('SELECT asset FROM accounting.asset WHERE asset = ANY ($1::text[])', [
      accounts.map(({ currency }) => currency),
    ]);
    return new Set(rows.map(({ asset }) => asset));
  }

  /** An account whose import was rolled back may come again with another one. One to be blocked is open first. */
  async open(tx: Tx, accounts: readonly NewAccount[]): Promise<void> {
    await tx.execute(
      `INSERT INTO accounting.account (book_id, number, kind, statement_class, normal_side, mode, state, party_id, currency, iban, agent_bic, statement_channel, import_id)
       SELECT DISTINCT ON (book, number) book, number, kind, "statementClass", "normalSide", mode, CASE state WHEN 'BLOCKED' THEN 'OPEN' ELSE state END, "partyId", currency, iban, "agentBic", "statementChannel", "importId"
         FROM jsonb_to_recordset($1::jsonb) AS a(book text, number text, kind text, "statementClass" text, "normalSide" text, mode text, state text,
              "partyId" text, currency text, iban text, "agentBic" text, "statementChannel" text, "importId" text)
        ORDER BY book, number, iban NULLS LAST
       ON CONFLICT (book_id, number) DO UPDATE SET party_id = excluded.party_id, iban = coalesce(excluded.iban, account.iban),
          agent_bic = excluded.agent_bic, statement_channel = excluded.statement_channel, currency = excluded.currency, import_id = excluded.import_id`,
      [JSON.stringify(accounts)],
    );
  }

  async setLimit(tx: Tx, limit: NewLimit): Promise<void> {
    await this.setLimits(tx, [limit]);
  }

  /** Only those that differ from what stands are changed, behind the locks of their accounts. */
  async setLimits(tx: Tx, limits: readonly NewLimit[]): Promise<void> {
    if (limits.length === 0) return;
    await tx.execute('SELECT accounting.set_limits($1::jsonb)', [JSON.stringify(limits)]);
  }

  /** Closes them or opens them again, those that are not so already. */
  async setStates(
    tx: Tx,
    accounts: readonly { book: string; number: string; state: 'OPEN' | 'CLOSED' }[],
  ): Promise<void> {
    await tx.execute(
      `SELECT accounting.set_account_state(a.book, a.number, a.state)
         FROM jsonb_to_recordset($1::jsonb) AS a(book text, number text, state text)
         JOIN accounting.account t ON t.book_id = a.book AND t.number = a.number AND (t.state = 'CLOSED') <> (a.state = 'CLOSED')
        ORDER BY a.book, a.number`,
      [JSON.stringify(accounts)],
    );
  }
}
