import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { accountOf, type Bench, createBench, day, isin } from '../testing/bench.js';
import { type PostingItem } from './posting.js';

let bench: Bench;
let account: string;
let nostro: string;
let entry: string;
beforeAll(async () => {
  bench = await createBench();
  // Both sides have their places at once; places that are given later: rollup/rollup.int-spec.ts.
  await bench.run(async (tx) => {
    await bench.accounts.open(tx, [accountOf('NOSTRO-STRICT', 'NOSTRO', { currency: 'EUR', mode: 'STRICT' })]);
    await bench.accounts.setLimits(tx, [
      { book: 'NGEU', number: 'NOSTRO-STRICT', asset: 'EUR', overdraftUnits: '100000', paymentLimitUnits: null },
    ]);
  });
  entry = (await bench.one(bench.move('a-1', 'NOSTRO-STRICT', 'A-CASH', 1_000, { kind: 'DEPOSIT' }))).id!;
  const idOf = async (number: string) =>
    (await bench.run((tx) =>
      tx.row<{ id: string }>(
        `SELECT ledger_account_id AS id FROM accounting.ledger_account WHERE number = $1 AND asset = 'EUR'`,
        [number],
      ),
    ))!.id;
  account = await idOf('A-CASH');
  nostro = await idOf('NOSTRO-STRICT');
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
const line = (id: string, n: number, units: number, sequence: number, to = account, asset = 'EUR', balance = 0) =>
  `INSERT INTO accounting.posting (entry_id, n, book_id, ledger_account_id, asset, units, business_date, value_date, account_sequence, balance_after)
   VALUES ('${id}', ${n}, 'NGEU', ${to}, '${asset}', ${units}, '${day}', '${day}', ${sequence}, ${balance})`;
/** A whole entry that follows what stands: 1,000 in credit on the client's account, 1,000 in debit on the nostro. */
const drawn = (id: string, units: number, { from = 1, count = 2, more = '', at = [2, 2], then = '' } = {}) =>
  `WITH h AS (${header(id, count, more)}), a AS (${line(id, from, units, at[0]!, account, 'EUR', units - 1_000)}), b AS (${line(id, from + 1, -units, at[1]!, nostro, 'EUR', 1_000 - units)}) ${then}`;
const balances = (units: number, more = '') =>
  `UPDATE accounting.balance SET last_sequence = 2${more}, posted_debit = posted_debit + CASE WHEN ledger_account_id = ${account} THEN ${units} ELSE 0 END,
     posted_credit = posted_credit + CASE WHEN ledger_account_id = ${nostro} THEN ${units} ELSE 0 END WHERE ledger_account_id IN (${account}, ${nostro})`;

/** The door of the journal, opened with these lists; the others are empty. */
const booking = (lists: Readonly<Record<string, string>>) => {
  const entries =
    'id book kind business value description subject_kind subject_id key by count reverses forced hold hash';
  const names = [
    ...entries.split(' ').map((name) => `e_${name}`),
    ...'entry n account asset units sequence balance'.split(' ').map((name) => `p_${name}`),
    ...'account debit credit pending_debit pending_credit sequence excess'.split(' ').map((name) => `b_${name}`),
    ...'account book value business debit credit'.split(' ').map((name) => `d_${name}`),
  ];
  const given = names.map((name) => `${name} => '${lists[name] ?? '{}'}'`);
  return `SELECT accounting.book_postings(moment => now(), ${given.join(', ')}, rest => ${lists.rest ? `'${lists.rest}'` : 'NULL'})`;
};
/** An entry that draws on the client's account, as the service would write it. */
const withdrawal = (units: number, more: Readonly<Record<string, string>> = {}) =>
  booking({
    ...{ e_id: '{z-1}', e_book: '{NGEU}', e_kind: '{TRANSFER}', e_business: `{${day}}`, e_value: `{${day}}` },
    ...{
      e_description: '{x}',
      e_subject_kind: '{T}',
      e_subject_id: '{t}',
      e_key: '{z-1}',
      e_by: '{x}',
      e_count: '{2}',
    },
    ...{ e_reverses: '{NULL}', e_forced: '{NULL}', e_hold: '{NULL}', e_hash: `{"\\\\x${'00'.repeat(32)}"}` },
    ...{ p_entry: '{1,1}', p_n: '{1,2}', p_account: `{${account},${nostro}}`, p_asset: '{EUR,EUR}' },
    ...{ p_units: `{${units},${-units}}`, p_sequence: '{2,2}', p_balance: `{${units - 1_000},${1_000 - units}}` },
    ...{
      b_account: `{${account},${nostro}}`,
      b_debit: `{${units},1000}`,
      b_credit: `{1000,${units}}`,
      b_sequence: '{2,2}',
    },
    ...{ b_pending_debit: '{0,0}', b_pending_credit: '{0,0}', b_excess: '{0,0}' },
    ...more,
  });

describe('nobody writes the journal but the posting function', () => {
  const writes = [
    'journal_entry',
    'posting',
    'rollup_place',
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
      `SELECT * FROM accounting.take_keys('{}', '{}', '{}')`,
      `SELECT * FROM accounting.lock_accounts('{}', '{}', '{}', '{}', '{}', '{}', '{}', 'SHARE')`,
      'SELECT accounting.fold_rollups(1, 1)',
      booking({}),
      `SELECT accounting.set_limits('[]')`,
      `SELECT accounting.set_account_state('NGEU', 'A-CASH', 'CLOSED')`,
    ]) {
      expect([denied, '25006']).toContain(await attack(role, sql));
    }
  });
  it('reads nothing of another service', async () => {
    for (const role of ['settlement', 'compliance'] as const) {
      expect(await attack(role, 'SELECT * FROM accounting.posting')).toBe(denied);
    }
  });
  it('has one door to the journal, and one to the limits', async () => {
    for (const sql of [
      `SELECT accounting.open_ledger_accounts('{NGEU}', '{A-CASH}', '{USD}')`,
      `SELECT accounting.expire_holds('{1}', now())`,
      'SELECT accounting.fold_rollup(1, 1)',
      `INSERT INTO accounting.account_limit (book_id, number, asset, overdraft_units) VALUES ('NGEU', 'A-CASH', 'EUR', 1000000)`,
      `UPDATE accounting.account_limit SET overdraft_units = 1000000`,
      `INSERT INTO accounting.ledger_account (book_id, number, asset) VALUES ('NGEU', 'A-CASH', 'USD')`,
      `UPDATE accounting.account SET mode = 'ROLLUP'`,
      `UPDATE accounting.account SET state = 'OPEN'`,
      `DELETE FROM accounting.business_day`,
      `SELECT setval(pg_get_serial_sequence('accounting.journal_entry', 'sequence'), 1)`,
      `ALTER TABLE accounting.posting DISABLE TRIGGER ALL`,
      `SET session_replication_role = replica`,
      `SET ROLE migrate`,
    ]) {
      expect([sql, await attack('accounting', sql)]).toEqual([sql, denied]);
    }
  });
});

