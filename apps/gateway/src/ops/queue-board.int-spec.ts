/* eslint-disable @typescript-eslint/no-explicit-any, @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-return -- what comes over the wire has no types here */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
// eslint-disable-next-line no-restricted-imports -- something to look at
import { createPostgresBackend, Queue } from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';
import { newApiKey } from '#libs/auth/index.js';
import { Logger } from '#libs/observability/index.js';
import { type RunningService } from '#libs/service/index.js';
import { createTestDatabase, redisForTests, type TestDatabase, type TestRedis } from '#libs/testing/index.js';
import { composeSupergraph } from '../../composition/compose-supergraph.js';
import { bootGateway } from '../gateway.js';
import { readGatewayConfig } from '../gateway.config.js';

const supergraphSdl = composeSupergraph([
  {
    name: 'settlement',
    sdl: 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@requiresScopes"]) type Query { a: String @requiresScopes(scopes: [["trades:read"]]) }',
  },
]);

for (const backend of ['postgres', 'redis'] as const) {
  describe(`the queue board over ${backend}`, () => {
    let database: TestDatabase | undefined;
    let redis: TestRedis | undefined;
    let gateway: RunningService | undefined;
    const close: (() => Promise<unknown>)[] = [];

    beforeAll(async () => {
      const environment: Record<string, string> = {
        PORT: '0',
        INTERNAL_TOKEN_SECRET: 'a-secret-of-the-test-that-is-long-enough',
      };
      let queue: Queue;
      if (backend === 'postgres') {
        database = await createTestDatabase({ services: ['accounting'] });
        environment.QUEUE_DATABASE_URL = database.urlFor('queue');
        const pool = new pg.Pool({
          connectionString: environment.QUEUE_DATABASE_URL,
          options: '-c search_path=bullmq',
        });
        queue = new Queue('settlement-fast', { connection: pool }, createPostgresBackend as never);
        close.push(
          () => queue.close(),
          () => pool.end(),
        );
      } else {
        redis = await redisForTests();
        if (!redis) return;
        environment.QUEUE_URL = redis.url;
        const connection = new Redis(redis.url, { maxRetriesPerRequest: null });
        queue = new Queue('settlement-fast', { connection, prefix: '{northgate-settlement-fast}' });
        close.push(
          () => queue.close(),
          () => connection.quit(),
        );
      }
      await queue.add('settlement.example.v1', { sequence: '1' });
      gateway = await bootGateway(readGatewayConfig(environment), {
        supergraphSdl,
        followProcess: false,
        logger: new Logger({ service: 'test', level: 'silent' }),
        askForClient: () => Promise.resolve({ subject: 'any', kind: 'PERSON', roles: [role], books: ['*'] }),
      });
    });
    afterAll(async () => {
      await gateway?.stop();
      for (const end of close) await end();
      await database?.drop();
      await redis?.stop();
    });

    let role = 'operations';
    const open = (path: string, as: string, init: RequestInit = {}) => {
      role = as;
      const password = Buffer.from(`me:${newApiKey(as)}`).toString('base64');
      return fetch(`http://127.0.0.1:${gateway!.port}/ops/queues${path}`, {
        ...init,
        headers: { authorization: `Basic ${password}` },
      });
    };

    it('shows the queues to operations, to nobody else, and changes nothing', async () => {
      if (!gateway) return;
      const page = await open('/', 'operations');
      expect(page.status).toBe(200);
      expect(await page.text()).toContain('Queues');
      const { queues } = await (
        await open('/api/queues?activeQueue=settlement-fast&status=waiting&page=1', 'operations')
      ).json();
      expect(queues.map((queue: any) => queue.name)).toContain('compliance-bulk');
      expect(queues.find((queue: any) => queue.name === 'settlement-fast')).toMatchObject({
        readOnlyMode: true,
        counts: { waiting: 1 },
      });
      expect((await open('/api/queues/settlement-fast/pause', 'operations', { method: 'PUT' })).status).toBe(405);
      expect((await open('/', 'front-office')).status).toBe(403);
      expect((await fetch(`http://127.0.0.1:${gateway.port}/ops/queues/`)).headers.get('www-authenticate')).toContain(
        'Basic',
      );
    });
  });
}
