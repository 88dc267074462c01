import { fromYear, goodFriday, maundyThursday, monday, nth, oneOff } from '../holiday-rules.js';
import { type MarketCalendar } from '../market-calendar.js';
import { dateOf } from '../plain-date.js';

export const mxmc: MarketCalendar = {
  id: 'MXMC',
  describes: 'Banks in Mexico City',
  version: '2026.1',
  sources: [
    'Comisión Nacional Bancaria y de Valores, Disposiciones de días inhábiles, each year',
    'Ley Federal del Trabajo, artículo 74',
  ],
  holidays: (year) => [
    dateOf(year, 1, 1),
    year >= 2006 ? nth(year, 2, 1, monday) : dateOf(year, 2, 5),
    year >= 2006 ? nth(year, 3, 3, monday) : dateOf(year, 3, 21),
    maundyThursday(year),
    goodFriday(year),
    dateOf(year, 5, 1),
    dateOf(year, 9, 16),
    dateOf(year, 11, 2),
    year >= 2006 ? nth(year, 11, 3, monday) : dateOf(year, 11, 20),
    dateOf(year, 12, 12),
    dateOf(year, 12, 25),
    // A new president takes office every six years: on 1 December until 2018, on 1 October since 2024.
    ...oneOff(year, ['2000-12-01', '2006-12-01', '2012-12-01', '2018-12-01']),
    ...((year - 2024) % 6 === 0 ? fromYear(year, 2024, dateOf(year, 10, 1)) : []),
  ],
};
