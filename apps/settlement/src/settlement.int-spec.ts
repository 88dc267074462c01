import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { principalOf, signInternalToken, type Principal } from '#libs/auth/index.js';
import { type MessageName, type PayloadOf } from '#libs/contracts/index.js';
import { MessageCatalogue, Outbox } from '#libs/messaging/index.js';
import { bootService, type RunningService } from '#libs/service/index.js';
import { createTestDatabase, type TestDatabase, waitFor } from '#libs/testing/index.js';
import { goodLine, seedStaticData } from './trades/for-tests.js';

const secret = 'only-for-this-test-of-settlement-32-characters';
const frontOffice = principalOf('demo-front-office', 'PERSON', ['front-office'], ['NGEU', 'NGUS']);
const operations = principalOf('demo-operations', 'PERSON', ['operations'], ['NGEU', 'NGUS']);
const american = principalOf('us-desk', 'PERSON', ['front-office'], ['NGUS']);

interface Answer {
  data?: Record<string, never> | null;
  errors?: { message: string; extensions?: { code?: string } }[];
}

const captureInput = (executionId: string, change: object = {}) => {
  const { version: _, tradeTime: __, block: ___, counterpartyName: ____, ...line } = goodLine({ executionId });
  return { ...line, idempotencyKey: `key-${executionId}`, ...change };
};
const tradeFields =
  'trade { id executionId state amount { amount currency } quantity version } outcome problems { code path } replayed';

