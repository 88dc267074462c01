import { easterMonday, goodFriday, oneOff, sundayToMonday } from '../holiday-rules.js';
import { type MarketCalendar } from '../market-calendar.js';
import { dateOf } from '../plain-date.js';

export const zajo: MarketCalendar = {
  id: 'ZAJO',
  describes: 'Banks in Johannesburg',
  version: '2026.1',
  sources: [
    'Public Holidays Act 36 of 1994, section 1 and Schedule 1',
    'Proclamations of further days under section 2A, Government Gazette',
  ],
  holidays: (year) => [
    sundayToMonday(dateOf(year, 1, 1)),
    sundayToMonday(dateOf(year, 3, 21)),
    goodFriday(year),
    easterMonday(year), // family
    sundayToMonday(dateOf(year, 4, 27)),
    sundayToMonday(dateOf(year, 5, 1)),
    sundayToMonday(dateOf(year, 6, 16)),
    sundayToMonday(dateOf(year, 8, 9)),
    sundayToMonday(dateOf(year, 9, 24)),
    sundayToMonday(dateOf(year, 12, 16)),
    dateOf(year, 12, 25),
    // Goodwill. When Christmas is on a Sunday, Tuesday has been proclaimed.
    sundayToMonday(dateOf(year, 12, 26)),
    ...oneOff(year, ['2011-12-27', '2016-12-27', '2022-12-27']),
    ...oneOff(year, [
      ...['1999-12-31', '2000-01-03', '2008-05-02', '2023-12-15'], // proclaimed
      ...['1999-06-02', '2004-04-14', '2006-03-01', '2009-04-22', '2011-05-18', '2014-05-07'], // elections
      ...['2016-08-03', '2019-05-08', '2021-11-01', '2024-05-29'],
    ]),
  ],
};
