import codes from 'currency-codes';

/** Codes of ISO 4217 list one that have no minor unit: metals, baskets, testing, no currency. Nothing is paid in them. */
const withoutMinorUnit: ReadonlySet<string> = new Set('XAG XAU XPD XPT XBA XBB XBC XBD XDR XSU XTS XUA XXX'.split(' '));

/**
 * Decimal places of a currency's minor unit, ISO 4217: the table that the maintenance agency publishes, as
 * `currency-codes` carries it (25 June 2024), with what later amendments added.
 */
const exponents: ReadonlyMap<string, number> = new Map([
  ...codes.data.filter(({ code }) => !withoutMinorUnit.has(code)).map(({ code, digits }) => [code, digits] as const),
  ['XCG', 2], // Caribbean guilder, amendment 176, in use since 31 March 2025
]);

export const isCurrency = (code: string): boolean => exponents.has(code);

/** 2 for EUR, 0 for JPY, 3 for KWD. Throws on a code that ISO 4217 does not list. */
export function currencyExponent(code: string): number {
  const exponent = exponents.get(code);
  if (exponent === undefined) throw new RangeError(`${code} is no ISO 4217 currency`);
  return exponent;
}
