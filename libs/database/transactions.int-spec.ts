import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase, type TestDatabase, waitFor } from '#libs/testing/index.js';
import { sqlStateOf, TransactionAborted, type Transactions, type Tx } from './index.js';

let database: TestDatabase;
let transactions: Transactions;
const delays: number[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  await database.pool('migrate').query(`
    CREATE TABLE settlement.counter (id int PRIMARY KEY, n int NOT NULL);
    INSERT INTO settlement.counter VALUES (1, 0), (2, 0), (3, 0);
    GRANT SELECT, INSERT, UPDATE ON settlement.counter TO settlement;
  `);
  transactions = database.transactions('settlement', {
    random: () => 0.5,
    delay: (ms) => {
      delays.push(ms);
      return Promise.resolve();
    },
  });
});
afterAll(() => database.drop());

const valueOf = async (id: number) =>
  (await transactions.run((tx) => tx.row<{ n: number }>('SELECT n FROM counter WHERE id = $1', [id])))?.n;

/** Two parties that wait until both are there, on their first attempt only. */
function meeting(): (attempt: number) => Promise<void> {
  let arrived = 0;
  return async (attempt) => {
    if (attempt > 1) return;
    arrived += 1;
    await waitFor(() => arrived === 2, { what: 'the other transaction' });
  };
}

