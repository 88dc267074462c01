import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Logger } from '#libs/observability/index.js';
import { MessagingOptions } from '#libs/messaging/index.js';
import { ExchangeFolders } from './exchange-folders.js';
import { ExchangeReaderService } from './exchange-reader.service.js';
import { ExchangeWriterService } from './exchange-writer.service.js';

const pauseMs = 200;
const pauseAfterFaultMs = 2_000;

/** Reads and writes the folders for as long as this process works (not in a process that only serves the API). */
@Injectable()
export class ExchangePollerService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger({ service: 'settlement' });
  private isStopping = false;
  private running: Promise<void> | undefined;
  private wake: (() => void) | undefined;

  constructor(
    private readonly options: MessagingOptions,
    private readonly folders: ExchangeFolders,
    private readonly reader: ExchangeReaderService,
    private readonly writer: ExchangeWriterService,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    if (this.options.worker === 'none' || !process.env['EXCHANGE_DIRECTORY']) return;
    await this.folders.prepare();
    this.running = this.run();
  }

  async onApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    this.wake?.();
    await this.running;
  }

  private stopping(): boolean {
    return this.isStopping;
  }

  private async run(): Promise<void> {
    while (!this.stopping()) {
      let pause = pauseMs;
      try {
        await this.writer.writeAll();
        if ((await this.reader.readAll()) > 0) pause = 0;
      } catch (error) {
        this.logger.error(error instanceof Error ? error : String(error));
        pause = pauseAfterFaultMs;
      }
      if (this.stopping()) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pause);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}
