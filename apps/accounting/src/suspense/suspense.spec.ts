import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { bucketOf, openItems, type SuspensePosting } from './suspense.js';

/** `a +5 pay/1`: five debited to account a, about pay/1. */
const read = (text: string): SuspensePosting[] =>
  text
    .split(',')
    .map((one) => one.trim().split(' '))
    .map(([account = '', units = '0', reference = ''], n) => ({
      account,
      asset: 'EUR',
      entryId: `e${n + 1}`,
      n: 1,
      businessDate: '2026-11-25',
      units: BigInt(units),
      reference,
      description: 'test',
    }));
const told = (text: string) => openItems(read(text)).map(({ entryId, open }) => `${entryId} ${open}`);

describe('the open items of a suspense account', () => {
  it.each([
    ['what came stays', 'a 5 x', ['e1 5']],
    ['what was taken back about the same thing is gone', 'a 5 x, a 7 y, a -7 y', ['e1 5']],
    ['a part is taken back', 'a 5 x, a -2 x', ['e1 3']],
    ['the oldest first, when it is about nothing that is open', 'a 5 x, a 7 y, a -6 z', ['e2 6']],
    ['more than was there stands on the other side', 'a 5 x, a -9 z', ['e2 -4']],
    ['accounts do not make up for each other', 'a 5 x, b -5 x', ['e1 5', 'e2 -5']],
    ['what was taken first is met by what comes later', 'a -5 x, a 3 x, a 1 y', ['e1 -1']],
    ['nothing', 'a 5 x, a -5 x', []],
  ])('%s', (_, postings, expected) => {
    expect(told(postings)).toEqual(expected);
  });

  it('sum to the balance, stand on one side, and none is more than came', () => {
    const posting = fc.record({
      account: fc.constantFrom('a', 'b'),
      units: fc.bigInt({ min: -20n, max: 20n }).filter((units) => units !== 0n),
      reference: fc.constantFrom('x', 'y', 'z'),
    });
    fc.assert(
      fc.property(fc.array(posting, { maxLength: 25 }), (given) => {
        const postings = given.map((one, n) => ({ ...read('a 1 x')[0]!, ...one, entryId: `e${n}` }));
        const items = openItems(postings);
        for (const account of ['a', 'b']) {
          const own = items.filter((one) => one.account === account);
          const balance = postings.filter((one) => one.account === account).reduce((sum, { units }) => sum + units, 0n);
          expect(own.reduce((sum, { open }) => sum + open, 0n)).toBe(balance);
          expect(new Set(own.map(({ open }) => open > 0n)).size).toBeLessThanOrEqual(1);
        }
        for (const { units, open } of items)
          expect(units > 0n ? open > 0n && open <= units : open < 0n && open >= units).toBe(true);
      }),
      { seed: 20261201, numRuns: 300 },
    );
  });

  it.each([
    [0, 'UP_TO_2_DAYS'],
    [2, 'UP_TO_2_DAYS'],
    [3, 'UP_TO_7_DAYS'],
    [30, 'UP_TO_30_DAYS'],
    [90, 'UP_TO_90_DAYS'],
    [91, 'OLDER'],
  ])('of %i days is %s', (age, bucket) => {
    expect(bucketOf(age)).toBe(bucket);
  });
});
