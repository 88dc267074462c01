import { describe, expect, it } from '@jest/globals';
import { calendarIds } from '#libs/calendar/index.js';
import { expectedOn } from '../files/expected-files.js';
import { calendarFrom, Calendars, type Closure, contentOf } from './calendars.js';
import { type BookClock, DueTimes, placeCutOffsOn } from './due-times.js';

const calendarsWith = (...closures: Closure[]) =>
  new Calendars(calendarIds().map((id) => calendarFrom('1', contentOf(id, closures))));
const closed = (calendarId: string, day: string, closesAt: string | null = null): Closure => ({
  ...{ calendarId, day, closesAt, zone: closesAt === null ? null : 'Europe/Berlin' },
});
const clocks = new Map<string, BookClock>(
  [
    { book: 'NGEU', businessDate: '2026-12-30', calendarId: 'TARGET', zone: 'Europe/Berlin', closesEarlyAt: null },
    { book: 'NGUS', businessDate: '2026-11-27', calendarId: 'DTC', zone: 'America/New_York', closesEarlyAt: null },
    // As a release before told it.
    { book: 'OLD', businessDate: '2026-11-27', calendarId: null, zone: null, closesEarlyAt: null },
  ].map((clock) => [clock.book, clock]),
);
const dueTimes = (...closures: Closure[]) => new DueTimes(clocks, calendarsWith(...closures));
const half = new DueTimes(
  new Map([['NGUS', { ...clocks.get('NGUS')!, closesEarlyAt: new Date('2026-11-27T20:00:00Z') }]]),
  calendarsWith(),
);

describe('what is due on the next business day of a book', () => {
  it.each([
    ['the day after', 'NGEU', '2026-11-25', [], '2026-11-26T09:00:00.000Z'],
    ['over a weekend', 'NGEU', '2026-11-27', [], '2026-11-30T09:00:00.000Z'],
    ['over Christmas and a weekend', 'NGEU', '2026-12-24', [], '2026-12-28T09:00:00.000Z'],
    ['over Easter, into summer time', 'NGEU', '2027-03-25', [], '2027-03-30T08:00:00.000Z'],
    ['over Thanksgiving, on the clock of New York', 'NGUS', '2026-11-25', [], '2026-11-27T15:00:00.000Z'],
    ['in a book whose clock nobody told', 'OLD', '2026-11-27', [], '2026-11-30T09:00:00.000Z'],
    ['in a book nobody told of', 'NEW', '2026-11-27', [], '2026-11-30T09:00:00.000Z'],
    ['over a day that was closed', 'NGEU', '2026-11-25', [closed('TARGET', '2026-11-26')], '2026-11-27T09:00:00.000Z'],
    [
      'not over one that another closed',
      'NGEU',
      '2026-11-25',
      [closed('DTC', '2026-11-26')],
      '2026-11-26T09:00:00.000Z',
    ],
    [
      'on one that closes before',
      'NGEU',
      '2026-11-25',
      [closed('TARGET', '2026-11-26', '09:30')],
      '2026-11-26T08:30:00.000Z',
    ],
    [
      'on one that closes later',
      'NGEU',
      '2026-11-25',
      [closed('TARGET', '2026-11-26', '12:00')],
      '2026-11-26T09:00:00.000Z',
    ],
  ])('%s', (_, book, date, closures, instant) => {
    expect(
      dueTimes(...closures)
        .onNextBusinessDay(book, date, '10:00')
        .toISOString(),
    ).toBe(instant);
  });
});

describe('what is due on a date', () => {
  const dtc = { zone: 'America/New_York', calendarId: 'DTC', dvpCutOff: '15:30', fopCutOff: '18:00' };
  const repair = (settlementDate: string) => ({ bookId: 'NGUS', businessDate: '2026-11-27', settlementDate });

  it('is due at its hour, or by the cut-off of a half day', () => {
    expect(dueTimes().onDate('NGUS', '2026-11-27', '18:00', dtc).toISOString()).toBe('2026-11-27T23:00:00.000Z');
    expect(half.onDate('NGUS', '2026-11-27', '18:00', dtc).toISOString()).toBe('2026-11-27T20:00:00.000Z');
    expect(half.onDate('NGUS', '2026-11-27', '10:00', dtc).toISOString()).toBe('2026-11-27T15:00:00.000Z');
    expect(half.onDate('NGUS', '2026-11-30', '18:00', dtc).toISOString()).toBe('2026-11-30T23:00:00.000Z');
  });

  it('is due before its place cuts off when it settles the same day', () => {
    expect(dueTimes().forRepair(repair('2026-11-30'), '18:00', dtc).toISOString()).toBe('2026-11-27T23:00:00.000Z');
    expect(dueTimes().forRepair(repair('2026-11-27'), '18:00', dtc).toISOString()).toBe('2026-11-27T20:30:00.000Z');
    expect(half.forRepair(repair('2026-11-27'), '18:00', dtc).toISOString()).toBe('2026-11-27T20:00:00.000Z');
    expect(half.forRepair(repair('2026-11-27'), '18:00').toISOString()).toBe('2026-11-27T20:00:00.000Z');
  });
});

