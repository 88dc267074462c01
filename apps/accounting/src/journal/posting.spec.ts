import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { accountKeyOf, accountIdOf, towardsNormalSide } from '../accounts/accounts.js';
import { merkleRootOf } from './merkle.js';
import { faultsOf, resultCodes, transferOf } from './posting.js';

describe('an entry', () => {
  it('of two equal sides has no fault', () => {
    expect(faultsOf(transferOf('A', 'B', 'EUR', '5'))).toEqual([]);
  });
  it('tells all faults at once', () => {
    const problems = faultsOf([
      { account: 'A', asset: 'EUR', side: 'DEBIT', units: '5' },
      { account: 'B', asset: 'USD', side: 'CREDIT', units: '5' },
      { account: 'C', asset: 'EUR', side: 'CREDIT', units: '0' },
    ]);
    expect(problems.map(({ code, path }) => `${code} ${path.join('.')}`)).toEqual([
      'AMOUNT_NOT_POSITIVE postings.2.amount',
      'NOT_BALANCED postings',
      'NOT_BALANCED postings',
    ]);
    expect(faultsOf([{ account: 'A', asset: 'EUR', side: 'DEBIT', units: '5' }]).map(({ code }) => code)).toEqual([
      'TOO_FEW_POSTINGS',
      'NOT_BALANCED',
    ]);
  });
  it('is balanced per asset whatever its lines, when each has its counterpart', () => {
    const line = fc.record({
      asset: fc.constantFrom('EUR', 'USD', 'DE0007164600'),
      units: fc.bigInt({ min: 1n, max: 10n ** 38n }),
    });
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 20 }), (lines) => {
        expect(faultsOf(lines.flatMap(({ asset, units }) => transferOf('A', 'B', asset, units.toString())))).toEqual(
          [],
        );
      }),
      { seed: 7 },
    );
  });
  it('has published codes without a double', () => {
    expect(new Set(resultCodes.map(({ code }) => code)).size).toBe(resultCodes.length);
  });
});

describe('an account', () => {
  it('reads positive on its own side', () => {
    expect(towardsNormalSide(-5n, 'CREDIT')).toBe(5n);
    expect(towardsNormalSide(-5n, 'DEBIT')).toBe(-5n);
  });
  it('is named by book and number', () => {
    expect(accountKeyOf(accountIdOf('NGEU', 'C000001-CASH'))).toEqual({ book: 'NGEU', number: 'C000001-CASH' });
    expect(accountKeyOf('nonsense')).toBeUndefined();
  });
});

describe('the root over hashes', () => {
  const sha = (...parts: (Buffer | number)[]) => {
    const hash = createHash('sha256');
    for (const part of parts) hash.update(typeof part === 'number' ? Uint8Array.of(part) : part);
    return hash.digest();
  };
  /** As RFC 6962, 2.1 defines it, by recursion. */
  const defined = (leaves: Buffer[]): Buffer => {
    if (leaves.length === 0) return sha();
    if (leaves.length === 1) return leaves[0]!;
    let split = 1;
    while (split * 2 < leaves.length) split *= 2;
    return sha(1, defined(leaves.slice(0, split)), defined(leaves.slice(split)));
  };
  it.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 31, 32, 33, 100])('of %i leaves', (count) => {
    const leaves = Array.from({ length: count }, (_, n) => sha(n));
    expect(merkleRootOf(leaves.map((leaf) => leaf.toString('hex')))).toBe(defined(leaves).toString('hex'));
  });
});
