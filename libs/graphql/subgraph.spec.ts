/* eslint-disable @typescript-eslint/no-explicit-any, @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-return, @typescript-eslint/no-unsafe-argument -- what comes over the wire has no types here */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type INestApplication, Module } from '@nestjs/common';
import {
  Args,
  Directive,
  Field,
  ID,
  Mutation,
  ObjectType,
  Parent,
  Query,
  ResolveField,
  ResolveReference,
  Resolver,
  Subscription,
} from '@nestjs/graphql';
import { IsInt, Max, MaxLength, ValidateNested } from 'class-validator';
import { Type as TypeOf } from 'class-transformer';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { CurrentPrincipal, type Principal, principalOf, signInternalToken } from '#libs/auth/index.js';
import { type Tx } from '#libs/database/index.js';
import { Logger } from '#libs/observability/index.js';
import { bootService, type RunningService } from '#libs/service/index.js';
import {
  connection,
  ConnectionArgs,
  type ConnectionOf,
  DateScalar,
  DateTimeScalar,
  DecimalScalar,
  GraphqlContext,
  keyset,
  keysetPage,
  MoneyType,
  Operation,
  ReadTx,
  RequiresScopes,
  SubgraphModule,
  validateInput,
} from './index.js';
import {
  assertPermissions,
  permissionDifferences,
  permissionRows,
  printSubgraphSchema,
  subgraphSchemaOf,
} from './testing.js';

process.env.INTERNAL_TOKEN_SECRET = 'a-secret-of-the-test-that-is-long-enough';
const secret = process.env.INTERNAL_TOKEN_SECRET;

@ObjectType()
@Directive('@key(fields: "id")')
@RequiresScopes('trades:read')
class Trade {
  @Field(() => ID) id!: string;
  @Field(() => MoneyType) amount!: MoneyType;
  @Field(() => String, { nullable: true }) note?: string;
}

@ObjectType()
@Directive('@key(fields: "id", resolvable: false)')
class Party {
  @Field(() => ID) id!: string;
}

@ObjectType()
class TradeConnection extends connection(Trade, 'Trade') {}

interface Answered {
  status: number;
  body: { data?: any; errors?: any[] };
}

const statements: string[] = [];

@Resolver(() => Trade)
class TradeResolver {
  @Query(() => Trade, { nullable: true })
  @RequiresScopes('trades:read')
  async trade(@Args('id', { type: () => ID }) id: string, @ReadTx() tx: Tx) {
    await tx.rows(`trade ${id}`);
    return { id, amount: { amount: '1.50', currency: 'EUR' } };
  }

  @Query(() => TradeConnection)
  @RequiresScopes('trades:read')
  trades(@Args() args: ConnectionArgs): ConnectionOf<Trade> {
    const list = keyset<Trade>({ list: 'trades' }, (trade) => [trade.id]);
    const after = Number(list.after(args.after)?.[0] ?? 0);
    const rows = [1, 2, 3, 4, 5]
      .filter((id) => id > after)
      .slice(0, args.first + 1)
      .map((id) => ({ id: String(id), amount: { amount: '1', currency: 'EUR' } }));
    return keysetPage(rows, args.first, list.cursorOf);
  }

  @Mutation(() => DecimalScalar)
  @RequiresScopes('trades:write')
  echo(
    @Args('decimal', { type: () => DecimalScalar }) decimal: string,
    @Args('date', { type: () => DateScalar, nullable: true }) _date?: string,
    @Args('at', { type: () => DateTimeScalar, nullable: true }) _at?: Date,
  ) {
    return decimal;
  }

  @Query(() => String)
  @RequiresScopes('work:read')
  fault(): string {
    throw new Error('connect to postgres://owner:hunter2@db failed');
  }

  @ResolveField(() => String)
  who(@CurrentPrincipal() principal: Principal) {
    return principal.subject;
  }

  @ResolveField(() => Party, { nullable: true })
  async party(@Operation() operation: GraphqlContext) {
    return operation
      .loader<string, Party>('party', async (keys, tx) => {
        await tx.rows(`parties ${keys.join()}`);
        return new Map(keys.map((key) => [key, { id: key }]));
      })
      .load('p1');
  }