describe('the cut-offs of a place', () => {
  const t2s = { zone: 'Europe/Berlin', calendarId: 'T2S', dvpCutOff: '16:00', fopCutOff: '18:00' };
  it.each([
    ['an ordinary day', '2026-11-26', [], ['2026-11-26T15:00:00.000Z', '2026-11-26T17:00:00.000Z']],
    ['summer time', '2026-06-26', [], ['2026-06-26T14:00:00.000Z', '2026-06-26T16:00:00.000Z']],
    [
      'a day that closes between them',
      '2026-11-26',
      [closed('T2S', '2026-11-26', '17:00')],
      ['2026-11-26T15:00:00.000Z', '2026-11-26T16:00:00.000Z'],
    ],
    [
      'a day that closes before them',
      '2026-11-26',
      [closed('T2S', '2026-11-26', '12:00')],
      ['2026-11-26T11:00:00.000Z', '2026-11-26T11:00:00.000Z'],
    ],
    ['a day that was closed', '2026-11-26', [closed('T2S', '2026-11-26')], undefined],
    ['a Saturday', '2026-11-28', [], undefined],
  ])('on %s', (_, day, closures, instants) => {
    const cutOffs = placeCutOffsOn(t2s, day, calendarsWith(...closures));
    expect(cutOffs === null ? undefined : [cutOffs.dvpAt.toISOString(), cutOffs.fopAt.toISOString()]).toEqual(instants);
  });
});

describe('the files of a day', () => {
  const file = (kind: string, qualifier: string, localTime: string, zone = 'Europe/Berlin', book = 'NGEU') => ({
    ...{ book, kind, qualifier, localTime, zone, graceMinutes: 15 },
  });
  const due = (date: string, times: DueTimes, ...files: ReturnType<typeof file>[]) =>
    expectedOn(files, date, times).map(({ kind, qualifier, dueAt, lateFrom }) => {
      expect(lateFrom.getTime() - dueAt.getTime()).toBe(900_000);
      return `${kind}${qualifier} ${dueAt.toISOString()}`;
    });
  const usual = [file('TRADES', 'A', '10:00'), file('STATEMENT', 'EUR', '18:00'), file('STATEMENT', 'GBP', '18:00')];

  it('are all waited for on an ordinary day', () => {
    expect(due('2026-11-25', dueTimes(), ...usual)).toEqual([
      ...[
        'TRADESA 2026-11-25T09:00:00.000Z',
        'STATEMENTEUR 2026-11-25T17:00:00.000Z',
        'STATEMENTGBP 2026-11-25T17:00:00.000Z',
      ],
    ]);
  });

  it('bring no statement of a currency whose payments rest', () => {
    // Early May: London rests. Veterans Day: the depository works, the Federal Reserve does not.
    expect(due('2026-05-04', dueTimes(), ...usual)).toEqual([
      ...['TRADESA 2026-05-04T08:00:00.000Z', 'STATEMENTEUR 2026-05-04T16:00:00.000Z'],
    ]);
    const dollars = file('STATEMENT', 'USD', '18:00', 'America/New_York', 'NGUS');
    expect(due('2026-11-11', dueTimes(), dollars)).toEqual([]);
    expect(due('2026-11-12', dueTimes(), dollars)).toEqual(['STATEMENTUSD 2026-11-12T23:00:00.000Z']);
    expect(due('2026-11-25', dueTimes(closed('GBLO', '2026-11-25')), ...usual)).toHaveLength(2);
  });

  it('are due no later than their day closes', () => {
    expect(due('2026-11-25', dueTimes(closed('TARGET', '2026-11-25', '09:15')), ...usual)).toEqual([
      ...[
        'TRADESA 2026-11-25T08:15:00.000Z',
        'STATEMENTEUR 2026-11-25T08:15:00.000Z',
        'STATEMENTGBP 2026-11-25T17:00:00.000Z',
      ],
    ]);
  });
});
