import { expect, it } from '@jest/globals';
import { dayFigures } from './figures.js';

it('counts what is held and how approvals ended, zeros too', () => {
  const figures = dayFigures(
    [
      { objectKind: 'TRADE', reference: 'E2' },
      { objectKind: 'TRADE', reference: 'E1' },
      { objectKind: 'INSTRUCTION', reference: 'E3' },
      { objectKind: 'PARTY', reference: 'P1' },
    ],
    [
      { approvalId: 'a1', state: 'APPROVED', lastRefusal: 'OWN_APPROVAL' },
      { approvalId: 'a2', state: 'OPEN', lastRefusal: 'OWN_APPROVAL' },
      { approvalId: 'a3', state: 'WITHDRAWN', lastRefusal: 'PAYLOAD_CHANGED' },
      { approvalId: 'a4', state: 'OPEN', lastRefusal: null },
    ],
  );
  expect(figures.map(({ row, part, count, references }) => [row, part, count, references])).toEqual([
    ['screening', 'trades', 2, ['E1', 'E2']],
    ['screening', 'payments', 0, []],
    ['screening', 'instructions', 1, ['E3']],
    ['approvals', 'approved', 1, ['a1']],
    ['approvals', 'rejected', 0, []],
    ['approvals', 'expired', 0, []],
    ['approvals', 'ownApprovalRefused', 1, ['a2']],
    ['approvals', 'changedPayloadRefused', 1, ['a3']],
  ]);
});
