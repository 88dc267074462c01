import { invariant } from '#libs/kernel/index.js';

/** A day without time or zone, `YYYY-MM-DD`. Its text sorts as time does, so `<` compares two of them. */
export type PlainDate = string;

const dayMilliseconds = 86_400_000;

const toMilliseconds = (date: PlainDate): number => {
  const milliseconds = Date.parse(`${date}T00:00:00Z`);
  invariant(!Number.isNaN(milliseconds), `${date} is a date`);
  return milliseconds;
};
const fromMilliseconds = (milliseconds: number): PlainDate => new Date(milliseconds).toISOString().slice(0, 10);

/** True for a day that exists: `2026-02-29` does not. */
export const isPlainDate = (text: string): boolean =>
  // What is behind a month's end is read as a day of the next.
  /^\d{4}-\d{2}-\d{2}$/.test(text) && new Date(Date.parse(`${text}T00:00:00Z`)).getUTCDate() === dayOf(text);

/** Throws when the text is no day that exists. */
export function plainDate(text: string): PlainDate {
  if (!isPlainDate(text)) throw new RangeError(`"${text}" is no date; write YYYY-MM-DD`);
  return text;
}

/** `dateOf(2026, 11, 26)`; months count from 1. A day beyond the month's end runs on into the next. */
export const dateOf = (year: number, month: number, day: number): PlainDate =>
  fromMilliseconds(new Date(0).setUTCFullYear(year, month - 1, day));

export const addDays = (date: PlainDate, days: number): PlainDate =>
  fromMilliseconds(toMilliseconds(date) + days * dayMilliseconds);

/** Days from the first to the second date; negative when the second is earlier. */
export const daysBetween = (from: PlainDate, to: PlainDate): number =>
  Math.round((toMilliseconds(to) - toMilliseconds(from)) / dayMilliseconds);

/** ISO 8601: Monday is 1, Sunday is 7. */
export const dayOfWeek = (date: PlainDate): number => new Date(toMilliseconds(date)).getUTCDay() || 7;

/** Negative, zero or positive, for sorting. */
export const compareDates = (a: PlainDate, b: PlainDate): number => (a < b ? -1 : a > b ? 1 : 0);

export const endOfMonth = (date: PlainDate): PlainDate => dateOf(yearOf(date), monthOf(date) + 1, 0);

export const yearOf = (date: PlainDate): number => Number(date.slice(0, 4));
export const monthOf = (date: PlainDate): number => Number(date.slice(5, 7));
export const dayOf = (date: PlainDate): number => Number(date.slice(8));
