import { type BeforeApplicationShutdown, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Transactions } from '#libs/database/index.js';
import { DeliveryWorker } from './delivery-worker.js';
import { HandlerRegistry } from './handler-registry.js';
import { LongJobRunner } from './long-job-runner.js';
import { MessageCatalogue } from './message-catalogue.js';
import { MessagingGauges } from './messaging-figures.js';
import { MessagingOptions } from './messaging.options.js';
import { Queues } from './queues.js';
import { Reconciler } from './reconciler.js';
import { Relay } from './relay.js';
import { Scheduler } from './scheduler.js';

/** Starts and stops sending and working, in an order that loses nothing. */
@Injectable()
export class MessagingRuntime implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Messaging');
  private stopping: Promise<void> | undefined;
  private hasStarted = false;

  constructor(
    private readonly transactions: Transactions,
    private readonly catalogue: MessageCatalogue,
    private readonly registry: HandlerRegistry,
    private readonly queues: Queues,
    private readonly relay: Relay,
    private readonly reconciler: Reconciler,
    private readonly worker: DeliveryWorker,
    private readonly longJobs: LongJobRunner,
    private readonly scheduler: Scheduler,
    private readonly gauges: MessagingGauges,
    private readonly options: MessagingOptions,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    this.registry.discover();
    await this.checkRoutes();
    await this.queues.open();
    this.hasStarted = true;
    this.relay.start();
    this.gauges.start();
    if (this.options.worker === 'none') return;
    await this.scheduler.declare();
    this.queues.work('fast', this.options.fastConcurrency, (data) => this.worker.handle(data));
    this.queues.work('bulk', this.options.bulkConcurrency, (data) => this.worker.handle(data));
    this.reconciler.start();
    this.scheduler.start();
    this.logger.log(`messages of ${this.options.service} go through BullMQ on ${this.queues.backend}`);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.stop();
  }

  /** Stop fetching, wait for what is in hand, abort what takes too long and hand it back. */
  async stop(): Promise<void> {
    this.stopping ??= this.drain();
    await this.stopping;
  }

  private async drain(): Promise<void> {
    if (!this.hasStarted) return;
    this.queues.stopFetching();
    await Promise.all([this.scheduler.stop(), this.reconciler.stop(), this.gauges.stop()]);
    await Promise.all([this.queues.drain(this.options.drainMs), this.longJobs.drain(this.options.drainMs)]);
    await this.relay.stop();
    await this.queues.close();
  }

  private async checkRoutes(): Promise<void> {
    const differing = await this.transactions.run((tx) =>
      tx.rows<{ name: string }>('SELECT DISTINCT name FROM messaging.differing_routes($1::jsonb) ORDER BY name', [
        JSON.stringify(this.catalogue.routes()),
      ]),
    );
    if (differing.length > 0) {
      throw new Error(
        `The message routes in the database are not those of this release (${differing.map(({ name }) => name).join(', ')}): run the migrate step`,
      );
    }
  }
}
