import { Rational, type RoundingMode } from '#libs/money/index.js';

/**
 * Simple interest for a part of a year, in minor units and unrounded. Positive for whoever holds the balance when the
 * balance and the rate are.
 *
 * @param balanceUnits minor units
 * @param annualRate 0.0525 for 5.25 %
 */
export const interestFor = (balanceUnits: bigint, annualRate: Rational, partOfYear: Rational): Rational =>
  Rational.of(balanceUnits).times(annualRate).times(partOfYear);

/** Interest that is added to the balance each day: `(1 + rate / daysInYear)^days - 1` of it, unrounded. */
export const compoundedDaily = (balanceUnits: bigint, annualRate: Rational, days: number, daysInYear = 365): Rational =>
  Rational.of(balanceUnits).times(growth(annualRate, days, daysInYear).minus(Rational.one));

/** By how much one unit has grown. */
export const growth = (annualRate: Rational, days: number, daysInYear = 365): Rational =>
  Rational.one.plus(annualRate.dividedBy(Rational.of(daysInYear))).power(days);

export interface PostedInterest {
  /** Whole minor units. */
  readonly postedUnits: bigint;
  /** What was not posted, or was posted too much: the next accrual begins with it. */
  readonly carried: Rational;
}

/** Rounds once, when interest is posted: what is posted and what is carried are together what was accrued. */
export function postAccrued(accrued: Rational, mode: RoundingMode = 'HALF_EVEN'): PostedInterest {
  const postedUnits = accrued.round(mode);
  return { postedUnits, carried: accrued.minus(Rational.of(postedUnits)) };
}
