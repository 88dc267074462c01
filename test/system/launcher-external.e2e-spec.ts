import { describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { createTestDatabase, redisForTests } from '#libs/testing/index.js';
import { launch, nothingLeft, passwordsOfTests, temporaryInstallation } from '../e2e/launcher-process.js';

describe('npm start on a Postgres and a Redis of the caller', () => {
  it('starts from nothing with --reset, uses both, and leaves both running', async () => {
    const redis = await redisForTests();
    if (!redis) console.warn('no redis-server on this machine: the queue runs on Postgres in this test');
    const database = await createTestDatabase({ mode: 'sample', startsAt: '2026-11-30T19:00:00Z' });
    const installation = temporaryInstallation();
    const owner = new pg.Client({ connectionString: database.ownerUrl });
    await owner.connect();
    const launched = launch(installation.data, ['--port', '0', '--reset'], {
      ...passwordsOfTests,
      DATABASE_URL: database.ownerUrl,
      ...(redis ? { QUEUE_URL: redis.url } : {}),
    });
    try {
      await launched.says(/open in a browser/, 120_000);
      expect(launched.output).toContain('your Postgres (DATABASE_URL)');
      const { rows: clock } = await owner.query<{ isNew: boolean }>(
        `SELECT instant < '2026-11-26' AS "isNew" FROM kernel.clock`,
      );
      expect(clock).toEqual([{ isNew: true }]);
      if (redis) {
        expect(launched.output).toContain('your Redis for the queue (QUEUE_URL)');
        // The queue's own tables stay empty: its jobs are in Redis.
        const { rows } = await owner.query('SELECT 1 FROM bullmq.job LIMIT 1');
        expect(rows).toEqual([]);
      }
      launched.child.kill('SIGTERM');
      expect(await launched.end()).toBe(143);
      await nothingLeft(installation.data);
      expect((await owner.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    } finally {
      launched.child.kill('SIGKILL');
      await owner.end();
      installation.remove();
      await database.drop();
      await redis?.stop();
    }
  }, 240_000);
});
