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
  /** How long the boot waits for the queue before it gives up. */
  readonly bootWaitMs: number;

  constructor(
    service: Service,
    given: Partial<Omit<MessagingOptions, 'service'>> = {},
    environment: NodeJS.ProcessEnv = process.env,
  ) {
    const whole = (name: string, otherwise: number) => {
      const text = environment[name];
      if (text === undefined || text === '') return otherwise;
      const value = Number(text);
      if (!Number.isInteger(value) || value < 1)
        throw new Error(`${name} must be a whole number above zero, it is "${text}"`);
      return value;
    };
    this.service = service;
    this.worker = given.worker ?? workerMode(environment.WORKER);
    this.queueUrl =
      'queueUrl' in given ? given.queueUrl : environment.QUEUE_URL === '' ? undefined : environment.QUEUE_URL;
    this.queueDatabaseUrl = given.queueDatabaseUrl ?? environment.QUEUE_DATABASE_URL;
    this.pollMs = given.pollMs ?? whole('MESSAGING_POLL_MS', 100);
    this.relayBatch = given.relayBatch ?? 500;
    this.fastConcurrency = given.fastConcurrency ?? whole('MESSAGING_FAST_CONCURRENCY', 4);
    this.bulkConcurrency = given.bulkConcurrency ?? whole('MESSAGING_BULK_CONCURRENCY', 3);
    this.longConcurrency = given.longConcurrency ?? whole('MESSAGING_LONG_CONCURRENCY', 3);
    this.maxAttempts = given.maxAttempts ?? whole('MESSAGING_MAX_ATTEMPTS', 8);
    this.backoffMs = given.backoffMs ?? whole('MESSAGING_BACKOFF_MS', 500);
    this.backoffMaxMs = given.backoffMaxMs ?? whole('MESSAGING_BACKOFF_MAX_MS', 300_000);
    this.lockMs = given.lockMs ?? whole('MESSAGING_LOCK_MS', 10_000);
    this.leaseMs = given.leaseMs ?? whole('MESSAGING_LEASE_MS', 5_000);
    this.reconcileAfterMs = given.reconcileAfterMs ?? whole('MESSAGING_RECONCILE_AFTER_MS', 10_000);
    this.reconcileEveryMs = given.reconcileEveryMs ?? whole('MESSAGING_RECONCILE_EVERY_MS', 1_000);
    this.scheduleEveryMs = given.scheduleEveryMs ?? whole('MESSAGING_SCHEDULE_EVERY_MS', 1_000);
    this.drainMs = given.drainMs ?? whole('MESSAGING_DRAIN_MS', 8_000);
    this.bootWaitMs = given.bootWaitMs ?? whole('MESSAGING_BOOT_WAIT_MS', 15_000);
  }
}

function workerMode(text: string | undefined): WorkerMode {
  if (text === undefined || text === '') return 'inline';
  if (text === 'inline' || text === 'only' || text === 'none') return text;
  throw new Error(`WORKER must be inline, only or none, it is "${text}"`);
}
