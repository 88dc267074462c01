import { type Problem, problem } from '#libs/kernel/index.js';
import { isValidIBAN } from 'ibantools';
import { lettersToDigits, remainderBy97 } from './check-digits.js';

/** ISO 13616, including the country's length and structure, without spaces. */
export const isIban = (text: string): boolean => isValidIBAN(text);

export function makeIban(country: string, bban: string): string {
  const check = 98 - remainderBy97(lettersToDigits(`${bban}${country}00`));
  return `${country}${String(check).padStart(2, '0')}${bban}`;
}

export const ibanProblem = (text: string, path: readonly (string | number)[] = []): Problem | undefined =>
  isIban(text)
    ? undefined
    : problem('INVALID_IBAN', `"${text.slice(0, 36)}" is no IBAN: country, length or check digits are wrong`, path);
