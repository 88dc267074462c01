import { Module } from '@nestjs/common';
import { BookDaysService } from './book-days.service.js';
import { CalendarsRepository } from './calendars.repository.js';
import { CalendarsService } from './calendars.service.js';

@Module({
  providers: [BookDaysService, CalendarsRepository, CalendarsService],
  exports: [BookDaysService, CalendarsService],
})
export class CalendarsModule {}
