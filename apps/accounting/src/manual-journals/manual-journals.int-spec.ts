import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { waitFor } from '#libs/testing/index.js';
import { AccountsRepository } from '../accounts/accounts.repository.js';
import { ApprovalsProcessor } from '../accounts/approvals.processor.js';
import { AssetsProcessor } from '../assets/assets.processor.js';
import { type PostingItem, transferOf } from '../journal/posting.js';
import { PostingService } from '../journal/posting.service.js';
import { accountOf } from '../testing/bench.js';
import { type ServiceUnderTest, startService } from '../testing/service.js';

let service: ServiceUnderTest;
const today = '2026-12-01';
beforeAll(async () => {
  service = await startService('2026-12-01T08:00:00Z');
  await service.run(async (tx) => {
    await service.app.get(AssetsProcessor, { strict: false }).register(tx, {
      items: ['EUR', 'CHF'].map((asset) => ({ asset, kind: 'CURRENCY' as const, scale: 2, name: asset })),
    });
    await service.app
      .get(AccountsRepository, { strict: false })
      .open(tx, [
        accountOf('A-CASH', 'CLIENT_CASH'),
        accountOf('NOSTRO-EUR', 'NOSTRO', { currency: 'EUR' }),
        accountOf('SUSPENSE', 'SUSPENSE'),
      ]);
    await tx.execute(
      `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ('NGEU', '2026-11-20', 'CLOSED', $1), ('NGEU', $1, 'OPEN', '2026-12-02')`,
      [today],
    );
  });
});
afterAll(async () => {
  await service.stop();
});

type Answered = { problems: { code: string; path: string | null }[] };
const codes = ({ problems }: Answered) => problems.map(({ code, path }) => `${code} ${path ?? ''}`.trim());
let keys = 0;
const key = () => `k-${(keys += 1)}`;
const olga = { subject: 'person:olga' };
const lines = (debit: string, credit: string, amount: string, more: object = {}) => [
  { account: debit, side: 'DEBIT', amount, asset: 'EUR', ...more },
  { account: credit, side: 'CREDIT', amount, asset: 'EUR' },
];
interface Journal extends Answered {
  journal: {
    id: string;
    state: string;
    amount: string | null;
    limit: string;
    payloadHash: string;
    approvalId: string | null;
    entry: { id: string; kind: string; accountingDate: object | null } | null;
  } | null;
  replayed: boolean;
}
const selection =
  'journal { id state amount limit payloadHash approvalId entry { id kind accountingDate { accountingDate period } } } replayed';
const post = (given: object[], more: object = {}, idempotencyKey = key()) =>
  service.mutate<Journal>(
    'postJournal',
    'PostJournalInput',
    {
      book: 'NGEU',
      description: 'Rent of May',
      lines: given,
      reason: 'bill 7',
      evidence: 'file 7',
      idempotencyKey,
      ...more,
    },
    selection,
    olga,
  );
const decide = (
  approvalId: string,
  payloadHash: string,
  kind: 'MANUAL_JOURNAL' | 'LIMIT_CHANGE' = 'MANUAL_JOURNAL',
  decidedBy = 'person:piet',
) =>
  service.run((tx) =>
    service.app.get(ApprovalsProcessor, { strict: false }).decided(tx, {
      approvalId,
      kind,
      service: 'accounting',
      objectKind: 'MANUAL_JOURNAL',
      objectId: 'x',
      payloadHash,
      outcome: 'APPROVED',
      decidedBy,
      reason: 'seen',
    }),
  );
const stateOf = async (id: string) =>
  (await service.ask(`{ manualJournal(id: "${id}") { state refusalCode decidedBy entry { id } } }`)).data
    ?.manualJournal;
const entries = async () =>
  ((await service.ask('{ ledgerSummary { entries } }')).data?.ledgerSummary as { entries: number }).entries;
