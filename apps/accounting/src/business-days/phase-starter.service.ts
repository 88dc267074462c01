import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Transactions } from '#libs/database/index.js';
import { MessagingOptions } from '#libs/messaging/index.js';
import { BusinessDays } from './business-days.service.js';

const everyMs = 100;

/** Looks whether the barrier of a waiting phase has been reached. Several processes may look: the row is locked. */
@Injectable()
export class PhaseStarter implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;
  private readonly logger = new Logger('PhaseStarter');

  constructor(
    private readonly transactions: Transactions,
    private readonly businessDays: BusinessDays,
    private readonly options: MessagingOptions,
  ) {}

  onApplicationBootstrap(): void {
    if (this.options.worker === 'none') return;
    this.timer = setInterval(() => {
      this.looking ??= this.look().finally(() => {
        this.looking = undefined;
      });
    }, everyMs);
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
  }

  private async look(): Promise<void> {
    try {
      await this.transactions.run((tx) => this.businessDays.startWaiting(tx));
    } catch (error) {
      // The next look tries again; a database that is away is told by the health check.
      this.logger.warn(error instanceof Error ? error.message : String(error));
    }
  }
}
