import { Module } from '@nestjs/common';
import { StaticDataModule } from '../static-data/static-data.module.js';
import { TradesModule } from '../trades/trades.module.js';
import { ChangesProcessor } from './changes.processor.js';
import { ChangesResolver } from './changes.resolver.js';
import { ChangesService } from './changes.service.js';

@Module({ imports: [StaticDataModule, TradesModule], providers: [ChangesProcessor, ChangesResolver, ChangesService] })
export class ChangesModule {}
