import { Decimal } from '#libs/money/index.js';

/**
 * Regulation DD (12 CFR 1030), appendix A, parts I and II: the rate that the interest of a term would have come to in a
 * year of 365 days, `100 ((1 + interest / principal)^(365 / days) - 1)`; with the average daily balance as the principal,
 * the yield earned in a statement's period. Both sums in the same minor units.
 *
 * @returns hundredths of a percent, rounded to the nearest: 617n is 6.17 %
 * @throws RangeError without a principal or a day
 */
export function annualPercentageYield(interestUnits: bigint, principalUnits: bigint, days: number): bigint {
  if (principalUnits <= 0n || days <= 0 || !Number.isInteger(days))
    throw new RangeError('a yield needs a principal above zero and whole days');
  const growth = new Decimal(interestUnits.toString()).div(principalUnits.toString()).plus(1);
  const ofYear = growth.pow(new Decimal(365).div(days)).minus(1);
  return BigInt(ofYear.times(10_000).toDecimalPlaces(0, Decimal.ROUND_HALF_UP).toFixed(0));
}
