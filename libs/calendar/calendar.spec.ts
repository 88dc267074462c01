import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import {
  addBusinessDays,
  addDays,
  adjust,
  type BusinessDayConvention,
  calendarData,
  calendarIds,
  calendarOf,
  combine,
  dayLengthHours,
  daysBetween,
  earlyCloseOf,
  endOfMonth,
  instantOf,
  isBusinessDay,
  isPlainDate,
  localDateOf,
  localTimeOf,
  plainDate,
} from './index.js';

describe('plain dates', () => {
  it.each(['2026-02-29', '2026-13-01', '2026-1-1', '20260101', '2026-11-23T00:00', ''])('"%s" is no date', (text) => {
    expect(isPlainDate(text)).toBe(false);
    expect(() => plainDate(text)).toThrow(RangeError);
  });

  it('counts days over leap years and the ends of months', () => {
    expect(addDays('2028-02-28', 1)).toBe('2028-02-29');
    expect(daysBetween('2026-12-31', '2026-11-23')).toBe(-38);
    expect(endOfMonth('2028-02-01')).toBe('2028-02-29');
  });
});

describe('holidays', () => {
  it.each([
    // [calendar, date, open]
    ['XNYS', '2026-11-26', false], // Thanksgiving
    ['DTC', '2026-11-26', false],
    ['USNY', '2026-11-26', false],
    ['XNYS', '2026-10-12', true], // Columbus Day: the exchange trades, nothing settles
    ['DTC', '2026-10-12', false],
    ['USNY', '2026-07-03', true], // a Saturday holiday: banks are open on the Friday before, the exchange is not
    ['XNYS', '2026-07-03', false],
    ['DTC', '2026-07-03', false],
    ['XNYS', '2027-12-24', false],
    ['XNYS', '2021-12-31', true], // New Year on a Saturday is not kept
    ['XNYS', '2021-06-18', true], // Juneteenth is kept from 2022
    ['XNYS', '2022-06-20', false],
    ['XNYS', '2025-01-09', false], // mourning: no trading, but settlement
    ['DTC', '2025-01-09', true],
    ['XNYS', '2001-09-14', false],
    ['XNYS', '2001-09-17', true],
    ['TARGET', '2026-05-01', false],
    ['T2S', '2026-05-01', true],
    ['T2S', '2026-04-03', false],
    ['XETR', '2026-12-24', false],
    ['XETR', '2021-05-24', false], // Whit Monday was closed until 2021
    ['XETR', '2022-06-06', true],
    ['GBLO', '2020-05-08', false],
    ['GBLO', '2020-05-04', true],
    ['CREST', '2022-09-19', false],
    ['XLON', '2023-05-08', false],
    ['JPTO', '2026-09-22', false], // between two holidays
    ['JPTO', '2026-11-23', false],
    ['XTKS', '2026-12-31', false],
    ['XTKS', '2027-01-04', true],
    ['JASDEC', '2019-05-02', false],
  ])('%s on %s: open is %s', (id, date, isOpen) => {
    expect(isBusinessDay(calendarOf(id), date)).toBe(isOpen);
  });

  it('settles a trade of Friday 20 November 2026 in Tokyo two days later, over the holiday', () => {
    expect(addBusinessDays(calendarOf('JASDEC'), '2026-11-20', 2)).toBe('2026-11-25');
  });

  it('knows the days that close early, and no early close on a closed day', () => {
    expect(earlyCloseOf('XNYS', '2026-11-27')).toBe('13:00');
    expect(earlyCloseOf('XNYS', '2026-12-24')).toBe('13:00');
    expect(earlyCloseOf('XNYS', '2025-07-03')).toBe('13:00');
    expect(earlyCloseOf('XNYS', '2026-07-03')).toBeUndefined();
    expect(earlyCloseOf('XNYS', '2026-11-25')).toBeUndefined();
    expect(earlyCloseOf('XLON', '2026-12-24')).toBe('12:30');
    expect(earlyCloseOf('XLON', '2022-12-23')).toBe('12:30'); // the 24th is a Saturday
    expect(earlyCloseOf('XETR', '2026-12-30')).toBe('14:00');
  });

  it('gives every calendar as data, in order, without weekends, with a version and sources', () => {
    for (const id of calendarIds()) {
      const { version, holidays } = calendarData(id, 2026, 2027);
      expect(version).not.toBe('');
      expect(holidays).toEqual([...new Set(holidays)].sort());
      expect(holidays.every((date) => date.startsWith('2026-') || date.startsWith('2027-'))).toBe(true);
    }
    expect(calendarData('T2S', 2026, 2026).holidays).toEqual(['2026-01-01', '2026-04-03', '2026-04-06', '2026-12-25']);
    expect(calendarData('XNYS', 2026, 2026)).toMatchObject({
      zone: 'America/New_York',
      earlyCloses: [
        { day: '2026-11-27', localTime: '13:00' },
        { day: '2026-12-24', localTime: '13:00' },
      ],
    });
    expect(() => calendarOf('NOWHERE')).toThrow('There is no calendar NOWHERE');
  });

  it('combines calendars: open when all are', () => {
    const joint = combine('EUR-T2S', calendarOf('TARGET'), calendarOf('T2S'));
    expect(joint.id).toBe('EUR-T2S');
    expect(joint.version).toBe('TARGET@2026.1+T2S@2026.1');
    expect(isBusinessDay(joint, '2026-05-01')).toBe(false);
    expect(combine(calendarOf('TARGET'), calendarOf('USNY')).id).toBe('TARGET+USNY');
  });
});

