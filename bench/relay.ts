import 'reflect-metadata';
import { Injectable, type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { createPostgresBackend, Queue, type QueueOptions, Worker, type WorkerOptions } from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';
import { z } from 'zod';
import { command, type MessageDefinition, type Service } from '#libs/contracts/index.js';
import { DatabaseModule, type Tx, Transactions } from '#libs/database/index.js';
import { chunk } from '#libs/kernel/index.js';
import {
  declareMessageRoutes,
  Handles,
  MessageCatalogue,
  MessagingModule,
  type MessagingSettings,
  Outbox,
} from '#libs/messaging/index.js';
import { type BenchDatabase, withDatabase } from './database.js';
import { type BenchArguments, compare, type Comparison, timed } from './harness.js';

const messageName = 'bench.count.v1';
const catalogue = new MessageCatalogue({
  [messageName]: command(['settlement'], 'accounting', z.object({ round: z.number().int(), n: z.number().int() })),
} as unknown as Record<string, MessageDefinition>);

const perBatch = 500;
const concurrency = 4;
const insert = 'INSERT INTO bench.effect (side, round, n) VALUES ($1, $2, $3)';

/** Tells when so many were counted. */
class Counter {
  private left = 0;
  private done: () => void = () => undefined;

  expect(count: number): Promise<void> {
    this.left = count;
    return new Promise((resolve) => {
      this.done = resolve;
    });
  }

  one(): void {
    this.left -= 1;
    if (this.left === 0) this.done();
  }
}

const delivered = new Counter();

@Injectable()
class CountHandler {
  @Handles(messageName as never)
  async count(tx: Tx, payload: unknown): Promise<void> {
    const { round, n } = payload as { round: number; n: number };
    await tx.execute(insert, ['product', round, n]);
    tx.afterCommit(() => {
      delivered.one();
    });
  }
}

@Module({})
class Empty {}

async function boot(service: Service, url: string, settings: MessagingSettings): Promise<INestApplicationContext> {
  @Module({
    imports: [DatabaseModule.forService({ service, url }), MessagingModule.forService(service, settings)],
    providers: service === 'accounting' ? [CountHandler] : [Empty],
  })
  class Root {}
  const app = await NestFactory.create(Root, { logger: false, abortOnError: false });
  await app.init();
  return app;
}

async function prepare(database: BenchDatabase): Promise<void> {
  await database.owner.query(`
    CREATE SCHEMA bench;
    CREATE TABLE bench.effect (side text NOT NULL, round integer NOT NULL, n integer NOT NULL);
    GRANT USAGE ON SCHEMA bench TO settlement, accounting;
    GRANT SELECT, INSERT ON bench.effect TO settlement, accounting;
  `);
  // BullMQ's addBulk makes temporary tables.
  const name = pg.escapeIdentifier(new URL(database.ownerUrl).pathname.slice(1));
  await database.owner.query(`GRANT TEMPORARY ON DATABASE ${name} TO queue`);
  const migrate = new pg.Client({ connectionString: database.urls.migrate });
  await migrate.connect();
  await migrate.query('TRUNCATE messaging.route');
  await declareMessageRoutes((sql, parameters) => migrate.query(sql, parameters), catalogue);
  await migrate.end();
}

/** A queue and a worker as a project would write them without an outbox: what is enqueued may be lost or done twice. */
function bareQueue(database: BenchDatabase, redisUrl: string | undefined, effects: pg.Pool) {
  const name = 'bench-bare';
  const counter = new Counter();
  const closing: (() => Promise<unknown>)[] = [];
  const handle = async ({ data }: { data: { round: number; n: number } }) => {
    await effects.query(insert, ['bare', data.round, data.n]);
    counter.one();
  };
  const settings = { concurrency, removeOnComplete: { count: 0 } };
  let queue: Queue;
  let worker: Worker;
  if (redisUrl === undefined) {
    const pool = new pg.Pool({ connectionString: database.urls.queue, max: 6, options: '-c search_path=bullmq' });
    pool.on('error', () => undefined);
    queue = new Queue(name, { connection: pool }, createPostgresBackend as never);
    worker = new Worker(name, handle, { ...settings, connection: pool }, createPostgresBackend as never);
    closing.push(() => pool.end());
  } else {
    const forQueue = new Redis(redisUrl);
    const forWorker = new Redis(redisUrl, { maxRetriesPerRequest: null });
    queue = new Queue(name, { connection: forQueue } satisfies QueueOptions);
    worker = new Worker(name, handle, { ...settings, connection: forWorker } satisfies WorkerOptions);
    closing.push(() => Promise.all([forQueue.quit(), forWorker.quit()]));
  }
  const silent = () => undefined;
  queue.on('error', silent);
  worker.on('error', silent);
  return {
    async run(round: number, count: number): Promise<void> {
      const all = counter.expect(count);
      for (const part of chunk(numbers(count), perBatch))
        await queue.addBulk(
          part.map((n) => ({
            name: messageName,
            data: { round, n },
            opts: { jobId: `r${round}-${n}`, removeOnComplete: true },
          })),
        );
      await all;
    },
    async close(): Promise<void> {
      await worker.close();
      await queue.close();
      for (const close of closing) await close();
    },
  };
}

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

export async function relay(options: BenchArguments): Promise<Comparison> {
  const count = options.number('messages', 4_000);
  const redisUrl = process.env.QUEUE_URL === '' ? undefined : process.env.QUEUE_URL;
  return withDatabase([], async (database) => {
    await prepare(database);
    const settings: MessagingSettings = {
      catalogue,
      queueUrl: redisUrl,
      queueDatabaseUrl: database.urls.queue,
      fastConcurrency: concurrency,
    };
    const settlement = await boot('settlement', database.urls.settlement, { ...settings, worker: 'none' });
    const accounting = await boot('accounting', database.urls.accounting, { ...settings, worker: 'inline' });
    const effects = new pg.Pool({ connectionString: database.urls.accounting, max: concurrency + 2 });
    const bare = bareQueue(database, redisUrl, effects);
    const outbox = settlement.get(Outbox, { strict: false });
    const transactions = settlement.get(Transactions, { strict: false });
    const checkEffects = async (side: string, round: number) => {
      const { rows } = await database.owner.query<{ all: number; distinct: number }>(
        'SELECT count(*)::int AS all, count(DISTINCT n)::int AS distinct FROM bench.effect WHERE side = $1 AND round = $2',
        [side, round],
      );
      if (rows[0]?.all !== count || rows[0].distinct !== count)
        throw new Error(`${side}: ${rows[0]?.all ?? 0} effects of ${count} messages`);
    };
    try {
      return await compare(
        {
          compared: `${count} messages, each with one row as its effect, over BullMQ on ${redisUrl === undefined ? 'Postgres' : 'Redis'}: outbox, relay, worker and inbox (effective once) against bare addBulk and worker (no such promise), ${perBatch} a batch, ${concurrency} at a time`,
          unit: 'messages',
          unitsPerRound: count,
          rounds: options.rounds,
        },
        {
          name: 'outbox, relay, worker, inbox',
          run: async (round) => {
            const seconds = await timed(async () => {
              const all = delivered.expect(count);
              for (const part of chunk(numbers(count), perBatch))
                await transactions.run((tx) =>
                  outbox.addAll(tx, part.map((n) => ({ name: messageName, payload: { round, n } })) as never),
                );
              await all;
            });
            await checkEffects('product', round);
            return seconds;
          },
        },
        {
          name: 'bare addBulk, worker',
          run: async (round) => {
            const seconds = await timed(() => bare.run(round, count));
            await checkEffects('bare', round);
            return seconds;
          },
        },
      );
    } finally {
      await bare.close();
      await effects.end();
      await accounting.close();
      await settlement.close();
    }
  });
}
