import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { termsOf } from '../accounts/accounts.js';
import { type Bench, createBench } from '../testing/bench.js';
import { writeChart } from './chart-file.js';
import { type Chart } from './chart.js';
import { ChartsRepository } from './charts.repository.js';
import { Charts } from './charts.service.js';

let bench: Bench;
let charts: Charts;
const all = async <Row>(sql: string, parameters: unknown[] = []) => {
  const client = await bench.database.pool('owner').connect();
  try {
    await client.query(`SELECT set_config('app.books', '*', false)`);
    return (await client.query(sql, parameters)).rows as Row[];
  } finally {
    client.release();
  }
};
const standing = async (): Promise<Chart> => {
  const row = await bench.run((tx) => charts.find(tx, 'NGEU'));
  if (!row) throw new Error('the book has no chart');
  return row.chart;
};
const store = (chart: Chart, book = 'NGEU') =>
  bench.run((tx) => charts.import(tx, { book, ...writeChart(chart), reason: 'for a test' }, 'person:controller'));

beforeAll(async () => {
  bench = await createBench();
  charts = new Charts(new ChartsRepository(), bench.audit);
});
afterAll(async () => {
  await bench.drop();
});

describe('the chart of a book', () => {
  it('comes with its first account, and every account stands under the code of its kind', async () => {
    expect(
      await all(`SELECT number, gl_code AS code FROM accounting.account WHERE book_id = 'NGEU' ORDER BY number`),
    ).toEqual([
      { number: 'A-CASH', code: '2110' },
      { number: 'A-SAFE', code: '9200' },
      { number: 'B-CASH', code: '2110' },
      { number: 'B-SAFE', code: '9200' },
      { number: 'C-CASH', code: '2110' },
      { number: 'D-CASH', code: '2110' },
      { number: 'DEPOT-T2S', code: '9100' },
      { number: 'FEES', code: '4100' },
      { number: 'MIGRATION', code: '9900' },
      { number: 'NOSTRO-EUR', code: '1210' },
      { number: 'SUSPENSE', code: '1600' },
    ]);
    expect(await all('SELECT version, stored_by FROM accounting.chart_version')).toEqual([
      { version: 1, stored_by: 'service:accounting' },
    ]);
  });

  it('comes once when two open the first account at once', async () => {
    const open = (number: string) =>
      bench.run((tx) =>
        bench.accounts.open(tx, [
          {
            ...{
              book: 'NGJP',
              number,
              kind: 'NOSTRO',
              ...termsOf('NOSTRO'),
              state: 'OPEN',
              partyId: null,
              currency: null,
            },
            ...{ iban: null, agentBic: null, statementChannel: null, importId: null },
          },
        ]),
      );
    await Promise.all(['ONE', 'TWO', 'THREE'].map(open));
    expect(await all(`SELECT version FROM accounting.chart_version WHERE book_id = 'NGJP'`)).toEqual([{ version: 1 }]);
  });

  it('is replaced by what a file says, as a version of its own; the one before stays to be read', async () => {
    const before = await standing();
    const accounts = before.accounts.map((one) =>
      one.code === '1210'
        ? { ...one, name: 'Nostro accounts' }
        : one.code === '5300'
          ? { ...one, name: 'People' }
          : one,
    );
    const lines = { FINANCIAL_STATEMENTS: 'X30', CASH_FLOW: 'R' };
    const more = {
      code: '5310',
      name: 'Training',
      type: 'EXPENSE',
      normalSide: 'DEBIT',
      parent: '5000',
      role: 'DIRECT',
      kinds: [],
      lines,
    } as const;
    const { stored, problems } = await store({ ...before, accounts: [...accounts, more] });
    expect(problems).toEqual([]);
    expect(stored).toMatchObject({ version: 2, storedBy: 'person:controller' });
    expect(
      await all(
        `SELECT name FROM accounting.gl_account WHERE book_id = 'NGEU' AND code IN ('1210','5310') ORDER BY code`,
      ),
    ).toEqual([{ name: 'Nostro accounts' }, { name: 'Training' }]);
    const first = await bench.run((tx) => charts.find(tx, 'NGEU', 1));
    expect(first?.chart).toEqual(before);
    expect(await all(`SELECT action FROM accounting.audit_leaf WHERE object_id = 'NGEU/chart'`)).toEqual([
      { action: 'CHART_STORED' },
    ]);
  });

  it('stays as it is when one line is wrong', async () => {
    const before = await standing();
    const wrong = before.accounts.map((one) => (one.code === '1600' ? { ...one, parent: '7777' } : one));
    const { stored, problems } = await store({ ...before, accounts: wrong.filter(({ code }) => code !== '2110') });
    expect(stored).toBeUndefined();
    expect(problems.map(({ code }) => code)).toEqual(['PARENT_NOT_FOUND', 'KIND_MISSING', 'CODE_IN_USE']);
    expect(await standing()).toEqual(before);
    expect((await store(before, 'NOBODY')).problems).toMatchObject([{ code: 'BOOK_NOT_FOUND', path: ['book'] }]);
  });

  it('opens the account of a direct code when it is first posted to', async () => {
    await bench.run((tx) => charts.openDirect(tx, 'NGEU', ['5500', '2300', '1210', '5000', 'NONE']));
    await bench.run((tx) => charts.openDirect(tx, 'NGEU', ['5500']));
    expect(
      await all(
        `SELECT number, kind, normal_side AS side FROM accounting.account WHERE number = gl_code ORDER BY number`,
      ),
    ).toEqual([
      { number: '2300', kind: 'LIABILITY', side: 'CREDIT' },
      { number: '5500', kind: 'EXPENSE', side: 'DEBIT' },
    ]);
    const [posted] = await bench.post([bench.move('cost-1', '5500', '2300', 12_500)]);
    expect(posted).toMatchObject({ outcome: 'POSTED' });
  });
});

