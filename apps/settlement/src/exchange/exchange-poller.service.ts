import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Logger } from '#libs/observability/index.js';
import { Loop, MessagingOptions } from '#libs/messaging/index.js';
import { ExchangeFolders } from './exchange-folders.js';
import { ExchangeReaderService } from './exchange-reader.service.js';
import { ExchangeWriterService } from './exchange-writer.service.js';

const pauseMs = 100;

/** Reads and writes the folders for as long as this process works (not in a process that only serves the API). */
@Injectable()
export class ExchangePollerService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly loop: Loop;

  constructor(
    private readonly options: MessagingOptions,
    private readonly folders: ExchangeFolders,
    reader: ExchangeReaderService,
    writer: ExchangeWriterService,
  ) {
    const logger = new Logger({ service: 'settlement' });
    this.loop = new Loop(
      async () => {
        const written = await writer.writeAll();
        if ((await reader.readAll()) > 0) return 'more';
        return written > 0 ? 'some' : 'nothing';
      },
      pauseMs,
      (error) => {
        logger.error(error instanceof Error ? error : String(error));
      },
    );
  }

  async onApplicationBootstrap(): Promise<void> {
    if (this.options.worker === 'none' || !process.env['EXCHANGE_DIRECTORY']) return;
    await this.folders.prepare();
    this.loop.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }
}
