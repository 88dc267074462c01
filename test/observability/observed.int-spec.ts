import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Global, Logger as NestLogger, Module, type Provider } from '@nestjs/common';
import { Args, Int, Mutation, Resolver } from '@nestjs/graphql';
import { Writable } from 'node:stream';
import { AuditModule } from '#libs/audit/index.js';
import { hashApiKey, newApiKey, principalOf, signInternalToken } from '#libs/auth/index.js';
import { DatabaseModule, Transactions } from '#libs/database/index.js';
import { RequiresScopes, SubgraphModule } from '#libs/graphql/index.js';
import { Logger } from '#libs/observability/index.js';
import { bootService, type RunningService } from '#libs/service/index.js';
import { createTestDatabase, type TestDatabase, waitFor } from '#libs/testing/index.js';
import { declareMessageRoutes, DeadLetterSink, JobRunsModule, MessagingModule, Outbox } from '#libs/messaging/index.js';
import {
  CollectingSink,
  CountingHandlers,
  ListeningHandlers,
  probeCatalogue,
  ProbeScript,
  probeTables,
  quick,
} from '#libs/messaging/testing.js';
import { bootGateway } from '../../apps/gateway/src/gateway.js';
import { readGatewayConfig } from '../../apps/gateway/src/gateway.config.js';
import { placeUrls } from '../../apps/gateway/src/graph/supergraph.js';
import { composeSupergraph } from '../../apps/gateway/composition/compose-supergraph.js';

jest.setTimeout(60_000);
process.env.INTERNAL_TOKEN_SECRET = 'a-secret-of-the-test-that-is-long-enough';

interface Line {
  service: string;
  msg: string;
  requestId?: string;
  traceparent?: string;
  subject?: string;
}

const lines: Line[] = [];
const logger = new Logger({
  service: 'probe',
  level: 'debug',
  destination: new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(
        ...chunk
          .toString()
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line) as Line),
      );
      done();
    },
  }),
});

/** What settlement's part of the supergraph would do: store a fact and tell it. */
@Resolver()
class ProbeResolver {
  constructor(
    private readonly transactions: Transactions,
    private readonly outbox: Outbox,
  ) {}

  @Mutation(() => Int)
  @RequiresScopes('jobs:operate')
  ask(@Args('name', { type: () => String }) name: string, @Args('n', { type: () => Int }) n: number): Promise<number> {
    const payload = name === 'probe.long.v1' ? { steps: n } : { n };
    return this.transactions.run(async (tx) => {
      await this.outbox.addAll(tx, [{ name, payload, businessKey: `asked ${n}` }] as never);
      return n;
    });
  }
}

