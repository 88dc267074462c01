import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Transactions } from '#libs/database/index.js';
import { createTestDatabase, type TestDatabase } from '#libs/testing/index.js';
import { plainJob, settlementForTests } from '../settlement-for-tests.js';
import { goodLine, seedStaticData } from '../trades/for-tests.js';
import { type RawTradeLine } from '../trades/trade-line.js';
import { type PendingChange } from './changes.service.js';
import { type CalendarClosure } from './closure.js';
import { type ProposedChange } from './previews.service.js';

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

const all = async <T>(sql: string, params: unknown[] = []) =>
  (await database.pool('owner').query(sql, params)).rows as T[];
const capture = (...lines: Partial<RawTradeLine>[]) =>
  transactions.run((tx) =>
    settlement.trades.capture(
      tx,
      lines.map((line) => goodLine(line)),
      { fileId: null, capturedBy: 'tester' },
    ),
  );
const propose = (closure: CalendarClosure, by = 'maker') =>
  transactions.run((tx) => settlement.changes.proposeClosure(tx, closure, 'storm', null, by));
const decide = (change: PendingChange, decidedBy = 'checker') =>
  transactions.run((tx) =>
    settlement.changes.decided(tx, {
      approvalId: change.approvalId,
      kind: 'CALENDAR_CLOSURE',
      service: 'settlement',
      objectKind: 'CALENDAR',
      objectId: change.objectId,
      payloadHash: change.payloadHash,
      outcome: 'APPROVED',
      decidedBy,
      reason: 'seen',
    }),
  );
const stateOf = async (change: PendingChange) =>
  (await transactions.run((tx) => settlement.changes.find(tx, change.changeId)))!;
const dates = async () =>
  Object.fromEntries(
    (
      await all<{ id: string; trade: string; instruction: string | null }>(
        `SELECT t.execution_id AS id, t.settlement_date::text AS trade, i.settlement_date::text AS instruction
           FROM settlement.trade t LEFT JOIN settlement.instruction i USING (trade_id) ORDER BY 1`,
      )
    ).map(({ id, trade, instruction }) => [id, instruction === null ? trade : `${trade} ${instruction}`]),
  );

