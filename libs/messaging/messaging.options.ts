import { loadConfig, messagingEnvironment } from '#libs/config/index.js';
import { type Service } from '#libs/contracts/index.js';

/** `inline`: this process relays and works; `only`: the same without an API beside it; `none`: it relays, others work. */
export type WorkerMode = 'inline' | 'only' | 'none';

/** How one process sends and works. Every value has a default; the environment names are in docs/operating. */
export class MessagingOptions {
  readonly service: Service;
  readonly worker: WorkerMode;
  /** redis://… or, when undefined, BullMQ's Postgres backend at `queueDatabaseUrl`. */
  readonly queueUrl: string | undefined;
  readonly queueDatabaseUrl: string | undefined;
  readonly pollMs: number;
  readonly relayBatch: number;
  readonly fastConcurrency: number;
  readonly bulkConcurrency: number;
  readonly longConcurrency: number;
  readonly maxAttempts: number;
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
  readonly lockMs: number;
  readonly leaseMs: number;
  /** Published and not acknowledged for so long: the reconciler asks the queue whether it still has it. */
  readonly reconcileAfterMs: number;
  readonly reconcileEveryMs: number;
  readonly scheduleEveryMs: number;
  readonly drainMs: number;
  readonly gaugesEveryMs: number;
  /** How long what is finished is kept. */
  readonly retentionDays: number;
  /** Messages looked at in one transaction of the pruning. */
  readonly pruneBatch: number;
  /** How long the boot waits for the queue before it gives up. */
  readonly bootWaitMs: number;

  constructor(
    service: Service,
    given: Partial<Omit<MessagingOptions, 'service'>> = {},
    environment: NodeJS.ProcessEnv = process.env,
  ) {
    const read = loadConfig(messagingEnvironment, environment);
    this.service = service;
    this.worker = given.worker ?? read.WORKER;
    this.queueUrl = 'queueUrl' in given ? given.queueUrl : read.QUEUE_URL;
    this.queueDatabaseUrl = given.queueDatabaseUrl ?? read.QUEUE_DATABASE_URL;
    this.pollMs = given.pollMs ?? read.MESSAGING_POLL_MS;
    this.relayBatch = given.relayBatch ?? 500;
    this.fastConcurrency = given.fastConcurrency ?? read.MESSAGING_FAST_CONCURRENCY;
    this.bulkConcurrency = given.bulkConcurrency ?? read.MESSAGING_BULK_CONCURRENCY;
    this.longConcurrency = given.longConcurrency ?? read.MESSAGING_LONG_CONCURRENCY;
    this.maxAttempts = given.maxAttempts ?? read.MESSAGING_MAX_ATTEMPTS;
    this.backoffMs = given.backoffMs ?? read.MESSAGING_BACKOFF_MS;
    this.backoffMaxMs = given.backoffMaxMs ?? read.MESSAGING_BACKOFF_MAX_MS;
    this.lockMs = given.lockMs ?? read.MESSAGING_LOCK_MS;
    this.leaseMs = given.leaseMs ?? read.MESSAGING_LEASE_MS;
    this.reconcileAfterMs = given.reconcileAfterMs ?? read.MESSAGING_RECONCILE_AFTER_MS;
    this.reconcileEveryMs = given.reconcileEveryMs ?? read.MESSAGING_RECONCILE_EVERY_MS;
    this.scheduleEveryMs = given.scheduleEveryMs ?? read.MESSAGING_SCHEDULE_EVERY_MS;
    this.drainMs = given.drainMs ?? read.MESSAGING_DRAIN_MS;
    this.gaugesEveryMs = given.gaugesEveryMs ?? read.MESSAGING_GAUGES_EVERY_MS;
    this.retentionDays = given.retentionDays ?? read.MESSAGING_RETENTION_DAYS;
    this.pruneBatch = given.pruneBatch ?? 1_000;
    this.bootWaitMs = given.bootWaitMs ?? read.MESSAGING_BOOT_WAIT_MS;
  }
}