describe('the settlement service, with its queue', () => {
  let database: TestDatabase;
  let service: RunningService;
  const folder = mkdtempSync(join(tmpdir(), 'settlement-exchange-'));

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
  const send = async <Name extends MessageName>(
    from: 'accounting' | 'compliance',
    name: Name,
    payload: PayloadOf<Name>,
  ) => {
    const outbox = new Outbox(new MessageCatalogue(), { ring: () => undefined } as never);
    await database.transactions(from).run((tx) => outbox.add(tx, name, payload));
  };

  beforeAll(async () => {
    database = await createTestDatabase({ startsAt: '2026-11-25T08:00:00Z', mode: 'sample' });
    await seedStaticData(database.transactions('settlement'));
    Object.assign(process.env, {
      DATABASE_URL: database.urlFor('settlement'),
      QUEUE_DATABASE_URL: database.urlFor('queue'),
      INTERNAL_TOKEN_SECRET: secret,
      MESSAGE_SEAL_KEY: Buffer.alloc(32, 7).toString('base64'),
      CLOCK: 'database-row',
      EXCHANGE_DIRECTORY: folder,
    });
    const { SettlementModule } = await import('./settlement.module.js');
    service = await bootService({
      module: SettlementModule,
      config: { service: 'settlement', port: 0 },
      followProcess: false,
    });
  }, 90_000);
  afterAll(async () => {
    await service.stop();
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('captures a trade once per key, answers a replay, and names the path of a misuse', async () => {
    const capture = (input: object) =>
      data<{ captureTrade: never }>(
        frontOffice,
        `mutation($input: CaptureTradeInput!) { captureTrade(input: $input) { ${tradeFields} } }`,
        { input },
      );
    const first = await capture(captureInput('G-1'));
    expect(first.captureTrade).toMatchObject({
      outcome: 'CAPTURED',
      replayed: false,
      problems: [],
      trade: { state: 'ENRICHED', amount: { amount: '1015.00', currency: 'EUR' } },
    });
    expect((await capture(captureInput('G-1'))).captureTrade).toMatchObject({ replayed: true, outcome: 'CAPTURED' });
    expect((await capture(captureInput('G-1', { quantity: '11' }))).captureTrade).toMatchObject({
      problems: [{ code: 'IDEMPOTENCY_KEY_REUSED', path: 'quantity' }],
    });
    const faulty = await capture(captureInput('G-2', { isin: 'DE0007164601', quantity: '0' }));
    expect(faulty.captureTrade).toMatchObject({
      trade: null,
      outcome: 'REJECTED',
      problems: [
        { code: 'INVALID_ISIN', path: 'isin' },
        { code: 'INVALID_QUANTITY', path: 'quantity' },
      ],
    });
    expect((await capture(captureInput('G-2'))).captureTrade).toMatchObject({ outcome: 'CAPTURED', replayed: false });
  }, 30_000);

  it('captures many at once with an answer for each, and amends by versions', async () => {
    const items = Array.from({ length: 120 }, (_, n) => captureInput(`M-${n}`, n === 7 ? { amount: '0' } : {}));
    const answer = await data<{ captureTrades: { items: { outcome: string }[] } }>(
      frontOffice,
      `mutation($input: CaptureTradesInput!) { captureTrades(input: $input) { items { ${tradeFields} } problems { code } } }`,
      { input: { items } },
    );
    expect(answer.captureTrades.items.map(({ outcome }) => outcome).filter((one) => one === 'CAPTURED')).toHaveLength(
      119,
    );
    expect(answer.captureTrades.items[7]).toMatchObject({
      outcome: 'REJECTED',
      problems: [{ code: 'INVALID_AMOUNT' }],
    });
    const amend = await data<{ amendTrade: never }>(
      frontOffice,
      `mutation($input: AmendTradeInput!) { amendTrade(input: $input) { ${tradeFields} } }`,
      {
        input: { idempotencyKey: 'amend-1', source: 'OMS-EU', executionId: 'M-1', version: 2, action: 'CANCEL' },
      },
    );
    expect(amend.amendTrade).toMatchObject({ outcome: 'AMENDMENT', trade: { state: 'CANCELLED', version: 2 } });
    const one = await data<{ tradeByExecution: never }>(
      operations,
      '{ tradeByExecution(source: "OMS-EU", executionId: "M-1") { state versions { version action } history { fromState toState } counterpartyParty { id } } }',
    );
    expect(one.tradeByExecution).toMatchObject({
      versions: [
        { version: 1, action: 'NEW' },
        { version: 2, action: 'CANCEL' },
      ],
      history: [{ toState: 'ENRICHED' }, { toState: 'CANCELLED' }],
      counterpartyParty: { id: 'PNGCP01' },
    });
  }, 30_000);

  it('names the fault of each hostile item with its path, and leaves nothing half-done', async () => {
    const captureAll = (items: object[]) =>
      ask(
        frontOffice,
        `mutation($input: CaptureTradesInput!) { captureTrades(input: $input) { items { outcome problems { code path } } problems { code path } } }`,
        { input: { items } },
      );
    const told = async (items: object[]) => (await captureAll(items)).data?.captureTrades as never;
    const stored = async () =>
      (
        await database
          .pool('owner')
          .query<{ n: number }>(`SELECT count(*)::int AS n FROM settlement.trade WHERE execution_id LIKE 'H-%'`)
      ).rows[0]?.n;
    expect(await told([])).toMatchObject({ items: [], problems: [{ path: 'items' }] });
    const many = (n: number) => Array.from({ length: n }, (_, i) => captureInput(`H-${i}`));
    expect(await told(many(1_001))).toMatchObject({ items: [], problems: [{ path: 'items' }] });
    expect(await stored()).toBe(0);
    // A text that no column holds is the fault of its item; the others are taken.
    expect(
      await told([
        captureInput('H-1', { isin: 'DE\u0000' }),
        captureInput('H-2'),
        captureInput('H-3', { place: 'T2S\ud800', idempotencyKey: '\u0000' }),
      ]),
    ).toMatchObject({
      problems: [],
      items: [
        { outcome: 'REJECTED', problems: [{ code: 'INVALID_TEXT', path: 'items.0.isin' }] },
        { outcome: 'CAPTURED', problems: [] },
        {
          outcome: 'REJECTED',
          problems: [
            { code: 'INVALID_TEXT', path: expect.stringMatching(/^items\.2\.(place|idempotencyKey)$/) },
            { code: 'INVALID_TEXT', path: expect.stringMatching(/^items\.2\.(place|idempotencyKey)$/) },
          ],
        },
      ],
    });
    expect(await stored()).toBe(1);
    expect(
      await told([
        captureInput('H-3', { amount: '1015.001', quantity: '-1' }),
        captureInput('H-4'),
        captureInput('H-4'),
        captureInput('H-4', { quantity: '11', idempotencyKey: 'key-H-4-again' }),
      ]),
    ).toMatchObject({
      problems: [],
      items: [
        {
          outcome: 'REJECTED',
          problems: [{ path: 'items.0.quantity' }, { code: 'EXCESS_SCALE', path: 'items.0.amount' }],
        },
        { outcome: 'CAPTURED', problems: [] },
        { problems: expect.any(Array) },
        { outcome: 'CONFLICT', problems: [{ code: expect.any(String) }] },
      ],
    });
    expect(await stored()).toBe(2);
    const payment = (id: string, remittance: string) => ({
      endToEndId: id,
      idempotencyKey: id,
      debtorAccount: 'C000001-CASH',
      creditorName: 'Payee',
      amount: '1.00',
      currency: 'EUR',
      remittance,
    });
    const paid = await data<{ submitPayments: { results: { problems: { code: string; path: string }[] }[] } }>(
      frontOffice,
      `mutation($input: SubmitPaymentsInput!) { submitPayments(input: $input) { results { problems { code path } } problems { code } } }`,
      { input: { payments: [payment('H-P1', ''), payment('H-P2', 'a\u0000')] } },
    );
    expect(paid.submitPayments.results[1]).toEqual({
      problems: [{ code: 'INVALID_TEXT', path: 'payments.1.remittance' }],
    });
    expect(JSON.stringify(paid.submitPayments.results[0])).not.toContain('INVALID_TEXT');
    // What is no Decimal or Date at all never gets to the rules; the answer names the field.
    for (const [field, value] of [
      ['amount', 1015.0],
      ['quantity', 1e21],
      ['tradeDate', '2026-02-30'],
      ['settlementDate', '2026-13-01'],
    ] as const) {
      const { errors } = await captureAll([captureInput('H-5', { [field]: value })]);
      expect(JSON.stringify(errors)).toContain(field);
    }
    expect(await told([captureInput('H-6', { idempotencyKey: 'key\u0000' })])).toMatchObject({
      items: [{ outcome: 'REJECTED', problems: [{ code: 'INVALID_TEXT', path: 'items.0.idempotencyKey' }] }],
      problems: [],
    });
    expect(await stored()).toBe(2);
    const whole = await told(
      many(1_000).map((item, n) => ({ ...item, executionId: `W-${n}`, idempotencyKey: `w-${n}` })),
    );
    expect(
      (whole as { items: { outcome: string }[] }).items.filter(({ outcome }) => outcome === 'CAPTURED'),
    ).toHaveLength(1_000);
  }, 60_000);

  it('pages through trades and shows each desk its own book', async () => {
    const query =
      'query($after: String) { trades(first: 50, after: $after, filter: { state: ENRICHED }) { edges { node { id } } pageInfo { hasNextPage endCursor } } }';
    interface Page {
      trades: { edges: { node: { id: string } }[]; pageInfo: { hasNextPage: boolean; endCursor: string } };
    }
    const seen = new Set<string>();
    let after: string | null = null;
    for (;;) {
      const { trades }: Page = await data<Page>(frontOffice, query, { after });
      for (const { node } of trades.edges) seen.add(node.id);
      if (!trades.pageInfo.hasNextPage) break;
      after = trades.pageInfo.endCursor;
    }
    const { rows } = await database
      .pool('owner')
      .query<{ trade_id: string }>(`SELECT trade_id FROM settlement.trade WHERE state = 'ENRICHED'`);
    expect(rows.length).toBeGreaterThan(100);
    expect([...seen].sort()).toEqual(rows.map(({ trade_id: id }) => id).sort());
    expect((await data<Page>(american, query)).trades.edges).toEqual([]);
    expect(
      (
        await ask(
          american,
          `mutation($input: CaptureTradeInput!) { captureTrade(input: $input) { outcome problems { code } } }`,
          { input: captureInput('W-1') },
        )
      ).data,
    ).not.toMatchObject({ captureTrade: { outcome: 'CAPTURED' } });
  }, 30_000);

  it('receives a file and reads it by a job', async () => {
    const header = Object.keys(goodLine()).join(',');
    const lines = Array.from({ length: 700 }, (_, n) =>
      Object.values(goodLine({ executionId: `F-${n}`, quantity: n === 5 ? '-1' : '10' })).join(','),
    );
    const receive = () =>
      data<{ receiveFile: { file: { id: string; jobRunId: string }; isAlreadyReceived: boolean; replayed: boolean } }>(
        frontOffice,
        'mutation($input: ReceiveFileInput!) { receiveFile(input: $input) { file { id jobRunId } isAlreadyReceived problems { code } replayed } }',
        {
          input: {
            kind: 'TRADES',
            name: 'trades-a.csv',
            content: [header, ...lines, ''].join('\n'),
            idempotencyKey: 'file-1',
          },
        },
      );
    const { file } = (await receive()).receiveFile;
    expect(file.jobRunId).toBeTruthy();
    expect((await receive()).receiveFile).toMatchObject({ replayed: true });
    const done = await waitFor(
      async () => {
        const now = await data<{ file: { state: string; counts: object } }>(
          operations,
          'query($id: String!) { file(id: $id) { state counts lines(first: 5, outcome: "REJECTED") { edges { node { line problems { code path } } } } } }',
          { id: file.id },
        );
        return now.file.state === 'IMPORTED' ? now.file : undefined;
      },
      { timeoutMs: 30_000 },
    );
    expect(done).toMatchObject({
      counts: { CAPTURED: 699, REJECTED: 1 },
      lines: { edges: [{ node: { line: 7, problems: [{ code: 'INVALID_QUANTITY', path: 'quantity' }] } }] },
    });
  }, 60_000);

  it('keeps the lines of a file within the books of whoever sent it', async () => {
    const content = [
      Object.keys(goodLine()).join(','),
      Object.values(goodLine({ executionId: 'F-foreign' })).join(','),
      '',
    ].join('\n');
    const { receiveFile } = await data<{ receiveFile: { file: { id: string } } }>(
      american,
      'mutation($input: ReceiveFileInput!) { receiveFile(input: $input) { file { id } problems { code } } }',
      {
        input: { kind: 'TRADES', name: 'foreign.csv', content, idempotencyKey: 'file-2' },
      },
    );
    const done = await waitFor(
      async () => {
        const now = await data<{ file: { state: string; counts: object } }>(
          operations,
          'query($id: String!) { file(id: $id) { state counts } }',
          { id: receiveFile.file.id },
        );
        return now.file.state === 'IMPORTED' ? now.file : undefined;
      },
      { timeoutMs: 30_000 },
    );
    expect(done.counts).toEqual({ REJECTED: 1 });
  }, 60_000);

  it('hears that a date opens, and asks a second person for a change of static data', async () => {
    await send('accounting', 'accounting.business-day-changed.v1', {
      book: 'NGEU',
      businessDate: '2026-11-26',
      state: 'OPEN',
      nextBusinessDate: '2026-11-27',
    });
    await waitFor(
      async () =>
        (await database.pool('owner').query(`SELECT 1 FROM settlement.book_day WHERE business_date = '2026-11-26'`))
          .rowCount,
      { timeoutMs: 20_000 },
    );
    const proposal = await data<{
      proposeSsiChange: { change: { id: string; approvalId: string; payloadHash: string } };
    }>(
      operations,
      'mutation($input: ProposeSsiChangeInput!) { proposeSsiChange(input: $input) { change { id approvalId payloadHash state } problems { code path } } }',
      {
        input: {
          idempotencyKey: 'ssi-1',
          reason: 'new',
          ssi: {
            counterparty: 'NGCP24',
            market: 'UK',
            place: 'CREST',
            agentBic: 'NGSADEFFXXX',
            safekeepingAccount: 'S1',
            validFrom: '2026-11-25',
          },
        },
      },
    );
    const { id, approvalId, payloadHash } = proposal.proposeSsiChange.change;
    await send('compliance', 'compliance.approval-decided.v1', {
      approvalId,
      kind: 'SSI_CHANGE',
      service: 'settlement',
      objectKind: 'SSI',
      objectId: 'x-1',
      payloadHash,
      outcome: 'APPROVED',
      decidedBy: 'checker',
      reason: 'ok',
    });
    await waitFor(
      async () =>
        (
          await data<{ staticDataChange: { state: string } }>(
            operations,
            'query($id: String!) { staticDataChange(id: $id) { state } }',
            { id },
          )
        ).staticDataChange.state === 'APPLIED',
      { timeoutMs: 20_000 },
    );
    const figures = await data<{ settlementDayFigures: { row: string }[] }>(
      operations,
      '{ settlementDayFigures(businessDate: "2026-11-25") { row part currency count value } }',
    );
    expect(figures.settlementDayFigures.some(({ row }) => row === 'linesRead')).toBe(true);
  }, 60_000);
});
