import {
  addDays,
  dateOf,
  dayOf,
  daysBetween,
  endOfMonth,
  monthOf,
  type PlainDate,
  yearOf,
} from '#libs/calendar/index.js';
import { Rational } from '#libs/money/index.js';

/**
 * By their market names. 2006 ISDA Definitions, 4.16: `ACT/ACT ISDA` (b), `ACT/365F` (d), `ACT/360` (e), `30/360 ISDA`
 * also called bond basis (f), `30E/360` eurobond basis (g), `30E/360 ISDA` (h). ICMA Rule Book, rule 251: `ACT/ACT ICMA`,
 * `ACT/365L`. Fédération Bancaire Française, master agreement of 1994: `ACT/ACT AFB`. SIFMA (once PSA), standard formulas:
 * `30/360 PSA`, `30U/360`. The others are used by the market without a definition of their own.
 */
export const dayCounts = [
  '1/1',
  'ACT/ACT ISDA',
  'ACT/ACT ICMA',
  'ACT/ACT AFB',
  'ACT/ACT YEAR',
  'ACT/365 ACTUAL',
  'ACT/365L',
  'ACT/360',
  'ACT/364',
  'ACT/365F',
  'ACT/365.25',
  'NL/360',
  'NL/365',
  '30/360 ISDA',
  '30/360 PSA',
  '30U/360',
  '30E/360',
  '30E/360 ISDA',
  '30E+/360',
  '30E/365',
] as const;
export type DayCount = (typeof dayCounts)[number];

/** What some conventions ask of the schedule in which the days lie. */
export interface DayCountTerms {
  /** The coupon period, real or notional: `ACT/ACT ICMA` asks for both ends, `ACT/365L` for the last. */
  readonly periodStart?: PlainDate;
  readonly periodEnd?: PlainDate;
  /** Coupons in a year: `ACT/365L`, and `ACT/ACT ICMA` where the period does not tell. */
  readonly couponsPerYear?: number;
  /** Coupons fall on the ends of months: `30U/360`. */
  readonly isEndOfMonth?: boolean;
  /** The end is the maturity: `30E/360 ISDA` then leaves the last of February. */
  readonly isMaturity?: boolean;
}

interface Convention {
  days(start: PlainDate, end: PlainDate, terms: DayCountTerms): number;
  yearFraction(days: number, start: PlainDate, end: PlainDate, terms: DayCountTerms): Rational;
}

/** Days from the first date to the second, as the convention counts them. @throws RangeError when they are turned round */
export function countDays(name: DayCount, start: PlainDate, end: PlainDate, terms: DayCountTerms = {}): number {
  if (end < start) throw new RangeError(`${end} is before ${start}: days are counted forwards`);
  // From the last of February some conventions would count a day of the same date as two days back.
  return end === start && name !== '1/1' ? 0 : conventions[name].days(start, end, terms);
}

/**
 * The part of a year between two dates, exactly; the start is counted and the end is not.
 * @throws RangeError when the dates are turned round, or the convention asks for terms that are not there
 */
export function yearFraction(name: DayCount, start: PlainDate, end: PlainDate, terms: DayCountTerms = {}): Rational {
  const days = countDays(name, start, end, terms);
  return conventions[name].yearFraction(days, start, end, terms);
}

const isLeap = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
const daysOfYear = (year: number): number => (isLeap(year) ? 366 : 365);
const isLastOfFebruary = (date: PlainDate): boolean => monthOf(date) === 2 && endOfMonth(date) === date;

/** 29 Februaries from the first date on, before the second. */
function leapDays(start: PlainDate, end: PlainDate): number {
  let count = 0;
  for (let year = yearOf(start); year <= yearOf(end); year += 1) {
    const day = `${String(year).padStart(4, '0')}-02-29`;
    if (isLeap(year) && day >= start && day < end) count += 1;
  }
  return count;
}
/** Behind the first date, the second counted: what a day's interest is paid for. */
const leapDaysBehind = (start: PlainDate, end: PlainDate): number => leapDays(addDays(start, 1), addDays(end, 1));

/** The same day of another month, or that month's last. */
function addMonths(date: PlainDate, months: number): PlainDate {
  const first = dateOf(yearOf(date), monthOf(date) + months, 1);
  return dateOf(yearOf(first), monthOf(first), Math.min(dayOf(date), dayOf(endOfMonth(first))));
}
const addYears = (date: PlainDate, years: number): PlainDate => addMonths(date, years * 12);

const actual = (yearFractionOf: Convention['yearFraction']): Convention => ({
  days: daysBetween,
  yearFraction: yearFractionOf,
});
const over = (daysInYear: bigint | number, scale = 1) => actual((days) => Rational.of(days * scale, daysInYear));

/** Every month has thirty days; what becomes of the two days is the convention. */
const thirty = (
  adjust: (
    start: number,
    end: number,
    dates: { start: PlainDate; end: PlainDate },
    terms: DayCountTerms,
  ) => [number, number],
  daysInYear = 360,
): Convention => ({
  days: (start, end, terms) => {
    const [first, last] = adjust(dayOf(start), dayOf(end), { start, end }, terms);
    return 360 * (yearOf(end) - yearOf(start)) + 30 * (monthOf(end) - monthOf(start)) + (last - first);
  },
  yearFraction: (days) => Rational.of(days, daysInYear),
});

/** The 31st is the 30th at the start, and at the end when the start is so late. */
const bondBasis = (first: number, last: number): [number, number] => {
  const start = Math.min(first, 30);
  return [start, last === 31 && start === 30 ? 30 : last];
};

