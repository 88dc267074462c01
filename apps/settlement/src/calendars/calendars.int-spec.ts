import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { addDays, calendarData, calendarIds, calendarOf, isBusinessDay } from '#libs/calendar/index.js';
import { type CalendarVersioned } from '#libs/contracts/index.js';
import { type Transactions } from '#libs/database/index.js';
import { createTestDatabase, type TestDatabase } from '#libs/testing/index.js';
import { intakeForTests } from '../trades/for-tests.js';

let database: TestDatabase;
let transactions: Transactions;
const { bookDays, calendars, calendarsRepository, dueTimes } = intakeForTests();
const current = (knownAt?: string) =>
  transactions.run((tx) => calendars.current(tx, knownAt === undefined ? null : new Date(knownAt)));
const owner = (sql: string) => database.pool('owner').query(sql);

beforeAll(async () => {
  database = await createTestDatabase({ startsAt: '2026-11-25T09:00:00Z' });
  transactions = database.transactions('settlement');
});
afterAll(() => database.drop());

describe('stored calendars', () => {
  it('say from the first migration on what the rules of the product say, half days included', async () => {
    const stored = await current();
    for (const id of calendarIds()) {
      const differing: string[] = [];
      for (let day = '2026-01-01'; day < '2028-01-01'; day = addDays(day, 1))
        if (isBusinessDay(stored.of(id), day) !== isBusinessDay(calendarOf(id), day)) differing.push(day);
      expect([id, differing]).toEqual([id, []]);
    }
    expect(stored.of('XNYS').earlyCloses.get('2026-11-27')).toBe('13:00');
    expect(stored.earlyCloseAt('XNYS', '2026-11-27', 'UTC')).toEqual(new Date('2026-11-27T18:00:00Z'));
  });

  it('get no new version when nothing has changed', async () => {
    expect(await transactions.run((tx) => calendars.refresh(tx))).toBe(0);
  });

  it('answer a closed day as known at a moment, and keep it over a refresh of the rules', async () => {
    await database.setClock('2026-11-25T10:00:00Z');
    const close = (day: string, closesAt: string | null, changeId: string) =>
      transactions.run((tx) =>
        calendars.close(tx, {
          calendarId: 'CREST',
          day,
          closesAt,
          zone: 'Europe/London',
          reason: 'storm',
          changeId,
          by: 'checker',
        }),
      );
    expect(await close('2026-11-30', null, 'chg_1')).toBe(1);
    await database.setClock('2026-11-25T11:00:00Z');
    expect(await close('2026-12-01', '12:00', 'chg_2')).toBe(1);
    expect(isBusinessDay((await current()).of('CREST'), '2026-11-30')).toBe(false);
    expect((await current()).of('CREST').version).toBe('3');
    expect(isBusinessDay((await current('2026-11-25T09:59:59Z')).of('CREST'), '2026-11-30')).toBe(true);
    expect((await current('2026-11-25T10:30:00Z')).of('CREST').earlyCloses.get('2026-12-01')).toBeUndefined();
    // 12:00 of London is before the cut-off and comes in its place; the day after is a full one.
    expect((await current()).cutOffAt('CREST', '2026-12-01', '16:00', 'Europe/London').toISOString()).toBe(
      '2026-12-01T12:00:00.000Z',
    );
    expect((await current()).cutOffAt('CREST', '2026-12-02', '16:00', 'Europe/London').toISOString()).toBe(
      '2026-12-02T16:00:00.000Z',
    );
    expect(await transactions.run((tx) => calendars.refresh(tx))).toBe(0);
    expect(await transactions.run((tx) => calendarsRepository.history(tx, 'CREST'))).toHaveLength(3);
  });

  it('are told to accounting, whole, and again with each date that opens when somebody closed a day', async () => {
    const told = async () =>
      (
        await owner(
          `SELECT payload FROM messaging.message WHERE name = 'settlement.calendar-versioned.v1' ORDER BY sequence`,
        )
      ).rows.map(({ payload }: { payload: CalendarVersioned }) => payload);
    // One for each closure of the test before, and the last once more by its refresh.
    expect((await told()).map(({ calendar, version }) => `${calendar}@${version}`)).toEqual([
      ...['CREST@2', 'CREST@3', 'CREST@3'],
    ]);
    const [first, second, again] = await told();
    expect(again).toEqual(second);
    const rules = calendarData('CREST', 2000, 2050);
    expect(first).toMatchObject({ closedDays: [...rules.holidays, '2026-11-30'].sort(), zone: rules.zone });
    expect(second?.earlyCloses).toContainEqual({ day: '2026-12-01', localTime: '12:00' });
    expect(second?.zone).toBe('Europe/London');
    const stored = await transactions.run((tx) => calendarsRepository.history(tx, 'CREST'));
    expect(stored.slice(1).map(({ hash }) => hash)).toEqual([first?.contentHash, second?.contentHash]);
  });

  it('do not keep what a transaction that failed had closed', async () => {
    await expect(
      transactions.run(async (tx) => {
        const closure = { calendarId: 'CREST', closesAt: null, zone: null, reason: 'r', by: 'checker' };
        await calendars.close(tx, { ...closure, day: '2026-12-02', changeId: 'chg_3' });
        expect(isBusinessDay((await calendars.current(tx)).of('CREST'), '2026-12-02')).toBe(false);
        throw new Error('undone');
      }),
    ).rejects.toThrow('undone');
    expect(isBusinessDay((await current()).of('CREST'), '2026-12-02')).toBe(true);
  });

  it('make a closure wait for those who are writing dates', async () => {
    let isClosed = false;
    let closing: Promise<unknown> | undefined;
    await transactions.run(async (tx) => {
      await calendars.hold(tx);
      closing = transactions
        .run((other) =>
          calendars.close(other, {
            calendarId: 'XLON',
            day: '2026-12-03',
            closesAt: null,
            zone: null,
            reason: 'r',
            changeId: 'chg_4',
            by: 'checker',
          }),
        )
        .then(() => (isClosed = true));
      for (let waits = 0; waits === 0;)
        waits = (await owner(`SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`)).rows.length;
      expect(isClosed).toBe(false);
    });
    await closing;
    expect(isClosed).toBe(true);
  });

  it.each([
    `UPDATE settlement.calendar_version SET content_hash = 'x' WHERE calendar_id = 'CREST' AND version = 1`,
    `DELETE FROM settlement.calendar_closed_day WHERE calendar_id = 'CREST' AND version = 1`,
    `UPDATE settlement.calendar_closed_day SET day = '2026-11-26' WHERE calendar_id = 'CREST' AND day = '2026-12-25'`,
    `INSERT INTO settlement.calendar_closed_day VALUES ('CREST', 1, '2026-11-26')`,
    `INSERT INTO settlement.calendar_early_close VALUES ('CREST', 1, '2026-11-26', '12:00')`,
    `UPDATE settlement.calendar_closure SET day = '2026-12-24'`,
    `DELETE FROM settlement.calendar_closure`,
  ])('are kept by the database, also from the owner of the tables: %s', async (attack) => {
    await expect(owner(attack)).rejects.toMatchObject({ code: '23001' });
  });
});

