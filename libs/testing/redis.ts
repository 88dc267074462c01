import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '#tools/postgres/embedded.js';
import { waitFor } from './wait-for.js';

export interface TestRedis {
  url: string;
  port: number;
  /** For tests that kill it. */
  pid: number;
  stop(): Promise<void>;
}

/** A Redis of its own, with nothing on disk; `undefined` where no redis-server is installed (the test then says skipped). */
export async function redisForTests({ port }: { port?: number } = {}): Promise<TestRedis | undefined> {
  if (spawnSync('redis-server', ['--version']).status !== 0) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'northgate-redis-'));
  const chosen = port ?? (await freePort());
  const settings = [
    '--port',
    String(chosen),
    '--bind',
    '127.0.0.1',
    '--dir',
    folder,
    '--save',
    '',
    '--appendonly',
    'no',
    '--maxmemory-policy',
    'noeviction',
  ];
  const child = spawn('redis-server', settings, { stdio: 'ignore' });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const isEnded = () => child.exitCode !== null || child.signalCode !== null;
  await waitFor(() => isEnded() || answers(chosen), { what: 'Redis' });
  const { pid } = child;
  if (isEnded() || pid === undefined) throw new Error(`redis-server ended at its start on port ${chosen}`);
  return {
    url: `redis://127.0.0.1:${chosen}`,
    port: chosen,
    pid,
    async stop() {
      process.off('exit', kill);
      if (!isEnded()) kill();
      await waitFor(isEnded, { what: 'the end of Redis' });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.once('data', (data) => {
      socket.destroy();
      resolve(data.toString().startsWith('+PONG'));
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}
