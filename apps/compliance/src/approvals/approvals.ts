import { type Decision, accepted, problem, refused } from '#libs/kernel/index.js';

export const approvalStates = ['OPEN', 'APPROVED', 'REJECTED', 'EXPIRED', 'WITHDRAWN'] as const;
export type ApprovalState = (typeof approvalStates)[number];

export const refusalCodes = ['OWN_APPROVAL', 'PAYLOAD_CHANGED', 'APPROVAL_EXPIRED', 'ALREADY_DECIDED'] as const;
export type RefusalCode = (typeof refusalCodes)[number];

export interface ApprovalToDecide {
  readonly state: ApprovalState;
  readonly requestedBy: string;
  /** Who changed the payload after it was asked for: they made what is decided. */
  readonly changedBy: readonly string[];
  readonly payloadHash: string;
  readonly expiresAt: Date;
}

export interface ApprovalDecision {
  readonly decision: 'APPROVE' | 'REJECT';
  readonly payloadHash: string;
  readonly decidedBy: string;
}

/**
 * A second person decides, on exactly what is asked for, in time. The checks stand in this order: a decided
 * approval says so to everyone, an expired one to everyone else, and only then does it matter who asks.
 */
export function decideApproval(
  approval: ApprovalToDecide,
  given: ApprovalDecision,
  now: Date,
): Decision<'APPROVED' | 'REJECTED'> {
  const refusal = (code: RefusalCode, message: string, path: string) => refused(problem(code, message, [path]));
  if (approval.state === 'EXPIRED')
    return refusal('APPROVAL_EXPIRED', 'The approval has expired; ask for a new one', 'approvalId');
  if (approval.state !== 'OPEN')
    return refusal('ALREADY_DECIDED', `The approval is ${approval.state.toLowerCase()}`, 'approvalId');
  if (approval.expiresAt <= now)
    return refusal('APPROVAL_EXPIRED', 'The approval has expired; ask for a new one', 'approvalId');
  if (approval.requestedBy === given.decidedBy || approval.changedBy.includes(given.decidedBy)) {
    return refusal('OWN_APPROVAL', 'Who asked for it or changed it cannot decide it', 'approvalId');
  }
  if (approval.payloadHash !== given.payloadHash) {
    return refusal(
      'PAYLOAD_CHANGED',
      'What is to be approved has changed since it was read; read it again',
      'payloadHash',
    );
  }
  return accepted(given.decision === 'APPROVE' ? 'APPROVED' : 'REJECTED');
}

/** How an approval counts in the figures of its day; nothing while it is simply open, or withdrawn without an incident. */
export type ApprovalFigure = 'approved' | 'rejected' | 'expired' | 'ownApprovalRefused' | 'changedPayloadRefused';

export function approvalFigure(state: ApprovalState, lastRefusal: RefusalCode | null): ApprovalFigure | undefined {
  switch (state) {
    case 'APPROVED':
      return 'approved';
    case 'REJECTED':
      return 'rejected';
    case 'EXPIRED':
      return 'expired';
    case 'OPEN':
    case 'WITHDRAWN':
      if (lastRefusal === 'OWN_APPROVAL') return 'ownApprovalRefused';
      return lastRefusal === 'PAYLOAD_CHANGED' ? 'changedPayloadRefused' : undefined;
  }
}
