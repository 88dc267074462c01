import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { splitConfirmed } from './confirmation.js';
import { type Instruction } from './instruction.js';
import { openingStatus } from './instruction-status.js';

const instruction = (quantityUnits: bigint, amountMinor: bigint, ended = false) =>
  ({
    quantityUnits,
    amountMinor,
    statused: { status: ended ? { ...openingStatus, settlement: 'SETTLED' } : openingStatus, reason: null },
  }) as Instruction;
const piece = (quantityUnits: bigint, amountMinor: bigint) => ({ quantityUnits, amountMinor });

describe('what of a confirmation is the client’s', () => {
  it.each([
    ['all within the instruction', piece(100n, 1_000n), piece(0n, 0n), piece(100n, 1_000n), undefined],
    ['a part', piece(40n, 400n), piece(0n, 0n), piece(40n, 400n), undefined],
    ['the deliverer’s amount settles', piece(100n, 1_002n), piece(0n, 0n), piece(100n, 1_002n), undefined],
    ['quantity and cash above', piece(110n, 1_100n), piece(0n, 0n), piece(100n, 1_000n), piece(10n, 100n)],
    ['quantity alone above', piece(110n, 1_000n), piece(0n, 0n), piece(100n, 1_000n), piece(10n, 0n)],
    ['more for less', piece(110n, 990n), piece(0n, 0n), piece(100n, 990n), piece(10n, 0n)],
    ['the last part too large', piece(70n, 700n), piece(40n, 400n), piece(60n, 600n), piece(10n, 100n)],
    ['nothing left', piece(5n, 50n), piece(100n, 1_000n), undefined, piece(5n, 50n)],
  ])('%s', (_, confirmed, already, client, excess) => {
    expect(splitConfirmed(instruction(100n, 1_000n), confirmed, already)).toEqual({ piece: client, excess });
  });

  it('nothing, when the instruction has ended', () => {
    expect(splitConfirmed(instruction(100n, 1_000n, true), piece(1n, 10n), piece(0n, 0n))).toEqual({
      piece: undefined,
      excess: piece(1n, 10n),
    });
  });

  it('both parts together are what was confirmed, and the client never gets more than was instructed', () => {
    const units = fc.bigInt({ min: 1n, max: 10n ** 12n });
    fc.assert(
      fc.property(units, units, fc.array(fc.tuple(units, units), { minLength: 1, maxLength: 6 }), (q, a, parts) => {
        const all = instruction(q, a);
        let already = piece(0n, 0n);
        for (const [quantity, amount] of parts) {
          const { piece: client, excess } = splitConfirmed(all, piece(quantity, amount), already);
          expect((client?.quantityUnits ?? 0n) + (excess?.quantityUnits ?? 0n)).toBe(quantity);
          expect((client?.amountMinor ?? 0n) + (excess?.amountMinor ?? 0n)).toBe(amount);
          already = piece(
            already.quantityUnits + (client?.quantityUnits ?? 0n),
            already.amountMinor + (client?.amountMinor ?? 0n),
          );
          expect(already.quantityUnits <= q).toBe(true);
        }
      }),
    );
  });
});
