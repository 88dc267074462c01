import { createHash } from 'node:crypto';

export const sha256Hex = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');

/** JSON with sorted keys and whole numbers beyond 2^53 as text: equal values give equal bytes, so it can be hashed. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, one: unknown) => {
    if (typeof one === 'bigint') return String(one);
    if (one === null || typeof one !== 'object' || Array.isArray(one)) return one;
    return Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  });
}
