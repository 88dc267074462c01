import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { addDays } from '#libs/calendar/index.js';
import { Rational } from '#libs/money/index.js';
import { accruedCoupon, amortisedCost, type BoughtBond, effectiveYield, faultsOf } from './amortisation.js';

const yearly = (years: number, amount: bigint) =>
  Array.from({ length: years }, (_, n) => ({ start: `${2026 + n}-01-01`, end: `${2027 + n}-01-01`, amount }));
const at = (bond: BoughtBond, on: string, method: 'EFFECTIVE_INTEREST' | 'STRAIGHT_LINE' = 'EFFECTIVE_INTEREST') => {
  const decision = amortisedCost(bond, on, method);
  return decision.ok ? decision.value : decision.problems.map(({ code, path }) => `${code} ${path.join('.')}`);
};

describe('a bond brought to par', () => {
  // IFRS 9, B5.4 (once IAS 39 B26): 1,250 repaid after five years, 59 a year, bought for 1,000: the yield is about 10 %.
  const textbook: BoughtBond = {
    boughtOn: '2026-01-01',
    cleanCost: 100_000n,
    par: 125_000n,
    periods: yearly(5, 5_900n),
  };

  it('by effective interest is carried as the textbook has it', () => {
    expect(effectiveYield(textbook).toFixed(4)).toBe('0.1000');
    // The textbook rounds to whole currency units: 1,041, 1,086, 1,136, 1,190.
    expect(
      ['2027', '2028', '2029', '2030'].map((year) => Number(at(textbook, `${year}-01-01`)) / 100).map(Math.round),
    ).toEqual([1041, 1086, 1136, 1190]);
    expect(at(textbook, '2031-01-01')).toBe(125_000n);
    expect(at(textbook, '2026-01-01')).toBe(100_000n);
  });

  it('by straight line grows by the day', () => {
    expect(at(textbook, '2028-01-01', 'STRAIGHT_LINE')).toBe(109_995n); // 730 of 1,826 days
    expect(at(textbook, '2031-01-01', 'STRAIGHT_LINE')).toBe(125_000n);
  });

  it('at par stays there, when its coupons are all equal', () => {
    const flat: BoughtBond = { boughtOn: '2026-01-01', cleanCost: 100_000n, par: 100_000n, periods: yearly(3, 4_000n) };
    expect(effectiveYield(flat).toFixed(10)).toBe('0.0400000000');
    expect(['2027-01-01', '2028-01-01', '2029-01-01'].map((on) => at(flat, on))).toEqual([
      100_000n,
      100_000n,
      100_000n,
    ]);
  });

  it('is refused with all its faults', () => {
    expect(at(textbook, '2025-12-31')).toEqual(['DATE_BEFORE_PURCHASE on']);
    expect(at({ ...textbook, periods: [] }, '2026-06-01')).toEqual(['PERIODS_MISSING periods']);
    const wrong = faultsOf({
      boughtOn: '2027-01-01',
      cleanCost: 0n,
      par: 0n,
      periods: [
        { start: '2026-01-01', end: '2026-01-01', amount: -1n },
        { start: '2026-02-01', end: '2027-01-01', amount: 0n },
      ],
    });
    expect(wrong.map(({ code, path }) => `${code} ${path.join('.')}`)).toEqual([
      'PURCHASE_OUTSIDE boughtOn',
      'AMOUNT_NOT_POSITIVE cleanCost',
      'AMOUNT_NOT_POSITIVE par',
      'PERIOD_ENDS_BEFORE_IT_BEGINS periods.0',
      'AMOUNT_NEGATIVE periods.0.amount',
      'PERIODS_DO_NOT_FOLLOW periods.1.start',
    ]);
  });

  it('ends exactly at par, never leaves the way from cost to par by more than rounding, and its daily steps sum to the difference', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 0, max: 364 }),
        fc.bigInt({ min: 700n, max: 1_300n }),
        fc.integer({ min: 0, max: 120 }),
        fc.constantFrom('EFFECTIVE_INTEREST' as const, 'STRAIGHT_LINE' as const),
        (years, daysIn, perMille, couponPerMille, method) => {
          const par = 1_000_000n;
          const bond: BoughtBond = {
            boughtOn: addDays('2026-01-01', daysIn),
            cleanCost: (par * perMille) / 1000n,
            par,
            periods: yearly(years, (par * BigInt(couponPerMille)) / 1000n),
          };
          const maturity = `${2026 + years}-01-01`;
          let [before, posted] = [bond.cleanCost, 0n];
          for (let day = bond.boughtOn; day < maturity; day = addDays(day, 151)) {
            const now = at(bond, day, method) as bigint;
            posted += now - before;
            before = now;
          }
          posted += (at(bond, maturity, method) as bigint) - before;
          expect(bond.cleanCost + posted).toBe(par);
          expect(at(bond, addDays(maturity, 400), method)).toBe(par);
        },
      ),
      { seed: 36, numRuns: 20 },
    );
  });
});

describe('the accrued coupon', () => {
  it('is by the market’s day count, rounded once', () => {
    // 4.5 % on 50,000.00 for 90 of 360 days.
    expect(accruedCoupon(5_000_000n, Rational.parse('0.045'), '30E/360', '2026-08-15', '2026-11-15')).toBe(56_250n);
    expect(accruedCoupon(5_000_000n, Rational.parse('0.045'), 'ACT/365F', '2026-08-15', '2026-11-15')).toBe(56_712n); // 92 of 365 days
    expect(accruedCoupon(5_000_000n, Rational.parse('0.045'), 'ACT/360', '2026-08-15', '2026-08-15')).toBe(0n);
  });
});
