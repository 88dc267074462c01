import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { principalOf } from '#libs/auth/index.js';
import { AccountsRepository } from '../accounts/accounts.repository.js';
import { AssetsRepository } from '../assets/assets.repository.js';
import { postingLaneSettings } from '../journal/posting-lane.service.js';
import { accountOf } from '../testing/bench.js';
import { type ServiceUnderTest, startService } from '../testing/service.js';
import { bothSides, type Operation } from './customer-operations.js';
import { CustomerOperations } from './customer-operations.service.js';

let service: ServiceUnderTest;
let operations: CustomerOperations;

beforeAll(async () => {
  service = await startService();
  operations = service.app.get(CustomerOperations, { strict: false });
  await service.run(async (tx) => {
    await service.app.get(AssetsRepository, { strict: false }).ensureCurrencies(tx, ['EUR']);
    await service.app.get(AccountsRepository, { strict: false }).open(
      tx,
      ['NGEU', 'NGUS'].flatMap((book) => [
        accountOf('A-CASH', 'CLIENT_CASH', { book }),
        accountOf('NOSTRO-EUR', 'NOSTRO', { book, currency: 'EUR' }),
      ]),
    );
    await tx.execute(
      `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date)
       VALUES ('NGEU', '2026-11-25', 'OPEN', '2026-11-26'), ('NGUS', '2026-11-25', 'OPEN', '2026-11-26')`,
    );
  });
});
afterAll(async () => {
  await service.stop();
});

const turn = () => new Promise((resolve) => setImmediate(resolve));
const clerk = (books: string[], subject = 'person:clerk') => principalOf(subject, 'PERSON', ['controller'], books);
let keys = 0;
function deposit(more: Partial<Operation> = {}): Operation {
  const idempotencyKey = `k${(keys += 1)}`;
  const fields = { amount: ['amount', 'amount'], asset: ['amount', 'currency'] };
  const lines = bothSides({ field: 'nostro' }, { account: 'A-CASH', field: 'account' }, 'EUR', '1.00', fields);
  return {
    name: 'postDeposit',
    input: { book: 'NGEU' },
    idempotencyKey,
    book: 'NGEU',
    kind: 'DEPOSIT',
    description: 'x',
    lines,
    ...more,
  };
}
const book = (principal: ReturnType<typeof clerk>, ...asked: Operation[]) =>
  operations.book({ operations: asked, principal });
const credited = async (inBook: string) => {
  const row = await service.run((tx) =>
    tx.row<{ units: string }>(
      `SELECT coalesce(sum(posted_credit - posted_debit), 0) AS units FROM accounting.balance_now JOIN accounting.ledger_account USING (ledger_account_id, book_id)
        WHERE book_id = $1 AND number = 'A-CASH'`,
      [inBook],
    ),
  );
  return Number(row?.units);
};
/** How many transactions wrote the entries. */
const transactionsOf = async (ids: readonly (string | undefined)[]) =>
  service.run((tx) =>
    tx.row<{ transactions: string }>(
      `SELECT count(DISTINCT xmin::text) AS transactions FROM accounting.journal_entry WHERE entry_id = ANY ($1::text[])`,
      [ids],
    ),
  );

describe('callers of the same moment', () => {
  it('share one transaction when they see the same books, and each is answered for itself', async () => {
    const before = await credited('NGEU');
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => book(clerk(['NGEU'], `person:clerk${n}`), deposit())),
    );
    const ids = answers.flat().map(({ entry }) => entry?.id);
    expect(new Set(ids).size).toBe(20);
    expect(await transactionsOf(ids)).toEqual({ transactions: '1' });
    expect(answers.flat().map(({ entry }) => entry?.requestedBy)).toEqual(
      Array.from({ length: 20 }, (_, n) => `person:clerk${n}`),
    );
    expect(await credited('NGEU')).toBe(before + 2_000);
    const { rows } = await service.database
      .pool('owner')
      .query<{ leaves: string }>(
        `SELECT count(DISTINCT principal) AS leaves FROM accounting.audit_leaf WHERE principal LIKE 'person:clerk%' AND action = 'LEDGER_BATCH_POSTED'`,
      );
    expect(rows[0]?.leaves).toBe('20');
  });

  it('do not share when they see different books: nobody books where he sees nothing', async () => {
    const [ours, theirs, beyond] = await Promise.all([
      book(clerk(['NGEU']), deposit()),
      book(clerk(['NGUS']), deposit({ book: 'NGUS' })),
      book(clerk(['NGUS']), deposit()),
    ]);
    const ids = [ours[0]?.entry?.id, theirs[0]?.entry?.id];
    expect(await transactionsOf(ids)).toEqual({ transactions: '2' });
    expect(beyond[0]?.entry ?? null).toBeNull();
    expect(beyond[0]?.problems.map(({ code }) => code)).toEqual(
      expect.arrayContaining(['PERIOD_NOT_OPEN', 'NOSTRO_NOT_FOUND']),
    );
  });

  it('one key of two clients is two, and of one client is one', async () => {
    const before = await credited('NGEU');
    const same = deposit();
    const [first, again, other] = await Promise.all([
      book(clerk(['NGEU']), same),
      book(clerk(['NGEU']), same),
      book(clerk(['NGEU'], 'person:other'), same),
    ]);
    expect(again).toMatchObject([{ replayed: true, entry: { id: first[0]?.entry?.id } }]);
    expect(other).toMatchObject([{ replayed: false }]);
    expect(other[0]?.entry?.id).not.toBe(first[0]?.entry?.id);
    expect(await credited('NGEU')).toBe(before + 200);
  });

  it('fail alone when only one cannot be done', async () => {
    const before = await credited('NGEU');
    const broken = { ...deposit(), lines: null } as unknown as Operation;
    const outcomes = await Promise.allSettled([
      book(clerk(['NGEU']), deposit()),
      book(clerk(['NGEU']), broken),
      book(clerk(['NGEU']), deposit()),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await credited('NGEU')).toBe(before + 200);
  });

  it('are told to come again when too much waits, and nothing of theirs is begun', async () => {
    const before = await credited('NGEU');
    const blocker = await service.database.pool('owner').connect();
    const under: Promise<unknown>[] = [];
    try {
      await blocker.query('BEGIN');
      await blocker.query('LOCK TABLE accounting.balance IN ACCESS EXCLUSIVE MODE');
      for (let lane = 0; lane < postingLaneSettings.lanes; lane += 1) {
        under.push(book(clerk(['NGEU']), deposit()));
        await turn();
        await turn();
      }
      const one = deposit();
      under.push(book(clerk(['NGEU']), ...Array.from({ length: postingLaneSettings.waitingItemsMax }, () => one)));
      expect(await book(clerk(['NGEU']), deposit())).toMatchObject([
        { entry: null, replayed: false, problems: [{ code: 'QUEUE_FULL', retryable: true }] },
      ]);
    } finally {
      await blocker.query('ROLLBACK');
      blocker.release();
    }
    await Promise.all(under);
    expect(await credited('NGEU')).toBe(before + 100 * (postingLaneSettings.lanes + 1));
  });
});
