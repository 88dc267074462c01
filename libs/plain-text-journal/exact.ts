import { type Amount } from './journal.js';

/** An exact decimal: `units` times ten to the minus `places`. */
export interface Exact {
  readonly units: bigint;
  readonly places: number;
}

export const zero: Exact = { units: 0n, places: 0 };

export function exactOf(text: string): Exact {
  const [whole = '', fraction = ''] = text.split('.');
  return { units: BigInt(whole + fraction), places: fraction.length };
}

const raised = ({ units, places }: Exact, to: number): bigint => units * 10n ** BigInt(to - places);

export function plus(a: Exact, b: Exact): Exact {
  const places = Math.max(a.places, b.places);
  return { units: raised(a, places) + raised(b, places), places };
}

export const minus = (a: Exact): Exact => ({ units: -a.units, places: a.places });
export const times = (a: Exact, b: Exact): Exact => ({ units: a.units * b.units, places: a.places + b.places });
export const isZero = ({ units }: Exact): boolean => units === 0n;
export const equals = (a: Exact, b: Exact): boolean => isZero(plus(a, minus(b)));

export function textOf({ units, places }: Exact): string {
  const digits = String(units < 0n ? -units : units).padStart(places + 1, '0');
  const text = places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
  return units < 0n ? `-${text}` : text;
}

/** Sums per commodity. */
export class Sums {
  private readonly sums = new Map<string, Exact>();

  add(commodity: string, quantity: Exact): void {
    this.sums.set(commodity, plus(this.of(commodity), quantity));
  }

  of(commodity: string): Exact {
    return this.sums.get(commodity) ?? zero;
  }

  /** In the order they came. */
  get notZero(): (Amount & { readonly exact: Exact })[] {
    return [...this.sums].flatMap(([commodity, exact]) =>
      isZero(exact) ? [] : [{ commodity, quantity: textOf(exact), exact }],
    );
  }
}
