import pg from 'pg';
import { type DataSourceOptions } from 'typeorm';
import { typeParsers } from './types.js';

export interface ConnectionSettings {
  url: string;
  /** Shown in pg_stat_activity. */
  applicationName: string;
  poolSize: number;
  /** How long to wait for a free connection before the caller is told. */
  connectTimeoutMs?: number;
}

const connectTimeoutMs = 15_000;

/** One way to open a pool, with and without TypeORM, so that values come back the same. */
export function poolConfig({
  url,
  applicationName,
  poolSize,
  connectTimeoutMs: timeout = connectTimeoutMs,
}: ConnectionSettings): pg.PoolConfig {
  return {
    connectionString: url,
    application_name: applicationName,
    max: poolSize,
    connectionTimeoutMillis: timeout,
    keepAlive: true,
    types: typeParsers,
    pipeline: true,
  };
}

export const openPool = (settings: ConnectionSettings): pg.Pool =>
  surviveLostConnections(new pg.Pool(poolConfig(settings)));

/**
 * A connection that breaks is replaced when the next one is asked for. The pool speaks for idle ones alone: one that
 * is lent out and breaks between two statements emits an error of its own, which ends the process unless it is heard.
 * Whoever holds it learns of the loss from the next statement.
 */
export function surviveLostConnections(pool: pg.Pool): pg.Pool {
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

export function dataSourceOptions(settings: ConnectionSettings): DataSourceOptions {
  const { connectionString, application_name, max, ...extra } = poolConfig(settings);
  return {
    type: 'postgres',
    url: connectionString,
    applicationName: application_name,
    poolSize: max,
    extra,
    installExtensions: false,
    synchronize: false,
    migrationsRun: false,
    logging: false,
  };
}
