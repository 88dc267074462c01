import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes, randomInt } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { copyBinaries, installedBinaries, type PostgresBinaries } from './binaries.js';
import { EmbeddedPostgresError, faultIn, faultOf, lastLines } from './errors.js';
import { isAlive, isPostmasterOf, processMark, readLockFile } from './lock-file.js';
import { canReach, type OperatingSystemUser, refusedToChangeUser, unprivilegedUser } from './operating-system-user.js';

export { EmbeddedPostgresError, type EmbeddedPostgresFault } from './errors.js';

export interface EmbeddedPostgresOptions {
  /** Holds the cluster, its password and its log; made when absent. */
  dataDirectory: string;
  /** A free one when absent. */
  port?: number | undefined;
  /** Added to and stronger than the defaults, e.g. `{ fsync: 'off' }` for a throw-away cluster. */
  settings?: Readonly<Record<string, string>> | undefined;
}

export interface EmbeddedPostgres {
  /** Of the superuser `owner`, on the database of the product. */
  ownerUrl: string;
  port: number;
  pid: number;
  /** Where the data really is: elsewhere than asked for when root's folder is closed to the user that runs Postgres. */
  dataDirectory: string;
  /** Another live process started it; then `stop` leaves it running. */
  isShared: boolean;
  stop(): Promise<void>;
}

const productName = 'northgate-back-office';
const databaseName = 'back_office';
const ownerName = 'owner';
const startTimeoutMs = 120_000;
const stopTimeoutMs = 20_000;
const logSizeMax = 16 * 1024 * 1024;

/** For two cores and a few hundred connections; what the product is measured with. */
const defaultSettings: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '300',
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  checkpoint_timeout: '10min',
  fsync: 'on',
  synchronous_commit: 'on',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_min_messages: 'warning',
  password_encryption: 'scram-sha-256',
};

/** Where an installation keeps its embedded cluster. */
export const postgresFolder = (dataDirectory: string): string => join(resolve(dataDirectory), 'postgres');

/** The folder that holds, or would hold, the data: the one asked for, or the one that its neighbour `location` names. */
export function embeddedDataDirectory(dataDirectory: string): string {
  const asked = resolve(dataDirectory);
  const location = join(dirname(asked), 'location');
  return existsSync(location) ? readFileSync(location, 'utf8').trim() : asked;
}

/** Removes all data of a stopped cluster. */
export function removeEmbeddedPostgres(dataDirectory: string): void {
  const folder = embeddedDataDirectory(dataDirectory);
  const lock = readLockFile(join(folder, 'cluster'));
  if (lock && isPostmasterOf(lock.pid, join(folder, 'cluster'))) {
    throw new EmbeddedPostgresError(
      'START_FAILED',
      `Postgres is still running on ${folder} (pid ${lock.pid}): stop it first.`,
    );
  }
  rmSync(folder, { recursive: true, force: true });
  rmSync(resolve(dataDirectory), { recursive: true, force: true });
  rmSync(join(dirname(resolve(dataDirectory)), 'location'), { force: true });
}

export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  try {
    return await start(options);
  } catch (error) {
    throw faultOf(error, options);
  }
}

async function start(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const user = unprivilegedUser();
  const { binaries, folder } = place(options.dataDirectory, user);
  const cluster = join(folder, 'cluster');
  makeFolder(folder, user);
  if (!existsSync(cluster)) initialise(binaries, folder, user, options.settings?.fsync !== 'off');
  const password = readFileSync(join(folder, 'owner-password'), 'utf8');
  const urlAt = (port: number) => `postgres://${ownerName}:${password}@127.0.0.1:${port}/${databaseName}`;

  const running = await runningPostmaster(cluster);
  if (running) {
    const isShared = starterIsAlive(folder);
    if (!isShared) rememberStarter(folder);
    return {
      ownerUrl: urlAt(running.port),
      port: running.port,
      pid: running.pid,
      dataDirectory: folder,
      isShared,
      stop: async () => {
        if (!isShared) await stopPostmaster(running.pid);
      },
    };
  }

  const attempts = options.port ? 1 : 5;
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ? options.port : await freePort();
    try {
      const pid = await launch({
        binaries,
        folder,
        cluster,
        user,
        port,
        settings: { ...defaultSettings, ...options.settings },
      });
      rememberStarter(folder);
      return {
        ownerUrl: urlAt(port),
        port,
        pid,
        dataDirectory: folder,
        isShared: false,
        stop: () => stopPostmaster(pid),
      };
    } catch (error) {
      // Between finding a free port and using it another program may have taken it.
      if (!(error instanceof EmbeddedPostgresError && error.code === 'PORT_IN_USE' && attempt < attempts)) throw error;
    }
  }
}

