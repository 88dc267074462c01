import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Transactions } from '#libs/database/index.js';
import { Loop, MessagingOptions } from '#libs/messaging/index.js';
import { foldRollups } from './rollup.repository.js';

const everyMs = 250;

/** Folds what has been posted to rollup accounts. Several processes may: an account that one folds is left alone by the others. */
@Injectable()
export class RollupFolder implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('RollupFolder');
  private readonly loop: Loop;

  constructor(
    transactions: Transactions,
    private readonly options: MessagingOptions,
  ) {
    this.loop = new Loop(
      async () => {
        const { postings, isFull } = await transactions.run(foldRollups);
        if (isFull) return 'more';
        return postings > 0 ? 'some' : 'nothing';
      },
      everyMs,
      (error, failures) => {
        // What stands is read exactly all the same; the next turn folds it.
        if (failures === 1) this.logger.warn(error instanceof Error ? error.message : String(error));
      },
    );
  }

  onApplicationBootstrap(): void {
    if (this.options.worker !== 'none') this.loop.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.loop.stop();
  }
}
