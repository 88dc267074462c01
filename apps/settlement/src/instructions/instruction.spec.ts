import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type PostingEvent } from '#libs/contracts/index.js';
import { allocate, sumMinor } from '#libs/money/index.js';
import { openingStatus } from './instruction-status.js';
import {
  type Allocation,
  excessEntry,
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

describe('what the ledger is told of a settlement', () => {
  const piece = { quantityUnits: 100n, amountMinor: 10_001n };
  const delivery = { execution: 'EX-1', place: 'T2S', depot: 'DEPOT-T2S', instrument: 'DE0007164600' };
  const share = { safe: 'C000001-SAFE', cash: 'C000001-CASH', quantity: '100', amount: '10001' };
  it('a purchase: the client receives at the depot and pays through the nostro; a confirmed fact is forced', () => {
    const { event, forced } = externalEntry(base, 'k', piece, sharesOf(base, piece, []), dates);
    expect(event).toEqual({
      kind: 'SETTLEMENT',
      facts: {
        ...delivery,
        direction: 'RECEIVED',
        nostro: 'NOSTRO-EUR',
        currency: 'EUR',
        quantity: '100',
        amount: '10001',
        shares: [share],
      },
    });
    expect(forced).toEqual({ reason: 'confirmed by T2S' });
  });
  it('a sale delivers, from the depot and nostro of the place when the instruction names none', () => {
    const sale = { ...base, direction: 'DELI' as const, placeId: 'DTC', depotAccount: null, cashAccount: null };
    expect(externalEntry(sale, 'k', piece, sharesOf(sale, piece, []), dates).event.facts).toMatchObject({
      direction: 'DELIVERED',
      depot: 'DEPOT-DTC',
      nostro: 'NOSTRO-EUR',
    });
  });
  it('free of payment there is no cash to tell of', () => {
    const free = { ...base, payment: 'FREE' as const };
    expect(externalEntry(free, 'k', piece, sharesOf(free, piece, []), dates).event).toEqual({
      kind: 'FREE_SETTLEMENT',
      facts: {
        ...delivery,
        direction: 'RECEIVED',
        quantity: '100',
        shares: [{ safe: 'C000001-SAFE', quantity: '100' }],
      },
    });
    expect(excessEntry(free, 'k', piece, dates).event).toEqual({
      kind: 'FREE_SETTLEMENT_EXCESS',
      facts: { ...delivery, direction: 'RECEIVED', quantity: '100' },
    });
  });
  it('between two clients nothing leaves the house and nothing is forced', () => {
    const internal = {
      ...base,
      placeKind: 'INTERNAL' as const,
      counterpartyAccount: 'C000002',
      direction: 'DELI' as const,
    };
    const { event, forced } = internalEntry(internal, 'k', dates);
    const facts = {
      execution: 'EX-1',
      buyerSafe: 'C000002-SAFE',
      sellerSafe: 'C000001-SAFE',
      instrument: 'DE0007164600',
      quantity: '100',
    };
    expect(event).toEqual({
      kind: 'INTERNAL_SETTLEMENT',
      facts: { ...facts, buyerCash: 'C000002-CASH', sellerCash: 'C000001-CASH', currency: 'EUR', amount: '10001' },
    });
    expect(forced).toBeUndefined();
    expect(internalEntry({ ...internal, payment: 'FREE' }, 'k', dates).event).toEqual({
      kind: 'FREE_INTERNAL_SETTLEMENT',
      facts,
    });
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
  it('gives every client exactly its allocation, whatever the pieces, and every event adds up', () => {
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
            // What is told adds up to what was confirmed, so that what is posted for it does.
            const { facts } = externalEntry(block, 'k', piece, shares, dates).event as Extract<
              PostingEvent,
              { kind: 'SETTLEMENT' }
            >;
            expect(sumMinor(facts.shares.map(({ quantity }) => BigInt(quantity)))).toBe(units);
            expect(sumMinor(facts.shares.map(({ amount }) => BigInt(amount)))).toBe(cash);
            expect([facts.quantity, facts.amount]).toEqual([String(units), String(cash)]);
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
