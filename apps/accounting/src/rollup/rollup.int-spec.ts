import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type QueryRunner } from 'typeorm';
import { type Tx } from '#libs/database/index.js';
import { accountingInvariants } from '../accounting.invariants.js';
import { PostingEngine20261201000209 } from '../database/migrations/20261201000209-posting-engine.js';
import { type Bench, createBench, day } from '../testing/bench.js';
import { foldRollups } from './rollup.repository.js';

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
  await bench.post([bench.move('opens', 'NOSTRO-EUR', 'A-CASH', 1_000_000, { kind: 'DEPOSIT' })]);
});
afterAll(async () => {
  await bench.drop();
});
afterEach(async () => {
  await expectWhole();
});

async function expectWhole(): Promise<void> {
  const verify = bench.database.pool('verify');
  for (const one of accountingInvariants) {
    const { broken } = await one.check(async (sql, parameters) => (await verify.query(sql, parameters)).rows as never);
    expect({ number: one.number, broken }).toEqual({ number: one.number, broken: [] });
  }
}
const foldAll = async () => {
  let folded = 0;
  for (;;) {
    const { postings, isFull } = await bench.run(foldRollups);
    folded += postings;
    if (!isFull) return folded;
  }
};
interface Row {
  debit: string;
  credit: string;
  sequence: string;
  version: string;
}
/** The row of the account as the fold left it, with the transaction that wrote it. */
const row = async (number: string, tx?: Tx): Promise<Row> => {
  const read = (of: Tx) =>
    of.row<Row>(
      `SELECT b.posted_debit AS debit, b.posted_credit AS credit, b.last_sequence AS sequence, b.xmin::text AS version
         FROM accounting.balance b JOIN accounting.ledger_account l USING (ledger_account_id) WHERE l.number = $1 AND l.asset = 'EUR'`,
      [number],
    );
  return (await (tx ? read(tx) : bench.run(read)))!;
};
const now = async (number: string) =>
  (await bench.run((tx) =>
    tx.row<{ balance: string; unfolded: string }>(
      `SELECT (b.posted_debit - b.posted_credit)::text AS balance, b.unfolded FROM accounting.balance_now b
         JOIN accounting.ledger_account l USING (ledger_account_id) WHERE l.number = $1 AND l.asset = 'EUR'`,
      [number],
    ),
  ))!;
const order = (number: string) =>
  bench.run((tx) =>
    tx.rows<{ sequence: string; balance: string; units: string }>(
      `SELECT p.account_sequence AS sequence, p.balance_after AS balance, p.units FROM accounting.posting_in_order p
         JOIN accounting.ledger_account l USING (ledger_account_id) WHERE l.number = $1 AND l.asset = 'EUR' ORDER BY 1`,
      [number],
    ),
  );

describe('a rollup account', () => {
  it('is not touched by a posting; what stands is exact before the fold and after it', async () => {
    await foldAll();
    const before = await row('NOSTRO-EUR');
    await bench.post([bench.move('r-1', 'A-CASH', 'NOSTRO-EUR', 40), bench.move('r-2', 'NOSTRO-EUR', 'A-CASH', 15)]);
    expect(await row('NOSTRO-EUR')).toEqual(before);
    expect(await now('NOSTRO-EUR')).toEqual({ balance: '999975', unfolded: '2' });
    const expected = await order('NOSTRO-EUR');
    expect(expected.slice(-2)).toEqual([
      { sequence: '2', balance: '999960', units: '-40' },
      { sequence: '3', balance: '999975', units: '15' },
    ]);
    await expectWhole();
    expect(await foldAll()).toBe(2);
    expect(await now('NOSTRO-EUR')).toEqual({ balance: '999975', unfolded: '0' });
    expect(await row('NOSTRO-EUR')).toMatchObject({ debit: '1000015', credit: '40', sequence: '3' });
    expect(await order('NOSTRO-EUR')).toEqual(expected);
    expect(await foldAll()).toBe(0);
  });

  it('is posted to by many at the same time, and folded meanwhile', async () => {
    await bench.post([bench.move('m-0', 'A-CASH', 'B-CASH', 1_000)]);
    const before = await now('NOSTRO-EUR');
    await bench.run(async (first) => {
      await bench.posting.post(first, { items: [bench.move('m-1', 'A-CASH', 'NOSTRO-EUR', 10)], requestedBy: 'x' });
      // The first is under way, and nobody waits for it.
      await bench.post([bench.move('m-2', 'B-CASH', 'NOSTRO-EUR', 5)]);
      expect(await foldAll()).toBe(1);
      expect(await now('NOSTRO-EUR')).toEqual({ balance: String(Number(before.balance) - 5), unfolded: '0' });
    });
    expect(await now('NOSTRO-EUR')).toEqual({ balance: String(Number(before.balance) - 15), unfolded: '1' });
    expect(await foldAll()).toBe(1);
  });

  it('makes who needs it to the unit wait for all who post, and those who come later wait for him', async () => {
    const sweep = bench.move('s-2', 'SUSPENSE', 'A-CASH', 100, { upTo: 'DEBIT' as const });
    const pay = (key: string) => bench.move(key, 'A-CASH', 'SUSPENSE', 30);
    await bench.post([pay('s-0')]);
    let swept: Promise<unknown> = Promise.resolve();
    await bench.run(async (first) => {
      await bench.posting.post(first, { items: [pay('s-1')], requestedBy: 'x' });
      let isDone = false;
      swept = bench.post([sweep]).then((results) => {
        isDone = true;
        return results;
      });
      const blocked = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
      const until = Date.now() + 10_000;
      while ((await bench.database.pool('owner').query<{ n: number }>(blocked)).rows[0]?.n === 0)
        if (Date.now() > until) throw new Error('the sweep waits for nobody');
      expect(isDone).toBe(false);
    });
    // What the first booked is in it, and nothing else could come between.
    expect(await swept).toMatchObject([{ outcome: 'POSTED', units: '60' }]);
  });

  it('keeps what is pending on it, whatever is folded', async () => {
    const placed = await bench.one({
      op: 'HOLD',
      key: 'h-1',
      book: 'NGEU',
      hold: {
        debitAccount: 'A-CASH',
        creditAccount: 'FEES',
        asset: 'EUR',
        units: '50',
        expiresAt: '2026-11-25T12:00:00Z',
        reason: 'x',
      },
    });
    await bench.post([
      bench.move('h-2', 'A-CASH', 'FEES', 7),
      {
        ...bench.move('h-3', 'A-CASH', 'FEES', 1),
        op: 'CAPTURE',
        hold: { holdId: placed.id ?? '', units: '20', final: false },
      } as never,
    ]);
    expect(await now('FEES')).toEqual({ balance: '-27', unfolded: '2' });
    await foldAll();
    expect(await now('FEES')).toEqual({ balance: '-27', unfolded: '0' });
  });
});

