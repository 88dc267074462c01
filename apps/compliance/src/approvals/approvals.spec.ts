import { describe, expect, it } from '@jest/globals';
import { approvalFigure, type ApprovalState, decideApproval, type RefusalCode } from './approvals.js';

const now = new Date('2026-11-25T09:00:00Z');
const hash = 'a'.repeat(64);
const open = {
  state: 'OPEN' as ApprovalState,
  requestedBy: 'anna',
  changedBy: [] as string[],
  payloadHash: hash,
  expiresAt: new Date('2026-11-25T10:00:00Z'),
};
const byBen = { decision: 'APPROVE' as const, payloadHash: hash, decidedBy: 'ben' };

describe('deciding an approval', () => {
  it.each([
    ['approved by a second person', open, byBen, 'APPROVED'],
    ['rejected by a second person', open, { ...byBen, decision: 'REJECT' as const }, 'REJECTED'],
    ['by its maker', open, { ...byBen, decidedBy: 'anna' }, 'OWN_APPROVAL'],
    ['by who changed it', { ...open, changedBy: ['ben'] }, byBen, 'OWN_APPROVAL'],
    ['on an older payload', open, { ...byBen, payloadHash: 'b'.repeat(64) }, 'PAYLOAD_CHANGED'],
    ['at the moment it expires', { ...open, expiresAt: now }, byBen, 'APPROVAL_EXPIRED'],
    ['after it was expired', { ...open, state: 'EXPIRED' as const }, byBen, 'APPROVAL_EXPIRED'],
    ['twice', { ...open, state: 'APPROVED' as const }, byBen, 'ALREADY_DECIDED'],
    ['withdrawn', { ...open, state: 'WITHDRAWN' as const }, byBen, 'ALREADY_DECIDED'],
  ])('%s', (_, approval, decision, outcome) => {
    const decided = decideApproval(approval, decision, now);
    expect(decided.ok ? decided.value : decided.problems[0]!.code).toBe(outcome);
  });
});

it.each<[ApprovalState, RefusalCode | null, string | undefined]>([
  ['APPROVED', 'PAYLOAD_CHANGED', 'approved'],
  ['REJECTED', null, 'rejected'],
  ['EXPIRED', 'APPROVAL_EXPIRED', 'expired'],
  ['OPEN', 'OWN_APPROVAL', 'ownApprovalRefused'],
  ['WITHDRAWN', 'PAYLOAD_CHANGED', 'changedPayloadRefused'],
  ['OPEN', null, undefined],
])('%s with last refusal %s counts as %s', (state, refusal, figure) => {
  expect(approvalFigure(state, refusal)).toBe(figure);
});
