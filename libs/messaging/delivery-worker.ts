import { Injectable, Logger } from '@nestjs/common';
import { Transactions, type Tx } from '#libs/database/index.js';
import { metrics, runInContext } from '#libs/observability/index.js';
import { UnprocessableMessage } from './dead-letter.js';
import { contextOf, type MessageHeaders } from './delivery-context.js';
import { Failures } from './failures.js';
import { HandlerRegistry } from './handler-registry.js';
import { LongJobRunner } from './long-job-runner.js';
import { MessageCatalogue } from './message-catalogue.js';
import { MessagingOptions } from './messaging.options.js';
import { type JobData } from './queues.js';
import { RelayBell } from './relay-bell.js';

interface Begun {
  readonly outcome: 'RUN' | 'DONE' | 'HELD' | 'UNKNOWN';
  readonly name: string;
  readonly producer: string;
  readonly payload: unknown;
  readonly headers: MessageHeaders;
  readonly business_key: string | null;
  readonly attempts: number;
  readonly added_at: Date;
}

/** Takes deliveries from the queue. Whatever happens, the queue's job ends well: what counts is in Postgres. */
@Injectable()
export class DeliveryWorker {
  private readonly logger = new Logger('Messages');

  constructor(
    private readonly transactions: Transactions,
    private readonly registry: HandlerRegistry,
    private readonly catalogue: MessageCatalogue,
    private readonly failures: Failures,
    private readonly longJobs: LongJobRunner,
    private readonly options: MessagingOptions,
    private readonly bell: RelayBell,
  ) {}

  async handle(data: JobData): Promise<void> {
    try {
      if (this.catalogue.find(data.name)?.longRunning === true) await this.longJobs.begin(data.sequence);
      else await this.handleShort(data);
    } catch (error) {
      // The failure itself could not be recorded (the database is away): the reconciler comes back to it.
      this.logger.error(
        `delivery ${data.sequence} of ${data.name} is left to the reconciler`,
        error instanceof Error ? error.stack : String(error),
      );
    }
  }

  private async handleShort({ sequence, publication }: JobData): Promise<void> {
    // What was published before may have killed its worker: such a start is counted before it is made.
    const isCounted = publication > 0;
    if (isCounted && !(await this.countStart(sequence))) return;
    const startedAt = process.hrtime.bigint();
    const seen: { name?: string; headers?: MessageHeaders } = {};
    const observe = (outcome: string) => {
      if (seen.name !== undefined)
        metrics.jobSeconds.observe({ message: seen.name, outcome }, Number(process.hrtime.bigint() - startedAt) / 1e9);
    };
    try {
      await this.transactions.run((tx) => this.consume(tx, sequence, seen));
      observe('done');
      if (seen.headers !== undefined)
        runInContext(contextOf(seen.headers), () => {
          this.logger.debug(`${seen.name} is handled`, { sequence });
        });
    } catch (error) {
      observe('failed');
      // What failed is found by the request that asked for it.
      await runInContext(contextOf(seen.headers ?? {}), () =>
        this.transactions.run((tx) => this.failures.record(tx, sequence, error, { isCounted })),
      );
    }
  }

  /** False when there is nothing left to do, or when the delivery has used up its attempts. */
  private countStart(sequence: string): Promise<boolean> {
    return this.transactions.run(async (tx) => {
      const counted = await tx.row<{ attempts: number | null }>('SELECT messaging.count_start($1) AS attempts', [
        sequence,
      ]);
      const attempts = counted?.attempts ?? null;
      if (attempts === null) return false;
      if (attempts <= this.options.maxAttempts) return true;
      await this.failures.record(
        tx,
        sequence,
        new UnprocessableMessage('WORKER_LOST', 'every worker that took it ended'),
        { isCounted: true, isFinal: true },
      );
      return false;
    });
  }

  private async consume(tx: Tx, sequence: string, seen: { name?: string; headers?: MessageHeaders }): Promise<void> {
    const begun = await tx.row<Begun>(
      'SELECT outcome, name, producer, payload, headers, business_key, attempts, added_at FROM messaging.begin_delivery($1)',
      [sequence],
    );
    if (begun?.outcome !== 'RUN') return;
    seen.name = begun.name;
    seen.headers = begun.headers;
    const payload = this.parse(begun.name, begun.payload);
    const handler = this.registry.short(begun.name);
    if (handler === undefined)
      throw new UnprocessableMessage('NO_HANDLER', `${this.options.service} has no handler for ${begun.name}`);
    await runInContext(contextOf(begun.headers), () =>
      handler(tx, payload, {
        messageId: `msg_${sequence}`,
        sequence,
        name: begun.name,
        producer: begun.producer,
        attempt: begun.attempts + 1,
        addedAt: begun.added_at,
        ...(begun.business_key === null ? {} : { businessKey: begun.business_key }),
        ...(begun.headers.requestedBy === undefined ? {} : { requestedBy: begun.headers.requestedBy }),
      }),
    );
    const acknowledged = await tx.row<{ calls_next: boolean }>('SELECT messaging.acknowledge($1) AS calls_next', [
      sequence,
    ]);
    if (acknowledged?.calls_next === true) {
      tx.afterCommit(() => {
        this.bell.ring();
      });
    }
  }

  private parse(name: string, payload: unknown): unknown {
    const parsed = this.catalogue.find(name)?.payload.safeParse(payload);
    if (parsed === undefined) throw new UnprocessableMessage('UNKNOWN_MESSAGE', `this release does not know ${name}`);
    if (!parsed.success) throw new UnprocessableMessage('INVALID_PAYLOAD', parsed.error.message);
    return parsed.data;
  }
}
