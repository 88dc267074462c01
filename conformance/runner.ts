import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Suite } from './suite.js';

export interface Output {
  /** The JSON line: standard output. */
  report(line: string): void;
  /** For a person: standard error. */
  explain(line: string): void;
}

const failuresShown = 50;

/** Runs one suite against a corpora tree. False when a floor is missed, or when files were found and none of them ran. */
export async function runSuite(suite: Suite, root: string, output: Output): Promise<boolean> {
  const folders = suite.folders ?? [suite.folder];
  if (folders.every((folder) => !existsSync(join(root, folder)))) {
    output.explain(`${suite.name}: no folder ${folders.join(' or ')} in ${root}, nothing is run`);
    output.report(JSON.stringify({ suite: suite.name, passed: 0, failed: 0, skipped: 0, absent: true }));
    return true;
  }
  const { failures, notes = [], figures = {}, meetsFloor, ...counts } = await suite.run(root);
  for (const note of notes) output.explain(`${suite.name}: ${note}`);
  for (const failure of failures.slice(0, failuresShown)) output.explain(`${suite.name}: FAILED ${failure}`);
  if (failures.length > failuresShown) output.explain(`${suite.name}: … and ${failures.length - failuresShown} more`);
  const ranNothing = counts.passed + counts.failed === 0;
  if (ranNothing) output.explain(`${suite.name}: the folder is there, but no case was run`);
  output.report(JSON.stringify({ suite: suite.name, ...counts, ...figures }));
  return !ranNothing && (meetsFloor ?? counts.failed === 0);
}
