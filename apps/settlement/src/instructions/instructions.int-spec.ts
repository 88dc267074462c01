import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Transactions } from '#libs/database/index.js';
import { readHoldRequest, writeExchange } from '#libs/iso20022/index.js';
import { createTestDatabase, type TestDatabase } from '#libs/testing/index.js';
import { type RawTradeLine } from '../trades/trade-line.js';
import { seedStaticData } from '../trades/for-tests.js';
import { tradeIdOf } from '../trades/capture.js';
import { accountingForTests, plainJob, settlementForTests } from '../settlement-for-tests.js';
import { advice, affirmTrades, confirms, idOf, instructionsSentTo, sentTo, statusOf } from './for-tests.js';

let database: TestDatabase;
let transactions: Transactions;
let settlement: ReturnType<typeof settlementForTests>;

beforeAll(async () => {
  database = await createTestDatabase({ startsAt: '2026-11-25T10:00:00Z' });
  transactions = database.transactions('settlement');
  await seedStaticData(transactions);
});
afterAll(() => database.drop());
/** Every change stands in the audit log by a leaf of the transaction that made it. */
afterEach(async () => {
  const uncovered = await all<{ id: string }>(
    `SELECT DISTINCT h.instruction_id AS id FROM settlement.instruction_status_history h
      WHERE NOT EXISTS (SELECT 1 FROM settlement.audit_leaf l WHERE l.object_kind = 'INSTRUCTION' AND l.object_id = h.instruction_id AND l.xmin = h.xmin)
      UNION ALL
     SELECT p.entry_key FROM settlement.instruction_settlement p
      WHERE NOT EXISTS (SELECT 1 FROM settlement.audit_leaf l WHERE l.object_kind = 'INSTRUCTION' AND l.object_id = p.instruction_id AND l.xmin = p.xmin)`,
  );
  expect(uncovered).toEqual([]);
});
beforeEach(async () => {
  await database.pool('owner').query(`
    TRUNCATE settlement.trade, settlement.trade_version, settlement.trade_allocation, settlement.trade_confirmation, settlement.trade_state_history,
      settlement.instruction, settlement.instruction_status_history, settlement.instruction_settlement, settlement.day_phase, settlement.party_hold,
      settlement.hold_request, settlement.instruction_release, settlement.confirmation_excess, settlement.fact_entry, settlement.exchange_file, settlement.exchange_message, settlement.work_item CASCADE`);
  settlement = settlementForTests(transactions);
});

const all = async <T>(sql: string, params: unknown[] = []) =>
  (await database.pool('owner').query(sql, params)).rows as T[];
const run = { book: 'NGEU', businessDate: '2026-11-25', barrierSequence: '1' };
let phases = 0;
async function phase(name: string, cycle = 1) {
  const { job, finished } = plainJob(transactions);
  await settlement.day.runPhase({ ...run, phaseRunId: `run_${(phases += 1)}`, phase: name as 'SETTLE', cycle }, job);
  expect(finished).toEqual(['finished']);
}
const affirmed = (...lines: Partial<RawTradeLine>[]) => affirmTrades(database, transactions, settlement.trades, lines);
const dueToday = (executionId: string) =>
  database
    .pool('owner')
    .query(`UPDATE settlement.trade SET settlement_date = '2026-11-25' WHERE execution_id = $1`, [executionId]);
const sent = (channel: string) => sentTo(settlement.root, channel);
const instructionsSent = (channel: string) => instructionsSentTo(settlement.root, channel);
let files = 0;
async function place(
  channel: string,
  documents: { id: string; type: string; document: string }[],
  name = `in-${String((files += 1)).padStart(4, '0')}.xml`,
) {
  await settlement.folders.prepare();
  const { writeFileSync } = await import('node:fs');
  writeFileSync(
    join(settlement.root, channel, 'from', name),
    writeExchange(documents.map(({ id, type, document }) => ({ messageId: id, type, document }))),
  );
  await settlement.reader.drain();
}
const status = (executionId: string) => statusOf(database, executionId);
const answer = async (accounting: ReturnType<typeof accountingForTests>) => {
  const outcomes = await accounting.answer();
  if (outcomes.length > 0)
    await transactions.run((tx) => settlement.answers.entriesDecided(tx, { batchId: 'batch', items: outcomes }));
  return outcomes.length;
};

