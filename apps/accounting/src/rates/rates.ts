import { daysBetween, type PlainDate } from '#libs/calendar/index.js';
import { Rational } from '#libs/money/index.js';

/** An exchange rate of two currencies, or the price of an instrument in its currency. */
export type FigureKind = 'RATE' | 'PRICE';

/** A unit of `base` (a currency or an instrument) is worth `value` of `quote`. */
export interface Figure {
  readonly kind: FigureKind;
  /** Settlement counts the versions of rates and those of prices; the higher one is the later. */
  readonly version: bigint;
  readonly base: string;
  readonly quote: string;
  readonly date: PlainDate;
  readonly value: string;
  readonly source: string;
}

/** What two people decided in settlement; it wins over every vendor's figure of the same date. */
export const overrideSource = 'OVERRIDE';

/** This many times the last good figure, or this fraction of it, is held until two people say that it is right. */
export const jumpTimes = 10n;

/** Calendar days after which a figure is still used and said to be stale: a long weekend and a day, as settlement has it. */
export const staleAfterDays = 5;

/**
 * GOOD: used from its date on. HELD: not used until two people agree. REFUSED: nothing is worth zero or less, so it is
 * never used. WITHDRAWN: what it came with was taken back.
 */
export type FigureState = 'GOOD' | 'HELD' | 'REFUSED' | 'WITHDRAWN';
export type FigureFault = 'RATE_NOT_POSITIVE' | 'RATE_JUMPED' | 'RATE_WITHDRAWN';

export interface Judgement {
  readonly state: FigureState;
  readonly fault: FigureFault | null;
}

/** Whether a figure may be used as it comes. `lastGood`: the good figure of the same two, of its date or before. */
export function judge(figure: Pick<Figure, 'value' | 'source'>, lastGood: string | undefined): Judgement {
  const value = Rational.parse(figure.value);
  if (value.compare(Rational.zero) <= 0) return { state: 'REFUSED', fault: 'RATE_NOT_POSITIVE' };
  // Two people have looked at an override already.
  if (lastGood === undefined || figure.source === overrideSource) return { state: 'GOOD', fault: null };
  const times = value.dividedBy(Rational.parse(lastGood));
  const jumped = times.compare(Rational.of(jumpTimes)) >= 0 || times.compare(Rational.of(1n, jumpTimes)) <= 0;
  return jumped ? { state: 'HELD', fault: 'RATE_JUMPED' } : { state: 'GOOD', fault: null };
}

/** The later date counts, on one date an override, then the later version. Positive when `one` counts more. */
export function compareFigures(one: Figure, other: Figure): number {
  if (one.date !== other.date) return one.date < other.date ? -1 : 1;
  const [isOverride, isOtherOverride] = [one.source === overrideSource, other.source === overrideSource];
  if (isOverride !== isOtherOverride) return isOverride ? 1 : -1;
  return one.version < other.version ? -1 : one.version > other.version ? 1 : 0;
}

/** The last good figure up to a date; undefined when there never was one: never zero. */
export const lastGoodOf = (figures: readonly Figure[], date: PlainDate): Figure | undefined =>
  figures
    .filter((one) => one.date <= date)
    .reduce<Figure | undefined>((best, one) => (best && compareFigures(best, one) >= 0 ? best : one), undefined);

/** What one unit is worth, exactly, and the figures that say so. */
export interface Worth {
  readonly rate: Rational;
  /** None from a currency to itself, two when it goes over a third currency. */
  readonly figures: readonly Figure[];
  /** One of the figures is old: used all the same, and said. */
  readonly isStale: boolean;
}

/** The figures of a date, each pair at its last good one. */
export class RatesOfDate {
  private readonly latest = new Map<string, Figure>();
  private readonly bases = new Set<string>();

  constructor(
    good: readonly Figure[],
    readonly date: PlainDate,
  ) {
    const ofPair = new Map<string, Figure[]>();
    for (const figure of good) {
      const pair = pairOf(figure.base, figure.quote);
      ofPair.set(pair, [...(ofPair.get(pair) ?? []), figure]);
      if (figure.kind === 'RATE') this.bases.add(figure.base);
    }
    for (const [pair, figures] of ofPair) {
      const last = lastGoodOf(figures, date);
      if (last) this.latest.set(pair, last);
    }
  }

  /** How much of one currency a unit of the other is; undefined when no good rates lead there. */
  between(from: string, to: string): Worth | undefined {
    if (from === to) return { rate: Rational.one, figures: [], isStale: false };
    return this.straight(from, to) ?? this.over(from, to);
  }

  /** What a unit of an instrument is worth, in the currency of its price. */
  priceOf(instrument: string, currency: string): Worth | undefined {
    const price = this.latest.get(pairOf(instrument, currency));
    return price && this.worth(Rational.parse(price.value), [price]);
  }

  /** As quoted, or the exact inverse of what is quoted the other way: the later of the two when both are. */
  private straight(from: string, to: string): Worth | undefined {
    const quoted = this.latest.get(pairOf(from, to));
    const other = this.latest.get(pairOf(to, from));
    if (quoted && (!other || quoted.date >= other.date)) return this.worth(Rational.parse(quoted.value), [quoted]);
    return other && this.worth(Rational.one.dividedBy(Rational.parse(other.value)), [other]);
  }

  /** Over a currency that both are quoted against: the one whose figures are the freshest, then by its code. */
  private over(from: string, to: string): Worth | undefined {
    let best: { readonly worth: Worth; readonly oldest: PlainDate } | undefined;
    for (const base of [...this.bases].sort()) {
      const [first, second] = [this.straight(from, base), this.straight(base, to)];
      if (!first || !second) continue;
      const worth = this.worth(first.rate.times(second.rate), [...first.figures, ...second.figures]);
      const oldest = worth.figures.reduce((old, { date }) => (date < old ? date : old), this.date);
      if (!best || oldest > best.oldest) best = { worth, oldest };
    }
    return best?.worth;
  }

  private worth(rate: Rational, figures: readonly Figure[]): Worth {
    return { rate, figures, isStale: figures.some(({ date }) => daysBetween(date, this.date) > staleAfterDays) };
  }
}

const pairOf = (base: string, quote: string): string => `${base}/${quote}`;

/** As it is kept beside what was computed with it: `RATE:41@2026-11-24`, two joined by `+`, nothing from a currency to itself. */
export const namedFigures = (figures: readonly Figure[]): string =>
  figures.map(({ kind, version, date }) => `${kind}:${version}@${date}`).join('+');
