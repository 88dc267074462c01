import { afterAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '#libs/testing/index.js';
import { built, root } from '../e2e/built.js';

/** Processes whose command names the folder: a postmaster does, with its data directory. */
const processesOn = (folder: string) =>
  readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        return command.includes(folder) ? [command] : [];
      } catch {
        return []; // it ended this moment
      }
    });

const described = existsSync('/proc/self/cmdline') ? describe : describe.skip;

const ways: [name: string, interrupt: (pid: number) => void][] = [
  ['Ctrl-C in a terminal, which reaches the whole group', (pid) => process.kill(-pid, 'SIGINT')],
  ['SIGTERM to it alone', (pid) => process.kill(pid, 'SIGTERM')],
];

described('the run of the mutants, stopped while the database of its day is starting', () => {
  const bases = ways.map(() => mkdtempSync(join(tmpdir(), 'northgate-stopped-')));
  for (const base of bases) chmodSync(base, 0o755);
  afterAll(() => {
    for (const base of bases) rmSync(base, { recursive: true, force: true });
  });

  /** What it said, how it ended and what it left. */
  async function stopped(base: string, interrupt: (pid: number) => void) {
    const child = spawn(process.execPath, [built('test/oracle/run-mutants.js'), 'a line lost'], {
      cwd: root,
      // A process group of its own, as a shell gives to what is typed.
      detached: true,
      env: { ...process.env, NODE_OPTIONS: '', TMPDIR: base },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const ended = once(child, 'exit');
    try {
      // initdb has been begun and is not at its end.
      await waitFor(
        () => {
          if (child.exitCode !== null) throw new Error(`it ended by itself: ${said}`);
          return readdirSync(base).some((name) => existsSync(join(base, name, 'data', 'postgres', 'cluster.new')));
        },
        { what: 'the start of the database', timeoutMs: 60_000, intervalMs: 5 },
      );
      interrupt(child.pid ?? 0);
      const [exitCode] = (await ended) as [number | null];
      return { exitCode, said, folders: readdirSync(base), processes: processesOn(base) };
    } finally {
      child.kill('SIGKILL');
    }
  }

  // Both at once, for the time that it takes.
  it('leaves neither a Postgres nor a folder behind', async () => {
    const found = await Promise.all(
      ways.map(async ([name, interrupt], index) => [name, await stopped(bases[index] ?? '', interrupt)] as const),
    );
    const nothing = { exitCode: 130, said: '', folders: [], processes: [] };
    expect(found).toEqual(ways.map(([name]) => [name, nothing]));
  }, 120_000);
});
