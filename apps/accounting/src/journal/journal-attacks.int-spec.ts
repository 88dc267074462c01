import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Bench, createBench, day, isin } from '../testing/bench.js';

let bench: Bench;
let account: string;
let entry: string;
beforeAll(async () => {
  bench = await createBench();
  entry = (await bench.one(bench.move('a-1', 'NOSTRO-EUR', 'A-CASH', 1_000, { kind: 'DEPOSIT' }))).id!;
  account = (await bench.run((tx) =>
    tx.row<{ id: string }>(
      `SELECT ledger_account_id AS id FROM accounting.ledger_account WHERE number = 'A-CASH' AND asset = 'EUR'`,
    ),
  ))!.id;
});
afterAll(async () => {
  await bench.drop();
});

/** Each statement alone, as the role; what the database answers. */
async function attack(
  role: 'accounting' | 'settlement' | 'compliance' | 'verify' | 'queue' | 'migrate',
  sql: string,
): Promise<string> {
  const client = await bench.database.pool(role).connect();
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
}
const denied = '42501';
const restricted = '23001';
const checked = '23514';

const header = (id: string, count: number, more = '') =>
  `INSERT INTO accounting.journal_entry (entry_id, book_id, kind, business_date, value_date, booked_at, description, subject_kind, subject_id, idempotency_key, requested_by, posting_count, entry_hash ${more ? ', reverses_entry_id' : ''})
   VALUES ('${id}', 'NGEU', 'TRANSFER', '${day}', '${day}', now(), 'x', 'T', 't', '${id}', 'x', ${count}, sha256('x') ${more})`;
const line = (id: string, n: number, units: number, sequence: number, to = account, asset = 'EUR') =>
  `INSERT INTO accounting.posting (entry_id, n, book_id, ledger_account_id, asset, units, business_date, value_date, account_sequence, balance_after)
   VALUES ('${id}', ${n}, 'NGEU', ${to}, '${asset}', ${units}, '${day}', '${day}', ${sequence}, 0)`;

describe('nobody writes the journal but the posting function', () => {
  const writes = [
    'journal_entry',
    'posting',
    'balance',
    'daily_bucket',
    'hold',
    'hold_movement',
    'posting_key',
    'posting_refusal',
  ].flatMap((table) => [
    `DELETE FROM accounting.${table}`,
    `TRUNCATE accounting.${table} CASCADE`,
    `UPDATE accounting.${table} SET book_id = 'NGUS'`,
    `INSERT INTO accounting.${table} (book_id) VALUES ('NGEU')`,
  ]);
  it.each(writes)('the service itself: %s', async (sql) => {
    expect(await attack('accounting', sql)).toBe(denied);
  });
  it.each(['settlement', 'compliance', 'queue', 'verify'] as const)('another role: %s', async (role) => {
    for (const sql of [
      'UPDATE accounting.posting SET units = 1',
      "INSERT INTO accounting.balance (book_id) VALUES ('NGEU')",
      'DELETE FROM accounting.journal_entry',
      `SELECT accounting.post('{"items":[]}')`,
      `SELECT accounting.set_limit('NGEU', 'A-CASH', 'EUR', 1000000, NULL)`,
    ]) {
      expect([denied, '25006']).toContain(await attack(role, sql));
    }
  });
  it('reads nothing of another service', async () => {
    for (const role of ['settlement', 'compliance'] as const) {
      expect(await attack(role, 'SELECT * FROM accounting.posting')).toBe(denied);
    }
    expect(await attack('accounting', 'SELECT accounting.post_items(\'{"items":[]}\')')).toBe(denied);
  });
});

