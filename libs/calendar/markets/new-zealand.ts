import {
  easterMonday,
  fromYear,
  goodFriday,
  monday,
  nearestMonday,
  nth,
  oneOff,
  pairOnWeekdays,
  weekendToMonday,
} from '../holiday-rules.js';
import { type MarketCalendar } from '../market-calendar.js';
import { dateOf, type PlainDate } from '../plain-date.js';

/** Te Kāhui o Matariki Public Holiday Act 2022, Schedule 1: dates set for thirty years. */
const matariki: readonly PlainDate[] = [
  ...['2022-06-24', '2023-07-14', '2024-06-28', '2025-06-20', '2026-07-10', '2027-06-25', '2028-07-14', '2029-07-06'],
  ...['2030-06-21', '2031-07-11', '2032-07-02', '2033-06-24', '2034-07-07', '2035-06-29', '2036-07-18', '2037-07-10'],
  ...['2038-06-25', '2039-07-15', '2040-07-06', '2041-07-19', '2042-07-11', '2043-07-03', '2044-06-24', '2045-07-07'],
  ...['2046-06-29', '2047-07-19', '2048-07-03', '2049-06-25', '2050-07-15', '2051-06-30', '2052-06-21'],
];

/** Waitangi and Anzac Day move from a weekend to Monday since 2014: the Amendment Act took effect after Anzac Day 2013. */
const mondayised = (date: PlainDate): PlainDate => (date >= '2014-01-01' ? weekendToMonday(date) : date);

const nationalHolidays = (year: number): PlainDate[] => [
  ...pairOnWeekdays(dateOf(year, 1, 1)),
  mondayised(dateOf(year, 2, 6)),
  goodFriday(year),
  easterMonday(year),
  mondayised(dateOf(year, 4, 25)),
  nth(year, 6, 1, monday), // the Sovereign's birthday
  ...fromYear(year, 2022, ...oneOff(year, matariki)),
  nth(year, 10, 4, monday), // labour
  ...pairOnWeekdays(dateOf(year, 12, 25)),
  ...oneOff(year, ['2022-09-26']), // mourning of Queen Elizabeth II
];

const sources = [
  'Holidays Act 2003, sections 44 to 45A; Holidays (Full Recognition of Waitangi Day and ANZAC Day) Amendment Act 2013',
  'Te Kāhui o Matariki Public Holiday Act 2022, Schedule 1',
];

export const nzbd: MarketCalendar = {
  id: 'NZBD',
  describes: 'Banks in New Zealand, no regional days',
  version: '2026.1',
  sources,
  holidays: nationalHolidays,
};

/** A province keeps its anniversary on the Monday nearest to it. */
export const nzau: MarketCalendar = {
  id: 'NZAU',
  describes: 'Banks in Auckland',
  version: '2026.1',
  sources,
  holidays: (year) => [...nationalHolidays(year), nearestMonday(dateOf(year, 1, 29))],
};

export const nzwe: MarketCalendar = {
  id: 'NZWE',
  describes: 'Banks in Wellington',
  version: '2026.1',
  sources,
  holidays: (year) => [...nationalHolidays(year), nearestMonday(dateOf(year, 1, 22))],
};
