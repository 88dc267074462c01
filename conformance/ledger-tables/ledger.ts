import { createHash } from 'node:crypto';
import { AccountsRepository, type BalanceRow } from '../../apps/accounting/src/accounts/accounts.repository.js';
import { Accounts } from '../../apps/accounting/src/accounts/accounts.service.js';
import { AssetsRepository } from '../../apps/accounting/src/assets/assets.repository.js';
import { BlocksRepository } from '../../apps/accounting/src/blocks/blocks.repository.js';
import { Blocks } from '../../apps/accounting/src/blocks/blocks.service.js';
import { type PostingItem, type PostingResult, transferOf } from '../../apps/accounting/src/journal/posting.js';
import { PostingService } from '../../apps/accounting/src/journal/posting.service.js';
import { StatementsRepository } from '../../apps/accounting/src/statements/statements.repository.js';
import { AuditOwner, AuditTrail } from '#libs/audit/index.js';
import { type Transactions, type Tx } from '#libs/database/index.js';
import { WorkItems } from '#libs/work-items/index.js';
import { type BenchDatabase } from '../../bench/database.js';

export const firstDay = '2026-11-25';
export const counterAccount = 'COUNTER';
export type OpeningAsked = Parameters<Accounts['openEach']>[1][number];

/** Our ledger as the tables see it: one book for each table, the real functions on a real Postgres. */
export class LedgerUnderTest {
  readonly statements = new StatementsRepository();
  private readonly repository = new AccountsRepository();
  private readonly audit = new AuditTrail(new AuditOwner('accounting'));
  private readonly accounts = new Accounts(this.repository, new Blocks(new BlocksRepository(), this.audit));
  private readonly posting = new PostingService(this.audit, new WorkItems());
  private readonly transactions: Transactions;
  private instant = new Date(`${firstDay}T09:00:00Z`).getTime() * 1_000;

  constructor(private readonly database: BenchDatabase) {
    this.transactions = database.transactions('accounting');
  }

