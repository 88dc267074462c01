import { addDays, dateOf, dayOfWeek, type PlainDate } from './plain-date.js';

/** The words in which the market files state their holidays. */
export const monday = 1;
export const thursday = 4;
export const friday = 5;
export const saturday = 6;
export const sunday = 7;

/** Easter Sunday of the Gregorian calendar: the anonymous algorithm of Nature 13 (1876), as in Meeus, Astronomical Algorithms, ch. 8. */
export function easterSunday(year: number): PlainDate {
  const a = year % 19;
  const b = Math.floor(year / 100);
  const c = year % 100;
  const d = Math.floor(b / 4);
  const e = b % 4;
  const f = Math.floor((b + 8) / 25);
  const g = Math.floor((b - f + 1) / 3);
  const h = (19 * a + b - d - g + 15) % 30;
  const i = Math.floor(c / 4);
  const k = c % 4;
  const l = (32 + 2 * e + 2 * i - h - k) % 7;
  const m = Math.floor((a + 11 * h + 22 * l) / 451);
  const dayOfSpring = h + l - 7 * m + 114;
  return dateOf(year, Math.floor(dayOfSpring / 31), (dayOfSpring % 31) + 1);
}

const fromEaster = (days: number) => (year: number) => addDays(easterSunday(year), days);
export const shroveMonday = fromEaster(-48);
export const shroveTuesday = fromEaster(-47);
export const maundyThursday = fromEaster(-3);
export const goodFriday = fromEaster(-2);
export const easterMonday = fromEaster(1);
export const ascensionDay = fromEaster(39);
export const whitMonday = fromEaster(50);
export const corpusChristi = fromEaster(60);

/** `nth(2026, 11, 4, thursday)`: the fourth Thursday of November. */
export function nth(year: number, month: number, count: number, weekday: number): PlainDate {
  const first = dateOf(year, month, 1);
  return addDays(first, ((weekday - dayOfWeek(first) + 7) % 7) + 7 * (count - 1));
}

export function last(year: number, month: number, weekday: number): PlainDate {
  const end = dateOf(year, month + 1, 0);
  return addDays(end, -((dayOfWeek(end) - weekday + 7) % 7));
}

/** The first such weekday on the date or after it. */
export const onOrAfter = (date: PlainDate, weekday: number): PlainDate =>
  addDays(date, (weekday - dayOfWeek(date) + 7) % 7);

/** The last such weekday before the date. */
export const lastBefore = (date: PlainDate, weekday: number): PlainDate => addDays(onOrAfter(date, weekday), -7);

/** The date itself or, when it is on a weekend, the Friday before. */
export const lastWeekdayTo = (date: PlainDate): PlainDate =>
  addDays(date, dayOfWeek(date) > friday ? friday - dayOfWeek(date) : 0);

/** The Monday nearest to the date: back to three days before it, on to three days after. */
export const nearestMonday = (date: PlainDate): PlainDate => onOrAfter(addDays(date, -3), monday);

/** A holiday on a Sunday is kept on Monday; one on a Saturday is lost. */
export const sundayToMonday = (date: PlainDate): PlainDate => (dayOfWeek(date) === sunday ? addDays(date, 1) : date);

/** A holiday on a weekend is kept on Monday. */
export const weekendToMonday = (date: PlainDate): PlainDate =>
  dayOfWeek(date) === saturday ? addDays(date, 2) : sundayToMonday(date);

/** A holiday on a Saturday is kept on Friday, one on a Sunday on Monday. */
export const toNearestWeekday = (date: PlainDate): PlainDate =>
  dayOfWeek(date) === saturday ? addDays(date, -1) : sundayToMonday(date);

/** Two holidays on consecutive days, each moved on so that both fall on weekdays: Christmas and Boxing Day. */
export function pairOnWeekdays(first: PlainDate): PlainDate[] {
  const second = addDays(first, 1);
  switch (dayOfWeek(first)) {
    case friday:
      return [first, addDays(second, 2)];
    case saturday:
      return [addDays(first, 2), addDays(second, 2)];
    case sunday:
      return [addDays(first, 2), second];
    default:
      return [first, second];
  }
}

/** The dates, when the year is in the range, both ends included. */
export const inYears = (year: number, from: number, to: number, ...dates: PlainDate[]): PlainDate[] =>
  year >= from && year <= to ? dates : [];

export const fromYear = (year: number, from: number, ...dates: PlainDate[]): PlainDate[] => (year >= from ? dates : []);

/** Closures that follow no rule. */
export const oneOff = (year: number, dates: readonly PlainDate[]): PlainDate[] =>
  dates.filter((date) => date.startsWith(`${year}-`));
