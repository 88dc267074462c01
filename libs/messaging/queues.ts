import { Injectable, Logger } from '@nestjs/common';
import { createPostgresBackend, type Job, Queue, type QueueOptions, Worker, type WorkerOptions } from 'bullmq';
import { Redis } from 'ioredis';
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { type Service } from '#libs/contracts/index.js';
import { openLastingPool, watchPgPool } from '#libs/database/index.js';
import { type Lane } from './message-catalogue.js';
import { groupBy } from './group-by.js';
import { MessagingOptions } from './messaging.options.js';

/** What the queue knows of a delivery: never the payload, which stays in Postgres. */
export interface QueuedDelivery {
  readonly sequence: string;
  readonly consumer: Service;
  readonly lane: Lane;
  readonly name: string;
  /** How often the delivery was published before. */
  readonly publication: number;
  readonly priority: number;
}

export type JobData = Pick<QueuedDelivery, 'sequence' | 'name' | 'publication'>;

/** `<service>-fast` and `<service>-bulk`. */
export const queueName = (service: string, lane: Lane): string => `${service}-${lane}`;

/** The braces keep all keys of one queue in one slot of a Redis Cluster. */
export const queuePrefix = (name: string): string => `{northgate-${name}}`;

/** The delivery's id; a later publication has a suffix, as adding an id that the queue still holds does nothing. */
export const jobIdOf = (sequence: string, consumer: string, publication: number): string =>
  publication === 0 ? `${sequence}-${consumer}` : `${sequence}-${consumer}_${publication}`;

/** The queue's boot contract is not met. */
export class QueueRefused extends Error {}

const commandTimeoutMs = 5_000;
const healthTimeoutMs = 1_500;
const oldestRedis = [6, 2] as const;

function redisConnection(url: string, forWorker: boolean): Redis {
  const redis = new Redis(url, {
    lazyConnect: true,
    maxRetriesPerRequest: forWorker ? null : 1,
    // A producer must fail at once when Redis is away: the outbox keeps the message.
    enableOfflineQueue: forWorker,
    ...(forWorker ? {} : { commandTimeout: commandTimeoutMs }),
    connectTimeout: 5_000,
    retryStrategy: (times) => Math.min(times * 100, 1_000),
  });
  redis.on('error', () => undefined);
  return redis;
}

const hidden = (url: string) => url.replace(/\/\/[^@/]*@/, '//…@');

/** BullMQ behind one configuration: Redis, or its Postgres backend when no QUEUE_URL is given. */
@Injectable()
export class Queues {
  private readonly logger = new Logger('Queues');
  private readonly queues = new Map<string, Queue>();
  private readonly workers: Worker[] = [];
  private redis: Redis | undefined;
  private readonly workerRedis: Redis[] = [];
  private pool: pg.Pool | undefined;
  private readonly witness = `northgate:witness:${randomUUID()}`;
  private witnessed = 0;

  constructor(private readonly options: MessagingOptions) {}

  get backend(): 'redis' | 'postgres' {
    return this.options.queueUrl === undefined ? 'postgres' : 'redis';
  }

  /** Connects and checks; throws QueueRefused with what to do. */
  async open(): Promise<void> {
    const until = Date.now() + this.options.bootWaitMs;
    for (;;) {
      try {
        await (this.options.queueUrl === undefined ? this.openPostgres() : this.openRedis(this.options.queueUrl));
        return;
      } catch (error) {
        if (error instanceof QueueRefused || Date.now() > until) {
          await this.close();
          throw error;
        }
        await new Promise((resolve) => setTimeout(resolve, 250));
      }
    }
  }

  private async openRedis(url: string): Promise<void> {
    this.redis ??= redisConnection(url, false);
    try {
      if (this.redis.status !== 'ready') {
        this.redis.disconnect();
        await this.redis.connect();
      }
    } catch (error) {
      throw new Error(
        `Redis does not answer at QUEUE_URL ${hidden(url)}: start it, correct QUEUE_URL, or unset it to use Postgres (${String(error)})`,
        {
          cause: error,
        },
      );
    }
    const information = await this.redis.info();
    const value = (name: string) => new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(information)?.[1] ?? '';
    const [major = 0, minor = 0] = value('redis_version').split('.').map(Number);
    if (major < oldestRedis[0] || (major === oldestRedis[0] && minor < oldestRedis[1])) {
      throw new QueueRefused(
        `Redis at QUEUE_URL is version ${value('redis_version')}; ${oldestRedis.join('.')} or newer is needed`,
      );
    }
    const policy = value('maxmemory_policy');
    if (policy !== 'noeviction') {
      throw new QueueRefused(
        `Redis at QUEUE_URL has maxmemory-policy ${policy || 'unknown'}, so it may throw jobs away. Set it: CONFIG SET maxmemory-policy noeviction`,
      );
    }
  }

  private async openPostgres(): Promise<void> {
    const url = this.options.queueDatabaseUrl;
    if (url === undefined)
      throw new QueueRefused('Neither QUEUE_URL (Redis) nor QUEUE_DATABASE_URL (Postgres, role queue) is set');
    // Each worker pins one connection to listen on; the others are shared by everything this process does.
    this.pool ??= openLastingPool({
      connectionString: url,
      max: 6,
      options: '-c search_path=bullmq',
      application_name: `${this.options.service}-queue`,
      keepAlive: true,
      connectionTimeoutMillis: commandTimeoutMs,
    });
    watchPgPool(`${this.options.service}-queue`, this.pool);
    try {
      await this.pool.query('SELECT 1 FROM bullmq.migration LIMIT 1');
    } catch (error) {
      const code = (error as { code?: string }).code;
      if (code === '42P01' || code === '3F000')
        throw new QueueRefused('Schema bullmq has no tables: run the migrate step first');
      throw new Error(`The queue's database does not answer at QUEUE_DATABASE_URL ${hidden(url)} (${String(error)})`, {
        cause: error,
      });
    }
  }

