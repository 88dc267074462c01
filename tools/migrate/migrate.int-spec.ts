import { afterEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { baseMigrations, ensureRoles, newRolePasswords, RolesAreMissing } from '#libs/database/index.js';
import { createEmptyDatabase, type TestDatabase, testRolePasswords } from '#libs/testing/index.js';
import { migrationPlan } from './catalogue.js';
import { migrateCommand } from './command.js';
import { DatabaseIsNewer, migrateAll, type MigrateOptions } from './migrate.js';

class First20260101000001 implements MigrationInterface {
  name = 'First20260101000001';
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('CREATE TABLE thing (n int); INSERT INTO thing VALUES (1); GRANT SELECT ON thing TO settlement');
  }
  async down(): Promise<void> {
    await Promise.resolve();
  }
}

class Second20260101000002 implements MigrationInterface {
  name = 'Second20260101000002';
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('INSERT INTO settlement.thing VALUES (2)');
  }
  async down(): Promise<void> {
    await Promise.resolve();
  }
}

class Broken20260101000002 implements MigrationInterface {
  name = 'Broken20260101000002';
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('INSERT INTO settlement.thing VALUES (2)');
    await runner.query('SELECT 1 / 0');
  }
  async down(): Promise<void> {
    await Promise.resolve();
  }
}

const made: TestDatabase[] = [];
async function empty(): Promise<{
  database: TestDatabase;
  options: (...migrations: (new () => MigrationInterface)[]) => MigrateOptions;
}> {
  const database = await createEmptyDatabase();
  made.push(database);
  return {
    database,
    options: (...migrations) => ({
      ownerUrl: database.ownerUrl,
      passwords: testRolePasswords(),
      baseMigrations,
      extraMigrations: [],
      services: [{ name: 'settlement', migrations }],
    }),
  };
}

/** Everything that a migration could have changed. */
async function fingerprint(database: TestDatabase): Promise<string> {
  const { rows } = await database.pool('owner').query<{ state: string }>(`
    SELECT jsonb_build_object(
      'classes', (SELECT jsonb_agg(concat(oid, relname, relacl, relfilenode) ORDER BY oid) FROM pg_class),
      'functions', (SELECT jsonb_agg(concat(oid, proname, proacl) ORDER BY oid) FROM pg_proc),
      'schemas', (SELECT jsonb_agg(concat(oid, nspname, nspacl) ORDER BY oid) FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp')
    )::text AS state`);
  return rows[0]?.state ?? '';
}

afterEach(async () => {
  for (const database of made.splice(0)) await database.drop();
});

