import {
  friday,
  fromYear,
  goodFriday,
  last,
  monday,
  nth,
  oneOff,
  sundayToMonday,
  thursday,
  toNearestWeekday,
} from '../holiday-rules.js';
import { closingAt, type MarketCalendar } from '../market-calendar.js';
import { addDays, dateOf, dayOfWeek, type PlainDate } from '../plain-date.js';

const martinLutherKingDay = (year: number) => nth(year, 1, 3, monday);
const washingtonsBirthday = (year: number) => nth(year, 2, 3, monday);
const memorialDay = (year: number) => last(year, 5, monday);
const juneteenth = (year: number) => dateOf(year, 6, 19);
const independenceDay = (year: number) => dateOf(year, 7, 4);
const labourDay = (year: number) => nth(year, 9, 1, monday);
const columbusDay = (year: number) => nth(year, 10, 2, monday);
const veteransDay = (year: number) => dateOf(year, 11, 11);
const thanksgiving = (year: number) => nth(year, 11, 4, thursday);
const christmas = (year: number) => dateOf(year, 12, 25);

/** A holiday on a Sunday is kept on Monday; on a Saturday, the banks are open on the Friday before. */
const federalReserve = (year: number): PlainDate[] => [
  sundayToMonday(dateOf(year, 1, 1)),
  ...fromYear(year, 1986, martinLutherKingDay(year)),
  washingtonsBirthday(year),
  memorialDay(year),
  ...fromYear(year, 2022, sundayToMonday(juneteenth(year))),
  sundayToMonday(independenceDay(year)),
  labourDay(year),
  columbusDay(year),
  sundayToMonday(veteransDay(year)),
  thanksgiving(year),
  sundayToMonday(christmas(year)),
];

/** A holiday on a Saturday is kept on Friday, but for New Year: the exchange does not close at the end of a year's accounts. */
const exchangeDays = (year: number): PlainDate[] => [
  sundayToMonday(dateOf(year, 1, 1)),
  ...fromYear(year, 1998, martinLutherKingDay(year)),
  washingtonsBirthday(year),
  goodFriday(year),
  memorialDay(year),
  ...fromYear(year, 2022, toNearestWeekday(juneteenth(year))),
  toNearestWeekday(independenceDay(year)),
  labourDay(year),
  thanksgiving(year),
  toNearestWeekday(christmas(year)),
];

const federalReserveSources = ['Federal Reserve Financial Services, Holiday schedules', '5 U.S.C. § 6103'];
const exchangeSources = ['NYSE Rule 7.2, Holidays', 'NYSE, Holidays and trading hours; notices of special closings'];

export const usny: MarketCalendar = {
  id: 'USNY',
  describes: 'Payments in US dollars: Fedwire and banks in New York',
  version: '2026.1',
  sources: federalReserveSources,
  holidays: federalReserve,
};

export const nyfd: MarketCalendar = {
  id: 'NYFD',
  describes: 'Federal Reserve Bank of New York',
  version: '2026.1',
  sources: federalReserveSources,
  holidays: federalReserve,
};

export const xnys: MarketCalendar = {
  id: 'XNYS',
  describes: 'Trading on the New York Stock Exchange and Nasdaq',
  version: '2026.1',
  sources: exchangeSources,
  holidays: (year) => [
    ...exchangeDays(year),
    ...oneOff(year, [
      ...['2001-09-11', '2001-09-12', '2001-09-13', '2001-09-14'], // attacks on New York
      '2004-06-11', // funeral of President Reagan
      '2007-01-02', // mourning of President Ford
      ...['2012-10-29', '2012-10-30'], // hurricane Sandy
      '2018-12-05', // mourning of President Bush
      '2025-01-09', // mourning of President Carter
    ]),
  ],
  zone: 'America/New_York',
  earlyCloses: (year) =>
    closingAt('13:00', [
      // When the 4th is on a weekend, there is no half day before it.
      ...(dayOfWeek(independenceDay(year)) <= friday ? [dateOf(year, 7, 3)] : []),
      addDays(thanksgiving(year), 1),
      dateOf(year, 12, 24),
    ]),
};

export const dtc: MarketCalendar = {
  id: 'DTC',
  describes: 'Settlement of securities at The Depository Trust Company',
  version: '2026.1',
  sources: [
    ...exchangeSources,
    ...federalReserveSources,
    'DTCC press release of 29 December 2006: DTCC stays open on a national day of mourning',
    'DTCC, Unscheduled exchanges and markets close guide (2017)',
  ],
  // On Columbus Day and Veterans Day the exchanges trade and nothing settles; on special closings of the exchange it settles.
  holidays: (year) => [...exchangeDays(year), ...federalReserve(year)],
};

export const usgs: MarketCalendar = {
  id: 'USGS',
  describes: 'Trading in US government securities',
  version: '2026.1',
  sources: ['SIFMA, Holiday schedule, US, recommended closes'],
  holidays: (year) => [
    sundayToMonday(dateOf(year, 1, 1)),
    ...fromYear(year, 1986, martinLutherKingDay(year)),
    washingtonsBirthday(year),
    goodFriday(year),
    memorialDay(year),
    ...fromYear(year, 2022, toNearestWeekday(juneteenth(year))),
    toNearestWeekday(independenceDay(year)),
    labourDay(year),
    columbusDay(year),
    sundayToMonday(veteransDay(year)),
    thanksgiving(year),
    toNearestWeekday(christmas(year)),
    ...oneOff(year, ['2012-10-30']), // hurricane Sandy; on the 29th trading ended at noon
  ],
};