  @ResolveReference()
  resolveReference(@Parent() reference: { id: string }, @CurrentPrincipal() principal: Principal) {
    return { id: reference.id, amount: { amount: '2', currency: 'EUR' }, note: principal.subject };
  }

  @Subscription(() => String, { resolve: (value: string) => value })
  @RequiresScopes('jobs:read')
  async *ticks() {
    await Promise.resolve();
    yield 'one';
    yield 'two';
  }
}

describe('a cursor', () => {
  it('refuses an instant that has lost its microseconds', () => {
    const list = keyset<string>({ list: 'x' }, (at) => [at, 'id']);
    expect(() => list.cursorOf(new Date(0).toISOString())).toThrow('has lost its microseconds');
    const cursor = list.cursorOf('2026-03-30 12:00:00.001007+00');
    expect(list.after(cursor)).toEqual(['2026-03-30 12:00:00.001007+00', 'id']);
  });
});

const openTransaction = async (work: (tx: Tx) => Promise<void>) => {
  statements.push('begin');
  await work({
    rows: (sql: string) => {
      statements.push(sql);
      return Promise.resolve([]);
    },
  } as unknown as Tx);
  statements.push('end');
};

@Module({ providers: [TradeResolver] })
class TradesModule {}

@Module({ imports: [TradesModule, SubgraphModule.forService('settlement', { openTransaction })] })
class AppModule {}

