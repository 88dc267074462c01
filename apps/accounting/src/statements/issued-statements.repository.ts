import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { type NormalSide } from '../accounts/accounts.js';
import { type Frequency } from './issued-statement.js';

export interface IssuedStatementRow {
  readonly ledgerAccountId: string;
  readonly number: number;
  readonly version: number;
  readonly book: string;
  readonly account: string;
  readonly asset: string;
  readonly scale: number;
  readonly normalSide: NormalSide;
  readonly from: string;
  readonly to: string;
  readonly firstSequence: string;
  readonly lastSequence: string;
  readonly movedIn: string[];
  readonly movedOut: string[];
  readonly opening: string;
  readonly debits: string;
  readonly credits: string;
  readonly closing: string;
  readonly entryCount: number;
  readonly contentHash: string;
  readonly reason: string | null;
  readonly correctionId: string | null;
  readonly issuedBy: string;
  readonly issuedAt: Date;
  readonly jobRunId: string | null;
  readonly isLatest: boolean;
}

/** An account with its last statement, and how far it has been posted. */
export interface DueRow {
  readonly id: string;
  readonly book: string;
  readonly account: string;
  readonly asset: string;
  readonly scale: number;
  readonly normalSide: NormalSide;
  readonly number: number | null;
  readonly to: string | null;
  readonly closing: string | null;
  /** Before the first posting of the period. */
  readonly beforeSequence: string;
  readonly beforeBalance: string;
  /** The last posting booked by the end of it. */
  readonly lastSequence: string;
  readonly foldedSequence: string;
  readonly lastStatementSequence: string | null;
}

export interface LineRow {
  readonly ledgerAccountId: string;
  readonly sequence: string;
  readonly units: string;
  readonly balanceAfter: string;
  readonly entryId: string;
  readonly kind: string;
  readonly description: string;
  readonly businessDate: string;
  readonly valueDate: string;
}

export interface SettingRow {
  readonly book: string;
  readonly account: string;
  readonly version: number;
  readonly frequency: Frequency;
  readonly reason: string;
  readonly setBy: string;
  readonly setAt: Date;
}

/** Which places of which accounts. */
export interface Range {
  readonly id: string;
  readonly first: string;
  readonly last: string;
}

const columns = `s.ledger_account_id AS "ledgerAccountId", s.number, s.version, s.book_id AS book, s.account, s.asset, t.scale, a.normal_side AS "normalSide",
  s.from_date AS "from", s.to_date AS "to", s.first_sequence AS "firstSequence", s.last_sequence AS "lastSequence",
  s.moved_in::text[] AS "movedIn", s.moved_out::text[] AS "movedOut",
  s.opening_units AS opening, s.debit_units AS debits, s.credit_units AS credits, s.closing_units AS closing, s.entry_count AS "entryCount",
  s.content_hash AS "contentHash", s.reason, s.correction_id AS "correctionId", s.issued_by AS "issuedBy", s.issued_at AS "issuedAt", s.job_run_id AS "jobRunId",
  NOT EXISTS (SELECT FROM accounting.account_statement n WHERE n.ledger_account_id = s.ledger_account_id AND n.number = s.number AND n.version > s.version) AS "isLatest"`;
const tables = `accounting.account_statement s JOIN accounting.asset t USING (asset) JOIN accounting.account a ON a.book_id = s.book_id AND a.number = s.account`;

/** The newest setting of an account, or what is usual for its kind. */
const frequencyOf = `coalesce((SELECT f.frequency FROM accounting.statement_setting f WHERE f.book_id = a.book_id AND f.account = a.number ORDER BY f.version DESC LIMIT 1),
                              CASE WHEN a.kind LIKE 'CLIENT\\_%' THEN 'MONTHLY' ELSE 'NONE' END)`;

const dueColumns = `l.ledger_account_id AS id, l.book_id AS book, l.number AS account, l.asset, t.scale, a.normal_side AS "normalSide",
  p.number, p.to_date AS "to", p.closing_units AS closing, p.last_sequence AS "lastStatementSequence", b.last_sequence AS "foldedSequence",
  coalesce(e.account_sequence, 0) AS "beforeSequence", coalesce(e.balance_after, 0) AS "beforeBalance",
  coalesce(u.account_sequence, 0) AS "lastSequence"`;