  run<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.transactions.run(work);
  }

  async open(book: string, assets: readonly string[]): Promise<void> {
    await this.run(async (tx) => {
      await new AssetsRepository().register(
        tx,
        assets.map((asset) => ({ asset, kind: 'CURRENCY' as const, scale: 0, name: asset })),
      );
      await tx.execute(
        `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ($1, $2, 'OPEN', '2026-11-26')`,
        [book, firstDay],
      );
      await this.accounts.openEach(tx, [
        this.accountOf(book, counterAccount, { kind: 'SUSPENSE', currency: null, normalSide: 'DEBIT', mode: 'ROLLUP' }),
      ]);
    });
  }

  accountOf(book: string, number: string, terms: Partial<OpeningAsked>): OpeningAsked {
    const none = { partyId: null, iban: null, agentBic: null, statementChannel: null, importId: null };
    return { book, number, state: 'OPEN', statementClass: 'OWN', ...none, ...terms } as OpeningAsked;
  }

  openEach(asked: readonly OpeningAsked[]) {
    return this.run((tx) => this.accounts.openEach(tx, asked));
  }

  post(items: readonly PostingItem[], validateOnly = false): Promise<PostingResult[]> {
    return this.run((tx) => this.posting.post(tx, { items, requestedBy: 'conformance', validateOnly }));
  }

  async balanceOf(book: string, account: string): Promise<BalanceRow | undefined> {
    const [row] = await this.run((tx) => this.repository.balances(tx, { book, account }, 1));
    return row;
  }

  async account(book: string, number: string) {
    return this.run((tx) => this.repository.find(tx, book, number));
  }

  async accountsOf(book: string) {
    const rows = await this.run((tx) => this.repository.list(tx, { book }, 1_000));
    return rows.filter(({ number }) => number !== counterAccount);
  }

  async tick(microseconds: bigint): Promise<void> {
    this.instant += Number(microseconds);
    await this.database.owner.query(
      `UPDATE kernel.clock SET instant = 'epoch'::timestamptz + $1::bigint * interval '1 microsecond'`,
      [this.instant],
    );
  }

  /** To the microsecond, as the database has it. */
  after(seconds: number): string {
    const whole = this.instant + seconds * 1_000_000;
    return `${new Date(Math.floor(whole / 1_000)).toISOString().slice(0, -1)}${String(whole % 1_000).padStart(3, '0')}Z`;
  }

  /** What stands under a key: how much it moved, or that it is there. */
  async effectOf(book: string, keys: readonly string[]): Promise<bigint | undefined> {
    const row = await this.run((tx) =>
      tx.row<{ units: string }>(
        `SELECT moved_units AS units FROM accounting.sweep WHERE book_id = $1 AND key = ANY ($2::text[])
         UNION ALL SELECT p.units FROM accounting.journal_entry e JOIN accounting.posting p USING (entry_id)
                    WHERE e.book_id = $1 AND e.idempotency_key = ANY ($2::text[]) AND p.units > 0
         UNION ALL SELECT amount_units FROM accounting.hold WHERE book_id = $1 AND idempotency_key = ANY ($2::text[])
         UNION ALL SELECT units FROM accounting.hold_movement WHERE book_id = $1 AND idempotency_key = ANY ($2::text[])
         UNION ALL SELECT 0 FROM accounting.account_state_change WHERE book_id = $1 AND idempotency_key = ANY ($2::text[]) LIMIT 1`,
        [book, keys],
      ),
    );
    return row && BigInt(row.units);
  }

  /** Brings an account to the four counters, against the counter account. False when our ledger does not reach them. */
  async setUp(book: string, number: string, asset: string, target: readonly bigint[]): Promise<boolean> {
    const now = await this.balanceOf(book, number);
    const standing = [now?.pendingDebit, now?.postedDebit, now?.pendingCredit, now?.postedCredit];
    const missing = target.map((units, n) => units - BigInt(standing[n] ?? '0'));
    if (missing.some((units) => units < 0n)) return false;
    const [pendingDebit = 0n, postedDebit = 0n, pendingCredit = 0n, postedCredit = 0n] = missing;
    const places = (debit: string, credit: string, units: bigint, what: string): PostingItem => ({
      op: 'HOLD',
      key: `setup-${number}-${what}`,
      book,
      hold: {
        debitAccount: debit,
        creditAccount: credit,
        asset,
        units: String(units),
        expiresAt: '9999-12-31T00:00:00Z',
        reason: 'setup',
      },
    });
    const books = (debit: string, credit: string, units: bigint, what: string): PostingItem => ({
      ...dated(`setup-${number}-${what}`, book, 'SETUP'),
      op: 'ENTRY',
      forced: { reason: 'setup' },
      postings: transferOf(debit, credit, asset, String(units)),
    });
    const items = [
      ...(postedCredit > 0n ? [books(counterAccount, number, postedCredit, 'credit')] : []),
      ...(postedDebit > 0n ? [books(number, counterAccount, postedDebit, 'debit')] : []),
      ...(pendingDebit > 0n ? [places(number, counterAccount, pendingDebit, 'pending-debit')] : []),
      ...(pendingCredit > 0n ? [places(counterAccount, number, pendingCredit, 'pending-credit')] : []),
    ];
    return (await this.post(items)).every(({ outcome }) => outcome === 'POSTED');
  }
}

export const dated = (key: string, book: string, kind: string) => ({
  key,
  book,
  kind,
  businessDate: firstDay,
  valueDate: firstDay,
  description: 'conformance',
  subject: { kind: 'TRANSFER', id: key },
});

/** The id of a hold follows from its key, so that it can be named in the batch that places it. */
export const holdIdOf = (book: string, key: string): string =>
  `hld_${createHash('sha256').update(`${book}\u001f${key}`).digest('hex').slice(0, 32)}`;
