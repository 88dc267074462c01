import {
  easterMonday,
  fromYear,
  goodFriday,
  inYears,
  monday,
  nth,
  oneOff,
  pairOnWeekdays,
  weekendToMonday,
} from '../holiday-rules.js';
import { type MarketCalendar } from '../market-calendar.js';
import { addDays, dateOf } from '../plain-date.js';

export const ausy: MarketCalendar = {
  id: 'AUSY',
  describes: 'Banks in Sydney',
  version: '2026.1',
  sources: [
    'Public Holidays Act 2010 (NSW), section 4; Banks and Bank Holidays Act 1912 (NSW)',
    'NSW Government, additional public holiday when Anzac Day is on a weekend, 2026 and 2027',
  ],
  holidays: (year) => [
    weekendToMonday(dateOf(year, 1, 1)),
    weekendToMonday(dateOf(year, 1, 26)),
    goodFriday(year),
    easterMonday(year),
    dateOf(year, 4, 25),
    ...inYears(year, 2026, 2027, weekendToMonday(dateOf(year, 4, 25))),
    nth(year, 6, 2, monday), // the Sovereign's birthday
    nth(year, 8, 1, monday), // bank holiday
    nth(year, 10, 1, monday), // labour
    ...pairOnWeekdays(dateOf(year, 12, 25)),
    ...(dateOf(year, 4, 25) === easterMonday(year) ? fromYear(year, 2011, addDays(easterMonday(year), 1)) : []),
    ...oneOff(year, ['2022-09-22']), // mourning of Queen Elizabeth II
  ],
};
