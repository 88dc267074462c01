import { createServer } from 'node:net';
import { Redis } from 'ioredis';
import pg from 'pg';

/** Something outside is not as it must be; the message says what to do. */
export class PreflightError extends Error {
  override readonly name = 'PreflightError';
}

const connectTimeoutMs = 10_000;
const oldestPostgres = 17;

/** Looks at everything outside before anything is started, so that a wrong setting leaves nothing half done. */
export async function preflight(port: number, environment: NodeJS.ProcessEnv = process.env): Promise<void> {
  const found = await Promise.allSettled([
    port === 0 ? undefined : portIsFree(port),
    environment.DATABASE_URL ? databaseAnswers(environment.DATABASE_URL) : undefined,
    environment.QUEUE_URL ? redisKeepsJobs(environment.QUEUE_URL) : undefined,
  ]);
  const faults = found.filter((one) => one.status === 'rejected').map(({ reason }) => reason as Error);
  const unknown = faults.find((fault) => !(fault instanceof PreflightError));
  if (unknown) throw unknown;
  if (faults.length > 0) throw new PreflightError(faults.map(({ message }) => message).join('\n'));
}

function portIsFree(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE')
        reject(
          new PreflightError(
            `Port ${port} on 127.0.0.1 is taken by another program. Stop that one, or choose another port: --port N (0 takes any free one).`,
          ),
        );
      else if (error.code === 'EACCES')
        reject(new PreflightError(`This user may not listen on port ${port}. Choose one above 1023: --port N.`));
      else reject(error);
    });
    server.listen(port, '127.0.0.1', () => {
      server.close(() => {
        resolve();
      });
    });
  });
}

async function databaseAnswers(text: string): Promise<void> {
  const fault = (what: string, cause?: unknown) => new PreflightError(`DATABASE_URL: ${what}`, { cause });
  const url = parsed(text, ['postgres:', 'postgresql:']);
  if (!url) throw fault('this is no Postgres address. It looks like postgres://owner:password@host:5432/back_office');
  const place = `${url.hostname}:${url.port || '5432'}`;
  const client = new pg.Client({ connectionString: text, connectionTimeoutMillis: connectTimeoutMs });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ version: string }>(`SELECT current_setting('server_version_num') AS version`);
    const major = Math.floor(Number(rows[0]?.version ?? 0) / 10_000);
    if (major < oldestPostgres)
      throw fault(`the server at ${place} is Postgres ${major}; ${oldestPostgres} or newer is needed.`);
  } catch (error) {
    if (error instanceof PreflightError) throw error;
    throw fault(whyNot(error, place, url), error);
  } finally {
    await client.end().catch(() => undefined);
  }
}

function whyNot(error: unknown, place: string, url: URL): string {
  const { code, message } = error as { code?: string; message?: string };
  switch (code) {
    case 'ECONNREFUSED':
      return `nothing answers at ${place}. Start that Postgres, correct the address, or unset DATABASE_URL to use the embedded one.`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `there is no host ${url.hostname}. Correct the address, or unset DATABASE_URL to use the embedded Postgres.`;
    case '28P01':
    case '28000':
      return `the Postgres at ${place} refuses the user ${decodeURIComponent(url.username)} or the password. Correct them.`;
    case '3D000':
      return `the Postgres at ${place} has no database ${url.pathname.slice(1)}. Create it: CREATE DATABASE ${url.pathname.slice(1)}`;
    case '53300':
      return `the Postgres at ${place} has no connection free. Raise its max_connections to 300.`;
    default:
      return `the Postgres at ${place} cannot be used: ${message || (code ?? 'no reason given')}`;
  }
}

async function redisKeepsJobs(text: string): Promise<void> {
  const fault = (what: string, cause?: unknown) => new PreflightError(`QUEUE_URL: ${what}`, { cause });
  const url = parsed(text, ['redis:', 'rediss:']);
  if (!url) throw fault('this is no Redis address. It looks like redis://host:6379');
  const place = `${url.hostname}:${url.port || '6379'}`;
  const redis = new Redis(text, {
    lazyConnect: true,
    connectTimeout: connectTimeoutMs,
    commandTimeout: connectTimeoutMs,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  let lastError: unknown;
  redis.on('error', (error) => (lastError = error));
  try {
    await redis.connect();
    const policy = /^maxmemory_policy:(.*?)\r?$/m.exec(await redis.info())?.[1] ?? 'unknown';
    if (policy !== 'noeviction')
      throw fault(
        `the Redis at ${place} has maxmemory-policy ${policy}, so it may throw jobs away. ` +
          'Set it: redis-cli CONFIG SET maxmemory-policy noeviction (and in redis.conf).',
      );
  } catch (error) {
    if (error instanceof PreflightError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    if (/NOAUTH|WRONGPASS|NOPERM/.test(message))
      throw fault(`the Redis at ${place} refuses the user or the password: ${message}`, error);
    const why = lastError instanceof Error ? ` (${lastError.message})` : '';
    throw fault(
      `no Redis answers at ${place}${why}. Start it, correct the address, or unset QUEUE_URL to run the queue on Postgres.`,
      error,
    );
  } finally {
    redis.disconnect();
  }
}

function parsed(text: string, protocols: readonly string[]): URL | undefined {
  try {
    const url = new URL(text);
    return protocols.includes(url.protocol) && url.hostname !== '' ? url : undefined;
  } catch {
    return undefined;
  }
}
