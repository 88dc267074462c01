import { Injectable, Logger } from '@nestjs/common';
import { Transactions } from '#libs/database/index.js';
import { type Found, Loop } from './loop.js';
import { type Lane } from './message-catalogue.js';
import { groupBy } from './group-by.js';
import { MessagingOptions } from './messaging.options.js';
import { jobIdOf, Queues } from './queues.js';
import { RelayBell } from './relay-bell.js';

const batch = 500;

/**
 * Looks after what was published and not acknowledged in time. What a worker has in hand is locked and left
 * alone; what the queue still holds is left to it; the rest is published again under a new id.
 */
@Injectable()
export class Reconciler {
  private readonly logger = new Logger('Reconciler');
  private readonly loop: Loop;
  private isAlarmed = false;

  constructor(
    private readonly transactions: Transactions,
    private readonly queues: Queues,
    private readonly options: MessagingOptions,
    private readonly bell: RelayBell,
  ) {
    this.loop = new Loop(
      () => this.reconcile(),
      options.reconcileEveryMs,
      (error, failures) => {
        // The queue was away: when it is back, nobody knows what it remembers.
        this.isAlarmed = true;
        if (failures === 1)
          this.logger.warn(`reconciling waits: ${error instanceof Error ? error.message : String(error)}`);
      },
    );
  }

  start(): void {
    this.loop.start();
  }

  stop(): Promise<void> {
    return this.loop.stop();
  }

  private async reconcile(): Promise<Found> {
    if (await this.queues.hasForgotten()) {
      this.logger.warn('the queue is not what it was: asking it for everything that is published');
      this.isAlarmed = true;
    }
    // After an alarm, everything published before this moment is asked for, batch by batch.
    const startedAt = Date.now();
    let again = 0;
    for (;;) {
      const olderMs = this.isAlarmed ? Date.now() - startedAt : this.options.reconcileAfterMs;
      const { taken, repeated } = await this.reconcileBatch(olderMs);
      again += repeated;
      // The oldest are all there: so are those behind them. After an alarm, each is asked for.
      if (taken < batch || (repeated === 0 && !this.isAlarmed)) break;
    }
    this.isAlarmed = false;
    if (again > 0) {
      this.logger.log(`${again} deliveries are published again`);
      this.bell.ring();
    }
    return 'some';
  }

  private async reconcileBatch(olderMs: number): Promise<{ taken: number; repeated: number }> {
    const lapsed = await this.transactions.run((tx) =>
      tx.rows<{ sequence: string; lane: Lane; publications: number }>(
        'SELECT sequence, lane, publications FROM messaging.take_lapsed($1, $2)',
        [olderMs, batch],
      ),
    );
    if (lapsed.length === 0) return { taken: 0, repeated: 0 };
    const idOf = (one: (typeof lapsed)[number]) => jobIdOf(one.sequence, this.options.service, one.publications - 1);
    const queued = new Set<string>();
    for (const [lane, ones] of groupBy(lapsed, (one) => one.lane)) {
      for (const id of await this.queues.held(this.options.service, lane, ones.map(idOf))) queued.add(id);
    }
    const lost = lapsed.filter((one) => !queued.has(idOf(one)));
    if (lost.length === 0) return { taken: lapsed.length, repeated: 0 };
    const answer = await this.transactions.run((tx) =>
      tx.row<{ repeated: string }>('SELECT messaging.publish_again($1::bigint[], $2::integer[]) AS repeated', [
        lost.map((one) => one.sequence),
        lost.map((one) => one.publications),
      ]),
    );
    return { taken: lapsed.length, repeated: Number(answer?.repeated ?? 0) };
  }
}
