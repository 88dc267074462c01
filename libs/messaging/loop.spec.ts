import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type Found, Loop } from './loop.js';

const pauseMs = 100;
let found: Found;
let turns: number[];
let loop: Loop;
let fails: boolean;
let more: number;
const startedAt = new Date('2026-01-05T07:00:00Z');

beforeEach(() => {
  jest.useFakeTimers({ now: startedAt });
  found = 'nothing';
  fails = false;
  more = 0;
  turns = [];
  loop = new Loop(
    () => {
      turns.push(Date.now() - startedAt.getTime());
      if (fails) return Promise.reject(new Error('away'));
      more -= 1;
      return Promise.resolve(more >= 0 ? 'more' : found);
    },
    pauseMs,
    () => undefined,
  );
});
afterEach(async () => {
  await loop.stop();
  jest.useRealTimers();
});

const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

describe('a loop', () => {
  it('rests the longer the longer it finds nothing, up to ten pauses', async () => {
    loop.start();
    await pass(4_500);
    expect(turns).toEqual([0, 100, 300, 700, 1_500, 2_500, 3_500, 4_500]);
  });

  it('looks at the usual pace while it finds something', async () => {
    found = 'some';
    loop.start();
    await pass(350);
    expect(turns).toEqual([0, 100, 200, 300]);
  });

  it('goes on at once while there is more', async () => {
    more = 3;
    loop.start();
    await pass(150);
    expect(turns).toEqual([0, 0, 0, 0, 100]);
  });

  it('wakes when it is rung, and is quick again for a while', async () => {
    loop.start();
    await pass(2_000);
    loop.ring();
    await pass(300);
    expect(turns.slice(5)).toEqual([2_000, 2_100, 2_300]);
  });

  it('is not woken while it fails; it tries again after two pauses, four, eight, and so on up to two seconds', async () => {
    fails = true;
    loop.start();
    await pass(50);
    loop.ring();
    await pass(5_350);
    expect(turns).toEqual([0, 200, 600, 1_400, 3_000, 5_000]);
  });

  it('ends at once, and never looks again', async () => {
    loop.start();
    await pass(1_000);
    const before = turns.length;
    await loop.stop();
    await pass(10_000);
    expect(turns).toHaveLength(before);
  });
});
