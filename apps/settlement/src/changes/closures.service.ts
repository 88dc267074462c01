import { Injectable } from '@nestjs/common';
import { isBusinessDay, isPlainDate, type PlainDate } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { BookDaysService } from '../calendars/book-days.service.js';
import { CalendarsService } from '../calendars/calendars.service.js';
import { currencyCalendars } from '../calendars/settlement-date.js';
import { InstructionDatesService } from '../instructions/instruction-dates.service.js';
import { isValidOn } from '../static-data/static-data.js';
import { StaticDataService } from '../static-data/static-data.service.js';
import { type Touch } from '../trades/touch.js';
import { TradeDatesService } from '../trades/trade-dates.service.js';
import { type CalendarClosure, checkClosure } from './closure.js';

export interface ClosureOutcome {
  readonly calendarVersions: number;
  readonly trades: number;
  readonly instructions: number;
  readonly asked: number;
}

/** Ad-hoc closures of calendar days: what may be closed, what it reaches, and what follows from it. */
@Injectable()
export class ClosuresService {
  constructor(
    private readonly calendars: CalendarsService,
    private readonly bookDays: BookDaysService,
    private readonly staticData: StaticDataService,
    private readonly tradeDates: TradeDatesService,
    private readonly instructionDates: InstructionDatesService,
  ) {}

  async check(tx: Tx, closure: CalendarClosure): Promise<Problem[]> {
    const calendars = await this.calendars.current(tx);
    const hasCalendar = calendars.has(closure.calendarId);
    const isKnown = hasCalendar && isPlainDate(closure.day);
    return checkClosure(closure, {
      hasCalendar,
      isOpen: isKnown && isBusinessDay(calendars.of(closure.calendarId), closure.day),
      earlyClose: isKnown ? calendars.of(closure.calendarId).earlyCloses.get(closure.day) : undefined,
      today: await this.bookDays.institutionDate(tx),
    });
  }

  /** What is due on the day at a place, or in cash of a currency, that works by the calendar. */
  async reach(tx: Tx, { calendarId, day }: CalendarClosure): Promise<Touch> {
    const places = (await this.staticData.places(tx)).filter(
      (place) => place.calendarId === calendarId && isValidOn(place, day),
    );
    return {
      due: {
        day,
        placeIds: places.map(({ placeId }) => placeId),
        currencies: Object.keys(currencyCalendars).filter((currency) => currencyCalendars[currency] === calendarId),
      },
    };
  }

  /** A new version of the calendar; unsent trades and instructions of a closed day move on, sent ones get a work item. */
  async apply(
    tx: Tx,
    closure: CalendarClosure,
    decided: { readonly changeId: string; readonly reason: string; readonly by: string },
  ): Promise<ClosureOutcome> {
    const { calendarId, day, closesAt } = closure;
    const places = (await this.staticData.places(tx)).filter((place) => isValidOn(place, day));
    const zone = places.find((place) => place.calendarId === calendarId)?.zone ?? 'UTC';
    const calendarVersions = await this.calendars.close(tx, { calendarId, day, closesAt, zone, ...decided });
    if (closesAt !== null) return { calendarVersions, trades: 0, instructions: 0, asked: 0 };

    const calendars = await this.calendars.current(tx);
    const calendarOfPlace = new Map(places.map((place) => [place.placeId, place.calendarId]));
    const pairs = await this.tradeDates.pairs(tx, await this.reach(tx, closure));
    const dates = pairs.flatMap(
      ({ placeId, currency }): { placeId: string; currency: string | null; to: PlainDate }[] => {
        const ofPlace = calendarOfPlace.get(placeId);
        return ofPlace === undefined
          ? []
          : [{ placeId, currency, to: calendars.settlementDateFrom(ofPlace, currency, day) }];
      },
    );
    const move = {
      from: day,
      dates,
      changeId: decided.changeId,
      reason: `${calendarId} closed on ${day}: ${decided.reason}`.slice(0, 280),
      calendars: `${calendarId}@${calendars.of(calendarId).version}`,
      by: decided.by,
    };
    // Trades before instructions, as everybody does: one that is instructed meanwhile is found among the instructions.
    const trades = await this.tradeDates.redate(tx, move);
    const { redated, asked } = await this.instructionDates.redate(tx, move);
    return { calendarVersions, trades, instructions: redated, asked };
  }
}
