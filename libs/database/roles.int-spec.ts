import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '#libs/testing/index.js';
import { type DatabaseRole, databaseRoles } from './index.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await database.pool('migrate').query(`
    CREATE TABLE settlement.secret (n int);
    INSERT INTO settlement.secret VALUES (7);
    GRANT SELECT, INSERT ON settlement.secret TO settlement;
  `);
});
afterAll(() => database.drop());

const as = (role: DatabaseRole, sql: string) => database.pool(role).query(sql);

describe('roles', () => {
  it('a service reads its own tables, by their plain name too', async () => {
    expect((await as('settlement', 'SELECT n FROM secret')).rows).toEqual([{ n: 7 }]);
  });

  it.each(['accounting', 'compliance', 'queue'] as const)('%s cannot reach a table of settlement', async (role) => {
    await expect(as(role, 'SELECT n FROM settlement.secret')).rejects.toThrow(
      /permission denied for schema settlement/,
    );
  });

  it('verify reads the tables of all, those made later too, and writes none', async () => {
    expect((await as('verify', 'SELECT n FROM settlement.secret')).rows).toEqual([{ n: 7 }]);
    await expect(as('verify', 'INSERT INTO settlement.secret VALUES (8)')).rejects.toThrow(/read-only transaction/);
    await expect(as('verify', 'BEGIN READ WRITE; INSERT INTO settlement.secret VALUES (8); COMMIT')).rejects.toThrow(
      /permission denied/,
    );
  });

  const makers = databaseRoles.filter((role) => role !== 'migrate');
  it.each(
    makers.flatMap((role) =>
      ['settlement', 'accounting', 'compliance', 'messaging', 'kernel', 'public'].map(
        (schema) => [role, schema] as const,
      ),
    ),
  )('%s makes no table in %s', async (role, schema) => {
    await expect(as(role, `BEGIN READ WRITE; CREATE TABLE ${schema}.mine (n int); COMMIT`)).rejects.toThrow(
      /permission denied/,
    );
  });

  it.each(makers)('%s makes no schema, no role, and no temporary table but for the queue', async (role) => {
    await expect(as(role, 'BEGIN READ WRITE; CREATE SCHEMA mine')).rejects.toThrow(/permission denied/);
    // BullMQ takes in a large batch of jobs through a temporary table.
    const making = as(role, 'BEGIN READ WRITE; CREATE TEMPORARY TABLE mine (n int)');
    await (role === 'queue' ? making : expect(making).rejects.toThrow(/permission denied/));
    await expect(as(role, 'BEGIN READ WRITE; CREATE ROLE mine')).rejects.toThrow(/permission denied/);
    await expect(as(role, 'SET ROLE migrate')).rejects.toThrow(/permission denied/);
  });

  it('no role but verify passes row-level security by, and none is a superuser', async () => {
    const { rows } = await database
      .pool('owner')
      .query(
        'SELECT rolname FROM pg_roles WHERE rolname = ANY ($1) AND (rolbypassrls OR rolsuper OR rolcreaterole OR rolcreatedb)',
        [databaseRoles],
      );
    expect(rows).toEqual([{ rolname: 'verify' }]);
  });

  it("works in the queue's schema as queue, sequences included", async () => {
    await as('queue', 'CREATE SEQUENCE bullmq.made_at_run_time');
    expect((await as('queue', 'SELECT count(*)::int AS jobs FROM job')).rows).toEqual([{ jobs: 0 }]);
  });
});
