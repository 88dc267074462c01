import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { DataSource } from 'typeorm';
import {
  dataSourceOptions,
  type RolePasswords,
  type ServiceRole,
  roleUrls,
  Transactions,
} from '#libs/database/index.js';
import { migrationPlan } from '#tools/migrate/catalogue.js';
import { migrateAll } from '#tools/migrate/migrate.js';
import { removeEmbeddedPostgres, startEmbeddedPostgres } from '#tools/postgres/embedded.js';
import { progress } from './harness.js';

export interface BenchDatabase {
  readonly ownerUrl: string;
  readonly urls: ReturnType<typeof roleUrls>;
  readonly owner: pg.Pool;
  transactions(role: ServiceRole, poolSize?: number): Transactions;
}

/** A Postgres of its own with the settings that the product ships with: what is committed is on disk. */
export async function withDatabase<Result>(
  services: readonly ServiceRole[],
  work: (database: BenchDatabase) => Promise<Result>,
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'northgate-bench-'));
  chmodSync(folder, 0o755);
  const dataDirectory = join(folder, 'postgres');
  progress('Starting a Postgres and migrating it …');
  const postgres = await startEmbeddedPostgres({ dataDirectory });
  const stopped = () => {
    void cleanUp().finally(() => process.exit(130));
  };
  const pools: pg.Pool[] = [];
  const dataSources: DataSource[] = [];
  const cleanUp = async () => {
    await Promise.all(pools.map((pool) => pool.end()));
    await Promise.all(dataSources.filter(({ isInitialized }) => isInitialized).map((one) => one.destroy()));
    await postgres.stop();
    removeEmbeddedPostgres(dataDirectory);
    rmSync(folder, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stopped);
  try {
    const passwords: RolePasswords = await migrateAll({
      ...(await migrationPlan(services)),
      ownerUrl: postgres.ownerUrl,
      dataDirectory: folder,
      mode: 'test',
      startsAt: '2026-11-25T09:00:00Z',
    });
    const urls = roleUrls(postgres.ownerUrl, passwords);
    const owner = new pg.Pool({ connectionString: postgres.ownerUrl, max: 4 });
    // `end` does not wait until its sockets are closed: the stop of Postgres may still end one, which is no fault.
    owner.on('error', () => undefined);
    pools.push(owner);
    return await work({
      ownerUrl: postgres.ownerUrl,
      urls,
      owner,
      transactions(role, poolSize = 8) {
        const dataSource = new DataSource(
          dataSourceOptions({ url: urls[role], applicationName: `bench ${role}`, poolSize }),
        );
        dataSources.push(dataSource);
        return new Transactions(dataSource);
      },
    });
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stopped);
    await cleanUp();
  }
}
