import {
  addBusinessDays,
  type BusinessCalendar,
  calendarOf,
  earlyCloseOf,
  instantOf,
  isBusinessDay,
  type PlainDate,
} from '#libs/calendar/index.js';

/** Where a book works: the calendar that says which dates it has, and the zone of its clock on the wall. */
export interface BookTerms {
  readonly calendar: string;
  readonly zone: string;
  /** The venue whose half days are half days of the book. */
  readonly venue?: string;
  /** Until when the book takes in for a date, on its own clock; on a half day earlier. */
  readonly cutOff?: string;
  readonly halfDayCutOff?: string;
}

const known: Readonly<Record<string, BookTerms>> = {
  NGEU: { calendar: 'TARGET', zone: 'Europe/Berlin', venue: 'XETR', cutOff: '18:00', halfDayCutOff: '15:00' },
  // The depository works on days when the Federal Reserve rests, and its members with it.
  NGUS: { calendar: 'DTC', zone: 'America/New_York', venue: 'XNYS', cutOff: '18:00', halfDayCutOff: '15:00' },
};

/** The books of the installation; `BOOK_TERMS` (JSON: book → {calendar, zone}) adds others or changes these. */
export function readBookTerms(environment: NodeJS.ProcessEnv = process.env): Readonly<Record<string, BookTerms>> {
  const given = environment.BOOK_TERMS;
  if (given === undefined || given === '') return known;
  return { ...known, ...(JSON.parse(given) as Record<string, BookTerms>) };
}

/** A book of which nothing is said works on the days of the euro. */
const otherwise: BookTerms = { calendar: 'TARGET', zone: 'Europe/Berlin' };

export interface CutOff {
  readonly zone: string;
  readonly localTime: string;
  readonly isHalfDay: boolean;
  readonly plannedAt: Date;
}

/** The planned cut-off of a date: wall time of the book's zone, so that days of 23 and 25 hours are ordinary days. */
export function cutOffOfBook(book: string, date: PlainDate, all = readBookTerms()): CutOff {
  const { zone, calendar, venue = calendar, cutOff = '18:00', halfDayCutOff = '15:00' } = termsOfBook(book, all);
  const isHalfDay = earlyCloseOf(venue, date) !== undefined;
  const localTime = isHalfDay && halfDayCutOff < cutOff ? halfDayCutOff : cutOff;
  return { zone, localTime, isHalfDay, plannedAt: instantOf(date, localTime, zone) };
}

export const termsOfBook = (book: string, all = readBookTerms()): BookTerms => all[book] ?? otherwise;
export const calendarOfBook = (book: string): BusinessCalendar => calendarOf(termsOfBook(book).calendar);
export const isDateOfBook = (book: string, date: PlainDate): boolean => isBusinessDay(calendarOfBook(book), date);
export const nextDateOfBook = (book: string, date: PlainDate): PlainDate =>
  addBusinessDays(calendarOfBook(book), date, 1);
