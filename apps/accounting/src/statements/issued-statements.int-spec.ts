import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { waitFor } from '#libs/testing/index.js';
import { AccountsRepository } from '../accounts/accounts.repository.js';
import { AssetsRepository } from '../assets/assets.repository.js';
import { PostingService } from '../journal/posting.service.js';
import { transferOf } from '../journal/posting.js';
import { accountOf } from '../testing/bench.js';
import { type ServiceUnderTest, startService } from '../testing/service.js';
import { IssuedStatements } from './issued-statements.service.js';

let service: ServiceUnderTest;
const dates = ['2026-11-25', '2026-11-26', '2026-11-27', '2026-11-30', '2026-12-01'] as const;
const works = (date: string, state = 'OPEN') =>
  service.run(async (tx) => {
    await tx.execute(`UPDATE accounting.business_day SET state = 'CLOSED' WHERE state = 'OPEN'`);
    await tx.execute(
      `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ('NGEU', $1, $2, $1::date + 1)`,
      [date, state],
    );
  });
const move = async (key: string, debit: string, credit: string, units: number, businessDate: string) => {
  const [result] = await service.run((tx) =>
    service.app.get(PostingService, { strict: false }).post(tx, {
      requestedBy: 'test',
      items: [
        {
          op: 'ENTRY',
          key,
          book: 'NGEU',
          kind: 'TRANSFER',
          businessDate,
          valueDate: businessDate,
          description: `move ${key}`,
          subject: { kind: 'TEST', id: key },
          postings: transferOf(debit, credit, 'EUR', String(units)),
        },
      ],
    }),
  );
  expect(result?.code).toBeUndefined();
};
beforeAll(async () => {
  service = await startService();
  await service.run(async (tx) => {
    await service.app.get(AssetsRepository, { strict: false }).ensureCurrencies(tx, ['EUR']);
    await service.app
      .get(AccountsRepository, { strict: false })
      .open(tx, [
        accountOf('A-CASH', 'CLIENT_CASH'),
        accountOf('B-CASH', 'CLIENT_CASH'),
        accountOf('IDLE-CASH', 'CLIENT_CASH'),
        accountOf('NOSTRO-EUR', 'NOSTRO', { currency: 'EUR' }),
      ]);
  });
  await works(dates[0]);
  await move('k1', 'NOSTRO-EUR', 'A-CASH', 1_000, dates[0]);
  await move('k2', 'A-CASH', 'B-CASH', 300, dates[0]);
  await works(dates[1]);
  await move('k3', 'NOSTRO-EUR', 'A-CASH', 50, dates[1]);
  await works(dates[2]);
  await works(dates[3]);
  await move('k4', 'B-CASH', 'A-CASH', 100, dates[3]);
});
afterAll(async () => {
  await service.stop();
});

const selection = `number version from to opening debits credits closing entryCount contentHash isLatest isReproduced content entries { sequence side amount balanceAfter }`;
interface Statement {
  number: number;
  from: string;
  to: string;
  opening: string;
  closing: string;
  entryCount: number;
  contentHash: string;
  isReproduced: boolean;
  content: string;
}
let keys = 0;
const issue = (account: string, to: string, more: object = {}) =>
  service.mutate<{ statement: Statement | null; replayed: boolean }>(
    'issueStatement',
    'IssueStatementInput',
    { book: 'NGEU', account, asset: 'EUR', to, idempotencyKey: `s-${(keys += 1)}`, ...more },
    `statement { ${selection} } replayed`,
  );
const list = async (filter: string) => {
  const { data } = await service.ask(
    `{ issuedStatements(first: 50, filter: { book: "NGEU" ${filter} }) { edges { node { account number version from to opening closing entryCount isReproduced } } } }`,
  );
  return (data?.issuedStatements as { edges: { node: Record<string, unknown> }[] }).edges.map(({ node }) => node);
};
const issueAll = async (frequency: string, to: string) => {
  const { jobRunId, problems } = await service.mutate<{ jobRunId: string | null }>(
    'issueStatements',
    'IssueStatementsInput',
    { book: 'NGEU', frequency, to, idempotencyKey: `s-${(keys += 1)}` },
    'jobRunId',
  );
  if (jobRunId === null) return { problems };
  await waitFor(async () => {
    const { data } = await service.ask(`{ accountingJobRun(id: "${jobRunId}") { state } }`);
    return (data?.accountingJobRun as { state: string }).state === 'SUCCEEDED' ? true : undefined;
  });
  return { problems };
};
const codes = (answer: { problems: { code: string; path: string | null }[] }) =>
  answer.problems.map(({ code, path }) => `${code} ${path ?? ''}`.trim());

