import { Module } from '@nestjs/common';
import { ExchangeModule } from '../exchange/exchange.module.js';
import { TradesModule } from '../trades/trades.module.js';
import { InstructionFigures } from './instruction-figures.js';
import { InstructionViews } from './instruction-views.js';
import {
  InstructionResolver,
  InstructionsResolver,
  InstructionTradeResolver,
  TradeInstructionResolver,
} from './instructions.resolver.js';
import { InstructionsRepository } from './instructions.repository.js';
import { InstructionsService } from './instructions.service.js';

@Module({
  imports: [ExchangeModule, TradesModule],
  providers: [
    InstructionsRepository,
    InstructionsService,
    InstructionFigures,
    InstructionViews,
    InstructionsResolver,
    InstructionResolver,
    InstructionTradeResolver,
    TradeInstructionResolver,
  ],
  exports: [InstructionsRepository, InstructionsService, InstructionFigures, InstructionViews],
})
export class InstructionsModule {}
