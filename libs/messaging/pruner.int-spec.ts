import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type INestApplicationContext } from '@nestjs/common';
import { messageCatalogue } from '#libs/contracts/index.js';
import { Transactions, type Tx } from '#libs/database/index.js';
import { createTestDatabase, type TestDatabase, waitFor } from '#libs/testing/index.js';
import { MessageCatalogue } from './message-catalogue.js';
import { messagingInvariants } from './messaging.invariants.js';
import { declareMessageRoutes } from './messaging.migrations.js';
import { Outbox } from './outbox.js';
import { bootProbe, CollectingSink, probeMessages, probeTables, ProbeScript } from './probe/probe.js';

jest.setTimeout(60_000);

const prune = 'settlement.prune-messages.v1';
const catalogue = new MessageCatalogue({
  ...probeMessages,
  [prune]: messageCatalogue[prune],
  'accounting.prune-messages.v1': messageCatalogue['accounting.prune-messages.v1'],
} as never);

describe('what is finished and old', () => {
  let database: TestDatabase;
  let settlement: INestApplicationContext;
  let accounting: INestApplicationContext;
  const script = new ProbeScript();

  const boot = (service: 'settlement' | 'accounting') =>
    bootProbe({
      service,
      databaseUrl: database.urlFor(service),
      settings: {
        queueUrl: undefined,
        queueDatabaseUrl: database.urlFor('queue'),
        catalogue,
        retentionDays: 30,
        pruneBatch: 7,
        maxAttempts: 2,
      },
      script,
    });
  const owner = async <T extends object>(sql: string, parameters: unknown[] = []): Promise<T[]> =>
    (await database.pool('owner').query<T>(sql, parameters)).rows;
  const inSettlement = <T>(work: (tx: Tx, outbox: Outbox) => Promise<T>) =>
    settlement.get(Transactions, { strict: false }).run((tx) => work(tx, settlement.get(Outbox, { strict: false })));
  const add = (name: string, payloads: object[]) =>
    inSettlement((tx, outbox) => outbox.addAll(tx, payloads.map((payload) => ({ name, payload })) as never));
  const numbers = (count: number) => Array.from({ length: count }, (_, n) => ({ n }));
  const settled = () =>
    waitFor(
      async () =>
        (await owner(`SELECT 1 FROM messaging.delivery WHERE state IN ('WAITING', 'PUBLISHED') LIMIT 1`)).length === 0,
      { what: 'the end of every delivery' },
    );
  /** As if they had been sent and finished so long ago. */
  const age = async (days: number, where = `name <> '${prune}'`) => {
    const past = `- interval '${days} days'`;
    await owner(`UPDATE messaging.message SET created_at = created_at ${past} WHERE ${where}`);
    await owner(
      `UPDATE messaging.delivery SET added_at = added_at ${past}, published_at = published_at ${past}, acknowledged_at = acknowledged_at ${past} WHERE ${where}`,
    );
    await owner(
      `UPDATE messaging.job_run SET finished_at = finished_at ${past}, updated_at = updated_at ${past} WHERE ${where}`,
    );
  };
  const left = async () =>
    (
      await owner<{ name: string; count: number }>(
        `SELECT name, count(*)::int AS count FROM messaging.message WHERE name <> '${prune}' GROUP BY name ORDER BY name`,
      )
    ).map(({ name, count }) => `${name} ${count}`);
  const counts = async () => {
    const added = await add(prune, [{}]);
    await waitFor(
      async () =>
        (
          await owner(`SELECT 1 FROM messaging.job_run WHERE job_run_id = $1 AND state = 'SUCCEEDED'`, [
            added[0]!.jobRunId,
          ])
        ).length === 1,
      { what: 'the pruning' },
    );
    const [run] = await owner<{ counts: Record<string, number> }>(
      'SELECT counts FROM messaging.job_run WHERE job_run_id = $1',
      [added[0]!.jobRunId],
    );
    return run!.counts;
  };
  const invariantsHold = async () => {
    for (const { check, number } of messagingInvariants) {
      const { broken } = await check(owner as never);
      expect([number, broken]).toEqual([number, []]);
    }
  };

  beforeAll(async () => {
    database = await createTestDatabase();
    await database.pool('migrate').query('TRUNCATE messaging.route');
    await declareMessageRoutes((sql, parameters) => database.pool('migrate').query(sql, parameters), catalogue);
    await database.pool('owner').query(probeTables);
    settlement = await boot('settlement');
  });
  beforeEach(async () => {
    accounting = await boot('accounting');
  });
  afterEach(async () => {
    await accounting.close();
    script.beforeAcknowledging = () => undefined;
    await owner(
      'TRUNCATE probe.effect, messaging.message, messaging.delivery, messaging.job_run, messaging.job_attempt, messaging.barrier, messaging.schedule_slot',
    );
  });
  afterAll(async () => {
    await settlement.close();
    await database.drop();
  });

  it('goes in bounded steps, messages with all their deliveries and job runs; the rest stays', async () => {
    await add('probe.count.v1', numbers(40));
    await add('probe.told.v1', numbers(10));
    await add('probe.long.v1', [{ steps: 2 }]);
    await settled();
    await age(31);
    await add('probe.count.v1', numbers(5));
    await settled();
    const removed = await counts();
    expect(removed).toEqual({ messages: 51, deliveries: 61, jobRuns: 1, slots: 0 });
    expect(await left()).toEqual(['probe.count.v1 5']);
    expect(
      await owner(
        'SELECT 1 FROM messaging.job_attempt a WHERE NOT EXISTS (SELECT FROM messaging.job_run j WHERE j.job_run_id = a.job_run_id)',
      ),
    ).toEqual([]);
    await invariantsHold();
    // Twice changes nothing; what was done stays done.
    expect(await counts()).toEqual({ messages: 0, deliveries: 0, jobRuns: 0, slots: 0 });
    expect(await owner(`SELECT count(*)::int AS effects FROM probe.effect WHERE kind = 'count'`)).toEqual([
      { effects: 45 },
    ]);
  });

  it('never an open one, a dead letter, a half-finished event or one of the others', async () => {
    script.beforeAcknowledging = (name) => {
      if (name === 'probe.fail.v1') throw new Error('no');
    };
    await add('probe.fail.v1', numbers(3));
    await waitFor(async () => (await owner(`SELECT 1 FROM messaging.delivery WHERE state = 'DEAD'`)).length === 3);
    await accounting.get(Transactions, { strict: false }).run(async (tx) => {
      await accounting.get(Outbox, { strict: false }).add(tx, 'probe.tick.v1' as never, { n: 1 });
    });
    await settled();
    await accounting.close();
    // Settlement has its part of each event, accounting has not.
    await add('probe.told.v1', numbers(4));
    await add('probe.count.v1', numbers(6));
    await waitFor(
      async () =>
        (await owner(`SELECT 1 FROM messaging.delivery WHERE state = 'ACKNOWLEDGED' AND consumer = 'settlement'`))
          .length === 4,
    );
    await age(400);
    expect(await counts()).toMatchObject({ messages: 0, deliveries: 0 });
    accounting = await boot('accounting');
    await settled();
    expect((await owner<{ n: number }>('SELECT n FROM probe.effect')).length).toBe(4 + 4 + 6 + 1);
    expect(await left()).toEqual(['probe.count.v1 6', 'probe.fail.v1 3', 'probe.tick.v1 1', 'probe.told.v1 4']);
    // Acknowledged a moment ago, however old the message: kept for its time.
    expect(await counts()).toMatchObject({ messages: 0 });
    await age(31);
    expect(await counts()).toMatchObject({ messages: 10 });
    expect(await left()).toEqual(['probe.fail.v1 3', 'probe.tick.v1 1']);
    expect(accounting.get(CollectingSink, { strict: false })).toBeDefined();
  });

  it('never from a barrier on that somebody uses, and below it gladly', async () => {
    const added = await add('probe.count.v1', numbers(20));
    await settled();
    await age(31);
    await inSettlement((tx, outbox) => outbox.useBarrier(tx, 'a phase', added[8]!.sequence));
    expect(await counts()).toMatchObject({ messages: 8 });
    expect(await left()).toEqual(['probe.count.v1 12']);
    await inSettlement((tx, outbox) => outbox.leaveBarrier(tx, 'a phase'));
    expect(await counts()).toMatchObject({ messages: 12 });
  });

  it('a pruner killed between two statements has removed whole messages or nothing, and the next one goes on', async () => {
    await add('probe.told.v1', numbers(30));
    await settled();
    await age(31);
    // The connection is cut when the deliveries are gone and the messages are not yet.
    const cut = settlement.get(Transactions, { strict: false }).run(async (tx) => {
      const me = await tx.row<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      await tx.rows('SELECT * FROM messaging.prune(0, 30, 20)');
      expect((await owner('SELECT 1 FROM messaging.message')).length).toBe(30);
      await owner('SELECT pg_terminate_backend($1)', [me!.pid]);
      await tx.rows('SELECT 1');
    });
    await expect(cut).rejects.toThrow();
    expect((await owner('SELECT 1 FROM messaging.delivery')).length).toBe(60);
    // One that ends after its first window: the next begins where it likes.
    await settlement
      .get(Transactions, { strict: false })
      .run((tx) => tx.rows('SELECT * FROM messaging.prune(0, 30, 11)'));
    expect(await left()).toEqual(['probe.told.v1 19']);
    await invariantsHold();
    expect(await counts()).toMatchObject({ messages: 19, deliveries: 38 });
    expect(await left()).toEqual([]);
  });

  it('is asked for once a day by the schedule, keeps a day at least, and is no right of anybody else', async () => {
    expect(
      await owner(`SELECT service, every_seconds FROM messaging.schedule WHERE name = 'prune messages' ORDER BY 1`),
    ).toEqual([
      { service: 'accounting', every_seconds: 86_400 },
      { service: 'settlement', every_seconds: 86_400 },
    ]);
    await owner(`UPDATE messaging.schedule SET considered_until = considered_until - interval '2 days'`);
    await waitFor(
      async () =>
        (
          await owner(
            `SELECT 1 FROM messaging.job_run WHERE name IN ('${prune}', 'accounting.prune-messages.v1') AND state = 'SUCCEEDED' AND requested_by = 'schedule'`,
          )
        ).length === 2,
      { what: 'the scheduled pruning of both' },
    );
    await expect(database.pool('settlement').query('SELECT * FROM messaging.prune(0, 0, 10)')).rejects.toThrow(
      'kept for a day at least',
    );
    for (const sql of [
      'SELECT * FROM messaging.prune(0, 30, 10)',
      `SELECT messaging.leave_barrier('a phase')`,
      'DELETE FROM messaging.barrier',
    ])
      await expect(database.pool('queue').query(sql)).rejects.toMatchObject({ code: '42501' });
    await expect(database.pool('settlement').query('DELETE FROM messaging.barrier')).rejects.toMatchObject({
      code: '42501',
    });
  });

  it('never an idempotency key that was answered: no role may remove or change one', async () => {
    for (const service of ['settlement', 'accounting', 'compliance'] as const) {
      const tables = await owner<{ name: string }>(
        `SELECT tablename AS name FROM pg_tables WHERE schemaname = $1 AND tablename ~ 'idempoten'`,
        [service],
      );
      expect(tables).toEqual([{ name: 'idempotency' }]);
      await database
        .pool(service)
        .query(
          `INSERT INTO idempotency (client, key, operation, input_hashes, response) VALUES ('olga', 'k', 'pay', '{}', '{}')`,
        );
      for (const sql of [
        'DELETE FROM idempotency',
        `UPDATE idempotency SET response = '{"other":1}'`,
        'UPDATE idempotency SET response = NULL',
      ])
        for (const role of [service, 'owner'] as const)
          await expect(
            database.pool(role).query(sql.replace('idempotency', `${service}.idempotency`)),
          ).rejects.toMatchObject({
            code: '23001',
          });
      await expect(database.pool(service).query('TRUNCATE idempotency')).rejects.toMatchObject({ code: '42501' });
    }
  });
});