describe('transactions', () => {
  it('gives values back without losing a digit or a day', async () => {
    const row = await transactions.run((tx) =>
      tx.row(`SELECT date '2026-11-25' AS day, ARRAY[date '2026-11-25', NULL] AS days, 340282366920938463463374607431768211455::numeric AS amount,
        ARRAY[0.10::numeric, 9007199254740993] AS amounts, 9007199254740993::bigint AS big, ARRAY[9007199254740993::bigint] AS bigs, timestamptz '2026-11-25 07:00+00' AS instant`),
    );
    expect(row).toEqual({
      day: '2026-11-25',
      days: ['2026-11-25', null],
      amount: '340282366920938463463374607431768211455',
      amounts: ['0.10', '9007199254740993'],
      big: '9007199254740993',
      bigs: ['9007199254740993'],
      instant: new Date('2026-11-25T07:00:00Z'),
    });
  });

  it('takes whole numbers beyond JSON as parameters', async () => {
    expect(
      await transactions.run((tx) => tx.row('SELECT $1::numeric AS n, $2::bigint[] AS m', [2n ** 127n, [1n, 2n]])),
    ).toEqual({ n: (2n ** 127n).toString(), m: ['1', '2'] });
  });

  it('keeps all or nothing', async () => {
    await expect(
      transactions.run(async (tx) => {
        expect(await tx.execute('UPDATE counter SET n = 50 WHERE id IN (1, 2)')).toBe(2);
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(await valueOf(1)).toBe(0);
  });

  it('does the work after the commit, and only then', async () => {
    const told: string[] = [];
    await transactions.run(async (tx) => {
      tx.afterCommit(() => told.push('kept'));
      await tx.rows('SELECT 1');
      expect(told).toEqual([]);
    });
    await expect(
      transactions.run(async (tx) => {
        tx.afterCommit(() => told.push('lost'));
        await tx.rows('SELECT 1');
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(told).toEqual(['kept']);
  });

  it('does not take a swallowed error for success', async () => {
    const swallowing = transactions.run(async (tx) => {
      await tx.execute('UPDATE counter SET n = 77 WHERE id = 1');
      await tx.execute('INSERT INTO counter VALUES (1, 0)').catch(() => undefined);
    });
    await expect(swallowing).rejects.toThrow(TransactionAborted);
    expect(await valueOf(1)).toBe(0);
  });

  it('refuses use after its end', async () => {
    let kept: Tx | undefined;
    await transactions.run(async (tx) => {
      kept = tx;
      await tx.rows('SELECT 1');
    });
    await expect((async () => kept?.rows('SELECT 1'))()).rejects.toThrow(/has ended/);
  });

  it('only reads when it said so', async () => {
    await expect(transactions.run((tx) => tx.execute('UPDATE counter SET n = 1'), { readOnly: true })).rejects.toThrow(
      /read-only transaction/,
    );
  });

  it('ends a statement that takes too long', async () => {
    const error = await transactions
      .run((tx) => tx.rows('SELECT pg_sleep(30)'), { statementTimeoutMs: 50 })
      .catch((reason: unknown) => reason);
    expect(sqlStateOf(error)).toBe('57014');
    expect(await transactions.run((tx) => tx.row('SHOW statement_timeout'))).toEqual({ statement_timeout: '30s' });
  });

  it('repeats a serialization failure (40001), with what the other one wrote', async () => {
    const meet = meeting();
    let attempts = 0;
    delays.length = 0;
    const addOne = async () => {
      let attempt = 0;
      await transactions.run(
        async (tx) => {
          attempts += 1;
          attempt += 1;
          const row = await tx.row<{ n: number }>('SELECT n FROM counter WHERE id = 1');
          await meet(attempt);
          await tx.execute('UPDATE counter SET n = $1 WHERE id = 1', [(row?.n ?? 0) + 1]);
        },
        { isolation: 'serializable' },
      );
    };
    await Promise.all([addOne(), addOne()]);
    expect(await valueOf(1)).toBe(2);
    expect(attempts).toBe(3);
    expect(delays).toEqual([10]);
  });

  it('repeats the victim of a deadlock (40P01)', async () => {
    const meet = meeting();
    let attempts = 0;
    const bump = async (first: number, second: number) => {
      let attempt = 0;
      await transactions.run(async (tx) => {
        attempts += 1;
        attempt += 1;
        await tx.execute('UPDATE counter SET n = n + 1 WHERE id = $1', [first]);
        await meet(attempt);
        await tx.execute('UPDATE counter SET n = n + 1 WHERE id = $1', [second]);
      });
    };
    await Promise.all([bump(2, 3), bump(3, 2)]);
    expect([await valueOf(2), await valueOf(3)]).toEqual([2, 2]);
    expect(attempts).toBe(3);
  });

  it('gives up after its budget, and never repeats another error', async () => {
    const few = database.transactions('settlement', { maxAttempts: 3, delay: () => Promise.resolve() });
    let attempts = 0;
    const failing = (code: string) =>
      few.run(async (tx) => {
        attempts += 1;
        await tx.rows(`DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '${code}'; END $$`);
      });
    await expect(failing('40001')).rejects.toThrow('x');
    expect(attempts).toBe(3);
    attempts = 0;
    await expect(failing('23505')).rejects.toThrow('x');
    expect(attempts).toBe(1);
  });

  it('replaces a connection that was cut, and tells the caller', async () => {
    const cut = transactions.run(async (tx) => {
      const row = await tx.row<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      await database.pool('owner').query('SELECT pg_terminate_backend($1)', [row?.pid]);
      await tx.rows('SELECT 1');
    });
    await expect(cut).rejects.toThrow();
    expect(await transactions.run((tx) => tx.row('SELECT 1 AS one'))).toEqual({ one: 1 });
  });

  it("gives TypeORM's manager the same transaction, with savepoints inside", async () => {
    await expect(
      transactions.run(async (tx) => {
        await tx.manager.query('UPDATE settlement.counter SET n = 500 WHERE id = 3');
        expect(await tx.row('SELECT n FROM counter WHERE id = 3')).toEqual({ n: 500 });
        await tx.manager
          .transaction(async (inner) => {
            await inner.query('UPDATE settlement.counter SET n = 600 WHERE id = 3');
            throw new Error('inner');
          })
          .catch(() => undefined);
        expect(await tx.row('SELECT n FROM counter WHERE id = 3')).toEqual({ n: 500 });
        throw new Error('outer');
      }),
    ).rejects.toThrow('outer');
    expect(await valueOf(3)).toBe(2);
  });

  it('sends statements that were asked for together one behind the other', async () => {
    const rows = await transactions.run((tx) =>
      Promise.all([1, 2, 3].map((n) => tx.row<{ n: number }>('SELECT $1::int AS n', [n]))),
    );
    expect(rows).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  });

  it('does not leave one of them behind when another fails', async () => {
    await expect(
      transactions.run((tx) =>
        Promise.all([
          tx.execute('UPDATE counter SET n = 900 WHERE id = 3'),
          tx.rows('SELECT 1 / 0'),
          tx.execute('UPDATE counter SET n = 901 WHERE id = 3'),
        ]),
      ),
    ).rejects.toThrow(/division by zero/);
    expect(await valueOf(3)).toBe(2);
  });
});
