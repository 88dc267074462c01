import {
  addBusinessDays,
  type BusinessCalendar,
  calendarOf,
  isBusinessDay,
  type PlainDate,
} from '#libs/calendar/index.js';

/** Where a book works: the calendar that says which dates it has, and the zone of its clock on the wall. */
export interface BookTerms {
  readonly calendar: string;
  readonly zone: string;
}

const known: Readonly<Record<string, BookTerms>> = {
  NGEU: { calendar: 'TARGET', zone: 'Europe/Berlin' },
  // The depository works on days when the Federal Reserve rests, and its members with it.
  NGUS: { calendar: 'DTC', zone: 'America/New_York' },
};

/** The books of the installation; `BOOK_TERMS` (JSON: book → {calendar, zone}) adds others or changes these. */
export function readBookTerms(environment: NodeJS.ProcessEnv = process.env): Readonly<Record<string, BookTerms>> {
  const given = environment.BOOK_TERMS;
  if (given === undefined || given === '') return known;
  return { ...known, ...(JSON.parse(given) as Record<string, BookTerms>) };
}

/** A book of which nothing is said works on the days of the euro. */
const otherwise: BookTerms = { calendar: 'TARGET', zone: 'Europe/Berlin' };

export const termsOfBook = (book: string, all = readBookTerms()): BookTerms => all[book] ?? otherwise;
export const calendarOfBook = (book: string): BusinessCalendar => calendarOf(termsOfBook(book).calendar);
export const isDateOfBook = (book: string, date: PlainDate): boolean => isBusinessDay(calendarOfBook(book), date);
export const nextDateOfBook = (book: string, date: PlainDate): PlainDate =>
  addBusinessDays(calendarOfBook(book), date, 1);
