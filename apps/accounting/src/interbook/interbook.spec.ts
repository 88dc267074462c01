import { describe, expect, it } from '@jest/globals';
import { judgePosition, placeSides } from './interbook.js';

describe('the date of an entry between two books', () => {
  it.each([
    ['2026-11-25', '2026-11-25', '2026-11-25', ['CREDITOR', 'DEBTOR']],
    ['2026-11-26', '2026-11-25', '2026-11-26', ['CREDITOR']],
    ['2026-11-25', '2026-11-27', '2026-11-27', ['DEBTOR']],
    [undefined, '2026-11-25', '2026-11-25', ['DEBTOR']],
  ] as const)('creditor on %s, debtor on %s: of %s, %j now', (CREDITOR, DEBTOR, fromDate, now) => {
    expect(placeSides({ CREDITOR, DEBTOR })).toEqual({ fromDate, now });
  });
  it('is none while neither has an open date', () => {
    expect(placeSides({ CREDITOR: undefined, DEBTOR: undefined })).toBeUndefined();
  });
});

describe('what two books owe each other', () => {
  it.each([
    [100n, 100n, 0n, 0n, 'AGREED'],
    [100n, 0n, 100n, 100n, 'IN_TRANSIT'],
    [0n, 40n, -40n, -40n, 'IN_TRANSIT'],
    [100n, 99n, 0n, 1n, 'DIFFERENT'],
    // A side booked by hand does not hide behind one in transit.
    [100n, 30n, 100n, 70n, 'DIFFERENT'],
  ] as const)(
    'due from %s, due to %s, in transit %s: differs by %s, %s',
    (dueFromUnits, dueToUnits, inTransitUnits, differenceUnits, state) => {
      const position = { creditor: 'NGEU', debtor: 'NGUS', asset: 'EUR', dueFromUnits, dueToUnits, inTransitUnits };
      expect(judgePosition(position)).toMatchObject({ differenceUnits, state });
    },
  );
});
