import pg from 'pg';
import { type DataSource, type DataSourceOptions } from 'typeorm';
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

/** A new session plans every function again, and its first batch takes a tenth of a second longer: lulls are slept through. */
const idleTimeoutMs = 10 * 60_000;

/**
 * A connection that breaks while it is lent out emits an error of its own, which ends the process unless it is heard.
 * The pool hears idle ones alone, and between its hand and the borrower's nobody listens: a server that is going down
 * accepts a session and ends it in the same packet. Whoever holds it learns of the loss from the next statement.
 */
class EnduringClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    this.on('error', () => undefined);
  }
}

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
    idleTimeoutMillis: idleTimeoutMs,
    keepAlive: true,
    types: typeParsers,
    pipeline: true,
    Client: EnduringClient,
  };
}

export const openPool = (settings: ConnectionSettings): pg.Pool => openLastingPool(poolConfig(settings));

/** Outlives its connections: one that breaks is replaced when the next is asked for. */
export function openLastingPool(config: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool({ ...config, Client: EnduringClient });
  pool.on('error', () => undefined);
  return pool;
}

/** TypeORM's own, once it is initialized. */
export const poolOf = (dataSource: DataSource): pg.Pool => (dataSource.driver as unknown as { master: pg.Pool }).master;

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
