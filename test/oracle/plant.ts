import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Mutant } from './mutants.js';

/** The text of the file with the mutant in it; refused when what it replaces is not there exactly once. */
export function mutated(mutant: Mutant, source: string): string {
  const times = source.split(mutant.find).length - 1;
  if (times !== 1)
    throw new Error(`${mutant.name}: "${mutant.find}" stands ${times} times in ${mutant.file}, not once`);
  return source.replace(mutant.find, () => mutant.replace);
}

/** A copy of `dist` with the mutant in it, beside what it needs at run time. */
export function plant(mutant: Mutant, root: string): { root: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'northgate-mutant-'));
  const dist = join(folder, 'dist');
  cpSync(join(root, 'dist'), dist, { recursive: true });
  cpSync(join(root, 'package.json'), join(folder, 'package.json'));
  cpSync(join(root, 'apps', 'gateway', 'supergraph.graphql'), join(folder, 'apps', 'gateway', 'supergraph.graphql'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const path = join(dist, mutant.file);
  writeFileSync(path, mutated(mutant, readFileSync(path, 'utf8')));
  return {
    root: folder,
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