/** Where binaries and data can be used by the user that runs Postgres. */
function place(
  dataDirectory: string,
  user: OperatingSystemUser | undefined,
): { binaries: PostgresBinaries; folder: string } {
  const asked = resolve(dataDirectory);
  const binaries = installedBinaries();
  const known = embeddedDataDirectory(asked);
  // Made before it is looked at: the umask decides what a new folder lets through.
  mkdirSync(dirname(asked), { recursive: true });
  const binariesAreReachable = !user || canReach(user, join(binaries.folder, 'bin'));
  if (known === asked && binariesAreReachable && (!user || canReach(user, dirname(asked))))
    return { binaries, folder: asked };

  const state =
    known === asked
      ? join(stateDirectory(), productName, createHash('sha256').update(asked).digest('hex').slice(0, 16))
      : dirname(known);
  try {
    mkdirSync(state, { recursive: true, mode: 0o755 });
  } catch (cause) {
    throw new EmbeddedPostgresError(
      'NO_STATE_DIRECTORY',
      `The user that runs Postgres cannot reach ${asked}, and ${state} cannot be made. Start as an ordinary user, or move the folder.`,
      { cause },
    );
  }
  const folder = join(state, 'data');
  writeFileSync(join(dirname(asked), 'location'), `${folder}\n`);
  return { binaries: binariesAreReachable ? binaries : copyBinaries(binaries, state), folder };
}

/** The system's folder for what a service keeps. */
function stateDirectory(): string {
  return process.platform === 'darwin' ? '/usr/local/var/lib' : '/var/lib';
}

function makeFolder(folder: string, user: OperatingSystemUser | undefined): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (user) chownSync(folder, user.uid, user.gid);
  else {
    const owner = statSync(folder).uid;
    if (process.getuid && owner !== process.getuid()) {
      throw new EmbeddedPostgresError(
        'DATA_OF_ANOTHER_USER',
        `The data in ${folder} belongs to another user of this machine (uid ${owner}). Start as that user, or as root if root made it.`,
      );
    }
  }
  chmodSync(folder, 0o700);
}

/** Made under another name and renamed when complete: an interrupted first start leaves nothing half done. */
function initialise(
  binaries: PostgresBinaries,
  folder: string,
  user: OperatingSystemUser | undefined,
  isDurable: boolean,
): void {
  const building = join(folder, 'cluster.new');
  rmSync(building, { recursive: true, force: true });
  const password = randomBytes(24).toString('base64url');
  const forInitdb = join(folder, 'password.new');
  writeFileSync(forInitdb, password, { mode: 0o600 });
  if (user) chownSync(forInitdb, user.uid, user.gid);
  try {
    runToEnd(binaries, folder, user, binaries.initdb, [
      `--pgdata=${building}`,
      `--username=${ownerName}`,
      `--pwfile=${forInitdb}`,
      '--encoding=UTF8',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--locale=C',
      '--auth=scram-sha-256',
      ...(isDurable ? [] : ['--no-sync']),
    ]);
  } finally {
    rmSync(forInitdb, { force: true });
  }
  runToEnd(
    binaries,
    folder,
    user,
    binaries.postgres,
    ['--single', '-D', building, '-c', `fsync=${isDurable ? 'on' : 'off'}`, 'postgres'],
    `CREATE DATABASE ${databaseName}\n`,
  );
  writeFileSync(join(folder, 'owner-password'), password, { mode: 0o600 });
  chmodSync(join(folder, 'owner-password'), 0o600);
  renameSync(building, join(folder, 'cluster'));
}

