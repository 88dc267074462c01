import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type EntryToPost } from '#libs/contracts/index.js';
import { type Transactions } from '#libs/database/index.js';
import { createTestDatabase, type TestDatabase, waitFor } from '#libs/testing/index.js';
import { accountingForTests, settlementForTests } from '../settlement-for-tests.js';
import { seedStaticData } from '../trades/for-tests.js';

// Two at once about one fact: it is asked for once, and its owner hears of it once.

let database: TestDatabase;
let transactions: Transactions;
let settlement: ReturnType<typeof settlementForTests>;
let accounting: ReturnType<typeof accountingForTests>;

beforeAll(async () => {
  database = await createTestDatabase({ startsAt: '2026-11-25T09:00:00Z' });
  transactions = database.transactions('settlement');
  await seedStaticData(transactions);
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database.pool('owner').query('TRUNCATE settlement.fact_entry');
  settlement = settlementForTests(transactions);
  accounting = accountingForTests(database);
  await accounting.skipEarlier();
  await day('OPEN');
});

const all = async <T>(sql: string, params: unknown[] = []) =>
  (await database.pool('owner').query(sql, params)).rows as T[];
const day = (state: string) =>
  all(
    `UPDATE settlement.book_day SET business_date = '2026-11-25', state = $1, next_business_date = '2026-11-26' WHERE book_id = 'NGEU'`,
    [state],
  );
const fact = (key: string): EntryToPost => ({
  key,
  book: 'NGEU',
  kind: 'PAYMENT_RETURN',
  description: key,
  businessDate: '2026-11-25',
  valueDate: '2026-11-25',
  subject: { kind: 'PAYMENT', id: `pay_${key}` },
  postings: [
    { account: 'NOSTRO-EUR', asset: 'EUR', side: 'DEBIT', units: '1' },
    { account: 'C000001-CASH', asset: 'EUR', side: 'CREDIT', units: '1' },
  ],
});
const gate = () => {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
};
const waits = () =>
  waitFor(
    async () =>
      (
        await all<{ n: number }>(
          `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        )
      )[0]?.n === 1,
    { what: 'the second behind the first' },
  );
type Work<T> = Parameters<typeof transactions.run<T>>[0];
/** The second begins when the first has done its work, and the first ends (well or not) when the second waits for it. */
async function atOnce<T>(first: Work<T>, second: Work<T>, isFirstLost = false): Promise<[T | undefined, T]> {
  const [done, end] = [gate(), gate()];
  const earlier = transactions
    .run(async (tx) => {
      const answer = await first(tx);
      done.open();
      await end.opened;
      if (isFirstLost) throw new Error('the first is lost');
      return answer;
    })
    .catch((error: unknown) => {
      if (!isFirstLost) throw error;
      return undefined;
    });
  await Promise.race([done.opened, earlier]);
  const later = transactions.run(second);
  await waits();
  end.open();
  return Promise.all([earlier, later]);
}
const tells =
  (...keys: string[]): Work<void> =>
  (tx) =>
    settlement.ledger.postFacts(tx, keys.map(fact));
/** What the ledger was asked for. */
const asked = async () => {
  await accounting.answer();
  return accounting.entries.map(({ key }) => key).sort();
};
const states = () => all(`SELECT entry_key AS key, state FROM settlement.fact_entry ORDER BY 1`);

describe('two at once', () => {
  it('tell the same facts, in the other order: each is asked for once', async () => {
    await atOnce(tells('A', 'B', 'C'), tells('D', 'C', 'B', 'A'));
    expect(await asked()).toEqual(['A', 'B', 'C', 'D']);
  });

  it('tell the same fact, and the first is lost: the second asks for it', async () => {
    await atOnce(tells('A', 'B'), tells('B'), true);
    expect(await asked()).toEqual(['B']);
    expect(await states()).toEqual([{ key: 'B', state: 'REQUESTED' }]);
  });

  it('twenty tell the same facts, each in an order of its own', async () => {
    const keys = Array.from({ length: 30 }, (_, n) => `F-${String(n).padStart(2, '0')}`);
    const turned = (n: number) => [...keys.slice(n), ...keys.slice(0, n)];
    await Promise.all(
      Array.from({ length: 20 }, (_, n) => transactions.run(tells(...(n % 2 ? turned(n).reverse() : turned(n))))),
    );
    expect(await asked()).toEqual(keys);
  });

  it('open the date that facts wait for: each is asked for once', async () => {
    await day('CLOSED');
    await transactions.run(tells('A', 'B', 'C'));
    expect(await asked()).toEqual([]);
    await day('OPEN');
    const opens: Work<number> = (tx) => settlement.ledger.postWaiting(tx, 'NGEU', 500);
    expect(await atOnce(opens, opens)).toEqual([3, 0]);
    expect(await asked()).toEqual(['A', 'B', 'C']);
  });

  it('bring the word of the ledger: its owner hears it once, and what is booked stays so', async () => {
    await transactions.run(tells('A', 'B'));
    const words = await accounting.answer();
    const hears: Work<string[]> = async (tx) =>
      (await settlement.ledger.decided(tx, words)).map(({ key, outcome }) => `${key} ${outcome}`);
    expect(await atOnce(hears, hears)).toEqual([['A POSTED', 'B POSTED'], []]);
    expect(await states()).toEqual([
      { key: 'A', state: 'BOOKED' },
      { key: 'B', state: 'BOOKED' },
    ]);
    // Told once more, it is no new fact.
    await transactions.run(tells('A'));
    expect(await asked()).toEqual(['A', 'B']);
  });

  it('bring a refusal for the date: it is asked for once more, under one next key', async () => {
    await transactions.run(tells('A'));
    await asked();
    const refused = [
      {
        outcome: 'REFUSED' as const,
        key: 'A',
        subject: { kind: 'PAYMENT' as const, id: 'pay_A' },
        code: 'PERIOD_NOT_OPEN',
        message: 'not yet',
      },
    ];
    const hears: Work<unknown[]> = (tx) => settlement.ledger.decided(tx, refused);
    expect(await atOnce(hears, hears)).toEqual([[], []]);
    expect(await asked()).toEqual(['A', 'A:2']);
    expect(await all(`SELECT ledger_key, missed_dates FROM settlement.fact_entry`)).toEqual([
      { ledger_key: 'A:2', missed_dates: 1 },
    ]);
    await expect(transactions.run(tells('B', 'A:2'))).rejects.toThrow('A:2');
    expect(await states()).toEqual([{ key: 'A', state: 'REQUESTED' }]);
  });
});

describe('a date that closes', () => {
  it('while a fact is told waits for it, and the other way round the fact waits for the next date', async () => {
    const closes: Work<void> = async (tx) => {
      await tx.execute(`UPDATE settlement.book_day SET state = 'CLOSED' WHERE book_id = 'NGEU'`);
    };
    await atOnce(tells('A'), closes);
    expect(await asked()).toEqual(['A']);
    await day('OPEN');
    await atOnce(closes, tells('B'));
    expect(await asked()).toEqual(['A']);
    expect(await states()).toEqual([
      { key: 'A', state: 'REQUESTED' },
      { key: 'B', state: 'WAITING' },
    ]);
  });
});
