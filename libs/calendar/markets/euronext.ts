import { easterMonday, goodFriday } from '../holiday-rules.js';
import { closingAt, type MarketCalendar } from '../market-calendar.js';
import { dateOf } from '../plain-date.js';

const euronext = (id: string, city: string): MarketCalendar => ({
  id,
  describes: `Trading on Euronext ${city}`,
  version: '2026.1',
  sources: ['Euronext, Calendar of business days, published each year; the harmonised days since 2002'],
  holidays: (year) => [
    dateOf(year, 1, 1),
    goodFriday(year),
    easterMonday(year),
    dateOf(year, 5, 1),
    dateOf(year, 12, 25),
    dateOf(year, 12, 26),
  ],
  zone: 'Europe/Paris',
  earlyCloses: (year) => closingAt('14:05', [dateOf(year, 12, 24), dateOf(year, 12, 31)]),
});

export const xpar = euronext('XPAR', 'Paris');
export const xams = euronext('XAMS', 'Amsterdam');
