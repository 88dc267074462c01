import { approvalFigure, type ApprovalState, type RefusalCode } from '../approvals/approvals.js';

export interface DayFigure {
  readonly row: string;
  readonly part: string;
  readonly currency: string | null;
  readonly count: number;
  readonly value: string | null;
  readonly references: string[];
}

const screeningParts: Readonly<Record<string, string>> = {
  TRADE: 'trades',
  PAYMENT: 'payments',
  INSTRUCTION: 'instructions',
};
const approvalParts = ['approved', 'rejected', 'expired', 'ownApprovalRefused', 'changedPayloadRefused'] as const;

/** Parts with nothing in them are told too: a missing figure and a zero are different things. */
export function dayFigures(
  held: readonly { objectKind: string; reference: string }[],
  approvals: readonly { approvalId: string; state: ApprovalState; lastRefusal: RefusalCode | null }[],
): DayFigure[] {
  const figure = (row: string, part: string, references: string[]): DayFigure => ({
    row,
    part,
    currency: null,
    count: references.length,
    value: null,
    references: references.sort(),
  });
  const decided = approvals.map(({ approvalId, state, lastRefusal }) => ({
    approvalId,
    part: approvalFigure(state, lastRefusal),
  }));
  return [
    ...Object.entries(screeningParts).map(([kind, part]) =>
      figure(
        'screening',
        part,
        held.filter((one) => one.objectKind === kind).map(({ reference }) => reference),
      ),
    ),
    ...approvalParts.map((part) =>
      figure(
        'approvals',
        part,
        decided.filter((one) => one.part === part).map(({ approvalId }) => approvalId),
      ),
    ),
  ];
}
