import { invariant } from '#libs/kernel/index.js';
import { monday, saturday, sunday } from './holiday-rules.js';
import { markets } from './markets/index.js';
import { type EarlyClose, type MarketCalendar } from './market-calendar.js';
import { addDays, compareDates, dayOfWeek, monthOf, type PlainDate, yearOf } from './plain-date.js';

/** Which days are worked. Stored calendars and built-in ones have this form. */
export interface BusinessCalendar {
  readonly id: string;
  readonly version: string;
  /** ISO days of the week that are never worked: 6 is Saturday, 7 is Sunday. */
  readonly weekend: readonly number[];
  readonly holidays: ReadonlySet<PlainDate>;
}

/** A calendar as data, to be stored with its version. */
export interface CalendarData {
  readonly id: string;
  readonly version: string;
  readonly weekend: readonly number[];
  /** In order, without those that fall on a weekend. */
  readonly holidays: readonly PlainDate[];
  /** Days that close early, in order, with the local closing time. */
  readonly earlyCloses: readonly EarlyClose[];
  /** The zone of the closing times; null when no day closes early by rule. */
  readonly zone: string | null;
}

/** The rules are checked against what was published from 2000 on; years after the present carry the rules of today on. */
export const firstBuiltInYear = 2000;
export const lastBuiltInYear = 2050;

const weekend: readonly number[] = [saturday, sunday];
const byId: ReadonlyMap<string, MarketCalendar> = new Map(markets.map((market) => [market.id, market]));
const built = new Map<string, BusinessCalendar>();

export const calendarIds = (): string[] => [...byId.keys()].sort();

export const isCalendarId = (id: string): boolean => byId.has(id);

function marketOf(id: string): MarketCalendar {
  const market = byId.get(id);
  if (!market) throw new RangeError(`There is no calendar ${id}; there are ${calendarIds().join(', ')}`);
  return market;
}

/** The built-in calendar of a market. Throws on an unknown id. */
export function calendarOf(id: string): BusinessCalendar {
  const known = built.get(id);
  if (known) return known;
  const calendar = {
    id,
    version: marketOf(id).version,
    weekend,
    holidays: new Set(holidaysOf(id, firstBuiltInYear, lastBuiltInYear)),
  };
  built.set(id, calendar);
  return calendar;
}

/** The closed days and the half days of some years, to be stored. */
export function calendarData(id: string, fromYear: number, toYear: number): CalendarData {
  const market = marketOf(id);
  const earlyCloses: EarlyClose[] = [];
  for (let year = fromYear; year <= toYear; year += 1) earlyCloses.push(...workedEarlyCloses(id, year));
  return {
    id,
    version: market.version,
    weekend,
    holidays: holidaysOf(id, fromYear, toYear),
    earlyCloses,
    zone: market.zone ?? null,
  };
}

function holidaysOf(id: string, fromYear: number, toYear: number): PlainDate[] {
  const market = marketOf(id);
  const holidays = new Set<PlainDate>();
  for (let year = fromYear; year <= toYear; year += 1) {
    for (const date of market.holidays(year)) {
      if (!weekend.includes(dayOfWeek(date))) holidays.add(date);
    }
  }
  return [...holidays].sort(compareDates);
}

/** In order, without those that are not worked at all. */
function workedEarlyCloses(id: string, year: number): EarlyClose[] {
  const calendar = calendarOf(id);
  return (marketOf(id).earlyCloses?.(year) ?? [])
    .filter(({ day }) => isBusinessDay(calendar, day))
    .sort((one, other) => compareDates(one.day, other.day));
}

/** Local closing time, when the day closes early; undefined on full and on closed days. */
export const earlyCloseOf = (calendarId: string, date: PlainDate): string | undefined =>
  workedEarlyCloses(calendarId, yearOf(date)).find(({ day }) => day === date)?.localTime;

/**
 * A business day of the whole is one of every part. The id may be left out and is then made of the parts' ids.
 * `combine('EUR-T2S', calendarOf('TARGET'), calendarOf('T2S'))`
 */
export function combine(first: string | BusinessCalendar, ...others: readonly BusinessCalendar[]): BusinessCalendar {
  const parts = typeof first === 'string' ? others : [first, ...others];
  invariant(parts.length > 0, 'a combined calendar has parts');
  return {
    id: typeof first === 'string' ? first : parts.map(({ id }) => id).join('+'),
    version: parts.map(({ id, version }) => `${id}@${version}`).join('+'),
    weekend: [...new Set(parts.flatMap((part) => part.weekend))].sort((a, b) => a - b),
    holidays: new Set(parts.flatMap((part) => [...part.holidays])),
  };
}

export const isBusinessDay = (calendar: BusinessCalendar, date: PlainDate): boolean =>
  !calendar.weekend.includes(dayOfWeek(date)) && !calendar.holidays.has(date);

/** Longer than any closure of any market; beyond it the calendar is damaged and a search would never end. */
const longestClosureDays = 60;

function step(calendar: BusinessCalendar, date: PlainDate, direction: 1 | -1): PlainDate {
  let found = date;
  for (let days = 0; days <= longestClosureDays; days += 1) {
    if (isBusinessDay(calendar, found)) return found;
    found = addDays(found, direction);
  }
  throw new Error(`Calendar ${calendar.id} has no business day near ${date}`);
}

/**
 * Counts business days strictly after the date (before it, when negative). None means the date itself or, when it is
 * closed, the next business day: an obligation for today falls due when it can first be met.
 */
export function addBusinessDays(calendar: BusinessCalendar, date: PlainDate, days: number): PlainDate {
  invariant(Number.isInteger(days), 'business days are counted in whole numbers');
  if (days === 0) return step(calendar, date, 1);
  const direction = days > 0 ? 1 : -1;
  let found = date;
  for (let counted = 0; counted < Math.abs(days); counted += 1)
    found = step(calendar, addDays(found, direction), direction);
  return found;
}

/** ISDA 2006 Definitions 4.12, and the forms used beside it. */
export type BusinessDayConvention =
  | 'NONE'
  | 'FOLLOWING'
  | 'PRECEDING'
  /** Following, but never into the next month. */
  | 'MODIFIED_FOLLOWING'
  /** Following, but never past the 15th or the end of the month. */
  | 'MODIFIED_FOLLOWING_BI_MONTHLY'
  /** Preceding, but never into the month before. */
  | 'MODIFIED_PRECEDING'
  /** A closed Sunday or Monday moves on, any other closed day back. */
  | 'NEAREST';

export function adjust(calendar: BusinessCalendar, date: PlainDate, convention: BusinessDayConvention): PlainDate {
  if (isBusinessDay(calendar, date)) return date;
  const following = () => step(calendar, date, 1);
  const preceding = () => step(calendar, date, -1);
  switch (convention) {
    case 'NONE':
      return date;
    case 'FOLLOWING':
      return following();
    case 'PRECEDING':
      return preceding();
    case 'MODIFIED_FOLLOWING':
      return monthOf(following()) === monthOf(date) ? following() : preceding();
    case 'MODIFIED_FOLLOWING_BI_MONTHLY':
      return halfMonthOf(following()) === halfMonthOf(date) ? following() : preceding();
    case 'MODIFIED_PRECEDING':
      return monthOf(preceding()) === monthOf(date) ? preceding() : following();
    case 'NEAREST':
      return [sunday, monday].includes(dayOfWeek(date)) ? following() : preceding();
  }
}

const halfMonthOf = (date: PlainDate): string => `${date.slice(0, 7)}${date.slice(8) <= '15' ? 'a' : 'b'}`;
