import { Rational } from '#libs/money/index.js';
import { accepted, type Decision, problem, refused } from '#libs/kernel/index.js';

/** Units of an asset, debit positive. */
export interface Units {
  readonly asset: string;
  readonly units: bigint;
}

/** What amounts are told in, and how they become it. */
export interface Currency {
  readonly code: string;
  readonly scale: number;
  /** Instruments are told in pieces, never in money. */
  isCurrency(asset: string): boolean;
  /** Decimal places of another currency. */
  scaleOf(asset: string): number;
  /** What one of the asset is worth in this currency, exactly; undefined when nobody knows. */
  rateOf(asset: string): Rational | undefined;
}

/**
 * Each amount in minor units of the currency. The amounts of one asset are rounded together: their sum is rounded once,
 * half to even, and what the parts lack of it goes to those that lost most. So debits and credits that are equal stay
 * equal, and no difference of rounding has to be booked anywhere. RATE_MISSING names every asset without a rate.
 */
export function translate(amounts: readonly Units[], to: Currency): Decision<bigint[]> {
  const places = new Map<string, number[]>();
  amounts.forEach(({ asset }, n) => {
    const list = places.get(asset);
    if (list) list.push(n);
    else places.set(asset, [n]);
  });
  const translated = amounts.map(({ units }) => units);
  const missing: string[] = [];
  for (const [asset, list] of places) {
    if (asset === to.code) continue;
    const rate = to.rateOf(asset);
    if (rate === undefined) missing.push(asset);
    else {
      const perUnit = rate.times(Rational.of(10n ** BigInt(to.scale), 10n ** BigInt(to.scaleOf(asset))));
      const parts = roundTogether(list.map((n) => perUnit.times(Rational.of(amounts[n]?.units ?? 0n))));
      list.forEach((n, i) => (translated[n] = parts[i] ?? 0n));
    }
  }
  if (missing.length > 0)
    return refused(
      missing.map((asset) => problem('RATE_MISSING', `There is no rate from ${asset} to ${to.code}`, ['rates', asset])),
    );
  return accepted(translated);
}

/** Whole numbers that add up to the rounded sum: rounded down, and one more for those that lost the most; of equals the first. */
export function roundTogether(exact: readonly Rational[]): bigint[] {
  const sum = exact.reduce((all, one) => all.plus(one), Rational.zero).round();
  const floors = exact.map((one) => floorOf(one));
  const short = Number(sum - floors.reduce((all, one) => all + one, 0n));
  const byLoss = exact
    .map((one, n) => ({ n, loss: one.minus(Rational.of(floors[n] ?? 0n)) }))
    .sort((one, other) => other.loss.compare(one.loss) || one.n - other.n);
  for (const { n } of byLoss.slice(0, short)) floors[n] = (floors[n] ?? 0n) + 1n;
  return floors;
}

function floorOf(one: Rational): bigint {
  const towardsZero = one.round('DOWN');
  return one.compare(Rational.of(towardsZero)) < 0 ? towardsZero - 1n : towardsZero;
}
