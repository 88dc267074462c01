import { Module } from '@nestjs/common';
import { BookDaysService } from './book-days.service.js';
import { CalendarsRepository } from './calendars.repository.js';
import { CalendarsService } from './calendars.service.js';
import { DueTimesService } from './due-times.service.js';

@Module({
  providers: [BookDaysService, CalendarsRepository, CalendarsService, DueTimesService],
  exports: [BookDaysService, CalendarsService, DueTimesService],
})
export class CalendarsModule {}
