import {
  addBusinessDays,
  type BusinessCalendar,
  calendarData,
  calendarOf,
  earlyCloseOf,
  firstBuiltInYear,
  instantOf,
  isBusinessDay,
  localDateOf,
  localTimeOf,
  type PlainDate,
} from '#libs/calendar/index.js';

/** Where a book works: the calendar that says which dates it has, and the zone of its clock on the wall. */
export interface BookTerms {
  readonly calendar: string;
  readonly zone: string;
  /** What the book keeps its own accounts in; the euro unless said. */
  readonly functionalCurrency?: string;
  /** The code of its chart that takes the result of a year; 3200 unless said. */
  readonly retainedEarnings?: string;
  /** Which lots of an own holding go first, `FIFO` unless said: by `AVERAGE`, or by who sells (`SPECIFIC`). */
  readonly lotMethod?: 'FIFO' | 'AVERAGE' | 'SPECIFIC';
  /** The date on which own trades are recognised, that of the settlement unless said. */
  readonly recognition?: 'TRADE_DATE' | 'SETTLEMENT_DATE';
  /** Up to which amount, in its own currency, one person approves a supplier's bill; nothing unless said. */
  readonly billLimit?: string;
  /** The venue whose half days are half days of the book. */
  readonly venue?: string;
  /** Until when the book takes in for a date, on its own clock; on a half day earlier. */
  readonly cutOff?: string;
  readonly halfDayCutOff?: string;
}

const known: Readonly<Record<string, BookTerms>> = {
  NGEU: {
    calendar: 'TARGET',
    zone: 'Europe/Berlin',
    functionalCurrency: 'EUR',
    billLimit: '5000.00',
    venue: 'XETR',
    cutOff: '18:00',
    halfDayCutOff: '15:00',
  },
  // The depository works on days when the Federal Reserve rests, and its members with it.
  NGUS: {
    calendar: 'DTC',
    zone: 'America/New_York',
    functionalCurrency: 'USD',
    billLimit: '5000.00',
    venue: 'XNYS',
    cutOff: '18:00',
    halfDayCutOff: '15:00',
  },
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

/** A calendar a book works by: which days are worked, and until when those are that close early. */
export interface DayCalendar extends BusinessCalendar {
  /** Local closing time in the zone, when the day closes early. */
  earlyClose(day: PlainDate): string | undefined;
  readonly zone: string | null;
}

/** The calendars as they are known now: what settlement told of, and the rules of the product where it told nothing. */
export interface DayCalendars {
  of(id: string): DayCalendar;
}

export const builtInDays: DayCalendars = {
  of: (id) => ({
    ...calendarOf(id),
    earlyClose: (day) => earlyCloseOf(id, day),
    zone: calendarData(id, firstBuiltInYear, firstBuiltInYear).zone,
  }),
};

/**
 * The planned cut-off of a date: wall time of the book's zone, so that days of 23 and 25 hours are ordinary days. On a
 * half day of its venue or its calendar it comes earlier, and never after the close of its calendar.
 */
export function cutOffOfBook(
  book: string,
  date: PlainDate,
  calendars: DayCalendars = builtInDays,
  all = readBookTerms(),
): CutOff {
  const { zone, calendar, venue = calendar, cutOff = '18:00', halfDayCutOff = '15:00' } = termsOfBook(book, all);
  const own = calendars.of(calendar);
  const close = own.earlyClose(date);
  const isHalfDay = close !== undefined || calendars.of(venue).earlyClose(date) !== undefined;
  const localTime = isHalfDay && halfDayCutOff < cutOff ? halfDayCutOff : cutOff;
  const plannedAt = instantOf(date, localTime, zone);
  const closesAt = close === undefined ? plannedAt : instantOf(date, close, own.zone ?? zone);
  if (closesAt >= plannedAt) return { zone, localTime, isHalfDay, plannedAt };
  // A calendar of the far east may close before the day of the book begins.
  const closeHere = localDateOf(closesAt, zone) < date ? '00:00' : localTimeOf(closesAt, zone);
  return { zone, localTime: closeHere, isHalfDay, plannedAt: instantOf(date, closeHere, zone) };
}

export const termsOfBook = (book: string, all = readBookTerms()): BookTerms => all[book] ?? otherwise;
export const functionalCurrencyOf = (book: string, all = readBookTerms()): string =>
  termsOfBook(book, all).functionalCurrency ?? 'EUR';
export const billLimitOf = (book: string, all = readBookTerms()): string => termsOfBook(book, all).billLimit ?? '0';
export const calendarOfBook = (book: string, calendars: DayCalendars = builtInDays): BusinessCalendar =>
  calendars.of(termsOfBook(book).calendar);
export const isDateOfBook = (book: string, date: PlainDate, calendars: DayCalendars = builtInDays): boolean =>
  isBusinessDay(calendarOfBook(book, calendars), date);
export const nextDateOfBook = (book: string, date: PlainDate, calendars: DayCalendars = builtInDays): PlainDate =>
  addBusinessDays(calendarOfBook(book, calendars), date, 1);

/** What the other services count and tell the time by. */
export const clockOfBook = (book: string): { calendar: string; zone: string } => {
  const { calendar, zone } = termsOfBook(book);
  return { calendar, zone };
};

/** The calendars that say something about the days of a book: its own and its venue's. */
export const calendarIdsOfBook = (book: string): string[] => {
  const { calendar, venue = calendar } = termsOfBook(book);
  return [...new Set([calendar, venue])];
};