describe('not even the owner of the tables breaks an entry', () => {
  const cases: [string, () => string, string][] = [
    ['a header without postings', () => header('x-1', 2), checked],
    [
      'postings that do not sum to zero',
      () => `WITH h AS (${header('x-2', 2)}), a AS (${line('x-2', 1, 5, 2)}) ${line('x-2', 2, -4, 3)}`,
      checked,
    ],
    [
      'fewer postings than the header says',
      () => `WITH h AS (${header('x-3', 3)}), a AS (${line('x-3', 1, 5, 2)}) ${line('x-3', 2, -5, 3)}`,
      checked,
    ],
    ['a single posting', () => header('x-4', 1), checked],
    ['a posting added to a booked entry', () => line(entry, 3, 5, 2), checked],
    ['a posting without a header', () => line('x-5', 1, 5, 2), '23503'],
    [
      'a posting of zero',
      () => `WITH h AS (${header('x-6', 2)}), a AS (${line('x-6', 1, 0, 2)}) ${line('x-6', 2, 0, 3)}`,
      checked,
    ],
    [
      'a sequence used twice',
      () => `WITH h AS (${header('x-7', 2)}), a AS (${line('x-7', 1, 5, 1)}) ${line('x-7', 2, -5, 2)}`,
      '23505',
    ],
    [
      'an asset that the account does not hold',
      () =>
        `WITH h AS (${header('x-8', 2)}), a AS (${line('x-8', 1, 5, 2, account, isin)}) ${line('x-8', 2, -5, 3, account, isin)}`,
      '23503',
    ],
    ['a changed posting', () => `UPDATE accounting.posting SET units = 7`, restricted],
    ['a changed header', () => `UPDATE accounting.journal_entry SET description = 'y'`, restricted],
    ['a deleted entry', () => `DELETE FROM accounting.journal_entry`, restricted],
    ['emptied postings', () => `TRUNCATE accounting.posting`, restricted],
    [
      'a balance without a posting',
      () => `UPDATE accounting.balance SET posted_credit = posted_credit + 1 WHERE ledger_account_id = ${account}`,
      checked,
    ],
    [
      'a pending amount without a hold',
      () => `UPDATE accounting.balance SET pending_debit = 1 WHERE ledger_account_id = ${account}`,
      checked,
    ],
    [
      'a counter below zero',
      () => `UPDATE accounting.balance SET pending_credit = -1 WHERE ledger_account_id = ${account}`,
      checked,
    ],
    ['a deleted balance', () => `DELETE FROM accounting.balance`, restricted],
    ['a deleted key', () => `DELETE FROM accounting.posting_key`, restricted],
    ['a forgotten refusal', () => `TRUNCATE accounting.posting_refusal`, restricted],
  ];
  it.each(cases)('%s', async (_, sql, code) => {
    expect(await attack('migrate', sql())).toBe(code);
  });

  it('nor draws a strict account below its limit', async () => {
    const nostro = (await bench.run((tx) =>
      tx.row<{ id: string }>(
        `SELECT ledger_account_id AS id FROM accounting.ledger_account WHERE number = 'NOSTRO-EUR'`,
      ),
    ))!.id;
    const client = await bench.database.pool('migrate').connect();
    const outcome = await client
      .query(
        `BEGIN; SELECT set_config('app.books', '*', true);
         WITH h AS (${header('x-9', 2)}), a AS (${line('x-9', 1, 2_000, 2).replace(/, 0\)$/, ', 1000)')}) ${line('x-9', 2, -2_000, 2, nostro).replace(/, 0\)$/, ', -1000)')};
         UPDATE accounting.balance SET posted_debit = posted_debit + 2000, last_sequence = 2 WHERE ledger_account_id = ${account}`,
      )
      .then(
        () => 'let through',
        (error: unknown) => (error as { constraint?: string }).constraint,
      );
    await client.query('ROLLBACK');
    client.release();
    expect(outcome).toBe('available_within_limit');
  });

  it('nor reverses an entry twice', async () => {
    const twice = (id: string) =>
      `WITH h AS (${header(id, 2, `, '${entry}'`)}), a AS (${line(id, 1, 5, 2)}) ${line(id, 2, -5, 3)}`;
    expect(
      await attack(
        'migrate',
        `${twice('x-10')}; ${twice('x-11').replaceAll(', 2, 0)', ', 4, 0)').replaceAll(', 3, 0)', ', 5, 0)')}`,
      ),
    ).toBe('23505');
  });
});

describe('books keep apart', () => {
  it('shows and books only what the caller may see', async () => {
    const asOther = await bench.transactions.run((tx) => tx.rows('SELECT 1 FROM accounting.posting'), {
      books: ['NGUS'],
    });
    expect(asOther).toEqual([]);
    const results = await bench.transactions
      .run(
        (tx) => bench.posting.post(tx, { items: [bench.move('other-1', 'NOSTRO-EUR', 'A-CASH', 1)], requestedBy: 'x' }),
        { books: ['NGUS'] },
      )
      .then(
        () => 'let through',
        (error: unknown) => (error as { code?: string }).code,
      );
    expect(results).toBe(denied);
  });
});

describe('the day guards the journal', () => {
  it('waits for a posting under way and refuses the next one', async () => {
    const closing = await bench.database.pool('migrate').connect();
    await closing.query(
      `BEGIN; SELECT set_config('app.books', '*', true); SELECT 1 FROM accounting.business_day WHERE business_date = '${day}' FOR UPDATE`,
    );
    const posting = bench.one(bench.move('race-close', 'NOSTRO-EUR', 'A-CASH', 1, { kind: 'DEPOSIT' }));
    await closing.query(`UPDATE accounting.business_day SET state = 'CLOSED' WHERE business_date = '${day}'; COMMIT`);
    closing.release();
    expect(await posting).toMatchObject({ code: 'PERIOD_CLOSED' });
  });
});
