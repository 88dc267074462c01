import { corpusChristi, fromYear, goodFriday, shroveMonday, shroveTuesday } from '../holiday-rules.js';
import { type MarketCalendar } from '../market-calendar.js';
import { dateOf } from '../plain-date.js';

export const brbd: MarketCalendar = {
  id: 'BRBD',
  describes: 'Banks in Brazil, as ANBIMA counts business days',
  version: '2026.1',
  sources: [
    'Lei 662/1949, Lei 6.802/1980, Lei 9.093/1995',
    'Lei 14.759/2023: 20 November is a national holiday',
    'ANBIMA, Feriados nacionais',
  ],
  holidays: (year) => [
    dateOf(year, 1, 1),
    shroveMonday(year),
    shroveTuesday(year),
    goodFriday(year),
    dateOf(year, 4, 21),
    dateOf(year, 5, 1),
    corpusChristi(year),
    dateOf(year, 9, 7),
    dateOf(year, 10, 12),
    dateOf(year, 11, 2),
    dateOf(year, 11, 15),
    ...fromYear(year, 2024, dateOf(year, 11, 20)),
    dateOf(year, 12, 25),
  ],
};
