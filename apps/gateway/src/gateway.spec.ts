/* eslint-disable @typescript-eslint/no-explicit-any, @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-return, @typescript-eslint/no-unsafe-argument -- what comes over the wire has no types here */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Module, type Type } from '@nestjs/common';
import { buildClientSchema, getIntrospectionQuery } from 'graphql';
import { hashApiKey, newApiKey, type Role } from '#libs/auth/index.js';
import { type GraphqlContext, keyset, keysetPage, SubgraphModule } from '#libs/graphql/index.js';
import { Logger } from '#libs/observability/index.js';
import { bootService, type RunningService } from '#libs/service/index.js';
import { composeSupergraph } from '../composition/compose-supergraph.js';
import { type AskForClient } from './access/api-clients.js';
import { bootGateway } from './gateway.js';
import { readGatewayConfig } from './gateway.config.js';
import { placeUrls } from './graph/supergraph.js';

const secret = 'a-secret-of-the-test-that-is-long-enough';
process.env.INTERNAL_TOKEN_SECRET = secret;
const logger = new Logger({ service: 'test', level: 'silent' });

const linked =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@shareable", "@requiresScopes"])';
const shared = `
  ${linked}
  scalar DateTime
  type WorkItem @shareable { id: ID! service: String! dueAt: DateTime! }
  type WorkItemEdge @shareable { cursor: String! node: WorkItem! }
  type WorkItemConnection @shareable { edges: [WorkItemEdge!]! pageInfo: PageInfo! }
  type PageInfo @shareable { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }`;
const itemsField = (service: string) =>
  `${service}WorkItems(first: Int! = 50, after: String): WorkItemConnection! @requiresScopes(scopes: [["work:read"]])`;

interface Item {
  id: string;
  service: string;
  dueAt: Date;
}

/** Service n has items due at n, n + 3, n + 6 … minutes; two at each, whose microseconds go against their ids. */
function itemsOf(service: string, offset: number) {
  return (_: unknown, page: { first: number; after?: string }) => {
    const all = Array.from({ length: 10 }, (_, n) => ({
      id: `${service}-${9 - n}`,
      service,
      dueAt: new Date(Date.UTC(2026, 2, 30, 12, offset + 3 * Math.floor(n / 2))),
    }));
    const list = keyset<Item>({ list: service }, (item) => [item.id]);
    const after = list.after(page.after)?.[0];
    const from = after === undefined ? 0 : all.findIndex((item) => item.id === after) + 1;
    return keysetPage(all.slice(from, from + page.first + 1), page.first, list.cursorOf);
  };
}

const tradeOf = (id: string) => ({ id, state: 'CAPTURED', counterpartyParty: { id: 'p1' }, clientParty: { id: 'p2' } });
let subscribers = 0;

const subgraphs: Record<string, { typeDefs: string; resolvers: Record<string, unknown> }> = {
  settlement: {
    typeDefs: `${shared}
      type Query {
        trade(id: ID!): Trade! @requiresScopes(scopes: [["trades:read"]])
        trades: [Trade!]! @requiresScopes(scopes: [["trades:read"]])
      }
      extend type Query { ${itemsField('settlement')} }
      type Mutation {
        capture(text: String!): String! @requiresScopes(scopes: [["trades:write"]])
        receiveFile(content: String!): String! @requiresScopes(scopes: [["files:write"]])
      }
      type Subscription { progress(id: String!): String! @requiresScopes(scopes: [["jobs:read"]]) }
      type Trade @key(fields: "id") @requiresScopes(scopes: [["trades:read"]]) { id: ID! state: String! counterpartyParty: Party clientParty: Party! }
      type Party @key(fields: "id", resolvable: false) { id: ID! }`,
    resolvers: {
      Query: {
        trade: (_: unknown, { id }: { id: string }) => tradeOf(id),
        trades: () => ['1', '2'].map(tradeOf),
        settlementWorkItems: itemsOf('settlement', 0),
      },
      Mutation: {
        capture: (_: unknown, { text }: { text: string }, context: GraphqlContext) =>
          `${context.principal.subject}:${text.length}`,
        receiveFile: (_: unknown, { content }: { content: string }) => String(content.length),
      },
      Subscription: {
        progress: {
          async *subscribe(_: unknown, { id }: { id: string }) {
            subscribers++;
            for (const step of ['started', 'half', 'done']) {
              await Promise.resolve();
              yield { progress: `${id} ${step}` };
            }
          },
        },
      },
      Trade: { __resolveReference: ({ id }: { id: string }) => (id === 'trd_none' ? null : tradeOf(id)) },
    },
  },
  accounting: {
    typeDefs: `${shared}
      type Query { ledger: String! @requiresScopes(scopes: [["ledger:read"]]) ${itemsField('accounting')} }`,
    resolvers: { Query: { ledger: () => 'balanced', accountingWorkItems: itemsOf('accounting', 1) } },
  },
  compliance: {
    typeDefs: `${shared}
      type Query { party(id: ID!): Party! @requiresScopes(scopes: [["parties:read"]]) ${itemsField('compliance')} }
      type Party @key(fields: "id") @requiresScopes(scopes: [["parties:read"]]) { id: ID! name: String! }
      type Trade @key(fields: "id") { id: ID! screening: String @requiresScopes(scopes: [["screening:read"]]) }`,
    resolvers: {
      Query: {
        party: (_: unknown, { id }: { id: string }) => ({ id, name: `Party ${id}` }),
        complianceWorkItems: itemsOf('compliance', 2),
      },
      Party: { __resolveReference: ({ id }: { id: string }) => ({ id, name: `Party ${id}` }) },
      Trade: {
        __resolveReference: ({ id }: { id: string }) => ({ id }),
        screening: ({ id }: { id: string }) => `CLEAR ${id}`,
      },
    },
  },
};

