import { Injectable, Logger, Module, type DynamicModule, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { z } from 'zod';
import { command, event, type MessageDefinition, type Service } from '#libs/contracts/index.js';
import { DatabaseModule, type Tx } from '#libs/database/index.js';
import { type DeadLetter, type DeadLetterEnd, DeadLetterSink } from '../dead-letter.js';
import { Handles, HandlesLong, type DeliveryContext } from '../handles.js';
import { type LongJob } from '../long-job.js';
import { MessageCatalogue } from '../message-catalogue.js';
import { MessagingModule, type MessagingSettings } from '../messaging.module.js';
import { type Schedule, Schedules } from '../schedules.js';

// Two small services that only count, to be killed and starved in tests.

const numbered = z.object({ n: z.number().int() });
const keyed = z.object({ key: z.string(), n: z.number().int() });
const stepped = z.object({ steps: z.number().int() });

export const probeMessages = {
  'probe.count.v1': command(['settlement'], 'accounting', numbered),
  'probe.fail.v1': command(['settlement'], 'accounting', numbered),
  'probe.order.v1': command(['settlement'], 'accounting', keyed, { lane: 'bulk', orderedBy: ({ key }) => key }),
  'probe.long.v1': command(['settlement'], 'accounting', stepped, { lane: 'bulk', longRunning: true }),
  'probe.tick.v1': command(['accounting'], 'accounting', numbered),
  'probe.told.v1': event('settlement', ['settlement', 'accounting'], numbered),
} as const;
export const probeCatalogue = new MessageCatalogue(probeMessages as unknown as Record<string, MessageDefinition>);

// The probe's messages are in no contract.
type OfProbe = (name: keyof typeof probeMessages) => MethodDecorator;
const HandlesProbe = Handles as unknown as OfProbe;
const HandlesLongProbe = HandlesLong as unknown as OfProbe;

export const probeTables = `
  CREATE SCHEMA probe;
  CREATE TABLE probe.effect (place bigint GENERATED ALWAYS AS IDENTITY, kind text NOT NULL, key text, n integer NOT NULL, attempt integer NOT NULL);
  GRANT USAGE ON SCHEMA probe TO settlement, accounting;
  GRANT SELECT, INSERT ON probe.effect TO settlement, accounting;
`;

/** Short times, so that every healing is seen within a second. */
export const quick: MessagingSettings = {
  catalogue: probeCatalogue,
  worker: 'inline',
  pollMs: 20,
  backoffMs: 20,
  backoffMaxMs: 200,
  maxAttempts: 4,
  lockMs: 1_000,
  leaseMs: 600,
  reconcileAfterMs: 500,
  reconcileEveryMs: 150,
  scheduleEveryMs: 50,
  drainMs: 1_000,
  gaugesEveryMs: 50,
  bootWaitMs: 5_000,
};

/** What a test makes the handlers do. */
export class ProbeScript {
  /** Called inside the transaction, after the effect was written and before the acknowledgement. */
  beforeAcknowledging: (name: string, n: number, attempt: number) => Promise<void> | void = () => undefined;
  inStep: (step: number, job: LongJob) => Promise<void> | void = () => undefined;
  afterStep: (step: number, job: LongJob) => Promise<void> | void = () => undefined;
}

const insert = 'INSERT INTO probe.effect (kind, key, n, attempt) VALUES ($1, $2, $3, $4)';

@Injectable()
export class CountingHandlers {
  constructor(private readonly script: ProbeScript) {}

  @HandlesProbe('probe.count.v1')
  async count(tx: Tx, { n }: { n: number }, delivery: DeliveryContext): Promise<void> {
    await this.effect(tx, 'count', null, n, delivery);
  }

  @HandlesProbe('probe.fail.v1')
  async fail(tx: Tx, { n }: { n: number }, delivery: DeliveryContext): Promise<void> {
    await this.effect(tx, 'fail', null, n, delivery);
  }

  @HandlesProbe('probe.order.v1')
  async order(tx: Tx, { key, n }: { key: string; n: number }, delivery: DeliveryContext): Promise<void> {
    await this.effect(tx, 'order', key, n, delivery);
  }

  @HandlesProbe('probe.tick.v1')
  async tick(tx: Tx, { n }: { n: number }, delivery: DeliveryContext): Promise<void> {
    await this.effect(tx, 'tick', delivery.businessKey ?? null, n, delivery);
  }

  @HandlesProbe('probe.told.v1')
  async told(tx: Tx, { n }: { n: number }, delivery: DeliveryContext): Promise<void> {
    await this.effect(tx, 'told accounting', null, n, delivery);
  }

  @HandlesLongProbe('probe.long.v1')
  async long({ steps }: { steps: number }, job: LongJob): Promise<void> {
    const from = (job.saved as number | undefined) ?? 0;
    for (let step = from; step < steps; step += 1) {
      await job.step(async (tx) => {
        await tx.execute(insert, ['step', job.id, step, job.attempt]);
        job.checkpoint(step + 1);
        job.progress(step + 1, steps, { rows: (step + 1) * 10 });
        await this.script.inStep(step, job);
      });
      await this.script.afterStep(step, job);
    }
    await job.finish((tx) => tx.execute(insert, ['finished', job.id, steps, job.attempt]));
  }

  private async effect(tx: Tx, kind: string, key: string | null, n: number, delivery: DeliveryContext): Promise<void> {
    await tx.execute(insert, [kind, key, n, delivery.attempt]);
    await this.script.beforeAcknowledging(delivery.name, n, delivery.attempt);
  }
}

@Injectable()
export class ListeningHandlers {
  @HandlesProbe('probe.told.v1')
  async told(tx: Tx, { n }: { n: number }, delivery: DeliveryContext): Promise<void> {
    await tx.execute(insert, ['told settlement', null, n, delivery.attempt]);
  }
}

@Injectable()
export class CollectingSink extends DeadLetterSink {
  readonly letters: DeadLetter[] = [];
  readonly ends: DeadLetterEnd[] = [];
  takesOver = true;

  record(_tx: Tx, letter: DeadLetter): Promise<boolean> {
    this.letters.push(letter);
    return Promise.resolve(this.takesOver);
  }

  ended(_tx: Tx, end: DeadLetterEnd): Promise<void> {
    this.ends.push(end);
    return Promise.resolve();
  }
}

@Module({})
class ProbeModule {
  static forService(service: Service, script: ProbeScript): DynamicModule {
    return {
      module: ProbeModule,
      global: true,
      providers: [
        { provide: ProbeScript, useValue: script },
        CollectingSink,
        { provide: DeadLetterSink, useExisting: CollectingSink },
        service === 'accounting' ? CountingHandlers : ListeningHandlers,
      ],
      exports: [DeadLetterSink],
    };
  }
}

export interface ProbeOptions {
  service: Service;
  databaseUrl: string;
  settings: MessagingSettings;
  script?: ProbeScript;
  schedules?: Schedule[];
}

/** Boots one of the two services without HTTP. */
export async function bootProbe({
  service,
  databaseUrl,
  settings,
  script = new ProbeScript(),
  schedules = [],
}: ProbeOptions): Promise<INestApplicationContext> {
  @Module({
    imports: [
      DatabaseModule.forService({ service, url: databaseUrl, poolSize: 12 }),
      ProbeModule.forService(service, script),
      MessagingModule.forService(service, { ...quick, ...settings }),
    ],
  })
  class ProbeRoot {
    constructor(declared: Schedules) {
      for (const schedule of schedules) declared.declare(schedule);
    }
  }
  const app = await NestFactory.create(ProbeRoot, {
    logger: process.env.PROBE_LOG === undefined ? false : new Logger(),
    abortOnError: false,
  });
  await app.init();
  return app;
}
