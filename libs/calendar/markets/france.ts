import { ascensionDay, easterMonday, goodFriday, inYears, whitMonday } from '../holiday-rules.js';
import { type MarketCalendar } from '../market-calendar.js';
import { dateOf } from '../plain-date.js';

export const frpa: MarketCalendar = {
  id: 'FRPA',
  describes: 'Banks in Paris',
  version: '2026.1',
  sources: [
    'Code du travail, article L3133-1',
    'Loi n° 2004-626 and loi n° 2008-351: Whit Monday was a working day of solidarity from 2005 to 2007',
    'Fédération bancaire française: banks also close on Good Friday and 26 December',
  ],
  holidays: (year) => [
    dateOf(year, 1, 1),
    goodFriday(year),
    easterMonday(year),
    dateOf(year, 5, 1),
    dateOf(year, 5, 8),
    ascensionDay(year),
    ...(inYears(year, 2005, 2007, whitMonday(year)).length > 0 ? [] : [whitMonday(year)]),
    dateOf(year, 7, 14),
    dateOf(year, 8, 15),
    dateOf(year, 11, 1),
    dateOf(year, 11, 11),
    dateOf(year, 12, 25),
    dateOf(year, 12, 26),
  ],
};
