import { Injectable, Logger } from '@nestjs/common';
import { hostname } from 'node:os';
import { Transactions } from '#libs/database/index.js';
import { metrics, runInContext } from '#libs/observability/index.js';
import { UnprocessableMessage } from './dead-letter.js';
import { contextOf, type MessageHeaders } from './delivery-context.js';
import { describeError } from './error-fingerprint.js';
import { Failures } from './failures.js';
import { HandlerRegistry } from './handler-registry.js';
import { JobHandedBack, type Json, LeaseLost, LongJob, type LongJobStart } from './long-job.js';
import { MessageCatalogue } from './message-catalogue.js';
import { MessagingOptions } from './messaging.options.js';
import { RelayBell } from './relay-bell.js';

interface StartedJob {
  readonly outcome: 'RUN' | 'LEASED' | 'EXHAUSTED' | 'DONE' | 'HELD' | 'UNKNOWN';
  readonly id: string;
  readonly name: string;
  readonly payload: unknown;
  readonly headers: MessageHeaders;
  readonly business_key: string | null;
  readonly requested_by: string | null;
  readonly token: string;
  readonly attempt: number;
  readonly checkpoint: Json | null;
  readonly done: string;
  readonly total: string | null;
  readonly counts: Record<string, number>;
}

const whenFullMs = 500;

/**
 * Runs long jobs beside the queue: the queue's job ends as soon as the lease is taken, so that long work
 * occupies no place of a lane. From then on the lease in Postgres tells who has the job.
 */
@Injectable()
export class LongJobRunner {
  private readonly logger = new Logger('Jobs');
  private readonly running = new Map<string, { promise: Promise<void>; abort: AbortController }>();
  private readonly worker = `${hostname()}/${process.pid}`;
  private isStopping = false;

  constructor(
    private readonly transactions: Transactions,
    private readonly registry: HandlerRegistry,
    private readonly catalogue: MessageCatalogue,
    private readonly failures: Failures,
    private readonly options: MessagingOptions,
    private readonly bell: RelayBell,
  ) {}

  async begin(sequence: string): Promise<void> {
    if (this.isStopping || this.running.size >= this.options.longConcurrency) {
      await this.transactions.run((tx) =>
        tx.execute('SELECT messaging.defer_delivery($1, $2)', [sequence, whenFullMs]),
      );
      return;
    }
    const started = await this.transactions.run(async (tx) => {
      const row = await tx.row<StartedJob>(
        `SELECT outcome, id, name, payload, headers, business_key, requested_by, token, attempt, checkpoint, done, total, counts
           FROM messaging.start_job($1, $2, $3, $4)`,
        [sequence, this.worker, this.options.leaseMs, this.options.maxAttempts],
      );
      if (row?.outcome === 'EXHAUSTED') {
        const error = new UnprocessableMessage('WORKER_LOST', 'every worker that took it ended without saving a step');
        await this.failures.record(tx, sequence, error, { isCounted: true, isFinal: true });
      }
      return row;
    });
    if (started?.outcome !== 'RUN') return;
    const abort = new AbortController();
    const promise = runInContext(contextOf(started.headers), () => this.run(sequence, started, abort)).finally(() => {
      this.running.delete(started.id);
    });
    this.running.set(started.id, { promise, abort });
  }

  /** Waits so long, then aborts; whatever still runs then is handed back, and its next step is refused. */
  async drain(budgetMs: number): Promise<void> {
    this.isStopping = true;
    await this.settledWithin(budgetMs);
    for (const [id, { abort }] of this.running) abort.abort(new JobHandedBack(id));
    await this.settledWithin(Math.min(budgetMs, 2_000));
  }

