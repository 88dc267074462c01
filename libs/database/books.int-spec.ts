import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '#libs/testing/index.js';
import { type Transactions } from './index.js';

let database: TestDatabase;
let transactions: Transactions;
beforeAll(async () => {
  database = await createTestDatabase();
  await database.pool('migrate').query(`
    CREATE TABLE settlement.holding (book_id text NOT NULL, n int NOT NULL);
    ALTER TABLE settlement.holding ENABLE ROW LEVEL SECURITY;
    ALTER TABLE settlement.holding FORCE ROW LEVEL SECURITY;
    CREATE POLICY by_book ON settlement.holding USING (kernel.sees_book(book_id));
    GRANT SELECT, INSERT, UPDATE, DELETE ON settlement.holding TO settlement;
    INSERT INTO settlement.holding VALUES ('NGEU', 1), ('NGUS', 2), ('NGXX', 3);
  `);
  transactions = database.transactions('settlement');
});
afterAll(() => database.drop());

const seen = (sql: string) => database.pool('settlement').query<{ book_id: string }>(sql);

describe('row-level security by book', () => {
  it('shows the books of the transaction', async () => {
    const books = (given: readonly string[] | 'all') =>
      transactions.run(
        async (tx) =>
          (await tx.rows<{ book_id: string }>('SELECT book_id FROM holding ORDER BY n')).map((row) => row.book_id),
        { books: given, readOnly: true },
      );
    expect(await books(['NGEU'])).toEqual(['NGEU']);
    expect(await books(['NGUS', 'NGEU'])).toEqual(['NGEU', 'NGUS']);
    expect(await books('all')).toEqual(['NGEU', 'NGUS', 'NGXX']);
    expect(await books([])).toEqual([]);
  });

  it('shows nothing to a session that never said, and nothing after the transaction that did', async () => {
    const client = await database.pool('settlement').connect();
    try {
      expect((await client.query('SELECT 1 FROM holding')).rows).toEqual([]);
      await client.query("BEGIN; SELECT set_config('app.books', 'NGEU', true)");
      expect((await client.query('SELECT 1 FROM holding')).rows).toHaveLength(1);
      await client.query('COMMIT');
      expect((await client.query('SELECT 1 FROM holding')).rows).toEqual([]);
    } finally {
      client.release();
    }
  });

  it.each([
    ['a prefix', "'NGE'"],
    ['a pattern', "'NG%'"],
    ['another case', "'ngeu'"],
    ['an array literal', "'{NGEU}'"],
    ['a star among others', "'NGZZ,*'"],
    ['a space', "'NGZZ, NGEU'"],
    ['nothing', "''"],
  ])('is not opened by %s', async (_, value) => {
    const client = await database.pool('settlement').connect();
    try {
      await client.query(`BEGIN; SELECT set_config('app.books', ${value}, true)`);
      expect((await client.query('SELECT 1 FROM holding')).rows).toEqual([]);
      await client.query('ROLLBACK');
    } finally {
      client.release();
    }
  });

  it('refuses rows of another book on the way in, and changes none of them', async () => {
    const limited = { books: ['NGEU'] };
    await expect(
      transactions.run((tx) => tx.execute("INSERT INTO holding VALUES ('NGUS', 9)"), limited),
    ).rejects.toThrow(/row-level security/);
    await expect(transactions.run((tx) => tx.execute("UPDATE holding SET book_id = 'NGUS'"), limited)).rejects.toThrow(
      /row-level security/,
    );
    expect(
      await transactions.run((tx) => tx.execute("UPDATE holding SET n = 99 WHERE book_id = 'NGUS'"), limited),
    ).toBe(0);
    expect(await transactions.run((tx) => tx.execute('DELETE FROM holding WHERE n IN (2, 3)'), limited)).toBe(0);
  });

  it('cannot be switched off by the role of the service', async () => {
    await expect(seen('SET row_security = off; SELECT book_id FROM holding')).rejects.toThrow(/row-level security/);
    await expect(seen('ALTER TABLE holding DISABLE ROW LEVEL SECURITY')).rejects.toThrow(/must be owner/);
    await expect(seen('DROP POLICY by_book ON holding')).rejects.toThrow(/must be owner/);
    await expect(
      seen("CREATE OR REPLACE FUNCTION kernel.sees_book(book_id text) RETURNS boolean LANGUAGE sql AS 'SELECT true'"),
    ).rejects.toThrow(/permission denied/);
  });

  it('binds the owner of the tables too, when he limits himself', async () => {
    const client = await database.pool('migrate').connect();
    try {
      await client.query("BEGIN; SELECT set_config('app.books', 'NGEU', true)");
      expect((await client.query('SELECT book_id FROM settlement.holding')).rows).toEqual([{ book_id: 'NGEU' }]);
      await client.query('ROLLBACK');
    } finally {
      client.release();
    }
  });

  it.each(["NGEU','*", '*', 'NGEU,NGUS', '', 'a b'])('takes no book named %s', async (name) => {
    await expect(transactions.run((tx) => tx.rows('SELECT 1'), { books: [name] })).rejects.toThrow(/no name of a book/);
  });

  it('is read by verify as a whole', async () => {
    expect((await database.pool('verify').query('SELECT count(*)::int AS n FROM settlement.holding')).rows).toEqual([
      { n: 3 },
    ]);
  });
});