describe('the date of a book', () => {
  it('is announced again when the one after it moves: what is cut off stays so, what is closed is not opened', async () => {
    const announced = (businessDate: string, state: 'OPEN' | 'CLOSED', nextBusinessDate: string) =>
      transactions.run(async (tx) => {
        const isNews = await bookDays.announce(tx, { book: 'MOVED', businessDate, state, nextBusinessDate });
        const day = await bookDays.find(tx, 'MOVED');
        return [isNews, day?.businessDate, day?.state, day?.nextBusinessDate, await bookDays.intakeDate(tx, 'MOVED')];
      });
    expect(await announced('2026-11-25', 'OPEN', '2026-11-26')).toEqual([
      ...[true, '2026-11-25', 'OPEN', '2026-11-26', '2026-11-25'],
    ]);
    await transactions.run((tx) => bookDays.cutOff(tx, 'MOVED', '2026-11-25'));
    expect(await announced('2026-11-25', 'OPEN', '2026-11-27')).toEqual([
      ...[true, '2026-11-25', 'CUT_OFF', '2026-11-27', '2026-11-27'],
    ]);
    await announced('2026-11-25', 'CLOSED', '2026-11-27');
    expect(await announced('2026-11-25', 'CLOSED', '2026-11-30')).toEqual([
      ...[true, '2026-11-25', 'CLOSED', '2026-11-30', '2026-11-30'],
    ]);
    for (const old of ['2026-11-24', '2026-11-25'])
      expect(await announced(old, 'OPEN', '2026-12-01')).toEqual([
        ...[false, '2026-11-25', 'CLOSED', '2026-11-30', '2026-11-30'],
      ]);
  });
});

