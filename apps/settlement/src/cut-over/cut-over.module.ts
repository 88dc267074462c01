import { Module } from '@nestjs/common';
import { FilesModule } from '../files/files.module.js';
import { PositionsModule } from '../positions/positions.module.js';
import { StatementsModule } from '../statements/statements.module.js';
import { StaticDataModule } from '../static-data/static-data.module.js';
import { TradesModule } from '../trades/trades.module.js';
import { CutOverApplyService } from './cut-over-apply.service.js';
import { CutOverProcessor } from './cut-over.processor.js';
import { CutOverRepository } from './cut-over.repository.js';
import { CutOverResolver } from './cut-over.resolver.js';
import { CutOverService } from './cut-over.service.js';

@Module({
  imports: [FilesModule, PositionsModule, StatementsModule, StaticDataModule, TradesModule],
  providers: [CutOverApplyService, CutOverProcessor, CutOverRepository, CutOverResolver, CutOverService],
})
export class CutOverModule {}