describe('the database', () => {
  const account = (number: string, kind: string, code: string, side = 'DEBIT') =>
    `INSERT INTO accounting.account (book_id, number, kind, statement_class, normal_side, mode, state, gl_code) VALUES ('NGEU', '${number}', '${kind}', 'OWN', '${side}', 'ROLLUP', 'OPEN', '${code}')`;
  const code = (values: string) =>
    `INSERT INTO accounting.gl_account (book_id, code, name, type, normal_side, parent_code, role) VALUES ${values}`;

  it.each<[string, string, RegExp]>([
    [
      'a circle of headings',
      code(`('NGEU','X1','x','ASSET','DEBIT','X2','HEADING'), ('NGEU','X2','x','ASSET','DEBIT','X1','HEADING')`),
      /eleven headings or a circle/,
    ],
    [
      'a circle made by a change',
      `UPDATE accounting.gl_account SET parent_code = '1300' WHERE book_id = 'NGEU' AND code = '1000'`,
      /eleven headings or a circle/,
    ],
    [
      'a code above itself',
      `UPDATE accounting.gl_account SET parent_code = '1300' WHERE book_id = 'NGEU' AND code = '1300'`,
      /check constraint/,
    ],
    ['a code twice', code(`('NGEU','1310','x','ASSET','DEBIT','1300','DIRECT')`), /duplicate key/],
    [
      'a code under what is no heading',
      code(`('NGEU','X1','x','ASSET','DEBIT','1310','DIRECT')`),
      /under a heading of its type/,
    ],
    [
      'a code under a heading of another type',
      code(`('NGEU','X1','x','ASSET','DEBIT','2000','DIRECT')`),
      /under a heading of its type/,
    ],
    [
      'a heading that becomes a code with accounts below',
      `UPDATE accounting.gl_account SET role = 'DIRECT' WHERE book_id = 'NGEU' AND code = '1300'`,
      /under a heading of its type/,
    ],
    ['a code on no line', code(`('NGEU','X1','x','ASSET','DEBIT','1300','DIRECT')`), /not on one line/],
    [
      'a code on two lines of a return',
      `INSERT INTO accounting.return_mapping VALUES ('NGEU','FINANCIAL_STATEMENTS','1310','A10')`,
      /duplicate key/,
    ],
    [
      'a code taken from its line',
      `DELETE FROM accounting.return_mapping WHERE book_id = 'NGEU' AND gl_code = '1310'`,
      /on no line/,
    ],
    [
      'a code in use that goes',
      `DELETE FROM accounting.gl_account WHERE book_id = 'NGEU' AND code = '2110'`,
      /foreign key/,
    ],
    [
      'a code in use that becomes another thing',
      `UPDATE accounting.gl_account SET type = 'EQUITY' WHERE book_id = 'NGEU' AND code = '2110'`,
      /type, side and role stay/,
    ],
    ['an account under a heading', account('H', 'NOSTRO', '1000'), /cannot stand under/],
    ['an account under the code of another kind', account('H', 'NOSTRO', '2110'), /cannot stand under/],
    ['a second account under a direct code', account('H', 'ASSET', '1500'), /cannot stand under/],
    ['an account under no code', account('H', 'NOSTRO', 'NONE'), /cannot stand under/],
    [
      'an account that moves under another code',
      `UPDATE accounting.account SET gl_code = '1600' WHERE number = 'NOSTRO-EUR'`,
      /stays under its code/,
    ],
    ['a version that is changed', `UPDATE accounting.chart_version SET reason = 'another'`, /not allowed/],
  ])('refuses %s', async (_, sql, message) => {
    await expect(all(sql)).rejects.toThrow(message);
  });

  it('lets the service write a chart by its function alone, and only of a book it sees', async () => {
    for (const sql of [
      `UPDATE accounting.gl_account SET name = 'x'`,
      `INSERT INTO accounting.chart_version (book_id, version, chart, reason, stored_by) VALUES ('NGEU', 9, '{}', 'x', 'x')`,
      `DELETE FROM accounting.return_mapping`,
      `SELECT accounting.ensure_chart('NGEU')`,
    ])
      await expect(bench.run((tx) => tx.execute(sql))).rejects.toThrow(/permission denied/);
    const chart = await standing();
    await expect(
      bench.transactions.run(
        (tx) => tx.execute(`SELECT accounting.store_chart('NGEU', $1::jsonb, 'x', 'x')`, [JSON.stringify(chart)]),
        {
          books: ['NGUS'],
        },
      ),
    ).rejects.toThrow(/is not seen/);
  });
});
