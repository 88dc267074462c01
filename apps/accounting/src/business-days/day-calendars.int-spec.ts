import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { calendarData } from '#libs/calendar/index.js';
import { type CalendarVersioned } from '#libs/contracts/index.js';
import { sha256Hex } from '#libs/kernel/index.js';
import { Outbox } from '#libs/messaging/index.js';
import { waitFor } from '#libs/testing/index.js';
import { CutOver } from '../cut-over/cut-over.service.js';
import { type ServiceUnderTest, startService } from '../testing/service.js';
import { BusinessDaysRepository } from './business-days.repository.js';
import { DayCalendarsProcessor } from './day-calendars.processor.js';
import { PhasesProcessor } from './phases.processor.js';

let service: ServiceUnderTest;
const operations = { role: 'operations' as const };

beforeAll(async () => {
  service = await startService();
  await service.run((tx) =>
    service.app
      .get(CutOver, { strict: false })
      .sign(tx, { importId: 'imp_1', books: ['NGEU', 'NGUS'], signedBy: ['ann', 'bob'] }),
  );
});
afterAll(() => service.stop());

/** TARGET with days closed beside the rules, and days that close early. */
function target(version: number, closed: readonly string[], early: Record<string, string> = {}): CalendarVersioned {
  const closedDays = [...calendarData('TARGET', 2026, 2027).holidays, ...closed].sort();
  const earlyCloses = Object.entries(early).map(([day, localTime]) => ({ day, localTime }));
  const contentHash = sha256Hex(JSON.stringify([closedDays, earlyCloses]));
  const zone = earlyCloses.length > 0 ? 'Europe/Berlin' : null;
  return { calendar: 'TARGET', version, contentHash, closedDays, earlyCloses, zone };
}
const tell = (told: CalendarVersioned) =>
  service.run((tx) => service.app.get(DayCalendarsProcessor, { strict: false }).versioned(tx, told));
const clock = { calendar: 'TARGET', zone: 'Europe/Berlin' };
const open = (businessDate: string, book = 'NGEU') =>
  service.mutate<{ businessDay: Record<string, unknown> | null }>(
    'openBusinessDay',
    'OpenBusinessDayInput',
    { book, businessDate },
    'businessDay { state nextBusinessDate isHalfDay cutOffLocalTime plannedCutOffAt }',
    operations,
  );
const owner = async <T = Record<string, unknown>>(sql: string) => {
  const client = await service.database.pool('owner').connect();
  try {
    // What a table does in the name of its owner is done for the books that are seen.
    await client.query(`SELECT set_config('app.books', '*', false)`);
    return (await client.query(sql)).rows as T[];
  } finally {
    client.release();
  }
};
const days = () =>
  owner(`SELECT business_date::text AS date, state, next_business_date::text AS next FROM accounting.business_day
          WHERE book_id = 'NGEU' ORDER BY 1`);
const lastTold = async () => (await service.messages('accounting.business-day-changed.v1')).at(-1);
const items = () =>
  owner(
    `SELECT reason_code AS reason, object_id AS day, due_at > kernel.now() AS due FROM accounting.work_item ORDER BY 1`,
  );

