import { errors, jwtVerify, SignJWT } from 'jose';
import { type Principal } from './principal.js';
import { isRole, isScope } from './scopes.js';

const issuer = 'northgate-gateway';
const audience = 'northgate-subgraph';
export const internalTokenSecondsMax = 60;
const secretBytesMin = 32;

/**
 * The secret that signs, and those that are still believed: during a rotation the old one stays
 * behind the new one (`INTERNAL_TOKEN_SECRET=new,old`).
 */
export interface TokenSecrets {
  current: string;
  previous?: string;
}

export function tokenSecretsFrom(text: string | undefined): TokenSecrets {
  const [current, previous, ...more] = (text ?? '').split(',').map((part) => part.trim());
  if (!current || more.length > 0)
    throw new Error('INTERNAL_TOKEN_SECRET must hold one secret, or two parted by a comma');
  for (const secret of [current, previous]) {
    if (secret !== undefined && Buffer.byteLength(secret) < secretBytesMin) {
      throw new Error(`INTERNAL_TOKEN_SECRET must have at least ${secretBytesMin} characters`);
    }
  }
  return previous ? { current, previous } : { current };
}

const asSecrets = (secrets: TokenSecrets | string) =>
  typeof secrets === 'string' ? tokenSecretsFrom(secrets) : secrets;
const keyOf = (secret: string) => new TextEncoder().encode(secret);

export async function signInternalToken(
  principal: Principal,
  secrets: TokenSecrets | string,
  options: { now?: Date; lifeSeconds?: number } = {},
): Promise<string> {
  const issuedAt = Math.floor((options.now ?? new Date()).getTime() / 1000);
  const life = Math.min(options.lifeSeconds ?? internalTokenSecondsMax, internalTokenSecondsMax);
  return new SignJWT({
    kind: principal.kind,
    roles: principal.roles,
    scope: principal.scopes.join(' '),
    books: principal.books,
  })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(principal.subject)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + life)
    .sign(keyOf(asSecrets(secrets).current));
}

/** Nothing when the token is missing, forged, too old, or of another audience: the caller answers 401. */
export async function verifyInternalToken(
  token: string,
  secrets: TokenSecrets | string,
  options: { now?: Date } = {},
): Promise<Principal | undefined> {
  const { current, previous } = asSecrets(secrets);
  for (const secret of previous ? [current, previous] : [current]) {
    try {
      const { payload } = await jwtVerify(token, keyOf(secret), {
        issuer,
        audience,
        algorithms: ['HS256'],
        maxTokenAge: internalTokenSecondsMax,
        requiredClaims: ['sub', 'exp', 'iat'],
        clockTolerance: 5,
        currentDate: options.now ?? new Date(),
      });
      return readClaims(payload);
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error;
    }
  }
  return undefined;
}

const textList = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];

function readClaims(claims: Record<string, unknown>): Principal | undefined {
  const { sub, kind, scope } = claims;
  if (typeof sub !== 'string' || typeof scope !== 'string') return undefined;
  if (kind !== 'PERSON' && kind !== 'MACHINE' && kind !== 'SERVICE') return undefined;
  return {
    subject: sub,
    kind,
    roles: textList(claims.roles).filter(isRole),
    scopes: scope.split(' ').filter(isScope),
    books: textList(claims.books),
  };
}

/** The token of an `authorization: Bearer …` header. */
export function bearerOf(header: string | undefined): string | undefined {
  return /^Bearer ([\w.~+/=-]+)$/i.exec(header ?? '')?.[1];
}
