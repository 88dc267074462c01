import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { decodeJwt, SignJWT } from 'jose';
import {
  bearerOf,
  hashApiKey,
  internalTokenSecondsMax,
  isApiKey,
  liveSecrets,
  newApiKey,
  principalOf,
  roles,
  rolesToScopes,
  rotateSecret,
  scopes,
  servicePrincipal,
  signInternalToken,
  tokenSecretsFrom,
  verifyInternalToken,
} from './index.js';

const secret = 'a'.repeat(32);
const newer = 'b'.repeat(32);
const anna = principalOf('anna', 'PERSON', ['front-office'], ['NGEU']);

describe('roles', () => {
  it('have the scopes that the committed table gives them, and no other', () => {
    const table = JSON.parse(readFileSync(join(import.meta.dirname, 'scopes.expected.json'), 'utf8')) as object;
    const found = scopes.map((scope) => [
      scope,
      roles.filter((role) => rolesToScopes([role]).includes(scope)).join(', '),
    ]);
    expect(Object.fromEntries(found)).toEqual(table);
  });

  it('gives no role what only our own processes may ask, and auditors no way to change anything', () => {
    expect(roles.filter((role) => rolesToScopes([role]).includes('clients:identify'))).toEqual([]);
    expect(rolesToScopes(['auditor']).every((scope) => scope.endsWith(':read'))).toBe(true);
  });

  it('leaves no scope without a role', () => {
    const reached = rolesToScopes(roles);
    expect(scopes.filter((scope) => !reached.includes(scope))).toEqual(['clients:identify']);
  });

  it('drops what is no role', () => {
    expect(principalOf('eve', 'PERSON', ['constructor', 'root'], ['*']).scopes).toEqual([]);
  });
});

describe('the internal token', () => {
  it('carries the principal', async () => {
    expect(await verifyInternalToken(await signInternalToken(anna, secret), secret)).toEqual(anna);
    const service = servicePrincipal('gateway', ['clients:identify']);
    expect(await verifyInternalToken(await signInternalToken(service, secret), secret)).toEqual(service);
  });

  it('lives a minute at most', async () => {
    const { exp, iat } = decodeJwt(await signInternalToken(anna, secret, { lifeSeconds: 3_600 }));
    expect(exp! - iat!).toBe(internalTokenSecondsMax);
    const issued = new Date('2026-03-30T10:00:00Z');
    const token = await signInternalToken(anna, secret, { now: issued });
    expect(await verifyInternalToken(token, secret, { now: new Date('2026-03-30T10:00:59Z') })).toEqual(anna);
    expect(await verifyInternalToken(token, secret, { now: new Date('2026-03-30T10:02:00Z') })).toBeUndefined();
  });

  it('is believed under the old secret while both live', async () => {
    const token = await signInternalToken(anna, secret);
    expect(await verifyInternalToken(token, tokenSecretsFrom(`${newer},${secret}`))).toEqual(anna);
    expect(await verifyInternalToken(token, newer)).toBeUndefined();
  });

  it('is refused when it is long-lived, of another issuer, audience or algorithm, or changed', async () => {
    const key = new TextEncoder().encode(secret);
    const claims = { kind: 'PERSON', roles: ['admin'], scope: 'clients:manage', books: ['*'] };
    const base = () =>
      new SignJWT(claims).setSubject('eve').setIssuedAt().setExpirationTime('1m').setProtectedHeader({ alg: 'HS256' });
    const good = await base().setIssuer('northgate-gateway').setAudience('northgate-subgraph').sign(key);
    expect(await verifyInternalToken(good, secret)).toBeDefined();
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${good.split('.')[1]}.`;
    for (const token of [
      await base().setIssuer('other').setAudience('northgate-subgraph').sign(key),
      await base().setIssuer('northgate-gateway').setAudience('other').sign(key),
      await new SignJWT(claims)
        .setSubject('eve')
        .setIssuer('northgate-gateway')
        .setAudience('northgate-subgraph')
        .setIssuedAt(Math.floor(Date.now() / 1000) - 600)
        .setExpirationTime('1h')
        .setProtectedHeader({ alg: 'HS256' })
        .sign(key),
      `${good.slice(0, -4)}AAAA`,
      none,
      '',
    ]) {
      expect(await verifyInternalToken(token, secret)).toBeUndefined();
    }
  });

  it('needs a secret worth the name', () => {
    expect(() => tokenSecretsFrom('short')).toThrow('32');
    expect(() => tokenSecretsFrom(undefined)).toThrow('INTERNAL_TOKEN_SECRET');
    expect(bearerOf('Bearer abc.def')).toBe('abc.def');
    expect(bearerOf('Basic abc')).toBeUndefined();
  });
});

describe('API keys', () => {
  it('tell their role and are never twice the same', () => {
    const keys = Array.from({ length: 100 }, () => newApiKey('operations-approver'));
    expect(new Set(keys).size).toBe(100);
    expect(keys.every(isApiKey)).toBe(true);
    expect(['ngb_operations_x', 'ngb__'.padEnd(60, 'a'), 'abc'].some(isApiKey)).toBe(false);
    expect(hashApiKey(keys[0]!, '')).not.toBe(hashApiKey(keys[0]!, 'pepper'));
  });

  it('live in pairs while they are rotated', () => {
    const now = new Date('2026-03-30T10:00:00Z');
    const until = new Date('2026-03-31T10:00:00Z');
    const once = rotateSecret([{ keyHash: 'a' }], 'b', now, until);
    expect(once).toEqual([{ keyHash: 'b' }, { keyHash: 'a', expiresAt: until }]);
    expect(rotateSecret(once, 'c', now, until).map(({ keyHash }) => keyHash)).toEqual(['c', 'b']);
    expect(liveSecrets(once, until).map(({ keyHash }) => keyHash)).toEqual(['b']);
  });
});
