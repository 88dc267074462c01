import { Module } from '@nestjs/common';
import { BookDays } from '../calendars/book-days.js';
import { CalendarsService } from '../calendars/calendars.service.js';
import { StaticDataRepository } from './static-data.repository.js';
import { StaticDataResolver } from './static-data.resolver.js';
import { StaticDataService } from './static-data.service.js';

/** Static data and the calendars and business dates that go with it. */
@Module({
  providers: [BookDays, CalendarsService, StaticDataRepository, StaticDataResolver, StaticDataService],
  exports: [BookDays, CalendarsService, StaticDataRepository, StaticDataService],
})
export class StaticDataModule {}