describe('what is due in a book', () => {
  it('is due on the days that its calendar has now, by the clock it was announced with', async () => {
    const day = { book: 'DUE', businessDate: '2026-11-27', nextBusinessDate: '2026-12-01' };
    const dueOf = (...changes: Parameters<typeof bookDays.announce>[1][]) =>
      transactions.run(async (tx) => {
        for (const changed of changes) await bookDays.announce(tx, changed);
        const due = await dueTimes.current(tx);
        return [due.onNextBusinessDay('DUE', '2026-11-27', '13:00'), due.onDate('DUE', '2026-11-27', '18:00')].map(
          (at) => at.toISOString(),
        );
      });
    // Closed on the 30th by the tests before, and at noon on the 1st.
    const clock = { calendar: 'CREST', zone: 'Europe/London', closesEarlyAt: '2026-11-27T13:00:00Z' };
    const due = ['2026-12-01T12:00:00.000Z', '2026-11-27T13:00:00.000Z'];
    expect(await dueOf({ ...day, state: 'OPEN', ...clock })).toEqual(due);
    // A release before does not tell: what is known stays, and goes with its date.
    expect(await dueOf({ ...day, state: 'CLOSED' })).toEqual(due);
    expect(await dueOf({ ...day, businessDate: '2026-12-01', nextBusinessDate: '2026-12-02', state: 'OPEN' })).toEqual([
      ...['2026-12-01T12:00:00.000Z', '2026-11-27T18:00:00.000Z'],
    ]);
    await expect(owner(`UPDATE settlement.book_day SET zone = NULL WHERE book_id = 'DUE'`)).rejects.toMatchObject({
      code: '23514',
    });
  });
});

describe('versions of static data', () => {
  it.each(['place', 'instrument', 'counterparty', 'ssi', 'client_account', 'price', 'rate'])(
    'of %s are never changed, only superseded once',
    async (table) => {
      const samples: Record<string, string> = {
        place: `(place_id, kind, name, zone, calendar_id, dvp_cut_off, fop_cut_off, book_id, valid_from, source) VALUES ('P', 'EXTERNAL', 'P', 'UTC', 'T2S', '16:00', '18:00', 'NGEU', '2026-01-01', 'T')`,
        instrument: `(isin, name, asset_class, market, currency, quantity_scale, price_factor, place_id, status, settlement_cycle_days, valid_from, source) VALUES ('I', 'I', 'EQUITY', 'EU', 'EUR', 0, 1, 'T2S', 'ACTIVE', 2, '2026-01-01', 'T')`,
        counterparty: `(counterparty_id, party_id, name, bic, kind, valid_from, source) VALUES ('C', 'P', 'C', 'B', 'STREET', '2026-01-01', 'T')`,
        ssi: `(ssi_id, counterparty_id, market, place_id, agent_bic, safekeeping_account, valid_from, source) VALUES ('S', 'C', 'EU', 'T2S', 'B', 'A', '2026-01-01', 'T')`,
        client_account: `(account, party_id, book_id, kind, state, valid_from, source) VALUES ('A', 'P', 'NGEU', 'CASH', 'OPEN', '2026-01-01', 'T')`,
        price: `(isin, price_date, price, currency, source) VALUES ('I', '2026-01-01', 1, 'EUR', 'T')`,
        rate: `(base, quote, rate_date, rate, source) VALUES ('EUR', 'USD', '2026-01-01', 1, 'T')`,
      };
      await owner(`INSERT INTO settlement.${table} ${samples[table]}`);
      const attacks = [
        `UPDATE settlement.${table} SET source = 'X'`,
        `UPDATE settlement.${table} SET recorded_at = recorded_at - interval '1 day', superseded_at = kernel.now()`,
      ];
      for (const attack of attacks) await expect(owner(attack)).rejects.toMatchObject({ code: '23001' });
      await expect(database.pool('settlement').query(`DELETE FROM settlement.${table}`)).rejects.toThrow(
        /permission denied/,
      );
      await owner(`UPDATE settlement.${table} SET superseded_at = kernel.now()`);
      await expect(owner(`UPDATE settlement.${table} SET superseded_at = NULL`)).rejects.toMatchObject({
        code: '23001',
      });
    },
  );
});
