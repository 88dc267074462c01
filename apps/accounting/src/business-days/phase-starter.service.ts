import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Transactions } from '#libs/database/index.js';
import { Loop, MessagingOptions } from '#libs/messaging/index.js';
import { BusinessDays } from './business-days.service.js';

const everyMs = 100;

/** Looks whether the barrier of a waiting phase has been reached. Several processes may look: the row is locked. */
@Injectable()
export class PhaseStarter implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('PhaseStarter');
  private readonly loop: Loop;

  constructor(
    transactions: Transactions,
    businessDays: BusinessDays,
    private readonly options: MessagingOptions,
  ) {
    this.loop = new Loop(
      async () => {
        const { waiting } = await transactions.run((tx) => businessDays.startWaiting(tx));
        return waiting > 0 ? 'some' : 'nothing';
      },
      everyMs,
      (error, failures) => {
        // The next look tries again; a database that is away is told by the health check.
        if (failures === 1) this.logger.warn(error instanceof Error ? error.message : String(error));
      },
    );
    businessDays.whenPhaseWaits(() => {
      this.loop.ring();
    });
  }

  onApplicationBootstrap(): void {
    if (this.options.worker !== 'none') this.loop.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }
}