const openTransaction = () => Promise.reject(new Error('no database here'));
const moduleOf = (service: string): Type => {
  @Module({ imports: [SubgraphModule.forService(service, { openTransaction, written: subgraphs[service]! })] })
  class Subgraph {}
  return Subgraph;
};

const keys = Object.fromEntries(
  (['front-office', 'operations', 'partner', 'admin', 'auditor'] satisfies Role[]).map((role) => [
    role,
    newApiKey(role),
  ]),
);
const askForClient: AskForClient = (hash) => {
  const role = Object.keys(keys).find((name) => hashApiKey(keys[name] ?? '') === hash);
  return Promise.resolve(role ? { subject: `demo ${role}`, kind: 'PERSON', roles: [role], books: ['*'] } : null);
};

interface Answered {
  status: number;
  headers: Headers;
  text: string;
  data: any;
  errors?: any[];
}

for (const planner of ['rust', 'javascript'] as const) {
  describe(`the gateway with the ${planner} planner`, () => {
    const services: Record<string, RunningService> = {};
    let gateway: RunningService;
    let strict: RunningService;
    let url: string;

    const bootSubgraph = async (name: string, port = 0) => {
      services[name] = await bootService({
        module: moduleOf(name),
        config: { service: name, port },
        logger,
        followProcess: false,
      });
    };

    const send = async (
      body: string,
      headers: Record<string, string> = {},
      init: RequestInit = {},
      base = url,
    ): Promise<Answered> => {
      const response = await fetch(`${base}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body,
        ...init,
      });
      const text = await response.text();
      let parsed: any = {};
      try {
        parsed = JSON.parse(text);
      } catch {
        // A page or an event stream.
      }
      return { status: response.status, headers: response.headers, text, data: parsed.data, errors: parsed.errors };
    };
    const ask = (query: string, role: string | undefined = 'operations', variables?: object, base = url) =>
      send(JSON.stringify({ query, variables }), keys[role] ? { authorization: `Bearer ${keys[role]}` } : {}, {}, base);

    beforeAll(async () => {
      for (const name of Object.keys(subgraphs)) await bootSubgraph(name);
      const urls = Object.fromEntries(
        Object.entries(services).map(([name, { port }]) => [name, `http://127.0.0.1:${port}`]),
      );
      const sdls = Object.entries(subgraphs).map(([name, { typeDefs }]) => ({ name, sdl: typeDefs }));
      const supergraphSdl = placeUrls(composeSupergraph(sdls), urls);
      const environment = {
        PORT: '0',
        INTERNAL_TOKEN_SECRET: secret,
        SETTLEMENT_URL: urls.settlement,
        ACCOUNTING_URL: urls.accounting,
        COMPLIANCE_URL: urls.compliance,
        QUERY_PLANNER: planner,
        SUBGRAPH_TIMEOUT_MS: '3000',
        TRUSTED_PROXIES: '1',
      };
      const parts = { logger, followProcess: false, askForClient, supergraphSdl };
      gateway = await bootGateway(readGatewayConfig(environment), parts);
      strict = await bootGateway(readGatewayConfig({ ...environment, NODE_ENV: 'production' }), parts);
      url = `http://127.0.0.1:${gateway.port}`;
    });
    afterAll(async () => {
      for (const running of [gateway, strict, ...Object.values(services)]) await running.stop();
    });

    it('answers one query from several services', async () => {
      const { data, errors, status } = await ask(
        '{ trade(id: "1") { id state screening counterpartyParty { id name } } ledger }',
      );
      expect(errors).toBeUndefined();
      expect(data).toEqual({
        trade: { id: '1', state: 'CAPTURED', screening: 'CLEAR 1', counterpartyParty: { id: 'p1', name: 'Party p1' } },
        ledger: 'balanced',
      });
      expect(status).toBe(200);
    });

    it('carries the caller into the service', async () => {
      expect((await ask('mutation { capture(text: "abc") }', 'front-office')).data).toEqual({
        capture: 'demo front-office:3',
      });
    });

    it('answers 401 to nobody, to a wrong key and to a key that only looks right', async () => {
      for (const authorization of ['', 'Bearer x', `Bearer ${newApiKey('admin')}`]) {
        const { status, errors } = await send('{"query":"{ ledger }"}', authorization ? { authorization } : {});
        expect(status).toBe(401);
        expect(errors?.[0].extensions.code).toBe('UNAUTHENTICATED');
      }
    });

    it('answers 429 to whoever goes on guessing, and goes on serving the clients it knows', async () => {
      const from = { 'x-forwarded-for': '203.0.113.9' };
      const known = { authorization: `Bearer ${keys.operations}`, ...from };
      expect((await send('{"query":"{ ledger }"}', known)).status).toBe(200);
      const statuses: number[] = [];
      for (let n = 0; n < 40; n += 1) {
        const answered = await send('{"query":"{ ledger }"}', {
          authorization: `Bearer ${newApiKey('admin')}`,
          ...from,
        });
        statuses.push(answered.status);
        if (answered.status !== 429) continue;
        expect(answered.errors?.[0].extensions.code).toBe('RATE_LIMITED');
        expect(Number(answered.headers.get('retry-after'))).toBeGreaterThan(0);
      }
      expect(new Set(statuses)).toEqual(new Set([401, 429]));
      expect((await send('{"query":"{ ledger }"}', known)).status).toBe(200);
      expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/failed_sign_ins_total\{outcome="limited"\} \d+/);
    });

    it('refuses the whole operation with the path of the field', async () => {
      const { data, errors } = await ask(
        '{ t: trade(id: "1") { state ...s } } fragment s on Trade { look: screening }',
        'partner',
      );
      expect(data ?? null).toBeNull();
      expect(errors).toEqual([
        expect.objectContaining({ path: ['t', 'look'], extensions: expect.objectContaining({ code: 'FORBIDDEN' }) }),
      ]);
      expect((await ask('{ trade(id: "1") { counterpartyParty { name } } }', 'partner')).errors?.[0]).toMatchObject({
        path: ['trade', 'counterpartyParty'],
        extensions: { code: 'FORBIDDEN' },
      });
      expect((await ask('mutation { capture(text: "a") }', 'auditor')).errors?.[0].extensions.code).toBe('FORBIDDEN');
    });

    it('decides for each caller, whatever was decided on the same text before', async () => {
      const query = 'query Same { party(id: "p9") { name } }';
      for (const [role, allowed] of [
        ['partner', false],
        ['operations', true],
        ['partner', false],
      ] as const) {
        expect((await ask(query, role)).errors === undefined).toBe(allowed);
      }
    });

    it('streams a subscription over SSE', async () => {
      const before = subscribers;
      const { text, headers } = await send(JSON.stringify({ query: 'subscription { progress(id: "j1") }' }), {
        authorization: `Bearer ${keys.operations}`,
        accept: 'text/event-stream',
      });
      expect(headers.get('content-type')).toContain('text/event-stream');
      const events = [...text.matchAll(/data: (\{.*\})/g)]
        .map((match) => JSON.parse(match[1]!).data?.progress)
        .filter(Boolean);
      expect(events).toEqual(['j1 started', 'j1 half', 'j1 done']);
      expect(subscribers).toBe(before + 1);
      const refused = await send(JSON.stringify({ query: 'subscription { progress(id: "j1") }' }), {
        authorization: `Bearer ${keys.partner}`,
        accept: 'text/event-stream',
      });
      expect(refused.text).toContain('FORBIDDEN');
    });

    it('finds an object by its id alone, for who may read it', async () => {
      const query =
        'query Anything($id: ID!) { node(id: $id) { __typename again: __typename ... on Trade { key: id state screening } ... on Party { name } } }';
      expect((await ask(query, 'operations', { id: 'trd_1' })).data.node).toEqual({
        __typename: 'Trade',
        again: 'Trade',
        key: 'trd_1',
        state: 'CAPTURED',
        screening: 'CLEAR trd_1',
      });
      expect((await ask(query, 'operations', { id: 'p7' })).data.node).toMatchObject({ name: 'Party p7' });
      expect((await ask('{ node(id: "trd_1") { id } }', 'operations')).data.node).toEqual({ id: 'trd_1' });
      for (const id of ['trd_none', '', 'ent_1'])
        expect((await ask('query ($id: ID!) { node(id: $id) { __typename id } }', 'operations', { id })).data).toEqual({
          node: null,
        });
      const refused = (await ask(query, 'partner', { id: 'trd_1' })).errors;
      expect(refused?.map((error: any) => [error.extensions.code, error.path])).toEqual([
        ['FORBIDDEN', ['node', 'screening']],
        ['FORBIDDEN', ['node', '... on Party']],
      ]);
      const own = await ask('{ node(id: "trd_1") { ... on Trade { state } } }', 'partner');
      expect(own).toMatchObject({ data: { node: { state: 'CAPTURED' } } });
    });

    it.each([1, 3, 4, 7])('merges the lists of the services and pages through them by %s', async (first) => {
      const query =
        'query ($first: Int! $after: String) { workItems(first: $first, after: $after) { page: pageInfo { hasNextPage endCursor } edges { cursor item: node { id at: dueAt ...more } } } } fragment more on WorkItem { service }';
      const seen: string[] = [];
      const ids: string[] = [];
      let after: string | null = null;
      do {
        const answer: Answered = await ask(query, 'operations', { first, after });
        expect(answer.errors).toBeUndefined();
        const list = answer.data.workItems;
        for (const { item } of list.edges) {
          expect(item.id.startsWith(item.service)).toBe(true);
          seen.push(item.at);
          ids.push(item.id);
        }
        after = list.page.hasNextPage ? list.page.endCursor : null;
      } while (after);
      expect(seen).toEqual([...seen].sort());
      expect(new Set(ids).size).toBe(30);
      expect(ids).toHaveLength(30);
      for (const service of ['settlement', 'accounting', 'compliance'])
        expect(ids.filter((id) => id.startsWith(service))).toEqual(
          Array.from({ length: 10 }, (_, n) => `${service}-${9 - n}`),
        );
    });

    it('takes a large body only for a file', async () => {
      const text = 'x'.repeat(2.5 * 1024 * 1024);
      expect(
        (await ask('mutation ($t: String!) { receiveFile(content: $t) }', 'operations', { t: text })).data,
      ).toEqual({ receiveFile: String(text.length) });
      expect(
        (await ask('mutation ($t: String!) { capture(text: $t) }', 'operations', { t: text })).errors?.[0].extensions
          .code,
      ).toBe('LIMIT_EXCEEDED');
      expect((await ask('{ ledger }', 'auditor', { t: text })).status).toBe(413);
    });

    it.each([
      ['aliases', `{ ${Array.from({ length: 101 }, (_, n) => `a${n}: __typename`).join(' ')} }`],
      ['directives', `{ __typename ${'@include(if: true) '.repeat(10)} }`],
      ['unknown directives', `{ __typename ${'@aa '.repeat(10)} }`],
      ['depth', `{ ${'trade(id: "1") { counterpartyParty { '.repeat(8)} id ${'} }'.repeat(8)} }`],
      ['tokens', `{ trades { ${'id '.repeat(2_100)} } }`],
      ['repeated fields', `{ ${'__typename '.repeat(2_100)} }`],
      ['fragments in a circle', '{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }'],
    ])('refuses too much: %s', async (_, query) => {
      const { data, errors } = await ask(query, 'operations', undefined, `http://127.0.0.1:${strict.port}`);
      expect(errors?.length).toBeGreaterThan(0);
      expect(errors?.filter((error) => typeof error.extensions?.code !== 'string')).toEqual([]);
      expect(data ?? null).toBeNull();
    });

    it('takes only POST with JSON, one operation at a time', async () => {
      const auth = { authorization: `Bearer ${keys.admin}` };
      expect((await fetch(`${url}/graphql?query={ledger}`, { headers: auth })).status).toBe(405);
      expect((await fetch(`${url}/graphql?query=mutation{capture(text:"a")}`, { headers: auth })).status).toBe(405);
      expect(
        (await send('query=%7Bledger%7D', { ...auth, 'content-type': 'application/x-www-form-urlencoded' })).status,
      ).toBe(415);
      expect((await send('{ ledger }', { ...auth, 'content-type': 'text/plain' })).status).toBe(415);
      expect((await send(JSON.stringify([{ query: '{ ledger }' }, { query: '{ ledger }' }]), auth)).status).toBe(400);
      expect((await send('{', auth)).status).toBe(400);
    });

    it('shows the schema with the scope, or outside production; suggests nothing', async () => {
      const base = `http://127.0.0.1:${strict.port}`;
      expect((await ask(getIntrospectionQuery(), 'operations', undefined, base)).errors?.[0].extensions.code).toBe(
        'FORBIDDEN',
      );
      const shown = await ask(getIntrospectionQuery(), 'admin', undefined, base);
      expect(shown.errors).toBeUndefined();
      expect(buildClientSchema(shown.data).getQueryType()?.getFields().workItems).toBeDefined();
      expect((await ask(getIntrospectionQuery(), 'operations')).data.__schema).toBeDefined();
      expect((await ask('{ trad(id: "1") { id } }', 'operations', undefined, base)).text).not.toContain('Did you mean');
      expect((await fetch(`${base}/graphql`, { headers: { accept: 'text/html' } })).status).toBe(405);
      expect(await (await fetch(`${url}/graphql`, { headers: { accept: 'text/html' } })).text()).toContain(
        'WhatNeedsMe',
      );
    });

    it('has health and metrics', async () => {
      expect(await (await fetch(`${url}/health/ready`)).json()).toEqual({
        state: 'up',
        checks: { settlement: 'up', accounting: 'up', compliance: 'up' },
      });
      expect(await (await fetch(`${url}/metrics`)).text()).toContain('http_request_seconds_bucket');
    });

    it('serves the rest while a service is down, and says what is missing', async () => {
      const { port } = services.compliance!;
      await services.compliance!.stop();
      const { data, errors, status } = await ask(
        '{ ledger trade(id: "1") { id state screening counterpartyParty { id name } } gone: party(id: "p1") { name } trades { clientParty { name } id } }',
      );
      expect(status).toBe(200);
      expect(data).toEqual({
        ledger: 'balanced',
        trade: { id: '1', state: 'CAPTURED', screening: null, counterpartyParty: null },
        gone: null,
        // A client cannot be null here, so the nearest thing that can is: the list of the root.
        trades: null,
      });
      expect(
        errors?.every(
          (error) => error.extensions.code === 'SERVICE_UNAVAILABLE' && error.extensions.service === 'compliance',
        ),
      ).toBe(true);
      const paths = errors?.map((error) => error.path?.[0]);
      expect(new Set(paths)).toEqual(new Set(['trade', 'gone', 'trades']));

      const items = await ask('{ workItems(first: 3) { edges { node { service } } } }');
      expect(items.data.workItems.edges.map((edge: any) => edge.node.service)).toEqual([
        'settlement',
        'settlement',
        'accounting',
      ]);
      expect(items.errors).toEqual([
        expect.objectContaining({
          path: ['workItems'],
          extensions: expect.objectContaining({ code: 'SERVICE_UNAVAILABLE', service: 'compliance' }),
        }),
      ]);

      const ready = await fetch(`${url}/health/ready`);
      expect(ready.status).toBe(200);
      expect(await ready.json()).toMatchObject({ state: 'degraded', checks: { compliance: 'degraded' } });

      await bootSubgraph('compliance', port);
      expect((await ask('{ party(id: "p1") { name } }')).data).toEqual({ party: { name: 'Party p1' } });
    });
  });
}
