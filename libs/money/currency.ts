import codes from 'currency-codes';

/**
 * Decimal places of a currency's minor unit, ISO 4217. `currency-codes` carries the table that the
 * maintenance agency publishes; funds codes and metals without a minor unit are no currencies here.
 */
const exponents: ReadonlyMap<string, number> = new Map(codes.data.map(({ code, digits }) => [code, digits]));

export const isCurrency = (code: string): boolean => exponents.has(code);

/** 2 for EUR, 0 for JPY, 3 for KWD. Throws on a code that ISO 4217 does not list. */
export function currencyExponent(code: string): number {
  const exponent = exponents.get(code);
  if (exponent === undefined) throw new RangeError(`${code} is no ISO 4217 currency`);
  return exponent;
}
