import { type Problem, problem } from '#libs/kernel/index.js';
import { lettersToDigits } from './check-digits.js';

const shape = /^[A-Z]{2}[A-Z0-9]{9}\d$/;

/** The check digit of the first eleven characters (ISO 6166: letters to digits, then Luhn from the right). */
export function isinCheckDigit(countryAndNsin: string): string {
  const digits = lettersToDigits(countryAndNsin);
  let sum = 0;
  Array.from(digits)
    .reverse()
    .forEach((character, index) => {
      const value = Number(character) * (index % 2 === 0 ? 2 : 1);
      sum += value > 9 ? value - 9 : value;
    });
  return String((10 - (sum % 10)) % 10);
}

export const isIsin = (text: string): boolean => shape.test(text) && isinCheckDigit(text.slice(0, 11)) === text[11];

/** A full ISIN from country and national number, eleven characters. */
export function makeIsin(countryAndNsin: string): string {
  if (!/^[A-Z]{2}[A-Z0-9]{9}$/.test(countryAndNsin))
    throw new RangeError(`${countryAndNsin} is not a country code and nine characters`);
  return countryAndNsin + isinCheckDigit(countryAndNsin);
}

export const isinProblem = (text: string, path: readonly (string | number)[] = []): Problem | undefined =>
  isIsin(text)
    ? undefined
    : problem(
        'INVALID_ISIN',
        `"${text.slice(0, 20)}" is no ISIN: two letters, nine characters and a matching check digit`,
        path,
      );
