import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  afterEvent,
  cancellationStatuses,
  declaredTransitions,
  isDeclared,
  isEnded,
  matchingStatuses,
  openingStatus,
  processes,
  processingStatuses,
  settlementStatuses,
  type InstructionStatus,
  type Statused,
  type StatusEvent,
} from './instruction-status.js';

const at = (change: Partial<InstructionStatus>, reason: string | null = null): Statused => ({
  status: { ...openingStatus, ...change },
  reason,
});
const sent = { processing: 'SENT' } as const;
const matched = { processing: 'ACCEPTED', matching: 'MATCHED' } as const;

describe('what a report makes of an instruction', () => {
  it.each<[string, Statused, StatusEvent, Statused | undefined]>([
    ['it leaves us', at({}), { kind: 'SENT' }, at(sent)],
    ['it cannot leave twice', at(sent), { kind: 'SENT' }, undefined],
    ['the place accepts', at(sent), { kind: 'ACCEPTED' }, at({ processing: 'ACCEPTED' })],
    ['the place rejects', at(sent), { kind: 'REJECTED', reason: 'SAFE' }, at({ processing: 'REJECTED' }, 'SAFE')],
    [
      'what was accepted is not rejected any more',
      at({ processing: 'ACCEPTED' }),
      { kind: 'REJECTED', reason: 'SAFE' },
      undefined,
    ],
    ['a match implies acceptance', at(sent), { kind: 'MATCHED' }, at(matched)],
    [
      'no counterparty leg',
      at(sent),
      { kind: 'UNMATCHED', reason: 'CMIS' },
      at({ processing: 'ACCEPTED', matching: 'UNMATCHED' }, 'CMIS'),
    ],
    [
      'a match that comes later',
      at({ processing: 'ACCEPTED', matching: 'UNMATCHED' }, 'CMIS'),
      { kind: 'MATCHED' },
      at(matched),
    ],
    ['what is matched stays matched', at(matched), { kind: 'UNMATCHED', reason: 'DMON' }, undefined],
    ['it waits', at(matched), { kind: 'PENDING', reason: 'LACK' }, at(matched, 'LACK')],
    ['it waits for another reason', at(matched, 'LACK'), { kind: 'PENDING', reason: 'MONY' }, at(matched, 'MONY')],
    ['it waits for the same reason', at(matched, 'LACK'), { kind: 'PENDING', reason: 'LACK' }, undefined],
    [
      'its date has passed',
      at(matched, 'LACK'),
      { kind: 'FAILING', reason: 'LACK' },
      at({ ...matched, settlement: 'FAILING' }, 'LACK'),
    ],
    ['a part settles', at(matched), { kind: 'SETTLED_IN_PART' }, at({ ...matched, settlement: 'PARTIAL' })],
    [
      'the rest of a part fails',
      at({ ...matched, settlement: 'PARTIAL' }),
      { kind: 'FAILING', reason: 'CLAC' },
      at({ ...matched, settlement: 'PARTIAL' }, 'CLAC'),
    ],
    ['a confirmation overtakes the status', at(sent), { kind: 'SETTLED' }, at({ ...matched, settlement: 'SETTLED' })],
    ['settled is final', at({ ...matched, settlement: 'SETTLED' }), { kind: 'PENDING', reason: 'LACK' }, undefined],
    ['rejected is final', at({ processing: 'REJECTED' }), { kind: 'MATCHED' }, undefined],
    [
      'we ask to cancel',
      at(matched),
      { kind: 'CANCELLATION_REQUESTED' },
      at({ ...matched, cancellation: 'REQUESTED' }),
    ],
    ['unsent, there is nobody to ask', at({}), { kind: 'CANCELLATION_REQUESTED' }, undefined],
    [
      'unsent, we cancel ourselves',
      at({}),
      { kind: 'CANCELLED', reason: 'CANI' },
      at({ processing: 'CANCELLED', cancellation: 'CANCELLED' }, 'CANI'),
    ],
    ['a denial without request says nothing', at(matched), { kind: 'CANCELLATION_DENIED', reason: 'DSET' }, undefined],
  ])('%s', (_name, before, event, after) => {
    expect(afterEvent(before, event)).toEqual(after);
  });
});

describe('the declared transitions', () => {
  const statuses = {
    PROCESSING: processingStatuses,
    MATCHING: matchingStatuses,
    SETTLEMENT: settlementStatuses,
    CANCELLATION: cancellationStatuses,
  };
  it('name only known statuses, reach each of them, and leave none that is final', () => {
    for (const process of processes) {
      const known: readonly string[] = statuses[process];
      for (const [from, to] of declaredTransitions[process]) {
        expect(known).toContain(to);
        if (from !== '') expect(known).toContain(from);
      }
      expect(new Set(declaredTransitions[process].map(([, to]) => to))).toEqual(new Set(known));
    }
    expect(declaredTransitions.SETTLEMENT.some(([from]) => from === 'SETTLED')).toBe(false);
    expect(declaredTransitions.PROCESSING.some(([from]) => from === 'REJECTED' || from === 'CANCELLED')).toBe(false);
  });

  const reason = fc.constantFrom('LACK', 'CLAC', 'MONY', 'PRCY', 'CMIS', 'SBLO');
  const event: fc.Arbitrary<StatusEvent> = fc.oneof(
    fc.record({
      kind: fc.constantFrom('SENT', 'ACCEPTED', 'CANCELLATION_REQUESTED', 'MATCHED', 'SETTLED_IN_PART', 'SETTLED'),
    }) as fc.Arbitrary<StatusEvent>,
    fc.record({
      kind: fc.constantFrom('REJECTED', 'CANCELLED', 'CANCELLATION_DENIED', 'UNMATCHED', 'PENDING', 'FAILING'),
      reason,
    }) as fc.Arbitrary<StatusEvent>,
  );
  it('are all that any sequence of reports can do, and what has ended stays as it is', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        let now: Statused = { status: openingStatus, reason: null };
        for (const one of events) {
          const next = afterEvent(now, one);
          if (next === undefined) continue;
          expect(isEnded(now.status)).toBe(false);
          expect(isDeclared('PROCESSING', now.status.processing, next.status.processing)).toBe(true);
          expect(isDeclared('MATCHING', now.status.matching, next.status.matching)).toBe(true);
          expect(isDeclared('SETTLEMENT', now.status.settlement, next.status.settlement)).toBe(true);
          expect(isDeclared('CANCELLATION', now.status.cancellation, next.status.cancellation)).toBe(true);
          now = next;
        }
      }),
      { numRuns: 2_000, seed: 20261125 },
    );
  });
});
