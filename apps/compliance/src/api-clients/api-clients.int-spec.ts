import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { hashApiKey } from '#libs/auth/index.js';
import { ComplianceConfig } from '../compliance.config.js';
import { complianceUnderTest, type ComplianceUnderTest } from '../testing/compliance-under-test.js';
import { ApiClientsRepository } from './api-clients.repository.js';
import { ApiClients } from './api-clients.service.js';

describe('API clients', () => {
  let compliance: ComplianceUnderTest;
  beforeAll(async () => {
    compliance = await complianceUnderTest();
  });
  afterAll(() => compliance.database.drop());
  const subjectOf = async (key: string) => (await compliance.apiClients.identify(hashApiKey(key)))?.subject;
  const rotate = (hours: number) =>
    compliance.run((tx) => compliance.apiClients.rotate(tx, 'acme.feed', hours, 'admin'));

  it('are known by the hash of a key that is never stored, two secrets at most', async () => {
    const client = { subject: 'acme.feed', kind: 'MACHINE' as const, roles: ['partner'], books: ['NGEU'] };
    const first = (await compliance.run((tx) => compliance.apiClients.create(tx, client, 'admin'))).key!;
    expect(await subjectOf(first)).toBe('acme.feed');
    expect(await subjectOf(`${first.slice(0, -1)}x`)).toBeUndefined();
    const second = (await rotate(1)).key!;
    expect([await subjectOf(first), await subjectOf(second)]).toEqual(['acme.feed', 'acme.feed']);
    const third = (await rotate(1)).key!;
    expect([await subjectOf(first), await subjectOf(second), await subjectOf(third)]).toEqual([
      undefined,
      'acme.feed',
      'acme.feed',
    ]);
    const fourth = (await rotate(0)).key!;
    expect([await subjectOf(third), await subjectOf(fourth)]).toEqual([undefined, 'acme.feed']);
    const { rows } = await compliance.database.pool('owner').query('SELECT * FROM compliance.api_client_secret');
    expect(JSON.stringify(rows)).not.toContain(fourth);
  });

  it('are revoked for good', async () => {
    const key = (await rotate(1)).key!;
    await compliance.run((tx) => compliance.apiClients.revoke(tx, 'acme.feed', 'left', 'admin'));
    expect(await subjectOf(key)).toBeUndefined();
    expect((await rotate(1)).problems.map(({ code }) => code)).toEqual(['CLIENT_REVOKED']);
  });

  it('have roles that exist, and a subject of their own', async () => {
    const create = (subject: string, roles: string[]) =>
      compliance.run((tx) =>
        compliance.apiClients.create(tx, { subject, kind: 'PERSON', roles, books: ['*'] }, 'admin'),
      );
    expect((await create('zoe', ['emperor'])).problems.map(({ code }) => code)).toEqual(['UNKNOWN_ROLE']);
    expect((await create('acme.feed', ['partner'])).problems.map(({ code }) => code)).toEqual(['SUBJECT_TAKEN']);
  });

  it('of the seed exist in a sample installation, seeded again without harm, and never elsewhere', async () => {
    const seeded = (keyHash: string) =>
      JSON.stringify([{ subject: 'demo-admin', kind: 'PERSON', roles: ['admin'], books: ['NGEU', 'NGUS'], keyHash }]);
    const boot = (config: Partial<ComplianceConfig>) =>
      new ApiClients(
        new ApiClientsRepository(),
        compliance.transactions,
        compliance.audit,
        new ComplianceConfig(config),
      ).onApplicationBootstrap();
    await boot({ isSampleInstallation: true, apiClientsSeed: seeded('a'.repeat(64)) });
    await boot({ isSampleInstallation: true, apiClientsSeed: seeded('a'.repeat(64)) });
    await boot({ isSampleInstallation: true, apiClientsSeed: seeded('b'.repeat(64)) });
    expect(await compliance.apiClients.identify('a'.repeat(64))).toBeUndefined();
    expect(await compliance.apiClients.identify('b'.repeat(64))).toMatchObject({
      subject: 'demo-admin',
      roles: ['admin'],
    });
    await expect(boot({ apiClientsSeed: seeded('c'.repeat(64)) })).rejects.toThrow(/sample installations only/);
    await boot({});
  });
});