describe('what is seen of a running service', () => {
  let database: TestDatabase;
  let settlement: RunningService;
  let accounting: RunningService;
  let gateway: RunningService;
  const apiKey = newApiKey('operations');
  const script = new ProbeScript();
  const handlerLog = new NestLogger('Handler');

  const boot = (service: 'settlement' | 'accounting', providers: Provider[]): Promise<RunningService> => {
    @Module({
      providers: [
        { provide: ProbeScript, useValue: script },
        CollectingSink,
        { provide: DeadLetterSink, useExisting: CollectingSink },
        ...providers,
      ],
      exports: [DeadLetterSink],
    })
    class Handlers {}
    Global()(Handlers);
    @Module({
      imports: [
        DatabaseModule.forService({ service, url: database.urlFor(service), poolSize: 8 }),
        MessagingModule.forService(service, {
          ...quick,
          maxAttempts: 2,
          queueUrl: undefined,
          queueDatabaseUrl: database.urlFor('queue'),
        }),
        AuditModule.forService(service),
        JobRunsModule.forService(service),
        SubgraphModule.forService(service),
        Handlers,
      ],
    })
    class Root {}
    return bootService({ module: Root, config: { service, port: 0 }, logger, followProcess: false });
  };

  const sdlOf = async ({ port }: RunningService) => {
    const token = await signInternalToken(
      principalOf('builder', 'MACHINE', ['admin'], ['*']),
      process.env.INTERNAL_TOKEN_SECRET!,
    );
    const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query: '{ _service { sdl } }' }),
    });
    return ((await response.json()) as { data: { _service: { sdl: string } } }).data._service.sdl;
  };

  /** As anybody does: through the gateway. */
  const ask = async (name: string, n: number, headers: Record<string, string> = {}) => {
    const response = await fetch(`http://127.0.0.1:${gateway.port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${apiKey}`, ...headers },
      body: JSON.stringify({
        query: 'mutation($name: String!, $n: Int!) { ask(name: $name, n: $n) }',
        variables: { name, n },
      }),
    });
    expect(await response.json()).toEqual({ data: { ask: n } });
    return response;
  };
  const owner = async (sql: string) => (await database.pool('owner').query<Record<string, unknown>>(sql)).rows;
  const effectsOf = async (kind: string) => (await owner(`SELECT n FROM probe.effect WHERE kind = '${kind}'`)).length;

  beforeAll(async () => {
    database = await createTestDatabase({ services: [] });
    await database.pool('migrate').query('TRUNCATE messaging.route');
    await declareMessageRoutes((sql, parameters) => database.pool('migrate').query(sql, parameters), probeCatalogue);
    await database.pool('owner').query(probeTables);
    settlement = await boot('settlement', [ListeningHandlers, ProbeResolver]);
    accounting = await boot('accounting', [CountingHandlers]);
    const url = `http://127.0.0.1:${settlement.port}`;
    const urls = { settlement: url, accounting: `http://127.0.0.1:${accounting.port}`, compliance: url };
    const supergraphSdl = placeUrls(composeSupergraph([{ name: 'settlement', sdl: await sdlOf(settlement) }]), urls);
    gateway = await bootGateway(
      readGatewayConfig({
        PORT: '0',
        INTERNAL_TOKEN_SECRET: process.env.INTERNAL_TOKEN_SECRET,
        SETTLEMENT_URL: urls.settlement,
        ACCOUNTING_URL: urls.accounting,
        COMPLIANCE_URL: urls.compliance,
      }),
      {
        logger,
        followProcess: false,
        supergraphSdl,
        askForClient: (hash) =>
          Promise.resolve(
            hash === hashApiKey(apiKey)
              ? { subject: 'olga', kind: 'PERSON', roles: ['operations'], books: ['*'] }
              : null,
          ),
      },
    );
  });
  afterAll(async () => {
    await gateway.stop();
    await settlement.stop();
    await accounting.stop();
    await database.drop();
  });

  it('one request and its trace are found in the lines of the job that it asked for, short and long', async () => {
    const trace = 'c0ffee'.padEnd(32, '0');
    const caller = '00f067aa0ba902b7';
    script.beforeAcknowledging = (name) => {
      handlerLog.log(`at work on ${name}`);
    };
    script.afterStep = (step) => {
      handlerLog.log(`at step ${step} of probe.long.v1`);
    };
    for (const [name, n] of [
      ['probe.count.v1', 7],
      ['probe.long.v1', 2],
    ] as const) {
      const requestId = `follow-${n}`;
      const response = await ask(name, n, {
        'x-request-id': requestId,
        traceparent: `00-${trace}-${caller}-01`,
      });
      expect(response.headers.get('x-request-id')).toBe(requestId);
      const ofJob = () => lines.filter(({ msg, requestId: id }) => msg.includes(name) && id === requestId);
      const ends = name === 'probe.long.v1' ? 'is done' : 'is handled';
      await waitFor(() => ofJob().some(({ msg }) => msg.includes(ends)), { what: `the last line of ${name}` });
      expect(ofJob().map(({ msg }) => msg)).toEqual(
        name === 'probe.long.v1'
          ? [
              'probe.long.v1 begins, attempt 1',
              'at step 0 of probe.long.v1',
              'at step 1 of probe.long.v1',
              'probe.long.v1 is done',
            ]
          : ['at work on probe.count.v1', 'probe.count.v1 is handled'],
      );
      for (const line of ofJob()) {
        expect(line.subject).toBe('olga');
        const [version, traceId, parent, flags] = line.traceparent?.split('-') ?? [];
        expect([version, traceId, flags]).toEqual(['00', trace, '01']);
        // A hop of its own in the same trace.
        expect(parent).not.toBe(caller);
      }
      // No line of a job without the ids of who asked for it.
      expect(lines.filter(({ msg, requestId: id }) => msg.includes(name) && id === undefined)).toEqual([]);
    }
    script.beforeAcknowledging = () => undefined;
    script.afterStep = () => undefined;
  });

  it('a failure is found by the request that asked for it too', async () => {
    script.beforeAcknowledging = (name) => {
      if (name === 'probe.fail.v1') throw Object.assign(new Error('no account'), { code: 'NO_ACCOUNT' });
    };
    await ask('probe.fail.v1', 3, { 'x-request-id': 'follow-3' });
    const failed = () => lines.filter(({ msg }) => /probe\.fail\.v1 (failed|is a dead letter)/.test(msg));
    await waitFor(() => failed().length === 2, { what: 'the dead letter' });
    expect(failed().map(({ requestId }) => requestId)).toEqual(['follow-3', 'follow-3']);
  });

  /** name{labels} → value, of what a scrape shows. */
  const scrape = async (service: RunningService) => {
    const response = await fetch(`http://127.0.0.1:${service.port}/metrics`);
    expect(response.headers.get('content-type')).toContain('text/plain');
    return (await response.text())
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => ({
        series: line.slice(0, line.lastIndexOf(' ')),
        value: Number(line.slice(line.lastIndexOf(' ') + 1)),
      }));
  };
  const valueOf = (samples: { series: string; value: number }[], name: string, ...labels: string[]) =>
    samples
      .filter(({ series }) => series.startsWith(`${name}{`) && labels.every((label) => series.includes(label)))
      .reduce((sum, { value }) => sum + value, 0);

  it('after work every metric that is promised has a sample that is not zero', async () => {
    await ask('probe.count.v1', 11);
    await waitFor(async () => (await effectsOf('count')) >= 2);
    // A conflict that is run again, and a queue that stands still.
    const transactions = settlement.app.get(Transactions, { strict: false });
    let attempts = 0;
    await transactions.run(async (tx) => {
      attempts += 1;
      await tx.rows('SELECT 1');
      if (attempts === 1) await tx.rows(`DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40001'; END $$`);
    });
    const inAccounting = accounting.app.get(Transactions, { strict: false });
    await inAccounting.run((tx) => tx.execute(`SELECT messaging.pause_queue('fast', 'custodian is down', 'olga')`));
    await ask('probe.count.v1', 12);
    // Delayed by an unreachable queue: waiting, never published, and overdue.
    await owner(
      `UPDATE messaging.delivery SET added_at = added_at - interval '90 seconds' WHERE state = 'WAITING' AND consumer = 'accounting'`,
    );
    const promised: [name: string, ...labels: string[]][] = [
      ['http_request_seconds_count', 'route="/graphql"', 'status="200"'],
      ['graphql_operation_seconds_count', 'type="mutation"'],
      ['sql_statement_seconds_count', 'statement="select"', 'outcome="done"'],
      ['sql_statement_seconds_count', 'statement="insert"'],
      ['sql_statement_seconds_count', 'statement="call"'],
      ['sql_statement_seconds_sum', 'statement="call"'],
      ['sql_statement_seconds_count', 'statement="other"', 'outcome="failed"'],
      ['sql_transaction_seconds_count', 'outcome="committed"'],
      ['sql_transaction_seconds_count', 'outcome="failed"'],
      ['sql_transaction_retries_total', 'code="40001"'],
      ['sql_errors_total', 'code="40001"'],
      ['sql_errors_total', 'code="OTHER"'],
      ['sql_pool_connections', 'pool="accounting"', 'state="limit"'],
      ['sql_pool_connections', 'pool="settlement"', 'state="idle"'],
      ['sql_pool_connections', 'pool="accounting-queue"', 'state="used"'],
      ['queue_depth', 'queue="accounting-fast"', 'state="WAITING"'],
      ['queue_depth', 'queue="accounting-fast"', 'state="DEAD"'],
      ['queue_oldest_waiting_seconds', 'queue="accounting-fast"'],
      ['job_seconds_count', 'message="probe.count.v1"', 'outcome="done"'],
      ['job_seconds_count', 'message="probe.fail.v1"', 'outcome="failed"'],
      ['job_seconds_sum', 'message="probe.long.v1"', 'outcome="done"'],
      ['dead_letters_total', 'message="probe.fail.v1"'],
      ['process_cpu_seconds_total'],
    ];
    const missing = async () => {
      const samples = await scrape(accounting);
      return promised.filter(([name, ...labels]) =>
        labels.length === 0
          ? !samples.some(({ series, value }) => series.startsWith(name) && value > 0)
          : valueOf(samples, name, ...labels) <= 0,
      );
    };
    for (const service of [gateway, settlement, accounting])
      expect(valueOf(await scrape(service), 'http_request_seconds_count', 'route="/graphql"')).toBeGreaterThan(0);
    let left: unknown[] = [];
    await waitFor(async () => (left = await missing()).length === 0, { what: 'every metric' }).catch(() => undefined);
    expect(left).toEqual([]);
    // It may have been measured a moment before the message was made older.
    await waitFor(
      async () => valueOf(await scrape(accounting), 'queue_oldest_waiting_seconds', 'accounting-fast') > 89,
      { what: 'the age of what waits' },
    );
    await inAccounting.run((tx) => tx.execute(`SELECT messaging.resume_queue('fast')`));
  });

  it('the lag of the outbox is seen while nothing can be published', async () => {
    await database.lockOut('queue');
    await ask('probe.count.v1', 21);
    const ready = async (service: RunningService) => {
      const response = await fetch(`http://127.0.0.1:${service.port}/health/ready`);
      return { status: response.status, ...((await response.json()) as { state: string; checks: object }) };
    };
    await waitFor(async () => valueOf(await scrape(settlement), 'outbox_lag_seconds', 'settlement') > 0, {
      what: 'the lag of the outbox',
    });
    // Degraded: it accepts, and says that the queue is away.
    expect(await ready(settlement)).toEqual({
      status: 200,
      state: 'degraded',
      checks: { database: 'up', queue: 'degraded' },
    });
    await database.letIn('queue');
    await waitFor(async () => (await ready(settlement)).state === 'up', { what: 'health' });
    await waitFor(async () => valueOf(await scrape(settlement), 'outbox_lag_seconds', 'settlement') === 0);
  });

  it('without its database the process lives and is not ready; with it again, it is', async () => {
    const get = async (path: string) => (await fetch(`http://127.0.0.1:${settlement.port}/health/${path}`)).status;
    expect([await get('live'), await get('ready')]).toEqual([200, 200]);
    await database.lockOut('settlement');
    await waitFor(async () => (await get('ready')) === 503, { what: 'a process that is not ready' });
    expect(await get('live')).toBe(200);
    await database.letIn('settlement');
    await waitFor(async () => (await get('ready')) === 200, { what: 'readiness' });
  });
});