  private async settledWithin(ms: number): Promise<void> {
    if (this.running.size === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    await Promise.race([Promise.allSettled([...this.running.values()].map(({ promise }) => promise)), late]);
    clearTimeout(timer);
  }

  private async run(sequence: string, started: StartedJob, abort: AbortController): Promise<void> {
    const start: LongJobStart = {
      id: started.id,
      messageId: `msg_${sequence}`,
      sequence,
      name: started.name,
      token: started.token,
      attempt: started.attempt,
      leaseMs: this.options.leaseMs,
      businessKey: started.business_key,
      requestedBy: started.requested_by,
      checkpoint: started.checkpoint,
      done: Number(started.done),
      total: started.total === null ? null : Number(started.total),
      counts: started.counts,
    };
    const job = new LongJob(start, this.transactions, abort.signal, async (tx) => {
      const finished = await tx.row<{ calls_next: boolean }>('SELECT messaging.finish_job($1, $2) AS calls_next', [
        start.id,
        start.token,
      ]);
      if (finished?.calls_next === true) {
        tx.afterCommit(() => {
          this.bell.ring();
        });
      }
    });
    this.logger.log(`${start.name} begins, attempt ${start.attempt}`, { jobRunId: start.id });
    const renewal = this.renewFromTimeToTime(job, start, abort);
    const end = metrics.jobSeconds.startTimer({ message: started.name });
    try {
      const definition = this.catalogue.find(started.name);
      const handler = this.registry.long(started.name);
      if (definition === undefined || handler === undefined)
        throw new UnprocessableMessage('NO_HANDLER', `no handler for ${started.name}`);
      const parsed = definition.payload.safeParse(started.payload);
      if (!parsed.success) throw new UnprocessableMessage('INVALID_PAYLOAD', parsed.error.message);
      await handler(parsed.data, job);
      if (!job.isFinished) await job.finish(() => Promise.resolve());
      end({ outcome: 'done' });
      this.logger.log(`${start.name} is done`, { jobRunId: start.id });
    } catch (error) {
      end({ outcome: 'failed' });
      if (!job.isFinished) await this.end(sequence, start, error, abort.signal);
    } finally {
      await renewal.stop();
    }
  }

  private async end(sequence: string, start: LongJobStart, error: unknown, signal: AbortSignal): Promise<void> {
    try {
      if (error instanceof LeaseLost || signal.reason instanceof LeaseLost) {
        this.logger.warn(`${start.name} ${start.id}: attempt ${start.attempt} lost its lease`);
        return;
      }
      if (error instanceof JobHandedBack || signal.reason instanceof JobHandedBack) {
        await this.transactions.run((tx) =>
          tx.execute('SELECT messaging.hand_back_job($1, $2)', [start.id, start.token]),
        );
        return;
      }
      const { code, message, fingerprint } = describeError(error);
      await this.transactions.run(async (tx) => {
        const failed = await tx.row<{ is_mine: boolean }>('SELECT messaging.fail_job($1, $2, $3, $4, $5) AS is_mine', [
          start.id,
          start.token,
          code,
          message,
          fingerprint,
        ]);
        if (failed?.is_mine === true) await this.failures.record(tx, sequence, error, { isCounted: true });
      });
    } catch (unrecorded) {
      // The lease lapses and the reconciler comes back to the job.
      this.logger.error(
        `the end of ${start.id} could not be recorded`,
        unrecorded instanceof Error ? unrecorded.stack : String(unrecorded),
      );
    }
  }

  /** A handler that thinks for long between its steps keeps its lease; one whose lease is gone is told by the signal. */
  private renewFromTimeToTime(
    job: LongJob,
    start: LongJobStart,
    abort: AbortController,
  ): { stop: () => Promise<void> } {
    let current: Promise<void> = Promise.resolve();
    let isBusy = false;
    const renew = async () => {
      try {
        const { done, total, counts } = job.latestProgress;
        const row = await this.transactions.run((tx) =>
          tx.row<{ answer: 'HELD' | 'BUSY' | 'LOST' }>(
            'SELECT messaging.renew_lease($1, $2, $3, $4::jsonb) AS answer',
            [start.id, start.token, start.leaseMs, JSON.stringify({ done, total, counts })],
          ),
        );
        if (row?.answer === 'LOST' && !job.isFinished) abort.abort(new LeaseLost(start.id));
      } catch {
        // The database is away: the lease lapses by itself and the next step tells.
      }
    };
    const timer = setInterval(
      () => {
        if (isBusy) return;
        isBusy = true;
        current = renew().finally(() => {
          isBusy = false;
        });
      },
      Math.max(start.leaseMs / 3, 100),
    );
    return {
      stop: async () => {
        clearInterval(timer);
        await current;
      },
    };
  }
}