const attack = async (sql: string) => {
  const client = await service.database.pool('owner').connect();
  try {
    await client.query(`BEGIN; SET LOCAL app.books = '*'`);
    return await client.query(sql).then(
      () => 'done',
      (error: unknown) => (error as Error).message,
    );
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
};

describe('a journal by hand', () => {
  it('needs two people until they have said how much one books alone', async () => {
    const { journal } = await post(lines('5400', 'SUSPENSE', '10.00'));
    expect(journal).toMatchObject({ state: 'PROPOSED', amount: '10.00', limit: '0.00', entry: null });
    const { limit } = await service.mutate<Answered & { limit: { id: string; payloadHash: string } | null }>(
      'proposeJournalLimit',
      'ProposeJournalLimitInput',
      { book: 'NGEU', limit: '500.00', reason: 'petty cash', idempotencyKey: key() },
      'limit { id payloadHash }',
      olga,
    );
    await decide(limit!.id, limit!.payloadHash, 'LIMIT_CHANGE', 'person:olga');
    const limits = async () =>
      (await service.ask('{ journalLimits(book: "NGEU") { version limit state } }')).data?.journalLimits;
    expect(await limits()).toEqual([{ version: null, limit: '500.00', state: 'REFUSED' }]);
    const again = await service.mutate<Answered & { limit: { id: string; payloadHash: string } | null }>(
      'proposeJournalLimit',
      'ProposeJournalLimitInput',
      { book: 'NGEU', limit: '500.00', reason: 'petty cash', idempotencyKey: key() },
      'limit { id payloadHash }',
      olga,
    );
    await decide(again.limit!.id, again.limit!.payloadHash, 'LIMIT_CHANGE');
    expect(await limits()).toContainEqual({ version: 1, limit: '500.00', state: 'APPLIED' });
    await decide(journal!.approvalId!, journal!.payloadHash);
    expect(await stateOf(journal!.id)).toMatchObject({ state: 'POSTED', decidedBy: 'person:piet', entry: {} });
  });

  it('is booked at once up to the limit, once for its key', async () => {
    const first = await post(lines('5400', 'SUSPENSE', '500.00'), {}, 'once');
    expect(first.journal).toMatchObject({
      state: 'POSTED',
      amount: '500.00',
      limit: '500.00',
      approvalId: null,
      entry: { kind: 'JOURNAL', accountingDate: null },
    });
    const before = await entries();
    expect(await post(lines('5400', 'SUSPENSE', '500.00'), {}, 'once')).toMatchObject({
      replayed: true,
      journal: { id: first.journal!.id },
    });
    expect(await entries()).toBe(before);
  });

  it('waits above it for a second person, who agrees to exactly that', async () => {
    const { journal } = await post(lines('5400', 'SUSPENSE', '500.01'));
    expect((await service.messages('compliance.request-approval.v1')).at(-1)).toMatchObject({
      kind: 'MANUAL_JOURNAL',
      summary: 'Journal of 500.01 EUR in NGEU, "Rent of May": bill 7',
      requestedBy: 'person:olga',
      payloadHash: journal!.payloadHash,
    });
    await decide(journal!.approvalId!, 'f'.repeat(64));
    expect(await stateOf(journal!.id)).toMatchObject({ state: 'STALE', entry: null });
    const own = (await post(lines('5400', 'SUSPENSE', '500.01'))).journal!;
    await decide(own.approvalId!, own.payloadHash, 'MANUAL_JOURNAL', 'person:olga');
    expect(await stateOf(own.id)).toMatchObject({ state: 'REFUSED', refusalCode: 'SECOND_PERSON_NEEDED' });
    const good = (await post(lines('5400', 'SUSPENSE', '500.01'))).journal!;
    await decide(good.approvalId!, good.payloadHash);
    await decide(good.approvalId!, good.payloadHash);
    expect(await stateOf(good.id)).toMatchObject({ state: 'POSTED' });
    // Nobody knows how much a franc is.
    const francs = lines('5400', 'SUSPENSE', '1.00').map((one) => ({ ...one, asset: 'CHF' }));
    expect((await post(francs)).journal).toMatchObject({ state: 'PROPOSED', amount: null });
  });

  it('is refused with all that is wrong with it, and nothing is booked', async () => {
    const before = await entries();
    expect(codes(await post(lines('A-CASH', 'NOSTRO-EUR', '1.00')))).toEqual([
      'CONTROL_ACCOUNT lines.0.account',
      'CONTROL_ACCOUNT lines.1.account',
    ]);
    expect(
      codes(await post(lines('5400', 'NOWHERE', '1.001', { dimensions: [{ dimension: 'BRANCH', value: '1' }] }))),
    ).toEqual([
      'DIMENSION_VALUE_NOT_FOUND lines.0.dimensions.0',
      'EXCESS_SCALE lines.0.amount',
      'ACCOUNT_NOT_FOUND lines.1.account',
      'EXCESS_SCALE lines.1.amount',
    ]);
    expect(codes(await post(lines('5400', 'SUSPENSE', '1.00'), { accountingDate: '2026-12-24' }))).toEqual([
      'ACCOUNTING_DATE_LATER accountingDate',
    ]);
    expect(codes(await post(lines('5400', 'SUSPENSE', '1.00'), { isYearEnd: true }))).toEqual([
      'NOT_THE_YEAR_END accountingDate',
    ]);
    expect(await entries()).toBe(before);
  });

  it('comes on a control account when two settings say so, and with its dimensions', async () => {
    const allow = (code: string, isAllowed: boolean) =>
      service.mutate<Answered>(
        'allowHandPosting',
        'AllowHandPostingInput',
        { book: 'NGEU', code, isAllowed, reason: 'bank charges', idempotencyKey: key() },
        'replayed',
      );
    expect(codes(await allow('7777', true))).toEqual(['CODE_NOT_FOUND code']);
    expect(codes(await allow('1210', true))).toEqual([]);
    for (const value of ['IT', 'HR'])
      await service.mutate<Answered>(
        'setDimensionValue',
        'SetDimensionValueInput',
        { book: 'NGEU', dimension: 'COST_CENTRE', value, name: value, validFrom: '2026-01-01', idempotencyKey: key() },
        'replayed',
      );
    const { journal } = await post(
      lines('5400', 'NOSTRO-EUR', '12.00', { dimensions: [{ dimension: 'COST_CENTRE', value: 'IT' }] }),
    );
    expect(journal).toMatchObject({
      state: 'POSTED',
      entry: { kind: 'JOURNAL' },
    });
    await allow('1210', false);
    expect(codes(await post(lines('5400', 'NOSTRO-EUR', '12.00')))).toEqual(['CONTROL_ACCOUNT lines.1.account']);
    const told = await service.run((tx) =>
      tx.rows('SELECT n, dimension, value FROM accounting.posting_dimension WHERE entry_id = $1', [journal!.entry!.id]),
    );
    expect(told).toEqual([{ n: 1, dimension: 'COST_CENTRE', value: 'IT' }]);
  });

  it('belongs to an earlier date whose period takes it', async () => {
    const { journal } = await post(lines('5400', '2300', '30.00'), { accountingDate: '2026-11-30' });
    expect(journal).toMatchObject({
      state: 'POSTED',
      entry: { kind: 'ADJUSTMENT', accountingDate: { accountingDate: '2026-11-30', period: '2026-11' } },
    });
    const waiting = (await post(lines('5400', '2300', '900.00'), { accountingDate: '2026-11-30' })).journal!;
    const close = (how: string) =>
      service.mutate<Answered>(
        `${how}ClosePeriod`,
        'ClosePeriodInput',
        { book: 'NGEU', period: '2026-11', reason: 'month end', idempotencyKey: key() },
        'replayed',
      );
    expect(codes(await close('soft'))).toEqual([]);
    // The controller still adjusts it; then nobody does, also not with an approval that comes late.
    expect((await post(lines('5400', '2300', '31.00'), { accountingDate: '2026-11-30' })).journal?.state).toBe(
      'POSTED',
    );
    expect(codes(await close('hard'))).toEqual([]);
    expect(codes(await post(lines('5400', '2300', '32.00'), { accountingDate: '2026-11-30' }))).toEqual([
      'PERIOD_CLOSED accountingDate',
    ]);
    await decide(waiting.approvalId!, waiting.payloadHash);
    expect(await stateOf(waiting.id)).toMatchObject({ state: 'REFUSED', refusalCode: 'PERIOD_CLOSED' });
  });

  it('is held by the tables', async () => {
    const row = (more: Record<string, string>) => {
      const columns = {
        journal_id: `'mjn_x'`,
        book_id: `'NGEU'`,
        journal: `'{"lines":[]}'`,
        payload_hash: `repeat('0', 64)`,
        currency: `'EUR'`,
        amount_units: '1',
        limit_units: '50000',
        state: `'POSTED'`,
        requested_by: `'person:olga'`,
        entry_id: `(SELECT entry_id FROM accounting.manual_journal WHERE entry_id IS NOT NULL LIMIT 1)`,
        ...more,
      };
      return `INSERT INTO accounting.manual_journal (${Object.keys(columns).join(', ')}) VALUES (${Object.values(columns).join(', ')})`;
    };
    expect(await attack(row({ limit_units: '900000' }))).toMatch(/another limit than is in force/);
    expect(await attack(row({ state: `'PROPOSED'`, entry_id: 'NULL' }))).toMatch(/proposed first/);
    expect(await attack(row({ approval_id: `'apr_x'`, expires_at: 'now()' }))).toMatch(/proposed first/);
    expect(await attack(row({}))).toMatch(/is not of journal/);
    const stuck = `UPDATE accounting.manual_journal SET state = 'POSTED', decided_by = requested_by, entry_id = (SELECT entry_id FROM accounting.manual_journal WHERE entry_id IS NOT NULL LIMIT 1) WHERE state = 'PROPOSED'`;
    expect(await attack(stuck)).toMatch(/is not of journal/);
    expect(await attack(`UPDATE accounting.manual_journal SET amount_units = 0 WHERE state = 'PROPOSED'`)).toMatch(
      /not changed/,
    );
    expect(await attack(`UPDATE accounting.manual_journal SET state = 'PROPOSED' WHERE state = 'REFUSED'`)).toMatch(
      /decided once/,
    );
    expect(await attack(`UPDATE accounting.journal_limit SET limit_units = 99999999`)).toMatch(/decided once/);
    expect(
      await attack(
        `INSERT INTO accounting.journal_limit (approval_id, book_id, version, limit_units, currency, reason, payload_hash, state, requested_by, expires_at, decided_by) VALUES ('a', 'NGEU', 2, 9, 'EUR', 'x', repeat('0', 64), 'APPLIED', 'p', now(), 'q')`,
      ),
    ).toMatch(/proposed first/);
    const entryFor = (units: number, credit: string): PostingItem => ({
      op: 'ENTRY',
      key: `attack-${credit}`,
      book: 'NGEU',
      kind: 'JOURNAL',
      businessDate: today,
      valueDate: today,
      description: 'x',
      subject: { kind: 'MANUAL_JOURNAL', id: 'mjn_x' },
      postings: transferOf('5400', credit, 'EUR', String(units)),
    });
    const withEntry = (credit: string, amount: string) =>
      service
        .run(async (tx) => {
          const [result] = await service.app
            .get(PostingService, { strict: false })
            .post(tx, { items: [entryFor(70_000, credit)], requestedBy: 'test' });
          await tx.execute(row({ entry_id: `'${result!.id!}'`, amount_units: amount }));
          throw new Error('let in');
        })
        .catch((error: unknown) => (error as Error).message);
    expect(await withEntry('NOSTRO-EUR', '50000')).toMatch(/takes no journal by hand/);
    expect(await withEntry('SUSPENSE', '50000')).toMatch(/is of more than was held against the limit/);
    expect(await withEntry('SUSPENSE', '70000')).toMatch(/alone_up_to_the_limit/);
  });
});

describe('a file of journals', () => {
  interface Imported extends Answered {
    import: {
      id: string;
      state: string;
      journals: number;
      lines: number;
      jobRunId: string | null;
      report: { line: number; column: string | null; code: string }[];
    } | null;
  }
  const header = 'journal,account,side,amount,asset,description,reason,evidence,accountingDate,dimension:COST_CENTRE';
  const importFile = (...given: string[]) =>
    service.mutate<Imported>(
      'importJournals',
      'ImportJournalsInput',
      { book: 'NGEU', fileName: 'accruals.csv', content: [header, ...given].join('\n'), idempotencyKey: key() },
      'import { id state journals lines jobRunId report { line column code } }',
      olga,
    );
  const pair = (name: string, amount: string, debit = '5400', credit = '2300') => [
    `${name},${debit},DEBIT,${amount},EUR,Accrual ${name},month end,list 3,,HR`,
    `${name},${credit},CREDIT,${amount},EUR,,,,,`,
  ];

  it('is booked whole; what is above the limit waits', async () => {
    const { import: done } = await importFile(...pair('one', '10.00'), ...pair('two', '700.00'));
    expect(done).toMatchObject({ state: 'DONE', journals: 2, lines: 4, jobRunId: null, report: [] });
    const { data } = await service.ask(
      `{ manualJournals(first: 5, filter: { book: "NGEU", importId: "${done!.id}" }) { edges { node { state description } } } }`,
    );
    const { edges } = data?.manualJournals as { edges: { node: { state: string; description: string } }[] };
    expect(edges.map(({ node }) => `${node.description} ${node.state}`).sort()).toEqual([
      'Accrual one POSTED',
      'Accrual two PROPOSED',
    ]);
    expect(codes(await importFile(...pair('one', '10.00'), ...pair('two', '700.00')))).toEqual([
      'DUPLICATE_FILE content',
    ]);
  });

  it('is refused whole, with line, column and code of every fault', async () => {
    const before = await entries();
    const { import: bad } = await importFile(...pair('good', '1.00'), ...pair('bad', '1.001', '5400', 'NOSTRO-EUR'));
    expect(bad).toMatchObject({ state: 'REFUSED', journals: 2, lines: 4 });
    expect(bad!.report).toEqual([
      { line: 4, column: 'amount', code: 'EXCESS_SCALE' },
      { line: 5, column: 'account', code: 'CONTROL_ACCOUNT' },
      { line: 5, column: 'amount', code: 'EXCESS_SCALE' },
    ]);
    // What only the ledger refuses takes back what was booked before it.
    const late = pair('late', '2.00').map((one, n) => (n === 0 ? one.replace('list 3,,', 'list 3,2026-11-30,') : one));
    const { import: refused } = await importFile(...pair('good', '1.00'), ...late);
    expect(refused).toMatchObject({
      state: 'REFUSED',
      report: [{ line: 4, column: 'accountingDate', code: 'PERIOD_CLOSED' }],
    });
    expect(await entries()).toBe(before);
    // A file that was refused may come again when it is right.
    expect((await importFile(...pair('good', '1.00'))).import?.state).toBe('DONE');
  });

  it('is a job when it is large', async () => {
    const before = await entries();
    const many = Array.from({ length: 260 }, (_, n) => pair(`m-${n}`, '0.01')).flat();
    const { import: begun } = await importFile(...many);
    expect(begun).toMatchObject({ state: 'RUNNING' });
    const read = async () =>
      (
        await service.ask(
          `{ journalImport(id: "${begun!.id}") { state journals } accountingJobRun(id: "${begun!.jobRunId!}") { state done total } }`,
        )
      ).data;
    await waitFor(async () => ((await read())?.journalImport as { state: string }).state !== 'RUNNING', {
      what: 'the end of the import',
    });
    expect(await read()).toEqual({
      journalImport: { state: 'DONE', journals: 260 },
      accountingJobRun: { state: 'SUCCEEDED', done: 260, total: 260 },
    });
    expect(await entries()).toBe(before + 260);
  });
});

describe('suspense', () => {
  const move = (name: string, debit: string, credit: string, units: number, reference: string): PostingItem => ({
    op: 'ENTRY',
    key: name,
    book: 'NGEU',
    kind: 'PAYMENT',
    businessDate: today,
    valueDate: today,
    description: `unknown credit ${name}`,
    subject: { kind: 'STATEMENT_LINE', id: reference },
    postings: transferOf(debit, credit, 'CHF', String(units)),
  });
  const ageing = async (asOf?: string) =>
    (
      (
        await service.ask(
          `{ suspense(book: "NGEU"${asOf ? `, asOf: "${asOf}"` : ''}) { account asset side open buckets { bucket items open } items { side open amount ageDays reference workItemId } } }`,
        )
      ).data?.suspense as { asset: string; items: { workItemId: string | null }[] }[]
    ).find(({ asset }) => asset === 'CHF');
  const raise = () =>
    service.mutate<Answered & { raised: number }>(
      'raiseSuspenseWork',
      'RaiseSuspenseWorkInput',
      { book: 'NGEU', idempotencyKey: key() },
      'raised',
    );
  const isOpen = async (id: string) =>
    (
      await service.run((tx) =>
        tx.row<{ state: string }>('SELECT state FROM accounting.work_item WHERE work_item_id = $1', [id]),
      )
    )?.state !== 'CLOSED';

  it('is told item by item with its age, and every item is somebody’s work', async () => {
    await service.run(async (tx) => {
      await service.app
        .get(AccountsRepository, { strict: false })
        .open(tx, [accountOf('NOSTRO-CHF', 'NOSTRO', { currency: 'CHF' })]);
      await service.app.get(PostingService, { strict: false }).post(tx, {
        requestedBy: 'test',
        items: [
          move('s-1', 'NOSTRO-CHF', 'SUSPENSE', 1_250, 'line-1'),
          move('s-2', 'NOSTRO-CHF', 'SUSPENSE', 800, 'line-2'),
          move('s-3', 'SUSPENSE', 'NOSTRO-CHF', 300, 'line-2'),
        ],
      });
    });
    expect(await ageing()).toEqual({
      account: 'SUSPENSE',
      asset: 'CHF',
      side: 'CREDIT',
      open: '17.50',
      buckets: [{ bucket: 'UP_TO_2_DAYS', items: 2, open: '17.50' }],
      items: [
        {
          side: 'CREDIT',
          open: '12.50',
          amount: '12.50',
          ageDays: 0,
          reference: 'STATEMENT_LINE/line-1',
          workItemId: null,
        },
        {
          side: 'CREDIT',
          open: '5.00',
          amount: '8.00',
          ageDays: 0,
          reference: 'STATEMENT_LINE/line-2',
          workItemId: null,
        },
      ],
    });
    expect(await ageing('2026-11-20')).toBeUndefined();
    expect(await ageing('2026-12-20')).toMatchObject({ buckets: [{ bucket: 'UP_TO_30_DAYS' }] });
    expect((await raise()).raised).toBeGreaterThanOrEqual(2);
    expect((await raise()).raised).toBe(0);
    const [first, second] = (await ageing())!.items;
    expect([await isOpen(first!.workItemId!), await isOpen(second!.workItemId!)]).toEqual([true, true]);
    await service.run((tx) =>
      service.app
        .get(PostingService, { strict: false })
        .post(tx, { requestedBy: 'test', items: [move('s-4', 'SUSPENSE', 'NOSTRO-CHF', 1_250, 'line-1')] }),
    );
    await raise();
    expect([await isOpen(first!.workItemId!), await isOpen(second!.workItemId!)]).toEqual([false, true]);
  });
});
