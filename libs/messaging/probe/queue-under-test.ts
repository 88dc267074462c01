import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { type TestDatabase, waitFor } from '#libs/testing/index.js';
import { freePort } from '#tools/postgres/embedded.js';
import { type MessagingSettings } from '../messaging.module.js';

/** A queue that a test may hurt. */
export interface QueueUnderTest {
  readonly settings: Pick<MessagingSettings, 'queueUrl' | 'queueDatabaseUrl'>;
  /** Everything it holds is gone; connections stay. */
  flush(): Promise<void>;
  /** Killed and started again with nothing. */
  restartEmpty(): Promise<void>;
  remember(): Promise<void>;
  /** Killed and started again with what it was when told to remember. */
  restoreOld(): Promise<void>;
  leave(): Promise<void>;
  comeBack(): Promise<void>;
  stop(): Promise<void>;
}

export const hasRedis = spawnSync('redis-server', ['--version']).status === 0;

export async function redisUnderTest(): Promise<QueueUnderTest> {
  const folder = mkdtempSync(join(tmpdir(), 'northgate-queue-'));
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  const old = join(folder, 'old.rdb');
  const dump = join(folder, 'dump.rdb');
  let server: ChildProcess | undefined;
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => 50, maxRetriesPerRequest: null });
  client.on('error', () => undefined);
  const start = async () => {
    server = spawn(
      'redis-server',
      ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'],
      { stdio: 'ignore' },
    );
    await waitFor(async () => (await client.ping().catch(() => '')) === 'PONG', { what: 'Redis' });
  };
  const kill = async () => {
    const dying = server;
    dying?.kill('SIGKILL');
    await waitFor(() => dying?.signalCode !== null, { what: 'the end of Redis' });
  };
  const killAtExit = () => server?.kill('SIGKILL');
  process.once('exit', killAtExit);
  await start();
  return {
    settings: { queueUrl: url },
    flush: async () => {
      await client.flushall();
    },
    restartEmpty: async () => {
      await kill();
      rmSync(dump, { force: true });
      await start();
    },
    remember: async () => {
      await client.save();
      cpSync(dump, old);
    },
    restoreOld: async () => {
      await kill();
      if (existsSync(old)) cpSync(old, dump);
      await start();
    },
    leave: kill,
    comeBack: start,
    stop: async () => {
      client.disconnect();
      await kill();
      process.off('exit', killAtExit);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function postgresUnderTest(database: TestDatabase): Promise<QueueUnderTest> {
  const owner = database.pool('owner');
  await owner.query('CREATE TABLE probe.old_job AS SELECT * FROM bullmq.job WITH NO DATA');
  // BullMQ's addBulk makes temporary tables.
  await owner.query(`GRANT TEMPORARY ON DATABASE ${database.name} TO queue`);
  const cut = async () => {
    await owner.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'queue' AND datname = current_database()`,
    );
  };
  const flush = async () => {
    await owner.query('TRUNCATE bullmq.job CASCADE');
  };
  return {
    settings: { queueUrl: undefined, queueDatabaseUrl: database.urlFor('queue') },
    flush,
    restartEmpty: async () => {
      await cut();
      await flush();
    },
    remember: async () => {
      await owner.query('INSERT INTO probe.old_job SELECT * FROM bullmq.job');
    },
    restoreOld: async () => {
      await cut();
      await flush();
      await owner.query('INSERT INTO bullmq.job SELECT * FROM probe.old_job');
    },
    leave: () => database.lockOut('queue'),
    comeBack: () => database.letIn('queue'),
    stop: () => Promise.resolve(),
  };
}
