import { Module } from '@nestjs/common';
import { ExchangeModule } from '../exchange/exchange.module.js';
import { FilesModule } from '../files/files.module.js';
import { StatementsService } from './statements.service.js';

@Module({ imports: [ExchangeModule, FilesModule], providers: [StatementsService], exports: [StatementsService] })
export class StatementsModule {}
