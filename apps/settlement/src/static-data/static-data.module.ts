import { Module } from '@nestjs/common';
import { CalendarsModule } from '../calendars/calendars.module.js';
import { StaticDataRepository } from './static-data.repository.js';
import { StaticDataResolver } from './static-data.resolver.js';
import { StaticDataService } from './static-data.service.js';

/** Static data and the calendars and business dates that go with it. */
@Module({
  imports: [CalendarsModule],
  providers: [StaticDataRepository, StaticDataResolver, StaticDataService],
  exports: [CalendarsModule, StaticDataService],
})
export class StaticDataModule {}
