import { Injectable, type Type } from '@nestjs/common';
import { type Service } from '#libs/contracts/index.js';
import { HandlesLong } from './handles.js';
import { type LongJob } from './long-job.js';
import { MessagingOptions } from './messaging.options.js';
import { Schedules } from './schedules.js';

interface Pruned {
  readonly until: string | null;
  readonly messages: string;
  readonly deliveries: string;
  readonly job_runs: string;
}

const onceADaySeconds = 86_400;

export const pruneMessageOf = (service: Service) => `${service}.prune-messages.v1` as const;

/**
 * Removes what the service sent and every consumer finished longer ago than the retention, with its job runs, window
 * by window: each is one short transaction, and a job that was killed goes on behind the last one. Dead letters stay,
 * and so does every idempotency key: no input may ever come twice.
 */
export function prunerOf(service: Service): Type {
  @Injectable()
  class Pruner {
    constructor(
      schedules: Schedules,
      private readonly options: MessagingOptions,
    ) {
      // By real time: the business clock of a sample goes through its days in minutes.
      schedules.declare({
        name: 'prune messages',
        everySeconds: onceADaySeconds,
        catchUp: 'last',
        message: { name: pruneMessageOf(service), payload: {} },
      });
    }

    @HandlesLong(pruneMessageOf(service))
    async prune(_nothing: object, job: LongJob): Promise<void> {
      const { retentionDays, pruneBatch } = this.options;
      for (let hasMore = true; hasMore;) {
        const after = (job.saved as string | undefined) ?? '0';
        const before = job.latestProgress.counts;
        hasMore = await job.step(async (tx) => {
          const pruned = await tx.row<Pruned>(
            'SELECT until, messages, deliveries, job_runs FROM messaging.prune($1::bigint, $2, $3)',
            [after, retentionDays, pruneBatch],
          );
          const row = await tx.row<{ pruned: string }>('SELECT messaging.prune_slots($1, $2) AS pruned', [
            retentionDays,
            pruneBatch,
          ]);
          const slots = Number(row?.pruned ?? 0);
          // From what it was before the step: the transaction may be done again.
          const counts = {
            messages: (before.messages ?? 0) + Number(pruned?.messages ?? 0),
            deliveries: (before.deliveries ?? 0) + Number(pruned?.deliveries ?? 0),
            jobRuns: (before.jobRuns ?? 0) + Number(pruned?.job_runs ?? 0),
            slots: (before.slots ?? 0) + slots,
          };
          job.checkpoint(pruned?.until ?? after);
          job.progress(counts.messages, undefined, counts);
          return (pruned?.until ?? null) !== null || slots === pruneBatch;
        });
      }
      await job.finish(() => Promise.resolve());
    }
  }
  return Pruner;
}
