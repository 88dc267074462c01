import { daysBetween, type PlainDate } from '#libs/calendar/index.js';
import { type DayCount, type DayCountTerms, yearFraction } from '#libs/interest/index.js';
import { accepted, type Decision, type Problem, problem, refused } from '#libs/kernel/index.js';
import { Decimal, Rational } from '#libs/money/index.js';

/** A coupon of a bond: the period it is earned in and, in smallest units for the nominal held, what is paid at its end. */
export interface CouponPeriod {
  readonly start: PlainDate;
  readonly end: PlainDate;
  readonly amount: bigint;
}

/** A bond as it was bought: what it cost without the accrued coupon is brought to par until it is repaid. */
export interface BoughtBond {
  readonly boughtOn: PlainDate;
  /** Smallest units. */
  readonly cleanCost: bigint;
  /** What is repaid at the end of the last period. */
  readonly par: bigint;
  /** One after the other; the first has the purchase in it. */
  readonly periods: readonly CouponPeriod[];
}

export type AmortisationMethod = 'EFFECTIVE_INTEREST' | 'STRAIGHT_LINE';

export function faultsOf({ boughtOn, cleanCost, par, periods }: BoughtBond): Problem[] {
  const [first] = periods;
  const last = periods.at(-1);
  if (!first || !last) return [problem('PERIODS_MISSING', 'A bond has at least one period of interest', ['periods'])];
  const problems: Problem[] = [];
  if (boughtOn < first.start || boughtOn >= first.end)
    problems.push(problem('PURCHASE_OUTSIDE', 'The bond is bought in its first period', ['boughtOn']));
  if (cleanCost <= 0n) problems.push(problem('AMOUNT_NOT_POSITIVE', 'The cost is above zero', ['cleanCost']));
  if (par <= 0n) problems.push(problem('AMOUNT_NOT_POSITIVE', 'What is repaid is above zero', ['par']));
  periods.forEach(({ start, end, amount }, n) => {
    if (end <= start)
      problems.push(problem('PERIOD_ENDS_BEFORE_IT_BEGINS', 'A period ends after it begins', ['periods', n]));
    if (amount < 0n) problems.push(problem('AMOUNT_NEGATIVE', 'A coupon is not negative', ['periods', n, 'amount']));
    const before = periods[n - 1];
    if (before && before.end !== start)
      problems.push(
        problem('PERIODS_DO_NOT_FOLLOW', 'A period begins where the one before ends', ['periods', n, 'start']),
      );
  });
  return problems;
}

/** What of the coupon of a period is earned by a date, unrounded: by the days that are over. */
const earnedOf = ({ start, end, amount }: CouponPeriod, on: PlainDate): Rational =>
  Rational.of(amount * BigInt(daysBetween(start, on)), daysBetween(start, end));

const decimalOf = (units: bigint): Decimal => new Decimal(units.toString());

/**
 * The yield of a period at which everything that is still to come is worth what was paid, accrued coupon included:
 * IFRS 9, appendix A, effective interest rate. Found by Newton's method to forty digits.
 */
export function effectiveYield(bond: BoughtBond): Decimal {
  const [first] = bond.periods;
  if (!first) throw new RangeError('a bond has at least one period of interest');
  const paid = decimalOf(bond.cleanCost).plus(earnedOf(first, bond.boughtOn).toDecimal());
  const firstPart = new Decimal(daysBetween(bond.boughtOn, first.end)).div(daysBetween(first.start, first.end));
  const flows = bond.periods.map(({ amount }, n) =>
    decimalOf(n === bond.periods.length - 1 ? amount + bond.par : amount),
  );
  const one = new Decimal(1);
  let rate = new Decimal(0);
  for (let round = 0; round < 100; round += 1) {
    const growth = one.plus(rate);
    let factor = growth.pow(firstPart.negated());
    let [worth, slope] = [new Decimal(0), new Decimal(0)];
    for (const [n, flow] of flows.entries()) {
      worth = worth.plus(flow.times(factor));
      slope = slope.minus(flow.times(factor).times(firstPart.plus(n)).div(growth));
      factor = factor.div(growth);
    }
    const step = worth.minus(paid).div(slope);
    // Never beyond where money would lose all of its worth in a period.
    const next = rate.minus(step);
    rate = next.greaterThan(-0.99) ? next : rate.plus(-0.99).div(2);
    if (step.abs().lessThan('1e-40')) return rate;
  }
  throw new Error(`the yield of a bond of ${bond.cleanCost} to ${bond.par} was not found`);
}

/** What the bond is carried at on a date, without its accrued coupon, rounded once, half to even: the cost at first, par at the end. */
export function amortisedCost(bond: BoughtBond, on: PlainDate, method: AmortisationMethod): Decision<bigint> {
  const problems = faultsOf(bond);
  if (on < bond.boughtOn) problems.push(problem('DATE_BEFORE_PURCHASE', 'The bond was not held on that date', ['on']));
  if (problems.length > 0) return refused(problems);
  const maturity = bond.periods.at(-1)?.end ?? on;
  if (on >= maturity) return accepted(bond.par);
  if (on === bond.boughtOn) return accepted(bond.cleanCost);
  if (method === 'STRAIGHT_LINE') {
    const share = Rational.of(
      (bond.par - bond.cleanCost) * BigInt(daysBetween(bond.boughtOn, on)),
      daysBetween(bond.boughtOn, maturity),
    );
    return accepted(bond.cleanCost + share.round());
  }
  return accepted(effectiveCost(bond, on, effectiveYield(bond)));
}

/** What is still to come at the effective yield, less the coupon that is earned by the date. */
function effectiveCost(bond: BoughtBond, on: PlainDate, rate: Decimal): bigint {
  const current = bond.periods.findIndex(({ start, end }) => start <= on && on < end);
  const period = bond.periods[current];
  if (!period) throw new Error(`${on} is in no period`);
  const growth = rate.plus(1);
  const part = new Decimal(daysBetween(on, period.end)).div(daysBetween(period.start, period.end));
  let factor = growth.pow(part.negated());
  let worth = new Decimal(0);
  for (const [n, { amount }] of bond.periods.entries()) {
    if (n < current) continue;
    worth = worth.plus(decimalOf(n === bond.periods.length - 1 ? amount + bond.par : amount).times(factor));
    factor = factor.div(growth);
  }
  return BigInt(worth.minus(earnedOf(period, on).toDecimal()).toDecimalPlaces(0, Decimal.ROUND_HALF_EVEN).toFixed(0));
}

/** The coupon that a nominal has earned since it was last paid, rounded once: bought, sold and held apart from the price. */
export const accruedCoupon = (
  nominal: bigint,
  annualRate: Rational,
  dayCount: DayCount,
  from: PlainDate,
  on: PlainDate,
  terms: DayCountTerms = {},
): bigint =>
  Rational.of(nominal)
    .times(annualRate)
    .times(yearFraction(dayCount, from, on, terms))
    .round();
