import { describe, expect, it } from '@jest/globals';
import { verifyAll } from '#tools/verify/verify.js';
import { type DemoRole, demoRoles } from '#tools/launcher/access.js';
import { type GraphqlError } from './gateway-client.js';
import { type Running } from './journeys.js';

const requestCount = 2_000;
const inFlight = 8;

interface Shot {
  kind: string;
  method: string;
  headers: Record<string, string>;
  body: string;
}

/** Numerical Recipes' generator: the same requests in every run, so that what one finds can be sent again. */
class Dice {
  constructor(private state: number) {}
  below(limit: number): number {
    this.state = (Math.imul(this.state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.state / 2 ** 32) * limit);
  }
  of<Value>(choices: readonly Value[]): Value {
    const one = choices[this.below(choices.length)];
    if (one === undefined) throw new Error('nothing to choose from');
    return one;
  }
}

const queries = [
  'query ($v: String) { account(book: "NGEU", number: $v) { state balances { asset balance } } }',
  'query ($v: ID!) { node(id: $v) { __typename ... on Trade { state instruction { settlementStatus } } } }',
  'query ($v: String) { trades(first: 2, after: $v) { edges { node { id } } } }',
  'query ($v: Int) { workItems(first: $v) { edges { node { id } } } }',
  'query ($v: DateTime) { jobRuns(first: 2, filter: { from: $v }) { edges { node { id } } } }',
  'query ($v: JobRunFilter) { settlementJobRuns(first: 2, filter: $v) { edges { node { id } } } }',
  'query ($v: Date!) { trialBalance(book: "NGEU", businessDate: $v) { assets { asset debit credit } } }',
  'query ($v: String!) { payments(first: 2, filter: { status: $v }) { edges { node { id } } } }',
  'query ($v: ID!) { approval(id: $v) { id state } }',
  'query ($v: String!) { file(id: $v) { state lines(first: 2) { edges { node { outcome } } } } }',
];
const mutations = [
  'mutation ($v: PostTransferInput!) { postTransfer(input: $v) { entry { id } problems { code } } }',
  'mutation ($v: SubmitPaymentsInput!) { submitPayments(input: $v) { results { problems { code } } } }',
  'mutation ($v: ReceiveFileInput!) { receiveFile(input: $v) { file { id } problems { code } } }',
  'mutation ($v: ChangeJobInput!) { retrySettlementJob(input: $v) { problems { code } } }',
  'mutation ($v: DecideApprovalInput!) { decideApproval(input: $v) { problems { code } } }',
];
const oddities = (dice: Dice): unknown =>
  dice.of<unknown>([
    null,
    true,
    -1,
    0,
    1e308,
    0.1,
    2 ** 53,
    '',
    ' ',
    '\0',
    'a\0b',
    '\ud800',
    '💶'.repeat(50),
    'x'.repeat(dice.of([1_000, 100_000])),
    "'; DROP TABLE settlement.trade; --",
    '${jndi:ldap://127.0.0.1/a}',
    '../../../../etc/passwd',
    '2026-02-30',
    '2026-11-25T25:61:61Z',
    '99999-01-01',
    '-0',
    '1e5',
    'NaN',
    '0.1.2',
    [],
    [[]],
    {},
    { a: { b: { c: [1, 2, 3] } } },
    { from: 'never', states: ['NO_STATE'] },
    JSON.parse('{"__proto__": {"isAdmin": true}, "constructor": {"prototype": {}}}'),
  ]);

function inputOf(dice: Dice): Record<string, unknown> {
  const odd = () => oddities(dice);
  const amount = () => dice.of<unknown>([0.1, 12.34, 1e21, '12.345', '-5.00', '1,00', '0x10', '∞', '5.00', '٣.٥٠']);
  return dice.of<Record<string, unknown>>([
    {
      book: 'NGEU',
      debitAccount: 'C000001-CASH',
      creditAccount: dice.of(['FEES', 'NOWHERE', '']),
      // Never a whole valid transfer: what is tried here must change nothing.
      amount: {
        amount: dice.of([0.1, 12.34, 1e21, '12.345', '-5.00', '1,00', '0x10', '∞']),
        currency: dice.of(['EUR', 'JPY', 'XXX', 7]),
      },
      description: odd(),
      idempotencyKey: odd(),
    },
    {
      payments: [
        {
          idempotencyKey: odd(),
          endToEndId: odd(),
          debtorAccount: 'C000001-CASH',
          creditorName: odd(),
          creditorIban: 'DE00',
          creditorCountry: odd(),
          amount: amount(),
          currency: dice.of(['EUR', 'eur', '', 978]),
        },
      ],
    },
    { kind: dice.of(['TRADES', 'NOTHING', 7]), name: odd(), content: '', idempotencyKey: odd() },
    { id: odd(), reason: odd() },
    {
      approvalId: odd(),
      payloadHash: odd(),
      decision: dice.of(['APPROVE', 'MAYBE']),
      reason: odd(),
      idempotencyKey: odd(),
    },
  ]);
}

