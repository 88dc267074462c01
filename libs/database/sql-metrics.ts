import type pg from 'pg';
import { metrics, watchPool } from '#libs/observability/index.js';

const kinds = new Set(['select', 'insert', 'update', 'delete', 'with']);

/** What kind of statement a text is: few names, so that a metric has few series. */
export function statementKind(sql: string): string {
  const first = /^\s*(?:--[^\n]*\n\s*)*([a-z]+)/i.exec(sql)?.[1]?.toLowerCase() ?? '';
  // Work that the database does behind one of its functions is not reading: `SELECT messaging.add(…)`.
  if (first === 'select' && /^\s*select\s+(?:[\w",\s]+\s+from\s+)?\w+\.\w+\s*\(/i.test(sql)) return 'call';
  return kinds.has(first) ? first : 'other';
}

/** Runs a statement and keeps how long it took, a failed one too. */
export async function observeStatement<T>(sql: string, run: () => Promise<T>): Promise<T> {
  const end = metrics.sqlStatementSeconds.startTimer({ statement: statementKind(sql) });
  try {
    const result = await run();
    end({ outcome: 'done' });
    return result;
  } catch (error) {
    end({ outcome: 'failed' });
    throw error;
  }
}

export function watchPgPool(name: string, pool: pg.Pool): () => void {
  return watchPool(name, () => ({
    used: pool.totalCount - pool.idleCount,
    idle: pool.idleCount,
    waiting: pool.waitingCount,
    limit: pool.options.max,
  }));
}
