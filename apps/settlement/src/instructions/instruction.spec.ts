import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { allocate, sumMinor } from '#libs/money/index.js';
import { openingStatus } from './instruction-status.js';
import {
  type Allocation,
  externalEntry,
  type Instruction,
  internalEntry,
  reasonOfRefusal,
  sharesOf,
} from './instruction.js';

const base: Instruction = {
  instructionId: 'ins_1',
  tradeId: 'trd_1',
  bookId: 'NGEU',
  executionId: 'EX-1',
  placeId: 'T2S',
  placeKind: 'EXTERNAL',
  direction: 'RECE',
  payment: 'APMT',
  isin: 'DE0007164600',
  quantityUnits: 100n,
  quantityScale: 0,
  amountMinor: 10_001n,
  currency: 'EUR',
  settlementDate: '2026-11-25',
  clientAccount: 'C000001',
  counterpartyAccount: null,
  depotAccount: 'DEPOT-T2S',
  cashAccount: 'NOSTRO-EUR',
  allocations: [],
  statused: { status: openingStatus, reason: null },
  isHeld: false,
  isComplianceHeld: false,
  isSent: true,
  confirmedQuantityUnits: 0n,
  confirmedAmountMinor: 0n,
  settledQuantityUnits: 0n,
  settledAmountMinor: 0n,
};
const dates = { businessDate: '2026-11-25', valueDate: '2026-11-25' };

function sums(entry: ReturnType<typeof internalEntry>): Record<string, bigint> {
  const totals: Record<string, bigint> = {};
  for (const { asset, side, units } of entry.postings) {
    totals[asset] = (totals[asset] ?? 0n) + (side === 'DEBIT' ? 1n : -1n) * BigInt(units);
  }
  return totals;
}
const lines = (entry: ReturnType<typeof internalEntry>) =>
  entry.postings.map(({ account, asset, side, units }) => `${side} ${account} ${units} ${asset}`);

describe('the entry of a settlement', () => {
  const piece = { quantityUnits: 100n, amountMinor: 10_001n };
  it('a purchase: the client pays through the nostro, the depot receives for the client', () => {
    expect(lines(externalEntry(base, 'k', piece, sharesOf(base, piece, []), dates))).toEqual([
      'DEBIT DEPOT-T2S 100 DE0007164600',
      'CREDIT C000001-SAFE 100 DE0007164600',
      'DEBIT C000001-CASH 10001 EUR',
      'CREDIT NOSTRO-EUR 10001 EUR',
    ]);
  });
  it('a sale is the mirror, and a confirmed fact is forced', () => {
    const sale = { ...base, direction: 'DELI' as const };
    const entry = externalEntry(sale, 'k', piece, sharesOf(sale, piece, []), dates);
    expect(lines(entry)).toEqual([
      'CREDIT DEPOT-T2S 100 DE0007164600',
      'DEBIT C000001-SAFE 100 DE0007164600',
      'CREDIT C000001-CASH 10001 EUR',
      'DEBIT NOSTRO-EUR 10001 EUR',
    ]);
    expect(entry.forced).toBeDefined();
  });
  it('free of payment moves no cash', () => {
    const free = { ...base, payment: 'FREE' as const };
    const entry = externalEntry(free, 'k', piece, sharesOf(free, piece, []), dates);
    expect(lines(entry)).toEqual(['DEBIT DEPOT-T2S 100 DE0007164600', 'CREDIT C000001-SAFE 100 DE0007164600']);
    expect(entry.kind).toBe('FREE_DELIVERY');
  });
  it('between two clients nothing leaves the house and nothing is forced', () => {
    const internal = {
      ...base,
      placeKind: 'INTERNAL' as const,
      counterpartyAccount: 'C000002',
      direction: 'DELI' as const,
    };
    const entry = internalEntry(internal, 'k', dates);
    expect(lines(entry)).toEqual([
      'DEBIT C000001-SAFE 100 DE0007164600',
      'CREDIT C000002-SAFE 100 DE0007164600',
      'DEBIT C000002-CASH 10001 EUR',
      'CREDIT C000001-CASH 10001 EUR',
    ]);
    expect(entry.forced).toBeUndefined();
  });
  it('refusals of the ledger have the names of the market', () => {
    expect(['INSUFFICIENT_SECURITIES', 'INSUFFICIENT_FUNDS', 'ACCOUNT_CLOSED', 'X'].map(reasonOfRefusal)).toEqual([
      'LACK',
      'MONY',
      'SBLO',
      'OTHR',
    ]);
  });
});

describe('a block in pieces', () => {
  it('gives every client exactly its allocation, whatever the pieces, and every entry is zero per asset', () => {
    const weights = fc.array(fc.bigInt(1n, 10_000n), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(
        weights,
        fc.bigInt(1n, 10n ** 9n),
        fc.array(fc.bigInt(1n, 5_000n), { maxLength: 4 }),
        (quantities, amountMinor, cuts) => {
          const quantityUnits = sumMinor(quantities);
          const amounts = allocate(amountMinor, quantities);
          const allocations = quantities.map((units, index) => ({
            clientAccount: `C${index}`,
            quantityUnits: units,
            amountMinor: amounts[index] ?? 0n,
          }));
          const block: Instruction = { ...base, quantityUnits, amountMinor, allocations };
          const earlier: Allocation[][] = [];
          let left = quantityUnits;
          let cashLeft = amountMinor;
          for (const cut of [...cuts, quantityUnits]) {
            const units = cut < left ? cut : left;
            if (units === 0n) break;
            const cash = units === left ? cashLeft : (amountMinor * units) / quantityUnits;
            const piece = { quantityUnits: units, amountMinor: cash };
            const shares = sharesOf(block, piece, earlier);
            expect(sumMinor(shares.map((share) => share.quantityUnits))).toBe(units);
            expect(sumMinor(shares.map((share) => share.amountMinor))).toBe(cash);
            expect(
              Object.values(sums(externalEntry(block, 'k', piece, shares, dates))).every((sum) => sum === 0n),
            ).toBe(true);
            earlier.push(shares);
            left -= units;
            cashLeft -= cash;
          }
          for (const [index, allocation] of allocations.entries()) {
            const got = earlier.flatMap((shares) => shares[index] ?? []);
            expect(sumMinor(got.map((share) => share.quantityUnits))).toBe(allocation.quantityUnits);
            expect(sumMinor(got.map((share) => share.amountMinor))).toBe(allocation.amountMinor);
          }
        },
      ),
      { seed: 20261125 },
    );
  });
  it('an amount within tolerance is divided by the quantities and loses nothing', () => {
    const allocations = [1n, 2n].map((units) => ({
      clientAccount: `C${units}`,
      quantityUnits: units,
      amountMinor: units * 100n,
    }));
    const block: Instruction = { ...base, quantityUnits: 3n, amountMinor: 300n, allocations };
    const shares = sharesOf(block, { quantityUnits: 3n, amountMinor: 301n }, []);
    expect(sumMinor(shares.map((share) => share.amountMinor))).toBe(301n);
  });
});
