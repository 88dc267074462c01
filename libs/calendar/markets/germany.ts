import {
  ascensionDay,
  corpusChristi,
  easterMonday,
  goodFriday,
  inYears,
  lastWeekdayTo,
  oneOff,
  whitMonday,
} from '../holiday-rules.js';
import { closingAt, type MarketCalendar } from '../market-calendar.js';
import { dateOf } from '../plain-date.js';

export const xetr: MarketCalendar = {
  id: 'XETR',
  describes: 'Trading on Xetra and Börse Frankfurt',
  version: '2026.1',
  sources: ['Deutsche Börse, Xetra trading calendar, published each year'],
  holidays: (year) => [
    dateOf(year, 1, 1),
    goodFriday(year),
    easterMonday(year),
    dateOf(year, 5, 1),
    // Whit Monday and the Day of German Unity were closed for some years and are trading days again since 2022.
    ...inYears(year, 2015, 2021, whitMonday(year)),
    ...inYears(year, 2007, 2007, whitMonday(year)),
    ...inYears(year, 2014, 2021, dateOf(year, 10, 3)),
    dateOf(year, 12, 24),
    dateOf(year, 12, 25),
    dateOf(year, 12, 26),
    dateOf(year, 12, 31),
    ...oneOff(year, ['2017-10-31']), // 500 years of the Reformation
  ],
  // The last trading day of the year: 30 December or, when that is on a weekend, the Friday before.
  zone: 'Europe/Berlin',
  earlyCloses: (year) => closingAt('14:00', [lastWeekdayTo(dateOf(year, 12, 30))]),
};

export const defr: MarketCalendar = {
  id: 'DEFR',
  describes: 'Banks in Frankfurt am Main',
  version: '2026.1',
  sources: ['Hessisches Feiertagsgesetz § 1', 'Banks also close on 24 and 31 December'],
  holidays: (year) => [
    dateOf(year, 1, 1),
    goodFriday(year),
    easterMonday(year),
    dateOf(year, 5, 1),
    ascensionDay(year),
    whitMonday(year),
    corpusChristi(year),
    dateOf(year, 10, 3),
    dateOf(year, 12, 24),
    dateOf(year, 12, 25),
    dateOf(year, 12, 26),
    dateOf(year, 12, 31),
    ...oneOff(year, ['2017-10-31']), // 500 years of the Reformation, a holiday in all of Germany
  ],
};
