import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeJwt, SignJWT } from 'jose';
import {
  hashApiKey,
  newApiKey,
  principalOf,
  servicePrincipal,
  signInternalToken,
  type Principal,
} from '#libs/auth/index.js';
import { type MessageName, type PayloadOf } from '#libs/contracts/index.js';
import { MessageCatalogue, Outbox, sealText } from '#libs/messaging/index.js';
import { bootService, type RunningService } from '#libs/service/index.js';
import { createTestDatabase, type TestDatabase, waitFor } from '#libs/testing/index.js';

const secret = 'only-for-this-test-of-compliance-32-characters';
const line = (id: number, name: string) =>
  `${id},"${name}",individual,"SAMPLE",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- `;
const maker = principalOf('demo-compliance', 'PERSON', ['compliance'], ['NGEU', 'NGUS']);
const checker = principalOf('demo-compliance-approver', 'PERSON', ['compliance-approver'], ['NGEU', 'NGUS']);
const operations = principalOf('demo-operations', 'PERSON', ['operations'], ['NGEU', 'NGUS']);
const admin = principalOf('demo-admin', 'PERSON', ['admin'], ['*']);

interface Answer {
  data?: Record<string, never> | null;
  errors?: { message: string; extensions?: { code?: string } }[];
}

describe('the compliance service, with its queue', () => {
  let database: TestDatabase;
  let service: RunningService;
  const demoKey = newApiKey('operations');

  const ask = async (principal: Principal, query: string, variables: object = {}): Promise<Answer> => {
    const response = await fetch(`http://127.0.0.1:${service.port}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${await signInternalToken(principal, secret)}`,
      },
      body: JSON.stringify({ query, variables }),
    });
    return (await response.json()) as Answer;
  };
  const data = async <T>(principal: Principal, query: string, variables: object = {}): Promise<T> => {
    const answer = await ask(principal, query, variables);
    if (answer.errors) throw new Error(JSON.stringify(answer.errors));
    return answer.data as T;
  };
  /** As settlement does: from its own role. */
  const send = async <Name extends MessageName>(name: Name, payload: PayloadOf<Name>) => {
    const outbox = new Outbox(new MessageCatalogue(), { ring: () => undefined } as never);
    await database.transactions('settlement').run((tx) => outbox.add(tx, name, payload));
  };

  beforeAll(async () => {
    database = await createTestDatabase({ startsAt: '2026-11-25T08:00:00Z', mode: 'sample' });
    Object.assign(process.env, {
      DATABASE_URL: database.urlFor('compliance'),
      QUEUE_DATABASE_URL: database.urlFor('queue'),
      INTERNAL_TOKEN_SECRET: secret,
      MESSAGE_SEAL_KEY: Buffer.alloc(32, 7).toString('base64'),
      CLOCK: 'database-row',
      API_CLIENTS_SEED: JSON.stringify([
        {
          subject: 'demo-operations',
          kind: 'PERSON',
          roles: ['operations'],
          books: ['NGEU'],
          keyHash: hashApiKey(demoKey),
        },
      ]),
    });
    const { ComplianceModule } = await import('./compliance.module.js');
    service = await bootService({
      module: ComplianceModule,
      config: { service: 'compliance', port: 0 },
      followProcess: false,
    });
  }, 60_000);
  afterAll(async () => {
    await service.stop();
    await database.drop();
  });

  it('answers 401 to whoever brings no token that the gateway signed for it this minute', async () => {
    const query = '{ parties(first: 1) { pageInfo { hasNextPage } } }';
    const post = (authorization: string | undefined) =>
      fetch(`http://127.0.0.1:${service.port}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(authorization === undefined ? {} : { authorization }) },
        body: JSON.stringify({ query }),
      });
    const key = new TextEncoder().encode(secret);
    const good = await signInternalToken(maker, secret);
    const [, claims = ''] = good.split('.');
    const token = (issuedSecondsAgo = 0) =>
      new SignJWT({ kind: 'PERSON', roles: ['admin'], scope: 'parties:read', books: ['*'] })
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject('eve')
        .setIssuer('northgate-gateway')
        .setAudience('northgate-subgraph')
        .setIssuedAt(Math.floor(Date.now() / 1000) - issuedSecondsAgo)
        .setExpirationTime(Math.floor(Date.now() / 1000) - issuedSecondsAgo + 60);
    const header = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const refused: Record<string, string | undefined> = {
      'no token': undefined,
      'an empty one': 'Bearer ',
      'another scheme': `Basic ${good}`,
      'an API key': `Bearer ${demoKey}`,
      expired: `Bearer ${await token(120).sign(key)}`,
      'of another audience': `Bearer ${await token().setAudience('northgate-gateway').sign(key)}`,
      'of another issuer': `Bearer ${await token().setIssuer('somebody').sign(key)}`,
      'alg none': `Bearer ${header({ alg: 'none', typ: 'JWT' })}.${claims}.`,
      'alg none, with a signature': `Bearer ${header({ alg: 'none', typ: 'JWT' })}.${claims}.${good.split('.')[2] ?? ''}`,
      'signed with another key': `Bearer ${await token().sign(new TextEncoder().encode('another-secret-of-the-same-length-as-this-is'))}`,
      'claims of another': `Bearer ${[header({ alg: 'HS256', typ: 'JWT' }), header({ ...decodeJwt(good), roles: ['admin'] }), good.split('.')[2]].join('.')}`,
    };
    for (const [what, authorization] of Object.entries(refused)) {
      const response = await post(authorization);
      const body = (await response.json()) as Answer;
      expect({
        what,
        status: response.status,
        data: body.data ?? null,
        code: body.errors?.[0]?.extensions?.code,
      }).toEqual({ what, status: 401, data: null, code: 'UNAUTHENTICATED' });
    }
    // The same with what is right about it: so each was refused for what is wrong.
    for (const right of [good, await token().sign(key)]) {
      const response = await post(`Bearer ${right}`);
      expect([response.status, await response.json()]).toEqual([
        200,
        { data: { parties: { pageInfo: { hasNextPage: false } } } },
      ]);
    }
  });

  it('tells the gateway whose key a hash is, and nobody else', async () => {
    const query = 'query($hash: String!) { apiClientByKeyHash(hash: $hash) { subject kind roles books } }';
    const gateway = servicePrincipal('gateway', ['clients:identify']);
    expect(await data(gateway, query, { hash: hashApiKey(demoKey) })).toEqual({
      apiClientByKeyHash: { subject: 'demo-operations', kind: 'PERSON', roles: ['operations'], books: ['NGEU'] },
    });
    expect((await ask(admin, query, { hash: hashApiKey(demoKey) })).errors).toBeDefined();
  });

  it('takes a list, puts it in force by a job, and takes it again without effect', async () => {
    const receive = (key: string, content: string) =>
      data<{
        receiveSanctionsList: {
          listVersion: { id: string; jobRunId: string } | null;
          problems: { code: string }[];
          replayed: boolean;
        };
      }>(
        maker,
        'mutation($input: ReceiveSanctionsListInput!) { receiveSanctionsList(input: $input) { listVersion { id jobRunId } problems { code path } replayed } }',
        { input: { name: 'one', source: 'SAMPLE', content, idempotencyKey: key } },
      );
    const faulty = await receive('list-1', 'no list');
    expect(faulty.receiveSanctionsList).toMatchObject({ listVersion: null, problems: [{ code: 'LIST_UNREADABLE' }] });
    const content = `${line(1, 'VOLKONIN, Arkady')}\r\n${line(2, 'ILYUSHKIN, Tomas')}\r\n`;
    const received = (await receive('list-1', content)).receiveSanctionsList;
    expect(received).toMatchObject({ problems: [], replayed: false });
    expect(received.listVersion!.jobRunId).toBeTruthy();
    expect((await receive('list-1', content)).receiveSanctionsList).toMatchObject({
      listVersion: received.listVersion,
      replayed: true,
    });
    expect((await receive('list-1', `${content}${line(3, 'OTHER')}`)).receiveSanctionsList.problems).toMatchObject([
      { code: 'IDEMPOTENCY_KEY_REUSED', path: 'content' },
    ]);
    const { listVersion } = received as { listVersion: { id: string } };
    await waitFor(
      async () => {
        const now = await data<{ listVersion: { state: string } }>(
          maker,
          'query($id: ID!) { listVersion(id: $id) { state } }',
          { id: listVersion.id },
        );
        return now.listVersion.state === 'ACTIVE';
      },
      { timeoutMs: 20_000 },
    );
  }, 40_000);

  it('screens what settlement sends, holds, and releases by two people', async () => {
    await send('compliance.screen-objects.v1', {
      batchId: 'batch-1',
      items: [
        {
          objectKind: 'PAYMENT',
          objectId: 'pay-1',
          reference: 'E2E-1',
          book: 'NGEU',
          names: [{ role: 'CREDITOR', sealedName: sealText('Arkady Volkonin') }],
        },
        {
          objectKind: 'TRADE',
          objectId: 'trd-1',
          reference: 'EX-1',
          book: 'NGEU',
          names: [{ role: 'COUNTERPARTY', sealedName: sealText('Clean Name') }],
        },
      ],
    });
    const alert = await waitFor(
      async () => {
        const found = await data<{ alerts: { edges: { node: { id: string; screening: { score: number } } }[] } }>(
          operations,
          '{ alerts(first: 10, filter: { state: OPEN }) { edges { node { id reference objectKind score dueAt screening { score explanation } } } } }',
        );
        return found.alerts.edges[0]?.node;
      },
      { timeoutMs: 20_000 },
    );
    expect(alert.screening.score).toBe(10_000);
    const entities = await data<{ _entities: unknown[] }>(
      { ...operations, scopes: operations.scopes },
      'query($r: [_Any!]!) { _entities(representations: $r) { ... on Trade { screenings { outcome score listVersionIds } } } }',
      { r: [{ __typename: 'Trade', id: 'trd-1' }] },
    );
    expect(entities).toMatchObject({ _entities: [{ screenings: [{ outcome: 'CLEAR', score: 0 }] }] });

    const proposed = await data<{ proposeRelease: { approval: { id: string; payloadHash: string; kind: string } } }>(
      maker,
      'mutation($input: ProposeReleaseInput!) { proposeRelease(input: $input) { alert { id state } approval { id payloadHash kind } problems { code } } }',
      { input: { alertId: alert.id, reason: 'another date of birth', idempotencyKey: 'release-1' } },
    );
    const { id: approvalId, payloadHash, kind } = proposed.proposeRelease.approval;
    expect(kind).toBe('PAYMENT_RELEASE');
    const figures = () =>
      data<{ complianceDayFigures: { row: string; part: string; count: number; references: string[] }[] }>(
        operations,
        '{ complianceDayFigures(businessDate: "2026-11-25") { row part count references } }',
      );
    expect((await figures()).complianceDayFigures).toContainEqual({
      row: 'screening',
      part: 'payments',
      count: 1,
      references: ['E2E-1'],
    });
    const decide = (by: Principal, key: string) =>
      data<{ decideApproval: { approval: { state: string } | null; problems: { code: string }[] } }>(
        by,
        'mutation($input: DecideApprovalInput!) { decideApproval(input: $input) { approval { state attempts { code } } problems { code } replayed } }',
        { input: { approvalId, payloadHash, decision: 'APPROVE', reason: 'agreed', idempotencyKey: key } },
      );
    expect(
      (
        await ask(maker, 'mutation($input: DecideApprovalInput!) { decideApproval(input: $input) { replayed } }', {
          input: {},
        })
      ).errors,
    ).toBeDefined();
    expect((await decide(checker, 'decide-1')).decideApproval).toMatchObject({
      approval: { state: 'APPROVED' },
      problems: [],
      replayed: false,
    });
    expect((await decide(checker, 'decide-1')).decideApproval).toMatchObject({
      approval: { state: 'APPROVED' },
      replayed: true,
    });
    expect((await figures()).complianceDayFigures).toContainEqual({
      row: 'screening',
      part: 'payments',
      count: 0,
      references: [],
    });
    expect((await figures()).complianceDayFigures).toContainEqual({
      row: 'approvals',
      part: 'approved',
      count: 1,
      references: [approvalId],
    });
    const { rows: decided } = await database
      .pool('owner')
      .query(`SELECT payload FROM messaging.message WHERE name = 'compliance.hold-decided.v1'`);
    expect(decided).toMatchObject([{ payload: { objectId: 'pay-1', decision: 'RELEASED' } }]);
  }, 60_000);

  it('shows a new key once', async () => {
    const create = () =>
      data<{ createApiClient: { key: string | null; replayed: boolean; client: { subject: string } } }>(
        admin,
        'mutation($input: CreateApiClientInput!) { createApiClient(input: $input) { client { subject roles } key problems { code } replayed } }',
        {
          input: {
            subject: 'acme.feed',
            kind: 'MACHINE',
            roles: ['partner'],
            books: ['NGEU'],
            idempotencyKey: 'client-1',
          },
        },
      );
    const first = (await create()).createApiClient;
    expect(first.key).toMatch(/^ngb_partner_/);
    expect((await create()).createApiClient).toMatchObject({
      key: null,
      replayed: true,
      client: { subject: 'acme.feed' },
    });
    const { rows } = await database.pool('owner').query('SELECT response::text FROM compliance.idempotency');
    expect(JSON.stringify(rows)).not.toContain(first.key);
  });
});
