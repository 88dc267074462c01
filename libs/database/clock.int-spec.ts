import { afterEach, describe, expect, it } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '#libs/testing/index.js';
import { databaseRoles } from './index.js';

const made: TestDatabase[] = [];
async function inMode(mode: 'production' | 'sample' | 'test'): Promise<TestDatabase> {
  const database = await createTestDatabase({ mode, startsAt: '2026-11-25T06:00:00Z' });
  made.push(database);
  return database;
}
afterEach(async () => {
  for (const database of made.splice(0)) await database.drop();
});

async function clockOf(database: TestDatabase): Promise<{ now: Date; differs_by_seconds: string }> {
  const { rows } = await database
    .pool('settlement')
    .query<{ now: Date; differs_by_seconds: string }>(
      'SELECT kernel.now() AS now, abs(extract(epoch FROM kernel.now() - clock_timestamp()))::numeric AS differs_by_seconds',
    );
  return rows[0]!;
}

describe('kernel.now()', () => {
  it('stands still in a sample installation until it is set, and is set forwards only', async () => {
    const database = await inMode('sample');
    expect((await clockOf(database)).now.toISOString()).toBe('2026-11-25T06:00:00.000Z');
    await database.pool('owner').query("SELECT kernel.set_clock('2026-11-25T07:10:00Z')");
    expect((await clockOf(database)).now.toISOString()).toBe('2026-11-25T07:10:00.000Z');
    await expect(database.pool('owner').query("SELECT kernel.set_clock('2026-11-25T07:09:59Z')")).rejects.toThrow(
      /does not go back/,
    );
    await expect(database.pool('owner').query("SELECT kernel.set_clock('infinity')")).rejects.toThrow(
      /check constraint/,
    );
    await expect(database.pool('owner').query('SELECT kernel.set_clock(NULL)')).rejects.toThrow(/does not go back/);
  });

  it('is set by no role but the owner, not even in a sample installation', async () => {
    const database = await inMode('sample');
    const attempts = [
      "SELECT kernel.set_clock('2026-12-01')",
      "UPDATE kernel.clock SET instant = '2026-12-01'",
      'DELETE FROM kernel.clock',
      "CREATE OR REPLACE FUNCTION kernel.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT '2026-12-01'::timestamptz $$",
      'ALTER SCHEMA kernel RENAME TO other',
    ];
    for (const role of databaseRoles) {
      for (const attempt of attempts) {
        await expect(database.pool(role).query(`BEGIN READ WRITE; ${attempt}; COMMIT`)).rejects.toThrow(
          /permission denied|must be owner/,
        );
      }
    }
    expect((await clockOf(database)).now.toISOString()).toBe('2026-11-25T06:00:00.000Z');
  });

  it('is the system clock in production, whatever anybody writes', async () => {
    const database = await inMode('production');
    const owner = database.pool('owner');
    expect(Number((await clockOf(database)).differs_by_seconds)).toBeLessThan(5);
    await expect(owner.query("SELECT kernel.set_clock('2030-01-01')")).rejects.toThrow(/is the system clock/);
    await expect(
      owner.query("INSERT INTO kernel.clock (mode, instant) VALUES ('production', '2030-01-01')"),
    ).rejects.toThrow(/check constraint/);
    await expect(
      owner.query("INSERT INTO kernel.clock (mode, instant) VALUES ('sample', '2030-01-01')"),
    ).rejects.toThrow(/foreign key/);
    await expect(owner.query("UPDATE kernel.installation SET mode = 'sample'")).rejects.toThrow(/is fixed/);
    await expect(owner.query('DELETE FROM kernel.installation')).rejects.toThrow(/is fixed/);
    await expect(owner.query('TRUNCATE kernel.installation CASCADE')).rejects.toThrow(/is fixed/);
    await expect(owner.query("SELECT kernel.fix_installation('sample')")).rejects.toThrow(/duplicate key/);
    for (const role of databaseRoles) {
      await expect(
        database.pool(role).query("BEGIN READ WRITE; SELECT kernel.fix_installation('sample'); COMMIT"),
      ).rejects.toThrow(/permission denied/);
    }
    expect(Number((await clockOf(database)).differs_by_seconds)).toBeLessThan(5);
  });

  it('goes wherever a test wants it', async () => {
    const database = await inMode('test');
    await database.setClock('2020-02-29T12:00:00Z');
    expect((await clockOf(database)).now.toISOString()).toBe('2020-02-29T12:00:00.000Z');
  });
});