/** With `$2` and `$3`: the first date of a first statement, and the last date. */
const dueTables = `accounting.ledger_account l JOIN accounting.account a ON a.book_id = l.book_id AND a.number = l.number JOIN accounting.asset t ON t.asset = l.asset
  JOIN accounting.balance b ON b.ledger_account_id = l.ledger_account_id
  LEFT JOIN LATERAL (SELECT s.* FROM accounting.account_statement s WHERE s.ledger_account_id = l.ledger_account_id ORDER BY s.number DESC, s.version DESC LIMIT 1) p ON true
  LEFT JOIN LATERAL (SELECT o.account_sequence, o.balance_after FROM accounting.posting_in_order o
                      WHERE o.ledger_account_id = l.ledger_account_id AND CASE WHEN p.number IS NULL THEN o.business_date < $2 ELSE o.account_sequence <= p.last_sequence END ORDER BY o.account_sequence DESC LIMIT 1) e ON true
  LEFT JOIN LATERAL (SELECT o.account_sequence FROM accounting.posting_in_order o
                      WHERE o.ledger_account_id = l.ledger_account_id AND o.business_date <= $3 ORDER BY o.account_sequence DESC LIMIT 1) u ON true`;

@Injectable()
export class IssuedStatementsRepository {
  /** The dates up to this one take no more postings: the same the tables ask. */
  async areOver(tx: Tx, book: string, to: string): Promise<boolean> {
    const row = await tx.row<{ over: boolean }>(
      `SELECT NOT EXISTS (SELECT FROM accounting.business_day d WHERE d.book_id = $1 AND d.business_date <= $2 AND d.state NOT IN ('CLOSED','SKIPPED'))
              AND EXISTS (SELECT FROM accounting.business_day d WHERE d.book_id = $1 AND d.business_date > $2 AND d.state <> 'SKIPPED') AS over`,
      [book, to],
    );
    return row?.over === true;
  }

  one(tx: Tx, book: string, account: string, asset: string, from: string, to: string): Promise<DueRow | undefined> {
    return tx.row<DueRow>(
      `SELECT ${dueColumns} FROM ${dueTables} WHERE l.book_id = $1 AND l.number = $4 AND l.asset = $5`,
      [book, from, to, account, asset],
    );
  }

  /** Accounts behind a place that get a statement up to a date and have none yet; of those told daily, only what moved. */
  due(
    tx: Tx,
    asked: { book: string; from: string; to: string; frequency: Frequency },
    after: string,
    most: number,
  ): Promise<DueRow[]> {
    return tx.rows<DueRow>(
      `SELECT ${dueColumns} FROM ${dueTables}
        WHERE l.book_id = $1 AND l.ledger_account_id > $4::bigint AND ${frequencyOf} = $5 AND (p.to_date IS NULL OR p.to_date < $3)
          AND u.account_sequence IS NOT NULL AND ($5 <> 'DAILY' OR u.account_sequence > coalesce(e.account_sequence, 0))
        ORDER BY l.ledger_account_id LIMIT $6`,
      [asked.book, asked.from, asked.to, after, asked.frequency, most],
    );
  }

  /** How many accounts of a book are told in a rhythm, and whether any is. */
  async count(tx: Tx, book: string, frequency: Frequency): Promise<number> {
    const row = await tx.row<{ n: string }>(
      `SELECT count(*) AS n FROM accounting.ledger_account l JOIN accounting.account a ON a.book_id = l.book_id AND a.number = l.number
        WHERE l.book_id = $1 AND ${frequencyOf} = $2`,
      [book, frequency],
    );
    return Number(row?.n ?? 0);
  }

  async fold(tx: Tx, ids: readonly string[]): Promise<void> {
    await tx.execute('SELECT accounting.fold_accounts($1::bigint[])', [ids]);
  }

  lines(tx: Tx, ranges: readonly Range[]): Promise<LineRow[]> {
    return tx.rows<LineRow>(
      `SELECT p.ledger_account_id AS "ledgerAccountId", p.account_sequence AS sequence, p.units, p.balance_after AS "balanceAfter", p.entry_id AS "entryId", e.kind, e.description,
              p.business_date AS "businessDate", p.value_date AS "valueDate"
         FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS w(id, first, last)
        CROSS JOIN LATERAL (SELECT o.* FROM accounting.posting_in_order o WHERE o.ledger_account_id = w.id AND o.account_sequence BETWEEN w.first AND w.last) p
         JOIN accounting.journal_entry e USING (entry_id)
        ORDER BY p.ledger_account_id, p.account_sequence`,
      [ranges.map(({ id }) => id), ranges.map(({ first }) => first), ranges.map(({ last }) => last)],
    );
  }