const conventions: Readonly<Record<DayCount, Convention>> = {
  '1/1': { days: () => 1, yearFraction: () => Rational.one },
  'ACT/ACT ISDA': actual((days, start, end) => {
    const [from, to] = [yearOf(start), yearOf(end)];
    if (from === to) return Rational.of(days, daysOfYear(from));
    return Rational.of(daysBetween(start, dateOf(from + 1, 1, 1)), daysOfYear(from))
      .plus(Rational.of(to - from - 1))
      .plus(Rational.of(daysBetween(dateOf(to, 1, 1), end), daysOfYear(to)));
  }),
  'ACT/ACT ICMA': actual((_, start, end, terms) => byCouponPeriods(start, end, terms)),
  'ACT/ACT AFB': actual((_, start, end) => {
    // Whole years are counted back from the end; what is left is of 366 days when a 29 February is among them.
    let years = 0;
    while (addYears(end, -years - 1) >= start) years += 1;
    const rest = addYears(end, -years);
    return Rational.of(years).plus(Rational.of(daysBetween(start, rest), leapDays(start, rest) > 0 ? 366 : 365));
  }),
  'ACT/ACT YEAR': actual((_, start, end) => {
    let years = 0;
    while (addYears(start, years + 1) <= end) years += 1;
    const from = addYears(start, years);
    return Rational.of(years).plus(Rational.of(daysBetween(from, end), daysBetween(from, addYears(from, 1))));
  }),
  'ACT/365 ACTUAL': actual((days, start, end) => Rational.of(days, leapDaysBehind(start, end) > 0 ? 366 : 365)),
  'ACT/365L': actual((days, start, _, { periodEnd, couponsPerYear }) => {
    if (periodEnd === undefined || couponsPerYear === undefined)
      throw new RangeError('ACT/365L needs the end of the coupon period and how many coupons a year has');
    const isLong = couponsPerYear === 1 ? leapDaysBehind(start, periodEnd) > 0 : isLeap(yearOf(periodEnd));
    return Rational.of(days, isLong ? 366 : 365);
  }),
  'ACT/360': over(360),
  'ACT/364': over(364),
  'ACT/365F': over(365),
  'ACT/365.25': over(36_525, 100),
  'NL/360': withoutLeapDays(360),
  'NL/365': withoutLeapDays(365),
  '30/360 ISDA': thirty(bondBasis),
  '30/360 PSA': thirty((first, last, { start }) => bondBasis(isLastOfFebruary(start) ? 30 : first, last)),
  '30U/360': thirty((first, last, { start, end }, { isEndOfMonth = false }) => {
    if (!isEndOfMonth || !isLastOfFebruary(start)) return bondBasis(first, last);
    return bondBasis(30, isLastOfFebruary(end) ? 30 : last);
  }),
  '30E/360': thirty((first, last) => [Math.min(first, 30), Math.min(last, 30)]),
  '30E/360 ISDA': thirty((first, last, { start, end }, { isMaturity = false }) => [
    isLastOfFebruary(start) ? 30 : Math.min(first, 30),
    isLastOfFebruary(end) && !isMaturity ? 30 : Math.min(last, 30),
  ]),
  // The 31st at the end is the first of the next month, which is a day later than the 30th.
  '30E+/360': thirty((first, last) => [Math.min(first, 30), last]),
  '30E/365': thirty(
    (first, last, { start, end }) => [
      isLastOfFebruary(start) ? 30 : Math.min(first, 30),
      isLastOfFebruary(end) ? 30 : Math.min(last, 30),
    ],
    365,
  ),
};

function withoutLeapDays(daysInYear: number): Convention {
  return {
    days: (start, end) => daysBetween(start, end) - leapDaysBehind(start, end),
    yearFraction: (days) => Rational.of(days, daysInYear),
  };
}

/**
 * Rule 251: each coupon period counts as its part of a year, its days as their part of it. What lies before or behind
 * the period that is given lies in notional ones of the same length.
 */
function byCouponPeriods(
  start: PlainDate,
  end: PlainDate,
  { periodStart, periodEnd, couponsPerYear }: DayCountTerms,
): Rational {
  if (periodStart === undefined || periodEnd === undefined || periodEnd <= periodStart)
    throw new RangeError('ACT/ACT ICMA needs the coupon period: its start, and its end behind it');
  const months =
    couponsPerYear === undefined
      ? Math.max(1, Math.round((daysBetween(periodStart, periodEnd) * 12) / 365))
      : 12 / couponsPerYear;
  if (!Number.isInteger(months)) throw new RangeError('the coupons of a year are 1, 2, 3, 4, 6 or 12');
  let sum = Rational.zero;
  const first = Math.min(0, Math.floor(daysBetween(periodStart, start) / 28 / months));
  for (let n = first; ; n += 1) {
    // The period that is given ends where it is said; the notional ones are counted from its two ends.
    const from = n <= 0 ? addMonths(periodStart, n * months) : addMonths(periodEnd, (n - 1) * months);
    const to = n < 0 ? addMonths(periodStart, (n + 1) * months) : addMonths(periodEnd, n * months);
    if (from >= end) return sum;
    const [begin, finish] = [start > from ? start : from, end < to ? end : to];
    if (begin < finish)
      sum = sum.plus(Rational.of(BigInt(daysBetween(begin, finish) * months), BigInt(daysBetween(from, to) * 12)));
  }
}
