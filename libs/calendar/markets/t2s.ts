import { easterMonday, goodFriday } from '../holiday-rules.js';
import { type MarketCalendar } from '../market-calendar.js';
import { dateOf } from '../plain-date.js';

/**
 * The platform also runs on 1 May and 26 December, when TARGET is closed: free of payment and other currencies settle,
 * euro does not. A delivery versus payment in euro therefore needs TARGET as well.
 */
export const t2s: MarketCalendar = {
  id: 'T2S',
  describes: 'Settlement of securities in TARGET2-Securities',
  version: '2026.1',
  sources: [
    'Clearstream Banking announcement A19013 (2019): T2S closed on Good Friday and Easter Monday, open on 1 May free of payment',
    'LuxCSD notice of 28 April 2017: T2S operations on 1 May',
  ],
  holidays: (year) => [dateOf(year, 1, 1), goodFriday(year), easterMonday(year), dateOf(year, 12, 25)],
};
