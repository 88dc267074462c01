import { Module } from '@nestjs/common';
import { CalendarsModule } from '../calendars/calendars.module.js';
import { ExchangeModule } from '../exchange/exchange.module.js';
import { LedgerModule } from '../ledger/ledger.module.js';
import { TradesModule } from '../trades/trades.module.js';
import { InstructionChangesService } from './instruction-changes.service.js';
import { InstructionDatesService } from './instruction-dates.service.js';
import { InstructionFigures } from './instruction.figures.js';
import { InstructionViewsRepository } from './instruction-views.repository.js';
import {
  InstructionResolver,
  InstructionsResolver,
  InstructionTradeResolver,
  TradeInstructionResolver,
} from './instructions.resolver.js';
import { InstructionsRepository } from './instructions.repository.js';
import { InstructionsService } from './instructions.service.js';
import { SettlementsService } from './settlements.service.js';

@Module({
  imports: [CalendarsModule, ExchangeModule, LedgerModule, TradesModule],
  providers: [
    InstructionChangesService,
    InstructionDatesService,
    InstructionsRepository,
    InstructionsService,
    SettlementsService,
    InstructionFigures,
    InstructionViewsRepository,
    InstructionsResolver,
    InstructionResolver,
    InstructionTradeResolver,
    TradeInstructionResolver,
  ],
  exports: [
    InstructionChangesService,
    InstructionDatesService,
    InstructionsService,
    InstructionFigures,
    SettlementsService,
  ],
})
export class InstructionsModule {}
