import { Injectable } from '@nestjs/common';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { Handles } from '#libs/messaging/index.js';
import { calendarIdsOfBook, readBookTerms } from './books.js';
import { BusinessDaysRepository } from './business-days.repository.js';
import { DayCalendarsService } from './day-calendars.service.js';
import { DayRevisions } from './day-revisions.service.js';

@Injectable()
export class DayCalendarsProcessor {
  constructor(
    private readonly calendars: DayCalendarsService,
    private readonly days: BusinessDaysRepository,
    private readonly revisions: DayRevisions,
  ) {}

  /** Kept first, then each book behind its lock: a date that opens meanwhile is opened by it or is found here. */
  @Handles('settlement.calendar-versioned.v1')
  async versioned(tx: Tx, told: PayloadOf<'settlement.calendar-versioned.v1'>): Promise<void> {
    if (!(await this.calendars.keep(tx, told))) return;
    const books = new Set([...Object.keys(readBookTerms()), ...(await this.days.books(tx))]);
    for (const book of [...books].sort())
      if (calendarIdsOfBook(book).includes(told.calendar)) await this.revisions.follow(tx, book, told.calendar);
  }
}
