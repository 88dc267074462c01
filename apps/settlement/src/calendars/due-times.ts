import { addBusinessDays, instantOf, isBusinessDay, type PlainDate } from '#libs/calendar/index.js';
import { type Calendars } from './calendars.js';

/** The days and the clock of a book, as accounting told them. */
export interface BookClock {
  readonly book: string;
  readonly businessDate: PlainDate;
  readonly calendarId: string | null;
  readonly zone: string | null;
  /** When the business date closes early: its planned cut-off. */
  readonly closesEarlyAt: Date | null;
}

export interface PlaceTimes {
  readonly zone: string;
  readonly calendarId: string;
  readonly dvpCutOff: string;
  readonly fopCutOff: string;
}

export interface PlaceCutOffs {
  readonly dvpAt: Date;
  readonly fopAt: Date;
}

/** A book of which nothing was told works on the days of the euro, as in accounting. */
const otherwise = { calendarId: 'TARGET', zone: 'Europe/Berlin' };
const earliest = (first: Date, ...others: (Date | null)[]): Date =>
  others.reduce<Date>((least, other) => (other !== null && other < least ? other : least), first);

/** When a place takes instructions until: wall time of its zone, no later than its close; nothing on a day it is closed. */
export function placeCutOffsOn(place: PlaceTimes, day: PlainDate, calendars: Calendars): PlaceCutOffs | null {
  const { calendarId, zone, dvpCutOff, fopCutOff } = place;
  if (calendars.has(calendarId) && !isBusinessDay(calendars.of(calendarId), day)) return null;
  return {
    dvpAt: calendars.cutOffAt(calendarId, day, dvpCutOff, zone),
    fopAt: calendars.cutOffAt(calendarId, day, fopCutOff, zone),
  };
}

/** By when work is due: on days that are worked, by the clock on the wall, no later than a day closes. */
export class DueTimes {
  constructor(
    private readonly clocks: ReadonlyMap<string, BookClock>,
    private readonly calendars: Calendars,
  ) {}

  /** At an hour of the business day of the book after a date. */
  onNextBusinessDay(book: string, date: PlainDate, localTime: string): Date {
    const { calendarId, zone } = this.clockOf(book);
    return this.calendars.cutOffAt(
      calendarId,
      addBusinessDays(this.calendars.of(calendarId), date, 1),
      localTime,
      zone,
    );
  }

  /** At an hour of a date of the book, on the clock of the place when there is one. */
  onDate(
    book: string,
    date: PlainDate,
    localTime: string,
    at?: { readonly zone: string; readonly calendarId?: string },
  ): Date {
    const { calendarId, zone, businessDate, closesEarlyAt } = this.clockOf(book);
    const own = this.calendars.cutOffAt(at?.calendarId ?? calendarId, date, localTime, at?.zone ?? zone);
    return earliest(
      own,
      this.calendars.earlyCloseAt(calendarId, date, zone),
      businessDate === date ? closesEarlyAt : null,
    );
  }

  /** What settles on the date it came in for has to be right before its place cuts off. */
  forRepair(
    trade: { readonly bookId: string; readonly businessDate: PlainDate; readonly settlementDate: PlainDate },
    localTime: string,
    place?: PlaceTimes,
  ): Date {
    const due = this.onDate(trade.bookId, trade.businessDate, localTime, place);
    if (place === undefined || trade.settlementDate !== trade.businessDate) return due;
    return earliest(due, placeCutOffsOn(place, trade.settlementDate, this.calendars)?.dvpAt ?? null);
  }

  /** When a file that comes from elsewhere is due: nothing on a day on which its sender rests. */
  ofSender(calendarId: string, date: PlainDate, localTime: string, zone: string): Date | null {
    if (!this.calendars.has(calendarId)) return instantOf(date, localTime, zone);
    if (!isBusinessDay(this.calendars.of(calendarId), date)) return null;
    return this.calendars.cutOffAt(calendarId, date, localTime, zone);
  }

  private clockOf(book: string) {
    const told = this.clocks.get(book);
    const calendarId = told?.calendarId ?? otherwise.calendarId;
    return {
      calendarId: this.calendars.has(calendarId) ? calendarId : otherwise.calendarId,
      zone: told?.zone ?? otherwise.zone,
      businessDate: told?.businessDate ?? null,
      closesEarlyAt: told?.closesEarlyAt ?? null,
    };
  }
}
