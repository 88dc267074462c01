import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { addDays, type PlainDate } from '#libs/calendar/index.js';
import { type RoundingMode, roundToMinor } from '#libs/money/index.js';
import {
  annualPercentageYield,
  compoundedDaily,
  countDays,
  type DayCount,
  dayCounts,
  interestFor,
  postAccrued,
  Rational,
  yearFraction,
} from './index.js';

const whole = fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n });
const fraction = fc
  .tuple(whole, fc.bigInt({ min: 1n, max: 10n ** 20n }))
  .map(([above, below]) => Rational.of(above, below));
const date = fc.integer({ min: 0, max: 40_000 }).map((days): PlainDate => addDays('1980-01-01', days));
const period = fc
  .tuple(date, fc.integer({ min: 0, max: 4_000 }))
  .map(([start, days]) => ({ start, days, end: addDays(start, days) }));
/** The same cases each time. */
const seed = 20261201;
const modes: readonly RoundingMode[] = ['HALF_EVEN', 'HALF_UP', 'UP', 'DOWN'];

describe('a fraction', () => {
  it('is in lowest terms, with the sign above', () => {
    expect(String(Rational.of(6, -8))).toBe('-3/4');
    expect(String(Rational.of(0, -8))).toBe('0');
    expect(String(Rational.parse('-0.0525'))).toBe('-21/400');
    expect(() => Rational.of(1, 0)).toThrow(RangeError);
    expect(() => Rational.parse('1e3')).toThrow('no decimal number');
  });

  it('keeps the laws of arithmetic', () => {
    fc.assert(
      fc.property(fraction, fraction, fraction, (a, b, c) => {
        expect(a.plus(b).minus(b).equals(a)).toBe(true);
        expect(
          a
            .plus(b)
            .times(c)
            .equals(a.times(c).plus(b.times(c))),
        ).toBe(true);
        if (!b.equals(Rational.zero)) expect(a.dividedBy(b).times(b).equals(a)).toBe(true);
      }),
      { seed },
    );
  });

  it('is rounded as decimals are, on both sides of zero', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }), fc.constantFrom(...modes), (hundredths, mode) => {
        const value = Rational.of(hundredths, 100n);
        expect(value.round(mode)).toBe(roundToMinor(value.toDecimal(), 0, mode));
      }),
      { seed },
    );
    expect([0.5, 1.5, 2.5, -0.5, -1.5].map((half) => Rational.of(half * 2, 2).round())).toEqual([0n, 2n, 2n, 0n, -2n]);
  });
});

