import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Global, type INestApplication, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { createClient } from 'graphql-ws';
import { type AddressInfo } from 'node:net';
import WebSocket from 'ws';
import { AuditModule } from '#libs/audit/index.js';
import { principalOf, type Role, signInternalToken } from '#libs/auth/index.js';
import { DatabaseModule, Transactions } from '#libs/database/index.js';
import { SubgraphModule } from '#libs/graphql/index.js';
import { createTestDatabase, type TestDatabase, waitFor } from '#libs/testing/index.js';
import { DeadLetterSink } from './dead-letter.js';
import { JobRunsModule } from './job-runs.module.js';
import { declareMessageRoutes } from './messaging.migrations.js';
import { MessagingModule } from './messaging.module.js';
import { CollectingSink, CountingHandlers, probeCatalogue, ProbeScript, probeTables, quick } from './probe/probe.js';

jest.setTimeout(60_000);
process.env.INTERNAL_TOKEN_SECRET = 'a-secret-of-the-test-that-is-long-enough';

interface Answer {
  data?: Record<string, unknown>;
  errors?: { message: string; extensions: { code: string } }[];
}

describe('the job monitor', () => {
  let database: TestDatabase;
  let app: INestApplication;
  let sender: Transactions;
  let url: string;
  const script = new ProbeScript();

  const token = (role: Role) =>
    signInternalToken(principalOf('olga', 'PERSON', [role], ['*']), process.env.INTERNAL_TOKEN_SECRET!);
  const call = async (query: string, variables: object = {}, role: Role = 'operations'): Promise<Answer> => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${await token(role)}` },
      body: JSON.stringify({ query, variables }),
    });
    return (await response.json()) as Answer;
  };
  /** Sent by settlement, whose role may. */
  const add = async (name: string, payload: object, businessKey: string): Promise<string> => {
    const [row] = await sender.run((tx) =>
      tx.rows<{ sequence: string }>('SELECT sequence FROM messaging.add($1::jsonb, $2::json[])', [
        JSON.stringify([{ name, headers: { requestedBy: 'olga' }, businessKey, priority: 0 }]),
        [JSON.stringify(payload)],
      ]),
    );
    return `job_${row!.sequence}_accounting`;
  };
  const fields =
    'id service name queue businessKey requestedBy state done total counts attemptCount error { code message fingerprint } attempts { attempt outcome error { code } }';
  const one = async (id: string) =>
    (await call(`query($id: ID!) { accountingJobRun(id: $id) { ${fields} } }`, { id })).data
      ?.accountingJobRun as Record<string, unknown> | null;

  beforeAll(async () => {
    database = await createTestDatabase();
    await database.pool('migrate').query('TRUNCATE messaging.route');
    await declareMessageRoutes((sql, parameters) => database.pool('migrate').query(sql, parameters), probeCatalogue);
    await database.pool('owner').query(probeTables);
    await database.pool('owner').query(`GRANT TEMPORARY ON DATABASE ${database.name} TO queue`);
    sender = database.transactions('settlement');

    @Global()
    @Module({
      providers: [
        { provide: ProbeScript, useValue: script },
        CollectingSink,
        { provide: DeadLetterSink, useExisting: CollectingSink },
        CountingHandlers,
      ],
      exports: [DeadLetterSink],
    })
    class Handlers {}
    @Module({
      imports: [
        DatabaseModule.forService({ service: 'accounting', url: database.urlFor('accounting') }),
        MessagingModule.forService('accounting', {
          ...quick,
          maxAttempts: 2,
          queueUrl: undefined,
          queueDatabaseUrl: database.urlFor('queue'),
        }),
        AuditModule.forService('accounting'),
        JobRunsModule.forService('accounting'),
        SubgraphModule.forService('accounting'),
        Handlers,
      ],
    })
    class Root {}
    app = await NestFactory.create(Root, { logger: false, abortOnError: false });
    await app.listen(0, '127.0.0.1');
    url = `http://127.0.0.1:${(app.getHttpServer() as { address(): AddressInfo }).address().port}/graphql`;
  });

  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  it('shows a job with its attempts, finds it, and lets a person retry and discard it with a reason', async () => {
    script.inStep = (step) => {
      if (step === 2) throw Object.assign(new Error('file 17 is unreadable'), { code: 'UNREADABLE' });
    };
    const id = await add('probe.long.v1', { steps: 4 }, 'trades-a.csv');
    await waitFor(async () => (await one(id))?.state === 'FAILED');
    expect(await one(id)).toMatchObject({
      service: 'accounting',
      name: 'probe.long.v1',
      queue: 'accounting-bulk',
      businessKey: 'trades-a.csv',
      requestedBy: 'olga',
      done: 2,
      total: 4,
      counts: { rows: 20 },
      error: { code: 'UNREADABLE', message: 'file 17 is unreadable' },
    });
    const other = await add('probe.long.v1', { steps: 4 }, 'trades-b.csv');
    await waitFor(async () => (await one(other))?.state === 'FAILED');

    const list = async (filter: object, first = 50, after: string | null = null) => {
      const answer = await call(
        `query($filter: JobRunFilter, $first: Int!, $after: String) { accountingJobRuns(filter: $filter, first: $first, after: $after) { edges { node { id } } pageInfo { hasNextPage endCursor } } }`,
        { filter, first, after },
      );
      const { edges, pageInfo } = answer.data!.accountingJobRuns as {
        edges: { node: { id: string } }[];
        pageInfo: { hasNextPage: boolean; endCursor: string };
      };
      return { ids: edges.map(({ node }) => node.id), ...pageInfo };
    };
    expect((await list({ states: ['FAILED'], errorText: 'unreadable' })).ids).toEqual([other, id]);
    expect((await list({ businessKey: 'trades-a.csv' })).ids).toEqual([id]);
    expect((await list({ name: 'probe.other.v1' })).ids).toEqual([]);
    expect((await list({ from: '2100-01-01T00:00:00Z' })).ids).toEqual([]);
    const page = await list({}, 1);
    expect([page.ids, page.hasNextPage]).toEqual([[other], true]);
    expect((await list({}, 1, page.endCursor)).ids).toEqual([id]);

    const groups = await call('{ accountingJobFailureGroups { code name jobs sample } }');
    expect(groups.data!.accountingJobFailureGroups).toEqual([
      { code: 'UNREADABLE', name: 'probe.long.v1', jobs: 2, sample: 'file 17 is unreadable' },
    ]);

    const mutation = (name: string) =>
      `mutation($input: ChangeJobInput!) { ${name}(input: $input) { jobRun { id state } problems { code path } } }`;
    expect(
      (await call(mutation('retryAccountingJob'), { input: { id, reason: '' } })).data!.retryAccountingJob,
    ).toMatchObject({ problems: [{ code: 'REQUIRED', path: 'reason' }] });
    expect(
      (await call(mutation('retryAccountingJob'), { input: { id: 'job_0_x', reason: 'x' } })).data!.retryAccountingJob,
    ).toMatchObject({ problems: [{ code: 'NOT_FOUND' }] });
    expect(
      (await call(mutation('retryAccountingJob'), { input: { id, reason: 'x' } }, 'auditor')).errors![0]!.extensions
        .code,
    ).toBe('FORBIDDEN');

    script.inStep = () => undefined;
    expect(
      (await call(mutation('retryAccountingJob'), { input: { id, reason: 'the file was repaired' } })).data!
        .retryAccountingJob,
    ).toMatchObject({ problems: [] });
    await waitFor(async () => (await one(id))?.state === 'SUCCEEDED');
    expect(
      (await database.pool('owner').query('SELECT n FROM probe.effect WHERE key = $1 ORDER BY n', [id])).rows.map(
        ({ n }: { n: number }) => n,
      ),
    ).toEqual([0, 1, 2, 3, 4]);
    expect(
      (await call(mutation('discardAccountingJob'), { input: { id: other, reason: 'sent twice' } })).data!
        .discardAccountingJob,
    ).toMatchObject({
      jobRun: { state: 'DISCARDED' },
      problems: [],
    });
    expect(
      (await call(mutation('retryAccountingJob'), { input: { id, reason: 'again' } })).data!.retryAccountingJob,
    ).toMatchObject({ problems: [{ code: 'JOB_STATE' }] });
    expect(app.get(CollectingSink).ends).toEqual([
      {
        messageId: id.replace('job_', 'msg_').replace('_accounting', ''),
        how: 'RETRIED',
        reason: 'the file was repaired',
        by: 'olga',
      },
      {
        messageId: other.replace('job_', 'msg_').replace('_accounting', ''),
        how: 'DISCARDED',
        reason: 'sent twice',
        by: 'olga',
      },
    ]);
    const audit = await database
      .pool('owner')
      .query('SELECT action, object_id, principal, reason FROM accounting.audit_leaf ORDER BY sequence');
    expect(audit.rows).toEqual([
      { action: 'JOB_RETRIED', object_id: id, principal: 'olga', reason: 'the file was repaired' },
      { action: 'JOB_DISCARDED', object_id: other, principal: 'olga', reason: 'sent twice' },
    ]);
  });

  it('pauses and resumes a queue with a reason', async () => {
    const change = (name: string) =>
      call(
        `mutation { ${name}(input: { queue: "bulk", reason: "custodian is down" }) { queue { name isPaused pauseReason waiting } problems { code } } }`,
      );
    expect((await change('pauseAccountingQueue')).data!.pauseAccountingQueue).toEqual({
      queue: { name: 'bulk', isPaused: true, pauseReason: 'custodian is down', waiting: 0 },
      problems: [],
    });
    const id = await add('probe.long.v1', { steps: 1 }, 'paused');
    expect(await one(id)).toMatchObject({ state: 'PAUSED' });
    expect((await change('resumeAccountingQueue')).data!.resumeAccountingQueue).toMatchObject({
      queue: { isPaused: false },
      problems: [],
    });
    await waitFor(async () => (await one(id))?.state === 'SUCCEEDED');
    const audit = await database
      .pool('owner')
      .query(`SELECT action FROM accounting.audit_leaf WHERE object_kind = 'QUEUE' ORDER BY sequence`);
    expect(audit.rows).toEqual([{ action: 'QUEUE_PAUSED' }, { action: 'QUEUE_RESUMED' }]);
  });

  it('follows a job until it has ended', async () => {
    let release: (() => void) | undefined;
    script.afterStep = (step) =>
      step === 0
        ? new Promise<void>((resolve) => {
            release = resolve;
          })
        : undefined;
    const id = await add('probe.long.v1', { steps: 3 }, 'followed');
    await waitFor(async () => (await one(id))?.done === 1);
    const client = createClient({
      url: url.replace('http', 'ws'),
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${await token('operations')}` },
      retryAttempts: 0,
    });
    const seen: string[] = [];
    for await (const event of client.iterate({
      query: 'subscription($id: ID!) { accountingJobProgress(id: $id) { state done } }',
      variables: { id },
    })) {
      const { state, done } = (event.data as { accountingJobProgress: { state: string; done: number } })
        .accountingJobProgress;
      seen.push(`${state} ${done}`);
      release?.();
    }
    expect(seen[0]).toBe('RUNNING 1');
    expect(seen.at(-1)).toBe('SUCCEEDED 3');
    await client.dispose();
  });
});
