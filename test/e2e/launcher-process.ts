import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '#libs/testing/index.js';
import { embeddedDataDirectory, removeEmbeddedPostgres } from '#tools/postgres/embedded.js';
import { built, root } from './built.js';

/** A folder for one installation; what is in it can be removed although root's Postgres may live elsewhere. */
export function temporaryInstallation(): { data: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'northgate-launcher-'));
  // Open to the user that runs root's Postgres, so that all data is inside and goes with it.
  chmodSync(folder, 0o755);
  const data = join(folder, 'data');
  return {
    data,
    remove: () => {
      for (const pid of processesOf(data)) process.kill(pid, 'SIGKILL');
      removeEmbeddedPostgres(join(data, 'postgres'));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A file system of its own in memory, which can be made smaller under whoever uses it; only root may mount one. */
export function smallDisk(
  folder: string,
  megabytes: number,
): { resize: (megabytes: number) => void; remove: () => void } | undefined {
  const mount = (options: string) => spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]).status === 0;
  mkdirSync(folder, { recursive: true });
  if (process.getuid?.() !== 0 || !mount(`size=${megabytes}m,mode=755`)) return undefined;
  return {
    resize: (size) => {
      if (!mount(`remount,size=${size}m`)) throw new Error(`${folder} cannot be made ${size} MB`);
    },
    remove: () => {
      spawnSync('umount', ['-l', folder]);
    },
  };
}

/** What its files take, in whole megabytes. */
export const usedMegabytes = (folder: string): number => {
  const { blocks, bfree, bsize } = statfsSync(folder);
  return Math.ceil(((blocks - bfree) * bsize) / 1024 / 1024);
};

export class Launched {
  private text = '';
  private readonly ended: Promise<number | string>;

  constructor(readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => (this.text += chunk.toString()));
    this.ended = new Promise((resolve) =>
      child.once('close', (code, signal) => {
        resolve(signal ?? code ?? '');
      }),
    );
  }

  /** What it wrote on both streams. */
  get output(): string {
    return this.text;
  }

  /** Its exit code, or the signal that ended it. */
  async end(): Promise<number | string> {
    return this.ended;
  }

  async says(text: string | RegExp, timeoutMs = 60_000): Promise<void> {
    await waitFor(
      () => {
        if (this.text.search(text) >= 0) return true;
        if (this.child.exitCode !== null) throw new Error(`it ended and never said ${String(text)}:\n${this.text}`);
        return false;
      },
      { what: `"${String(text)}" in the output`, timeoutMs },
    );
  }
}

/** Starts the built launcher on a data directory, as `npm start` does after it has installed and built. */
export function launch(data: string, words: readonly string[], environment: NodeJS.ProcessEnv = {}): Launched {
  const program = [built('tools/launcher/main.js'), '--data', data, ...words];
  return new Launched(
    spawn(process.execPath, program, {
      cwd: root,
      env: cleanEnvironment(environment),
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
}

/** What starts the launcher, as npm does, and can be killed under it. */
export function launchUnderParent(data: string, words: readonly string[]): Launched {
  const script = `
    const child = require('node:child_process').spawn(process.execPath, process.argv.slice(1), { stdio: 'inherit' });
    child.on('exit', (code) => process.exit(code ?? 1));`;
  const program = ['-e', script, built('tools/launcher/main.js'), '--data', data, ...words];
  return new Launched(
    spawn(process.execPath, program, { cwd: root, env: cleanEnvironment({}), stdio: ['ignore', 'pipe', 'pipe'] }),
  );
}

/** Roles belong to the whole cluster of the tests: another start on one of its databases must not change their passwords. */
export const passwordsOfTests = {
  ROLE_PASSWORDS_FILE: join(process.env.TEST_POSTGRES_DIRECTORY ?? '', 'role-passwords.json'),
};

function cleanEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const inherited = { ...process.env };
  for (const name of ['DATABASE_URL', 'QUEUE_URL', 'NODE_ENV', 'NODE_OPTIONS', 'ROLE_PASSWORDS_FILE'])
    Reflect.deleteProperty(inherited, name);
  return { ...inherited, ...environment };
}

/** Every process that works in the folder or names it on its command line or in its environment, zombies left out. */
export function processesOf(folder: string): number[] {
  // Root's Postgres may keep its data elsewhere.
  const folders = [folder, embeddedDataDirectory(join(folder, 'postgres'))];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter((pid) => ['cmdline', 'environ'].some((file) => folders.some((one) => read(pid, file).includes(one))))
    .filter((pid) => !/^State:\s+Z/m.test(read(pid, 'status')));
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return ''; // it ended meanwhile
  }
}

/** No process and no lock of the installation is left. */
export async function nothingLeft(data: string, timeoutMs = 30_000): Promise<void> {
  const left = () => [...processesOf(data).map((pid) => read(pid, 'cmdline').replaceAll('\0', ' ')), ...locksIn(data)];
  await waitFor(() => left().length === 0, { what: `nothing left of ${data}`, timeoutMs }).catch(() => {
    throw new Error(`left behind in ${data}:\n${left().join('\n')}`);
  });
}

function locksIn(data: string): string[] {
  const locks = [
    join(data, 'launcher.lock'),
    join(embeddedDataDirectory(join(data, 'postgres')), 'cluster', 'postmaster.pid'),
  ];
  return locks.filter((path) => existsSync(path));
}
