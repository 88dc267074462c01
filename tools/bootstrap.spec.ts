import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const root = join(import.meta.dirname, '..');
let project: string;

function write(path: string, text: string): void {
  mkdirSync(dirname(join(project, path)), { recursive: true });
  writeFileSync(join(project, path), text);
}

/** A checkout in small: the same bootstrap, an installed compiler, a launcher of a few lines. */
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'northgate-bootstrap-'));
  const packages = { 'node_modules/typescript': { version: '1', integrity: 'x' } };
  write('package.json', JSON.stringify({ type: 'module', engines: { node: '>=20' } }));
  write(
    'package-lock.json',
    JSON.stringify({ packages: { '': {}, ...packages, 'node_modules/elsewhere': { version: '2', optional: true } } }),
  );
  write('node_modules/.package-lock.json', JSON.stringify({ packages }));
  symlinkSync(join(root, 'node_modules', 'typescript'), join(project, 'node_modules', 'typescript'));
  write('tsconfig.json', '{}');
  const compilerOptions = {
    target: 'es2023',
    module: 'nodenext',
    rootDir: '.',
    outDir: 'dist',
    types: [],
    incremental: true,
    tsBuildInfoFile: 'dist/build.tsbuildinfo',
    skipLibCheck: true,
  };
  write('tsconfig.build.json', JSON.stringify({ compilerOptions, include: ['tools', 'apps'] }));
  write('apps/one/migrations/1-old.ts', 'export const old = 1;\n');
  write(
    'tools/launcher/main.ts',
    `declare const process: any, setInterval: any;
     const args = process.argv.slice(2);
     process.on('SIGTERM', () => { process.stdout.write('drained\\n'); process.exit(7); });
     process.stdout.write('{"pid":' + process.pid + '}\\n');
     if (args.includes('--wait')) setInterval(() => undefined, 1000); else process.exit(args.includes('--bad') ? 3 : 0);\n`,
  );
  mkdirSync(join(project, 'tools'), { recursive: true });
  copyFileSync(join(root, 'tools', 'bootstrap.mjs'), join(project, 'tools', 'bootstrap.mjs'));
});
afterAll(() => {
  rmSync(project, { recursive: true, force: true });
});

const bootstrap = (...args: string[]) =>
  spawnSync(process.execPath, ['tools/bootstrap.mjs', ...args], { cwd: project, encoding: 'utf8' });
const firstLine = (child: ChildProcess) =>
  new Promise<string>((resolve) => {
    child.stdout?.once('data', (data: Buffer) => {
      resolve(data.toString());
    });
  });
const ended = (child: ChildProcess) =>
  new Promise<[number | null, NodeJS.Signals | null]>((resolve) =>
    child.once('exit', (code, signal) => {
      resolve([code, signal]);
    }),
  );
const begin = async () => {
  const child = spawn(process.execPath, ['tools/bootstrap.mjs', 'start', '--json', '--wait'], {
    cwd: project,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { pid } = JSON.parse(await firstLine(child)) as { pid: number };
  return { child, pid };
};

describe('bootstrap', () => {
  it('builds, hands over, and with --json leaves stdout to the answer', () => {
    const { status, stdout, stderr } = bootstrap('start', '--json');
    expect(stdout).toMatch(/^\{"pid":\d+\}\n$/);
    expect(stderr).toContain('Building');
    expect(status).toBe(0);
  });

  it('builds once, and passes the exit code on', () => {
    const { status, stdout } = bootstrap('start', '--bad');
    expect(stdout).not.toContain('Building');
    expect(status).toBe(3);
  });

  it('leaves nothing in the build of a source that is gone', () => {
    expect(existsSync(join(project, 'dist/apps/one/migrations/1-old.js'))).toBe(true);
    rmSync(join(project, 'apps/one/migrations/1-old.ts'));
    expect(bootstrap('start').stdout).toContain('Building');
    expect(existsSync(join(project, 'dist/apps/one/migrations/1-old.js'))).toBe(false);
  });

  it('writes a build again that was deleted in part', () => {
    rmSync(join(project, 'dist', 'tools'), { recursive: true });
    rmSync(join(project, 'dist', '.built-from'));
    expect(bootstrap('start').status).toBe(0);
  });

  it('does not start what does not compile', () => {
    write('tools/broken.ts', 'export const n: number = "text";\n');
    const { status, stdout, stderr } = bootstrap('start');
    rmSync(join(project, 'tools/broken.ts'));
    expect(stdout).toContain('tools/broken.ts');
    expect(stderr).toContain('The build failed');
    expect(status).toBe(2);
    expect(bootstrap('start').status).toBe(0);
  });

  it('is not held up by a command that was killed while it built', () => {
    write('dist/.bootstrap-lock', String(spawnSync(process.execPath, ['-e', '']).pid));
    expect(bootstrap('start').status).toBe(0);
    expect(existsSync(join(project, 'dist/.bootstrap-lock'))).toBe(false);
  });

  it('passes a signal on and waits for the end', async () => {
    const { child } = await begin();
    child.kill('SIGTERM');
    expect(await firstLine(child)).toBe('drained\n');
    expect(await ended(child)).toEqual([7, null]);
  });

  it('ends what it started when its own parent is gone', async () => {
    const script = `"$0" tools/bootstrap.mjs start --json --wait & echo $!; wait`;
    const shell = spawn('/bin/sh', ['-c', script, process.execPath], {
      cwd: project,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const output: string[] = [];
    const closed = new Promise<void>((resolve) => shell.stdout.once('close', resolve));
    const isUp = new Promise<void>((resolve) => {
      shell.stdout.on('data', (data: Buffer) => {
        output.push(data.toString());
        if (output.join('').includes('{"pid"')) resolve();
      });
    });
    await isUp;
    shell.kill('SIGKILL');
    // The pipe closes when the last process that writes to it has ended.
    await closed;
    expect(output.join('')).toContain('drained');
  });

  it('tells its use', () => {
    const { status, stderr } = bootstrap('nonsense');
    expect(stderr).toContain('start|verify|bench|conformance|migrate|test:faults|test:mutants|build|test|check');
    expect(status).toBe(2);
  });

  it('names a fit Node', () => {
    const engines = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { engines: { node: string } })
      .engines.node;
    expect(engines).toBe('^20.19 || ^22.12 || >=24');
  });
});
