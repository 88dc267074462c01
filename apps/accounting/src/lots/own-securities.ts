import { daysBetween, type PlainDate } from '#libs/calendar/index.js';
import { type DayCount, dayCounts, type DayCountTerms } from '#libs/interest/index.js';
import { isIsin } from '#libs/identifiers/index.js';
import { type Problem, problem } from '#libs/kernel/index.js';
import { Rational } from '#libs/money/index.js';
import { accruedCoupon, amortisedCost, type AmortisationMethod, type BoughtBond } from './amortisation.js';
import { type Recognition } from './lots.js';

/** Where the value of own securities stands in the chart. */
export const accounts = {
  cost: '1410',
  fairValue: '1420',
  accrued: '1430',
  receivable: '1310',
  payable: '2210',
  realised: '4310',
  unrealised: '4320',
  coupons: '4330',
} as const;

/** Debit positive. */
export interface Leg {
  readonly account: string;
  readonly asset: string;
  readonly units: bigint;
}
const legs = (all: readonly Leg[]): Leg[] => all.filter(({ units }) => units !== 0n);

export interface OwnTrade {
  readonly direction: 'BUY' | 'SELL';
  /** The account of the own holding. */
  readonly holding: string;
  readonly instrument: string;
  readonly quantity: bigint;
  readonly currency: string;
  /** What is paid or received without the accrued coupon. */
  readonly amount: bigint;
  readonly accrued: bigint;
  readonly tradeDate: PlainDate;
  readonly settlementDate: PlainDate;
  readonly depot: string;
  readonly nostro: string;
}

/** Until a trade settles, its pieces stand in suspense and its money among what is payable or receivable. */
export const piecesInTransit = 'SUSPENSE';
const moneyUnderWay = (direction: 'BUY' | 'SELL') => (direction === 'BUY' ? accounts.payable : accounts.receivable);

/**
 * The entry by which a trade is recognised. A purchase brings pieces and costs its amount, and the accrued coupon that is
 * paid with it is no cost: it comes back with the next coupon. A sale takes the cost of the lots that go, and what it
 * brings beyond them is realised.
 *
 * @param cost what own securities at cost change by: positive with what a purchase opens or buys back, negative with what a sale closes
 */
export function recognition(trade: OwnTrade, policy: Recognition, cost: bigint): Leg[] {
  const sign = trade.direction === 'BUY' ? 1n : -1n;
  const atOnce = policy === 'SETTLEMENT_DATE';
  const [pieces, money] = atOnce ? [trade.depot, trade.nostro] : [piecesInTransit, moneyUnderWay(trade.direction)];
  return legs([
    { account: pieces, asset: trade.instrument, units: sign * trade.quantity },
    { account: trade.holding, asset: trade.instrument, units: -sign * trade.quantity },
    { account: money, asset: trade.currency, units: -sign * (trade.amount + trade.accrued) },
    { account: accounts.accrued, asset: trade.currency, units: sign * trade.accrued },
    { account: accounts.cost, asset: trade.currency, units: cost },
    { account: accounts.realised, asset: trade.currency, units: sign * trade.amount - cost },
  ]);
}

/** The entry by which a trade settles that was recognised on its trade date. */
export function settlement(trade: OwnTrade): Leg[] {
  const sign = trade.direction === 'BUY' ? 1n : -1n;
  const money = trade.amount + trade.accrued;
  return legs([
    { account: trade.depot, asset: trade.instrument, units: sign * trade.quantity },
    { account: piecesInTransit, asset: trade.instrument, units: -sign * trade.quantity },
    { account: trade.nostro, asset: trade.currency, units: -sign * money },
    { account: moneyUnderWay(trade.direction), asset: trade.currency, units: sign * money },
  ]);
}

/** A coupon that was paid: what was earned of it stands as accrued. */
export const couponPaid = (nostro: string, currency: string, amount: bigint): Leg[] => [
  { account: nostro, asset: currency, units: amount },
  { account: accounts.accrued, asset: currency, units: -amount },
];

/** What a valuation posts of one holding, each only as far as it was not posted before. */
export function valuationOf(currency: string, post: { adjustment: bigint; amortised: bigint; accrued: bigint }): Leg[] {
  return legs([
    { account: accounts.cost, asset: currency, units: post.amortised },
    { account: accounts.accrued, asset: currency, units: post.accrued },
    { account: accounts.coupons, asset: currency, units: -post.amortised - post.accrued },
    { account: accounts.fairValue, asset: currency, units: post.adjustment },
    { account: accounts.unrealised, asset: currency, units: -post.adjustment },
  ]);
}

/** What a bond of the book pays: the boundaries of its periods of interest, the last of which is its maturity. */
export interface BondTerms {
  readonly annualRate: Rational;
  readonly dayCount: DayCount;
  readonly boundaries: readonly PlainDate[];
  readonly method: AmortisationMethod;
}

/** The period of interest a date is in; undefined before the first and from maturity on. */
export function periodOf({ boundaries }: BondTerms, on: PlainDate): { start: PlainDate; end: PlainDate } | undefined {
  const at = boundaries.findIndex((end, n) => n > 0 && on < end);
  const [start, end] = [boundaries[at - 1], boundaries[at]];
  return start === undefined || end === undefined || on < start ? undefined : { start, end };
}

