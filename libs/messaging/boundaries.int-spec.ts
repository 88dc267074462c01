import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type Service } from '#libs/contracts/index.js';
import { DatabaseModule, Transactions } from '#libs/database/index.js';
import { createTestDatabase, PlantedBreaches, redisForTests, type TestDatabase, waitFor } from '#libs/testing/index.js';
import { HandlersWrong } from './handler-registry.js';
import { Handles } from './handles.js';
import { MessageCatalogue } from './message-catalogue.js';
import { messagingInvariants } from './messaging.invariants.js';
import { declareMessageRoutes } from './messaging.migrations.js';
import { MessagingModule, type MessagingSettings } from './messaging.module.js';
import { Outbox } from './outbox.js';
import { bootProbe, probeCatalogue, probeMessages, probeTables, quick } from './probe/probe.js';
import { type Schedule } from './schedules.js';

jest.setTimeout(60_000);

describe('messaging at its borders', () => {
  let database: TestDatabase;
  const overPostgres = () => ({ queueUrl: undefined, queueDatabaseUrl: database.urlFor('queue') });
  const owner = async <T extends object>(sql: string): Promise<T[]> =>
    (await database.pool('owner').query<T>(sql)).rows;

  beforeAll(async () => {
    database = await createTestDatabase();
    await database.pool('migrate').query('TRUNCATE messaging.route');
    await declareMessageRoutes((sql, parameters) => database.pool('migrate').query(sql, parameters), probeCatalogue);
    await database.pool('owner').query(probeTables);
    await database.pool('owner').query(`GRANT TEMPORARY ON DATABASE ${database.name} TO queue`);
  });

  afterAll(async () => {
    await database.drop();
  });

  describe('a boot that must fail', () => {
    const boot = async (service: Service, providers: (new () => object)[], settings: MessagingSettings = {}) => {
      @Module({
        imports: [
          DatabaseModule.forService({ service, url: database.urlFor(service), poolSize: 3 }),
          MessagingModule.forService(service, { ...quick, ...overPostgres(), ...settings }),
        ],
        providers,
      })
      class Root {}
      const app = await NestFactory.create(Root, { logger: false, abortOnError: false });
      try {
        await app.init();
      } finally {
        await app.close();
      }
    };
    class TellsOnce {
      told(): Promise<void> {
        return Promise.resolve();
      }
    }
    (Handles as unknown as (name: string) => MethodDecorator)('probe.told.v1')(
      TellsOnce.prototype,
      'told',
      Object.getOwnPropertyDescriptor(TellsOnce.prototype, 'told')!,
    );
    class TellsAgain extends TellsOnce {}
    class HandlesForeign {
      count(): Promise<void> {
        return Promise.resolve();
      }
    }
    (Handles as unknown as (name: string) => MethodDecorator)('probe.count.v1')(
      HandlesForeign.prototype,
      'count',
      Object.getOwnPropertyDescriptor(HandlesForeign.prototype, 'count')!,
    );

    it('names every missing, doubled and foreign handler', async () => {
      await expect(boot('settlement', [])).rejects.toThrow(HandlersWrong);
      await expect(boot('settlement', [])).rejects.toThrow('probe.told.v1 has no handler');
      await expect(boot('settlement', [TellsOnce, TellsAgain])).rejects.toThrow(
        'probe.told.v1 has 2 handlers: TellsOnce.told, TellsAgain.told',
      );
      await expect(boot('settlement', [TellsOnce, HandlesForeign])).rejects.toThrow(
        'HandlesForeign.count handles probe.count.v1, which settlement does not consume',
      );
    });

    it('says that the migrate step is missing when the routes are of another release', async () => {
      const changed = new MessageCatalogue({
        ...probeMessages,
        'probe.told.v1': { ...probeMessages['probe.told.v1'], lane: 'bulk' },
      } as never);
      await expect(boot('settlement', [TellsOnce], { catalogue: changed })).rejects.toThrow(
        '(probe.told.v1): run the migrate step',
      );
    });

    it('says what is wrong with the queue', async () => {
      await expect(boot('settlement', [TellsOnce], { queueDatabaseUrl: undefined })).rejects.toThrow(
        'Neither QUEUE_URL',
      );
      await expect(
        boot('settlement', [TellsOnce], { queueUrl: 'redis://user:secret@127.0.0.1:1', bootWaitMs: 100 }),
      ).rejects.toThrow(/Redis does not answer at QUEUE_URL redis:\/\/…@127\.0\.0\.1:1: start it/);
    });

    it('refuses a Redis that may throw jobs away', async () => {
      const redis = await redisForTests();
      if (redis === undefined) {
        process.stderr.write('redis-server is not installed: this test is skipped\n');
        return;
      }
      const { Redis } = await import('ioredis');
      const client = new Redis(redis.url);
      await client.config('SET', 'maxmemory-policy', 'allkeys-lru');
      client.disconnect();
      await expect(boot('settlement', [TellsOnce], { queueUrl: redis.url })).rejects.toThrow(
        'maxmemory-policy allkeys-lru',
      );
      await redis.stop();
    });
  });

  describe('a service role', () => {
    const as = (role: 'settlement' | 'accounting' | 'compliance' | 'queue', sql: string) =>
      database.pool(role).query(sql);

    beforeAll(async () => {
      await as(
        'settlement',
        `SELECT messaging.add('[{"name":"probe.count.v1","headers":{},"priority":0}]', ARRAY['{"n":77}']::json[])`,
      );
    });

    it.each([
      ['reads payloads', 'SELECT payload FROM messaging.message'],
      [
        'writes a message',
        `INSERT INTO messaging.message (sequence, name, producer, payload, headers) VALUES (999999, 'probe.count.v1', 'settlement', '{}', '{}')`,
      ],
      ['acknowledges by hand', `UPDATE messaging.delivery SET state = 'ACKNOWLEDGED'`],
      ['removes a delivery', 'DELETE FROM messaging.delivery'],
      ['empties the messages', 'TRUNCATE messaging.message CASCADE'],
      [
        'makes itself a consumer',
        `SELECT messaging.declare_routes('[{"name":"probe.count.v1","consumer":"compliance","lane":"fast","isLongRunning":false,"isOrdered":false,"producers":["settlement"]}]')`,
      ],
      [
        'writes a route',
        `INSERT INTO messaging.route VALUES ('probe.count.v1', 'compliance', 'fast', false, false, '{settlement}')`,
      ],
      ['takes a lease by hand', 'UPDATE messaging.job_run SET attempt_token = NULL'],
      ['calls the inner steps', `SELECT messaging.call_next('accounting', 'x', 0)`],
      [
        'replaces a function',
        `CREATE OR REPLACE FUNCTION messaging.next_sequence() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'`,
      ],
    ])('cannot do this: it %s', async (_what, sql) => {
      for (const role of ['settlement', 'compliance', 'queue'] as const)
        await expect(as(role, sql)).rejects.toMatchObject({ code: '42501' });
    });

    it('cannot take, acknowledge, fail or see what is for another', async () => {
      const [row] = await owner<{ sequence: string }>(
        `SELECT sequence FROM messaging.message ORDER BY sequence DESC LIMIT 1`,
      );
      const sequence = row!.sequence;
      for (const role of ['settlement', 'compliance'] as const) {
        expect((await as(role, `SELECT outcome, payload FROM messaging.begin_delivery(${sequence})`)).rows).toEqual([
          { outcome: 'UNKNOWN', payload: null },
        ]);
        await expect(as(role, `SELECT messaging.acknowledge(${sequence})`)).rejects.toThrow('is not open');
        expect(
          (await as(role, `SELECT * FROM messaging.fail_delivery(${sequence}, false, 1, 1, 1, 'x', 'x', 'x')`)).rows,
        ).toEqual([]);
      }
      expect((await as('compliance', 'SELECT * FROM messaging.take_waiting(10)')).rows).toEqual([]);
      expect(
        (await as('accounting', `SELECT outcome, payload FROM messaging.begin_delivery(${sequence})`)).rows,
      ).toEqual([{ outcome: 'RUN', payload: { n: 77 } }]);
    });

    it('cannot send in the name of another, nor under another role', async () => {
      const send = `SELECT messaging.add('[{"name":"probe.count.v1","headers":{},"priority":0}]', ARRAY['{"n":1}']::json[])`;
      await expect(as('compliance', send)).rejects.toThrow('compliance may not send probe.count.v1');
      await expect(as('compliance', `SET ROLE settlement; ${send}`)).rejects.toMatchObject({ code: '42501' });
    });
  });

  describe('schedules', () => {
    const schedules: Schedule[] = [
      {
        name: 'each second',
        everySeconds: 1,
        catchUp: 'all',
        message: { name: 'probe.tick.v1', payload: { n: 1 } },
      } as never,
      {
        name: 'noon in Frankfurt',
        at: { time: '12:00', zone: 'Europe/Berlin' },
        catchUp: 'all',
        message: { name: 'probe.tick.v1', payload: { n: 2 } },
      } as never,
      {
        name: 'last only',
        at: { time: '06:30', zone: 'America/New_York' },
        catchUp: 'last',
        message: { name: 'probe.tick.v1', payload: { n: 3 } },
      } as never,
      {
        name: 'never late',
        at: { time: '06:30', zone: 'America/New_York' },
        catchUp: 'none',
        message: { name: 'probe.tick.v1', payload: { n: 4 } },
      } as never,
    ];

    it('fire each slot once, however many processes run, through a change of clocks', async () => {
      await database.setClock('2026-03-27T00:00:00Z');
      const apps: INestApplicationContext[] = [];
      for (let one = 0; one < 3; one += 1) {
        apps.push(
          await bootProbe({
            service: 'accounting',
            databaseUrl: database.urlFor('accounting'),
            settings: overPostgres(),
            schedules,
          }),
        );
      }
      await waitFor(
        async () => (await owner(`SELECT 1 FROM messaging.schedule_slot WHERE schedule = 'each second'`)).length >= 3,
      );
      // Three noons in Frankfurt: before, on and after the change to summer time of 29 March.
      await database.setClock('2026-03-30T10:00:00Z');
      await waitFor(
        async () => (await owner(`SELECT 1 FROM messaging.schedule_slot WHERE schedule = 'last only'`)).length > 0,
      );
      await waitFor(
        async () =>
          (await owner(`SELECT 1 FROM messaging.delivery WHERE name = 'probe.tick.v1' AND state <> 'ACKNOWLEDGED'`))
            .length === 0,
      );
      const slots = await owner<{ slot: Date }>(
        `SELECT slot FROM messaging.schedule_slot WHERE schedule = 'noon in Frankfurt' ORDER BY slot`,
      );
      expect(slots.map(({ slot }) => slot.toISOString())).toEqual([
        '2026-03-27T11:00:00.000Z',
        '2026-03-28T11:00:00.000Z',
        '2026-03-29T10:00:00.000Z',
        '2026-03-30T10:00:00.000Z',
      ]);
      expect(await owner(`SELECT slot FROM messaging.schedule_slot WHERE schedule = 'last only'`)).toEqual([
        { slot: new Date('2026-03-29T10:30:00Z') },
      ]);
      expect(await owner(`SELECT slot FROM messaging.schedule_slot WHERE schedule = 'never late'`)).toEqual([]);
      for (const app of apps) await app.close();
      const [count] = await owner<{ effects: number; slots: number; messages: number }>(
        `SELECT (SELECT count(DISTINCT key) FROM probe.effect WHERE kind = 'tick')::int AS effects, (SELECT count(*) FROM messaging.schedule_slot)::int AS slots,
                (SELECT count(*) FROM messaging.message WHERE name = 'probe.tick.v1')::int AS messages`,
      );
      expect(count!.messages).toBe(count!.slots);
    });
  });

  describe('the invariants', () => {
    const planted = new PlantedBreaches(messagingInvariants);
    const broken = async () => {
      const client = await database.pool('verify').connect();
      try {
        const found = [];
        for (const invariant of messagingInvariants) {
          const { broken: ones } = await invariant.check(async (sql) => (await client.query(sql)).rows as never);
          planted.noticed(invariant, ones);
          for (const { detail } of ones)
            found.push(`${invariant.number}: ${detail.replace(/ since .*/, '').replace(/before \d+/, 'before one')}`);
        }
        return [...new Set(found)].sort();
      } finally {
        client.release();
      }
    };

    it('hold, and find each planted breach', async () => {
      await owner('TRUNCATE messaging.message, messaging.delivery, messaging.job_run CASCADE');
      const app = await bootProbe({
        service: 'settlement',
        databaseUrl: database.urlFor('settlement'),
        settings: overPostgres(),
      });
      await app
        .get(Transactions, { strict: false })
        .run((tx) =>
          app
            .get(Outbox, { strict: false })
            .addAll(tx, [1, 2, 3, 4, 5, 6].map((n) => ({ name: 'probe.count.v1', payload: { n } })) as never),
        );
      await app.close();
      expect(await broken()).toEqual([]);
      const [first] = await owner<{ sequence: string }>('SELECT min(sequence) AS sequence FROM messaging.message');
      const at = (n: number) => BigInt(first!.sequence) + BigInt(n);
      await owner(`DELETE FROM messaging.delivery WHERE sequence = ${at(0)}`);
      await owner(
        `UPDATE messaging.delivery SET state = 'PUBLISHED', added_at = now() - interval '1 hour', published_at = now() - interval '1 hour' WHERE sequence = ${at(1)}`,
      );
      await owner(`UPDATE messaging.delivery SET state = 'DEAD' WHERE sequence = ${at(2)}`);
      await owner(`DELETE FROM messaging.message WHERE sequence = ${at(3)}`);
      await owner(`UPDATE messaging.delivery SET ordering_key = 'k' WHERE sequence IN (${at(4)}, ${at(5)})`);
      await owner(
        `UPDATE messaging.delivery SET state = 'ACKNOWLEDGED', acknowledged_at = now() WHERE sequence = ${at(5)}`,
      );
      expect(await broken()).toEqual([
        '5: has no message',
        '5: probe.count.v1 has no delivery',
        '5: went before one of the same key',
        '9: probe.count.v1 is PUBLISHED',
        '9: probe.count.v1 is dead and nobody owns it',
      ]);
      expect(planted.neverBroken()).toEqual([]);
    });
  });
});
