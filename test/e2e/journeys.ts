/* eslint-disable @typescript-eslint/no-explicit-any, @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-return, @typescript-eslint/no-unsafe-argument -- what comes over the wire has no types here */
import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { waitFor } from '#libs/testing/index.js';
import { type DemoRole, demoRoles } from '#tools/launcher/access.js';
import { addDecimals } from '#tools/launcher/figures.js';
import { type Installation } from '#tools/launcher/installation.js';
import { firstDay } from '#tools/sample/sample.js';
import { readyMadeQueries } from '../../apps/gateway/src/graph/ready-made.js';
import { codesOf, type GatewayClient } from './gateway-client.js';

export interface Running {
  installation: Installation;
  client: GatewayClient;
  sampleDirectory: string;
}

const jobFields =
  'id service name businessKey requestedBy state done total attemptCount createdAt error { code message } attempts { attempt outcome endedAt error { code } }';

/** What people do at the gateway, on the installation that the first days left. */
export function journeys(of: () => Running): void {
  const ask = (role: DemoRole | undefined, query: string, variables?: Record<string, unknown>) =>
    of().client.ask(role, query, variables);
  const good = async (role: DemoRole, query: string, variables?: Record<string, unknown>): Promise<any> => {
    const { data, errors } = await ask(role, query, variables);
    expect(errors).toEqual([]);
    return data;
  };
  const job = async (id: string): Promise<any> =>
    (await good('operations', `query ($id: ID!) { settlementJobRun(id: $id) { ${jobFields} } }`, { id }))
      .settlementJobRun;

  /** Lines that were captured before: read once more, they do nothing. */
  const handIn = async (name: string, lines: number): Promise<string> => {
    const path = join(of().sampleDirectory, 'days', firstDay, `trades-a-${firstDay.replaceAll('-', '')}.csv`);
    const content = readFileSync(path, 'utf8')
      .split('\n')
      .slice(0, lines + 1)
      .join('\n');
    const { receiveFile } = await good(
      'front-office',
      'mutation ($input: ReceiveFileInput!) { receiveFile(input: $input) { file { id jobRunId } problems { code } } }',
      { input: { kind: 'TRADES', name, content, idempotencyKey: `journey-${name}` } },
    );
    expect(receiveFile.problems).toEqual([]);
    return receiveFile.file.jobRunId;
  };
  const changeQueue = (role: DemoRole, what: 'pause' | 'resume', reason: string) =>
    ask(
      role,
      `mutation ($input: ChangeQueueInput!) { ${what}SettlementQueue(input: $input) { queue { name isPaused pausedBy pauseReason } problems { code path } } }`,
      { input: { queue: 'bulk', reason } },
    );
  const changeJob = (role: DemoRole, what: 'retry' | 'discard', id: string, reason: string) =>
    ask(
      role,
      `mutation ($input: ChangeJobInput!) { ${what}SettlementJob(input: $input) { jobRun { state } problems { code path } } }`,
      { input: { id, reason } },
    );
  const auditOf = async (objectKind: string, objectId: string): Promise<any[]> =>
    (
      await good(
        'auditor',
        'query ($k: String!, $i: String!) { settlementAuditEntries(first: 50, objectKind: $k, objectId: $i) { edges { node { action principal reason leafHash } } } }',
        { k: objectKind, i: objectId },
      )
    ).settlementAuditEntries.edges.map(({ node }: any) => node);

  describe('one query', () => {
    it('leads from a trade to its names, their screening, its instruction, what was booked and where that left the accounts', async () => {
      const { trades } = await good(
        'operations',
        `{ trades(first: 1, filter: { state: SETTLED }) { edges { node { id executionId quantity isin amount { amount currency }
             counterpartyParty { id name screenings { outcome score screenedAt } }
             instruction { id place settlementStatus settledAt journalEntry { id businessDate
               postings { accountNumber asset side amount balanceAfter account { id state balances { asset balance available } party { id name } } } } } } } } }`,
      );
      const trade = trades.edges[0].node;
      expect(trade.counterpartyParty).toMatchObject({ id: expect.any(String), name: expect.any(String) });
      expect(trade.counterpartyParty.screenings[0]).toMatchObject({ outcome: expect.any(String) });
      expect(trade.instruction).toMatchObject({ settlementStatus: 'SETTLED', settledAt: expect.any(String) });
      const { postings } = trade.instruction.journalEntry;
      expect(postings.length).toBeGreaterThanOrEqual(4);
      const sums = new Map<string, string>();
      for (const { asset, side, amount } of postings)
        sums.set(asset, addDecimals(sums.get(asset) ?? '0', side === 'DEBIT' ? amount : `-${amount}`));
      expect([...sums.keys()].sort()).toEqual([trade.amount.currency, trade.isin].sort());
      for (const sum of sums.values()) expect(sum).toMatch(/^-?0(\.0+)?$/);
      const ofAsset = (posting: any) => posting.account.balances.find(({ asset }: any) => asset === posting.asset);
      expect(postings.map(ofAsset).every((one: any) => /^-?\d+(\.\d+)?$/.test(one?.balance))).toBe(true);
      expect(postings.map(({ account }: any) => account.party?.name).filter(Boolean).length).toBeGreaterThan(0);
    });

    it('finds an object of each kind by its id, and nothing under an id that is not there', async () => {
      const first = async (list: string, role: DemoRole = 'operations') =>
        (await good(role, `{ ${list}(first: 1) { edges { node { id } } } }`))[list].edges[0].node.id;
      const known = {
        Trade: await first('trades'),
        Instruction: await first('instructions'),
        Payment: await first('payments'),
        Alert: await first('alerts'),
        Party: 'PCP011',
        Account: 'NGEU/C000001-CASH',
      };
      for (const [type, id] of Object.entries(known))
        expect(await good('operations', 'query ($id: ID!) { node(id: $id) { __typename id } }', { id })).toEqual({
          node: { __typename: type, id },
        });
      for (const id of [
        'trd_none',
        'ins_none',
        'pay_none',
        'ent_none',
        'scr_none',
        'alt_none',
        'NGEU/none',
        'nobody',
        '',
      ])
        expect({
          id,
          ...(await good('operations', 'query ($id: ID!) { node(id: $id) { __typename id } }', { id })),
        }).toEqual({ id, node: null });
    });
  });

  describe('work items', () => {
    it('of all services are one list, each with owner, due time and age, the most urgent first', async () => {
      const page = 'edges { node { id service ownerTeam dueAt ageSeconds } } pageInfo { hasNextPage endCursor }';
      const all = async (list: string): Promise<any[]> => {
        const found: any[] = [];
        for (let after: string | null = null, more = true; more;) {
          const read: any = (
            await good(
              'operations',
              `query ($a: String) { ${list}(first: 100, after: $a, filter: { state: OPEN }) { ${page} } }`,
              {
                a: after,
              },
            )
          )[list];
          found.push(...read.edges.map(({ node }: any) => node));
          ({ hasNextPage: more, endCursor: after } = read.pageInfo);
        }
        return found;
      };
      const merged = await all('workItems');
      const apart = [
        ...(await all('settlementWorkItems')),
        ...(await all('accountingWorkItems')),
        ...(await all('complianceWorkItems')),
      ];
      expect(merged.map(({ id }) => id).sort()).toEqual(apart.map(({ id }) => id).sort());
      expect(merged.length).toBeGreaterThan(50);
      expect(new Set(merged.map(({ service }) => service))).toEqual(
        new Set(['accounting', 'settlement', 'compliance']),
      );
      expect(merged.filter(({ ownerTeam, ageSeconds }) => !ownerTeam || !(ageSeconds >= 0))).toEqual([]);
      const due = merged.map(({ dueAt }) => dueAt);
      expect(due).toEqual([...due].sort());
      expect(codesOf(await ask('partner', '{ workItems { edges { node { id } } } }'))).toEqual(['FORBIDDEN']);
    });
  });

  describe('jobs', () => {
    let importId: string;

    it('pause with a reason, are followed to their end by whoever subscribes, and leave it in the audit log', async () => {
      expect(codesOf(await changeQueue('auditor', 'pause', 'not mine to say'))).toEqual(['FORBIDDEN']);
      expect((await changeQueue('operations', 'pause', '')).data.pauseSettlementQueue.problems).toMatchObject([
        { path: 'reason' },
      ]);
      expect((await changeQueue('operations', 'pause', 'the custodian is away')).data.pauseSettlementQueue).toEqual({
        queue: { name: 'bulk', isPaused: true, pausedBy: 'demo-operations', pauseReason: 'the custodian is away' },
        problems: [],
      });
      importId = await handIn('journey-1.csv', 1200);
      const seen: any[] = [];
      const followed = readyMadeQueries.find(({ name }) => name === 'FollowAJob');
      for await (const { data, errors } of of().client.follow('operations', followed?.text ?? '', { id: importId })) {
        expect(errors).toEqual([]);
        seen.push(data.settlementJobProgress);
        if (seen.length === 1) expect((await changeQueue('operations', 'resume', 'it is back')).errors).toEqual([]);
      }
      expect(seen[0]).toMatchObject({ state: 'PAUSED', done: 0 });
      expect(seen.at(-1)).toMatchObject({ state: 'SUCCEEDED', done: 1200, total: 1200 });
      const done = seen.map((one) => one.done);
      expect(done).toEqual([...done].sort((a, b) => a - b));
      const audit = await auditOf('QUEUE', 'settlement-bulk');
      expect(
        audit
          .map(({ leafHash, ...one }) => ({ ...one, hash: leafHash.length }))
          .slice(0, 2)
          .sort((a, b) => a.action.localeCompare(b.action)),
      ).toEqual([
        { action: 'QUEUE_PAUSED', principal: 'demo-operations', reason: 'the custodian is away', hash: 64 },
        { action: 'QUEUE_RESUMED', principal: 'demo-operations', reason: 'it is back', hash: 64 },
      ]);
    }, 60_000);

    it('that fail are shown with attempts and error, and are retried or discarded with a reason', async () => {
      const owner = new pg.Client({ connectionString: of().installation.ownerUrl });
      await owner.connect();
      const failed: string[] = [];
      try {
        // What a grant lost by mistake does.
        await owner.query('REVOKE INSERT ON settlement.file_line FROM settlement');
        for (const name of ['journey-2.csv', 'journey-3.csv']) failed.push(await handIn(name, 3));
        for (const id of failed)
          await waitFor(async () => (await job(id)).state === 'FAILED', {
            what: 'the job that fails',
            timeoutMs: 30_000,
          });
      } finally {
        await owner.query('GRANT INSERT ON settlement.file_line TO settlement');
        await owner.end();
      }
      const [again = '', never = ''] = failed;
      const one = await job(again);
      expect(one).toMatchObject({ state: 'FAILED', businessKey: 'journey-2.csv', requestedBy: 'demo-front-office' });
      expect(one.error.message).toMatch(/permission denied/);
      expect(one.attempts.map(({ outcome }: any) => outcome)).toEqual(Array(one.attemptCount).fill('FAILED'));

      for (const what of ['retry', 'discard'] as const) {
        expect(codesOf(await changeJob('auditor', what, again, 'no'))).toEqual(['FORBIDDEN']);
        expect(codesOf(await changeJob('front-office', what, again, 'no'))).toEqual(['FORBIDDEN']);
        expect((await changeJob('operations', what, again, '')).data[`${what}SettlementJob`].problems).toMatchObject([
          { path: 'reason' },
        ]);
      }
      expect(
        (await changeJob('operations', 'retry', again, 'the grant is back')).data.retrySettlementJob.problems,
      ).toEqual([]);
      await waitFor(async () => (await job(again)).state === 'SUCCEEDED', { what: 'the job that was retried' });
      expect((await job(again)).attempts.map(({ outcome }: any) => outcome).at(-1)).toBe('SUCCEEDED');
      expect((await changeJob('operations', 'discard', never, 'sent by mistake')).data.discardSettlementJob).toEqual({
        jobRun: { state: 'DISCARDED' },
        problems: [],
      });
      expect(
        (await changeJob('operations', 'retry', never, 'after all')).data.retrySettlementJob.problems,
      ).toMatchObject([{ code: 'JOB_STATE' }]);
      // Each was somebody's work from its death until it was decided about.
      const reader = new pg.Client({ connectionString: of().installation.ownerUrl });
      await reader.connect();
      const { rows } = await reader
        .query<{ reference: string; reason: string }>(
          `SELECT reference, close_reason AS reason FROM settlement.work_item WHERE category = 'DEAD_LETTER' AND state = 'CLOSED' ORDER BY reference`,
        )
        .finally(() => reader.end());
      expect(rows).toEqual([
        { reference: 'journey-2.csv', reason: 'retried: the grant is back' },
        { reference: 'journey-3.csv', reason: 'discarded: sent by mistake' },
      ]);
      expect(await auditOf('JOB_RUN', again)).toMatchObject([
        { action: 'JOB_RETRIED', principal: 'demo-operations', reason: 'the grant is back' },
      ]);
      expect(await auditOf('JOB_RUN', never)).toMatchObject([
        { action: 'JOB_DISCARDED', principal: 'demo-operations', reason: 'sent by mistake' },
      ]);
    }, 60_000);

    it('are found by state, name, business key, date and error, over all services', async () => {
      const find = async (filter: Record<string, unknown>, role: DemoRole = 'operations'): Promise<any[]> =>
        (
          await good(
            role,
            `query ($f: JobRunFilter) { jobRuns(first: 100, filter: $f) { edges { node { ${jobFields} } } } }`,
            { f: filter },
          )
        ).jobRuns.edges.map(({ node }: any) => node);
      const all = await find({});
      expect(new Set(all.map(({ service }) => service))).toEqual(new Set(['settlement', 'accounting', 'compliance']));
      expect((await find({ states: ['DISCARDED'] })).map(({ businessKey }) => businessKey)).toEqual(['journey-3.csv']);
      const phases = await find({ name: 'accounting.run-phase.v1' });
      expect(new Set(phases.map(({ service }) => service))).toEqual(new Set(['accounting']));
      expect(phases.length).toBeGreaterThan(5);
      expect((await find({ businessKey: 'journey-1.csv' })).map(({ id }) => id)).toEqual([importId]);
      expect((await find({ errorText: 'permission denied' })).map(({ businessKey }) => businessKey)).toContain(
        'journey-3.csv',
      );
      expect(await find({ errorText: 'no job ever said this' })).toEqual([]);
      const [middle] = all.slice(Math.floor(all.length / 2));
      const [since, before] = [await find({ from: middle.createdAt }), await find({ to: middle.createdAt })];
      expect(since.every(({ createdAt }) => createdAt >= middle.createdAt)).toBe(true);
      expect(before.every(({ createdAt }) => createdAt < middle.createdAt)).toBe(true);
      expect(since.map(({ id }) => id)).toContain(middle.id);
      expect(before.length).toBeGreaterThan(0);
      expect(codesOf(await ask('front-office', '{ jobRuns { edges { node { id } } } }'))).toEqual(['FORBIDDEN']);
      expect(codesOf(await ask('operations', '{ jobRuns(first: 1000) { edges { node { id } } } }'))).toEqual([
        'LIMIT_EXCEEDED',
      ]);
    });

    it('are shown raw to operations alone, and only shown', async () => {
      const open = async (path: string, role: DemoRole | undefined, method = 'GET') => {
        const password = role ? of().client.keys[role] : '';
        const response = await fetch(`${of().client.base}/ops/queues${path}`, {
          method,
          headers: role ? { authorization: `Basic ${Buffer.from(`me:${password}`).toString('base64')}` } : {},
        });
        return { status: response.status, text: await response.text() };
      };
      const isAllowed = await Promise.all(
        demoRoles.map(async (role) => [role, (await open('/', role)).status] as const),
      );
      expect(isAllowed.filter(([, status]) => status === 200).map(([role]) => role)).toEqual([
        'operations',
        'operations-approver',
        'admin',
      ]);
      expect(isAllowed.every(([, status]) => status === 200 || status === 403)).toBe(true);
      expect((await open('/', undefined)).status).toBe(401);
      const { queues } = JSON.parse((await open('/api/queues?page=1', 'operations')).text);
      expect(queues.map(({ name }: any) => name).sort()).toEqual(
        ['accounting', 'compliance', 'settlement'].flatMap((service) => [`${service}-bulk`, `${service}-fast`]),
      );
      expect(queues.every(({ readOnlyMode }: any) => readOnlyMode)).toBe(true);
      for (const [method, path] of [
        ['PUT', '/api/queues/settlement-bulk/pause'],
        ['PUT', '/api/queues/settlement-bulk/retry/failed'],
        ['POST', '/api/queues/settlement-bulk/add'],
        ['PATCH', '/api/queues/settlement-bulk/1/update-data'],
        ['DELETE', '/api/queues/settlement-bulk/obliterate'],
      ] as const)
        expect({ path, status: (await open(path, 'operations', method)).status }).toEqual({ path, status: 405 });
    });
  });

  describe('what GraphiQL offers', () => {
    it.each(
      readyMadeQueries.filter(({ text }) => text.startsWith('query')).map((one) => [one.role, one.name, one] as const),
    )('for %s: %s, as GraphiQL offers it, says something', async (role, _, { text }) => {
      const data = await good(role, text);
      for (const value of Object.values<any>(data)) {
        expect(value).not.toBeNull();
        if ('edges' in value && !/waiting: /.test(text)) expect([text, value.edges.length]).not.toEqual([text, 0]);
      }
    });

    it('is offered to each role', () => {
      expect(demoRoles.filter((role) => !readyMadeQueries.some((one) => one.role === role))).toEqual([]);
    });
  });

  describe('the door', () => {
    it('in production serves no GraphiQL and shows its schema to administrators alone', async () => {
      const { processes } = of().installation;
      const plan = processes.planOf('gateway');
      const port = await processes.start({
        ...plan,
        name: 'gateway-production',
        environment: { ...plan.environment, NODE_ENV: 'production', PORT: '0' },
      });
      const strict = of().client.at(`http://127.0.0.1:${port}`);
      try {
        const page = await strict.send('/graphql', { headers: { accept: 'text/html' } });
        expect([page.status, page.text.includes('graphiql')]).toEqual([405, false]);
        const open = await of().client.send('/graphql', { headers: { accept: 'text/html' } });
        expect([open.status, /graphiql/i.test(open.text)]).toEqual([200, true]);
        const schema = '{ __schema { queryType { name } } }';
        expect(codesOf(await strict.ask('operations', schema))).toEqual(['FORBIDDEN']);
        expect((await strict.ask('admin', schema)).data).toEqual({ __schema: { queryType: { name: 'Query' } } });
        expect((await ask('operations', schema)).data).toEqual({ __schema: { queryType: { name: 'Query' } } });
        expect((await strict.ask('operations', '{ trades(first: 1) { edges { node { id } } } }')).errors).toEqual([]);
        expect((await strict.ask('operations', '{ trade { id } }')).text).not.toMatch(/did you mean/i);
      } finally {
        await processes.stop('gateway-production');
      }
    }, 60_000);

    it('opens and serves while a service is away: the rest of the answer, and what is missing by name', async () => {
      const { processes } = of().installation;
      const accounting = processes.planOf('accounting');
      await processes.stop('accounting');
      try {
        // It starts, too, while the service is away.
        await processes.replace('gateway');
        const query = `{ trades(first: 2, filter: { state: SETTLED }) { edges { node { executionId counterpartyParty { name } instruction { settlementStatus journalEntry { businessDate } } } } }
          ledgerSummary { entries } }`;
        const { status, data, errors } = await ask('operations', query);
        expect(status).toBe(200);
        expect(data.ledgerSummary).toBeNull();
        expect(data.trades.edges).toHaveLength(2);
        for (const { node } of data.trades.edges)
          expect(node).toMatchObject({
            counterpartyParty: { name: expect.any(String) },
            instruction: { settlementStatus: 'SETTLED', journalEntry: null },
          });
        expect(errors.map(({ extensions }) => [extensions?.code, extensions?.service])).toEqual(
          errors.map(() => ['SERVICE_UNAVAILABLE', 'accounting']),
        );
        expect(errors.map(({ path }) => path?.[0])).toEqual(expect.arrayContaining(['trades', 'ledgerSummary']));
        const items = await ask('operations', '{ workItems(first: 5) { edges { node { service } } } }');
        expect(items.data.workItems.edges).toHaveLength(5);
        expect(items.errors).toMatchObject([{ extensions: { code: 'SERVICE_UNAVAILABLE', service: 'accounting' } }]);
        const account = await ask('operations', '{ node(id: "NGEU/C000001-CASH") { id } }');
        expect([account.data, codesOf(account)]).toEqual([{ node: null }, ['SERVICE_UNAVAILABLE']]);
        const health = JSON.parse((await of().client.send('/health/ready', {})).text);
        expect(health).toMatchObject({ state: 'degraded', checks: { accounting: 'degraded', settlement: 'up' } });
      } finally {
        await processes.start(accounting);
      }
      await waitFor(async () => (await ask('operations', '{ ledgerSummary { entries } }')).errors.length === 0, {
        what: 'accounting, back',
      });
    }, 120_000);
  });
}
