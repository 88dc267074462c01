import { currencyExponent, isCurrency } from '#libs/money/index.js';

const xmlDecimal = /^([+-]?)(\d*)(?:\.(\d*))?$/;

/**
 * xs:decimal to whole units at a scale. Zeros beyond the scale are legal in XML (`18.150` euros) and
 * lose nothing; any other digit there would, so it is refused.
 */
export function unitsFromDecimal(text: string, scale: number): bigint | undefined {
  const match = xmlDecimal.exec(text.trim());
  if (match === null || text.length > 64) return undefined;
  const [, sign, whole = '', fraction = ''] = match;
  if (whole === '' && fraction === '') return undefined;
  if (/[1-9]/.test(fraction.slice(scale))) return undefined;
  const units = BigInt((whole || '0') + fraction.slice(0, scale).padEnd(scale, '0'));
  return sign === '-' ? -units : units;
}

export function decimalFromUnits(units: bigint, scale: number): string {
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const text = scale === 0 ? whole : `${whole}.${digits.slice(-scale)}`;
  return units < 0n ? `-${text}` : text;
}

/** Digits after the point of a currency, undefined for a code that ISO 4217 does not have. */
export function exponentOf(currency: string): number | undefined {
  return isCurrency(currency) ? currencyExponent(currency) : undefined;
}

/** Schemas allow 18 digits in an amount, 5 of them after the point. */
export function amountText(amountMinor: bigint, currency: string): string {
  const exponent = exponentOf(currency);
  if (exponent === undefined) throw new Error(`${currency} is no currency of ISO 4217.`);
  if (amountMinor < 0n) throw new Error('An amount is written without sign; its indicator says the direction.');
  const text = decimalFromUnits(amountMinor, exponent);
  if (text.replace('.', '').replace(/^0+/, '').length > 18)
    throw new Error('The amount has more digits than the schema allows.');
  return text;
}
