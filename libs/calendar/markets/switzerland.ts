import { ascensionDay, easterMonday, goodFriday, whitMonday } from '../holiday-rules.js';
import { type MarketCalendar } from '../market-calendar.js';
import { dateOf } from '../plain-date.js';

export const chzu: MarketCalendar = {
  id: 'CHZU',
  describes: 'Banks in Zurich',
  version: '2026.1',
  sources: [
    'Kanton Zürich, Ruhetags- und Ladenöffnungsgesetz § 1',
    'Bundesverfassung Art. 110 (1 August)',
    'SIX Interbank Clearing, bank holidays',
  ],
  holidays: (year) => [
    dateOf(year, 1, 1),
    dateOf(year, 1, 2),
    goodFriday(year),
    easterMonday(year),
    dateOf(year, 5, 1),
    ascensionDay(year),
    whitMonday(year),
    dateOf(year, 8, 1),
    dateOf(year, 12, 25),
    dateOf(year, 12, 26),
  ],
};
