/** One unit of `base` is `rate` of `quote`. */
export interface KnownRate {
  readonly base: string;
  readonly quote: string;
  readonly rate: string;
}

export interface KnownPrice {
  readonly price: string;
  readonly factor: string;
  readonly currency: string;
}

interface Fraction {
  readonly over: bigint;
  readonly under: bigint;
}

function fractionOf(decimal: string): Fraction {
  const [whole = '0', fraction = ''] = decimal.split('.');
  return { over: BigInt(whole + fraction), under: 10n ** BigInt(fraction.length) };
}
const times = (a: Fraction, b: Fraction): Fraction => ({ over: a.over * b.over, under: a.under * b.under });
const by = (a: Fraction, b: Fraction): Fraction => ({ over: a.over * b.under, under: a.under * b.over });

/** What one of a currency is in another: directly, or by one currency that both are quoted against. */
function crossOf(from: string, to: string, rates: readonly KnownRate[]): Fraction | undefined {
  const one = { over: 1n, under: 1n };
  if (from === to) return one;
  const direct = (a: string, b: string): Fraction | undefined => {
    const forth = rates.find(({ base, quote }) => base === a && quote === b);
    if (forth) return fractionOf(forth.rate);
    const back = rates.find(({ base, quote }) => base === b && quote === a);
    return back && by(one, fractionOf(back.rate));
  };
  const straight = direct(from, to);
  if (straight) return straight;
  for (const through of [...new Set(rates.flatMap(({ base, quote }) => [base, quote]))].sort()) {
    const [first, second] = [direct(from, through), direct(through, to)];
    if (first && second) return times(first, second);
  }
  return undefined;
}

/**
 * What is missing is worth in the currency of the book, in its minor units: rounded up, as whoever covers it covers all of
 * it. Undefined when no price or no rate is known, and never zero for that.
 */
export function worthOf(
  missing: { readonly units: bigint; readonly scale: number; readonly currency?: string; readonly price?: KnownPrice },
  functional: { readonly currency: string; readonly exponent: number },
  rates: readonly KnownRate[],
): bigint | undefined {
  const currency = missing.currency ?? missing.price?.currency;
  if (currency === undefined) return undefined;
  const cross = crossOf(currency, functional.currency, rates);
  if (cross === undefined) return undefined;
  const pieces: Fraction = { over: missing.units, under: 10n ** BigInt(missing.scale) };
  const piece = missing.price ? times(fractionOf(missing.price.price), fractionOf(missing.price.factor)) : undefined;
  const { over, under } = times(times(pieces, piece ?? { over: 1n, under: 1n }), cross);
  const minor = over * 10n ** BigInt(functional.exponent);
  return (minor + under - 1n) / under;
}
