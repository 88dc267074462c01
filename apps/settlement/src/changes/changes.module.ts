import { Module } from '@nestjs/common';
import { InstructionsModule } from '../instructions/instructions.module.js';
import { StaticDataModule } from '../static-data/static-data.module.js';
import { TradesModule } from '../trades/trades.module.js';
import { ChangesProcessor } from './changes.processor.js';
import { ChangesResolver } from './changes.resolver.js';
import { ChangesService } from './changes.service.js';
import { ClosuresService } from './closures.service.js';
import { PreviewsService } from './previews.service.js';

@Module({
  imports: [InstructionsModule, StaticDataModule, TradesModule],
  providers: [ChangesProcessor, ChangesResolver, ChangesService, ClosuresService, PreviewsService],
})
export class ChangesModule {}
