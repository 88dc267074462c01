import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { hashApiKey } from '#libs/auth/index.js';
import { newRolePasswords } from '#libs/database/index.js';
import { testRolePasswords } from '#libs/testing/index.js';
import { createApiClientAsOwner } from './owner-command.js';
import { complianceUnderTest, type ComplianceUnderTest } from './testing/compliance-under-test.js';

describe('the first API client', () => {
  let compliance: ComplianceUnderTest;
  let folder: string;
  const file = (name: string, passwords: object) => {
    writeFileSync(join(folder, name), JSON.stringify(passwords), { mode: 0o600 });
    return join(folder, name);
  };
  beforeAll(async () => {
    compliance = await complianceUnderTest();
    folder = mkdtempSync(join(tmpdir(), 'owner-command-'));
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await compliance.database.drop();
  });

  async function command(parameters: string[], environment: NodeJS.ProcessEnv = {}) {
    const answers: string[] = [];
    const said: string[] = [];
    const code = await createApiClientAsOwner(
      parameters,
      {
        DATABASE_URL: compliance.database.ownerUrl,
        ROLE_PASSWORDS_FILE: file('right.json', testRolePasswords()),
        ...environment,
      },
      { answer: (text) => answers.push(text), say: (text) => said.push(text) },
    );
    return { code, answers, said: said.join('\n') };
  }
  const by = ['--by', 'Ann Smith', '--reason', 'first administrator'];
  const clients = () =>
    compliance.database
      .pool('owner')
      .query<{ subject: string }>('SELECT subject FROM compliance.api_client ORDER BY 1');

  it('is refused to everyone but the owner of the database, and leaves nothing', async () => {
    for (const role of ['compliance', 'migrate', 'verify'] as const) {
      const { code, answers, said } = await command(['--subject', 'ann', ...by], {
        DATABASE_URL: compliance.database.urlFor(role),
      });
      expect({ code, answers }).toEqual({ code: 2, answers: [] });
      expect(said).toContain(`${role} does not own the database`);
    }
    expect((await clients()).rows).toEqual([]);
  });

  it('says what is missing or wrong', async () => {
    const said = async (parameters: string[], environment?: NodeJS.ProcessEnv) => {
      const { code, answers, said: text } = await command(parameters, environment);
      expect({ code, answers }).toEqual({ code: 2, answers: [] });
      return text;
    };
    expect(await said(['--subject', 'ann', '--by', 'Ann Smith'])).toContain('--reason is missing');
    expect(await said(['--subject', 'Ann!', ...by])).toContain('--subject');
    expect(await said(['--subject', 'ann', '--emperor', ...by])).toContain('--emperor');
    expect(await said(['--subject', 'ann', ...by], { DATABASE_URL: '' })).toContain('DATABASE_URL: is not set');
    expect(await said(['--subject', 'ann', ...by], { ROLE_PASSWORDS_FILE: '/nowhere' })).toContain(
      'ROLE_PASSWORDS_FILE',
    );
    expect(
      await said(['--subject', 'ann', ...by], { ROLE_PASSWORDS_FILE: file('wrong.json', newRolePasswords()) }),
    ).toContain('not the one of this database');
    expect(await said(['--subject', 'ann', ...by], { DATABASE_URL: 'postgres://a:b@127.0.0.1:1/x' })).toContain(
      'Nothing answers at 127.0.0.1:1',
    );
    expect((await clients()).rows).toEqual([]);
  });

  it('is made once, with a key that is shown and not stored, and on record with person and reason', async () => {
    const both = await Promise.all([
      command(['--subject', 'ann', ...by]),
      command(['--subject', 'bob', '--by', 'Bob', '--reason', 'me too']),
    ]);
    expect(both.map(({ code }) => code).sort()).toEqual([0, 1]);
    const made = both.find(({ code }) => code === 0)!;
    const refused = both.find(({ code }) => code === 1)!;
    expect(refused).toMatchObject({ answers: [], said: expect.stringContaining('ADMINISTRATOR_EXISTS') });
    expect(made.answers).toEqual([expect.stringMatching(/^ngb_admin_/)]);
    const key = made.answers[0]!;
    expect(made.said).not.toContain(key);
    const client = await compliance.apiClients.identify(hashApiKey(key));
    expect(client).toMatchObject({ roles: ['admin'], books: ['*'], kind: 'PERSON' });
    const { rows: leaves } = await compliance.database
      .pool('owner')
      .query(`SELECT principal, reason, object_id FROM compliance.audit_leaf WHERE action = 'api-client.created'`);
    expect(leaves).toEqual([
      {
        object_id: client!.subject,
        principal: expect.stringMatching(/^database-owner:\S+ \((Ann Smith|Bob)\)$/),
        reason: expect.stringMatching(/first administrator|me too/),
      },
    ]);
    const { rows: stored } = await compliance.database
      .pool('owner')
      .query('SELECT * FROM compliance.api_client_secret');
    expect(JSON.stringify(stored)).not.toContain(key);
  });

  it('is followed by another only when the keys are lost, or when nobody is left who could make one', async () => {
    const next = ['--subject', 'carol', '--by', 'Carol', '--reason', 'laptop stolen'];
    expect((await command(next)).code).toBe(1);
    const recovered = await command([...next, '--recover', '--role', 'admin', '--role', 'auditor', '--book', 'NGEU']);
    expect(recovered.code).toBe(0);
    expect(await compliance.apiClients.identify(hashApiKey(recovered.answers[0]!))).toMatchObject({
      subject: 'carol',
      roles: ['admin', 'auditor'],
      books: ['NGEU'],
    });
    for (const { subject } of (await clients()).rows)
      await compliance.run((tx) => compliance.apiClients.revoke(tx, subject, 'left', 'carol'));
    expect((await command(['--subject', 'dave', '--by', 'Dave', '--reason', 'all left'])).code).toBe(0);
    expect((await command(['--subject', 'ann.x', '--role', 'emperor', '--recover', ...by])).said).toContain(
      'UNKNOWN_ROLE',
    );
  });
});
