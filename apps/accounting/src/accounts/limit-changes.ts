import { canonicalJson, sha256Hex } from '#libs/kernel/index.js';

/** What a second person approves: exactly this, so its hash is what the approval binds to. */
export interface LimitChange {
  readonly book: string;
  readonly number: string;
  readonly asset: string;
  readonly overdraftUnits: string;
  readonly paymentLimitUnits: string | null;
  readonly reason: string;
}

export const hashOf = ({ book, number, asset, overdraftUnits, paymentLimitUnits, reason }: LimitChange): string =>
  sha256Hex(canonicalJson({ book, number, asset, overdraftUnits, paymentLimitUnits, reason }));

export type ProposalState =
  'PROPOSED' | 'APPLIED' | 'POSTED' | 'REFUSED' | 'REJECTED' | 'EXPIRED' | 'WITHDRAWN' | 'STALE';
export type ApprovalOutcome = 'APPROVED' | 'REJECTED' | 'EXPIRED' | 'WITHDRAWN';

/** An approval given for other words than those that stand there now is worth nothing. */
export function stateAfter(
  outcome: ApprovalOutcome,
  approvedHash: string,
  currentHash: string,
): 'APPLY' | 'REJECTED' | 'EXPIRED' | 'WITHDRAWN' | 'STALE' {
  if (outcome !== 'APPROVED') return outcome;
  return approvedHash === currentHash ? 'APPLY' : 'STALE';
}

/** How long a proposal waits for the second person. */
export const proposalHours = 24;
