import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DayFigure } from '#tools/launcher/figures.js';
import { firstDay } from '#tools/sample/sample.js';
import { type VerifyResult } from '#tools/verify/verify.js';
import { differences } from './compare.js';
import { everything, meant } from './findings.js';
import { type Mutant, mutants } from './mutants.js';
import { Oracle } from './oracle.js';
import { plant } from './plant.js';

/**
 * `npm run test:mutants [-- WORD …]`: plays a small day with the product as it is, which must be faultless, and then with
 * each mutant planted in a copy of it. Each must be caught by the finding that is meant for it: one that is noticed
 * otherwise, or stops the day for another reason, counts as not caught. A WORD picks the mutants whose name holds it. Exit code 1 when one got through.
 */
const root = join(import.meta.dirname, '..', '..', '..');
const stopAfterMs = 900_000;

type Outcome = { stopped: string } | { sampleDirectory: string; figures: DayFigure[]; verified: VerifyResult };

/** Somebody pressed Ctrl-C, or ended us: the day that is being played is stopped, and what was made for it is removed. */
const unwanted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    unwanted.abort(new Error('stopped'));
  });

/** The day is played by the planted copy, and judged by the oracle of this one. */
async function play(productRoot: string): Promise<{ found: Parameters<typeof meant>[1] } | { stopped: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'northgate-mutant-day-'));
  chmodSync(folder, 0o755);
  try {
    const outcomeFile = join(folder, 'outcome.json');
    const child = spawn(
      process.execPath,
      [join(productRoot, 'dist', 'test', 'oracle', 'play-day.js'), join(folder, 'data'), outcomeFile],
      { cwd: productRoot, env: { ...process.env, NODE_OPTIONS: '' }, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] },
    );
    const end = () => child.kill('SIGTERM');
    unwanted.signal.addEventListener('abort', end);
    const timer = setTimeout(end, stopAfterMs);
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    clearTimeout(timer);
    unwanted.signal.removeEventListener('abort', end);
    unwanted.signal.throwIfAborted();
    if (code !== 0) return { stopped: `it did not come to its end in ${stopAfterMs / 1000} s, or ended with ${code}` };
    const outcome = JSON.parse(readFileSync(outcomeFile, 'utf8')) as Outcome;
    if ('stopped' in outcome) return outcome;
    return {
      found: {
        differences: differences(new Oracle(outcome.sampleDirectory).play(firstDay), outcome.figures),
        invariants: outcome.verified.invariants,
      },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What is wrong with the catching of it; undefined when it was caught as it must be. */
async function judge(mutant: Mutant): Promise<{ caught?: string; complaint?: string }> {
  const planted = plant(mutant, root);
  try {
    const day = await play(planted.root);
    if ('stopped' in day) {
      const isMeant = 'stops' in mutant.caughtBy && day.stopped.includes(mutant.caughtBy.stops);
      return isMeant ? { caught: `the day: ${day.stopped}` } : { complaint: `the day stopped: ${day.stopped}` };
    }
    const caught = meant(mutant.caughtBy, day.found);
    if (caught !== undefined) return { caught };
    const all = everything(day.found);
    return { complaint: all.length === 0 ? 'NOTHING NOTICED IT' : `noticed by accident only: ${all.join(' | ')}` };
  } finally {
    planted.remove();
  }
}

const words = process.argv.slice(2);
const chosen = mutants.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
if (chosen.length === 0) {
  console.error(`No mutant is named so. There are: ${mutants.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

async function playAll(): Promise<number> {
  let through = 0;
  const plain = await play(root);
  const faults = 'stopped' in plain ? [plain.stopped] : everything(plain.found);
  console.log(
    faults.length === 0
      ? '✓ without a mutant nothing is found'
      : `✗ without a mutant: ${faults.slice(0, 5).join(' | ')}`,
  );
  if (faults.length > 0) through += 1;
  for (const mutant of chosen) {
    const { caught, complaint } = await judge(mutant);
    if (complaint !== undefined) through += 1;
    console.log(`${complaint === undefined ? '✓' : '✗'} ${mutant.name}: ${complaint ?? caught ?? ''}`);
  }
  return through;
}

try {
  process.exitCode = (await playAll()) === 0 ? 0 : 1;
} catch (error) {
  if (!unwanted.signal.aborted) throw error;
  process.exitCode = 130;
}
process.exit();
