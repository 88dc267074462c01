import { Module } from '@nestjs/common';
import { ExchangeFolders } from './exchange-folders.js';
import { ExchangeHandlersService } from './exchange-handlers.service.js';
import { ExchangeOutboxService } from './exchange-outbox.service.js';
import { ExchangePollerService } from './exchange-poller.service.js';
import { ExchangeReaderService } from './exchange-reader.service.js';
import { ExchangeResolver } from './exchange.resolver.js';
import { ExchangeRepository } from './exchange.repository.js';
import { ExchangeWriterService } from './exchange-writer.service.js';

@Module({
  providers: [
    {
      provide: ExchangeFolders,
      useFactory: () => new ExchangeFolders(process.env['EXCHANGE_DIRECTORY'] ?? '.data/exchange'),
    },
    ExchangeRepository,
    ExchangeHandlersService,
    ExchangeOutboxService,
    ExchangeReaderService,
    ExchangeWriterService,
    ExchangePollerService,
    ExchangeResolver,
  ],
  exports: [
    ExchangeFolders,
    ExchangeHandlersService,
    ExchangeOutboxService,
    ExchangeReaderService,
    ExchangeWriterService,
  ],
})
export class ExchangeModule {}
