import { type DynamicModule, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { type Service } from '#libs/contracts/index.js';
import { DeliveryWorker } from './delivery-worker.js';
import { Failures } from './failures.js';
import { HandlerRegistry } from './handler-registry.js';
import { JobRuns } from './job-runs.js';
import { LongJobRunner } from './long-job-runner.js';
import { MessageCatalogue } from './message-catalogue.js';
import { MessagingGauges, MessagingHealth } from './messaging-figures.js';
import { MessagingRuntime } from './messaging-runtime.js';
import { MessagingOptions } from './messaging.options.js';
import { Outbox } from './outbox.js';
import { pruneMessageOf, prunerOf } from './pruner.js';
import { Queues } from './queues.js';
import { Reconciler } from './reconciler.js';
import { RelayBell } from './relay-bell.js';
import { Relay } from './relay.js';
import { Scheduler } from './scheduler.js';
import { Schedules } from './schedules.js';

export interface MessagingSettings extends Partial<Omit<MessagingOptions, 'service'>> {
  /** The messages known; the product's catalogue unless a test brings its own. */
  readonly catalogue?: MessageCatalogue;
}

@Module({})
export class MessagingModule {
  /** Everything one service needs to send and to handle messages; global in its process. Needs DatabaseModule. */
  static forService(service: Service, settings: MessagingSettings = {}): DynamicModule {
    const catalogue = settings.catalogue ?? new MessageCatalogue();
    return {
      module: MessagingModule,
      global: true,
      imports: [DiscoveryModule],
      providers: [
        { provide: MessagingOptions, useFactory: () => new MessagingOptions(service, settings) },
        { provide: MessageCatalogue, useValue: catalogue },
        RelayBell,
        Outbox,
        Schedules,
        HandlerRegistry,
        Failures,
        Queues,
        Relay,
        Reconciler,
        LongJobRunner,
        DeliveryWorker,
        Scheduler,
        JobRuns,
        MessagingGauges,
        MessagingHealth,
        MessagingRuntime,
        // A test's own catalogue may have nothing to prune.
        ...(catalogue.find(pruneMessageOf(service)) ? [prunerOf(service)] : []),
      ],
      exports: [MessagingOptions, MessageCatalogue, Outbox, Schedules, JobRuns, MessagingHealth, MessagingRuntime],
    };
  }
}