describe('at an external place', () => {
  it('instructs affirmed trades, due and future, and has the files in the folder when the phase ends', async () => {
    await affirmed({ executionId: 'E-1' }, { executionId: 'E-2', side: 'SELL' });
    await dueToday('E-1');
    await phase('INSTRUCT');
    await phase('INSTRUCT');
    const documents = instructionsSent('T2S').sort((a, b) => a.tradeId.localeCompare(b.tradeId));
    expect(
      documents.map(({ tradeId, direction, quantity, amount, settlementDate }) => [
        tradeId,
        direction,
        quantity.text,
        amount?.amountMinor,
        settlementDate,
      ]),
    ).toEqual([
      ['E-1', 'RECE', '10', 101_500n, '2026-11-25'],
      ['E-2', 'DELI', '10', 101_500n, '2026-11-27'],
    ]);
    expect(await status('E-1')).toMatchObject({ p: 'SENT', m: 'NONE', s: 'PENDING' });
    expect(
      (await all<{ state: string }>('SELECT state FROM settlement.trade ORDER BY execution_id')).map(
        ({ state }) => state,
      ),
    ).toEqual(['INSTRUCTED', 'INSTRUCTED']);
  });

  it('follows the place, books what it confirms, and settles only when it is booked', async () => {
    const accounting = accountingForTests(database);
    await accounting.skipEarlier();
    await affirmed({ executionId: 'E-1' }, { executionId: 'E-2' }, { executionId: 'E-3' });
    for (const id of ['E-1', 'E-2', 'E-3']) await dueToday(id);
    await phase('INSTRUCT');
    await place('T2S', [
      advice('a1', { transactionId: idOf('E-1'), processing: { status: 'ACCEPTED' }, matching: { status: 'MATCHED' } }),
      advice('a2', {
        transactionId: idOf('E-2'),
        processing: { status: 'ACCEPTED' },
        matching: { status: 'UNMATCHED', reason: 'CMIS' },
      }),
      advice('a3', { transactionId: idOf('E-3'), processing: { status: 'REJECTED', reason: 'SAFE' } }),
    ]);
    expect(await status('E-2')).toMatchObject({ p: 'ACCEPTED', m: 'UNMATCHED', r: 'CMIS' });
    expect(await status('E-3')).toMatchObject({ p: 'REJECTED', r: 'SAFE' });
    // Within the tolerance of the market: the deliverer's amount is the fact.
    await place('T2S', [confirms('c1', 'E-1', '10', 101_499n)]);
    expect(await status('E-1')).toMatchObject({ s: 'PENDING', q: '0' });
    expect(await answer(accounting)).toBe(1);
    expect(await status('E-1')).toMatchObject({ s: 'SETTLED', q: '10', a: '101499' });
    expect(accounting.entries[0]).toMatchObject({
      event: { kind: 'SETTLEMENT', facts: { direction: 'RECEIVED', execution: 'E-1', place: 'T2S' } },
      forced: { reason: 'confirmed by T2S' },
      subject: { kind: 'INSTRUCTION', id: idOf('E-1') },
    });
    expect(
      (await all<{ state: string }>(`SELECT state FROM settlement.trade WHERE execution_id = 'E-1'`))[0]?.state,
    ).toBe('SETTLED');
    await phase('FAIL_SNAPSHOT');
    await phase('FAIL_SNAPSHOT');
    const items = await all<{ category: string; reference: string; reason_code: string }>(
      `SELECT category, reference, reason_code FROM settlement.work_item WHERE state = 'OPEN' ORDER BY reference`,
    );
    expect(items).toEqual([
      { category: 'UNMATCHED', reference: 'E-2', reason_code: 'CMIS' },
      { category: 'UNMATCHED', reference: 'E-3', reason_code: 'SAFE' },
    ]);
  });

  it('settles in parts, keeps the reason of the rest, and fails what waits past its date', async () => {
    const accounting = accountingForTests(database);
    await accounting.skipEarlier();
    await affirmed({ executionId: 'E-1' }, { executionId: 'E-2' });
    for (const id of ['E-1', 'E-2']) await dueToday(id);
    await phase('INSTRUCT');
    const matched = (id: string, executionId: string) =>
      advice(id, {
        transactionId: idOf(executionId),
        processing: { status: 'ACCEPTED' },
        matching: { status: 'MATCHED' },
      });
    await place('T2S', [matched('a1', 'E-1'), matched('a2', 'E-2')]);
    await place('T2S', [
      confirms('c1', 'E-1', '4', 40_600n, { partial: 'PAIN' }),
      advice('p1', { transactionId: idOf('E-1'), settlement: { status: 'PENDING', reason: 'CLAC' } }),
      advice('p2', { transactionId: idOf('E-2'), settlement: { status: 'PENDING', reason: 'LACK' } }),
    ]);
    await answer(accounting);
    expect(await status('E-1')).toMatchObject({ s: 'PARTIAL', r: 'CLAC', q: '4', a: '40600' });
    // The book works by these days and this clock: the 26th is no business day of it.
    const told = { book: 'NGEU', businessDate: '2026-11-25', state: 'OPEN' as const, nextBusinessDate: '2026-11-27' };
    await transactions.run((tx) =>
      settlement.bookDays.announce(tx, { ...told, calendar: 'DTC', zone: 'America/New_York' }),
    );
    await phase('FAIL_SNAPSHOT');
    expect(await all(`SELECT DISTINCT due_at AS due FROM settlement.work_item WHERE state = 'OPEN'`)).toEqual([
      { due: new Date('2026-11-27T15:00:00Z') },
    ]);
    expect(await status('E-2')).toMatchObject({ s: 'FAILING', r: 'LACK' });
    expect(
      await all(`SELECT category, reference FROM settlement.work_item WHERE state = 'OPEN' ORDER BY reference`),
    ).toEqual([
      { category: 'PARTIAL', reference: 'E-1' },
      { category: 'FAIL', reference: 'E-2' },
    ]);
    await place('T2S', [
      confirms('c2', 'E-1', '6', 60_900n, { partial: 'PARC' }),
      confirms('c3', 'E-2', '10', 101_500n),
    ]);
    await answer(accounting);
    expect([await status('E-1'), await status('E-2')]).toMatchObject([
      { s: 'SETTLED', q: '10', a: '101500', r: null },
      { s: 'SETTLED', r: null },
    ]);
    expect(await all(`SELECT 1 FROM settlement.work_item WHERE state = 'OPEN'`)).toEqual([]);
    const [history] = await all<{ steps: string[] }>(
      `SELECT array_agg(to_status || coalesce(':' || reason_code, '') ORDER BY sequence) AS steps FROM settlement.instruction_status_history WHERE instruction_id = $1 AND process = 'SETTLEMENT'`,
      [idOf('E-2')],
    );
    expect(history?.steps).toEqual(['PENDING', 'PENDING:LACK', 'FAILING:LACK', 'SETTLED']);
  });

  it('a block goes to the clients behind it, in one entry', async () => {
    const accounting = accountingForTests(database);
    await accounting.skipEarlier();
    await affirmed({ executionId: 'E-1', block: 'Y' });
    await database
      .pool('owner')
      .query(
        `INSERT INTO settlement.trade_allocation (trade_id, n, book_id, client_account, quantity_units, amount_minor) VALUES ($1, 1, 'NGEU', 'C000002', 4, 40600), ($1, 2, 'NGEU', 'C000003', 6, 60900)`,
        [tradeIdOf('OMS-EU', 'E-1')],
      );
    await dueToday('E-1');
    await phase('INSTRUCT');
    await place('T2S', [confirms('c1', 'E-1', '10', 101_500n)]);
    await answer(accounting);
    expect(accounting.entries[0]?.event).toEqual({
      kind: 'SETTLEMENT',
      facts: {
        direction: 'RECEIVED',
        execution: 'E-1',
        place: 'T2S',
        depot: 'DEPOT-T2S',
        instrument: 'DE0007164600',
        nostro: 'NOSTRO-EUR',
        currency: 'EUR',
        quantity: '10',
        amount: '101500',
        shares: [
          { safe: 'C000002-SAFE', cash: 'C000002-CASH', quantity: '4', amount: '40600' },
          { safe: 'C000003-SAFE', cash: 'C000003-CASH', quantity: '6', amount: '60900' },
        ],
      },
    });
    expect(await status('E-1')).toMatchObject({ s: 'SETTLED' });
    const positions = await transactions.run((tx) => settlement.positions.positions(tx, { account: 'C000003' }, 10));
    expect(positions).toMatchObject([{ account: 'C000003-SAFE', settled: '6', pending: '0', available: '6' }]);
  });

  it('a confirmation that is wrong is not booked and is asked about', async () => {
    const accounting = accountingForTests(database);
    await accounting.skipEarlier();
    await affirmed({ executionId: 'E-1' });
    await phase('INSTRUCT');
    await place('T2S', [
      confirms('c1', 'E-1', '5', 1n, { direction: 'DELI' }),
      confirms('c2', 'E-1', '5', 1n, { isin: 'US0378331005' }),
      confirms('c3', 'X-unknown', '5', 1n),
    ]);
    expect(await answer(accounting)).toBe(0);
    const refused = await all<{ message_id: string; problems: { code: string }[] }>(
      `SELECT message_id, problems FROM settlement.exchange_message WHERE state = 'REFUSED' ORDER BY message_id`,
    );
    expect(refused.map(({ problems }) => problems[0]?.code)).toEqual([
      'OTHER_DIRECTION',
      'OTHER_INSTRUMENT',
      'UNKNOWN_INSTRUCTION',
    ]);
    expect(await all(`SELECT count(*)::int AS n FROM settlement.work_item WHERE state = 'OPEN'`)).toEqual([{ n: 3 }]);
  });

  it('what is confirmed above the instruction is booked too: to suspense, with somebody to ask whose it is', async () => {
    const accounting = accountingForTests(database);
    await accounting.skipEarlier();
    await affirmed({ executionId: 'E-1' }, { executionId: 'E-2', side: 'SELL' });
    for (const id of ['E-1', 'E-2']) await dueToday(id);
    await phase('INSTRUCT');
    await place('T2S', [
      confirms('c1', 'E-1', '4', 40_600n, { partial: 'PAIN' }),
      confirms('c2', 'E-1', '8', 81_200n),
      // The same place says it once more, as another message: all of it is too much.
      confirms('c3', 'E-1', '1', 0n),
      confirms('c4', 'E-2', '12', 101_500n, { direction: 'DELI' }),
    ]);
    expect(await all(`SELECT 1 FROM settlement.exchange_message WHERE state = 'REFUSED'`)).toEqual([]);
    expect(await answer(accounting)).toBe(6);
    const share = (quantity: string, amount: string) => ({
      quantity,
      amount,
      shares: [{ safe: 'C000001-SAFE', cash: 'C000001-CASH', quantity, amount }],
    });
    const fact = { reason: 'confirmed by T2S' };
    const above = { reason: 'confirmed by T2S above the instruction' };
    const received = { direction: 'RECEIVED', execution: 'E-1' };
    const delivered = { direction: 'DELIVERED', execution: 'E-2' };
    const cases = [
      ['SETTLEMENT', fact, { ...received, ...share('4', '40600') }],
      ['SETTLEMENT', fact, { ...received, ...share('6', '60900') }],
      ['SETTLEMENT_EXCESS', above, { ...received, quantity: '2', amount: '20300' }],
      ['SETTLEMENT_EXCESS', above, { ...received, quantity: '1', amount: '0' }],
      ['SETTLEMENT', fact, { ...delivered, ...share('10', '101500') }],
      ['SETTLEMENT_EXCESS', above, { ...delivered, quantity: '2', amount: '0' }],
    ] as const;
    expect(accounting.entries).toMatchObject(
      cases.map(([kind, forced, facts]) => ({ forced, event: { kind, facts } })),
    );
    expect(accounting.entries.map(({ key }) => key.split(':')[0])).toEqual(
      cases.map(([kind]) => (kind === 'SETTLEMENT' ? 'settle' : 'excess')),
    );
    expect(await status('E-1')).toMatchObject({ s: 'SETTLED', q: '10', a: '101500' });
    expect(await status('E-2')).toMatchObject({ s: 'SETTLED', q: '10', a: '101500' });
    // A confirmation of what has settled is a fact as well.
    await place('T2S', [confirms('c5', 'E-1', '10', 101_500n)]);
    await answer(accounting);
    expect(
      await all(
        `SELECT message_id AS id, state, quantity_units AS q, amount_minor AS a FROM settlement.confirmation_excess ORDER BY message_id`,
      ),
    ).toEqual([
      { id: 'c2', state: 'BOOKED', q: '2', a: '20300' },
      { id: 'c3', state: 'BOOKED', q: '1', a: '0' },
      { id: 'c4', state: 'BOOKED', q: '2', a: '0' },
      { id: 'c5', state: 'BOOKED', q: '10', a: '101500' },
    ]);
    expect(
      await all(
        `SELECT reference, reason_code AS reason, value_minor AS value FROM settlement.work_item WHERE kind = 'CONFIRMED_ABOVE_INSTRUCTED' AND state = 'OPEN' ORDER BY key`,
      ),
    ).toEqual(
      expect.arrayContaining([
        { reference: 'E-1', reason: 'EXCEEDS_INSTRUCTION', value: '20300' },
        { reference: 'E-1', reason: 'EXCEEDS_INSTRUCTION', value: '10150' },
        { reference: 'E-2', reason: 'EXCEEDS_INSTRUCTION', value: '20300' },
        { reference: 'E-1', reason: 'ALREADY_ENDED', value: '101500' },
      ]),
    );
  });

  it('what has settled does not change, and nothing takes a way that is not declared', async () => {
    const accounting = accountingForTests(database);
    await accounting.skipEarlier();
    await affirmed({ executionId: 'E-1' }, { executionId: 'E-2' });
    await phase('INSTRUCT');
    await place('T2S', [confirms('c1', 'E-1', '10', 101_500n)]);
    await answer(accounting);
    const service = database.pool('settlement');
    const inBooks = async (sql: string, id: string) => {
      const client = await service.connect();
      try {
        await client.query(`BEGIN; SELECT set_config('app.books', '*', true)`);
        await client.query(sql, [id]);
        await client.query('COMMIT');
      } finally {
        await client.query('ROLLBACK').catch(() => undefined);
        client.release();
      }
    };
    await expect(
      inBooks(`UPDATE settlement.instruction SET reason_code = 'LACK' WHERE instruction_id = $1`, idOf('E-1')),
    ).rejects.toThrow('is settled and does not change');
    await expect(
      inBooks(`UPDATE settlement.instruction SET processing_status = 'CREATED' WHERE instruction_id = $1`, idOf('E-2')),
    ).rejects.toThrow('PROCESSING from SENT to CREATED');
    await expect(
      inBooks(`UPDATE settlement.instruction SET amount_minor = 1 WHERE instruction_id = $1`, idOf('E-2')),
    ).rejects.toThrow('what was instructed does not change');
    await expect(inBooks(`DELETE FROM settlement.instruction WHERE instruction_id = $1`, idOf('E-2'))).rejects.toThrow(
      'permission denied',
    );
    await expect(
      inBooks(`DELETE FROM settlement.instruction_status_history WHERE instruction_id = $1`, idOf('E-2')),
    ).rejects.toThrow('permission denied');
  });
});

