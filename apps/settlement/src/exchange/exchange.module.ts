import { Module } from '@nestjs/common';
import { ExchangeFolders } from './exchange-folders.js';
import { ExchangeHandlers } from './exchange-handlers.js';
import { ExchangeOutbox } from './exchange-outbox.js';
import { ExchangePoller } from './exchange-poller.js';
import { ExchangeReader } from './exchange-reader.js';
import { ExchangeResolver } from './exchange.resolver.js';
import { ExchangeRepository } from './exchange.repository.js';
import { ExchangeWriter } from './exchange-writer.js';

@Module({
  providers: [
    {
      provide: ExchangeFolders,
      useFactory: () => new ExchangeFolders(process.env['EXCHANGE_DIRECTORY'] ?? '.data/exchange'),
    },
    ExchangeRepository,
    ExchangeHandlers,
    ExchangeOutbox,
    ExchangeReader,
    ExchangeWriter,
    ExchangePoller,
    ExchangeResolver,
  ],
  exports: [ExchangeFolders, ExchangeHandlers, ExchangeOutbox, ExchangeReader, ExchangeWriter],
})
export class ExchangeModule {}