describe('a statement of account', () => {
  it('is issued for dates that are over, and says everything that is wrong otherwise', async () => {
    expect(codes(await issue('A-CASH', dates[3]))).toEqual(['DATES_NOT_OVER to']);
    expect(codes(await issue('A-CASH', dates[3], { from: '2026-12-01' }))).toEqual([
      'INVALID_PERIOD to',
      'DATES_NOT_OVER to',
    ]);
    expect(codes(await issue('NOBODY', dates[0]))).toEqual(['ACCOUNT_NOT_FOUND account']);
    expect(await list('')).toEqual([]);
  });

  it('adds up, is numbered, and continues the last', async () => {
    const { statement: first } = await issue('A-CASH', dates[0]);
    expect(first).toMatchObject({
      number: 1,
      version: 1,
      from: dates[0],
      to: dates[0],
      opening: '0.00',
      debits: '3.00',
      credits: '10.00',
      closing: '7.00',
      entryCount: 2,
      isLatest: true,
      isReproduced: true,
    });
    expect(codes(await issue('A-CASH', dates[0]))).toEqual(['STATEMENT_ISSUED_ALREADY to']);
    expect(codes(await issue('A-CASH', '2026-11-29', { from: dates[2] }))).toEqual(['STATEMENT_NOT_CONTINUING from']);
    const { statement: second } = await issue('A-CASH', '2026-11-29');
    expect(second).toMatchObject({ number: 2, from: dates[1], opening: '7.00', closing: '7.50', entryCount: 1 });
  });

  it('is the same to the byte when it is asked for again', async () => {
    const read = async () =>
      (
        await service.ask(
          `{ issuedStatement(book: "NGEU", account: "A-CASH", asset: "EUR", number: 1) { ${selection} } }`,
        )
      ).data?.issuedStatement as Statement;
    const one = await read();
    await move('k5', 'NOSTRO-EUR', 'A-CASH', 1, dates[3]);
    expect((await read()).content).toBe(one.content);
    expect(one.isReproduced).toBe(true);
    expect(JSON.parse(one.content)).toMatchObject({ number: 1, closing: '7.00' });
  });
});

describe('statements of all accounts of a rhythm', () => {
  it('are issued by a job, once each, and those that have theirs keep it', async () => {
    expect(codes(await issueAll('MONTHLY', '2026-11-30'))).toEqual(['DATES_NOT_OVER to']);
    expect(codes(await issueAll('WEEKLY', '2026-11-30'))).toEqual(['INVALID_PERIOD to', 'DATES_NOT_OVER to']);
    await works(dates[4]);
    await issueAll('MONTHLY', '2026-11-30');
    await issueAll('MONTHLY', '2026-11-30');
    const issued = await list('');
    expect(
      issued.map(({ account, number, from, to, opening, closing }) => [account, number, from, to, opening, closing]),
    ).toEqual(
      expect.arrayContaining([
        ['A-CASH', 3, '2026-11-30', '2026-11-30', '7.50', '8.51'],
        ['B-CASH', 1, '2026-11-01', '2026-11-30', '0.00', '2.00'],
      ]),
    );
    expect(issued).toHaveLength(4);
    expect(issued.every(({ isReproduced }) => isReproduced)).toBe(true);
  });

  it('follow what is set for an account, and a closed date asks for them', async () => {
    const set = (frequency: string) =>
      service.mutate<{ setting: { version: number; frequency: string } | null }>(
        'setStatementFrequency',
        'SetStatementFrequencyInput',
        {
          book: 'NGEU',
          account: 'NOSTRO-EUR',
          frequency,
          reason: 'the agent asks',
          idempotencyKey: `s-${(keys += 1)}`,
        },
        'setting { version frequency }',
      );
    expect(codes(await set('NONE'))).toEqual(['NOTHING_CHANGES frequency']);
    expect((await set('DAILY')).setting).toEqual({ version: 1, frequency: 'DAILY' });
    await move('k6', 'NOSTRO-EUR', 'B-CASH', 9, dates[4]);
    await works('2026-12-02');
    await service.run((tx) =>
      service.app.get(IssuedStatements, { strict: false }).dateClosed(tx, 'NGEU', dates[4], '2026-12-02'),
    );
    const nostro = await waitFor(async () => (await list('account: "NOSTRO-EUR"'))[0]);
    expect(nostro).toMatchObject({ number: 1, from: dates[4], to: dates[4], opening: '10.51', closing: '10.60' });
  });
});

