import { Injectable } from '@nestjs/common';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { Handles } from '#libs/messaging/index.js';
import { BookDaysService } from '../calendars/book-days.service.js';
import { CalendarsService } from '../calendars/calendars.service.js';
import { TradesService } from '../trades/trades.service.js';
import { ExpectedFilesService } from './expected-files.service.js';

@Injectable()
export class BusinessDayProcessor {
  constructor(
    private readonly bookDays: BookDaysService,
    private readonly calendars: CalendarsService,
    private readonly expected: ExpectedFilesService,
    private readonly trades: TradesService,
  ) {}

  /** A date opens: its files are waited for, and what was taken in for it earlier is worked. */
  @Handles('accounting.business-day-changed.v1')
  async businessDayChanged(tx: Tx, changed: PayloadOf<'accounting.business-day-changed.v1'>): Promise<void> {
    const isNews = await this.bookDays.announce(tx, changed);
    if (!isNews || changed.state !== 'OPEN') return;
    await this.calendars.refresh(tx);
    await this.calendars.checkExpiry(tx, changed.book, changed.businessDate);
    await this.expected.openDay(tx, changed.book, changed.businessDate);
    await this.trades.processReceived(tx, changed.book, changed.businessDate);
  }
}
