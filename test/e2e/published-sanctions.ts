import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { corporaDirectory } from '#libs/testing/index.js';

const path = join(corporaDirectory(), 'compliance', 'ofac-sdn', 'sdn_2023-12-28.csv');

/** The list of specially designated nationals as OFAC published it, where this machine has it. */
export const publishedSanctions = existsSync(path)
  ? {
      path,
      entryCount: readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => /^\d+,/.test(line)).length,
    }
  : undefined;

if (!publishedSanctions) console.warn(`no published sanctions list at ${path} (set CORPORA_DIRECTORY)`);
