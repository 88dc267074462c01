import { Injectable, Logger, Optional } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { metrics } from '#libs/observability/index.js';
import { DeadLetterSink, messageIdOf, UnprocessableMessage } from './dead-letter.js';
import { describeError } from './error-fingerprint.js';
import { MessagingOptions } from './messaging.options.js';

interface FailedDelivery {
  readonly is_dead: boolean;
  readonly attempts: number;
  readonly job_run_id: string;
  readonly name: string;
  readonly producer: string;
  readonly business_key: string | null;
}

/** What becomes of a delivery that failed: later again, or a dead letter that somebody owns. */
@Injectable()
export class Failures {
  private readonly logger = new Logger('Messages');

  constructor(
    private readonly options: MessagingOptions,
    @Optional() private readonly sink?: DeadLetterSink,
  ) {}

  /** `isCounted`: the start of this attempt was counted already. `isFinal`: no further attempt. */
  async record(
    tx: Tx,
    sequence: string,
    thrown: unknown,
    attempt: { isCounted: boolean; isFinal?: boolean },
  ): Promise<void> {
    const error = describeError(thrown);
    const isFinal = attempt.isFinal === true || thrown instanceof UnprocessableMessage;
    const failed = await tx.row<FailedDelivery>(
      'SELECT is_dead, attempts, job_run_id, name, producer, business_key FROM messaging.fail_delivery($1, $2, $3, $4, $5, $6, $7, $8)',
      [
        sequence,
        attempt.isCounted,
        isFinal ? 0 : this.options.maxAttempts,
        this.options.backoffMs,
        this.options.backoffMaxMs,
        error.code,
        error.message,
        error.fingerprint,
      ],
    );
    if (failed === undefined) return;
    if (!failed.is_dead) {
      this.logger.warn(`${failed.name} failed, attempt ${failed.attempts}: ${error.code} ${error.message}`, {
        sequence,
        err: thrown,
      });
      return;
    }
    const isOwned =
      (await this.sink?.record(tx, {
        messageId: messageIdOf(sequence),
        sequence,
        name: failed.name,
        producer: failed.producer,
        consumer: this.options.service,
        jobRunId: failed.job_run_id,
        businessKey: failed.business_key,
        attempts: failed.attempts,
        error,
      })) ?? false;
    if (isOwned) await tx.execute('SELECT messaging.give_to_work_item($1)', [sequence]);
    tx.afterCommit(() => {
      metrics.deadLetters.inc({ message: failed.name });
      this.logger.error(
        `${failed.name} is a dead letter after ${failed.attempts} attempts: ${error.code} ${error.message}`,
        { sequence, err: thrown },
      );
    });
  }
}
