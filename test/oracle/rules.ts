import { type Line } from './inputs.js';

/** The oracle's own words for the rules of the field, written from the standards and from nothing of the product. */

/** ISO 6166: letters count 10 to 35, then every second digit from the right doubled; the sum ends in zero. */
export function isinHolds(isin: string): boolean {
  if (!/^[A-Z]{2}[0-9A-Z]{9}[0-9]$/.test(isin)) return false;
  const digits = Array.from(isin, (letter) => String(parseInt(letter, 36))).flatMap((text) => Array.from(text, Number));
  let sum = 0;
  for (let fromRight = 0; fromRight < digits.length; fromRight += 1) {
    const digit = digits[digits.length - 1 - fromRight] ?? 0;
    const counted = fromRight % 2 === 1 ? digit * 2 : digit;
    sum += counted > 9 ? counted - 9 : counted;
  }
  return sum % 10 === 0;
}

/** ISO 13616: country and check digits moved to the end, letters to numbers, remainder 1 by 97. */
export function ibanHolds(iban: string): boolean {
  const moved = iban.slice(4) + iban.slice(0, 4);
  let remainder = 0;
  for (const letter of moved) remainder = Number(`${remainder}${parseInt(letter, 36)}`) % 97;
  return /^[A-Z]{2}\d{2}[0-9A-Z]{10,30}$/.test(iban) && remainder === 1;
}

export const exponentOf = (currency: string): number => (currency === 'JPY' ? 0 : 2);

/** Whole units at a scale; undefined when the text is no number or has decimals beyond the scale. */
export function unitsAt(text: string, scale: number): bigint | undefined {
  const match = /^(-?)(\d+)(?:\.(\d*))?$/.exec(text);
  if (!match) return undefined;
  const fraction = match[3] ?? '';
  if (/[^0]/.test(fraction.slice(scale))) return undefined;
  const units = BigInt((match[2] ?? '0') + fraction.slice(0, scale).padEnd(scale, '0'));
  return match[1] ? -units : units;
}

export function decimalOf(units: bigint, scale: number): string {
  const text = units.toString().padStart(scale + 1, '0');
  return scale === 0 ? text : `${text.slice(0, text.length - scale)}.${text.slice(text.length - scale)}`;
}

/** Why a line of a trade file is refused: every fault, by the name of its part in the row `rejected`. */
export function faultsOf(
  line: Line,
  businessDate: string,
  isClosed: (place: string, date: string) => boolean,
): string[] {
  if (Object.values(line).some((text) => text.includes('\u0000'))) return ['nulBytes'];
  const faults: string[] = [];
  const currency = line.currency ?? '';
  const amount = line.amount ?? '';
  if (!isinHolds(line.isin ?? '')) faults.push('isin');
  if (!/^\d+(\.\d+)?$/.test(line.quantity ?? '') || !/[1-9]/.test(line.quantity ?? '')) faults.push('quantity');
  if (!/^\d+(\.\d+)?$/.test(amount) || !/[1-9]/.test(amount)) faults.push('amount');
  else if (unitsAt(amount, exponentOf(currency)) === undefined) faults.push('decimals');
  if ((line.tradeDate ?? '') > businessDate) faults.push('tradeDate');
  else if (line.settlementDate && isClosed(line.place ?? '', line.settlementDate)) faults.push('holiday');
  return faults;
}

const noise = new Set([
  'co',
  'company',
  'ltd',
  'limited',
  'gmbh',
  'ag',
  'inc',
  'llc',
  'corp',
  'se',
  'bv',
  'lp',
  'the',
  'and',
  'of',
]);
export const wordsOf = (name: string): string[] =>
  name
    .normalize('NFKD')
    .replace(/\p{Diacritic}/gu, '')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word && !noise.has(word));

/** A name is hit when every word of a listed name stands in it, a long word with at most one letter wrong. */
export function isHit(name: string, listedNames: readonly string[][]): boolean {
  const words = wordsOf(name);
  return listedNames.some(
    (listed) =>
      listed.length > 0 &&
      listed.every((wanted) =>
        words.some((word) => word === wanted || (wanted.length >= 6 && withinOneEdit(word, wanted))),
      ) &&
      listed.length >= Math.min(words.length, 2),
  );
}

function withinOneEdit(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  return Math.max(a.length, b.length) - start - end <= 1;
}
