import { hash } from 'node:crypto';

/** In one call: without a Hash object for each of many small texts a batch leaves less to be collected. */
export const sha256 = (content: string | Uint8Array): Buffer => hash('sha256', content, 'buffer');
export const sha256Hex = (content: string | Uint8Array): string => hash('sha256', content, 'hex');

/** JSON with sorted keys and whole numbers beyond 2^53 as text: equal values give equal bytes, so it can be hashed. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, one: unknown) => {
    if (typeof one === 'bigint') return String(one);
    if (one === null || typeof one !== 'object' || Array.isArray(one)) return one;
    return Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  });
}
