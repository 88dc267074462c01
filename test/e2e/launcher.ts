import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type StatedFigure } from '../oracle/compare.js';
import { root } from './built.js';

export interface LauncherRun {
  exitCode: number | null;
  /** The last line of stdout, parsed. */
  report: Report | undefined;
  errors: string;
}

export interface Report {
  businessDates: Record<string, string>;
  rows: Record<string, { total: number } | 'not yet'>;
  values: Record<string, Record<string, string>>;
  trades: Record<string, number>;
  due: Record<string, number>;
  workItems: number;
  ledger: { entries: number; postings: number; sums: Record<string, string> };
  verify: { checked: number; broken: number };
  seconds: Record<string, number>;
  peakMemoryMb: number;
}

export function temporaryData(): { directory: string; remove: () => void } {
  const directory = mkdtempSync(join(tmpdir(), 'northgate-day-'));
  // Root runs Postgres as another user, who must get in; else the data would be put elsewhere and stay there.
  chmodSync(directory, 0o755);
  return {
    directory,
    remove: () => {
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Runs the built launcher to its end, as `npm start -- --once --json` does. */
export function runLauncher(
  dataDirectory: string,
  words: readonly string[] = [],
  environment: Record<string, string> = {},
  dist = join(root, 'dist'),
): Promise<LauncherRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [
        join(dist, 'tools', 'launcher', 'main.js'),
        '--once',
        '--json',
        '--port',
        '0',
        '--data',
        dataDirectory,
        ...words,
      ],
      {
        cwd: join(dist, '..'),
        env: { ...process.env, NODE_OPTIONS: '', ...environment },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    child.on('error', reject);
    child.on('close', (exitCode) => {
      const last = output.trimEnd().split('\n').pop() ?? '';
      resolve({ exitCode, report: last.startsWith('{') ? (JSON.parse(last) as Report) : undefined, errors });
    });
  });
}

export const figuresOfDay = (dataDirectory: string, date: string): StatedFigure[] =>
  JSON.parse(readFileSync(join(dataDirectory, 'reports', `${date}.json`), 'utf8')) as StatedFigure[];
