import { fromYear, inYears, monday, nth, oneOff, sunday } from '../holiday-rules.js';
import { type MarketCalendar } from '../market-calendar.js';
import { addDays, dateOf, dayOfWeek, type PlainDate } from '../plain-date.js';

/** Act on National Holidays (Act No. 178 of 1948), article 2, with its amendments to 2018 and the special acts for 2019–2021. */
function namedHolidays(year: number): PlainDate[] {
  return [
    dateOf(year, 1, 1),
    year >= 2000 ? nth(year, 1, 2, monday) : dateOf(year, 1, 15), // coming of age
    dateOf(year, 2, 11), // foundation of the state
    ...fromYear(year, 2020, dateOf(year, 2, 23)), // birthday of the Emperor, since 2020
    equinox(year, 'vernal'),
    dateOf(year, 4, 29), // Showa
    dateOf(year, 5, 3), // constitution
    ...fromYear(year, 2007, dateOf(year, 5, 4)), // greenery; before 2007 the day stood between two holidays
    dateOf(year, 5, 5), // children
    ...marineDay(year),
    ...mountainDay(year),
    year >= 2003 ? nth(year, 9, 3, monday) : dateOf(year, 9, 15), // respect for the aged
    equinox(year, 'autumnal'),
    sportsDay(year),
    dateOf(year, 11, 3), // culture
    dateOf(year, 11, 23), // labour thanksgiving
    ...inYears(year, 1989, 2018, dateOf(year, 12, 23)), // birthday of the Emperor, until 2018
    ...oneOff(year, ['1989-02-24', '1990-11-12', '1993-06-09', '2019-05-01', '2019-10-22']), // funeral, weddings, enthronements
  ];
}

function marineDay(year: number): PlainDate[] {
  if (year === 2020) return [dateOf(2020, 7, 23)]; // moved for the Olympic Games
  if (year === 2021) return [dateOf(2021, 7, 22)];
  if (year >= 2003) return [nth(year, 7, 3, monday)];
  return fromYear(year, 1996, dateOf(year, 7, 20));
}

function mountainDay(year: number): PlainDate[] {
  if (year === 2020) return [dateOf(2020, 8, 10)];
  if (year === 2021) return [dateOf(2021, 8, 8)];
  return fromYear(year, 2016, dateOf(year, 8, 11));
}

function sportsDay(year: number): PlainDate {
  if (year === 2020) return dateOf(2020, 7, 24);
  if (year === 2021) return dateOf(2021, 7, 23);
  return year >= 2000 ? nth(year, 10, 2, monday) : dateOf(year, 10, 10);
}

/**
 * The day of the equinox in Japan, 1980–2099: the approximation of the Hydrographic Department of the Coast Guard.
 * The day in law is announced in the official gazette each February for the year after and has always agreed.
 */
function equinox(year: number, which: 'vernal' | 'autumnal'): PlainDate {
  const base = which === 'vernal' ? 20.8431 : 23.2488;
  const day = Math.floor(base + 0.242194 * (year - 1980) - Math.floor((year - 1980) / 4));
  return dateOf(year, which === 'vernal' ? 3 : 9, day);
}

/** Article 3: substitute holidays (paragraph 2) and the day between two holidays (paragraph 3). */
function nationalHolidays(year: number): PlainDate[] {
  const named = new Set(namedHolidays(year));
  const all = new Set(named);
  for (const date of named) {
    if (dayOfWeek(date) !== sunday) continue;
    let substitute = addDays(date, 1);
    // Since 2007 the next day that is no holiday; before, only the Monday.
    while (year >= 2007 && named.has(substitute)) substitute = addDays(substitute, 1);
    all.add(substitute);
  }
  for (const date of named) {
    const between = addDays(date, 1);
    if (!named.has(between) && named.has(addDays(date, 2)) && dayOfWeek(between) !== sunday) all.add(between);
  }
  return [...all];
}

const bankHolidays = (year: number): PlainDate[] => [
  ...nationalHolidays(year),
  dateOf(year, 1, 2),
  dateOf(year, 1, 3),
  dateOf(year, 12, 31),
];

const sources = [
  'Act on National Holidays (Act No. 178 of 1948), articles 2 and 3; Cabinet Office, list of national holidays',
  'Order for Enforcement of the Banking Act, article 5: 31 December to 3 January',
];

export const jpto: MarketCalendar = {
  id: 'JPTO',
  describes: 'Payments in yen: BOJ-NET and banks in Tokyo',
  version: '2026.1',
  sources,
  holidays: bankHolidays,
};

export const xtks: MarketCalendar = {
  id: 'XTKS',
  describes: 'Trading on the Tokyo Stock Exchange',
  version: '2026.1',
  sources: [...sources, 'Tokyo Stock Exchange, Business Regulations, rule 19'],
  holidays: bankHolidays,
};

export const jasdec: MarketCalendar = {
  id: 'JASDEC',
  describes: 'Settlement of securities at the Japan Securities Depository Center',
  version: '2026.1',
  sources: [...sources, 'JASDEC, Business days and hours of the Book-Entry Transfer System'],
  holidays: bankHolidays,
};