describe('an ad-hoc closure', () => {
  it('names all faults of a proposal at once', async () => {
    const codesOf = async (closure: CalendarClosure) =>
      (await propose(closure)).problems.map(({ code, path }) => `${code} ${path.join('.')}`);
    expect(await codesOf({ calendarId: 'MOON', day: '2026-11-20', closesAt: '25:00' })).toEqual([
      'UNKNOWN_CALENDAR calendar',
      'CLOSURE_IN_THE_PAST day',
      'INVALID_TIME closesAt',
    ]);
    expect(await codesOf({ calendarId: 'T2S', day: '2026-12-25', closesAt: null })).toEqual(['ALREADY_CLOSED day']);
    expect(await codesOf({ calendarId: 'T2S', day: '2026-11-28', closesAt: null })).toEqual(['ALREADY_CLOSED day']);
    expect(await codesOf({ calendarId: 'T2S', day: '2051-01-02', closesAt: null })).toEqual(['CALENDAR_ENDS day']);
    expect(await codesOf({ calendarId: 'T2S', day: '2026-02-30', closesAt: null })).toEqual(['INVALID_DATE day']);
    expect(await codesOf({ calendarId: 'T2S\u0000', day: '2026-11-27', closesAt: null })).toEqual([
      'UNKNOWN_CALENDAR calendar',
    ]);
    expect(await codesOf({ calendarId: 'XNYS', day: '2026-11-27', closesAt: '14:00' })).toEqual([
      'CLOSES_EARLIER_ALREADY closesAt',
    ]);
    expect(await all('SELECT 1 FROM settlement.pending_change')).toEqual([]);
  });

  it('re-dates what is unsent, asks about what is sent, and touches nothing else', async () => {
    const { instructions, day, trades } = settlement;
    await capture(
      { executionId: 'SENT' },
      { executionId: 'HELD' },
      { executionId: 'INTERNAL', place: 'INTERNAL', counterparty: 'C000002' },
    );
    await all(`UPDATE settlement.trade SET state = 'AFFIRMED', is_confirmed = true`);
    // One instruction is made and held: nobody outside has seen it.
    await transactions.run(async (tx) => {
      const ready = await trades.readyToInstruct(tx, 'NGEU', '2026-11-25', null, 10);
      const held = ready.filter(({ executionId }) => executionId === 'HELD');
      await tx.execute(
        `INSERT INTO settlement.party_hold (alert_id, party_id, list_version_id) VALUES ('alr_1', 'PNGCP01', 'l')`,
      );
      await instructions.instructHeld(
        tx,
        held.map(({ tradeId }) => tradeId),
      );
    });
    await all(`UPDATE settlement.party_hold SET released_at = kernel.now()`);
    const run = { book: 'NGEU', businessDate: '2026-11-25', barrierSequence: '1', phaseRunId: 'run_1', cycle: 1 };
    await day.runPhase({ ...run, phase: 'INSTRUCT' }, plainJob(transactions).job);
    await capture(
      { executionId: 'OPEN' },
      {
        executionId: 'REPAIR',
        counterparty: 'NGCP24',
        market: 'UK',
        place: 'CREST',
        isin: 'GB0002634946',
        currency: 'GBP',
      },
      {
        executionId: 'OTHER-DAY',
        tradeDate: '2026-11-24',
        tradeTime: '2026-11-24T09:00:00Z',
        settlementDate: '2026-11-26',
      },
      {
        executionId: 'OTHER-PLACE',
        market: 'JP',
        isin: 'JP3633400001',
        place: 'JASDEC',
        currency: 'JPY',
        amount: '1015',
      },
      { executionId: 'GONE' },
      { executionId: 'GONE', version: '2', action: 'CANCEL' },
    );
    const before = await dates();
    expect(before).toMatchObject({ OPEN: '2026-11-27', SENT: '2026-11-27 2026-11-27', GONE: '2026-11-27' });

    const closure = { calendarId: 'TARGET', day: '2026-11-27', closesAt: null };
    const counts = async (change: ProposedChange) => {
      const told = await transactions.run((tx) => settlement.previews.preview(tx, change), { readOnly: true });
      const n = [told.tradesInRepair, told.trades, told.unsentInstructions, told.sentInstructions];
      for (const { count, ids } of n) expect(ids).toHaveLength(Math.min(count, 20));
      return [...n.map(({ count }) => count), ...told.problems.map(({ code, path }) => `${code} ${path.join('.')}`)];
    };
    const london = { counterpartyId: 'NGCP24', market: 'UK', placeId: 'CREST', validFrom: '2026-11-25' };
    const london24 = { ...london, agentBic: 'NGSADEFFXXX', safekeepingAccount: 'S' };
    const price = { isin: 'DE0007164600', priceDate: '2026-11-25', price: '99', currency: 'EUR' };
    expect(await counts({ calendarClosure: closure })).toEqual([0, 1, 2, 1]);
    expect(await counts({ ssi: london24 })).toEqual([1, 1, 0, 0]);
    expect(await counts({ ssi: { ...london24, validFrom: '2026-12-01' } })).toEqual([0, 0, 0, 0]);
    expect(await counts({ priceOverride: price })).toEqual([0, 1, 2, 1]);
    expect(await counts({ suspendedIsin: 'DE0007164600' })).toEqual([0, 2, 2, 1]);
    expect(await counts({ suspendedIsin: 'XX\u0000' })).toEqual([0, 0, 0, 0, 'UNKNOWN_INSTRUMENT suspendedIsin']);
    expect(await counts({ priceOverride: { ...price, price: '0', isin: 'X' } })).toEqual([
      ...[0, 0, 0, 0],
      'INVALID_ISIN priceOverride.isin',
      'INVALID_PRICE priceOverride.price',
    ]);
    expect(await counts({ suspendedIsin: 'DE0007164600', ssi: london24 })).toEqual([
      ...[0, 0, 0, 0],
      'ONE_CHANGE suspendedIsin',
    ]);
    const { change } = await propose(closure);
    expect((await propose(closure)).problems).toMatchObject([{ code: 'CHANGE_PENDING' }]);
    expect(await dates()).toEqual(before);
    await decide(change!);
    await decide(change!);
    expect((await stateOf(change!)).state).toBe('APPLIED');
    expect(await dates()).toEqual({
      ...before,
      // In euro nothing moves on the 27th; the next day that both T2S and TARGET work is Monday.
      OPEN: '2026-11-30',
      HELD: '2026-11-30 2026-11-30',
      INTERNAL: '2026-11-30 2026-11-30',
    });
    const items = await all<{ reference: string; next_action: string }>(
      `SELECT reference, next_action FROM settlement.work_item WHERE kind = 'INSTRUCTION_ON_CLOSED_DAY'`,
    );
    expect(items).toMatchObject([
      { reference: 'SENT', next_action: expect.stringContaining('agree 2026-11-30 with T2S') },
    ]);
    expect(
      await all(
        `SELECT object_kind, from_date::text, to_date::text, calendars, count(*)::int FROM settlement.settlement_date_change GROUP BY 1, 2, 3, 4 ORDER BY 1`,
      ),
    ).toEqual([
      { object_kind: 'INSTRUCTION', from_date: '2026-11-27', to_date: '2026-11-30', calendars: 'TARGET@2', count: 2 },
      { object_kind: 'TRADE', from_date: '2026-11-27', to_date: '2026-11-30', calendars: 'TARGET@2', count: 3 },
    ]);
    expect(
      await all(
        `SELECT action, count(*)::int AS n FROM settlement.audit_leaf WHERE action LIKE '%re-dated' OR action LIKE 'change.%' GROUP BY 1 ORDER BY 1`,
      ),
    ).toEqual([
      { action: 'change.applied', n: 1 },
      { action: 'change.proposed', n: 1 },
      { action: 'instruction.re-dated', n: 2 },
      { action: 'trades.re-dated', n: 1 },
    ]);
    expect((await propose(closure)).problems).toMatchObject([{ code: 'ALREADY_CLOSED' }]);
    await expect(all(`UPDATE settlement.settlement_date_change SET to_date = '2026-12-01'`)).rejects.toMatchObject({
      code: '23001',
    });
  });

  it('dates new trades by the calendar as it is now, and confirms by the date that both sides had', async () => {
    const outcomes = await capture(
      { executionId: 'NEW', settlementDate: '' },
      { executionId: 'STATED', settlementDate: '2026-11-27' },
    );
    expect(outcomes.map(({ outcome, problems }) => [outcome, problems.map(({ code }) => code)])).toEqual([
      ['CAPTURED', []],
      ['REJECTED', ['SETTLEMENT_ON_HOLIDAY']],
    ]);
    expect(await dates()).toMatchObject({ NEW: '2026-11-30' });
    await transactions.run(async (tx) => {
      const confirmation = {
        source: 'OMS-EU',
        executionId: 'OPEN',
        counterparty: 'NGCP01',
        isin: 'DE0007164600',
        quantity: '10',
        amount: '1015.00',
        currency: 'EUR',
        settlementDate: '2026-11-27',
        status: 'AFFIRMED',
      };
      await settlement.affirmation.confirm(tx, [confirmation], null);
      expect(await settlement.affirmation.affirm(tx, 'NGEU')).toMatchObject({ affirmed: 1 });
    });
  });

  it('is refused when the maker approves it, or when the day was closed or over meanwhile', async () => {
    const one = (await propose({ calendarId: 'XLON', day: '2026-12-01', closesAt: null })).change!;
    await decide(one, 'maker');
    expect(await stateOf(one)).toMatchObject({ state: 'REFUSED', outcomeNote: 'the maker may not approve' });
    const late = (await propose({ calendarId: 'XLON', day: '2026-11-26', closesAt: null })).change!;
    await all(
      `UPDATE settlement.book_day SET business_date = '2026-11-27', next_business_date = '2026-11-30' WHERE book_id = 'NGEU'`,
    );
    await decide(late);
    expect(await stateOf(late)).toMatchObject({ state: 'REFUSED' });
    expect((await stateOf(late)).outcomeNote).toContain('CLOSURE_IN_THE_PAST');
    expect(await all(`SELECT 1 FROM settlement.calendar_version WHERE calendar_id = 'XLON' AND version > 1`)).toEqual(
      [],
    );
  });

  it('lets a day close early: no date moves, and cut-offs come earlier', async () => {
    const before = await dates();
    const { change } = await propose({ calendarId: 'TARGET', day: '2026-11-30', closesAt: '12:00' });
    await decide(change!);
    expect(await dates()).toEqual(before);
    const calendars = await transactions.run((tx) => settlement.calendars.current(tx));
    expect(calendars.cutOffAt('TARGET', '2026-11-30', '16:00', 'Europe/Berlin').toISOString()).toBe(
      '2026-11-30T11:00:00.000Z',
    );
  });
});