describe('whatever comes, in whatever order it is folded', () => {
  it('nothing is lost or made, and every account is in sequence', async () => {
    const accounts = ['A-CASH', 'B-CASH', 'NOSTRO-EUR', 'SUSPENSE', 'FEES'];
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.record({
              from: fc.constantFrom(...accounts),
              to: fc.constantFrom(...accounts),
              units: fc.integer({ min: 1, max: 50 }),
            }),
            fc.constant('FOLD' as const),
          ),
          { minLength: 5, maxLength: 25 },
        ),
        async (steps) => {
          run += 1;
          const moves = steps.map((step, n) =>
            step === 'FOLD' ? foldAll() : bench.post([bench.move(`p-${run}-${n}`, step.from, step.to, step.units)]),
          );
          await Promise.all(moves);
          await expectWhole();
          const [sum] = await bench.run((tx) =>
            tx.rows<{ sum: string }>(
              `SELECT sum(posted_debit - posted_credit)::text AS sum FROM accounting.balance_now`,
            ),
          );
          expect(sum?.sum).toBe('0');
        },
      ),
      { numRuns: 12, seed: Number(process.env.PROPERTY_SEED ?? 20261202) },
    );
    await foldAll();
  });
});

describe('the tables keep the places', () => {
  /** As the owner of the tables; what stopped him. */
  async function stoppedBy(sql: string): Promise<string> {
    const client = await bench.database.pool('migrate').connect();
    try {
      await client.query(`BEGIN; SELECT set_config('app.books', '*', true)`);
      await client.query(sql);
      return 'let through';
    } catch (error) {
      return (error as Error).message;
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
  }
  const entry = (id: string) =>
    `INSERT INTO accounting.journal_entry (entry_id, book_id, kind, business_date, value_date, booked_at, description, subject_kind, subject_id, idempotency_key, requested_by, posting_count, entry_hash)
     VALUES ('${id}', 'NGEU', 'TRANSFER', '${day}', '${day}', now(), 'x', 'T', 't', '${id}', 'x', 2, sha256('x'))`;
  const ofAccount = (number: string) =>
    `(SELECT ledger_account_id FROM accounting.ledger_account WHERE number = '${number}' AND asset = 'EUR')`;
  const posting = (id: string, n: number, number: string, units: number, place = 'NULL, NULL') =>
    `INSERT INTO accounting.posting (entry_id, n, book_id, ledger_account_id, asset, units, business_date, value_date, account_sequence, balance_after)
     SELECT '${id}', ${n}, 'NGEU', ${ofAccount(number)}, 'EUR', ${units}, '${day}', '${day}', ${place}`;
  const place = (id: string, n: number, number: string, more = 'NULL::bigint, NULL::numeric') =>
    `INSERT INTO accounting.rollup_place (entry_id, n, book_id, ledger_account_id, account_sequence, balance_after)
     SELECT '${id}', ${n}, 'NGEU', ${ofAccount(number)}, ${more}`;
  const tail = `entry_id = (SELECT entry_id FROM accounting.rollup_place WHERE account_sequence IS NULL LIMIT 1)`;
  const folded = `entry_id = (SELECT entry_id FROM accounting.rollup_place WHERE account_sequence IS NOT NULL LIMIT 1)`;
  beforeAll(async () => {
    await foldAll();
    await bench.post([bench.move('t-1', 'A-CASH', 'FEES', 3)]);
  });

  it('lets a whole entry between two rollup accounts through, so that the attacks fail for their own reason', async () => {
    const whole = `WITH h AS (${entry('w-1')}), a AS (${posting('w-1', 1, 'FEES', 5)}), b AS (${posting('w-1', 2, 'SUSPENSE', -5)}),
      c AS (${place('w-1', 1, 'FEES')}) ${place('w-1', 2, 'SUSPENSE')}`;
    expect(await stoppedBy(whole)).toBe('let through');
  });

  it.each<[string, () => string, RegExp]>([
    [
      'a posting without its place',
      () =>
        `WITH h AS (${entry('w-2')}), a AS (${posting('w-2', 1, 'FEES', 5)}), b AS (${posting('w-2', 2, 'SUSPENSE', -5)}) ${place('w-2', 1, 'FEES')}`,
      /has no place, or one that it must not have/,
    ],
    [
      'a posting with a sequence on a rollup account',
      () =>
        `WITH h AS (${entry('w-3')}), a AS (${posting('w-3', 1, 'FEES', 5, '99, 5')}), b AS (${posting('w-3', 2, 'SUSPENSE', -5)}) ${place('w-3', 2, 'SUSPENSE')}`,
      /has no place, or one that it must not have/,
    ],
    [
      'a posting without a sequence on a strict account',
      () =>
        `WITH h AS (${entry('w-4')}), a AS (${posting('w-4', 1, 'A-CASH', 5)}), b AS (${posting('w-4', 2, 'SUSPENSE', -5)}),
           c AS (${place('w-4', 1, 'A-CASH')}) ${place('w-4', 2, 'SUSPENSE')}`,
      /has no place, or one that it must not have/,
    ],
    ['a place without a posting', () => place('w-5', 1, 'FEES'), /no posting for this place/],
    [
      'a place on another account than the posting',
      () =>
        `WITH h AS (${entry('w-6')}), a AS (${posting('w-6', 1, 'FEES', 5)}), b AS (${posting('w-6', 2, 'SUSPENSE', -5)}),
           c AS (${place('w-6', 1, 'NOSTRO-EUR')}) ${place('w-6', 2, 'SUSPENSE')}`,
      /no posting for this place/,
    ],
    [
      'a place given by hand',
      () => `UPDATE accounting.rollup_place SET account_sequence = 900, balance_after = 1 WHERE ${tail}`,
      /does not follow/,
    ],
    [
      'a place given twice',
      () => `UPDATE accounting.rollup_place SET account_sequence = account_sequence + 1 WHERE ${folded}`,
      /is given once/,
    ],
    [
      'a place taken away',
      () => `UPDATE accounting.rollup_place SET account_sequence = NULL, balance_after = NULL WHERE ${folded}`,
      /is given once/,
    ],
    [
      'a place of another account',
      () =>
        `UPDATE accounting.rollup_place SET ledger_account_id = 1, account_sequence = 1, balance_after = 1 WHERE ${tail}`,
      /is given once/,
    ],
    [
      'half a place',
      () => `UPDATE accounting.rollup_place SET account_sequence = 900 WHERE ${tail}`,
      /check constraint/,
    ],
    ['a place thrown away', () => 'DELETE FROM accounting.rollup_place', /is not allowed/],
    ['all places thrown away', () => 'TRUNCATE accounting.rollup_place', /is not allowed/],
    [
      'a balance that moves without the fold',
      () =>
        `UPDATE accounting.balance SET posted_debit = posted_debit + 1 WHERE ledger_account_id = ${ofAccount('FEES')}`,
      /does not follow its postings/,
    ],
    [
      'a watermark that goes back',
      () =>
        `UPDATE accounting.balance SET last_sequence = 0, posted_debit = 0, posted_credit = 0 WHERE ledger_account_id = ${ofAccount('NOSTRO-EUR')}`,
      /does not follow its postings/,
    ],
  ])('%s', async (_, sql, reason) => {
    expect(await stoppedBy(sql())).toMatch(reason);
  });
});

describe('places that the postings have themselves', () => {
  it('as before there were rollup accounts, are followed by those that the fold gives', async () => {
    await bench.post([bench.move('d-1', 'A-CASH', 'FEES', 3)]);
    const before = await order('FEES');
    const owner = await bench.database.pool('migrate').connect();
    const runner = { query: (sql: string) => owner.query(sql) } as unknown as QueryRunner;
    try {
      const migration = new PostingEngine20261201000209();
      await owner.query('BEGIN');
      // Came later, and reads what this migration made.
      await owner.query('DROP VIEW accounting.posting_dimension_now');
      await migration.down(runner);
      await migration.up(runner);
      await owner.query('COMMIT');
    } finally {
      owner.release();
    }
    expect(await order('FEES')).toEqual(before);
    expect((await now('FEES')).unfolded).toBe('0');
    await bench.post([bench.move('d-2', 'A-CASH', 'FEES', 4)]);
    await expectWhole();
    expect(await foldAll()).toBe(1);
    expect((await order('FEES')).slice(0, -1)).toEqual(before);
  });
});
