import {
  easterMonday,
  goodFriday,
  last,
  lastWeekdayTo,
  monday,
  nth,
  oneOff,
  onOrAfter,
  pairOnWeekdays,
  saturday,
  weekendToMonday,
  whitMonday,
} from '../holiday-rules.js';
import { closingAt, type MarketCalendar } from '../market-calendar.js';
import { addDays, dateOf, type PlainDate } from '../plain-date.js';

/** Bank holidays of England and Wales. */
function bankHolidays(year: number): PlainDate[] {
  return [
    ...(year >= 1974 ? [weekendToMonday(dateOf(year, 1, 1))] : []),
    goodFriday(year),
    easterMonday(year),
    ...earlyMay(year),
    ...spring(year),
    summer(year),
    ...pairOnWeekdays(dateOf(year, 12, 25)),
    ...oneOff(year, [
      '1973-11-14', // wedding of Princess Anne
      '1977-06-07', // silver jubilee
      '1981-07-29', // wedding of the Prince of Wales
      '1999-12-31', // turn of the millennium
      '2011-04-29', // wedding of Prince William
      '2022-09-19', // funeral of Queen Elizabeth II
      '2023-05-08', // coronation of King Charles III
    ]),
  ];
}

/** The first Monday of May since 1978; moved to VE Day for its 50th and 75th anniversaries. */
function earlyMay(year: number): PlainDate[] {
  if (year === 1995 || year === 2020) return [dateOf(year, 5, 8)];
  return year >= 1978 ? [nth(year, 5, 1, monday)] : [];
}

/** Whit Monday until 1964, the last Monday of May since 1971, on trial between; moved and doubled for the jubilees. */
function spring(year: number): PlainDate[] {
  if (year === 2002) return [dateOf(2002, 6, 3), dateOf(2002, 6, 4)];
  if (year === 2012) return [dateOf(2012, 6, 4), dateOf(2012, 6, 5)];
  if (year === 2022) return [dateOf(2022, 6, 2), dateOf(2022, 6, 3)];
  if (year === 1968) return [dateOf(1968, 6, 3)];
  return [year >= 1967 ? last(year, 5, monday) : whitMonday(year)];
}

/** The first Monday of August until 1964, then the Monday after the last Saturday of August, the last Monday since 1971. */
function summer(year: number): PlainDate {
  if (year < 1965) return nth(year, 8, 1, monday);
  return year < 1971 ? onOrAfter(addDays(last(year, 8, saturday), 1), monday) : last(year, 8, monday);
}

const sources = [
  'Banking and Financial Dealings Act 1971, Schedule 1, and the proclamations published in the London Gazette',
  'gov.uk/bank-holidays, England and Wales',
];

export const gblo: MarketCalendar = {
  id: 'GBLO',
  describes: 'Payments in sterling: CHAPS and banks in London',
  version: '2026.1',
  sources,
  holidays: bankHolidays,
};

export const xlon: MarketCalendar = {
  id: 'XLON',
  describes: 'Trading on the London Stock Exchange',
  version: '2026.1',
  sources: [
    ...sources,
    'London Stock Exchange, Business days: half days on the last trading day before Christmas and before New Year',
  ],
  holidays: bankHolidays,
  zone: 'Europe/London',
  earlyCloses: (year) =>
    closingAt(
      '12:30',
      [24, 31].map((day) => lastWeekdayTo(dateOf(year, 12, day))),
    ),
};

export const crest: MarketCalendar = {
  id: 'CREST',
  describes: 'Settlement of securities in CREST',
  version: '2026.1',
  sources: [...sources, 'Euroclear UK & International, CREST timetable and bank holidays'],
  holidays: bankHolidays,
};
