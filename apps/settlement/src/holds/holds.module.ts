import { Module } from '@nestjs/common';
import { ExchangeModule } from '../exchange/exchange.module.js';
import { InstructionsModule } from '../instructions/instructions.module.js';
import { LedgerModule } from '../ledger/ledger.module.js';
import { PaymentsModule } from '../payments/payments.module.js';
import { TradesModule } from '../trades/trades.module.js';
import { HoldDecisionsRepository } from './hold-decisions.repository.js';
import { HoldsProcessor } from './holds.processor.js';
import { HoldsService } from './holds.service.js';

@Module({
  imports: [ExchangeModule, InstructionsModule, LedgerModule, PaymentsModule, TradesModule],
  providers: [HoldDecisionsRepository, HoldsService, HoldsProcessor],
  exports: [HoldsService],
})
export class HoldsModule {}
