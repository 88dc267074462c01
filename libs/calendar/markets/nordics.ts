import {
  ascensionDay,
  easterMonday,
  friday,
  fromYear,
  goodFriday,
  inYears,
  maundyThursday,
  onOrAfter,
  whitMonday,
} from '../holiday-rules.js';
import { type MarketCalendar } from '../market-calendar.js';
import { addDays, dateOf } from '../plain-date.js';

export const dkco: MarketCalendar = {
  id: 'DKCO',
  describes: 'Banks in Copenhagen',
  version: '2026.1',
  sources: [
    'Danmarks Nationalbank and Finans Danmark, bank closing days',
    'Lov nr. 214 of 2023: Great Prayer Day is abolished from 2024',
  ],
  holidays: (year) => [
    dateOf(year, 1, 1),
    maundyThursday(year),
    goodFriday(year),
    easterMonday(year),
    ...inYears(year, 1686, 2023, addDays(easterMonday(year), 25)), // Great Prayer Day
    ascensionDay(year),
    ...fromYear(year, 2009, addDays(ascensionDay(year), 1)), // banks only
    whitMonday(year),
    dateOf(year, 6, 5),
    dateOf(year, 12, 24),
    dateOf(year, 12, 25),
    dateOf(year, 12, 26),
    dateOf(year, 12, 31),
  ],
};

export const noos: MarketCalendar = {
  id: 'NOOS',
  describes: 'Banks in Oslo',
  version: '2026.1',
  sources: [
    'Lov om helligdager og helligdagsfred 1995; lov om 1 og 17 mai 1947',
    'Finans Norge: banks also close on 24 and 31 December',
  ],
  holidays: (year) => [
    dateOf(year, 1, 1),
    maundyThursday(year),
    goodFriday(year),
    easterMonday(year),
    dateOf(year, 5, 1),
    dateOf(year, 5, 17),
    ascensionDay(year),
    whitMonday(year),
    dateOf(year, 12, 24),
    dateOf(year, 12, 25),
    dateOf(year, 12, 26),
    dateOf(year, 12, 31),
  ],
};

export const sest: MarketCalendar = {
  id: 'SEST',
  describes: 'Banks in Stockholm',
  version: '2026.1',
  sources: [
    'Lag (1989:253) om allmänna helgdagar',
    'Lag (2004:1320): 6 June replaces Whit Monday from 2005',
    'Svenska Bankföreningen, bank closing days',
  ],
  holidays: (year) => [
    dateOf(year, 1, 1),
    dateOf(year, 1, 6),
    goodFriday(year),
    easterMonday(year),
    dateOf(year, 5, 1),
    ascensionDay(year),
    ...(year >= 2005 ? [dateOf(year, 6, 6)] : [whitMonday(year)]),
    onOrAfter(dateOf(year, 6, 19), friday), // midsummer eve
    dateOf(year, 12, 24),
    dateOf(year, 12, 25),
    dateOf(year, 12, 26),
    dateOf(year, 12, 31),
  ],
};
