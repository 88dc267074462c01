import { Injectable } from '@nestjs/common';
import { Transactions, type Tx } from '#libs/database/index.js';
import { type Service } from '#libs/contracts/index.js';
import { HealthCheck, type HealthState, metrics } from '#libs/observability/index.js';
import { type Found, Loop } from './loop.js';
import { type Lane } from './message-catalogue.js';
import { MessagingOptions } from './messaging.options.js';
import { queueName, Queues } from './queues.js';

export interface QueueFigures {
  readonly queue: string;
  readonly lane: Lane;
  readonly state: 'WAITING' | 'PUBLISHED' | 'DEAD';
  readonly deliveries: number;
  readonly oldestSeconds: number;
}

export interface MessagingFigures {
  readonly service: Service;
  readonly queues: readonly QueueFigures[];
  /** Age of the oldest message of this service that was never published. */
  readonly outboxLagSeconds: number;
  /** Age of the oldest delivery to this service without effect. */
  readonly oldestWaitingSeconds: number;
}

/** How far the messages of one service are behind; `tx` is of that service's role. */
export async function messagingFigures(tx: Tx, service: Service): Promise<MessagingFigures> {
  const rows = await tx.rows<{ lane: Lane; state: QueueFigures['state']; deliveries: string; oldest_seconds: number }>(
    'SELECT lane, state, deliveries, oldest_seconds FROM messaging.figures()',
  );
  const lag = await tx.row<{ seconds: number }>('SELECT messaging.outbox_lag_seconds() AS seconds');
  const queues = rows.map((row) => ({
    queue: queueName(service, row.lane),
    lane: row.lane,
    state: row.state,
    deliveries: Number(row.deliveries),
    oldestSeconds: row.oldest_seconds,
  }));
  return {
    service,
    queues,
    outboxLagSeconds: lag?.seconds ?? 0,
    oldestWaitingSeconds: Math.max(0, ...queues.filter((one) => one.state !== 'DEAD').map((one) => one.oldestSeconds)),
  };
}

/** Degraded, never down: without the queue the service still accepts, and catches up. */
@Injectable()
export class MessagingHealth extends HealthCheck {
  readonly name = 'queue';

  constructor(private readonly queues: Queues) {
    super();
  }

  async check(): Promise<HealthState> {
    return (await this.queues.isUp()) ? 'up' : 'degraded';
  }
}

/** Keeps the gauges of the metrics registry. */
@Injectable()
export class MessagingGauges {
  private readonly loop: Loop;

  constructor(
    private readonly transactions: Transactions,
    private readonly options: MessagingOptions,
  ) {
    this.loop = new Loop(
      () => this.measure(),
      options.gaugesEveryMs,
      () => undefined,
    );
  }

  start(): void {
    this.loop.start();
  }

  stop(): Promise<void> {
    return this.loop.stop();
  }

  private async measure(): Promise<Found> {
    const { service } = this.options;
    const figures = await this.transactions.run((tx) => messagingFigures(tx, service), { readOnly: true });
    for (const lane of ['fast', 'bulk'] as const) {
      const queue = queueName(service, lane);
      const ofLane = figures.queues.filter((one) => one.lane === lane);
      for (const state of ['WAITING', 'PUBLISHED', 'DEAD'] as const) {
        metrics.queueDepth.set({ queue, state }, ofLane.find((one) => one.state === state)?.deliveries ?? 0);
      }
      metrics.queueOldestSeconds.set(
        { queue },
        Math.max(0, ...ofLane.filter((one) => one.state !== 'DEAD').map((one) => one.oldestSeconds)),
      );
    }
    metrics.outboxLagSeconds.set({ service }, figures.outboxLagSeconds);
    return 'some';
  }
}
