import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type INestApplicationContext } from '@nestjs/common';
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { Transactions, type Tx } from '#libs/database/index.js';
import { createTestDatabase, type TestDatabase, waitFor } from '#libs/testing/index.js';
import { LeaseLost } from './long-job.js';
import { MessagingHealth } from './messaging-figures.js';
import { declareMessageRoutes } from './messaging.migrations.js';
import { Outbox } from './outbox.js';
import { bootProbe, CollectingSink, probeCatalogue, ProbeScript, probeTables } from './probe/probe.js';
import { hasRedis, postgresUnderTest, type QueueUnderTest, redisUnderTest } from './probe/queue-under-test.js';
import { Queues } from './queues.js';

jest.setTimeout(150_000);

describe.each(['postgres', 'redis'] as const)('messages over %s', (backend) => {
  const test = backend === 'redis' && !hasRedis ? it.skip : it;
  const isSkipped = backend === 'redis' && !hasRedis;
  let database: TestDatabase;
  let queue: QueueUnderTest;
  let settlement: INestApplicationContext;
  let accounting: INestApplicationContext | undefined;
  let script: ProbeScript;
  const children: ChildProcess[] = [];

  const startAccounting = async () => {
    script = new ProbeScript();
    accounting = await bootProbe({
      service: 'accounting',
      databaseUrl: database.urlFor('accounting'),
      settings: queue.settings,
      script,
    });
  };
  const stopAccounting = async () => {
    await accounting?.close();
    accounting = undefined;
  };
  const inSettlement = <T>(work: (tx: Tx, outbox: Outbox) => Promise<T>) =>
    settlement.get(Transactions, { strict: false }).run((tx) => work(tx, settlement.get(Outbox, { strict: false })));
  const add = (name: string, payloads: object[]) =>
    inSettlement((tx, outbox) => outbox.addAll(tx, payloads.map((payload) => ({ name, payload })) as never));
  const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, index) => ({ n: from + index }));
  const ask = async <T extends object>(sql: string, parameters: unknown[] = []): Promise<T[]> =>
    (await database.pool('owner').query<T>(sql, parameters)).rows;
  /** How many effects there are, and of how many messages: equal when each had exactly one. */
  const effects = async (kind: string) => {
    const [row] = await ask<{ all: number; distinct: number }>(
      'SELECT count(*)::int AS all, count(DISTINCT (key, n))::int AS distinct FROM probe.effect WHERE kind = $1',
      [kind],
    );
    return row!;
  };
  const allAcknowledged = () =>
    waitFor(
      async () => (await ask(`SELECT 1 FROM messaging.delivery WHERE state <> 'ACKNOWLEDGED' LIMIT 1`)).length === 0,
      {
        what: 'the acknowledgement of every delivery',
        timeoutMs: 50_000,
      },
    );
  const child = (orders: object): ChildProcess & { said: string[] } => {
    const started = spawn(
      process.execPath,
      [
        '--conditions=source',
        '--import',
        join(import.meta.dirname, 'probe/typescript-hooks.mjs'),
        join(import.meta.dirname, 'probe/probe-process.ts'),
      ],
      {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        env: { PATH: process.env.PATH, PROBE_ORDERS: JSON.stringify({ ...orders, ...queue.settings }) },
      },
    ) as ChildProcess & { said: string[] };
    started.said = [];
    started.on('message', (message) => started.said.push(message as string));
    children.push(started);
    return started;
  };
  const killed = async (process: ChildProcess) => {
    process.kill('SIGKILL');
    await waitFor(() => process.signalCode !== null);
  };

  beforeAll(async () => {
    if (isSkipped) {
      process.stderr.write('redis-server is not installed: the tests over Redis are skipped\n');
      return;
    }
    database = await createTestDatabase();
    await database.pool('migrate').query('TRUNCATE messaging.route');
    await declareMessageRoutes((sql, parameters) => database.pool('migrate').query(sql, parameters), probeCatalogue);
    await database.pool('owner').query(probeTables);
    queue = backend === 'redis' ? await redisUnderTest() : await postgresUnderTest(database);
    settlement = await bootProbe({
      service: 'settlement',
      databaseUrl: database.urlFor('settlement'),
      settings: queue.settings,
    });
    await startAccounting();
  });

  afterEach(async () => {
    if (isSkipped) return;
    for (const one of children.splice(0)) if (one.exitCode === null && one.signalCode === null) await killed(one);
    if (accounting === undefined) await startAccounting();
    Object.assign(script, new ProbeScript());
    await database
      .pool('owner')
      .query(
        'TRUNCATE probe.effect, messaging.message, messaging.delivery, messaging.job_run, messaging.job_attempt, messaging.queue_pause',
      );
  });

  afterAll(async () => {
    if (isSkipped) return;
    await stopAccounting();
    await settlement.close();
    await queue.stop();
    await database.drop();
  });

  test('a rollback leaves neither message nor job', async () => {
    await expect(
      inSettlement(async (tx, outbox) => {
        await outbox.addAll(tx, numbers(5).map((payload) => ({ name: 'probe.count.v1', payload })) as never);
        throw new Error('the fact is refused');
      }),
    ).rejects.toThrow('the fact is refused');
    await add('probe.count.v1', numbers(1, 100));
    await allAcknowledged();
    expect(await ask('SELECT n FROM probe.effect')).toEqual([{ n: 100 }]);
    expect(await ask('SELECT 1 FROM messaging.message')).toHaveLength(1);
  });

  test('many messages have one effect each', async () => {
    await Promise.all([0, 1, 2, 3].map((part) => add('probe.count.v1', numbers(100, part * 100))));
    await allAcknowledged();
    expect(await effects('count')).toEqual({ all: 400, distinct: 400 });
  });

  test('an event reaches each of its consumers', async () => {
    await add('probe.told.v1', numbers(20));
    await allAcknowledged();
    expect(await effects('told settlement')).toEqual({ all: 20, distinct: 20 });
    expect(await effects('told accounting')).toEqual({ all: 20, distinct: 20 });
  });

  test('a delivery published many times has one effect', async () => {
    const added = await add('probe.count.v1', numbers(50));
    const again = [0, 1, 2, 3].flatMap((publication) =>
      added.map(({ sequence }) => ({
        sequence,
        consumer: 'accounting' as const,
        lane: 'fast' as const,
        name: 'probe.count.v1',
        publication,
        priority: 0,
      })),
    );
    await settlement.get(Queues, { strict: false }).publish(again);
    await allAcknowledged();
    await settlement
      .get(Queues, { strict: false })
      .publish(again.map((one) => ({ ...one, publication: one.publication + 10 })));
    const ids = again.map((one) => `${one.sequence}-accounting_${one.publication + 10}`);
    await waitFor(
      async () => (await settlement.get(Queues, { strict: false }).held('accounting', 'fast', ids)).size === 0,
    );
    expect(await effects('count')).toEqual({ all: 50, distinct: 50 });
  });

  test('a worker killed in the middle of a job, twice, leaves one effect', async () => {
    await stopAccounting();
    await add('probe.count.v1', numbers(60));
    for (let time = 0; time < 2; time += 1) {
      const worker = child({ service: 'accounting', databaseUrl: database.urlFor('accounting'), hangAt: 30 });
      await waitFor(() => worker.said.includes('hanging'), {
        what: 'the worker in the middle of a job',
        timeoutMs: 50_000,
      });
      await killed(worker);
    }
    await startAccounting();
    await allAcknowledged();
    expect(await effects('count')).toEqual({ all: 60, distinct: 60 });
  });

  test('a message that kills every worker ends as a dead letter', async () => {
    // The start of a second and later try is counted before it is made: here the tries leave nothing else behind.
    const [added] = await add('probe.fail.v1', numbers(1));
    await waitFor(async () => (await effects('fail')).all === 1);
    await ask(
      `UPDATE messaging.delivery SET state = 'PUBLISHED', attempts = 4, publications = 1, published_at = now() - interval '1 hour' WHERE sequence = $1`,
      [added!.sequence],
    );
    await waitFor(
      async () =>
        (await ask(`SELECT 1 FROM messaging.delivery WHERE state = 'DEAD' AND error_code = 'WORKER_LOST'`)).length ===
        1,
    );
    expect((await effects('fail')).all).toBe(1);
  });

  test('a relay killed between publishing and marking leaves one effect', async () => {
    // Nobody else may publish: the consumer's relay would too.
    await stopAccounting();
    await settlement.close();
    try {
      const relay = child({ service: 'settlement', databaseUrl: database.urlFor('settlement'), addAndDie: 120 });
      await waitFor(() => relay.signalCode !== null, { what: 'the end of the relay', timeoutMs: 50_000 });
      expect(await ask(`SELECT DISTINCT state FROM messaging.delivery`)).toEqual([{ state: 'WAITING' }]);
      await startAccounting();
      await allAcknowledged();
      expect(await effects('count')).toEqual({ all: 120, distinct: 120 });
    } finally {
      settlement = await bootProbe({
        service: 'settlement',
        databaseUrl: database.urlFor('settlement'),
        settings: queue.settings,
      });
    }
  });

  describe('a queue that loses its memory', () => {
    const busy = async (hurt: () => Promise<void>) => {
      await add('probe.count.v1', numbers(300));
      await waitFor(async () => (await effects('count')).all > 20);
      await hurt();
      await add('probe.count.v1', numbers(100, 300));
      await allAcknowledged();
      expect(await effects('count')).toEqual({ all: 400, distinct: 400 });
    };

    test('everything is flushed', () => busy(() => queue.flush()));
    test('it restarts with nothing', () => busy(() => queue.restartEmpty()));
    test('it comes back as it was long ago', async () => {
      await stopAccounting();
      await add('probe.count.v1', numbers(200));
      await waitFor(
        async () => (await ask(`SELECT 1 FROM messaging.delivery WHERE state = 'PUBLISHED'`)).length === 200,
      );
      await queue.remember();
      await startAccounting();
      await allAcknowledged();
      await add('probe.count.v1', numbers(100, 200));
      await queue.restoreOld();
      await add('probe.count.v1', numbers(100, 300));
      await allAcknowledged();
      const queues = settlement.get(Queues, { strict: false });
      const ids = (await ask<{ sequence: string }>('SELECT sequence FROM messaging.delivery')).map(
        ({ sequence }) => `${sequence}-accounting`,
      );
      await waitFor(
        async () => (await queues.held('accounting', 'fast', ids).catch(() => new Set(['away']))).size === 0,
        { what: 'the end of the old jobs' },
      );
      expect(await effects('count')).toEqual({ all: 400, distinct: 400 });
    });
    test('it is away for a while: the service accepts, says degraded, and catches up', async () => {
      await add('probe.count.v1', numbers(100));
      await queue.leave();
      await add('probe.count.v1', numbers(100, 100));
      const health = settlement.get(MessagingHealth, { strict: false });
      await waitFor(async () => (await health.check()) === 'degraded');
      await add('probe.count.v1', numbers(100, 200));
      await queue.comeBack();
      await allAcknowledged();
      await waitFor(async () => (await health.check()) === 'up');
      expect(await effects('count')).toEqual({ all: 300, distinct: 300 });
    });
  });

  test('messages of one key are handled in order, whatever fails on the way', async () => {
    script.beforeAcknowledging = (name, n, attempt) => {
      if (name === 'probe.order.v1' && n % 7 === 3 && attempt === 1) throw new Error('not yet');
    };
    await Promise.all(
      ['a', 'b', 'c', 'd', 'e'].map(async (key) => {
        for (let n = 0; n < 20; n += 5)
          await add(
            'probe.order.v1',
            [0, 1, 2, 3, 4].map((more) => ({ key, n: n + more })),
          );
      }),
    );
    await allAcknowledged();
    const rows = await ask<{ key: string; numbers: number[] }>(
      `SELECT key, array_agg(n ORDER BY place) AS numbers FROM probe.effect WHERE kind = 'order' GROUP BY key`,
    );
    expect(rows).toHaveLength(5);
    for (const row of rows) expect(row.numbers).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });

  test('after its attempts a message is a dead letter with an owner, and a person can have it tried again', async () => {
    const sink = accounting!.get(CollectingSink, { strict: false });
    sink.letters.length = 0;
    script.beforeAcknowledging = (name, n) => {
      if (name === 'probe.fail.v1') throw Object.assign(new Error(`no account for ${n}`), { code: 'NO_ACCOUNT' });
    };
    sink.takesOver = false;
    const barrierAfter = await add('probe.fail.v1', numbers(2));
    const barrier = String(BigInt(barrierAfter[1]!.sequence) + 1n);
    await waitFor(async () => (await ask(`SELECT 1 FROM messaging.delivery WHERE state = 'DEAD'`)).length === 2);
    expect(sink.letters.map(({ name, attempts, error }) => [name, attempts, error.code])).toEqual([
      ['probe.fail.v1', 4, 'NO_ACCOUNT'],
      ['probe.fail.v1', 4, 'NO_ACCOUNT'],
    ]);
    expect(new Set(sink.letters.map(({ error }) => error.fingerprint)).size).toBe(1);
    expect(await inSettlement((tx, outbox) => outbox.consumedBelow(tx, barrier))).toEqual({
      consumed: false,
      waiting: 2,
    });

    sink.takesOver = true;
    await inAccounting((tx) => tx.execute('SELECT messaging.retry_job($1)', [sink.letters[0]!.jobRunId]));
    await inAccounting((tx) => tx.execute('SELECT messaging.discard_job($1)', [sink.letters[1]!.jobRunId]));
    await waitFor(() => sink.letters.length === 3);
    await waitFor(async () => (await inSettlement((tx, outbox) => outbox.consumedBelow(tx, barrier))).consumed);

    script.beforeAcknowledging = () => undefined;
    await inAccounting((tx) => tx.execute('SELECT messaging.retry_job($1)', [sink.letters[0]!.jobRunId]));
    await waitFor(async () => (await effects('fail')).all === 1);
  });

  test('a barrier is passed when everything below it had its effect, and not while somebody may still add below it', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let hasAdded = false;
    const slow = inSettlement(async (tx, outbox) => {
      await outbox.addAll(tx, [{ name: 'probe.count.v1', payload: { n: 1 } }] as never);
      hasAdded = true;
      await held;
    });
    await waitFor(() => hasAdded);
    const [after] = await add('probe.count.v1', numbers(1, 2));
    const cut = await inSettlement((tx, outbox) => outbox.nextSequence(tx));
    const sealed = await inSettlement((tx, outbox) => outbox.sealedSequence(tx));
    expect(BigInt(sealed)).toBeLessThan(BigInt(after!.sequence));
    await waitFor(async () => (await effects('count')).all === 1);
    expect(await inSettlement((tx, outbox) => outbox.consumedBelow(tx, cut))).toEqual({ consumed: false, waiting: 0 });
    release();
    await slow;
    await waitFor(async () => (await inSettlement((tx, outbox) => outbox.consumedBelow(tx, cut))).consumed);
    expect(await effects('count')).toEqual({ all: 2, distinct: 2 });
    expect(await inSettlement((tx, outbox) => outbox.sealedSequence(tx))).toBe(cut);
  });

  test('a message due later does not hold a barrier up and is delivered when the business clock has come there', async () => {
    await database.setClock('2026-01-05T07:00:00Z');
    await inSettlement((tx, outbox) =>
      outbox.add(tx, 'probe.count.v1' as never, { n: 5 }, { dueAt: new Date('2026-01-05T16:00:00Z') }),
    );
    await add('probe.count.v1', numbers(1));
    await waitFor(async () => (await effects('count')).all === 1);
    const cut = await inSettlement((tx, outbox) => outbox.nextSequence(tx));
    expect(await inSettlement((tx, outbox) => outbox.consumedBelow(tx, cut))).toEqual({ consumed: true, waiting: 0 });
    await database.setClock('2026-01-05T16:00:00Z');
    await allAcknowledged();
    expect(await effects('count')).toEqual({ all: 2, distinct: 2 });
  });

  test('a long job goes on from its checkpoint after its worker was killed, and no step is done twice', async () => {
    await stopAccounting();
    const [added] = await add('probe.long.v1', [{ steps: 6 }]);
    expect(added!.jobRunId).toBeDefined();
    const worker = child({ service: 'accounting', databaseUrl: database.urlFor('accounting'), hangAfterStep: 2 });
    await waitFor(() => worker.said.includes('hanging'), { timeoutMs: 50_000 });
    await killed(worker);
    await startAccounting();
    await allAcknowledged();
    expect(await effects('step')).toEqual({ all: 6, distinct: 6 });
    expect(await effects('finished')).toEqual({ all: 1, distinct: 1 });
    expect(await ask(`SELECT state, done::int, total::int, counts, attempts FROM messaging.job_run`)).toEqual([
      { state: 'SUCCEEDED', done: 6, total: 6, counts: { rows: 60 }, attempts: 2 },
    ]);
    expect(
      (await ask<{ outcome: string }>('SELECT outcome FROM messaging.job_attempt ORDER BY attempt')).map(
        ({ outcome }) => outcome,
      ),
    ).toEqual(['LOST', 'SUCCEEDED']);
  });

  test('a worker that was taken for dead can store nothing any more', async () => {
    let lost: unknown;
    let wake: () => void = () => undefined;
    const asleep = new Promise<void>((resolve) => {
      wake = resolve;
    });
    script.afterStep = async (step, job) => {
      if (job.attempt !== 1 || step !== 1) return;
      await asleep;
      lost = await job
        .step((tx) => tx.execute(`INSERT INTO probe.effect (kind, n, attempt) VALUES ('forbidden', 1, 1)`))
        .catch((error: unknown) => error);
      throw lost as Error;
    };
    const [added] = await add('probe.long.v1', [{ steps: 4 }]);
    await waitFor(async () => (await effects('step')).all === 2);
    // As if it had been frozen for longer than its lease: another attempt takes the job.
    await ask(
      `UPDATE messaging.job_run SET attempt_token = gen_random_uuid(), lease_until = clock_timestamp() - interval '1 second' WHERE job_run_id = $1`,
      [added!.jobRunId],
    );
    await allAcknowledged();
    wake();
    await waitFor(() => lost);
    expect(lost).toBeInstanceOf(LeaseLost);
    expect(await effects('step')).toEqual({ all: 4, distinct: 4 });
    expect(await effects('forbidden')).toEqual({ all: 0, distinct: 0 });
    expect(await ask('SELECT state FROM messaging.job_run')).toEqual([{ state: 'SUCCEEDED' }]);
  });

  test('a process that stops hands its long job back, and the next one goes on at once', async () => {
    script.afterStep = (step, job) =>
      step === 1
        ? new Promise((resolve) => {
            job.signal.addEventListener('abort', () => {
              resolve();
            });
          })
        : undefined;
    await add('probe.long.v1', [{ steps: 4 }]);
    await waitFor(async () => (await effects('step')).all === 2);
    await stopAccounting();
    expect(await ask('SELECT state, lease_until, fruitless_attempts FROM messaging.job_run')).toEqual([
      { state: 'WAITING', lease_until: null, fruitless_attempts: 0 },
    ]);
    await startAccounting();
    await allAcknowledged();
    expect(await effects('step')).toEqual({ all: 4, distinct: 4 });
  });

  test('a paused queue keeps its messages, also when the queue forgets that it was paused', async () => {
    await inAccounting((tx) => tx.execute(`SELECT messaging.pause_queue('fast', 'custodian is down', 'olga')`));
    await add('probe.count.v1', numbers(20));
    await queue.flush();
    await add('probe.order.v1', [{ key: 'x', n: 1 }]);
    await waitFor(async () => (await effects('order')).all === 1);
    expect(await effects('count')).toEqual({ all: 0, distinct: 0 });
    await inAccounting((tx) => tx.execute(`SELECT messaging.resume_queue('fast')`));
    await allAcknowledged();
    expect(await effects('count')).toEqual({ all: 20, distinct: 20 });
  });

  function inAccounting<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return accounting!.get(Transactions, { strict: false }).run(work);
  }
});
