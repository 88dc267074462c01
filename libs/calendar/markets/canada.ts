import { fromYear, goodFriday, lastBefore, monday, nth, pairOnWeekdays, weekendToMonday } from '../holiday-rules.js';
import { type MarketCalendar } from '../market-calendar.js';
import { dateOf, type PlainDate } from '../plain-date.js';

const victoriaDay = (year: number) => lastBefore(dateOf(year, 5, 25), monday);
const canadaDay = (year: number) => weekendToMonday(dateOf(year, 7, 1));
const labourDay = (year: number) => nth(year, 9, 1, monday);
const truthAndReconciliation = (year: number): PlainDate[] =>
  fromYear(year, 2021, weekendToMonday(dateOf(year, 9, 30)));
const thanksgiving = (year: number) => nth(year, 10, 2, monday);

export const cato: MarketCalendar = {
  id: 'CATO',
  describes: 'Banks in Toronto',
  version: '2026.1',
  sources: [
    'Retail Business Holidays Act (Ontario)',
    'Bank Act, section 5 (holidays); Canadian Bankers Association, bank holidays',
    'Bill C-5 of 2021 (30 September)',
  ],
  holidays: (year) => [
    weekendToMonday(dateOf(year, 1, 1)),
    ...fromYear(year, 2008, nth(year, 2, 3, monday)), // family
    goodFriday(year),
    victoriaDay(year),
    canadaDay(year),
    nth(year, 8, 1, monday), // civic
    labourDay(year),
    ...truthAndReconciliation(year),
    thanksgiving(year),
    weekendToMonday(dateOf(year, 11, 11)),
    ...pairOnWeekdays(dateOf(year, 12, 25)),
  ],
};

export const camo: MarketCalendar = {
  id: 'CAMO',
  describes: 'Banks in Montreal',
  version: '2026.1',
  sources: [
    'Act respecting labour standards (Quebec), section 60; National Holiday Act (Quebec)',
    'Bill C-5 of 2021 (30 September)',
  ],
  holidays: (year) => [
    weekendToMonday(dateOf(year, 1, 1)),
    goodFriday(year),
    victoriaDay(year),
    weekendToMonday(dateOf(year, 6, 24)), // Saint John the Baptist
    canadaDay(year),
    labourDay(year),
    ...truthAndReconciliation(year),
    thanksgiving(year),
    weekendToMonday(dateOf(year, 12, 25)),
  ],
};
