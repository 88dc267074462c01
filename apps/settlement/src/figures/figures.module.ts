import { Module } from '@nestjs/common';
import { InstructionsModule } from '../instructions/instructions.module.js';
import { PaymentsModule } from '../payments/payments.module.js';
import { FiguresResolver } from './figures.resolver.js';
import { TradeFigures } from './trade.figures.js';

@Module({ imports: [InstructionsModule, PaymentsModule], providers: [FiguresResolver, TradeFigures] })
export class FiguresModule {}
