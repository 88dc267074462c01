import { Module } from '@nestjs/common';
import { InstructionsModule } from '../instructions/instructions.module.js';
import { LedgerModule } from '../ledger/ledger.module.js';
import { InternalSettlementService } from './internal-settlement.service.js';

@Module({
  imports: [InstructionsModule, LedgerModule],
  providers: [InternalSettlementService],
  exports: [InternalSettlementService],
})
export class InternalSettlementModule {}
