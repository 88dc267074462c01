import { accepted, type Decision, problem, refused } from '#libs/kernel/index.js';
import { Decimal as DecimalConstructor } from 'decimal.js';

/** Prices and rates: exact decimals with far more digits than any price has. Amounts are whole minor units instead. */
export const Decimal = DecimalConstructor.clone({ precision: 60, toExpNeg: -60, toExpPos: 60 });
export type Decimal = DecimalConstructor;

/** The largest amount that a column `numeric(39,0)` holds. */
const digitsMax = 39;

/**
 * Whole units at `scale` decimals from decimal text: `parseDecimal('12.30', 2)` is 1230n.
 * Refuses exponent notation, separators, and decimals beyond the scale unless they are zero.
 */
export function parseDecimal(text: string, scale: number): Decision<bigint> {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (!match)
    return refused(
      problem(
        'INVALID_DECIMAL',
        `"${shorten(text)}" is no decimal number; write digits with an optional point, e.g. 1234.50`,
      ),
    );
  const [, sign = '', whole = '', fraction = ''] = match;
  if (/[1-9]/.test(fraction.slice(scale))) {
    return refused(problem('EXCESS_SCALE', `"${shorten(text)}" has more than ${scale} decimal places`));
  }
  const digits = (whole + fraction.slice(0, scale).padEnd(scale, '0')).replace(/^0+(?=\d)/, '');
  if (digits.length > digitsMax)
    return refused(problem('OUT_OF_RANGE', `"${shorten(text)}" has more than ${digitsMax} digits`));
  const units = BigInt(digits);
  return accepted(sign ? -units : units);
}

/** The text of whole units: `formatDecimal(1230n, 2)` is `12.30`. */
export function formatDecimal(units: bigint, scale: number): string {
  const digits = String(units < 0n ? -units : units).padStart(scale + 1, '0');
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return units < 0n ? `-${text}` : text;
}

const shorten = (text: string) => (text.length > 40 ? `${text.slice(0, 40)}…` : text);
