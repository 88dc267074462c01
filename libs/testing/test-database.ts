import { randomBytes } from 'node:crypto';
import { join, relative } from 'node:path';
import { expect } from '@jest/globals';
import pg from 'pg';
import { DataSource } from 'typeorm';
import {
  dataSourceOptions,
  openPool,
  readOrMakeRolePasswords,
  roleUrl,
  serviceRoles,
  Transactions,
  type DatabaseRole,
  type ServiceRole,
  type TransactionSettings,
} from '#libs/database/index.js';
import { migrationPlan } from '#tools/migrate/catalogue.js';
import { grantDatabase, type InstallationMode, migrateAll } from '#tools/migrate/migrate.js';
import { waitFor } from './wait-for.js';

export interface TestDatabaseOptions {
  /**
   * Whose tables are made, beside those of the libraries, which are in every schema. When absent: for a test of a
   * service its own, for a test of a library none, else all.
   */
  services?: readonly ServiceRole[];
  mode?: InstallationMode;
  /** Where the clock stands at first. */
  startsAt?: string;
}

/** A database of its own for one test file, migrated, empty. */
export interface TestDatabase {
  readonly name: string;
  readonly ownerUrl: string;
  urlFor(role: DatabaseRole): string;
  /** One pool for each role, closed by `drop`. */
  pool(role: DatabaseRole | 'owner'): pg.Pool;
  transactions(role: DatabaseRole, settings?: Partial<TransactionSettings>): Transactions;
  /** Cuts every connection of the role and lets none in until `letIn`. */
  lockOut(role: DatabaseRole): Promise<void>;
  letIn(role: DatabaseRole): Promise<void>;
  /** Sets the business clock, backwards too. */
  setClock(instant: string): Promise<void>;
  drop(): Promise<void>;
}

const defaultStart = '2026-01-05T07:00:00Z';
const templateLock = '7240118240337212';
const poolSize = 10;

function clusterUrl(): string {
  const url = process.env.TEST_POSTGRES_URL;
  if (url === undefined) throw new Error('no Postgres for tests: only *.int-spec.ts and *.e2e-spec.ts have one');
  return url;
}

export function testRolePasswords() {
  return readOrMakeRolePasswords(join(process.env.TEST_POSTGRES_DIRECTORY ?? '', 'role-passwords.json'));
}

function urlOf(name: string): string {
  const url = new URL(clusterUrl());
  url.pathname = `/${name}`;
  return url.toString();
}

async function asOwner<T>(work: (client: pg.Client) => Promise<T>, url = clusterUrl()): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: 'test' });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function servicesOfTest(): readonly ServiceRole[] {
  const path = relative(join(import.meta.dirname, '..', '..'), expect.getState().testPath ?? '').replaceAll('\\', '/');
  if (path.startsWith('libs/')) return [];
  const own = serviceRoles.find((name) => path.startsWith(`apps/${name}/`));
  return own ? [own] : serviceRoles;
}

/** Migrated once for a run of Jest, by the first test that needs it; the others wait and copy it. */
async function template(services: readonly ServiceRole[]): Promise<string> {
  const name = ['template', ...[...services].sort()].join('_');
  await asOwner(async (client) => {
    const exists = async () =>
      (await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name])).rowCount === 1;
    if (await exists()) return;
    await client.query('SELECT pg_advisory_lock($1)', [templateLock]);
    if (await exists()) return;
    const building = `building_${name}`;
    await client.query(`DROP DATABASE IF EXISTS ${building} WITH (FORCE)`);
    await client.query(`CREATE DATABASE ${building}`);
    await migrateAll({ ...(await migrationPlan(services)), ownerUrl: urlOf(building), passwords: testRolePasswords() });
    await client.query(`ALTER DATABASE ${building} RENAME TO ${name}`);
  });
  return name;
}

/** An empty database without any schema, for tests of the migrate step itself. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  return make(undefined);
}

export async function createTestDatabase({
  services = servicesOfTest(),
  mode = 'test',
  startsAt = defaultStart,
}: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const database = await make(await template(services));
  await asOwner(async (client) => {
    await grantDatabase(client);
    await client.query('SELECT kernel.fix_installation($1, $2)', [mode, startsAt]);
  }, database.ownerUrl);
  return database;
}

async function make(from: string | undefined): Promise<TestDatabase> {
  const name = `test_${process.env.JEST_WORKER_ID ?? '0'}_${randomBytes(6).toString('hex')}`;
  await asOwner(async (client) => {
    await client.query(`CREATE DATABASE ${name} ${from === undefined ? '' : `TEMPLATE ${from}`}`);
  });
  const ownerUrl = urlOf(name);
  const passwords = testRolePasswords();
  const urlFor = (role: DatabaseRole) => roleUrl(ownerUrl, role, passwords[role]);
  const pools = new Map<string, pg.Pool>();
  const dataSources: DataSource[] = [];
  const setInstant = async (client: pg.Client, instant: string) => {
    await client.query('UPDATE kernel.clock SET instant = $1', [instant]);
  };
  const isCut = async (client: pg.Client, role: DatabaseRole) => {
    // One that was being made when the role was locked out has no name yet, and is waited for.
    const { rows } = await client.query<{ n: number }>(
      `SELECT count(CASE WHEN usename IS NULL THEN true ELSE pg_terminate_backend(pid) END)::int AS n FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND (usename = $1 AND datname = current_database() OR usename IS NULL)`,
      [role],
    );
    return rows[0]?.n === 0;
  };
  return {
    name,
    ownerUrl,
    urlFor,
    lockOut: (role) =>
      asOwner(async (client) => {
        await client.query(`REVOKE CONNECT ON DATABASE ${name} FROM ${role}`);
        await waitFor(async () => (await isCut(client, role)) && (await isCut(client, role)), {
          what: `the end of the connections of ${role}`,
        });
      }, ownerUrl),
    letIn: (role) =>
      asOwner(async (client) => {
        await client.query(`GRANT CONNECT ON DATABASE ${name} TO ${role}`);
      }, ownerUrl),
    pool(role) {
      const known = pools.get(role);
      if (known) return known;
      const pool = openPool({
        url: role === 'owner' ? ownerUrl : urlFor(role),
        applicationName: `test ${role}`,
        poolSize,
      });
      pools.set(role, pool);
      return pool;
    },
    transactions(role, settings) {
      const dataSource = new DataSource(
        dataSourceOptions({ url: urlFor(role), applicationName: `test ${role}`, poolSize }),
      );
      dataSources.push(dataSource);
      return new Transactions(dataSource, settings);
    },
    setClock: (instant) => asOwner((client) => setInstant(client, instant), ownerUrl),
    async drop() {
      await Promise.all([...pools.values()].map((pool) => pool.end()));
      await Promise.all(
        dataSources.filter(({ isInitialized }) => isInitialized).map((dataSource) => dataSource.destroy()),
      );
      await asOwner(async (client) => {
        await client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
      });
    },
  };
}