describe('the migrate step', () => {
  it('run twice changes nothing the second time', async () => {
    const { database, options } = await empty();
    await migrateAll(options(First20260101000001, Second20260101000002));
    const before = await fingerprint(database);
    await migrateAll(options(First20260101000001, Second20260101000002));
    expect(await fingerprint(database)).toBe(before);
    expect((await database.pool('settlement').query('SELECT n FROM thing ORDER BY n')).rows).toEqual([
      { n: 1 },
      { n: 2 },
    ]);
  });

  it('run by two at once is done once', async () => {
    const { database, options } = await empty();
    await Promise.all([
      migrateAll(options(First20260101000001)),
      migrateAll(options(First20260101000001)),
      migrateAll(options(First20260101000001)),
    ]);
    expect((await database.pool('settlement').query('SELECT n FROM thing')).rows).toEqual([{ n: 1 }]);
  });

  it('keeps what went before a migration that fails, and nothing of it', async () => {
    const { database, options } = await empty();
    await expect(migrateAll(options(First20260101000001, Broken20260101000002))).rejects.toThrow(
      /schema settlement failed.*division by zero/,
    );
    expect((await database.pool('settlement').query('SELECT n FROM thing')).rows).toEqual([{ n: 1 }]);
    await migrateAll(options(First20260101000001, Second20260101000002));
    expect((await database.pool('settlement').query('SELECT n FROM thing ORDER BY n')).rows).toEqual([
      { n: 1 },
      { n: 2 },
    ]);
  });

  it('refuses a database that a newer version migrated, before it touches anything', async () => {
    const { database, options } = await empty();
    await migrateAll(options(First20260101000001, Second20260101000002));
    const before = await fingerprint(database);
    const refused = migrateAll(options(First20260101000001));
    await expect(refused).rejects.toThrow(DatabaseIsNewer);
    await expect(refused).rejects.toMatchObject({ unknownMigrations: ['settlement.Second20260101000002'] });
    expect(await fingerprint(database)).toBe(before);
  });

  it('fixes what the installation is for, once', async () => {
    const { options } = await empty();
    await migrateAll({ ...options(), mode: 'sample' });
    await migrateAll({ ...options(), mode: 'sample' });
    await expect(migrateAll({ ...options(), mode: 'production' })).rejects.toThrow(/sample installation/);
  });

  it('gives an administrator the SQL when the owner may not create roles, without a password in it', async () => {
    const { database } = await empty();
    await database
      .pool('owner')
      .query(
        `CREATE ROLE plain_${database.name} LOGIN PASSWORD 'x'; GRANT CONNECT ON DATABASE ${database.name} TO plain_${database.name}`,
      );
    const url = new URL(database.ownerUrl);
    url.username = `plain_${database.name}`;
    url.password = 'x';
    const plain = new pg.Client(url.toString());
    await plain.connect();
    try {
      const passwords = newRolePasswords();
      // Other passwords than those of the cluster, so that every role would have to be changed.
      const error = await ensureRoles(plain, passwords, database.ownerUrl).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(RolesAreMissing);
      const { sql, message } = error as RolesAreMissing;
      for (const role of ['migrate', 'settlement', 'accounting', 'compliance', 'queue', 'verify'])
        expect(sql).toContain(`ROLE "${role}"`);
      for (const password of Object.values(passwords)) expect(message).not.toContain(password);
    } finally {
      await plain.end();
      await database.pool('owner').query(`DROP OWNED BY plain_${database.name}; DROP ROLE plain_${database.name}`);
    }
  });

  it('needs no superuser where the roles are there', async () => {
    const { database, options } = await empty();
    const name = `dba_${database.name}`;
    await database
      .pool('owner')
      .query(`CREATE ROLE ${name} LOGIN PASSWORD 'x'; ALTER DATABASE ${database.name} OWNER TO ${name}`);
    const url = new URL(database.ownerUrl);
    url.username = name;
    url.password = 'x';
    try {
      const asOwner = (...migrations: (new () => MigrationInterface)[]) => ({
        ...options(...migrations),
        ownerUrl: url.toString(),
        mode: 'production' as const,
      });
      await migrateAll(asOwner(First20260101000001, Second20260101000002));
      await migrateAll(asOwner(First20260101000001, Second20260101000002));
      await expect(migrateAll(asOwner(First20260101000001))).rejects.toThrow(DatabaseIsNewer);
      expect(
        (await database.pool('settlement').query('SELECT n, kernel.now() > now() AS runs FROM thing ORDER BY n')).rows,
      ).toEqual([
        { n: 1, runs: true },
        { n: 2, runs: true },
      ]);
    } finally {
      await database
        .pool('owner')
        .query(`REASSIGN OWNED BY ${name} TO owner; DROP OWNED BY ${name}; DROP ROLE ${name}`);
    }
  });

  it('says of an address that leads nowhere what is wrong and what to do, without the password or a stack', async () => {
    const { database } = await empty();
    const refused = async (change: (url: URL) => void, mode = 'production') => {
      const url = new URL(database.ownerUrl);
      url.password ||= 'hunter2';
      change(url);
      const said: string[] = [];
      const code = await migrateCommand(
        { DATABASE_URL: url.toString(), INSTALLATION_MODE: mode, ROLE_PASSWORDS_FILE: '/nowhere/passwords.json' },
        (text) => said.push(text),
      );
      expect(code).toBe(2);
      expect(said.join('\n')).not.toMatch(/\n\s+at |hunter2/);
      return said.join('\n');
    };
    expect(await refused((url) => (url.port = '1'))).toContain('Nothing answers at');
    expect(await refused((url) => (url.pathname = '/no_such'))).toContain('CREATE DATABASE "no_such"');
    expect(await refused((url) => (url.username = 'nobody'))).toContain('refuses the user nobody');
    expect(await refused((url) => (url.protocol = 'mysql:'))).toContain('DATABASE_URL: is no Postgres address');
    expect(await refused(() => undefined, 'demo')).toContain('INSTALLATION_MODE');
    const said: string[] = [];
    expect(await migrateCommand({}, (text) => said.push(text))).toBe(2);
    expect(said.join()).toMatch(/DATABASE_URL: is not set[^]*ROLE_PASSWORDS_FILE: is not set/);
  });

  it('finds the migrations of the libraries and of the services', async () => {
    const plan = await migrationPlan();
    expect(plan.services.map(({ name }) => name)).toEqual(['settlement', 'accounting', 'compliance']);
    expect(plan.extraMigrations.map(({ name }) => name)).toEqual(['messaging']);
    for (const { migrations } of plan.services)
      expect(migrations.map(({ name }) => name)).toContain('AuditLeaf20261101000300');
  });
});
