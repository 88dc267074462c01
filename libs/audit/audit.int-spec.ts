import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Transactions } from '#libs/database/index.js';
import { canonicalJson } from '#libs/kernel/index.js';
import { createTestDatabase, type TestDatabase } from '#libs/testing/index.js';
import { leafHash, opensCommitment } from './audit-leaf.js';
import { AuditOwner, AuditTrail } from './audit-trail.js';

describe('audit trail', () => {
  let database: TestDatabase;
  let transactions: Transactions;
  const audit = new AuditTrail(new AuditOwner('accounting'));
  beforeAll(async () => {
    database = await createTestDatabase({ startsAt: '2026-11-25T08:00:00Z' });
    transactions = database.transactions('accounting');
  });
  afterAll(() => database.drop());
  const record = (objectId: string, bookId?: string) => ({
    action: 'entry.posted',
    objectKind: 'Entry',
    objectId,
    bookId,
    principal: 'anna',
    reason: 'né',
    after: { n: 1 },
  });

  it('appends in order, in one statement, hashed over its canonical text at business time', async () => {
    await transactions.run((tx) => audit.appendMany(tx, [record('e1', 'NGEU'), record('e2', 'NGUS'), record('e3')]));
    const rows = await transactions.run((tx) =>
      tx.rows<{ leaf_hash: string; canonical: unknown; object_id: string; at: Date }>(
        'SELECT * FROM accounting.audit_leaf ORDER BY sequence',
      ),
    );
    expect(rows.map(({ object_id }) => object_id)).toEqual(['e1', 'e2', 'e3']);
    for (const row of rows) {
      expect(leafHash(canonicalJson(row.canonical))).toBe(row.leaf_hash);
      expect(row.canonical).toMatchObject({ at: '2026-11-25T08:00:00.000000Z', principal: 'anna' });
    }
  });

  it('is gone with its transaction, and empty calls cost nothing', async () => {
    await transactions
      .run(async (tx) => {
        await audit.append(tx, record('rolled-back'));
        throw new Error('undone');
      })
      .catch(() => undefined);
    await transactions.run((tx) => audit.appendMany(tx, []));
    expect(await transactions.run((tx) => audit.entries(tx, { kind: 'Entry', id: 'rolled-back' }, 5))).toEqual([]);
  });

  it('shows a book to those who see it', async () => {
    const seen = await transactions.run(
      (tx) => tx.rows<{ object_id: string }>('SELECT object_id FROM accounting.audit_leaf ORDER BY sequence'),
      { books: ['NGUS'] },
    );
    expect(seen.map(({ object_id }) => object_id)).toEqual(['e2', 'e3']);
  });

  it.each([
    ['UPDATE accounting.audit_leaf SET reason = NULL', 'accounting', /permission denied/],
    ['DELETE FROM accounting.audit_leaf', 'accounting', /permission denied/],
    ['DELETE FROM accounting.audit_salt', 'accounting', /permission denied/],
    ['INSERT INTO compliance.audit_leaf SELECT * FROM accounting.audit_leaf', 'accounting', /permission denied/],
    ['UPDATE accounting.audit_leaf SET reason = NULL', 'owner', /never changed or removed/],
    ['DELETE FROM accounting.audit_leaf', 'owner', /never changed or removed/],
    ['TRUNCATE accounting.audit_leaf', 'owner', /never changed or removed/],
  ] as const)('refuses %s as %s', async (sql, role, refusal) => {
    await expect(database.pool(role).query(sql)).rejects.toThrow(refusal);
  });

  it('keeps personal data as commitments; erasing the salt silences them and every hash still holds', async () => {
    const committed = await transactions.run(async (tx) => {
      const commitment = await audit.commitment(tx, { objectKind: 'Party', objectId: 'p1', text: 'Anna Becker' });
      await audit.append(tx, {
        action: 'party.registered',
        objectKind: 'Party',
        objectId: 'p1',
        principal: 'anna',
        after: { name: commitment },
      });
      return commitment;
    });
    const owner = database.pool('owner');
    const { rows } = await owner.query<{ salt: Buffer }>(
      'SELECT salt FROM accounting.audit_salt WHERE commitment = $1',
      [committed],
    );
    expect(opensCommitment('Anna Becker', { commitment: committed, salt: rows[0]!.salt })).toBe(true);
    await owner.query(`DELETE FROM accounting.audit_salt WHERE object_kind = 'Party' AND object_id = 'p1'`);
    const [leaf] = (
      await owner.query<{ leaf_hash: string; canonical: unknown }>(
        `SELECT leaf_hash, canonical FROM accounting.audit_leaf WHERE object_id = 'p1'`,
      )
    ).rows;
    expect(leafHash(canonicalJson(leaf!.canonical))).toBe(leaf!.leaf_hash);
  });
});
