import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Transactions } from '#libs/database/index.js';
import { createTestDatabase, type TestDatabase } from '#libs/testing/index.js';
import { plainJob, settlementForTests } from '../settlement-for-tests.js';
import { seedStaticData } from '../trades/for-tests.js';

let database: TestDatabase;
let transactions: Transactions;
let settlement: ReturnType<typeof settlementForTests>;

beforeAll(async () => {
  database = await createTestDatabase({ startsAt: '2026-11-25T06:00:00Z' });
  transactions = database.transactions('settlement');
  await seedStaticData(transactions);
  await all(
    `UPDATE settlement.book_day SET business_date = '2026-11-25', state = 'OPEN', next_business_date = '2026-11-26' WHERE book_id = 'NGEU'`,
  );
  settlement = settlementForTests(transactions);
  await settlement.folders.prepare();
});
afterAll(() => database.drop());

const all = async <T>(sql: string) => (await database.pool('owner').query(sql)).rows as T[];
const expects = (businessDate: string) =>
  all(`INSERT INTO settlement.expected_file (book_id, business_date, kind, qualifier, local_time, zone, due_at, late_from)
       VALUES ('NGEU', '${businessDate}', 'SANCTIONS_LIST', '', '07:00', 'UTC', '${businessDate}T07:00:00Z', '${businessDate}T07:00:00Z')`);
const comes = (listVersionId: string, at: string) =>
  transactions.run((tx) => settlement.expected.listCame(tx, { listVersionId, at: new Date(at) }));
async function cycle(n: number): Promise<string | null | undefined> {
  await settlement.day.runPhase(
    {
      phaseRunId: `run_${n}`,
      book: 'NGEU',
      businessDate: '2026-11-25',
      phase: 'SETTLE',
      cycle: n,
      barrierSequence: '1',
    },
    plainJob(transactions).job,
  );
  const [row] = await all<{ list: string | null }>(
    `SELECT list_version_id AS list FROM settlement.day_phase WHERE phase_run_id = 'run_${n}'`,
  );
  return row?.list;
}

describe('the list that a cycle names', () => {
  it('is the one in force when it began, also when two came in a day', async () => {
    await expects('2026-11-25');
    await comes('lst_1', '2026-11-25T06:30:00Z');
    expect(await cycle(1)).toBe('lst_1');
    await comes('lst_2', '2026-11-25T12:00:00Z');
    expect(await cycle(2)).toBe('lst_2');
    // What was begun keeps its list, and the file was in time when the first of them came.
    expect(await all(`SELECT cycle, list_version_id AS list FROM settlement.day_phase ORDER BY cycle`)).toEqual([
      { cycle: 1, list: 'lst_1' },
      { cycle: 2, list: 'lst_2' },
    ]);
    expect(await all(`SELECT is_late, arrived_at FROM settlement.expected_file`)).toEqual([
      { is_late: false, arrived_at: new Date('2026-11-25T06:30:00Z') },
    ]);
    // The next date waits for a list of its own, and until it comes the last one is in force.
    await expects('2026-11-26');
    expect(await cycle(3)).toBe('lst_2');
    await comes('lst_3', '2026-11-26T06:30:00Z');
    expect(await cycle(4)).toBe('lst_3');
    await comes('lst_4', '2026-11-26T07:30:00Z');
    expect(await cycle(5)).toBe('lst_4');
  });
});
