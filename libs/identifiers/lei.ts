import { type Problem, problem } from '#libs/kernel/index.js';
import { lettersToDigits, remainderBy97 } from './check-digits.js';

/** ISO 17442: eighteen characters and two check digits, remainder 1 by 97. */
export const isLei = (text: string): boolean =>
  /^[A-Z0-9]{18}\d{2}$/.test(text) && remainderBy97(lettersToDigits(text)) === 1;

export function makeLei(first18: string): string {
  if (!/^[A-Z0-9]{18}$/.test(first18)) throw new RangeError(`${first18} is not eighteen characters`);
  return first18 + String(98 - remainderBy97(`${lettersToDigits(first18)}00`)).padStart(2, '0');
}

export const leiProblem = (text: string, path: readonly (string | number)[] = []): Problem | undefined =>
  isLei(text) ? undefined : problem('INVALID_LEI', `"${text.slice(0, 24)}" is no LEI`, path);
