import { createHash, createHmac, randomBytes } from 'node:crypto';

/** `ngb_<role>_<random>`: the prefix lets a leaked key be found by a scanner and told apart by a person. */
const format = /^ngb_[a-z]+(?:-[a-z]+)*_[\w-]{32,64}$/;

export function newApiKey(role: string): string {
  return `ngb_${role}_${randomBytes(24).toString('base64url')}`;
}

export function isApiKey(text: string): boolean {
  return format.test(text);
}

/**
 * What is stored of a key. A key has 192 random bits, so one fast hash is enough; slow hashes protect
 * secrets that people choose. A pepper, where there is one, makes a stolen table useless for checking.
 */
export function hashApiKey(key: string, pepper: string = process.env.API_KEY_PEPPER ?? ''): string {
  const hash = pepper === '' ? createHash('sha256') : createHmac('sha256', pepper);
  return hash.update(key).digest('hex');
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
export function rotateSecret(
  secrets: readonly ApiSecret[],
  newHash: string,
  now: Date,
  overlapUntil: Date,
): ApiSecret[] {
  const [newest] = liveSecrets(secrets, now);
  if (!newest) return [{ keyHash: newHash }];
  const ends = newest.expiresAt && newest.expiresAt < overlapUntil ? newest.expiresAt : overlapUntil;
  return [{ keyHash: newHash }, { keyHash: newest.keyHash, expiresAt: ends }];
}