/** One request that nobody should send. */
function shot(dice: Dice, keyOf: (dice: Dice) => string | undefined): Shot {
  const json = (query: unknown, variables?: unknown) => JSON.stringify({ query, variables });
  const deep = (depth: number) =>
    `{ trades { edges { node ${'{ clientParty '.repeat(depth)}{ id }${' }'.repeat(depth)} } } }`;
  const cases: [string, () => Partial<Shot>][] = [
    ['variables', () => ({ body: json(dice.of(queries), { v: oddities(dice) }) })],
    ['inputs', () => ({ body: json(dice.of(mutations), { v: inputOf(dice) }) })],
    ['odd inputs', () => ({ body: json(dice.of(mutations), { v: oddities(dice) }) })],
    [
      'float for money',
      () => ({
        body: json(
          'mutation { postTransfer(input: { book: "NGEU", debitAccount: "C000001-CASH", creditAccount: "FEES", amount: { amount: 0.1, currency: "EUR" }, description: "x", idempotencyKey: "f" }) { problems { code } } }',
        ),
      }),
    ],
    [
      'no JSON',
      () => ({
        body: dice.of([
          '',
          '{',
          '[]',
          'null',
          '"x"',
          '{"query":',
          '\0',
          '{"query":1}',
          '{"query":{}}',
          '[{"query":"{__typename}"}]',
          '{"query":"{__typename}","variables":7}',
          '{"operationName":"x"}',
          '{"query":"query a{__typename} query b{__typename}"}',
        ]),
      }),
    ],
    [
      'broken text',
      () => {
        const text = dice.of([...queries, ...mutations]);
        return { body: json(text.slice(0, dice.below(text.length))) };
      },
    ],
    [
      'mangled text',
      () => {
        const text = dice.of([...queries, ...mutations]);
        const at = dice.below(text.length);
        return {
          body: json(
            `${text.slice(0, at)}${dice.of(['{', '}', '"', '\0', '@', '...', '$', '#', '\u202e', '"""', '!', '&'])}${text.slice(at + dice.below(3))}`,
          ),
        };
      },
    ],
    [
      'depth',
      () => ({
        body: json(
          dice.of([
            deep(5 + dice.below(60)),
            `${'{a'.repeat(500)}${'}'.repeat(500)}`,
            `{ f(x: ${'['.repeat(300)}${']'.repeat(300)}) }`,
          ]),
        ),
      }),
    ],
    [
      'aliases',
      () => ({
        body: json(
          `{ ${Array.from({ length: 16 + dice.below(400) }, (_, n) => `a${n}: trades(first: 1) { edges { node { id } } }`).join(' ')} }`,
        ),
      }),
    ],
    [
      'fragments',
      () => ({
        body: json(
          'query { trades(first: 1) { ...a } } fragment a on TradeConnection { ...b } fragment b on TradeConnection { ...a }',
        ),
      }),
    ],
    [
      'pages',
      () => ({
        body: json(
          `{ trades(first: ${dice.of(['0', '-1', '101', '1000000', '2147483648', '1.5', '"1"'])}) { edges { node { id } } } }`,
        ),
      }),
    ],
    [
      'internal fields',
      () => ({
        body: json(
          dice.of([
            '{ _service { sdl } }',
            '{ _entities(representations: [{__typename: "Trade", id: "x"}]) { __typename } }',
            '{ __type(name: "Query") { fields { name } } }',
            'subscription { settlementJobProgress(id: "x") { state } }',
            'query { clientByKeyHash(hash: "x") { subject } }',
          ]),
        ),
      }),
    ],
    [
      'headers',
      () => ({
        headers: dice.of<Record<string, string>>([
          { 'content-type': 'text/plain' },
          { 'content-type': 'multipart/form-data; boundary=x' },
          { 'content-type': 'application/json; charset=utf-7' },
          { 'x-request-id': 'x'.repeat(5_000) },
          { traceparent: 'zz' },
          { 'content-encoding': 'gzip' },
          { accept: 'text/event-stream' },
          { accept: 'nothing/known' },
        ]),
      }),
    ],
    ['method', () => ({ method: dice.of(['PUT', 'DELETE', 'PATCH', 'OPTIONS']) })],
    [
      'wrong key',
      () => ({
        headers: {
          authorization: dice.of([
            'Bearer',
            'Bearer ngb_admin_guess',
            `Bearer ${'x'.repeat(4_000)}`,
            'Basic !!!',
            'Basic eDp5',
            'Digest a=b',
            'Bearer eyJhbGciOiJub25lIn0.e30.',
          ]),
        },
      }),
    ],
  ];
  const [kind, make] = dice.of(cases);
  const made = make();
  const key = keyOf(dice);
  return {
    kind,
    method: made.method ?? 'POST',
    headers: {
      'content-type': 'application/json',
      ...(key ? { authorization: `Bearer ${key}` } : {}),
      ...made.headers,
    },
    body: made.body ?? json('{ trades(first: 1) { edges { node { id } } } }'),
  };
}

