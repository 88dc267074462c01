import { Injectable } from '@nestjs/common';
import { type PayloadOf } from '#libs/contracts/index.js';
import { HandlesLong, type LongJob } from '#libs/messaging/index.js';
import { issuingBegins, type IssuingPlace, IssuedStatements } from './issued-statements.service.js';

@Injectable()
export class IssuedStatementsProcessor {
  constructor(private readonly statements: IssuedStatements) {}

  /** An account that has its statement is passed over, so that it may begin anywhere and any number of times. */
  @HandlesLong('accounting.issue-statements.v1')
  async issue(asked: PayloadOf<'accounting.issue-statements.v1'>, job: LongJob): Promise<void> {
    const total = await job.step((tx) => this.statements.count(tx, asked));
    let place = (job.saved ?? { ...issuingBegins }) as unknown as IssuingPlace;
    for (;;) {
      const next = await job.step(async (tx) => {
        const reached = await this.statements.step(tx, asked, place, job);
        if (reached) {
          job.checkpoint({ ...reached });
          const { issued, refused } = reached;
          job.progress(Math.min(issued + refused, total), total, { issued, refused });
        }
        return reached;
      });
      if (next === null) break;
      place = next;
    }
  }
}