describe('raw SQL', () => {
  const copy = (changes: Record<string, string>, of = `account = 'A-CASH' AND number = 3`) => {
    const columns = [
      'ledger_account_id',
      'number',
      'version',
      'book_id',
      'account',
      'asset',
      'from_date',
      'to_date',
      'first_sequence',
      'last_sequence',
      'moved_in',
      'moved_out',
      'opening_units',
      'debit_units',
      'credit_units',
      'closing_units',
      'entry_count',
      'content_hash',
      'reason',
      'issued_by',
    ];
    return `INSERT INTO accounting.account_statement (${columns.join(', ')})
            SELECT ${columns.map((name) => changes[name] ?? name).join(', ')} FROM accounting.account_statement WHERE ${of}`;
  };
  const next = {
    number: '4',
    from_date: `date '2026-12-01'`,
    to_date: `date '2026-12-01'`,
    first_sequence: 'last_sequence + 1',
    opening_units: 'closing_units',
    debit_units: '0',
    credit_units: '0',
    entry_count: '0',
  };
  const attack = async (sql: string) => {
    const client = await service.database.pool('accounting').connect();
    try {
      await client.query(`BEGIN; SELECT set_config('app.books', '*', true)`);
      await client.query(sql);
      await client.query('SET CONSTRAINTS ALL IMMEDIATE');
      return 'let through';
    } catch (error) {
      return (error as { code?: string }).code ?? String(error);
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
  };
  it('lets through what is right', async () => {
    expect(await attack(copy(next))).toBe('let through');
    expect(await attack(copy({ version: '2', reason: `'printed anew'` }))).toBe('let through');
  });
  it.each([
    ['a number left out', { ...next, number: '5' }, '23514'],
    ['a day left out', { ...next, from_date: `date '2026-12-02'`, to_date: `date '2026-12-02'` }, '23514'],
    [
      'a posting left out',
      { ...next, first_sequence: 'last_sequence + 2', last_sequence: 'last_sequence + 1' },
      '23514',
    ],
    ['another opening', { ...next, opening_units: 'closing_units + 1', closing_units: 'closing_units + 1' }, '23514'],
    ['a sum that does not add up', { ...next, closing_units: 'closing_units + 1' }, '23514'],
    ['amounts that no posting has', { ...next, debit_units: '5', credit_units: '5' }, '23514'],
    ['postings that are not there', { ...next, last_sequence: 'last_sequence + 1', entry_count: '1' }, '23514'],
    ['dates that are not over', { ...next, to_date: `date '2026-12-02'` }, '23514'],
    ['the same number again', {}, '23505'],
    ['a version left out', { version: '3', reason: `'again'` }, '23514'],
    ['a version without a reason', { version: '2' }, '23514'],
    ['a version of another period', { version: '2', reason: `'again'`, to_date: `date '2026-12-01'` }, '23514'],
    [
      'a version that closes with something else',
      { version: '2', reason: `'again'`, closing_units: 'closing_units + 1', debit_units: 'debit_units + 1' },
      '23514',
    ],
    ['another account on its head', { ...next, account: `'B-CASH'` }, '23503'],
    ['a hash that is none', { ...next, content_hash: `'x'` }, '23514'],
  ])('does not issue %s', async (_, changes, code) => {
    expect(await attack(copy(changes))).toBe(code);
  });
  it.each([
    ['UPDATE accounting.account_statement SET closing_units = 0', '42501'],
    ['DELETE FROM accounting.account_statement', '42501'],
    [`INSERT INTO accounting.statement_setting VALUES ('NGEU', 'A-CASH', 2, 'DAILY', 'x', 'x')`, '23514'],
  ])('%s', async (sql, code) => {
    expect(await attack(sql)).toBe(code);
  });
});
