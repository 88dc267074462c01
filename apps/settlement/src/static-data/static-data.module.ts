import { Module } from '@nestjs/common';
import { BookDaysService } from '../calendars/book-days.service.js';
import { CalendarsRepository } from '../calendars/calendars.repository.js';
import { CalendarsService } from '../calendars/calendars.service.js';
import { StaticDataRepository } from './static-data.repository.js';
import { StaticDataResolver } from './static-data.resolver.js';
import { StaticDataService } from './static-data.service.js';

/** Static data and the calendars and business dates that go with it. */
@Module({
  providers: [
    BookDaysService,
    CalendarsRepository,
    CalendarsService,
    StaticDataRepository,
    StaticDataResolver,
    StaticDataService,
  ],
  exports: [BookDaysService, CalendarsService, StaticDataService],
})
export class StaticDataModule {}
