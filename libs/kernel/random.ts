import { createHash } from 'node:crypto';

/** Random that a seed repeats exactly. For samples and tests, never for secrets. */
export interface SeededRandom {
  /** A whole number, both ends included. */
  integer(min: number, max: number): number;
  bigint(min: bigint, max: bigint): bigint;
  pick<T>(items: readonly T[]): T;
  /** A shuffled copy. */
  shuffle<T>(items: readonly T[]): T[];
}

/** The small fast counter generator sfc32 (Doty-Humphrey, PractRand), seeded from a hash of the text. */
export function seededRandom(seed: string): SeededRandom {
  const hash = createHash('sha256').update(seed).digest();
  let a = hash.readInt32LE(0);
  let b = hash.readInt32LE(4);
  let c = hash.readInt32LE(8);
  let counter = hash.readInt32LE(12);
  const next = (): number => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    c |= 0;
    return t >>> 0;
  };
  const bigint = (min: bigint, max: bigint): bigint => {
    if (max < min) throw new RangeError(`No number from ${min} to ${max}`);
    const range = max - min + 1n;
    let drawn = 0n;
    // 64 bits more than needed make the bias of the remainder negligible.
    for (let bits = 0n; bits < BigInt(range.toString(2).length) + 64n; bits += 32n)
      drawn = (drawn << 32n) | BigInt(next());
    return min + (drawn % range);
  };
  const integer = (min: number, max: number) => Number(bigint(BigInt(min), BigInt(max)));
  return {
    integer,
    bigint,
    pick: (items) => {
      if (items.length === 0) throw new RangeError('Nothing to pick from');
      return items[integer(0, items.length - 1)] as (typeof items)[number];
    },
    shuffle: (items) => {
      const copy = [...items];
      for (let last = copy.length - 1; last > 0; last -= 1) {
        const other = integer(0, last);
        [copy[last], copy[other]] = [copy[other] as (typeof items)[number], copy[last] as (typeof items)[number]];
      }
      return copy;
    },
  };
}
