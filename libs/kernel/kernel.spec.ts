import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import {
  accepted,
  canonicalJson,
  chunk,
  FixedClock,
  idFrom,
  invariant,
  isRefused,
  newId,
  problem,
  refused,
  seededRandom,
  sha256Hex,
} from './index.js';

describe('decisions', () => {
  it('carry a value, or every problem', () => {
    expect(accepted(1)).toEqual({ ok: true, value: 1 });
    const one = problem('INVALID_ISIN', 'no ISIN', ['lines', 3]);
    expect(refused(one)).toEqual({
      ok: false,
      problems: [{ code: 'INVALID_ISIN', message: 'no ISIN', path: ['lines', 3], retryable: false }],
    });
    expect(refused([one, one]).problems).toHaveLength(2);
    expect([isRefused(refused(one)), isRefused(accepted(1))]).toEqual([true, false]);
  });

  it('stop at a broken invariant', () => {
    expect(() => {
      invariant(false, 'sums to zero');
    }).toThrow('Invariant broken: sums to zero');
  });
});

describe('ids', () => {
  it('are a prefix and 26 characters that nobody misreads, in the order of time', () => {
    const first = newId('trd');
    expect(first).toMatch(/^trd_[0-9a-hjkmnp-tv-z]{26}$/);
    const start = Date.now();
    while (Date.now() === start); // the next millisecond
    expect(newId('trd') > first).toBe(true);
    expect(new Set(Array.from({ length: 1000 }, () => newId('trd'))).size).toBe(1000);
  });

  it('of a business key are always the same, and the parts do not run together', () => {
    expect(idFrom('trd', 'OMS', 'E1')).toBe(idFrom('trd', 'OMS', 'E1'));
    expect(idFrom('trd', 'OMS', 'E1')).toMatch(/^trd_[0-9a-hjkmnp-tv-z]{26}$/);
    expect(idFrom('trd', 'OM', 'SE1')).not.toBe(idFrom('trd', 'OMS', 'E1'));
    expect(idFrom('trd', 'OMS', 'E1', '')).not.toBe(idFrom('trd', 'OMS', 'E1'));
  });
});

describe('hashes', () => {
  it('are those of FIPS 180-4', () => {
    expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(sha256Hex(Buffer.from('abc'))).toBe(sha256Hex('abc'));
  });

  it('do not depend on the order of keys', () => {
    expect(canonicalJson({ b: 1n, a: [{ d: null, c: 'x' }] })).toBe('{"a":[{"c":"x","d":null}],"b":"1"}');
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse());
        expect(canonicalJson(reversed)).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe('a fixed clock', () => {
  it('stands still, is advanced, and never goes back', () => {
    const clock = new FixedClock('2026-11-23T07:00:00Z');
    clock.now().setUTCFullYear(1999);
    expect(clock.now().toISOString()).toBe('2026-11-23T07:00:00.000Z');
    clock.advanceTo('2026-11-23T08:00:00Z');
    expect(clock.now().toISOString()).toBe('2026-11-23T08:00:00.000Z');
    expect(() => {
      clock.advanceTo('2026-11-23T07:59:59Z');
    }).toThrow('does not go back');
  });
});

describe('chunks', () => {
  it('hold every item once, in order', () => {
    expect(chunk([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]]);
    expect(chunk([], 2)).toEqual([]);
    expect(() => chunk([1], 0)).toThrow(RangeError);
  });
});

describe('seeded random', () => {
  it('repeats exactly, within its bounds', () => {
    const draw = (seed: string) => {
      const random = seededRandom(seed);
      return [
        random.integer(1, 6),
        random.bigint(0n, 10n ** 30n),
        random.pick(['a', 'b', 'c']),
        random.shuffle([1, 2, 3, 4]),
      ];
    };
    expect(draw('day')).toEqual(draw('day'));
    expect(draw('day')).not.toEqual(draw('night'));
    const random = seededRandom('dice');
    const thrown = Array.from({ length: 6000 }, () => random.integer(1, 6));
    for (const face of [1, 2, 3, 4, 5, 6]) {
      const share = thrown.filter((one) => one === face).length;
      expect(share).toBeGreaterThan(850);
      expect(share).toBeLessThan(1150);
    }
    expect(random.shuffle([3, 1, 2]).sort()).toEqual([1, 2, 3]);
    expect(() => random.pick([])).toThrow(RangeError);
  });
});
