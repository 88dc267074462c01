import { describe, expect, it } from '@jest/globals';
import { everything, type Found, meant } from './findings.js';
import { mutated } from './plant.js';
import { mutants } from './mutants.js';

const invariant = (number: number, name: string, broken: number) => ({
  number,
  name,
  checked: 10,
  broken: Array.from({ length: broken }, (_, n) => ({ where: `w${n}`, detail: `d${n}` })),
  seconds: 0,
});
const found: Found = {
  differences: ['entries/2026-11-25: 12 instead of 11', 'rejected/duplicate: missing T1'],
  invariants: [invariant(5, 'each key of the ledger', 0), invariant(14, 'no approval is decided by its maker', 2)],
};

describe('what catches a mutant', () => {
  it('is the row that is meant', () => {
    expect(meant({ oracle: 'rejected/' }, found)).toBe('rejected/duplicate: missing T1');
  });

  it('is the invariant that is meant, and broken', () => {
    expect(meant({ invariant: '14. no approval' }, found)).toContain('2 broken, first w0');
    expect(meant({ invariant: '5. each key' }, found)).toBeUndefined();
  });

  it('is nothing else, however much is wrong', () => {
    expect(meant({ oracle: 'files/' }, found)).toBeUndefined();
    expect(everything(found)).toHaveLength(3);
  });
});

describe('a mutant', () => {
  const mutant = { name: 'm', file: 'f.js', find: 'a + b', replace: '$& - b', caughtBy: { oracle: 'x/' } };

  it('replaces its text, taken as it is', () => {
    expect(mutated(mutant, 'x = a + b;')).toBe('x = $& - b;');
  });

  it.each(['x = a;', 'x = a + b; y = a + b;'])('is refused in %s', (source) => {
    expect(() => mutated(mutant, source)).toThrow(/not once/);
  });

  it('has a name of its own', () => {
    expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
  });
});
