import { Injectable } from '@nestjs/common';
import { hasScope, type Principal } from '#libs/auth/index.js';
import { type Tx } from '#libs/database/index.js';
import { problem } from '#libs/kernel/index.js';
import { Alerts } from '../alerts/alerts.service.js';
import { ApprovalsRepository } from './approvals.repository.js';
import { Approvals, type DecisionAnswer, type DecisionAsked } from './approvals.service.js';

/** The decision of a second person, and what compliance does itself once it is approved. */
@Injectable()
export class ApprovalDecisions {
  constructor(
    private readonly approvals: Approvals,
    private readonly repository: ApprovalsRepository,
    private readonly alerts: Alerts,
  ) {}

  async decide(tx: Tx, asked: DecisionAsked, by: Principal): Promise<DecisionAnswer> {
    const approval = await this.repository.find(tx, asked.approvalId);
    const isRelease = approval?.kind === 'PAYMENT_RELEASE' || approval?.kind === 'HOLD_RELEASE';
    if (isRelease && !hasScope(by, 'alerts:decide')) {
      return {
        approval,
        problems: [problem('NOT_YOURS_TO_DECIDE', 'Releases are decided by compliance', ['approvalId'])],
      };
    }
    const answer = await this.approvals.decide(tx, asked, by);
    const decided = answer.approval;
    if (answer.problems.length === 0 && decided?.service === 'compliance' && decided.state === 'APPROVED') {
      await this.alerts.release(tx, decided.objectId, asked.reason, by);
    }
    return answer;
  }
}
