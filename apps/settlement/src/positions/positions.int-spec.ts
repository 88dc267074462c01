import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Transactions } from '#libs/database/index.js';
import { writeExchange } from '#libs/iso20022/index.js';
import { createTestDatabase, type TestDatabase } from '#libs/testing/index.js';
import { confirms } from '../instructions/for-tests.js';
import { accountingForTests, plainJob, settlementForTests } from '../settlement-for-tests.js';
import { tradeIdOf } from '../trades/capture.js';
import { goodLine, seedStaticData } from '../trades/for-tests.js';

let database: TestDatabase;
let transactions: Transactions;
let settlement: ReturnType<typeof settlementForTests>;

beforeAll(async () => {
  database = await createTestDatabase({ startsAt: '2026-11-25T10:00:00Z' });
  transactions = database.transactions('settlement');
  await seedStaticData(transactions);
  settlement = settlementForTests(transactions);
});
afterAll(() => database.drop());

const owner = (sql: string, params: unknown[] = []) => database.pool('owner').query(sql, params);
const capture = (...lines: Parameters<typeof goodLine>[0][]) =>
  transactions.run((tx) =>
    settlement.trades.capture(
      tx,
      lines.map((line) => goodLine(line)),
      { fileId: null, capturedBy: 'tester' },
    ),
  );
const positions = async () =>
  Object.fromEntries(
    (await transactions.run((tx) => settlement.positions.positions(tx, {}, 100))).map(
      ({ account, settled, pending, blocked, available, traded }) => [
        account,
        `settled ${settled}, pending ${pending}, blocked ${blocked}, available ${available}, traded ${traded}`,
      ],
    ),
  );

describe('positions', () => {
  it('count both clients of a trade in the house and every client of a block, before anything is instructed', async () => {
    await transactions.run((tx) =>
      settlement.positions.importHoldings(tx, [
        {
          account: 'C000001-SAFE',
          bookId: 'NGEU',
          isin: 'DE0007164600',
          quantityUnits: 20n,
          holdingDate: '2026-11-24',
          importId: 'imp',
        },
      ]),
    );
    await capture(
      {
        executionId: 'HOUSE',
        side: 'SELL',
        place: 'INTERNAL',
        counterparty: 'C000002',
        quantity: '3',
        amount: '304.50',
      },
      { executionId: 'BLOCK', block: 'Y' },
    );
    await owner(
      `INSERT INTO settlement.trade_allocation (trade_id, n, book_id, client_account, quantity_units, amount_minor)
       VALUES ($1, 1, 'NGEU', 'C000002', 3, 30450), ($1, 2, 'NGEU', 'C000003', 7, 71050)`,
      [tradeIdOf('OMS-EU', 'BLOCK')],
    );
    expect(await positions()).toEqual({
      'C000001-SAFE': 'settled 20, pending -3, blocked 3, available 17, traded 17',
      'C000002-SAFE': 'settled 0, pending 6, blocked 0, available 0, traded 6',
      'C000003-SAFE': 'settled 0, pending 7, blocked 0, available 0, traded 7',
    });
  });

  it('stay in whole units when a part of a block settles: what is settled and what is pending make what was allocated', async () => {
    await owner(`UPDATE settlement.trade SET state = 'AFFIRMED', is_confirmed = true, settlement_date = '2026-11-25'`);
    const before = await positions();
    const run = { book: 'NGEU', businessDate: '2026-11-25', barrierSequence: '1', phaseRunId: 'run_1', cycle: 1 };
    await settlement.day.runPhase({ ...run, phase: 'INSTRUCT' }, plainJob(transactions).job);
    // Instructing moves nothing: the same positions, now by the instructions.
    expect(await positions()).toEqual(before);
    const accounting = accountingForTests(database);
    await settlement.folders.prepare();
    mkdirSync(join(settlement.root, 'T2S', 'from'), { recursive: true });
    writeFileSync(
      join(settlement.root, 'T2S', 'from', 'in-1.xml'),
      writeExchange(
        [confirms('c1', 'BLOCK', '5', 50_750n)].map(({ id, type, document }) => ({ messageId: id, type, document })),
      ),
    );
    await settlement.reader.drain();
    const outcomes = await accounting.answer();
    expect(outcomes).toHaveLength(1);
    await transactions.run((tx) => settlement.answers.entriesDecided(tx, { batchId: 'batch', items: outcomes }));
    const rows = await transactions.run((tx) => settlement.positions.positions(tx, {}, 100));
    const of = (account: string) => rows.find((row) => row.account === account);
    expect(Number(of('C000002-SAFE')?.settled) + Number(of('C000003-SAFE')?.settled)).toBe(5);
    expect(of('C000002-SAFE')?.traded).toBe('6');
    expect(of('C000003-SAFE')?.traded).toBe('7');
    const { rows: broken } = await owner(
      `SELECT account, pending_units FROM settlement.position_movement WHERE pending_units <> trunc(pending_units)`,
    );
    expect(broken).toEqual([]);
  });
});
