// The way in for every command, on a machine with nothing but Node and npm. It installs and builds what is
// missing or stale, then hands over. Plain JavaScript without dependencies, because there are none yet.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';

const root = join(import.meta.dirname, '..');
const [command = '', ...args] = process.argv.slice(2);
const isJson = args.includes('--json');

// Whoever reads --json gets the answer on stdout and nothing else.
const say = (text) => (isJson ? process.stderr : process.stdout).write(`${text}\n`);

function fail(text, code = 1) {
  process.stderr.write(`${text}\n`);
  process.exit(code);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const isFit = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major >= 24;
  if (isFit) return;
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  fail(
    `This is Node ${process.versions.node} (${process.execPath}); needed is ${engines.node}. See https://nodejs.org/en/download`,
  );
}

function run(program, parameters, environment = {}) {
  // Output of npm and the compiler is progress, never the answer.
  const ended = spawnSync(program, parameters, {
    cwd: root,
    stdio: ['ignore', isJson ? 2 : 'inherit', 'inherit'],
    env: { ...process.env, ...environment },
    shell: process.platform === 'win32' && program === 'npm',
  });
  if (ended.error) fail(`${program} cannot be started: ${ended.error.message}`);
  return ended.status ?? 1;
}

const sha256 = (text) => createHash('sha256').update(text).digest('hex');
const readIfThere = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : '');

const lockFile = join(root, 'package-lock.json');
const installStamp = join(root, 'node_modules', '.installed-lock');

function isInstalled() {
  const lockText = readFileSync(lockFile, 'utf8');
  if (readIfThere(installStamp) === sha256(lockText)) return true;
  // Installed by hand: npm's own record tells whether it is the same.
  const record = readIfThere(join(root, 'node_modules', '.package-lock.json'));
  if (record === '') return false;
  const installed = JSON.parse(record).packages;
  const wanted = Object.entries(JSON.parse(lockText).packages).filter(
    ([path, entry]) => path !== '' && !entry.optional,
  );
  if (
    !wanted.every(
      ([path, entry]) => installed[path]?.version === entry.version && installed[path]?.integrity === entry.integrity,
    )
  )
    return false;
  writeFileSync(installStamp, sha256(lockText));
  return true;
}

function install() {
  if (isInstalled()) return;
  say('Installing what package-lock.json names (about a minute, once) …');
  const code = run('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']);
  if (code !== 0)
    fail(
      'npm ci failed. Is the registry reachable? Behind a proxy set HTTPS_PROXY, or "npm config set registry …".',
      code,
    );
  writeFileSync(installStamp, sha256(readFileSync(lockFile, 'utf8')));
}

const sourceFolders = ['apps', 'libs', 'tools', 'test', 'bench', 'conformance'];
const isSource = (path) => /\.(ts|json)$/.test(path) && !/\.(spec|int-spec|e2e-spec)\.ts$/.test(path);
const buildStamp = join(root, 'dist', '.built-from');