  /** Set-based: one call for each queue that is concerned. Adding a delivery twice is harmless. */
  async publish(deliveries: readonly QueuedDelivery[]): Promise<void> {
    const byQueue = groupBy(deliveries, (delivery) => queueName(delivery.consumer, delivery.lane));
    for (const [name, ones] of byQueue) {
      const jobs = ones.map(({ sequence, consumer, name: message, publication, priority }) => ({
        name: message,
        data: { sequence, name: message, publication } satisfies JobData,
        opts: {
          jobId: jobIdOf(sequence, consumer, publication),
          attempts: 1,
          removeOnComplete: true,
          removeOnFail: true,
          ...(priority > 0 ? { priority } : {}),
        },
      }));
      const [only, second] = jobs;
      // Over Postgres addBulk makes two temporary tables a call (role queue needs TEMPORARY): not for a single job.
      if (only !== undefined && second === undefined) await this.queue(name).add(only.name, only.data, only.opts);
      else await this.queue(name).addBulk(jobs);
    }
  }

  /** Which of the jobs the queue still holds; one that a dead worker left active it gives to another by itself. */
  async held(service: Service, lane: Lane, ids: readonly string[]): Promise<Set<string>> {
    const name = queueName(service, lane);
    if (this.pool !== undefined) {
      const { rows } = await this.pool.query<{ id: string }>(
        `SELECT id FROM bullmq.job WHERE queue = $1 AND id = ANY ($2) AND state IN ('waiting', 'active', 'delayed')`,
        [name, ids],
      );
      return new Set(rows.map((row) => row.id));
    }
    const queue = this.queue(name);
    const states = await Promise.all(ids.map((id) => queue.getJobState(id)));
    return new Set(
      ids.filter((_, index) => ['waiting', 'prioritized', 'active', 'delayed'].includes(states[index] ?? '')),
    );
  }

  work(lane: Lane, concurrency: number, handle: (data: JobData) => Promise<void>): void {
    const name = queueName(this.options.service, lane);
    const settings: Omit<WorkerOptions, 'connection'> = {
      concurrency,
      lockDuration: this.options.lockMs,
      stalledInterval: this.options.lockMs,
      // Only Postgres counts attempts; the queue must never give a job up by itself.
      maxStalledCount: 1_000_000_000,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
      runRetryDelay: 500,
      drainDelay: 2,
    };
    const process = (job: Job<JobData>) => handle(job.data);
    let worker: Worker;
    if (this.pool !== undefined) {
      worker = new Worker(name, process, { ...settings, connection: this.pool }, createPostgresBackend as never);
    } else {
      const connection = redisConnection(this.options.queueUrl ?? '', true);
      this.workerRedis.push(connection);
      worker = new Worker(name, process, { ...settings, prefix: queuePrefix(name), connection });
    }
    worker.on('error', (error) => {
      this.logger.debug(`${name}: ${error.message}`);
    });
    this.workers.push(worker);
  }

  /**
   * True when Redis is not what it was at the last call: flushed, restarted empty, or restored from a snapshot.
   * A key of this process alone, written anew each time, tells.
   */
  async hasForgotten(): Promise<boolean> {
    if (this.redis === undefined) return false;
    const found = await this.redis.get(this.witness);
    const isSame = this.witnessed === 0 || found === String(this.witnessed);
    this.witnessed += 1;
    await this.redis.set(this.witness, String(this.witnessed), 'EX', 3_600);
    return !isSame;
  }

  /** Within a second and a half, also when a connection hangs. */
  async isUp(): Promise<boolean> {
    const { redis, pool } = this;
    if (redis !== undefined && redis.status !== 'ready') return false;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(resolve, healthTimeoutMs, false);
    });
    const answer = (
      redis !== undefined ? redis.ping() : (pool?.query('SELECT 1') ?? Promise.reject(new Error('not open')))
    ).then(
      () => true,
      () => false,
    );
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** No new jobs are taken; those in hand go on. */
  stopFetching(): void {
    for (const worker of this.workers) void worker.pause(true);
  }

  /** Waits for the jobs in hand, at most so long. */
  async drain(budgetMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, budgetMs);
    });
    const closed = Promise.all(this.workers.map((worker) => worker.close().catch(() => undefined)));
    await Promise.race([closed, late]);
    clearTimeout(timer);
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.splice(0).map((worker) => worker.close(true).catch(() => undefined)));
    await Promise.all([...this.queues.values()].map((queue) => queue.close().catch(() => undefined)));
    this.queues.clear();
    for (const connection of this.workerRedis.splice(0)) connection.disconnect();
    this.redis?.disconnect();
    this.redis = undefined;
    const pool = this.pool;
    this.pool = undefined;
    await pool?.end().catch(() => undefined);
  }

  private queue(name: string): Queue {
    let queue = this.queues.get(name);
    if (queue === undefined) {
      if (this.pool !== undefined) {
        queue = new Queue(name, { connection: this.pool }, createPostgresBackend as never);
      } else {
        queue = new Queue(name, { connection: this.redis, prefix: queuePrefix(name) } as QueueOptions);
      }
      queue.on('error', (error) => {
        this.logger.debug(`${name}: ${error.message}`);
      });
      this.queues.set(name, queue);
    }
    return queue;
  }
}
