import { Injectable, Logger } from '@nestjs/common';
import { Transactions } from '#libs/database/index.js';
import { type Found, Loop } from './loop.js';
import { MessagingOptions } from './messaging.options.js';
import { Queues, type QueuedDelivery } from './queues.js';
import { RelayBell } from './relay-bell.js';

/**
 * Publishes what waits: what this service sent, and what it consumes and must take again. Rung after each
 * commit of this process that added something; the poll finds the rest (retries, delays, another process's leftovers).
 */
@Injectable()
export class Relay {
  private readonly logger = new Logger('Relay');
  private readonly loop: Loop;

  constructor(
    private readonly transactions: Transactions,
    private readonly queues: Queues,
    private readonly options: MessagingOptions,
    bell: RelayBell,
  ) {
    this.loop = new Loop(
      () => this.publishOnce(),
      options.pollMs,
      (error, failures) => {
        // Once, not with every try.
        if (failures === 1)
          this.logger.warn(`publishing waits: ${error instanceof Error ? error.message : String(error)}`);
      },
    );
    bell.listen(() => {
      this.loop.ring();
    });
  }

  start(): void {
    this.loop.start();
  }

  stop(): Promise<void> {
    return this.loop.stop();
  }

  /** Publish first, mark second, both while the rows are locked: an end in between means one job too many, never one too few. */
  private publishOnce(): Promise<Found> {
    return this.transactions.run(async (tx) => {
      const due = await tx.rows<QueuedDelivery>(
        'SELECT sequence, consumer, lane, name, publication, priority FROM messaging.take_waiting($1)',
        [this.options.relayBatch],
      );
      if (due.length === 0) return 'nothing';
      await this.queues.publish(due);
      await tx.execute('SELECT messaging.mark_published($1::bigint[], $2::text[])', [
        due.map((one) => one.sequence),
        due.map((one) => one.consumer),
      ]);
      return due.length === this.options.relayBatch ? 'more' : 'some';
    });
  }
}