/** Nothing of our environment decides what Postgres does (PGPORT, LANG, LC_ALL, …). */
function environment(binaries: PostgresBinaries): NodeJS.ProcessEnv {
  const libraries = join(binaries.folder, 'lib');
  const inherited =
    process.platform === 'win32' ? { ...process.env } : { PATH: process.env.PATH, TMPDIR: process.env.TMPDIR };
  return {
    ...inherited,
    LANG: 'C',
    TZ: 'UTC',
    ...(process.platform === 'linux' ? { LD_LIBRARY_PATH: libraries } : {}),
  };
}

function runToEnd(
  binaries: PostgresBinaries,
  folder: string,
  user: OperatingSystemUser | undefined,
  program: string,
  parameters: string[],
  input = '',
): void {
  const ended = spawnSync(program, parameters, {
    cwd: folder,
    env: environment(binaries),
    input,
    encoding: 'utf8',
    ...user,
  });
  if (ended.error) throw spawnFault(ended.error, user);
  if (ended.status === 0) return;
  const said = `${ended.stdout}\n${ended.stderr}`;
  throw (
    faultIn(said, { dataDirectory: folder }) ??
    new EmbeddedPostgresError('START_FAILED', `Postgres could not make its data in ${folder}:\n${lastLines(said, 12)}`)
  );
}

function spawnFault(error: Error, user: OperatingSystemUser | undefined): Error {
  const code = 'code' in error ? error.code : undefined;
  if (code === 'EPERM' && user) return refusedToChangeUser(error);
  if (code === 'ENOENT' || code === 'EACCES' || code === 'ENOEXEC') {
    return new EmbeddedPostgresError(
      'BINARY_DOES_NOT_RUN',
      `The bundled Postgres does not run on this system (${error.message}). Set DATABASE_URL to a Postgres 17 or 18 of your own.`,
      { cause: error },
    );
  }
  return error;
}

interface Launch {
  binaries: PostgresBinaries;
  folder: string;
  cluster: string;
  user: OperatingSystemUser | undefined;
  port: number;
  settings: Readonly<Record<string, string>>;
}