describe('the days of a book', () => {
  it('hear of a closure that settlement tells of, and are opened by it', async () => {
    // As settlement does: in its own role, through the outbox, worked by the queue.
    const outbox = service.app.get(Outbox, { strict: false });
    await service.database
      .transactions('settlement')
      .run((tx) => outbox.add(tx, 'settlement.calendar-versioned.v1', target(2, ['2026-11-25', '2026-11-27'])));
    await waitFor(async () => (await owner('SELECT 1 FROM accounting.calendar_version')).length === 1, {
      what: 'the calendar',
    });
    expect((await open('2026-11-25')).problems.map(({ code }) => code)).toEqual(['NOT_A_BUSINESS_DAY']);
    // The other book works by other calendars.
    expect((await open('2026-11-25', 'NGUS')).businessDay).toMatchObject({ nextBusinessDate: '2026-11-27' });
    expect((await open('2026-11-26')).businessDay).toEqual({
      state: 'OPEN',
      nextBusinessDate: '2026-11-30',
      isHalfDay: false,
      cutOffLocalTime: '18:00',
      plannedCutOffAt: '2026-11-26T17:00:00.000Z',
    });
  });

  it('count by the highest version, however often and in whatever order they are told', async () => {
    await tell(target(4, ['2026-11-25', '2026-11-27', '2026-11-30']));
    expect(await days()).toEqual([{ date: '2026-11-26', state: 'OPEN', next: '2026-12-01' }]);
    expect(await lastTold()).toEqual({
      ...clock,
      ...{ book: 'NGEU', businessDate: '2026-11-26', state: 'OPEN', nextBusinessDate: '2026-12-01' },
    });
    const told = (await service.messages('accounting.business-day-changed.v1')).length;
    await tell(target(4, ['2026-11-25', '2026-11-27', '2026-11-30']));
    await tell(target(3, ['2026-11-25', '2026-11-27', '2026-12-01']));
    await tell(target(2, ['2026-11-25', '2026-11-27']));
    expect(await days()).toEqual([{ date: '2026-11-26', state: 'OPEN', next: '2026-12-01' }]);
    expect(await service.messages('accounting.business-day-changed.v1')).toHaveLength(told);
    expect(await owner('SELECT version FROM accounting.calendar_version ORDER BY 1')).toEqual(
      [2, 3, 4].map((version) => ({ version })),
    );
    await expect(tell(target(3, ['2026-12-24']))).rejects.toThrow('told with other days before');
  });

  it('have a date back whose closure is taken back, and lose it again', async () => {
    const closed = ['2026-11-25', '2026-11-27'];
    for (const [version, closures, next] of [
      [5, closed, '2026-11-30'],
      [6, [...closed, '2026-11-30'], '2026-12-01'],
    ] as const) {
      await tell(target(version, closures));
      expect(await days()).toEqual([{ date: '2026-11-26', state: 'OPEN', next }]);
      expect(await lastTold()).toEqual({
        ...clock,
        ...{ book: 'NGEU', businessDate: '2026-11-26', state: 'OPEN', nextBusinessDate: next },
      });
    }
  });

  it('are not rewritten once open: a person is told', async () => {
    const closed = ['2026-11-25', '2026-11-27', '2026-11-30'];
    const before = await owner(`SELECT * FROM accounting.business_day WHERE business_date = '2026-11-26'`);
    await tell(target(7, closed, { '2026-11-26': '12:00' }));
    const early = { reason: 'CLOSES_EARLY_WHILE_WORKED', day: 'NGEU/2026-11-26', due: true };
    expect(await items()).toEqual([early]);
    await tell(target(8, [...closed, '2026-11-26']));
    await tell(target(9, [...closed, '2026-11-26']));
    expect(await items()).toEqual([{ ...early, reason: 'CLOSED_WHILE_WORKED' }, early]);
    expect(await owner(`SELECT * FROM accounting.business_day WHERE business_date = '2026-11-26'`)).toEqual(before);
  });

  it('that are only announced move, with their cut-off; what was closed stays as it was', async () => {
    const closed = ['2026-11-25', '2026-11-26', '2026-11-27', '2026-11-30'];
    await service.run(async (tx) => {
      await service.app
        .get(BusinessDaysRepository, { strict: false })
        .changeState(tx, 'NGEU', '2026-11-26', ['OPEN'], 'CLOSING');
      const run = { phaseRunId: 'phr_1', book: 'NGEU', businessDate: '2026-11-26', cycle: 1, barrierSequence: '1' };
      const rolled = await service.app.get(PhasesProcessor, { strict: false }).work(tx, { ...run, phase: 'ROLL' });
      expect(rolled.problems).toEqual([]);
    });
    await tell(target(10, [...closed, '2026-12-01'], { '2026-12-02': '11:30' }));
    expect(await days()).toEqual([
      { date: '2026-11-26', state: 'CLOSED', next: '2026-12-01' },
      { date: '2026-12-01', state: 'SKIPPED', next: '2026-12-02' },
      { date: '2026-12-02', state: 'NEXT', next: '2026-12-03' },
    ]);
    expect(await lastTold()).toEqual({
      ...clock,
      ...{ book: 'NGEU', businessDate: '2026-11-26', state: 'CLOSED', nextBusinessDate: '2026-12-02' },
    });
    // The closure is taken back: the date that was skipped is the one to come again, until it is closed once more.
    await tell(target(11, closed, { '2026-12-02': '11:30' }));
    expect(await days()).toEqual([
      { date: '2026-11-26', state: 'CLOSED', next: '2026-12-01' },
      { date: '2026-12-01', state: 'NEXT', next: '2026-12-02' },
      { date: '2026-12-02', state: 'SKIPPED', next: '2026-12-03' },
    ]);
    expect(await lastTold()).toEqual({
      ...clock,
      ...{ book: 'NGEU', businessDate: '2026-11-26', state: 'CLOSED', nextBusinessDate: '2026-12-01' },
    });
    await tell(target(12, [...closed, '2026-12-01'], { '2026-12-02': '11:30' }));
    // Announced at 11:30, it closes at 12:30 now; and what comes after it moves.
    await tell(target(13, [...closed, '2026-12-01', '2026-12-03'], { '2026-12-02': '12:30' }));
    expect((await open('2026-12-01')).problems.map(({ code }) => code)).toEqual(['NOT_A_BUSINESS_DAY']);
    expect((await open('2026-12-02')).businessDay).toEqual({
      state: 'OPEN',
      nextBusinessDate: '2026-12-04',
      isHalfDay: true,
      cutOffLocalTime: '12:30',
      plannedCutOffAt: '2026-12-02T11:30:00.000Z',
    });
    expect(await items()).toHaveLength(2);
    expect(
      await owner(
        `SELECT count(*)::int AS n FROM accounting.audit_leaf WHERE action = 'BUSINESS_DAY_FOLLOWS_CALENDAR'`,
      ),
    ).toEqual([{ n: 7 }]);
  });

  it.each([
    [`UPDATE accounting.calendar_version SET closed_days = '{}'`, '23001'],
    [`DELETE FROM accounting.calendar_version`, '23001'],
    [`TRUNCATE accounting.calendar_version`, '23001'],
    [`INSERT INTO accounting.calendar_version VALUES ('T', 0, repeat('a', 64), '{}', '[]')`, '23514'],
    [`INSERT INTO accounting.calendar_version VALUES ('T', 1, repeat('a', 64), '{NULL}', '[]')`, '23514'],
    [
      `INSERT INTO accounting.calendar_version VALUES ('T', 1, repeat('a', 64), '{}', '[{"day": "2026-11-26", "localTime": "12:00"}]')`,
      '23514',
    ],
    [`UPDATE accounting.business_day SET state = 'OPEN', opened_at = kernel.now() WHERE state = 'SKIPPED'`, '23001'],
    [`UPDATE accounting.business_day SET state = 'SKIPPED', opened_at = NULL WHERE state = 'OPEN'`, '23001'],
    [
      `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ('NGEU', '2026-12-07', 'NEXT', '2026-12-08'),
         ('NGEU', '2026-12-08', 'NEXT', '2026-12-09')`,
      '23505',
    ],
  ])('are kept by the database, also from the owner of the tables: %s', async (attack, code) => {
    await expect(owner(attack)).rejects.toMatchObject({ code });
  });
});
