// One throw-away Postgres for a run of Jest. Plain JavaScript, because Jest loads this file untransformed;
// the code that starts Postgres is TypeScript and is translated here first.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');

async function translated(folder) {
  const sources = readdirSync(join(root, folder)).filter((name) => name.endsWith('.ts') && !name.endsWith('spec.ts'));
  const hash = createHash('sha256');
  for (const name of sources) hash.update(name).update(readFileSync(join(root, folder, name)));
  const out = join(root, 'node_modules', '.cache', 'northgate-testing', hash.digest('hex').slice(0, 16));
  if (!existsSync(out)) {
    const { transformFileSync } = await import('@swc/core');
    const building = `${out}.${process.pid}`;
    mkdirSync(building, { recursive: true });
    writeFileSync(join(building, 'package.json'), '{"type":"module"}');
    for (const name of sources) {
      const { code } = transformFileSync(join(root, folder, name), {
        swcrc: false,
        jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
        module: { type: 'es6' },
      });
      writeFileSync(join(building, name.replace(/\.ts$/, '.js')), code);
    }
    try {
      renameSync(building, out);
    } catch {
      rmSync(building, { recursive: true, force: true });
    }
  }
  return out;
}

/** When Jest is killed, its teardown does not run: this ends Postgres and removes its folder instead. */
function cleanUpAfter(pid, postgresPid, folders) {
  if (process.platform === 'win32') return undefined;
  const script = `while kill -0 "$1" 2>/dev/null; do sleep 1; done; kill -QUIT "$2" 2>/dev/null; sleep 1; shift 2; rm -rf "$@"`;
  const watchdog = spawn('/bin/sh', ['-c', script, 'sh', String(pid), String(postgresPid), ...folders], {
    detached: true,
    stdio: 'ignore',
  });
  watchdog.unref();
  return watchdog;
}

export default async function setUp() {
  const folder = mkdtempSync(join(tmpdir(), 'northgate-test-'));
  const { startEmbeddedPostgres, removeEmbeddedPostgres } = await import(
    join(await translated('tools/postgres'), 'embedded.js')
  );
  const { chmodSync } = await import('node:fs');
  // Root runs Postgres as another user, who must get in; the data below is closed to others.
  chmodSync(folder, 0o755);
  const dataDirectory = join(folder, 'postgres');
  const isDurable = process.env.TEST_POSTGRES_DURABLE === 'true';
  const postgres = await startEmbeddedPostgres({
    dataDirectory,
    settings: isDurable ? {} : { fsync: 'off', full_page_writes: 'off', shared_buffers: '128MB', max_wal_size: '1GB' },
  });
  const watchdog = cleanUpAfter(process.pid, postgres.pid, [folder, postgres.dataDirectory]);
  process.env.TEST_POSTGRES_URL = postgres.ownerUrl;
  process.env.TEST_POSTGRES_DIRECTORY = folder;
  globalThis.stopTestPostgres = async () => {
    if (watchdog?.pid) process.kill(watchdog.pid, 'SIGKILL');
    await postgres.stop();
    removeEmbeddedPostgres(dataDirectory);
    rmSync(folder, { recursive: true, force: true });
  };
}
