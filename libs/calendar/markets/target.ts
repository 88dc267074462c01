import { easterMonday, fromYear, goodFriday, oneOff } from '../holiday-rules.js';
import { type MarketCalendar } from '../market-calendar.js';
import { dateOf } from '../plain-date.js';

export const target: MarketCalendar = {
  id: 'TARGET',
  describes: 'Payments in euro: days on which T2 (TARGET) settles',
  version: '2026.1',
  sources: [
    'ECB press release of 14 December 2000, Long-term calendar for TARGET closing days (from 2002 on)',
    'ECB press releases of 31 March 1999, 15 July 1999 and 25 May 2000 (closing days of 1999, 2000 and 2001)',
  ],
  holidays: (year) => [
    dateOf(year, 1, 1),
    ...fromYear(year, 2000, goodFriday(year), easterMonday(year), dateOf(year, 5, 1)),
    dateOf(year, 12, 25),
    ...fromYear(year, 2000, dateOf(year, 12, 26)),
    // The turn of the millennium, and the introduction of notes and coins.
    ...oneOff(year, ['1999-12-31', '2001-12-31']),
  ],
};