/** Requests of every wrong kind against the running installation: refused in words, and nothing else happens. */
export function gatewayFuzz(of: () => Running, unexpected: () => readonly string[]): void {
  describe(`${requestCount} requests that nobody should send`, () => {
    it('are refused with a code, bring no process down and leave every invariant unbroken', async () => {
      const { client, installation } = of();
      const dice = new Dice(20_261_125);
      const keyOf = (from: Dice) => client.keys[from.of<DemoRole>(demoRoles)];
      const shots = Array.from({ length: requestCount }, () => shot(dice, keyOf));
      const startedAt = async () =>
        /^process_start_time_seconds (\S+)/m.exec((await client.send('/metrics', {})).text)?.[1];
      const before = await startedAt();
      const wrong: string[] = [];
      const statuses = new Map<number, number>();
      const kinds = new Set<string>();
      const fire = async ({ kind, method, headers, body }: Shot): Promise<void> => {
        kinds.add(kind);
        const told = (what: string) => wrong.push(`${kind}: ${what}: ${method} ${body.slice(0, 300)}`);
        try {
          const response = await fetch(`${client.base}/graphql`, {
            method,
            headers,
            body,
            signal: AbortSignal.timeout(20_000),
          });
          const text = await response.text();
          statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
          if (response.status >= 500) told(`${response.status} ${text.slice(0, 300)}`);
          if (/INTERNAL_SERVER_ERROR|\bat [\w.<>]+ \(|node_modules|SELECT |permission denied/.test(text))
            told(text.slice(0, 300));
          for (const { extensions } of errorsIn(text)) if (!extensions?.code) told(`no code: ${text.slice(0, 300)}`);
        } catch (error) {
          told(
            error instanceof Error
              ? `${error.message} ${error.cause instanceof Error ? error.cause.message : ''}`
              : String(error),
          );
        }
      };
      const left = shots[Symbol.iterator]();
      await Promise.all(
        Array.from({ length: inFlight }, async () => {
          for (const one of left) await fire(one);
        }),
      );
      expect(wrong.slice(0, 20)).toEqual([]);
      expect([...statuses.values()].reduce((sum, count) => sum + count, 0)).toBe(requestCount);
      expect(kinds.size).toBe(15);
      expect(unexpected()).toEqual([]);
      expect(await startedAt()).toBe(before);
      expect((await client.ask('operations', '{ trades(first: 1) { edges { node { id } } } }')).errors).toEqual([]);
      const { broken, checked } = await verifyAll(installation.verifyUrl);
      expect([broken, checked > 50_000]).toEqual([0, true]);
    }, 180_000);
  });
}

function errorsIn(text: string): GraphqlError[] {
  try {
    const read = JSON.parse(text) as { errors?: GraphqlError[] } | null;
    return read?.errors ?? [];
  } catch {
    return [];
  }
}
