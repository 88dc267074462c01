import { type Problem, problem } from '#libs/kernel/index.js';

/** ISO 9362: business party prefix, country, suffix, and an optional branch. */
export const isBic = (text: string): boolean => /^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?$/.test(text);

export const bicProblem = (text: string, path: readonly (string | number)[] = []): Problem | undefined =>
  isBic(text) ? undefined : problem('INVALID_BIC', `"${text.slice(0, 16)}" is no BIC of 8 or 11 characters`, path);

/** ISO 10383. */
export const isMic = (text: string): boolean => /^[A-Z0-9]{4}$/.test(text);
