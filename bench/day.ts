import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { removeEmbeddedPostgres } from '#tools/postgres/embedded.js';
import { type BenchArguments, median, progress, round } from './harness.js';

type Seconds = Record<string, number>;

interface DayRun {
  seconds: Seconds;
  peakMemoryMb: number;
}

export interface DayFigures {
  compared: string;
  rounds: number;
  scale: number;
  /** Medians over the rounds. */
  phases: { phase: string; seconds: number; atScaleOne?: number; ratio?: number }[];
  peakMemoryMb: number;
}

function launcher(): string {
  const here = dirname(import.meta.dirname);
  const found = [join(here, 'tools/launcher/main.js'), join(here, 'dist/tools/launcher/main.js')].find((path) =>
    existsSync(path),
  );
  if (found === undefined) throw new Error('The launcher is not built: npm run build');
  return found;
}

/** One business day of a sample institution that moves in for it, in a folder that is removed afterwards. */
async function runDay(scale: number): Promise<DayRun> {
  const folder = mkdtempSync(join(tmpdir(), 'northgate-bench-day-'));
  // Root runs Postgres as another user, who must get in.
  chmodSync(folder, 0o755);
  const data = join(folder, 'data');
  const child = spawn(
    process.execPath,
    [launcher(), '--once', '--json', '--reset', '--data', data, '--port', '0', '--scale', String(scale)],
    { cwd: join(dirname(launcher()), '..', '..', '..'), stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const passOn = (signal: NodeJS.Signals) => child.kill(signal);
  process.once('SIGINT', passOn);
  process.once('SIGTERM', passOn);
  const pieces: Buffer[] = [];
  child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
  const code = await new Promise<number | null>((resolve) => {
    child.once('close', resolve);
  });
  process.off('SIGINT', passOn);
  process.off('SIGTERM', passOn);
  if (code !== 0)
    throw new Error(
      `The day at scale ${scale} ended with exit code ${code ?? 'of a signal'}; its data and logs: ${data}`,
    );
  removeEmbeddedPostgres(join(data, 'postgres'));
  rmSync(folder, { recursive: true, force: true });
  const last = Buffer.concat(pieces).toString('utf8').trim().split('\n').at(-1) ?? '';
  return JSON.parse(last) as DayRun;
}

export async function day(options: BenchArguments): Promise<DayFigures> {
  const scale = options.number('scale', 1);
  const runs: { scaled: DayRun[]; plain: DayRun[] } = { scaled: [], plain: [] };
  for (let number = 1; number <= options.rounds; number += 1) {
    const order = number % 2 === 1 ? (['scaled', 'plain'] as const) : (['plain', 'scaled'] as const);
    for (const which of order) {
      if (which === 'plain' && scale === 1) continue;
      progress(`round ${number}/${options.rounds}: a day at scale ${which === 'plain' ? 1 : scale}`);
      runs[which].push(await runDay(which === 'plain' ? 1 : scale));
    }
  }
  const ofPhase = (all: readonly DayRun[], phase: string) => median(all.map(({ seconds }) => seconds[phase] ?? 0));
  const phases = Object.keys(runs.scaled[0]?.seconds ?? {}).map((phase) => {
    const seconds = round(ofPhase(runs.scaled, phase), 2);
    if (runs.plain.length === 0) return { phase, seconds };
    const atScaleOne = round(ofPhase(runs.plain, phase), 2);
    return { phase, seconds, atScaleOne, ratio: round(seconds / atScaleOne, 2) };
  });
  return {
    compared:
      scale === 1
        ? 'seconds of each phase of a business day, from an empty folder'
        : `seconds of each phase of a business day at scale ${scale} against scale 1, each from an empty folder`,
    rounds: options.rounds,
    scale,
    phases,
    peakMemoryMb: Math.max(...runs.scaled.map(({ peakMemoryMb }) => peakMemoryMb)),
  };
}

export function printDay({ compared, phases, peakMemoryMb }: DayFigures): void {
  console.log(compared);
  for (const { phase, seconds, atScaleOne, ratio } of phases) {
    const against =
      atScaleOne === undefined ? '' : `${atScaleOne.toFixed(1).padStart(9)} s at scale 1  ratio ${ratio ?? ''}`;
    console.log(`  ${phase.padEnd(24)} ${seconds.toFixed(1).padStart(8)} s ${against}`);
  }
  console.log(`  peak memory of the Node processes ${Math.round(peakMemoryMb)} MB`);
}
