import {
  addBusinessDays,
  adjust,
  type BusinessCalendar,
  calendarData,
  type CalendarData,
  calendarIds,
  combine,
  firstBuiltInYear,
  instantOf,
  isBusinessDay,
  lastBuiltInYear,
  type PlainDate,
} from '#libs/calendar/index.js';
import { canonicalJson, sha256Hex } from '#libs/kernel/index.js';
import { settlementCalendarIds } from './settlement-date.js';

/** A calendar as one stored version of it says: a date that was computed names this version. */
export interface StoredCalendar extends BusinessCalendar {
  readonly earlyCloses: ReadonlyMap<PlainDate, string>;
  readonly zone: string | null;
}

/** A day that two people closed, or let close early, beside what the rules say. */
export interface Closure {
  readonly calendarId: string;
  readonly day: PlainDate;
  /** Local closing time of a day that closes early; null when it is closed altogether. */
  readonly closesAt: string | null;
  readonly zone: string | null;
}

/** What is stored of a calendar, and compared to tell whether a new version is due. */
export interface CalendarContent {
  readonly id: string;
  readonly builtInVersion: string;
  readonly holidays: readonly PlainDate[];
  readonly earlyCloses: readonly { readonly day: PlainDate; readonly localTime: string }[];
  readonly zone: string | null;
}

export const contentHashOf = (content: CalendarContent): string => sha256Hex(canonicalJson(content));

/** Versions hold the whole range of the rules, so that a year's end makes no new one. */
export const dataFrom = `${firstBuiltInYear}-01-01`;
export const dataTo = `${lastBuiltInYear}-12-31`;

const built = new Map<string, CalendarData>();
const builtIn = (id: string): CalendarData => {
  let data = built.get(id);
  if (!data) built.set(id, (data = calendarData(id, firstBuiltInYear, lastBuiltInYear)));
  return data;
};

/** The rules of the product, with what was decided about single days laid over them. */
export function contentOf(id: string, closures: readonly Closure[]): CalendarContent {
  const { version, holidays, earlyCloses, zone } = builtIn(id);
  const closed = new Set(holidays);
  const early = new Map(earlyCloses.map(({ day, localTime }) => [day, localTime]));
  let closingZone = zone;
  for (const { calendarId, day, closesAt, zone: zoneOfClosure } of closures) {
    if (calendarId !== id) continue;
    if (closesAt === null) {
      closed.add(day);
      early.delete(day);
    } else if (!closed.has(day)) {
      early.set(day, closesAt);
      closingZone ??= zoneOfClosure;
    }
  }
  return {
    id,
    builtInVersion: version,
    holidays: [...closed].sort(),
    earlyCloses: [...early].map(([day, localTime]) => ({ day, localTime })).sort((a, b) => (a.day < b.day ? -1 : 1)),
    zone: closingZone,
  };
}

export const calendarFrom = (version: string, content: Omit<CalendarContent, 'builtInVersion'>): StoredCalendar => ({
  id: content.id,
  version,
  weekend: [6, 7],
  holidays: new Set(content.holidays),
  earlyCloses: new Map(content.earlyCloses.map(({ day, localTime }) => [day, localTime])),
  zone: content.zone,
});

/** Every calendar as the product brings it, for the first versions and for tests without a database. */
export const builtInCalendars = (): Calendars =>
  new Calendars(calendarIds().map((id) => calendarFrom('built-in', contentOf(id, []))));

/** All calendars as they were known at one moment. */
export class Calendars {
  private readonly byId: ReadonlyMap<string, StoredCalendar>;
  private readonly joints = new Map<string, BusinessCalendar>();

  constructor(calendars: readonly StoredCalendar[]) {
    this.byId = new Map(calendars.map((calendar) => [calendar.id, calendar]));
  }

  has(id: string): boolean {
    return this.byId.has(id);
  }

  of(id: string): StoredCalendar {
    const found = this.byId.get(id);
    if (!found) throw new RangeError(`There is no calendar ${id}`);
    return found;
  }

  /** The days on which a trade can settle: the place works and, when cash moves (`currency` given), the currency too. */
  private joint(placeCalendarId: string, currency: string | null): BusinessCalendar {
    const ids = settlementCalendarIds(placeCalendarId, currency);
    const key = ids.join('+');
    let joint = this.joints.get(key);
    if (!joint) {
      const [first, ...rest] = ids.map((id) => this.of(id));
      if (!first) throw new Error('a settlement date needs a calendar');
      this.joints.set(key, (joint = rest.length === 0 ? first : combine(first, ...rest)));
    }
    return joint;
  }

  settlesOn(placeCalendarId: string, currency: string | null, day: PlainDate): boolean {
    return isBusinessDay(this.joint(placeCalendarId, currency), day);
  }

  /** Counted strictly after the trade date; a cycle of zero days settles on the trade date or the next business day. */
  intendedSettlementDate(
    placeCalendarId: string,
    currency: string | null,
    tradeDate: PlainDate,
    cycleDays: number,
  ): PlainDate {
    return addBusinessDays(this.joint(placeCalendarId, currency), tradeDate, cycleDays);
  }

  /** The day itself, or the first one after it on which a trade can settle. */
  settlementDateFrom(placeCalendarId: string, currency: string | null, day: PlainDate): PlainDate {
    return adjust(this.joint(placeCalendarId, currency), day, 'FOLLOWING');
  }

  businessDayFrom(id: string, day: PlainDate): PlainDate {
    return adjust(this.of(id), day, 'FOLLOWING');
  }

  /** When the day closes early, that instant. */
  earlyCloseAt(id: string, day: PlainDate, zone: string): Date | null {
    const calendar = this.byId.get(id);
    const localTime = calendar?.earlyCloses.get(day);
    return calendar === undefined || localTime === undefined ? null : instantOf(day, localTime, calendar.zone ?? zone);
  }

  /** The instant of a cut-off: its wall time and, on a day that closes before it, the close. */
  cutOffAt(id: string | null, day: PlainDate, localTime: string, zone: string): Date {
    const regular = instantOf(day, localTime, zone);
    const early = id === null ? null : this.earlyCloseAt(id, day, zone);
    return early !== null && early < regular ? early : regular;
  }

  /** The versions of the calendars that a date of this place and currency was counted on. */
  versionsOf(placeCalendarId: string, currency: string | null): string {
    return this.joint(placeCalendarId, currency).version;
  }
}