function filesIn(folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('node_modules'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

/** What a build depends on; the content counts, as a checkout gives every file a new time. */
function sourceHash() {
  const hash = createHash('sha256');
  const files = [
    ...sourceFolders.flatMap(filesIn).filter(isSource),
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.build.json',
  ];
  for (const path of files.sort())
    hash
      .update(path)
      .update('\0')
      .update(readFileSync(join(root, path)))
      .update('\0');
  return hash.digest('hex');
}

/** A migration that was renamed must not run from what an older build left. */
function removeOrphans() {
  for (const folder of sourceFolders) {
    for (const path of filesIn(join('dist', folder))) {
      const source = relative('dist', path).replace(/\.js(\.map)?$/, '.ts');
      if (!existsSync(join(root, source))) rmSync(join(root, path), { force: true });
    }
  }
}

function build() {
  const wanted = sourceHash();
  if (readIfThere(buildStamp) === wanted) return;
  say('Building …');
  // Without the stamp nobody knows what dist/ holds, so the compiler writes everything again.
  if (!existsSync(buildStamp)) rmSync(join(root, 'dist', 'build.tsbuildinfo'), { force: true });
  rmSync(buildStamp, { force: true });
  const code = run(process.execPath, [
    join(root, 'node_modules', 'typescript', 'bin', 'tsc'),
    '-p',
    'tsconfig.build.json',
  ]);
  if (code !== 0) fail('The build failed.', code);
  removeOrphans();
  writeFileSync(buildStamp, wanted);
}

/** Two commands at once install and build one after the other. */
function alone(work) {
  const lock = join(root, 'dist', '.bootstrap-lock');
  mkdirSync(join(root, 'dist'), { recursive: true });
  for (let isTold = false; ;) {
    try {
      const handle = openSync(lock, 'wx');
      writeFileSync(handle, String(process.pid));
      closeSync(handle);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      if (!isHeld(lock)) rmSync(lock, { force: true });
      else {
        if (!isTold) say('Waiting for another command that installs or builds here …');
        isTold = true;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
      }
    }
  }
  const release = () => rmSync(lock, { force: true });
  process.once('exit', release);
  work();
  process.off('exit', release);
  release();
}

function isHeld(lock) {
  try {
    const pid = Number(readFileSync(lock, 'utf8'));
    // The file is made before its content is written.
    if (!(pid > 0)) return Date.now() - statSync(lock).mtimeMs < 2000;
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** npm, and the shell between it and us: a signal that ends npm reaches nobody below it. */
function ancestors() {
  const chain = [process.ppid];
  if (process.env.npm_lifecycle_event) {
    try {
      chain.push(Number(readFileSync(`/proc/${process.ppid}/stat`, 'utf8').split(') ')[1].split(' ')[1]));
    } catch {
      // No /proc: the direct parent must do.
    }
  }
  return chain.join(' ');
}

function handOver(program, parameters, environment = {}) {
  const child = spawn(program, parameters, {
    cwd: process.cwd(),
    stdio: 'inherit',
    env: { ...process.env, ...environment },
  });
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT']) {
    process.on(signal, () => {
      // Ctrl-C in a terminal goes to the whole group; passed on, it would count as a second one.
      if (signal === 'SIGINT' && process.stdin.isTTY) return;
      child.kill(signal);
    });
  }
  const began = ancestors();
  const watch = setInterval(() => {
    if (ancestors() !== began) child.kill('SIGTERM');
  }, 500);
  watch.unref();
  child.once('error', (error) => fail(`${program} cannot be started: ${error.message}`));
  child.once('exit', (code, signal) => {
    if (signal) {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
      return;
    }
    process.exit(code ?? 1);
  });
}

const built = (path) => () => {
  alone(() => {
    install();
    build();
  });
  const entry = join(root, 'dist', path);
  if (!existsSync(entry)) fail(`There is no ${relative(root, entry)} in this build.`);
  handOver(process.execPath, ['--disable-warning=ExperimentalWarning', entry, ...args]);
};

function test() {
  // The end-to-end tests start what is built; the others are translated as they run.
  const at = args.indexOf('--selectProjects');
  const projects = at < 0 ? ['unit', 'int', 'e2e'] : args.slice(at);
  const isEndToEnd = projects.includes('e2e') || projects.includes('system');
  alone(() => {
    install();
    if (isEndToEnd) build();
  });
  const nodeOptions = [process.env.NODE_OPTIONS, '--experimental-vm-modules', '--disable-warning=ExperimentalWarning']
    .filter(Boolean)
    .join(' ');
  const workers = args.some((arg) => /^(--maxWorkers|-w|--runInBand|-i)\b/.test(arg)) ? [] : ['--maxWorkers=2'];
  handOver(
    process.execPath,
    [
      // Each file loads its modules anew: with more room for what is soon gone, less time goes into collecting it.
      '--max-semi-space-size=64',
      join(root, 'node_modules', 'jest', 'bin', 'jest.js'),
      '--config',
      join(root, 'jest.config.mjs'),
      ...workers,
      ...args,
      ...(at < 0 ? ['--selectProjects', ...projects] : []),
    ],
    {
      NODE_OPTIONS: nodeOptions,
    },
  );
}

/** Everything that needs no database; the steps are in tools/check/run.mjs. */
function check() {
  alone(install);
  handOver(process.execPath, [join(root, 'tools', 'check', 'run.mjs'), ...args]);
}

const commands = {
  start: built('tools/launcher/main.js'),
  verify: built('tools/verify/main.js'),
  bench: built('bench/run.js'),
  conformance: built('conformance/run.js'),
  migrate: built('tools/migrate/main.js'),
  'test:faults': built('test/faults/run.js'),
  'test:mutants': built('test/oracle/run-mutants.js'),
  build: () => {
    alone(() => {
      install();
      build();
    });
  },
  test,
  check,
};

checkNode();
if (!Object.hasOwn(commands, command))
  fail(`Usage: node tools/bootstrap.mjs ${Object.keys(commands).join('|')} [arguments]`, 2);
commands[command]();