describe('the door of the journal itself lets nothing through that is not whole, whoever opens it', () => {
  it('books what is whole, so that the attacks below fail for their own reason', async () => {
    expect(await attack('accounting', withdrawal(400))).toBe('let through');
  });
  const attempts: [string, () => string, string][] = [
    ['more than there is', () => withdrawal(2_000), checked],
    ['more than there is, called an excess', () => withdrawal(2_000, { b_excess: '{1000,0}' }), checked],
    [
      'sides that differ',
      () => withdrawal(400, { p_units: '{400,-399}', p_balance: '{-600,601}', b_credit: '{1000,399}' }),
      checked,
    ],
    ['a posting too few', () => withdrawal(400, { e_count: '{3}' }), checked],
    ['a gap in the sequence', () => withdrawal(400, { p_sequence: '{3,2}', b_sequence: '{3,2}' }), checked],
    ['a balance of its own', () => withdrawal(400, { b_debit: '{401,1000}' }), checked],
    ['an entry on a closed date', () => withdrawal(400, { e_business: '{2026-11-20}' }), checked],
    ['postings without an entry', () => withdrawal(400, { e_id: '{}' }), '23502'],
    ['another asset', () => withdrawal(400, { p_asset: `{${isin},${isin}}` }), '23503'],
    ['another book', () => withdrawal(400, { e_book: '{NGUS}' }), '23503'],
    ['what is pending without a hold', () => withdrawal(400, { b_pending_debit: '{100,0}' }), checked],
    [
      'a hold that is open further than it was placed',
      () => booking({ rest: '{"movements":[{"hold":"none","book":"NGEU","kind":"RELEASED","units":1}]}' }),
      '23503',
    ],
  ];
  it.each(attempts)('%s', async (_, sql, code) => {
    expect(await attack('accounting', sql())).toBe(code);
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
    ['emptied postings', () => `TRUNCATE accounting.posting CASCADE`, restricted],
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

  /** Why the owner of the tables was stopped: the constraint or the words of the trigger. */
  async function stoppedBy(sql: string): Promise<string> {
    const client = await bench.database.pool('migrate').connect();
    try {
      await client.query(`BEGIN; SELECT set_config('app.books', '*', true)`);
      await client.query(sql);
      return 'let through';
    } catch (error) {
      const { constraint, message } = error as { constraint?: string; message: string };
      return constraint ?? message;
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
  }

  it('lets a whole entry with its balances through, so that the attacks beside it fail for their own reason', async () => {
    expect(await stoppedBy(drawn('y-0', 400, { then: balances(400) }))).toBe('let through');
  });

  const follows: [string, () => string, string | RegExp][] = [
    ['postings that no balance follows', () => drawn('y-1', 400, { then: 'SELECT 1' }), /its balance does not follow/],
    [
      'a balance that follows one account only',
      () => drawn('y-2', 400, { then: `${balances(400)} AND ledger_account_id = ${nostro}` }),
      /its balance does not follow/,
    ],
    [
      'a gap in the sequence of an account',
      () =>
        drawn('y-3', 400, {
          at: [3, 2],
          then: balances(400).replace(
            'last_sequence = 2',
            `last_sequence = CASE WHEN ledger_account_id = ${account} THEN 3 ELSE 2 END`,
          ),
        }),
      /does not follow the one before it/,
    ],
    [
      'a running balance of its own',
      () => drawn('y-4', 400, { then: balances(400) }).replace(', 2, -600)', ', 2, -601)'),
      /does not follow/,
    ],
    [
      'postings that do not start at one',
      () => drawn('y-5', 400, { from: 2, then: balances(400) }),
      /postings of its header|lacks postings/,
    ],
    ['a draw below the limit', () => drawn('y-6', 2_000, { then: balances(2_000) }), 'available_within_limit'],
    [
      'a draw below the limit that calls itself forced',
      () =>
        drawn('y-7', 2_000, {
          then: balances(2_000, `, forced_excess = CASE WHEN ledger_account_id = ${account} THEN 1000 ELSE 0 END`),
        }),
      /drawn beyond its limit by no forced entry/,
    ],
    [
      'an excess where nothing is drawn',
      () => `UPDATE accounting.balance SET forced_excess = 500 WHERE ledger_account_id = ${account}`,
      'excess_is_what_is_drawn',
    ],
    ['a bucket thrown away', () => `DELETE FROM accounting.daily_bucket`, /is not allowed/],
  ];
  it.each(follows)('%s', async (_, sql, reason) => {
    expect(await stoppedBy(sql())).toEqual(typeof reason === 'string' ? reason : expect.stringMatching(reason));
  });

  it('nor reverses an entry twice', async () => {
    const reversal: PostingItem = {
      op: 'REVERSAL',
      key: 'once',
      book: 'NGEU',
      kind: 'CORRECTION',
      businessDate: day,
      valueDate: day,
      description: 'x',
      subject: { kind: 'T', id: 't' },
      reverses: entry,
    };
    expect(await bench.one(reversal)).toMatchObject({ outcome: 'POSTED' });
    expect(await attack('migrate', header('x-10', 2, `, '${entry}'`))).toBe('23505');
    expect(await stoppedBy(header('x-10', 2, `, '${entry}'`))).toBe('journal_entry_reverses');
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
  it('makes the posting wait for a closing under way, and refuses it then', async () => {
    const closing = await bench.database.pool('migrate').connect();
    await closing.query(
      `BEGIN; SELECT set_config('app.books', '*', true); SELECT 1 FROM accounting.business_day WHERE business_date = '${day}' FOR UPDATE`,
    );
    const posting = bench.one(bench.move('race-close', 'NOSTRO-EUR', 'A-CASH', 1, { kind: 'DEPOSIT' }));
    await closing.query(`UPDATE accounting.business_day SET state = 'CLOSED' WHERE business_date = '${day}'; COMMIT`);
    closing.release();
    expect(await posting).toMatchObject({ code: 'PERIOD_CLOSED' });
  });

  it('makes a closing wait for the posting under way, also a bare UPDATE of the service', async () => {
    const open = '2026-12-01';
    await bench.run((tx) =>
      tx.execute(
        `UPDATE accounting.business_day SET state = 'CLOSED' WHERE book_id = 'NGEU' AND business_date = '${day}'`,
      ),
    );
    await bench.run((tx) =>
      tx.execute(
        `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ('NGEU', '${open}', 'OPEN', '2026-12-02')`,
      ),
    );
    const closing = await bench.database.pool('accounting').connect();
    let isClosed = false;
    const { rows } = await closing.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    let closed: Promise<unknown> = Promise.resolve();
    await bench.run(async (tx) => {
      const item = bench.move('before-close', 'NOSTRO-EUR', 'A-CASH', 1, {
        kind: 'DEPOSIT',
        businessDate: open,
        valueDate: open,
      });
      expect(await bench.posting.post(tx, { items: [item], requestedBy: 'x' })).toMatchObject([{ outcome: 'POSTED' }]);
      closed = closing
        .query(
          `BEGIN; SELECT set_config('app.books', '*', true); UPDATE accounting.business_day SET state = 'CLOSED' WHERE business_date = '${open}'; COMMIT`,
        )
        .then(() => (isClosed = true));
      await bench.waitsFor(rows[0]!.pid);
      expect(isClosed).toBe(false);
    });
    await closed;
    closing.release();
    expect(isClosed).toBe(true);
  });
});
