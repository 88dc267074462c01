import { describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { createTestDatabase, redisForTests, waitFor } from './index.js';

describe('testing', () => {
  it('gives each test its own database, all alike', async () => {
    const [one, other] = await Promise.all([createTestDatabase(), createTestDatabase()]);
    try {
      expect(one.name).not.toBe(other.name);
      await one.pool('owner').query('CREATE TABLE public.only_here (n int)');
      await expect(other.pool('owner').query('SELECT n FROM public.only_here')).rejects.toThrow(/does not exist/);
      const inEach = await Promise.all(
        [one, other].map((database) =>
          database
            .pool('settlement')
            .query("SELECT kernel.now() AS now, to_regclass('audit_leaf') IS NOT NULL AS is_there"),
        ),
      );
      expect(inEach.map(({ rows }) => rows as unknown)).toEqual(
        Array<unknown>(2).fill([{ now: new Date('2026-01-05T07:00:00Z'), is_there: true }]),
      );
    } finally {
      await one.drop();
      await other.drop();
    }
  });

  it('waits for a condition and names the one that was not met', async () => {
    let asked = 0;
    expect(await waitFor(() => (asked += 1) > 2 && 'yes')).toBe('yes');
    await expect(waitFor(() => false, { timeoutMs: 30, what: 'the moon' })).rejects.toThrow(
      'the moon was not met within 30 ms',
    );
  });

  it('starts a Redis that keeps what it has, where there is one', async () => {
    const server = await redisForTests();
    if (!server) {
      console.warn('skipped: redis-server is not installed');
      return;
    }
    const client = new Redis(server.url, { retryStrategy: () => null });
    client.on('error', () => undefined);
    expect(await client.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'noeviction']);
    client.disconnect();
    await server.stop();
    await expect(fetch(`http://127.0.0.1:${server.port}`)).rejects.toThrow();
  });
});
