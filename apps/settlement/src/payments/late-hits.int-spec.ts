import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Transactions } from '#libs/database/index.js';
import { makeIban } from '#libs/identifiers/index.js';
import { createTestDatabase, type TestDatabase } from '#libs/testing/index.js';
import { accountingForTests, settlementForTests } from '../settlement-for-tests.js';
import { seedStaticData } from '../trades/for-tests.js';
import { paymentIdOf } from './payment.js';

let database: TestDatabase;
let transactions: Transactions;
let settlement: ReturnType<typeof settlementForTests>;
let decide: (description: string) => string | undefined = () => undefined;
let accounting: ReturnType<typeof accountingForTests>;
const source = 'TEST';

beforeAll(async () => {
  database = await createTestDatabase({ startsAt: '2026-11-25T09:00:00Z' });
  transactions = database.transactions('settlement');
  await seedStaticData(transactions);
  await database
    .pool('owner')
    .query(
      `UPDATE settlement.book_day SET business_date = '2026-11-25', state = 'OPEN', next_business_date = '2026-11-26' WHERE book_id = 'NGEU'`,
    );
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database
    .pool('owner')
    .query(
      'TRUNCATE settlement.payment, settlement.payment_status_history, settlement.work_item, settlement.hold_decision, settlement.exchange_message CASCADE',
    );
  settlement = settlementForTests(transactions);
  decide = () => undefined;
  accounting = accountingForTests(database, ({ description }) => {
    const code = decide(description);
    return code === undefined ? undefined : { code };
  });
  await accounting.skipEarlier();
});

const all = async <T>(sql: string, params: unknown[] = []) =>
  (await database.pool('owner').query(sql, params)).rows as T[];
const idOf = (name: string) => paymentIdOf(source, name);
const submit = (...names: string[]) =>
  transactions.run((tx) =>
    settlement.payments.submit(
      tx,
      names.map((endToEndId) => ({
        endToEndId,
        debtorAccount: 'C000001-CASH',
        creditorName: 'Anna Muster',
        creditorIban: makeIban('DE', '370400440532013000'),
        amount: '10.00',
        currency: 'EUR',
      })),
      { source, submittedBy: 'tester', fileId: null },
    ),
  );
const screened = (outcome: 'HIT' | 'CLEAR', alert: string, ...names: string[]) =>
  transactions.run((tx) =>
    settlement.answers.screened(tx, {
      batchId: 'b',
      items: names.map((name) => ({
        objectKind: 'PAYMENT' as const,
        objectId: idOf(name),
        outcome,
        screeningId: `scr_${alert}_${name}`,
        listVersionId: 'lst_2',
        ...(outcome === 'HIT' ? { alertId: `alr_${alert}_${name}` } : {}),
      })),
    }),
  );
const decided = (name: string, decision: 'RELEASED' | 'CONFIRMED', alert = '1') =>
  transactions.run((tx) =>
    settlement.answers.decided(tx, {
      alertId: `alr_${alert}_${name}`,
      objectKind: 'PAYMENT',
      objectId: idOf(name),
      decision,
      decidedBy: 'bob',
    }),
  );
async function booked() {
  const items = await accounting.answer();
  if (items.length > 0) await transactions.run((tx) => settlement.answers.entriesDecided(tx, { batchId: 'b', items }));
}
const states = () =>
  all(
    `SELECT end_to_end_id AS id, status, batch_message_id IS NOT NULL AS sent, late_hit AS hit FROM settlement.payment ORDER BY 1`,
  );
const work = () =>
  all(`SELECT reference AS id, kind, category, state, reason_code AS alert FROM settlement.work_item ORDER BY 1, 2, 5`);
async function written() {
  await settlement.writer.writeAll();
  const folder = join(settlement.root, 'AGENT-EUR', 'to');
  if (!existsSync(folder)) return '';
  return readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('');
}

