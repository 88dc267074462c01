import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { mutants } from '../oracle/mutants.js';
import { mutated } from '../oracle/plant.js';
import { built } from './built.js';

/** That each is caught, `npm run test:mutants` shows; here, that each still stands for something in the product. */
describe('the mutants', () => {
  it.each(mutants.map((mutant) => [mutant.name, mutant] as const))('%s: can be planted', (_, mutant) => {
    const source = readFileSync(built(mutant.file), 'utf8');
    expect(mutated(mutant, source)).not.toBe(source);
  });
});