describe('a subgraph', () => {
  let service: RunningService;
  let app: INestApplication;
  let url: string;

  const ask = async (
    query: string,
    options: { role?: string; variables?: object; token?: string } = {},
  ): Promise<Answered> => {
    const token =
      options.token ??
      (await signInternalToken(principalOf('anna', 'PERSON', [options.role ?? 'front-office'], ['*']), secret));
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
      body: JSON.stringify({ query, variables: options.variables }),
    });
    return { status: response.status, body: (await response.json()) as Answered['body'] };
  };

  beforeAll(async () => {
    service = await bootService({
      module: AppModule,
      config: { service: 'settlement', port: 0 },
      followProcess: false,
      logger: new Logger({ service: 'settlement', level: 'silent' }),
    });
    app = service.app;
    url = `http://127.0.0.1:${service.port}/graphql`;
  });
  afterAll(async () => service.stop());

  it('answers 401 without a signed token, to _service too, and to GET 405', async () => {
    expect((await ask('{ __typename }', { token: '' })).status).toBe(401);
    const forged = await signInternalToken(
      principalOf('eve', 'PERSON', ['admin'], ['*']),
      'another-secret-that-is-long-enough-too',
    );
    expect(await ask('{ _service { sdl } }', { token: forged })).toMatchObject({
      status: 401,
      body: { errors: [{ extensions: { code: 'UNAUTHENTICATED' } }] },
    });
    expect((await fetch(`${url}?query={__typename}`, { headers: { 'apollo-require-preflight': '1' } })).status).toBe(
      405,
    );
  });

  it('refuses an old token', async () => {
    const old = await signInternalToken(principalOf('anna', 'PERSON', ['front-office'], ['*']), secret, {
      now: new Date(Date.now() - 120_000),
    });
    expect((await ask('{ __typename }', { token: old })).status).toBe(401);
  });

  it('shares one read transaction and one loader call, in order, and ends it', async () => {
    statements.length = 0;
    const { body } = await ask(
      '{ a: trade(id: "1") { id who party { id } amount { amount currency } } b: trade(id: "2") { party { id } } }',
    );
    expect(body).toEqual({
      data: {
        a: { id: '1', who: 'anna', party: { id: 'p1' }, amount: { amount: '1.50', currency: 'EUR' } },
        b: { party: { id: 'p1' } },
      },
    });
    expect(statements).toEqual(['begin', 'trade 1', 'trade 2', 'parties p1', 'end']);
  });

  it.each([
    ['{ trade(id: "1") { id } }', 'trade'],
    ['query Q { ...f } fragment f on Query { x: trade(id: "1") { id } }', 'x'],
    [
      '{ _entities(representations: [{ __typename: "Trade", id: "1" }]) { ... on Trade { note } } }',
      '_entities.... on Trade',
    ],
    ['query { _entities(representations: []) { ...t } } fragment t on Trade { note }', '_entities.... on Trade'],
    ['{ trade(id: "1") @include(if: false) { id } }', 'trade'],
  ])('refuses %s to somebody without the scope, with the path', async (query, path) => {
    const nobody = await signInternalToken(
      { ...principalOf('eve', 'PERSON', [], ['*']), scopes: ['days:read'] },
      secret,
    );
    const { body } = await ask(query, { token: nobody });
    expect(body.data).toBeUndefined();
    expect(body.errors?.[0]).toMatchObject({
      path: path === '_entities.... on Trade' ? ['_entities', '... on Trade'] : path.split('.'),
      extensions: { code: 'FORBIDDEN' },
    });
  });

  it('resolves entities with the principal', async () => {
    const { body } = await ask(
      '{ _entities(representations: [{ __typename: "Trade", id: "7" }]) { ... on Trade { id note who } } }',
    );
    expect(body.data._entities).toEqual([{ id: '7', note: 'anna', who: 'anna' }]);
  });

  it('shows its schema only with the scope', async () => {
    expect((await ask('{ __schema { types { name } } }')).body.errors?.[0].extensions.code).toBe('FORBIDDEN');
    expect((await ask('{ _service { sdl } }')).body.errors?.[0].extensions.code).toBe('FORBIDDEN');
    expect((await ask('{ _service { sdl } }', { role: 'admin' })).body.data._service.sdl).toContain(
      '@requiresScopes(scopes: [["trades:read"]])',
    );
  });

  it('refuses floats, excess scale and days that do not exist', async () => {
    const echo = async (argument: string) => (await ask(`mutation { echo(${argument}) }`)).body;
    expect((await echo('decimal: "12.50"')).data.echo).toBe('12.50');
    for (const wrong of [
      'decimal: 12.5',
      'decimal: 12',
      'decimal: "1e3"',
      'decimal: "1.0000000000000000001"',
      'decimal: "NaN"',
      'decimal: "1", date: "2026-02-30"',
      'decimal: "1", at: "2026-03-30T10:00:00"',
    ]) {
      expect((await echo(wrong)).errors).toBeDefined();
    }
    expect(
      (await ask('mutation ($d: Decimal!) { echo(decimal: $d) }', { variables: { d: 0.1 } })).body.errors?.[0].message,
    ).toContain('never a number');
  });

  it('pages by keyset, refuses a cursor of another list and more than 100', async () => {
    const query =
      'query ($after: String) { trades(first: 2, after: $after) { edges { node { id } } pageInfo { hasNextPage endCursor } } }';
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const answer: Answered = await ask(query, { variables: { after } });
      const { trades } = answer.body.data;
      seen.push(...trades.edges.map((edge: any) => edge.node.id));
      after = trades.pageInfo.hasNextPage ? trades.pageInfo.endCursor : null;
    } while (after);
    expect(seen).toEqual(['1', '2', '3', '4', '5']);
    expect(
      (
        await ask(query, {
          variables: { after: keyset<Trade>({ list: 'other' }, (t) => [t.id]).cursorOf({ id: '2' } as Trade) },
        })
      ).body.errors?.[0].extensions.code,
    ).toBe('INVALID_CURSOR');
    expect((await ask('{ trades(first: 101) { pageInfo { hasNextPage } } }')).body.errors?.[0].extensions.code).toBe(
      'LIMIT_EXCEEDED',
    );
  });

  it('hides a fault behind its request id', async () => {
    const { body } = await ask('{ fault }', { role: 'operations' });
    expect(JSON.stringify(body)).not.toContain('hunter2');
    expect(body.errors?.[0]).toMatchObject({
      path: ['fault'],
      extensions: { code: 'INTERNAL_SERVER_ERROR', requestId: expect.any(String) },
    });
  });

  it('subscribes over ws with a token, and not without', async () => {
    const take = async (token: string, query = 'subscription { ticks }') => {
      const client = createClient({
        url: url.replace('http', 'ws'),
        webSocketImpl: WebSocket,
        retryAttempts: 0,
        connectionParams: { authorization: `Bearer ${token}` },
      });
      const events: unknown[] = [];
      try {
        for await (const event of client.iterate({ query })) events.push(event.data ?? event.errors);
      } finally {
        await client.dispose();
      }
      return events;
    };
    const token = await signInternalToken(principalOf('olaf', 'PERSON', ['operations'], ['*']), secret);
    expect(await take(token)).toEqual([{ ticks: 'one' }, { ticks: 'two' }]);
    await expect(take('nonsense')).rejects.toBeDefined();
    const partner = await signInternalToken(principalOf('pat', 'MACHINE', ['partner'], ['*']), secret);
    await expect(take(partner)).rejects.toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
  });

  it('has live, ready and metrics', async () => {
    const base = `http://127.0.0.1:${service.port}`;
    expect(await (await fetch(`${base}/health/live`)).json()).toEqual({ state: 'up' });
    expect((await fetch(`${base}/health/ready`)).status).toBe(200);
    expect(await (await fetch(`${base}/metrics`)).text()).toContain('graphql_operation_seconds');
    expect(app).toBeDefined();
  });
});