  async insert(
    tx: Tx,
    rows: readonly Omit<IssuedStatementRow, 'scale' | 'normalSide' | 'issuedAt' | 'isLatest'>[],
  ): Promise<void> {
    if (rows.length === 0) return;
    await tx.execute(
      `INSERT INTO accounting.account_statement (ledger_account_id, number, version, book_id, account, asset, from_date, to_date, first_sequence, last_sequence,
                moved_in, moved_out, opening_units, debit_units, credit_units, closing_units, entry_count, content_hash, reason, correction_id, issued_by, job_run_id)
       SELECT r."ledgerAccountId", r.number, r.version, r.book, r.account, r.asset, r."from", r."to", r."firstSequence", r."lastSequence",
              ARRAY(SELECT jsonb_array_elements_text(r."movedIn")::bigint), ARRAY(SELECT jsonb_array_elements_text(r."movedOut")::bigint),
              r.opening, r.debits, r.credits, r.closing, r."entryCount", r."contentHash", r.reason, r."correctionId", r."issuedBy", r."jobRunId"
         FROM jsonb_to_recordset($1::jsonb) AS r("ledgerAccountId" bigint, number int, version int, book text, account text, asset text, "from" date, "to" date,
              "firstSequence" bigint, "lastSequence" bigint, "movedIn" jsonb, "movedOut" jsonb, opening numeric, debits numeric, credits numeric, closing numeric,
              "entryCount" int, "contentHash" text, reason text, "correctionId" text, "issuedBy" text, "jobRunId" text)
        ORDER BY r."ledgerAccountId", r.number`,
      [JSON.stringify(rows)],
    );
  }

  find(
    tx: Tx,
    key: { book: string; account: string; asset: string; number: number; version?: number | null },
  ): Promise<IssuedStatementRow | undefined> {
    return tx.row<IssuedStatementRow>(
      `SELECT ${columns} FROM ${tables} WHERE s.book_id = $1 AND s.account = $2 AND s.asset = $3 AND s.number = $4 AND ($5::int IS NULL OR s.version = $5)
        ORDER BY s.version DESC LIMIT 1`,
      [key.book, key.account, key.asset, key.number, key.version ?? null],
    );
  }

  /** The newest first; of each number the newest version, or all of them. */
  page(
    tx: Tx,
    filter: { book: string; account?: string | null; asset?: string | null; allVersions?: boolean | null },
    after: readonly (string | null)[] | undefined,
    most: number,
  ): Promise<IssuedStatementRow[]> {
    return tx.rows<IssuedStatementRow>(
      `SELECT * FROM (SELECT ${columns} FROM ${tables}
        WHERE s.book_id = $1 AND ($2::text IS NULL OR s.account = $2) AND ($3::text IS NULL OR s.asset = $3)
          AND ($5::date IS NULL OR (s.to_date, s.ledger_account_id, s.number, s.version) < ($5::date, $6::bigint, $7::int, $8::int))) AS found
        WHERE $4 OR found."isLatest" ORDER BY found."to" DESC, found."ledgerAccountId" DESC, found.number DESC, found.version DESC LIMIT $9`,
      [
        filter.book,
        filter.account ?? null,
        filter.asset ?? null,
        filter.allVersions === true,
        after?.[0] ?? null,
        after?.[1] ?? null,
        after?.[2] ?? null,
        after?.[3] ?? null,
        most,
      ],
    );
  }

  setting(tx: Tx, book: string, account: string): Promise<SettingRow | undefined> {
    return tx.row<SettingRow>(
      `SELECT f.book_id AS book, f.account, f.version, f.frequency, f.reason, f.set_by AS "setBy", f.set_at AS "setAt"
         FROM accounting.statement_setting f WHERE f.book_id = $1 AND f.account = $2 ORDER BY f.version DESC LIMIT 1`,
      [book, account],
    );
  }

  async kindOf(tx: Tx, book: string, account: string): Promise<string | undefined> {
    const row = await tx.row<{ kind: string }>(
      'SELECT a.kind FROM accounting.account a WHERE a.book_id = $1 AND a.number = $2 FOR NO KEY UPDATE',
      [book, account],
    );
    return row?.kind;
  }

  async set(tx: Tx, row: Omit<SettingRow, 'setAt'>): Promise<void> {
    await tx.execute(
      `INSERT INTO accounting.statement_setting (book_id, account, version, frequency, reason, set_by) VALUES ($1, $2, $3, $4, $5, $6)`,
      [row.book, row.account, row.version, row.frequency, row.reason, row.setBy],
    );
  }
}
