import { Module } from '@nestjs/common';
import { InstructionsModule } from '../instructions/instructions.module.js';
import { InternalSettlementService } from './internal-settlement.service.js';

@Module({ imports: [InstructionsModule], providers: [InternalSettlementService], exports: [InternalSettlementService] })
export class InternalSettlementModule {}