describe('business days', () => {
  const target = calendarOf('TARGET');
  it.each<[BusinessDayConvention, string, string]>([
    ['NONE', '2026-05-01', '2026-05-01'],
    ['FOLLOWING', '2026-05-01', '2026-05-04'],
    ['PRECEDING', '2026-05-01', '2026-04-30'],
    ['MODIFIED_FOLLOWING', '2026-05-01', '2026-05-04'],
    ['MODIFIED_FOLLOWING', '2026-01-31', '2026-01-30'],
    ['MODIFIED_PRECEDING', '2026-05-01', '2026-05-04'],
    ['MODIFIED_FOLLOWING_BI_MONTHLY', '2026-11-15', '2026-11-13'],
    ['NEAREST', '2026-11-21', '2026-11-20'],
    ['NEAREST', '2026-11-22', '2026-11-23'],
  ])('%s moves %s to %s', (convention, date, expected) => {
    expect(adjust(target, date, convention)).toBe(expected);
  });

  it('counts back and forth: n on and n back is where it began, from a business day', () => {
    const day = fc
      .integer({ min: 0, max: 9000 })
      .map((days) => adjust(target, addDays('2005-01-01', days), 'FOLLOWING'));
    fc.assert(
      fc.property(day, fc.integer({ min: 1, max: 30 }), (date, days) => {
        const later = addBusinessDays(target, date, days);
        expect(isBusinessDay(target, later)).toBe(true);
        expect(addBusinessDays(target, later, -days)).toBe(date);
      }),
    );
  });
});

describe('wall time in a zone', () => {
  const berlin = 'Europe/Berlin';
  const newYork = 'America/New_York';

  it.each([
    ['2026-03-29', berlin, 23],
    ['2026-10-25', berlin, 25],
    ['2026-03-08', newYork, 23],
    ['2026-11-01', newYork, 25],
    ['2026-11-23', berlin, 24],
    ['2026-11-23', 'Asia/Tokyo', 24],
  ])('%s in %s has %s hours', (date, zone, hours) => {
    expect(dayLengthHours(date, zone)).toBe(hours);
  });

  it.each([
    ['2026-11-23', '16:00', berlin, '2026-11-23T15:00:00.000Z'],
    ['2026-03-29', '02:30', berlin, '2026-03-29T01:30:00.000Z'], // does not exist: 03:30 summer time
    ['2026-10-25', '02:30', berlin, '2026-10-25T00:30:00.000Z'], // twice: the first
    ['2026-03-08', '02:30', newYork, '2026-03-08T07:30:00.000Z'],
    ['2026-11-01', '01:30', newYork, '2026-11-01T05:30:00.000Z'],
  ])('%s %s in %s is %s', (date, time, zone, instant) => {
    expect(instantOf(date, time, zone).toISOString()).toBe(instant);
  });

  it('reads an instant back as local date and time', () => {
    const instant = new Date('2026-11-23T23:30:00Z');
    expect([localDateOf(instant, berlin), localTimeOf(instant, berlin)]).toEqual(['2026-11-24', '00:30']);
    expect([localDateOf(instant, newYork), localTimeOf(instant, newYork)]).toEqual(['2026-11-23', '18:30']);
  });
});