describe('a party that compliance stops', () => {
  const held = { partyId: 'PNGCP24', alertId: 'alr_1', listVersionId: 'lst_1' };
  const applied = () =>
    all<{ payload: { objects: { objectId: string; wasSent: boolean }[] } }>(
      `SELECT payload FROM messaging.message WHERE name = 'settlement.party-hold-applied.v1' ORDER BY sequence DESC LIMIT 1`,
    );

  it('before the instruction: it is made and does not leave, until a person lets it go', async () => {
    await affirmed({ executionId: 'E-1', counterparty: 'NGCP24' }, { executionId: 'E-2' });
    await transactions.run((tx) => settlement.answers.partyHeld(tx, held));
    await phase('INSTRUCT');
    expect(instructionsSent('T2S').map(({ tradeId }) => tradeId)).toEqual(['E-2']);
    expect((await applied())[0]?.payload.objects).toMatchObject([{ objectId: idOf('E-1'), wasSent: false }]);
    await phase('FAIL_SNAPSHOT');
    expect(await all(`SELECT 1 FROM settlement.work_item`)).toEqual([]);
    await transactions.run((tx) =>
      settlement.answers.decided(tx, {
        alertId: 'alr_1',
        objectKind: 'INSTRUCTION',
        objectId: idOf('E-1'),
        decision: 'RELEASED',
        decidedBy: 'ann',
      }),
    );
    await settlement.writer.writeAll();
    expect(
      instructionsSent('T2S')
        .map(({ tradeId }) => tradeId)
        .sort(),
    ).toEqual(['E-1', 'E-2']);
  });

  it('after the instruction: the place is asked to hold it, and somebody watches', async () => {
    await affirmed({ executionId: 'E-1', counterparty: 'NGCP24' });
    await phase('INSTRUCT');
    await transactions.run((tx) => settlement.answers.partyHeld(tx, held));
    await settlement.writer.writeAll();
    const [request] = sent('T2S').filter(({ type }) => type.startsWith('sese.030'));
    const read = readHoldRequest(request?.document ?? '');
    expect(read).toMatchObject({ ok: true, value: { transactionIds: [idOf('E-1')], isHeld: true } });
    expect((await applied())[0]?.payload.objects).toMatchObject([{ objectId: idOf('E-1'), wasSent: true }]);
    expect(await all(`SELECT category FROM settlement.work_item WHERE state = 'OPEN'`)).toEqual([
      { category: 'CANCELLATION' },
    ]);
    await transactions.run((tx) =>
      settlement.answers.decided(tx, {
        alertId: 'alr_1',
        objectKind: 'INSTRUCTION',
        objectId: idOf('E-1'),
        decision: 'RELEASED',
        decidedBy: 'ann',
      }),
    );
    await settlement.writer.writeAll();
    expect(sent('T2S').filter(({ type }) => type.startsWith('sese.030'))).toHaveLength(2);
    expect(await all(`SELECT 1 FROM settlement.work_item WHERE state = 'OPEN'`)).toEqual([]);
  });

  it('stays held while another alert stops a party of it', async () => {
    await affirmed({ executionId: 'E-1', counterparty: 'NGCP24' });
    await transactions.run((tx) => settlement.answers.partyHeld(tx, held));
    await transactions.run((tx) => settlement.answers.partyHeld(tx, { ...held, alertId: 'alr_2' }));
    const release = (alertId: string) =>
      transactions.run((tx) =>
        settlement.answers.decided(tx, {
          alertId,
          objectKind: 'INSTRUCTION',
          objectId: idOf('E-1'),
          decision: 'RELEASED',
          decidedBy: 'ann',
        }),
      );
    await release('alr_1');
    expect(
      await all(`SELECT compliance_hold AS held, compliance_alert_id AS alert FROM settlement.instruction`),
    ).toEqual([{ held: true, alert: 'alr_2' }]);
    expect(await all(`SELECT 1 FROM settlement.exchange_message`)).toEqual([]);
    await release('alr_2');
    await settlement.writer.writeAll();
    expect(instructionsSent('T2S').map(({ tradeId }) => tradeId)).toEqual(['E-1']);
  });

  it('lets one instruction go alone: the party stays stopped, and each of its alerts has to let it go', async () => {
    await affirmed({ executionId: 'E-1', counterparty: 'NGCP24' }, { executionId: 'E-2', counterparty: 'NGCP24' });
    await transactions.run((tx) => settlement.answers.partyHeld(tx, held));
    await transactions.run((tx) => settlement.answers.partyHeld(tx, { ...held, alertId: 'alr_2' }));
    const release = (alertId: string, partyAlertId: string, executionId: string) =>
      transactions.run((tx) =>
        settlement.answers.decided(tx, {
          alertId,
          partyAlertId,
          objectKind: 'INSTRUCTION',
          objectId: idOf(executionId),
          decision: 'RELEASED',
          decidedBy: 'ann',
        }),
      );
    await release('alt_1', 'alr_1', 'E-1');
    // Somebody is asked about it for the other alert, and not again for the one that is decided.
    expect((await applied())[0]?.payload).toMatchObject({ alertId: 'alr_2', objects: [{ objectId: idOf('E-1') }] });
    const messages = () =>
      all<{ n: number }>(
        `SELECT count(*)::int AS n FROM messaging.message WHERE name = 'settlement.party-hold-applied.v1'`,
      );
    const before = await messages();
    await release('alt_2', 'alr_2', 'E-1');
    expect(await messages()).toEqual(before);
    await settlement.writer.writeAll();
    expect(instructionsSent('T2S').map(({ tradeId }) => tradeId)).toEqual(['E-1']);
    expect(
      await all(
        `SELECT execution_id AS id, compliance_hold AS held, compliance_alert_id AS alert FROM settlement.instruction ORDER BY 1`,
      ),
    ).toEqual([
      { id: 'E-1', held: false, alert: 'alr_2' },
      { id: 'E-2', held: true, alert: 'alr_1' },
    ]);
    expect(await all(`SELECT 1 FROM settlement.party_hold WHERE released_at IS NULL`)).toHaveLength(2);
    // What a person let go is never taken back by a program.
    await expect(database.pool('settlement').query(`DELETE FROM settlement.instruction_release`)).rejects.toThrow(
      'permission denied',
    );
  });

  it('released after it settled all the same: the release ends quietly', async () => {
    const accounting = accountingForTests(database);
    await accounting.skipEarlier();
    await affirmed({ executionId: 'E-1', counterparty: 'NGCP24' });
    await phase('INSTRUCT');
    await transactions.run((tx) => settlement.answers.partyHeld(tx, held));
    await place('T2S', [confirms('c1', 'E-1', '10', 101_500n)]);
    await answer(accounting);
    await transactions.run((tx) =>
      settlement.answers.decided(tx, {
        alertId: 'alr_1',
        objectKind: 'INSTRUCTION',
        objectId: idOf('E-1'),
        decision: 'RELEASED',
        decidedBy: 'ann',
      }),
    );
    expect(await status('E-1')).toMatchObject({ s: 'SETTLED' });
    expect(await all(`SELECT 1 FROM settlement.hold_request WHERE kind = 'RELEASE'`)).toEqual([]);
  });

  it('confirmed before sending: the instruction and its trade are cancelled', async () => {
    await affirmed({ executionId: 'E-1', counterparty: 'NGCP24' });
    await transactions.run((tx) => settlement.answers.partyHeld(tx, held));
    await transactions.run((tx) =>
      settlement.answers.decided(tx, {
        alertId: 'alr_1',
        objectKind: 'INSTRUCTION',
        objectId: idOf('E-1'),
        decision: 'CONFIRMED',
        decidedBy: 'ann',
      }),
    );
    expect(await status('E-1')).toMatchObject({ p: 'CANCELLED', r: 'CANI' });
    expect(await all(`SELECT state FROM settlement.trade`)).toEqual([{ state: 'CANCELLED' }]);
  });
});

