import { Temporal } from 'temporal-polyfill';
import { type PlainDate } from './plain-date.js';

/**
 * The instant of a wall-clock time in an IANA zone: `instantOf('2026-11-23', '16:00', 'Europe/Berlin')`.
 * On the night the clocks go forward, a time that does not exist is moved on by the length of the gap (02:30 is 03:30);
 * on the night they go back, a time that exists twice is the earlier instant. So a cut-off never comes late.
 */
export function instantOf(date: PlainDate, time: string, zone: string): Date {
  const local = Temporal.PlainDateTime.from(`${date}T${time}`);
  return new Date(local.toZonedDateTime(zone, { disambiguation: 'compatible' }).epochMilliseconds);
}

const zoned = (instant: Date, zone: string) =>
  Temporal.Instant.fromEpochMilliseconds(instant.getTime()).toZonedDateTimeISO(zone);

export const localDateOf = (instant: Date, zone: string): PlainDate => zoned(instant, zone).toPlainDate().toString();

/** `HH:MM` on the wall clock. */
export const localTimeOf = (instant: Date, zone: string): string =>
  zoned(instant, zone).toPlainTime().toString({ smallestUnit: 'minute' });

/** 24, or 23 and 25 on the days on which the clocks change. */
export const dayLengthHours = (date: PlainDate, zone: string): number =>
  Temporal.PlainDate.from(date).toZonedDateTime(zone).hoursInDay;
