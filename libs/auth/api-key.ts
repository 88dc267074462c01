import { createHmac, randomBytes } from 'node:crypto';

/** `ngb_<role>_<48 hex>`: the prefix lets a leaked key be found by a scanner and told apart by a person. */
const format = /^ngb_([a-z]+(?:-[a-z]+)*)_([0-9a-f]{48})$/;

export function newApiKey(role: string): string {
  return `ngb_${role}_${randomBytes(24).toString('hex')}`;
}

export function isApiKey(text: string): boolean {
  return format.test(text);
}

/**
 * What is stored of a key. A key has 192 random bits, so one keyed hash is enough; slow hashes
 * protect secrets that people choose.
 */
export function hashApiKey(key: string, pepper: string = process.env.API_KEY_PEPPER ?? ''): string {
  return createHmac('sha256', `northgate-api-key:${pepper}`).update(key).digest('hex');
}

/** A client holds at most two live secrets: the new one, and the old one until it expires. */
export interface ApiSecret {
  keyHash: string;
  expiresAt?: Date;
}

export const liveSecretsMax = 2;

export function liveSecrets(secrets: readonly ApiSecret[], now: Date): ApiSecret[] {
  return secrets.filter((secret) => secret.expiresAt === undefined || secret.expiresAt > now);
}

/** The new secret comes first; the newest old one keeps living until `overlapUntil`, the others are dropped. */
export function rotateSecret(secrets: readonly ApiSecret[], newHash: string, now: Date, overlapUntil: Date): ApiSecret[] {
  const [newest] = liveSecrets(secrets, now);
  if (!newest) return [{ keyHash: newHash }];
  const ends = newest.expiresAt && newest.expiresAt < overlapUntil ? newest.expiresAt : overlapUntil;
  return [{ keyHash: newHash }, { keyHash: newest.keyHash, expiresAt: ends }];
}
