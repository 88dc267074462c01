import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { BookDaysService } from './book-days.service.js';
import { CalendarsService } from './calendars.service.js';
import { DueTimes } from './due-times.js';

@Injectable()
export class DueTimesService {
  constructor(
    private readonly bookDays: BookDaysService,
    private readonly calendars: CalendarsService,
  ) {}

  /** By the calendars as they are known now. */
  async current(tx: Tx): Promise<DueTimes> {
    return new DueTimes(await this.bookDays.clocks(tx), await this.calendars.current(tx));
  }
}