describe('a hit on a payment that is past its hold', () => {
  it('stops it before it leaves, and a person has it; only what is released leaves', async () => {
    await submit('A', 'B', 'C');
    await screened('CLEAR', '0', 'A', 'B', 'C');
    await screened('HIT', '1', 'A', 'B');
    await screened('HIT', '1', 'A', 'B');
    await booked();
    expect(await states()).toEqual([
      { id: 'A', status: 'BOOKED', sent: false, hit: 'OPEN' },
      { id: 'B', status: 'BOOKED', sent: false, hit: 'OPEN' },
      { id: 'C', status: 'BOOKED', sent: true, hit: null },
    ]);
    const open = { kind: 'HIT_BEFORE_SENDING', category: 'OTHER', state: 'OPEN' };
    expect(await work()).toEqual([
      { id: 'A', ...open, alert: 'alr_1_A' },
      { id: 'B', ...open, alert: 'alr_1_B' },
    ]);
    await decided('A', 'CONFIRMED', 'other');
    await decided('A', 'RELEASED');
    await decided('B', 'CONFIRMED');
    await screened('HIT', '1', 'A', 'B');
    expect(await states()).toEqual([
      { id: 'A', status: 'BOOKED', sent: true, hit: 'RELEASED' },
      { id: 'B', status: 'BOOKED', sent: false, hit: 'CONFIRMED' },
      { id: 'C', status: 'BOOKED', sent: true, hit: null },
    ]);
    expect(await work()).toEqual([
      { id: 'A', ...open, state: 'CLOSED', alert: 'alr_1_A' },
      { id: 'B', ...open, alert: 'alr_1_B' },
    ]);
    const sent = await written();
    expect([...sent.matchAll(/<EndToEndId>(.)</g)].map(([, id]) => id).sort()).toEqual(['A', 'C']);
  });

  it('asks for what has left to be called back', async () => {
    await submit('A', 'B');
    await screened('CLEAR', '0', 'A', 'B');
    await booked();
    await transactions.run((tx) =>
      tx.execute(`UPDATE settlement.payment SET status = 'EXECUTED' WHERE end_to_end_id = 'B'`),
    );
    await screened('HIT', '1', 'A', 'B');
    const open = { kind: 'HIT_AFTER_SENDING', category: 'CANCELLATION', state: 'OPEN' };
    expect(await work()).toEqual([
      { id: 'A', ...open, alert: 'alr_1_A' },
      { id: 'B', ...open, alert: 'alr_1_B' },
    ]);
    await decided('A', 'RELEASED');
    expect(await work()).toMatchObject([
      { id: 'A', state: 'CLOSED' },
      { id: 'B', state: 'OPEN' },
    ]);
  });

  it('holds what the ledger gives back because its date closed', async () => {
    await submit('A', 'B');
    await screened('CLEAR', '0', 'A', 'B');
    await screened('HIT', '1', 'A', 'B');
    await decided('B', 'CONFIRMED');
    decide = () => 'PERIOD_CLOSED';
    await booked();
    expect(await states()).toMatchObject([
      { id: 'A', status: 'HELD' },
      { id: 'B', status: 'STOPPED' },
    ]);
  });

  it('is kept by the database, whoever sends', async () => {
    await submit('A');
    await screened('CLEAR', '0', 'A');
    await screened('HIT', '1', 'A');
    await booked();
    const attack = (sql: string) => transactions.run((tx) => tx.execute(sql));
    await expect(attack(`UPDATE settlement.payment SET batch_message_id = 'm'`)).rejects.toThrow('is not sent');
    await expect(attack(`UPDATE settlement.payment SET late_hit = NULL, late_alert_id = NULL`)).rejects.toThrow(
      'the hit alr_1_A',
    );
    await decided('A', 'CONFIRMED');
    await expect(attack(`UPDATE settlement.payment SET late_hit = 'RELEASED'`)).rejects.toThrow('is CONFIRMED');
  });

  it('no cycle stands without its watermarks', async () => {
    const begin = (watermark: string, history: string) =>
      transactions.run((tx) =>
        tx.execute(
          `INSERT INTO settlement.day_phase (phase_run_id, book_id, business_date, phase, cycle, barrier_sequence, screening_watermark, history_watermark)
           VALUES ('run_x', 'NGEU', '2026-11-25', 'SETTLE', 1, '1', ${watermark}, ${history})`,
        ),
      );
    for (const [watermark, history] of [
      ['NULL', '1'],
      [`'1'`, 'NULL'],
    ] as const)
      await expect(begin(watermark, history)).rejects.toThrow('day_phase_cycle_has_watermarks');
    await begin(`'1'`, '1');
    await expect(
      transactions.run((tx) => tx.execute(`UPDATE settlement.day_phase SET screening_watermark = NULL`)),
    ).rejects.toThrow('day_phase_cycle_has_watermarks');
  });
});
