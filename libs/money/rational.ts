import { Decimal } from './decimal.js';
import { type RoundingMode } from './rounding.js';

/** An exact fraction in lowest terms; the sign is the numerator's. Interest is one until it is posted, and so is what a rate makes of an amount. */
export class Rational {
  static readonly zero = new Rational(0n, 1n);
  static readonly one = new Rational(1n, 1n);

  private constructor(
    readonly numerator: bigint,
    readonly denominator: bigint,
  ) {}

  /** @throws RangeError when the denominator is zero, or a number is no whole one */
  static of(numerator: bigint | number, denominator: bigint | number = 1n): Rational {
    const [above, below] = [BigInt(numerator), BigInt(denominator)];
    if (below === 0n) throw new RangeError('a fraction has no denominator of zero');
    const divisor = greatestCommonDivisor(above, below) * (below < 0n ? -1n : 1n);
    return new Rational(above / divisor, below / divisor);
  }

  /** Of decimal text: `0.0525` is 21/400. @throws RangeError for anything else */
  static parse(text: string): Rational {
    const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
    if (!match)
      throw new RangeError(`"${text}" is no decimal number; write digits with an optional point, e.g. 0.0525`);
    const [, sign = '', whole = '', decimals = ''] = match;
    return Rational.of(BigInt(`${sign}${whole}${decimals}`), 10n ** BigInt(decimals.length));
  }

  plus(other: Rational): Rational {
    return Rational.of(
      this.numerator * other.denominator + other.numerator * this.denominator,
      this.denominator * other.denominator,
    );
  }

  minus(other: Rational): Rational {
    return this.plus(Rational.of(-other.numerator, other.denominator));
  }

  times(other: Rational): Rational {
    return Rational.of(this.numerator * other.numerator, this.denominator * other.denominator);
  }

  /** @throws RangeError when the other is zero */
  dividedBy(other: Rational): Rational {
    return Rational.of(this.numerator * other.denominator, this.denominator * other.numerator);
  }

  /** To a whole power, zero or more. */
  power(exponent: number): Rational {
    return Rational.of(this.numerator ** BigInt(exponent), this.denominator ** BigInt(exponent));
  }

  /** Negative, zero or positive, as this is less than the other, the same or more. */
  compare(other: Rational): number {
    const difference = this.numerator * other.denominator - other.numerator * this.denominator;
    return difference < 0n ? -1 : difference > 0n ? 1 : 0;
  }

  equals(other: Rational): boolean {
    return this.compare(other) === 0;
  }

  /** The whole number it is rounded to, once: of a fraction of minor units, those units. Half to even unless told. */
  round(mode: RoundingMode = 'HALF_EVEN'): bigint {
    const down = this.numerator / this.denominator;
    const rest = this.numerator % this.denominator;
    if (rest === 0n) return down;
    const away = down + (this.numerator < 0n ? -1n : 1n);
    const twice = (rest < 0n ? -rest : rest) * 2n;
    switch (mode) {
      case 'DOWN':
        return down;
      case 'UP':
        return away;
      case 'HALF_UP':
        return twice >= this.denominator ? away : down;
      case 'HALF_EVEN':
        if (twice === this.denominator) return down % 2n === 0n ? down : away;
        return twice > this.denominator ? away : down;
    }
  }

  /** To sixty digits: for reading, and for roots. */
  toDecimal(): Decimal {
    return new Decimal(this.numerator.toString()).div(new Decimal(this.denominator.toString()));
  }

  toString(): string {
    return this.denominator === 1n ? String(this.numerator) : `${this.numerator}/${this.denominator}`;
  }
}

/** Positive. */
function greatestCommonDivisor(one: bigint, other: bigint): bigint {
  let [larger, smaller] = [one < 0n ? -one : one, other < 0n ? -other : other];
  while (smaller > 0n) [larger, smaller] = [smaller, larger % smaller];
  return larger === 0n ? 1n : larger;
}