describe('between two of our clients', () => {
  it('the ledger decides: booked is settled, refused waits with its reason and is tried again', async () => {
    let isPoor = true;
    const accounting = accountingForTests(database, ({ subject }) =>
      subject.id === idOf('I-2')
        ? { code: 'INSUFFICIENT_SECURITIES' }
        : subject.id === idOf('I-3') && isPoor
          ? { code: 'INSUFFICIENT_FUNDS' }
          : undefined,
    );
    await accounting.skipEarlier();
    const internal = { place: 'INTERNAL', counterparty: 'C000002' };
    await affirmed(
      { executionId: 'I-1', ...internal },
      { executionId: 'I-2', side: 'SELL', ...internal },
      { executionId: 'I-3', ...internal },
      { executionId: 'I-4', ...internal },
    );
    for (const id of ['I-1', 'I-2', 'I-3']) await dueToday(id);
    await phase('INSTRUCT');
    expect(await status('I-1')).toMatchObject({ p: 'ACCEPTED', m: 'MATCHED', s: 'PENDING' });
    await phase('SETTLE', 1);
    expect(await answer(accounting)).toBe(3);
    expect([await status('I-1'), await status('I-2'), await status('I-3'), await status('I-4')]).toMatchObject([
      { s: 'SETTLED', q: '10' },
      { s: 'PENDING', r: 'LACK', q: '0' },
      { s: 'PENDING', r: 'MONY' },
      { s: 'PENDING', r: null },
    ]);
    expect(accounting.entries.every(({ forced }) => forced === undefined)).toBe(true);
    isPoor = false;
    await phase('SETTLE', 2);
    expect(await answer(accounting)).toBe(2);
    expect([await status('I-2'), await status('I-3')]).toMatchObject([
      { s: 'PENDING', r: 'LACK' },
      { s: 'SETTLED', q: '10' },
    ]);
    const cycles = await all<{ cycle: number; screening_watermark: string | null }>(
      `SELECT cycle, screening_watermark FROM settlement.day_phase WHERE phase = 'SETTLE' ORDER BY cycle`,
    );
    expect(cycles.map(({ cycle, screening_watermark: watermark }) => [cycle, watermark !== null])).toEqual([
      [1, true],
      [2, true],
    ]);
    // A decision told twice counts once.
    const again = accountingForTests(database, () => undefined);
    const told = await again.answer();
    await transactions.run((tx) =>
      settlement.answers.entriesDecided(tx, {
        batchId: 'again',
        items: told.filter(({ subject }) => subject.id === idOf('I-1')),
      }),
    );
    expect(await status('I-1')).toMatchObject({ s: 'SETTLED', q: '10' });
  });

  it('what compliance holds is not attempted', async () => {
    const accounting = accountingForTests(database);
    await accounting.skipEarlier();
    await affirmed({ executionId: 'I-1', place: 'INTERNAL', counterparty: 'C000002' });
    await dueToday('I-1');
    await phase('INSTRUCT');
    await transactions.run((tx) =>
      settlement.answers.partyHeld(tx, { partyId: 'PC000001', alertId: 'alr_9', listVersionId: 'lst_1' }),
    );
    await phase('SETTLE');
    expect(await answer(accounting)).toBe(0);
  });
});