describe('a day count', () => {
  // The examples of ISDA, "EMU and Market Conventions: Recent Developments" (1998): where three ways of actual over actual differ.
  it.each([
    ['2003-11-01', '2004-05-01', '0.497724380567', '0.500000000000', '0.497267759563', '2003-11-01', '2004-05-01'],
    ['1999-02-01', '1999-07-01', '0.410958904110', '0.410958904110', '0.410958904110', '1998-07-01', '1999-07-01'],
    ['1999-07-01', '2000-07-01', '1.001377348604', '1.000000000000', '1.000000000000', '1999-07-01', '2000-07-01'],
    ['2002-08-15', '2003-07-15', '0.915068493151', '0.915760869565', '0.915068493151', '2003-01-15', '2003-07-15'],
    ['2003-07-15', '2004-01-15', '0.504004790778', '0.500000000000', '0.504109589041', '2003-07-15', '2004-01-15'],
    ['1999-07-30', '2000-01-30', '0.503892506924', '0.500000000000', '0.504109589041', '1999-07-30', '2000-01-30'],
    ['2000-01-30', '2000-06-30', '0.415300546448', '0.417582417582', '0.415300546448', '2000-01-30', '2000-07-30'],
  ])(
    'actual over actual from %s to %s: ISDA %s, ICMA %s, AFB %s',
    (start, end, isda, icma, afb, periodStart, periodEnd) => {
      const text = (name: DayCount) =>
        yearFraction(name, start, end, { periodStart, periodEnd }).toDecimal().toFixed(12);
      expect([text('ACT/ACT ISDA'), text('ACT/ACT ICMA'), text('ACT/ACT AFB')]).toEqual([isda, icma, afb]);
    },
  );

  it('has its market name, and says what it misses', () => {
    expect(new Set(dayCounts).size).toBe(dayCounts.length);
    expect(() => yearFraction('ACT/365L', '2026-01-01', '2026-02-01')).toThrow('needs the end of the coupon period');
    expect(() => yearFraction('ACT/ACT ICMA', '2026-01-01', '2026-02-01')).toThrow('needs the coupon period');
    expect(() => countDays('ACT/360', '2026-02-01', '2026-01-01')).toThrow('days are counted forwards');
  });

  it('counts nothing between a day and itself, and never less for longer', () => {
    const terms = { periodStart: '2000-01-01', periodEnd: '2000-07-01', couponsPerYear: 2 };
    fc.assert(
      fc.property(period, fc.constantFrom(...dayCounts.filter((name) => name !== '1/1')), ({ start, end }, name) => {
        expect(yearFraction(name, start, start, terms).equals(Rational.zero)).toBe(true);
        expect(countDays(name, start, end, terms)).toBeGreaterThanOrEqual(0);
        expect(yearFraction(name, start, end, terms).compare(Rational.zero)).toBeGreaterThanOrEqual(0);
      }),
      { seed },
    );
  });

  it('over a fixed year is the sum of its parts, to the day', () => {
    const additive = ['ACT/360', 'ACT/364', 'ACT/365F', 'ACT/365.25', 'NL/365', 'ACT/ACT ISDA'] as const;
    fc.assert(
      fc.property(
        period,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.constantFrom(...additive),
        ({ start, end, days }, at, name) => {
          const between = addDays(start, Math.floor(days * at));
          const parts = yearFraction(name, start, between).plus(yearFraction(name, between, end));
          expect(parts.equals(yearFraction(name, start, end))).toBe(true);
        },
      ),
      { seed },
    );
  });

  it('by coupon periods makes each of them its part of a year, whatever lies before or behind', () => {
    const terms = { periodStart: '2026-02-15', periodEnd: '2026-08-15' };
    for (const [start, end, half] of [
      ['2026-02-15', '2026-08-15', 1],
      ['2024-02-15', '2026-08-15', 5],
      ['2025-08-15', '2029-02-15', 7],
    ] as const)
      expect(String(yearFraction('ACT/ACT ICMA', start, end, terms))).toBe(String(Rational.of(half, 2)));
  });
});

describe('interest', () => {
  it('is posted to the unit and carried to the last part of one: nothing is lost in a year of days', () => {
    fc.assert(
      fc.property(
        fc.array(fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n }), { minLength: 1, maxLength: 120 }),
        fc.integer({ min: 1, max: 3_000 }),
        fc.integer({ min: 1, max: 31 }),
        (balances, basisPoints, every) => {
          const rate = Rational.of(basisPoints, 10_000);
          let [carried, posted, all] = [Rational.zero, 0n, Rational.zero];
          balances.forEach((balance, n) => {
            const day = addDays('2026-01-01', n);
            const ofDay = interestFor(balance, rate, yearFraction('ACT/360', day, addDays(day, 1)));
            all = all.plus(ofDay);
            carried = carried.plus(ofDay);
            if ((n + 1) % every !== 0) return;
            const one = postAccrued(carried);
            posted += one.postedUnits;
            ({ carried } = one);
            expect(carried.times(Rational.of(2)).compare(Rational.one)).toBeLessThanOrEqual(0);
            expect(carried.times(Rational.of(2)).compare(Rational.of(-1))).toBeGreaterThanOrEqual(0);
          });
          expect(Rational.of(posted).plus(carried).equals(all)).toBe(true);
        },
      ),
      { seed },
    );
  });

  it('compounds by the day as Regulation DD has it in its examples', () => {
    // 12 CFR 1030, appendix A: 1,000 at 5.25 %, 8,000 at 5.50 %, 20,000 at 5.75 %.
    for (const [principal, rate, interest, percent] of [
      [100_000n, '0.0525', 5_390n, 539n],
      [800_000n, '0.0550', 45_229n, 565n],
      [2_000_000n, '0.0575', 118_361n, 592n],
    ] as const) {
      const { postedUnits } = postAccrued(compoundedDaily(principal, Rational.parse(rate), 365));
      expect(postedUnits).toBe(interest);
      expect(annualPercentageYield(postedUnits, principal, 365)).toBe(percent);
    }
    expect(annualPercentageYield(3_037n, 100_000n, 182)).toBe(618n);
    expect(() => annualPercentageYield(1n, 0n, 365)).toThrow(RangeError);
    expect(() => annualPercentageYield(1n, 1n, 0)).toThrow(RangeError);
  });
});