describe('the schema of a module', () => {
  it('is printed and walked without a database', async () => {
    expect(await printSubgraphSchema('settlement', AppModule)).toContain('federation/v2.9');
    const matrix = assertPermissions(await subgraphSchemaOf('settlement', AppModule));
    expect(matrix.cells.find((cell) => cell.field === 'Trade.note' && cell.role === 'partner')).toMatchObject({
      allowed: true,
      decided: true,
    });
    expect(matrix.cells.find((cell) => cell.field === 'Query.fault' && cell.role === 'partner')).toMatchObject({
      allowed: false,
      decided: false,
    });
  });

  it('is held against the table of what each role may: a line too few, too many or of other roles is told', async () => {
    const schema = await subgraphSchemaOf('settlement', AppModule);
    const rows = permissionRows(schema);
    expect(rows['Query.trade']).toBe(rows['Trade by its key']);
    expect(rows['Query.fault']).not.toContain('partner');
    expect([rows['type Trade'], rows['Query._service']]).toEqual([rows['Query.trade'], 'admin']);
    expect(permissionDifferences(schema, rows)).toEqual([]);
    const { 'Query.fault': held = '', ...others } = rows;
    expect(permissionDifferences(schema, others)).toEqual([`+ "Query.fault": "${held}",`]);
    expect(permissionDifferences(schema, { ...rows, 'Query.gone': 'admin' })).toEqual(['- "Query.gone": "admin",']);
    expect(permissionDifferences(schema, { ...rows, 'Query.fault': `${held}, partner` })).toEqual([
      `- "Query.fault": "${held}, partner",`,
      `+ "Query.fault": "${held}",`,
    ]);
  });

  it('is refused when a root field names no scope', async () => {
    @Resolver()
    class Open {
      @Query(() => String)
      open() {
        return '';
      }
    }
    @Module({ providers: [Open] })
    class OpenModule {}
    await expect(subgraphSchemaOf('settlement', OpenModule)).rejects.toThrow('Query.open');
  });
});

describe('validateInput', () => {
  class Item {
    @MaxLength(3, { context: { code: 'INVALID_ISIN' } }) isin!: string;
    @IsInt() @Max(5) count!: number;
  }
  class Input {
    @ValidateNested({ each: true }) @TypeOf(() => Item) items!: Item[];
  }
  it('tells all faults at once with their path', () => {
    expect(
      validateInput(Input, {
        items: [
          { isin: 'ABC', count: 1 },
          { isin: 'ABCD', count: 7.5 },
        ],
      }),
    ).toEqual([
      expect.objectContaining({ code: 'INVALID_ISIN', path: ['items', 1, 'isin'] }),
      expect.objectContaining({ code: 'INVALID_MAX', path: ['items', 1, 'count'] }),
      expect.objectContaining({ code: 'INVALID_INT', path: ['items', 1, 'count'] }),
    ]);
  });
});
