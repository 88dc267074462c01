import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Transactions } from '#libs/database/index.js';
import { makeIban } from '#libs/identifiers/index.js';
import { createTestDatabase, type TestDatabase, waitFor } from '#libs/testing/index.js';
import { accountingForTests, settlementForTests } from '../settlement-for-tests.js';
import { seedStaticData } from '../trades/for-tests.js';
import { paymentIdOf } from './payment.js';

let database: TestDatabase;
let transactions: Transactions;
let settlement: ReturnType<typeof settlementForTests>;
let decide: () => string | undefined = () => undefined;
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
  accounting = accountingForTests(database, () => {
    const code = decide();
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
function gate() {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
}
/** Whether so many transactions of this database wait for a lock. */
const waiting = async (n: number) =>
  (
    await all<{ n: number }>(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    )
  )[0]?.n === n;
const states = () =>
  all(
    `SELECT end_to_end_id AS id, status, batch_message_id IS NOT NULL AS sent, late_hit AS hit FROM settlement.payment ORDER BY 1`,
  );
const work = () =>
  all<{ id: string; kind: string; category: string; state: string; alert: string }>(
    `SELECT reference AS id, kind, category, state, reason_code AS alert FROM settlement.work_item ORDER BY 1, 2, 5`,
  );
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

  it('goes on when the last of its hits is released, and never when one is confirmed', async () => {
    await submit('A', 'B', 'C');
    await screened('CLEAR', '0', 'A', 'B', 'C');
    await screened('HIT', '1', 'A', 'B', 'C');
    await screened('HIT', '2', 'A', 'B', 'C');
    await booked();
    await decided('A', 'RELEASED', '2');
    await decided('B', 'CONFIRMED', '1');
    await decided('B', 'RELEASED', '2');
    await decided('C', 'CONFIRMED', '2');
    await decided('C', 'RELEASED', '1');
    const hits = [{ hit: 'OPEN' }, { hit: 'CONFIRMED' }, { hit: 'CONFIRMED' }];
    expect(await states()).toMatchObject(hits.map((one) => ({ ...one, sent: false })));
    expect((await work()).filter(({ state }) => state === 'OPEN').map(({ alert }) => alert)).toEqual([
      'alr_1_A',
      'alr_1_B',
      'alr_2_C',
    ]);
    await decided('A', 'RELEASED', '1');
    await screened('HIT', '1', 'A');
    expect(await states()).toMatchObject([
      { hit: 'RELEASED', sent: true },
      { hit: 'CONFIRMED', sent: false },
      { hit: 'CONFIRMED', sent: false },
    ]);
    // Another hit on what is confirmed changes nothing, whatever becomes of it.
    await screened('HIT', '3', 'B');
    await decided('B', 'RELEASED', '3');
    expect((await states())[1]).toMatchObject({ hit: 'CONFIRMED', sent: false });
  });

  it('holds it as well while it is held for another, whichever is decided first', async () => {
    await submit('A', 'B', 'C');
    await screened('HIT', '1', 'A', 'B', 'C');
    await screened('HIT', '2', 'A', 'B', 'C');
    await decided('A', 'RELEASED', '1');
    await decided('A', 'RELEASED', 'never told');
    await decided('B', 'RELEASED', '2');
    await decided('C', 'RELEASED', '1');
    await decided('C', 'CONFIRMED', '2');
    expect(await states()).toMatchObject([{ status: 'HELD' }, { status: 'HELD' }, { status: 'STOPPED' }]);
    expect(await all(`SELECT alert_id AS alert FROM settlement.payment ORDER BY end_to_end_id`)).toEqual([
      { alert: 'alr_2_A' },
      { alert: 'alr_1_B' },
      { alert: 'alr_2_C' },
    ]);
    await decided('A', 'RELEASED', '2');
    await decided('B', 'RELEASED', '1');
    await booked();
    expect(await states()).toMatchObject([
      { status: 'BOOKED', sent: true },
      { status: 'BOOKED', sent: true },
      { status: 'STOPPED', sent: false },
    ]);
  });

  it('that is being told while it is sent is before the sending, or after it', async () => {
    await submit('A', 'B');
    await screened('CLEAR', '0', 'A', 'B');
    decide = () => undefined;
    const items = await accounting.answer();
    const sends = () => transactions.run((tx) => settlement.answers.entriesDecided(tx, { batchId: 'b', items }));
    // The hit has its payment locked; who sends waits for it, and leaves the payment here.
    const [hitTold, goOn] = [gate(), gate()];
    const hit = transactions.run(async (tx) => {
      await settlement.paymentRows.addHits(tx, [{ paymentId: idOf('A'), alertId: 'alr_1_A' }]);
      await settlement.paymentRows.markLateHits(tx, [idOf('A')]);
      hitTold.open();
      await goOn.opened;
    });
    await hitTold.opened;
    const sent = sends();
    await waitFor(() => waiting(1), { what: 'the sender behind the hit' });
    goOn.open();
    await Promise.all([hit, sent]);
    expect(await states()).toEqual([
      { id: 'A', status: 'BOOKED', sent: false, hit: 'OPEN' },
      { id: 'B', status: 'BOOKED', sent: true, hit: null },
    ]);
    expect(await all(`SELECT was_sent FROM settlement.payment_hit`)).toEqual([{ was_sent: false }]);
    // The other way round the hit finds the payment gone.
    const [isSent, commit] = [gate(), gate()];
    await decided('A', 'RELEASED');
    await submit('C');
    await screened('CLEAR', '0', 'C');
    const later = await accounting.answer();
    const sending = transactions.run(async (tx) => {
      await settlement.answers.entriesDecided(tx, { batchId: 'c', items: later });
      isSent.open();
      await commit.opened;
    });
    await isSent.opened;
    const tooLate = screened('HIT', '1', 'C');
    await waitFor(() => waiting(1), { what: 'the hit behind the sender' });
    commit.open();
    await Promise.all([sending, tooLate]);
    expect((await states())[2]).toEqual({ id: 'C', status: 'BOOKED', sent: true, hit: 'OPEN' });
    expect((await work()).at(-1)).toMatchObject({ id: 'C', kind: 'HIT_AFTER_SENDING' });
  });

  it('two that send at once send each payment once', async () => {
    const names = Array.from({ length: 40 }, (_, n) => `P-${String(n).padStart(2, '0')}`);
    await submit(...names);
    await screened('CLEAR', '0', ...names);
    await screened('HIT', '1', ...names);
    await booked();
    await all(`UPDATE settlement.payment_hit SET state = 'RELEASED', decided_at = now()`);
    await all(`UPDATE settlement.payment SET late_hit = 'RELEASED'`);
    const send = () => transactions.run((tx) => settlement.agentPayments.sendBooked(tx, 30));
    const counts = await Promise.all([send(), send(), send()]);
    expect(counts.reduce((sum, n) => sum + n, 0)).toBe(40);
    const told = [...(await written()).matchAll(/<EndToEndId>(.*?)</g)].map(([, id]) => id);
    expect(told.sort()).toEqual(names);
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
    await expect(attack(`UPDATE settlement.payment_hit SET state = 'RELEASED'`)).rejects.toThrow('is CONFIRMED');
    await expect(attack(`UPDATE settlement.payment_hit SET was_sent = true`)).rejects.toThrow('permission denied');
    await expect(attack(`DELETE FROM settlement.payment_hit`)).rejects.toThrow('permission denied');
    const hit = (name: string, state: string) =>
      attack(
        `INSERT INTO settlement.payment_hit (payment_id, alert_id, book_id, state, is_late, was_sent, after_sequence, decided_at)
         VALUES ('${idOf(name)}', 'alr_9', 'NGUS', '${state}', true, true, 0, CASE WHEN '${state}' <> 'OPEN' THEN now() END)`,
      );
    await submit('B');
    await expect(hit('B', 'RELEASED')).rejects.toThrow('begins open');
    // What the row says of the payment is what the database saw.
    await hit('B', 'OPEN');
    expect(await all(`SELECT book_id, is_late, was_sent FROM settlement.payment_hit WHERE alert_id = 'alr_9'`)).toEqual(
      [{ book_id: 'NGEU', is_late: false, was_sent: false }],
    );
    await attack(`UPDATE settlement.payment SET status = 'READY' WHERE end_to_end_id = 'B'`);
    await expect(attack(`UPDATE settlement.payment SET status = 'BOOKING' WHERE end_to_end_id = 'B'`)).rejects.toThrow(
      '(alr_9) and is not booked',
    );
    await attack(`UPDATE settlement.payment SET status = 'HELD' WHERE end_to_end_id = 'B'`);
    await expect(attack(`UPDATE settlement.payment SET status = 'READY' WHERE end_to_end_id = 'B'`)).rejects.toThrow(
      '(alr_9) and is not released',
    );
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
