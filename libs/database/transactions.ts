import { Injectable, Logger } from '@nestjs/common';
import type pg from 'pg';
import { DataSource } from 'typeorm';
import { metrics } from '#libs/observability/index.js';
import { poolOf } from './data-source-options.js';
import { watchPgPool } from './sql-metrics.js';
import { together } from './together.js';
import { Tx } from './tx.js';

export type Isolation = 'read committed' | 'repeatable read' | 'serializable';

export interface TransactionOptions {
  /** Rows of which books are visible and may be written; the caller's own limit comes before it. */
  books?: readonly string[] | 'all';
  readOnly?: boolean;
  isolation?: Isolation;
  statementTimeoutMs?: number;
}

export interface TransactionSettings {
  statementTimeoutMs: number;
  /** A transaction whose caller forgot it holds locks: it is ended. */
  idleTimeoutMs: number;
  maxAttempts: number;
  /** Wait before attempt n+1: random × base × 2^(n-1). */
  retryBaseMs: number;
  random: () => number;
  delay: (ms: number) => Promise<void>;
}

export const defaultTransactionSettings: TransactionSettings = {
  statementTimeoutMs: 30_000,
  idleTimeoutMs: 60_000,
  maxAttempts: 6,
  retryBaseMs: 20,
  random: Math.random,
  delay: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

/** The work caught an error of the database and went on: nothing of it was kept. */
export class TransactionAborted extends Error {
  override readonly name = 'TransactionAborted';
}

/** Nothing was begun: every connection of the pool is in use and none came free in time. The same work may succeed later. */
export class NoConnectionFree extends Error {
  override readonly name = 'NoConnectionFree';
  readonly code = 'EPOOLEXHAUSTED';

  constructor(limit: number, waitedMs: number, options: ErrorOptions) {
    super(`none of the ${limit} connections of the pool came free in ${waitedMs / 1000} s`, options);
  }
}

/** serialization_failure and deadlock_detected: the same work may succeed when it is done again. */
const retryable = new Set(['40001', '40P01']);

export function sqlStateOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return 'driverError' in error ? sqlStateOf(error.driverError) : undefined;
}

/** The one way to the database: a transaction with its books, done again when Postgres asks for it. */
@Injectable()
export class Transactions {
  private readonly settings: TransactionSettings;
  private readonly logger = new Logger('Transactions');
  private opening: Promise<unknown> | undefined;
  private watched: pg.Pool | undefined;

  constructor(
    readonly dataSource: DataSource,
    settings: Partial<TransactionSettings> = {},
  ) {
    this.settings = { ...defaultTransactionSettings, ...settings };
  }

  /** The work may run more than once; what must happen once belongs in `tx.afterCommit`. */
  async run<T>(work: (tx: Tx) => Promise<T>, options: TransactionOptions = {}): Promise<T> {
    const begin = this.beginning(options);
    const pool = await this.pool();
    for (let attempt = 1; ; attempt += 1) {
      const end = metrics.sqlSeconds.startTimer();
      try {
        const result = await this.once(pool, begin, work);
        end({ outcome: 'committed' });
        return result;
      } catch (error) {
        const code = sqlStateOf(error) ?? '';
        end({ outcome: 'failed' });
        metrics.sqlErrors.inc({ code: knownCode(code) });
        if (!retryable.has(code) || attempt >= this.settings.maxAttempts) throw error;
        metrics.sqlRetries.inc({ code });
        await this.settings.delay(this.settings.random() * this.settings.retryBaseMs * 2 ** (attempt - 1));
      }
    }
  }

  private async once<T>(pool: pg.Pool, begin: string, work: (tx: Tx) => Promise<T>): Promise<T> {
    const client = await connectionOf(pool);
    const lost: { error?: Error } = {};
    const onError = (error: Error) => (lost.error = error);
    client.on('error', onError);
    const tx = new Tx(client, this.dataSource);
    let result: T;
    try {
      // What the work sends first travels with it, in one round trip.
      tx.withCommit(client.query(begin));
      result = await work(tx);
      tx.close();
      const committing = client.query('COMMIT');
      await together([...tx.underWay, committing]);
      const ended = await committing;
      if (ended.command === 'ROLLBACK') {
        throw new TransactionAborted(
          'a statement of the transaction failed and its error was not passed on; nothing was kept',
        );
      }
    } catch (error) {
      tx.close();
      await client
        .query('ROLLBACK')
        .catch((broken: unknown) => (lost.error ??= broken instanceof Error ? broken : new Error(String(broken))));
      throw error;
    } finally {
      client.off('error', onError);
      client.release(lost.error);
    }
    for (const then of tx.commitWork) {
      try {
        then();
      } catch (error) {
        // It is committed: the caller must not believe otherwise.
        this.logger.error('work after the commit failed', error instanceof Error ? error.stack : String(error));
      }
    }
    return result;
  }

  /** BEGIN and all settings in one round trip. */
  private beginning({ books = 'all', readOnly = false, isolation, statementTimeoutMs }: TransactionOptions): string {
    const list = books === 'all' ? '*' : books.map(checkedBook).join(',');
    const mode = `${isolation ? ` ISOLATION LEVEL ${isolationLevel(isolation)}` : ''}${readOnly ? ' READ ONLY' : ''}`;
    const timeout = Math.trunc(statementTimeoutMs ?? this.settings.statementTimeoutMs);
    return (
      `BEGIN${mode}; SELECT set_config('app.books', '${list}', true), set_config('statement_timeout', '${timeout}', true), ` +
      `set_config('idle_in_transaction_session_timeout', '${this.settings.idleTimeoutMs}', true)`
    );
  }

  private async pool(): Promise<pg.Pool> {
    if (!this.dataSource.isInitialized) {
      this.opening ??= this.dataSource.initialize();
      await this.opening;
    }
    const pool = poolOf(this.dataSource);
    if (pool !== this.watched) {
      this.watched = pool;
      const { applicationName } = this.dataSource.options as { applicationName?: string };
      watchPgPool(applicationName ?? 'database', pool);
    }
    return pool;
  }
}

/** pg-pool says the same of a full pool and of a server that does not answer; who waits for a connection must know which. */
async function connectionOf(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect();
  } catch (error) {
    const { max, connectionTimeoutMillis } = pool.options;
    const isFull = pool.totalCount >= max && pool.idleCount === 0;
    if (isFull && error instanceof Error && error.message === 'timeout exceeded when trying to connect')
      throw new NoConnectionFree(max, connectionTimeoutMillis ?? 0, { cause: error });
    throw error;
  }
}

/** A label takes few values: SQLSTATEs and the codes of Node's connections. */
const knownCode = (code: string) => (/^(?:[0-9A-Z]{5}|E[A-Z]{3,})$/.test(code) ? code : 'OTHER');

function isolationLevel(isolation: Isolation): string {
  switch (isolation) {
    case 'read committed':
      return 'READ COMMITTED';
    case 'repeatable read':
      return 'REPEATABLE READ';
    case 'serializable':
      return 'SERIALIZABLE';
  }
}

/** A book's name stands in the text of a statement and in a list with commas, and `*` would mean every book. */
function checkedBook(book: string): string {
  if (/^[A-Za-z0-9_.-]{1,64}$/.test(book)) return book;
  throw new Error(`"${book}" is no name of a book`);
}
