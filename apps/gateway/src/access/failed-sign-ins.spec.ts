import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { hashApiKey, newApiKey } from '#libs/auth/index.js';
import { ApiClients, freshForMs } from './api-clients.js';
import { FailedSignIns, sourceOf, TooManyFailures } from './failed-sign-ins.js';

const from = (remoteAddress: string, forwarded?: string) =>
  ({ socket: { remoteAddress }, headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded } }) as never;

describe('failed sign-ins', () => {
  it('are counted for each source and leak away evenly', () => {
    let now = 0;
    const failures = new FailedSignIns({ perMinute: 6, now: () => now });
    for (let n = 0; n < 6; n += 1) failures.take('a');
    expect(() => {
      failures.take('a');
    }).toThrow(TooManyFailures);
    failures.take('b');
    now += 9_999;
    expect(() => {
      failures.take('a');
    }).toThrow('1 s');
    now += 1;
    failures.take('a');
    expect(() => {
      failures.take('a');
    }).toThrow('10 s');
    now += 60_000;
    for (let n = 0; n < 6; n += 1) failures.take('a');
    expect(() => {
      failures.take('a');
    }).toThrow(TooManyFailures);
  });

  it('never let through more than a minute has, and keep a bounded number of sources', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 20_000 }), fc.integer({ min: 0, max: 30 }))), (steps) => {
        let now = 0;
        const failures = new FailedSignIns({ perMinute: 10, sourcesMax: 40, now: () => now });
        const passed: number[] = [];
        for (const [waitMs, source] of steps) {
          now += waitMs;
          try {
            failures.take(`s${source % 3}`);
            if (source % 3 === 0) passed.push(now);
          } catch (error) {
            expect(error).toBeInstanceOf(TooManyFailures);
          }
        }
        // What was there at first, and what leaked away since.
        for (const start of passed)
          expect(passed.filter((at) => at >= start && at <= start + 60_000).length).toBeLessThanOrEqual(20);
      }),
    );
    const failures = new FailedSignIns({ perMinute: 10, sourcesMax: 40 });
    for (let n = 0; n < 10_000; n += 1) failures.take(`source-${n}`);
    expect(failures.sources).toBe(40);
  });

  it('come from the connection, or from what one’s own proxies wrote', () => {
    expect(sourceOf(from('::ffff:10.0.0.7', '6.6.6.6'), 0)).toBe('10.0.0.7');
    expect(sourceOf(from('10.0.0.7', '6.6.6.6, 203.0.113.9'), 1)).toBe('203.0.113.9');
    expect(sourceOf(from('10.0.0.7', '6.6.6.6, 203.0.113.9, 10.0.0.8'), 2)).toBe('203.0.113.9');
    expect(sourceOf(from('10.0.0.7', 'nonsense'), 1)).toBe('10.0.0.7');
    expect(sourceOf(from('10.0.0.7'), 1)).toBe('10.0.0.7');
    expect(sourceOf(from('2001:db8:0:1::5'), 0)).toBe(sourceOf(from('2001:0db8::1:ffff:0:0:9'), 0));
    expect(sourceOf(from('2001:db8:0:1::5'), 0)).not.toBe(sourceOf(from('2001:db8:0:2::5'), 0));
    expect(sourceOf(from('::1'), 0)).toBe('0:0:0:0::/64');
  });
});

describe('guessing keys', () => {
  const good = newApiKey('admin');
  const known = new Map([
    [hashApiKey(good, ''), { subject: 'ann', kind: 'PERSON' as const, roles: ['admin'], books: ['*'] }],
  ]);
  const make = () => {
    const clock = { now: 1_000_000 };
    const asked: string[] = [];
    const clients = new ApiClients(
      (hash) => {
        asked.push(hash);
        return Promise.resolve(known.get(hash) ?? null);
      },
      { pepper: '', failures: new FailedSignIns({ perMinute: 5, now: () => clock.now }), now: () => clock.now },
    );
    return { clients, asked, clock };
  };
  const outcome = (identifying: Promise<unknown>) =>
    identifying.then(
      (principal) => (principal === undefined ? 'unknown' : 'known'),
      (error: unknown) => (error instanceof TooManyFailures ? 'limited' : 'broken'),
    );

  it('stops being asked about, also when all guesses come at once', async () => {
    const { clients, asked } = make();
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, () => outcome(clients.identify(newApiKey('admin'), 'attacker'))),
    );
    expect(outcomes.filter((one) => one === 'unknown')).toHaveLength(5);
    expect(outcomes.filter((one) => one === 'limited')).toHaveLength(45);
    expect(asked).toHaveLength(5);
    expect(await outcome(clients.identify('not even a key', 'attacker'))).toBe('limited');
    expect(await outcome(clients.identify(good, 'elsewhere'))).toBe('known');
  });

  it('does not count for who has a key, however many requests come at once', async () => {
    const { clients, asked } = make();
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => outcome(clients.identify(good, 'office'))));
    expect(new Set(outcomes)).toEqual(new Set(['known']));
    expect(asked).toHaveLength(1);
  });

  it('does not lock out a known client behind the same address', async () => {
    const { clients, clock } = make();
    expect(await outcome(clients.identify(good, 'office'))).toBe('known');
    for (let n = 0; n < 9; n += 1) await outcome(clients.identify(newApiKey('admin'), 'office'));
    expect(await outcome(clients.identify(newApiKey('admin'), 'office'))).toBe('limited');
    expect(await outcome(clients.identify(good, 'office'))).toBe('known');
    clock.now += freshForMs + 1;
    for (let n = 0; n < 9; n += 1) await outcome(clients.identify(newApiKey('admin'), 'office'));
    expect(await outcome(clients.identify(good, 'office'))).toBe('known');
  });

  it('counts one wrong key sent again and again', async () => {
    const { clients, asked } = make();
    const wrong = newApiKey('partner');
    const outcomes: string[] = [];
    for (let n = 0; n < 8; n += 1) outcomes.push(await outcome(clients.identify(wrong, 'misconfigured')));
    expect(outcomes).toEqual([...Array<string>(5).fill('unknown'), ...Array<string>(3).fill('limited')]);
    expect(asked).toHaveLength(1);
  });

  it('does not count while nobody can be asked', async () => {
    const clients = new ApiClients(() => Promise.reject(new Error('away')), {
      pepper: '',
      failures: new FailedSignIns({ perMinute: 5 }),
    });
    for (let n = 0; n < 20; n += 1)
      expect(await outcome(clients.identify(newApiKey('admin'), 'office'))).toBe('broken');
  });
});
