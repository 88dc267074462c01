import { AuditOwner, AuditTrail } from '#libs/audit/index.js';
import { type Tx, type Transactions } from '#libs/database/index.js';
import { createTestDatabase, type TestDatabase } from '#libs/testing/index.js';
import { WorkItems } from '#libs/work-items/index.js';
import { type AccountKind, termsOf } from '../accounts/accounts.js';
import { AccountsRepository, type NewAccount } from '../accounts/accounts.repository.js';
import { Accounts } from '../accounts/accounts.service.js';
import { BlocksRepository } from '../blocks/blocks.repository.js';
import { Blocks } from '../blocks/blocks.service.js';
import { AssetsRepository } from '../assets/assets.repository.js';
import { type PostingItem, type PostingResult, transferOf } from '../journal/posting.js';
import { PostingService } from '../journal/posting.service.js';

export const day = '2026-11-25';
export const isin = 'DE0007164600';

export function accountOf(number: string, kind: AccountKind, more: Partial<NewAccount> = {}): NewAccount {
  return {
    book: 'NGEU',
    number,
    kind,
    ...termsOf(kind),
    state: 'OPEN',
    partyId: null,
    currency: null,
    iban: null,
    agentBic: null,
    statementChannel: null,
    importId: null,
    ...more,
  };
}

/** A migrated database with a small book, open on its first day. */
export interface Bench {
  readonly database: TestDatabase;
  readonly transactions: Transactions;
  readonly accounts: AccountsRepository;
  readonly assets: AssetsRepository;
  readonly blocks: Blocks;
  readonly posting: PostingService;
  readonly audit: AuditTrail;
  readonly workItems: WorkItems;
  post(items: readonly PostingItem[], validateOnly?: boolean): Promise<PostingResult[]>;
  one(item: PostingItem): Promise<PostingResult>;
  run<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Makes an item that moves units between two accounts. */
  move(key: string, debit: string, credit: string, units: bigint | number, more?: object): PostingItem;
  /** Returns when that connection waits for a lock of somebody else. */
  waitsFor(pid: number): Promise<void>;
  drop(): Promise<void>;
}

export async function createBench({ opensDay = true }: { opensDay?: boolean } = {}): Promise<Bench> {
  const database = await createTestDatabase({ startsAt: '2026-11-25T06:00:00Z' });
  const transactions = database.transactions('accounting');
  const accounts = new AccountsRepository();
  const assets = new AssetsRepository();
  const audit = new AuditTrail(new AuditOwner('accounting'));
  const workItems = new WorkItems();
  const blocks = new Blocks(new BlocksRepository(), audit);
  const posting = new PostingService(audit, workItems);
  const run = <T>(work: (tx: Tx) => Promise<T>) => transactions.run(work);
  const post = (items: readonly PostingItem[], validateOnly = false) =>
    run((tx) => posting.post(tx, { items, requestedBy: 'test', validateOnly }));
  await run(async (tx) => {
    await assets.ensureCurrencies(tx, ['EUR', 'USD']);
    await assets.register(tx, [{ asset: isin, kind: 'INSTRUMENT', scale: 0, name: 'A share' }]);
    await new Accounts(accounts, blocks).open(tx, [
      accountOf('A-CASH', 'CLIENT_CASH'),
      accountOf('B-CASH', 'CLIENT_CASH'),
      accountOf('C-CASH', 'CLIENT_CASH', { state: 'CLOSED' }),
      accountOf('D-CASH', 'CLIENT_CASH', { state: 'BLOCKED' }),
      accountOf('A-SAFE', 'CLIENT_CUSTODY'),
      accountOf('B-SAFE', 'CLIENT_CUSTODY'),
      accountOf('NOSTRO-EUR', 'NOSTRO', { currency: 'EUR' }),
      accountOf('DEPOT-T2S', 'DEPOT'),
      accountOf('SUSPENSE', 'SUSPENSE'),
      accountOf('MIGRATION', 'MIGRATION'),
      accountOf('FEES', 'INCOME'),
    ]);
    if (opensDay) {
      await tx.execute(
        `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ('NGEU', $1, 'OPEN', '2026-11-26')`,
        [day],
      );
    }
  });
  const move: Bench['move'] = (key, debit, credit, units, more = {}) => ({
    op: 'ENTRY',
    key,
    book: 'NGEU',
    kind: 'TRANSFER',
    businessDate: day,
    valueDate: day,
    description: 'test',
    subject: { kind: 'TEST', id: `test-${key}` },
    postings: transferOf(debit, credit, 'EUR', units.toString()),
    ...more,
  });
  return {
    database,
    transactions,
    accounts,
    assets,
    blocks,
    posting,
    audit,
    workItems,
    post,
    one: async (item) => {
      const [result] = await post([item]);
      if (!result) throw new Error('no result');
      return result;
    },
    run,
    move,
    waitsFor: async (pid) => {
      const owner = database.pool('owner');
      const isBlocked = async () =>
        (await owner.query<{ n: number }>('SELECT cardinality(pg_blocking_pids($1)) AS n', [pid])).rows[0]?.n !== 0;
      const until = Date.now() + 10_000;
      while (!(await isBlocked())) {
        if (Date.now() > until) throw new Error(`connection ${pid} waits for nobody`);
      }
    },
    drop: () => database.drop(),
  };
}