const couponOf = (terms: BondTerms, nominal: bigint, start: PlainDate, end: PlainDate): bigint =>
  accruedCoupon(nominal, terms.annualRate, terms.dayCount, start, end, dayCountTerms(terms, start, end));

/** What the conventions ask of the period that the days lie in. */
function dayCountTerms({ boundaries }: BondTerms, start: PlainDate, end: PlainDate): DayCountTerms {
  const periodStart = boundaries.filter((one) => one <= start).at(-1) ?? start;
  const periodEnd = boundaries.find((one) => one > periodStart) ?? end;
  return {
    periodStart,
    periodEnd,
    couponsPerYear: Math.max(1, Math.round(365 / daysBetween(periodStart, periodEnd))),
    isMaturity: end === boundaries.at(-1),
  };
}

/** What a nominal has earned of its current coupon by a date. From maturity on nothing is earned any more. */
export function accruedOn(terms: BondTerms, nominal: bigint, on: PlainDate): bigint {
  const period = periodOf(terms, on);
  return period ? couponOf(terms, nominal, period.start, on) : 0n;
}

/** A lot of a bond as it was bought: what it was opened with, at par when it is repaid. */
export function boughtBond(
  terms: BondTerms,
  lot: { openedOn: PlainDate; quantity: bigint; cost: bigint },
  par: bigint,
): BoughtBond {
  const first = periodOf(terms, lot.openedOn);
  const from = first ? terms.boundaries.indexOf(first.start) : terms.boundaries.length;
  return {
    boughtOn: lot.openedOn,
    cleanCost: lot.cost,
    par,
    periods: terms.boundaries.slice(from, -1).map((start, n) => {
      const end = terms.boundaries[from + n + 1] ?? start;
      return { start, end, amount: couponOf(terms, par, start, end) };
    }),
  };
}

/** What the open part of a lot is carried at on a date; undefined when it is no bond that is brought to par. */
export function carriedAt(
  terms: BondTerms,
  lot: { openedOn: PlainDate; firstQuantity: bigint; firstCost: bigint; openQuantity: bigint },
  parOf: (quantity: bigint) => bigint,
  on: PlainDate,
): bigint | undefined {
  if (on < lot.openedOn || !periodOf(terms, lot.openedOn)) return undefined;
  const whole = amortisedCost(
    boughtBond(
      terms,
      { openedOn: lot.openedOn, quantity: lot.firstQuantity, cost: lot.firstCost },
      parOf(lot.firstQuantity),
    ),
    on,
    terms.method,
  );
  if (!whole.ok) return undefined;
  // At maturity the open part is at its own par, whatever the roundings before.
  if (on >= (terms.boundaries.at(-1) ?? on)) return parOf(lot.openQuantity);
  return Rational.of(whole.value * lot.openQuantity, lot.firstQuantity).round();
}

export function faultsOfTrade(trade: OwnTrade): Problem[] {
  const problems: Problem[] = [];
  if (!isIsin(trade.instrument))
    problems.push(problem('INVALID_ISIN', 'The instrument is no ISIN (ISO 6166)', ['instrument']));
  if (trade.quantity <= 0n) problems.push(problem('QUANTITY_NOT_POSITIVE', 'A quantity is above zero', ['quantity']));
  if (trade.amount < 0n) problems.push(problem('AMOUNT_NEGATIVE', 'An amount is not negative', ['amount']));
  if (trade.accrued < 0n) problems.push(problem('AMOUNT_NEGATIVE', 'An accrued coupon is not negative', ['accrued']));
  if (trade.amount + trade.accrued <= 0n)
    problems.push(problem('AMOUNT_NOT_POSITIVE', 'Something is paid', ['amount']));
  if (trade.settlementDate < trade.tradeDate)
    problems.push(problem('PERIOD_ENDS_BEFORE_IT_BEGINS', 'A trade settles after it is dealt', ['settlementDate']));
  return problems;
}

export function faultsOfBond(bond: {
  annualRate: string;
  dayCount: string;
  boundaries: readonly PlainDate[];
}): Problem[] {
  const problems: Problem[] = [];
  if (!/^\d{1,3}(\.\d{1,12})?$/.test(bond.annualRate))
    problems.push(problem('INVALID_DECIMAL', 'A rate is a decimal, e.g. 0.045', ['bond', 'annualRate']));
  if (!dayCounts.some((one) => one === bond.dayCount))
    problems.push(problem('UNKNOWN_DAY_COUNT', `There is no day count ${bond.dayCount}`, ['bond', 'dayCount']));
  if (bond.boundaries.length < 2)
    problems.push(problem('PERIODS_MISSING', 'A bond has at least one period of interest', ['bond', 'boundaries']));
  bond.boundaries.forEach((one, n) => {
    if (n > 0 && one <= (bond.boundaries[n - 1] ?? ''))
      problems.push(problem('PERIODS_DO_NOT_FOLLOW', 'The dates follow one another', ['bond', 'boundaries', n]));
  });
  return problems;
}
