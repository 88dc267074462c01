import { Module } from '@nestjs/common';
import { ExchangeModule } from '../exchange/exchange.module.js';
import { FilesModule } from '../files/files.module.js';
import { InstructionsModule } from '../instructions/instructions.module.js';
import { InternalSettlementModule } from '../internal-settlement/internal-settlement.module.js';
import { LedgerModule } from '../ledger/ledger.module.js';
import { PaymentsModule } from '../payments/payments.module.js';
import { TradesModule } from '../trades/trades.module.js';
import { DayProcessor } from './day.processor.js';

@Module({
  imports: [
    ExchangeModule,
    FilesModule,
    InstructionsModule,
    InternalSettlementModule,
    LedgerModule,
    PaymentsModule,
    TradesModule,
  ],
  providers: [DayProcessor],
  exports: [DayProcessor],
})
export class DayModule {}