async function launch({ binaries, folder, cluster, user, port, settings }: Launch): Promise<number> {
  const logFile = join(folder, 'postgres.log');
  if (existsSync(logFile) && statSync(logFile).size > logSizeMax) renameSync(logFile, `${logFile}.1`);
  const parameters = Object.entries({ ...settings, port: String(port) }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  const until = Date.now() + startTimeoutMs;
  for (;;) {
    const log = openSync(logFile, 'a', 0o600);
    const from = statSync(logFile).size;
    let child: ChildProcess;
    try {
      // Detached: Ctrl-C in a terminal goes to our process group and must reach the services first, Postgres last.
      child = spawn(binaries.postgres, ['-D', cluster, ...parameters], {
        cwd: cluster,
        env: environment(binaries),
        detached: true,
        stdio: ['ignore', log, log],
        ...user,
      });
    } catch (error) {
      throw error instanceof Error ? spawnFault(error, user) : error;
    } finally {
      closeSync(log);
    }
    const outcome = await readyOrEnded(child, cluster, until);
    if (outcome === 'ready' && child.pid) {
      child.unref();
      return child.pid;
    }
    if (outcome instanceof Error) throw spawnFault(outcome, user);
    const said = readFileSync(logFile).subarray(from).toString('utf8');
    if (outcome === 'late') {
      if (child.pid) await stopPostmaster(child.pid);
      throw new EmbeddedPostgresError(
        'START_TIMED_OUT',
        `Postgres was not ready in ${startTimeoutMs / 1000} s (${logFile}):\n${lastLines(said, 8)}`,
      );
    }
    // The processes of a postmaster that was killed hold its memory for a moment longer.
    if (/pre-existing shared memory block/.test(said) && Date.now() < until) {
      await delay(100);
      continue;
    }
    throw (
      faultIn(said, { dataDirectory: folder, port }) ??
      new EmbeddedPostgresError('START_FAILED', `Postgres ended at its start (${logFile}):\n${lastLines(said, 8)}`)
    );
  }
}

async function readyOrEnded(
  child: ChildProcess,
  cluster: string,
  until: number,
): Promise<'ready' | 'ended' | 'late' | Error> {
  const state: { ended?: 'ended' | Error } = {};
  child.once('error', (error) => (state.ended = error));
  child.once('exit', () => (state.ended ??= 'ended'));
  while (Date.now() < until) {
    if (state.ended) return state.ended;
    const lock = readLockFile(cluster);
    if (lock?.pid === child.pid && lock?.isReady) return 'ready';
    await delay(20);
  }
  return 'late';
}

/** A postmaster that is already up on this cluster; what a dead one left is removed where Postgres itself would stumble over it. */
async function runningPostmaster(cluster: string): Promise<{ pid: number; port: number } | undefined> {
  const until = Date.now() + startTimeoutMs;
  for (let lock = readLockFile(cluster); lock; lock = readLockFile(cluster)) {
    if (!isPostmasterOf(lock.pid, cluster)) {
      // A live stranger has the dead postmaster's pid. (With a dead pid the file stays: Postgres needs it to see
      // whether processes of the dead one still hold the memory.)
      if (isAlive(lock.pid)) rmSync(join(cluster, 'postmaster.pid'), { force: true });
      return undefined;
    }
    // One that was killed this moment still has its file and its pid; it answers nobody.
    if (lock.isReady && (await answers(lock.port))) return { pid: lock.pid, port: lock.port };
    if (Date.now() > until) {
      throw new EmbeddedPostgresError(
        'START_TIMED_OUT',
        `A Postgres on ${cluster} (pid ${lock.pid}) is neither ready nor ended.`,
      );
    }
    await delay(50);
  }
  return undefined;
}

/** Asks for encryption, as every client may; a living server says yes or no in one byte. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolveAnswer) => {
    const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
    const socket = connect(port, '127.0.0.1', () => socket.write(sslRequest));
    const end = (isAnswered: boolean) => {
      socket.destroy();
      resolveAnswer(isAnswered);
    };
    socket.setTimeout(5_000, () => {
      end(false);
    });
    socket.once('data', () => {
      end(true);
    });
    socket.once('error', () => {
      end(false);
    });
    socket.once('end', () => {
      end(false);
    });
  });
}

function rememberStarter(folder: string): void {
  writeFileSync(join(folder, 'starter'), processMark(process.pid) ?? '', { mode: 0o600 });
}

function starterIsAlive(folder: string): boolean {
  try {
    const mark = readFileSync(join(folder, 'starter'), 'utf8');
    return mark !== '' && processMark(Number.parseInt(mark, 10)) === mark;
  } catch {
    return false;
  }
}

/** Fast shutdown (sessions end, a checkpoint is written); at once when that takes too long. */
async function stopPostmaster(pid: number): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    try {
      process.kill(pid, signal);
    } catch {
      return;
    }
    const until = Date.now() + stopTimeoutMs;
    while (Date.now() < until) {
      if (!isAlive(pid)) return;
      await delay(20);
    }
  }
}

const given = new Set<number>();

export async function freePort(): Promise<number> {
  for (let attempt = 1; attempt <= 50; attempt += 1) {
    // Below those that the system gives to outgoing connections, so that none of these takes it before its use.
    const port = randomInt(20_000, 32_000);
    if (given.has(port) || (await listenOnce(port).catch(() => 0)) !== port) continue;
    given.add(port);
    return port;
  }
  return listenOnce(0);
}

function listenOnce(port: number): Promise<number> {
  return new Promise((resolvePort, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address && typeof address === 'object') resolvePort(address.port);
        else reject(new Error('no port'));
      });
    });
  });
}
