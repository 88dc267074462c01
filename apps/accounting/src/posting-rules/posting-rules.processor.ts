import { Injectable } from '@nestjs/common';
import { type PayloadOf } from '#libs/contracts/index.js';
import { HandlesLong, type LongJob } from '#libs/messaging/index.js';
import { beginning, type DryRunPlace, DryRuns } from './dry-runs.service.js';

@Injectable()
export class PostingRulesProcessor {
  constructor(private readonly dryRuns: DryRuns) {}

  /** Goes on from the last step that was committed: no entry is counted twice. */
  @HandlesLong('accounting.dry-run-rules.v1')
  async dryRun({ dryRunId }: PayloadOf<'accounting.dry-run-rules.v1'>, job: LongJob): Promise<void> {
    const counted = await job.step(async (tx) => {
      const run = await this.dryRuns.find(tx, dryRunId);
      if (!run) throw new Error(`there is no dry run ${dryRunId}`);
      const counts = await this.dryRuns.count(tx, run);
      job.progress(job.latestProgress.done, counts.total);
      return counts;
    });
    let place = (job.saved ?? { ...beginning }) as unknown as DryRunPlace;
    for (;;) {
      const next = await job.step(async (tx) => {
        const reached = await this.dryRuns.step(tx, dryRunId, place);
        if (reached) {
          job.checkpoint({ ...reached });
          job.progress(reached.done, counted.total, { differing: reached.differing, notBooked: reached.notBooked });
        }
        return reached;
      });
      if (next === null) break;
      place = next;
    }
    await job.finish((tx) => this.dryRuns.finish(tx, dryRunId, place, counted.withoutEvent));
  }
}
