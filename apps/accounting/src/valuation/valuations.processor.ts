import { Injectable } from '@nestjs/common';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { HandlesLong, type LongJob } from '#libs/messaging/index.js';
import { Valuations, valuationSteps } from './valuations.service.js';

@Injectable()
export class ValuationsProcessor {
  constructor(private readonly valuations: Valuations) {}

  /** Each step is one transaction and may be done again: it posts what is not posted yet. */
  @HandlesLong('accounting.value-book.v1')
  async value({ runId }: PayloadOf<'accounting.value-book.v1'>, job: LongJob): Promise<void> {
    const run = await job.step(async (tx) => {
      const found = await this.valuations.find(tx, runId);
      if (!found) throw new Error(`there is no valuation ${runId}`);
      return found;
    });
    let problems: readonly Problem[] = [];
    let posted = job.latestProgress.counts.posted ?? 0;
    for (const [n, step] of valuationSteps.entries()) {
      if (n < job.latestProgress.done) continue;
      try {
        const outcome = await job.step(async (tx) => {
          const done = await this.valuations.step(tx, run, step);
          job.progress(n + 1, valuationSteps.length, { posted: posted + done.posted });
          return done;
        });
        posted += outcome.posted;
        problems = outcome.problems;
      } catch (error) {
        const refused = this.valuations.refusalOf(error);
        if (!refused) throw error;
        problems = refused;
      }
      if (problems.length > 0) break;
    }
    await job.finish((tx) => this.valuations.finish(tx, run, problems));
  }
}
