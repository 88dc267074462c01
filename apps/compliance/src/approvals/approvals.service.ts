import { Injectable } from '@nestjs/common';
import { type Actor, AuditTrail, subjectOf } from '#libs/audit/index.js';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { isRefused, type Problem, problem } from '#libs/kernel/index.js';
import { Outbox } from '#libs/messaging/index.js';
import { present } from '../present.js';
import { BusinessDays } from '../business-days/business-days.service.js';
import { type ApprovalState, decideApproval, type RefusalCode } from './approvals.js';
import { type ApprovalRequest, ApprovalsRepository, type ApprovalRow } from './approvals.repository.js';

export interface DecisionAsked {
  readonly approvalId: string;
  readonly payloadHash: string;
  readonly decision: 'APPROVE' | 'REJECT';
  readonly reason: string;
}

export interface DecisionAnswer {
  readonly approval?: ApprovalRow;
  readonly problems: readonly Problem[];
}

export const notFound = (what: string, path: string) => problem('NOT_FOUND', `There is no such ${what}`, [path]);

/** One person asks, another decides: for all services. */
@Injectable()
export class Approvals {
  constructor(
    private readonly repository: ApprovalsRepository,
    private readonly businessDays: BusinessDays,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
  ) {}

  find(tx: Tx, approvalId: string): Promise<ApprovalRow | undefined> {
    return this.repository.find(tx, approvalId);
  }

  /** The open one about an object, if there is one. */
  async openAbout(tx: Tx, objectKind: string, objectId: string): Promise<ApprovalRow | undefined> {
    const [open] = await this.repository.openOf(tx, objectKind, [objectId]);
    return open;
  }

  async request(tx: Tx, request: ApprovalRequest): Promise<void> {
    const dateOf = await this.businessDays.dates(tx);
    if (!(await this.repository.insert(tx, request, dateOf(request.book)))) return;
    await this.audit.append(tx, {
      action: 'approval.requested',
      objectKind: 'Approval',
      objectId: request.approvalId,
      bookId: request.book,
      principal: request.requestedBy,
      after: request,
    });
  }

  async changePayload(tx: Tx, change: PayloadOf<'compliance.change-approval-payload.v1'>): Promise<void> {
    const approval = await this.repository.lock(tx, change.approvalId);
    if (!approval) throw new Error(`The payload of ${change.approvalId} changed before it was asked for`);
    // Whoever decided it decided on the payload of that moment; its service compares the hash it gets back.
    if (approval.state !== 'OPEN' || approval.payloadHash === change.payloadHash) return;
    await this.repository.changePayload(tx, change.approvalId, change.payloadHash, change.summary, change.changedBy);
    await this.record(tx, approval, 'approval.payload-changed', change.changedBy, undefined, {
      payloadHash: change.payloadHash,
    });
  }

  async decide(tx: Tx, asked: DecisionAsked, by: Actor): Promise<DecisionAnswer> {
    const approval = await this.repository.lock(tx, asked.approvalId);
    if (!approval) return { problems: [notFound('approval', 'approvalId')] };
    const decidedBy = subjectOf(by);
    const decision = decideApproval(approval, { ...asked, decidedBy }, approval.now);
    if (isRefused(decision)) {
      const code = present(decision.problems[0]).code as RefusalCode;
      await this.repository.recordAttempt(tx, { ...asked, attemptedBy: decidedBy, code });
      await this.record(tx, approval, 'approval.decision-refused', by, code, { code });
      if (code === 'APPROVAL_EXPIRED' && approval.state === 'OPEN') await this.expire(tx);
      return { approval: await this.repository.find(tx, asked.approvalId), problems: decision.problems };
    }
    await this.close(tx, approval, decision.value, by, asked.reason);
    return { approval: await this.repository.find(tx, asked.approvalId), problems: [] };
  }

  async withdraw(tx: Tx, approvalId: string, reason: string, by: Actor): Promise<DecisionAnswer> {
    const approval = await this.repository.lock(tx, approvalId);
    if (!approval) return { problems: [notFound('approval', 'approvalId')] };
    if (approval.requestedBy !== subjectOf(by)) {
      return {
        approval,
        problems: [problem('NOT_THE_MAKER', 'Only who asked for it can withdraw it', ['approvalId'])],
      };
    }
    if (approval.state !== 'OPEN') {
      return {
        approval,
        problems: [problem('ALREADY_DECIDED', `The approval is ${approval.state.toLowerCase()}`, ['approvalId'])],
      };
    }
    await this.close(tx, approval, 'WITHDRAWN', by, reason);
    return { approval: await this.repository.find(tx, approvalId), problems: [] };
  }

  /** What was asked for about objects that are settled otherwise. */
  async withdrawOf(tx: Tx, objectKind: string, objectIds: readonly string[], reason: string, by: Actor): Promise<void> {
    for (const approval of await this.repository.openOf(tx, objectKind, objectIds))
      await this.close(tx, approval, 'WITHDRAWN', by, reason);
  }

  async expire(tx: Tx): Promise<number> {
    const expired = await this.repository.expireOverdue(tx);
    for (const approval of expired)
      await this.announce(tx, approval, 'EXPIRED', 'service:compliance', 'its time ran out');
    return expired.length;
  }

  private async close(tx: Tx, approval: ApprovalRow, state: ApprovalState, by: Actor, reason: string): Promise<void> {
    const decidedBy = state === 'WITHDRAWN' ? null : subjectOf(by);
    await this.repository.close(tx, approval.approvalId, state, decidedBy, reason);
    await this.announce(tx, approval, state, by, reason);
  }

  private async announce(
    tx: Tx,
    approval: ApprovalRow,
    state: ApprovalState,
    by: Actor,
    reason: string,
  ): Promise<void> {
    await this.record(tx, approval, `approval.${state.toLowerCase()}`, by, reason, {
      state,
      payloadHash: approval.payloadHash,
    });
    // What compliance asked for itself it acts on itself, in the same transaction.
    if (state === 'OPEN' || approval.service === 'compliance') return;
    await this.outbox.add(tx, 'compliance.approval-decided.v1', {
      approvalId: approval.approvalId,
      kind: approval.kind,
      service: approval.service,
      objectKind: approval.objectKind,
      objectId: approval.objectId,
      payloadHash: approval.payloadHash,
      outcome: state,
      decidedBy: subjectOf(by),
      reason: reason.slice(0, 280),
    });
  }

  private async record(
    tx: Tx,
    approval: ApprovalRow,
    action: string,
    by: Actor,
    reason: string | undefined,
    after: unknown,
  ): Promise<void> {
    const before = { state: approval.state, payloadHash: approval.payloadHash };
    const { approvalId: objectId, book: bookId } = approval;
    await this.audit.append(tx, {
      action,
      objectKind: 'Approval',
      objectId,
      bookId,
      principal: by,
      reason,
      before,
      after,
    });
  }
}
