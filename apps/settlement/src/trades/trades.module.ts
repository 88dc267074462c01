import { Module } from '@nestjs/common';
import { StaticDataModule } from '../static-data/static-data.module.js';
import { AffirmationRepository } from './affirmation.repository.js';
import { AffirmationService } from './affirmation.service.js';
import { ImportedTradesService } from './imported-trades.service.js';
import { ScreeningRepository } from './screening.repository.js';
import { TradeDatesService } from './trade-dates.service.js';
import { TradeQueries } from './trade-queries.repository.js';
import { TradesRepository } from './trades.repository.js';
import { TradesResolver } from './trades.resolver.js';
import { TradesService } from './trades.service.js';

@Module({
  imports: [StaticDataModule],
  providers: [
    AffirmationRepository,
    AffirmationService,
    ImportedTradesService,
    ScreeningRepository,
    TradeDatesService,
    TradeQueries,
    TradesRepository,
    TradesResolver,
    TradesService,
  ],
  exports: [AffirmationService, ImportedTradesService, TradeDatesService, TradesService],
})
export class TradesModule {}
