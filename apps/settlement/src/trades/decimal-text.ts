/** A decimal text as whole units at a scale; why not, when it is not one. */
export type DecimalRead =
  | { readonly units: bigint; readonly fault: null }
  | { readonly units: null; readonly fault: 'NOT_A_DECIMAL' | 'EXCESS_SCALE' };

const decimal = /^-?(0|[1-9]\d{0,30})(?:\.(\d+))?$/;

/** What a column of units holds: numeric(39,0). */
const unitsEnd = 10n ** 39n;
/** Decimals of a price or a rate; a longer text is an attack or a float's tail. */
const decimalsMax = 18;

/** Never by way of a float. Zeros beyond the scale are no excess: "12.500" is 12.50. */
export function readUnits(text: string, scale: number): DecimalRead {
  const match = decimal.exec(text);
  if (!match) return { units: null, fault: 'NOT_A_DECIMAL' };
  const [, whole = '0', fraction = ''] = match;
  const significant = fraction.replace(/0+$/, '');
  if (significant.length > scale) return { units: null, fault: 'EXCESS_SCALE' };
  const magnitude = BigInt(whole + significant.padEnd(scale, '0'));
  if (magnitude >= unitsEnd) return { units: null, fault: 'NOT_A_DECIMAL' };
  return { units: text.startsWith('-') ? -magnitude : magnitude, fault: null };
}

/** The one way a decimal is written, so that "10", "10.0" and "010" never make two facts. */
export const plainDecimal = (text: string): string | null => {
  if (!decimal.test(text)) return null;
  const trimmed = text.includes('.') ? text.replace(/0+$/, '').replace(/\.$/, '') : text;
  if ((trimmed.split('.')[1]?.length ?? 0) > decimalsMax) return null;
  return trimmed === '-0' ? '0' : trimmed;
};
