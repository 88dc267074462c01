import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { waitFor } from '#libs/testing/index.js';
import {
  embeddedDataDirectory,
  type EmbeddedPostgres,
  removeEmbeddedPostgres,
  startEmbeddedPostgres,
} from './embedded.js';

const isRoot = process.getuid?.() === 0;
const made: { dataDirectory: string; servers: EmbeddedPostgres[] }[] = [];

function folder(mode: number): string {
  const parent = mkdtempSync(join(tmpdir(), 'northgate-embedded-'));
  chmodSync(parent, mode);
  const dataDirectory = join(parent, '.data', 'postgres');
  made.push({ dataDirectory, servers: [] });
  return dataDirectory;
}

async function start(
  dataDirectory: string,
  { port, fsync = 'off' }: { port?: number; fsync?: string } = {},
): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({
    dataDirectory,
    port,
    settings: { shared_buffers: '16MB', ...(fsync === 'off' ? { fsync } : {}) },
  });
  made.find((known) => known.dataDirectory === dataDirectory)?.servers.push(server);
  return server;
}

async function ask<Row extends pg.QueryResultRow>(server: EmbeddedPostgres, sql: string): Promise<Row[]> {
  const client = new pg.Client(server.ownerUrl);
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

const isAlive = (pid: number) => spawnSync('kill', ['-0', String(pid)]).status === 0;

afterEach(async () => {
  for (const { dataDirectory, servers } of made.splice(0)) {
    for (const server of servers) await server.stop();
    const real = embeddedDataDirectory(dataDirectory);
    await waitFor(
      () =>
        !existsSync(join(real, 'cluster', 'postmaster.pid')) ||
        !isAlive(Number.parseInt(readFileSync(join(real, 'cluster', 'postmaster.pid'), 'utf8'), 10)),
    );
    removeEmbeddedPostgres(dataDirectory);
    if (real !== dataDirectory) rmSync(dirname(real), { recursive: true, force: true });
    rmSync(dirname(dirname(dataDirectory)), { recursive: true, force: true });
  }
});

describe('embedded Postgres', () => {
  it('makes a UTF-8 cluster whose password only its owner can read, and finds its data again', async () => {
    const dataDirectory = folder(0o755);
    const first = await start(dataDirectory, { fsync: 'on' });
    expect(
      await ask(
        first,
        'SELECT pg_encoding_to_char(encoding) AS encoding, datlocprovider AS provider FROM pg_database WHERE datname = current_database()',
      ),
    ).toEqual([{ encoding: 'UTF8', provider: 'b' }]);
    expect(
      await ask(
        first,
        `SELECT string_agg(setting, ' ' ORDER BY name) AS are FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'listen_addresses', 'unix_socket_directories', 'max_connections')`,
      ),
    ).toEqual([{ are: 'on 127.0.0.1 300 on ' }]);
    expect(statSync(join(first.dataDirectory, 'owner-password')).mode & 0o777).toBe(0o600);
    expect(statSync(first.dataDirectory).mode & 0o777).toBe(0o700);
    await expect(
      ask({ ...first, ownerUrl: first.ownerUrl.replace(/:[^:@]+@/, ':wrong@') }, 'SELECT 1'),
    ).rejects.toThrow(/password authentication failed/);
    await ask(first, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await first.stop();
    expect(isAlive(first.pid)).toBe(false);
    await first.stop();

    const second = await start(dataDirectory);
    expect(await ask(second, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  });

  (isRoot ? it : it.skip)(
    'as root in a folder closed to others keeps its data where the unprivileged user can reach it',
    async () => {
      const dataDirectory = folder(0o700);
      const server = await start(dataDirectory);
      expect(server.dataDirectory).toMatch(/^\/var\/lib\/northgate-back-office\/[0-9a-f]{16}\/data$/);
      expect(readFileSync(join(dirname(dataDirectory), 'location'), 'utf8').trim()).toBe(server.dataDirectory);
      expect(Number(execFileSync('ps', ['-o', 'uid=', '-p', String(server.pid)], { encoding: 'utf8' }))).not.toBe(0);
      await ask(server, 'CREATE TABLE kept AS SELECT 1 AS answer');
      await server.stop();
      // Opened later: the data is still where it was put.
      chmodSync(dirname(dirname(dataDirectory)), 0o755);
      expect(await ask(await start(dataDirectory), 'SELECT answer FROM kept')).toEqual([{ answer: 1 }]);
    },
  );

  it('is shared by a second start while the first runs, whose stop leaves it alone', async () => {
    const dataDirectory = folder(0o755);
    const first = await start(dataDirectory);
    const second = await start(dataDirectory);
    expect(second).toMatchObject({ pid: first.pid, port: first.port, ownerUrl: first.ownerUrl, isShared: true });
    await second.stop();
    expect(await ask(first, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('is taken over when the process that started it is gone', async () => {
    const dataDirectory = folder(0o755);
    const first = await start(dataDirectory);
    const gone = spawnSync('true');
    writeFileSync(join(first.dataDirectory, 'starter'), `${gone.pid} 1`);
    const second = await start(dataDirectory);
    expect(second).toMatchObject({ pid: first.pid, isShared: false });
    await second.stop();
    expect(isAlive(first.pid)).toBe(false);
  });

  it('starts after its postmaster was killed, with everything that was committed', async () => {
    const dataDirectory = folder(0o755);
    const first = await start(dataDirectory, { fsync: 'on' });
    await ask(first, 'CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n');
    process.kill(first.pid, 'SIGKILL');
    const second = await start(dataDirectory);
    expect(second.pid).not.toBe(first.pid);
    expect(await ask(second, 'SELECT count(*)::int AS n FROM kept')).toEqual([{ n: 1000 }]);
  });

  it('is not misled by a lock file whose pid belongs to another program now', async () => {
    const dataDirectory = folder(0o755);
    const first = await start(dataDirectory);
    await first.stop();
    const stranger = spawn('sleep', ['600']);
    try {
      writeFileSync(
        join(first.dataDirectory, 'cluster', 'postmaster.pid'),
        `${stranger.pid}\n${first.dataDirectory}/cluster\n1\n${first.port}\n\n127.0.0.1\n\nready   \n`,
      );
      expect(await ask(await start(dataDirectory), 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    } finally {
      stranger.kill('SIGKILL');
    }
  });

  it('forgets a first start that was interrupted', async () => {
    const dataDirectory = folder(0o755);
    mkdirSync(join(dataDirectory, 'cluster.new', 'base'), { recursive: true });
    expect(await ask(await start(dataDirectory), 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('names the port that is taken', async () => {
    const dataDirectory = folder(0o755);
    const blocker = createServer();
    const port = await new Promise<number>((resolve) => {
      blocker.listen(0, '127.0.0.1', () => {
        const address = blocker.address();
        resolve(typeof address === 'object' && address ? address.port : 0);
      });
    });
    try {
      await expect(start(dataDirectory, { port })).rejects.toMatchObject({
        code: 'PORT_IN_USE',
        message: expect.stringContaining(String(port)),
      });
    } finally {
      blocker.close();
    }
  });

  it('names the disk that is full', async () => {
    const dataDirectory = folder(0o755);
    mkdirSync(dataDirectory, { recursive: true });
    const isMounted =
      isRoot && spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', dataDirectory]).status === 0;
    if (!isMounted) {
      console.warn('skipped: no small disk can be mounted here');
      return;
    }
    try {
      await expect(start(dataDirectory)).rejects.toMatchObject({ code: 'DISK_FULL' });
    } finally {
      execFileSync('umount', [dataDirectory]);
    }
  });
});
