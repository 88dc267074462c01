import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { figuresOfDay, runLauncher, temporaryData } from '../e2e/launcher.js';
import { differences } from './compare.js';
import { type Mutant, mutants } from './mutants.js';
import { Oracle } from './oracle.js';

/**
 * `node dist/test/oracle/run-mutants.js [NAME …]`: plants each mutant in a copy of the compiled product, runs day 1, and
 * says what caught it. Exit code 1 when one got through. Takes about two minutes each.
 */
const root = join(import.meta.dirname, '..', '..', '..');
const day = '2026-11-25';

/** A copy of `dist` with the mutant in it, beside what it needs at run time. */
function plant(mutant: Mutant): { dist: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'northgate-mutant-'));
  const dist = join(folder, 'dist');
  cpSync(join(root, 'dist'), dist, { recursive: true });
  cpSync(join(root, 'package.json'), join(folder, 'package.json'));
  cpSync(join(root, 'apps', 'gateway', 'supergraph.graphql'), join(folder, 'apps', 'gateway', 'supergraph.graphql'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const path = join(dist, mutant.file);
  const source = readFileSync(path, 'utf8');
  if (source.split(mutant.find).length !== 2) {
    throw new Error(`${mutant.name}: "${mutant.find}" does not stand exactly once in ${mutant.file}`);
  }
  writeFileSync(
    path,
    source.replace(mutant.find, () => mutant.replace),
  );
  return {
    dist,
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What caught the mutant; undefined when nothing did. */
async function caughtBy(mutant: Mutant): Promise<string | undefined> {
  const planted = plant(mutant);
  const data = temporaryData();
  try {
    const run = await runLauncher(data.directory, ['--reset'], {}, planted.dist);
    if (existsSync(join(data.directory, 'reports', `${day}.json`))) {
      const [first] = differences(
        new Oracle(join(data.directory, 'sample')).play(day),
        figuresOfDay(data.directory, day),
      );
      if (first) return `the oracle: ${first}`;
    }
    if (run.report && run.report.verify.broken > 0) return `verify: ${run.report.verify.broken} broken`;
    return run.exitCode === 0 ? undefined : `the day stopped: ${run.errors.trimEnd().split('\n').pop() ?? ''}`;
  } finally {
    data.remove();
    planted.remove();
  }
}

const chosen = process.argv.slice(2);
let through = 0;
for (const mutant of mutants.filter(({ name }) => chosen.length === 0 || chosen.includes(name))) {
  const by = await caughtBy(mutant);
  if (by === undefined) through += 1;
  console.log(`${by === undefined ? '✗' : '✓'} ${mutant.name}: ${by ?? 'NOTHING NOTICED IT'}`);
}
process.exit(through === 0 ? 0 : 1);
