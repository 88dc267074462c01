import { type PlainDate } from '#libs/calendar/index.js';
import { type DueTimes } from '../calendars/due-times.js';
import { currencyCalendars } from '../calendars/settlement-date.js';

export interface ScheduledFile {
  readonly book: string;
  readonly kind: string;
  readonly qualifier: string;
  /** Wall time in the zone. */
  readonly localTime: string;
  readonly zone: string;
  readonly graceMinutes: number;
}

export interface ExpectedFile extends ScheduledFile {
  readonly businessDate: PlainDate;
  readonly dueAt: Date;
  /** Due time and grace: whatever comes after this is late. */
  readonly lateFrom: Date;
}

/** What a house usually waits for. An operator's own schedule replaces it, row by row. */
export const usualIntake: readonly Omit<ScheduledFile, 'book' | 'zone'>[] = [
  { kind: 'PAYMENTS', qualifier: '', localTime: '10:00', graceMinutes: 0 },
  { kind: 'TRADES', qualifier: 'A', localTime: '10:00', graceMinutes: 0 },
  { kind: 'TRADES', qualifier: 'B', localTime: '10:30', graceMinutes: 0 },
  { kind: 'ALLOCATIONS', qualifier: '', localTime: '10:30', graceMinutes: 0 },
  { kind: 'CONFIRMATIONS', qualifier: '', localTime: '11:00', graceMinutes: 0 },
  { kind: 'SANCTIONS_LIST', qualifier: '', localTime: '12:00', graceMinutes: 0 },
];
export const statementTime = { localTime: '18:00', graceMinutes: 15 };

/** The home book's intake, and a statement per currency for each main nostro that an agent reports on. */
export function usualSchedule(
  homeBook: string,
  zone: string,
  statements: readonly { book: string; currency: string }[],
): ScheduledFile[] {
  return [
    ...usualIntake.map((file) => ({ ...file, book: homeBook, zone })),
    ...statements.map(({ book, currency }) => ({
      kind: 'STATEMENT',
      qualifier: currency,
      book,
      zone,
      ...statementTime,
    })),
  ];
}

/**
 * The day's expected files, each with its instant: wall time of the named zone, on days of 23 and 25 hours too, and no
 * later than a day closes. An agent sends no statement of a currency on a day on which its payments rest.
 */
export function expectedOn(
  schedule: readonly ScheduledFile[],
  businessDate: PlainDate,
  dueTimes: DueTimes,
): ExpectedFile[] {
  return schedule.flatMap((file) => {
    const { book, kind, qualifier, localTime, zone } = file;
    const currency = kind === 'STATEMENT' ? currencyCalendars[qualifier] : undefined;
    const dueAt =
      currency === undefined
        ? dueTimes.onDate(book, businessDate, localTime, { zone })
        : dueTimes.ofSender(currency, businessDate, localTime, zone);
    if (dueAt === null) return [];
    return { ...file, businessDate, dueAt, lateFrom: new Date(dueAt.getTime() + file.graceMinutes * 60_000) };
  });
}
