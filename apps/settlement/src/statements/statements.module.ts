import { Module } from '@nestjs/common';
import { ExchangeModule } from '../exchange/exchange.module.js';
import { FilesModule } from '../files/files.module.js';
import { StaticDataModule } from '../static-data/static-data.module.js';
import { DepotStatementsService } from './depot-statements.service.js';
import { StatedAccountsService } from './stated-accounts.service.js';
import { StatementsService } from './statements.service.js';

@Module({
  imports: [ExchangeModule, FilesModule, StaticDataModule],
  providers: [DepotStatementsService, StatedAccountsService, StatementsService],
  exports: [StatementsService],
})
export class StatementsModule {}
