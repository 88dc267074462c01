import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Service } from '#libs/contracts/index.js';
import { type Transactions, type Tx } from '#libs/database/index.js';
import { type CursorValues, keyset } from '#libs/graphql/index.js';
import { createTestDatabase, instantsOfOneMillisecond, pageThrough, type TestDatabase } from '#libs/testing/index.js';
import { WorkItems } from '#libs/work-items/index.js';
import { BlocksRepository } from '../../apps/accounting/src/blocks/blocks.repository.js';
import { HoldsRepository } from '../../apps/accounting/src/holds/holds.repository.js';
import { AlertsRepository } from '../../apps/compliance/src/alerts/alerts.repository.js';
import { ChangesService } from '../../apps/settlement/src/changes/changes.service.js';
import { FilesRepository } from '../../apps/settlement/src/files/files.repository.js';

process.env.INTERNAL_TOKEN_SECRET = 'a-secret-of-the-test-that-is-long-enough';

type After = readonly (string | null)[] | undefined;

interface List {
  service: Service;
  /** One row per instant of $1, in any order of ids; foreign keys and triggers are off. */
  rows: string;
  /** As the resolver of the list does it. */
  read: (tx: Tx, after: After, first: number) => Promise<readonly object[]>;
  valuesOf: (row: never) => CursorValues;
}

const work = new WorkItems();
const workItems = (service: Service): List => ({
  service,
  rows: `INSERT INTO ${service}.work_item (work_item_id, key, kind, category, object_kind, object_id, reference, reason_code, book_id,
           owner_team, due_at, next_action)
         SELECT 'wi_' || md5(n::text), n, 'K', 'OTHER', 'T', n, n, 'R', 'NGEU', 'operations', at, 'look' FROM unnest($1::timestamptz[]) WITH ORDINALITY AS t(at, n)`,
  read: (tx, after, first) => work.list(tx, {}, first, after),
  valuesOf: (row: { dueAtExact: string; workItemId: string }) => [row.dueAtExact, row.workItemId],
});

const lists: Record<string, List> = {
  'work items of settlement': workItems('settlement'),
  'work items of accounting': workItems('accounting'),
  'work items of compliance': workItems('compliance'),
  files: {
    service: 'settlement',
    rows: `INSERT INTO settlement.file (file_id, kind, name, book_id, sha256, content, size_bytes, business_date, received_at, received_by)
           SELECT md5(n::text), 'TRADES', n, '*', n, '', 0, '2026-03-30', at, 'olga' FROM unnest($1::timestamptz[]) WITH ORDINALITY AS t(at, n)`,
    read: (tx, after, first) => new FilesRepository().page(tx, {}, after, first + 1),
    valuesOf: (row: { receivedAtExact: string; fileId: string }) => [row.receivedAtExact, row.fileId],
  },
  'static data changes': {
    service: 'settlement',
    rows: `INSERT INTO settlement.pending_change (change_id, approval_id, kind, object_id, book_id, payload, payload_hash, reason, state,
             proposed_by, proposed_at, expires_at)
           SELECT md5(n::text), n, 'SSI_CHANGE', n, 'NGEU', '{}', n, 'because', 'PENDING', 'olga', at, at + interval '1 day'
             FROM unnest($1::timestamptz[]) WITH ORDINALITY AS t(at, n)`,
    // The page needs the transaction alone.
    read: (tx, after, first) => ChangesService.prototype.page(tx, {}, after, first + 1),
    valuesOf: (row: { proposedAtExact: string; changeId: string }) => [row.proposedAtExact, row.changeId],
  },
  alerts: {
    service: 'compliance',
    rows: `INSERT INTO compliance.alert (alert_id, object_kind, object_id, reference, book_id, screening_id, list_version_id, score,
             reason_code, work, business_date, due_at)
           SELECT md5(n::text), 'PARTY', n, n, 'NGEU', n, n, 9000, 'NAME_MATCH', 'OWN_ITEM', '2026-03-30', at
             FROM unnest($1::timestamptz[]) WITH ORDINALITY AS t(at, n)`,
    read: (tx, after, first) => new AlertsRepository().list(tx, {}, first + 1, after),
    valuesOf: (row: { dueAtExact: string; alertId: string }) => [row.dueAtExact, row.alertId],
  },
  holds: {
    service: 'accounting',
    rows: `WITH held AS (
             INSERT INTO accounting.hold (hold_id, book_id, asset, debit_account_id, credit_account_id, amount_units, reason, expires_at,
               placed_at, requested_by, idempotency_key)
             SELECT md5(n::text), 'NGEU', 'EUR', 1, 2, 100, 'because', at + interval '1 day', at, 'olga', n
               FROM unnest($1::timestamptz[]) WITH ORDINALITY AS t(at, n))
           , asset AS (INSERT INTO accounting.asset (asset, kind, scale, name) VALUES ('EUR', 'CURRENCY', 2, 'Euro') ON CONFLICT DO NOTHING)
           INSERT INTO accounting.ledger_account (ledger_account_id, book_id, number, asset) OVERRIDING SYSTEM VALUE
           VALUES (1, 'NGEU', '1', 'EUR'), (2, 'NGEU', '2', 'EUR')`,
    read: (tx, after, first) => new HoldsRepository().list(tx, {}, first, after),
    valuesOf: (row: { placedAtExact: string; holdId: string }) => [row.placedAtExact, row.holdId],
  },
  'blocks of accounts': {
    service: 'accounting',
    rows: `INSERT INTO accounting.account_block (block_id, book_id, number, direction, reason_code, reason, placed_by, placed_at)
           SELECT md5(n::text), 'NGEU', n, 'OUT', 'FRAUD', 'because', 'olga', at FROM unnest($1::timestamptz[]) WITH ORDINALITY AS t(at, n)`,
    read: (tx, after, first) => new BlocksRepository().list(tx, {}, first, after),
    valuesOf: (row: { placedAtExact: string; id: string }) => [row.placedAtExact, row.id],
  },
};

const count = 24;

describe('lists that go by time', () => {
  let database: TestDatabase;
  let as: Record<Service, Transactions>;

  beforeAll(async () => {
    database = await createTestDatabase({ services: ['settlement', 'accounting', 'compliance'] });
    as = {
      settlement: database.transactions('settlement'),
      accounting: database.transactions('accounting'),
      compliance: database.transactions('compliance'),
    };
    const client = await database.pool('owner').connect();
    try {
      await client.query('SET session_replication_role = replica');
      for (const { rows } of Object.values(lists)) await client.query(rows, [instantsOfOneMillisecond(count)]);
      await client.query('RESET session_replication_role');
    } finally {
      client.release();
    }
  });
  afterAll(async () => {
    await database.drop();
  });

  const through = (name: string, sizeOf?: (page: number) => number) => {
    const { service, read, valuesOf } = lists[name]!;
    const cursor = keyset<object>({ list: name }, valuesOf as (row: object) => CursorValues);
    return pageThrough(
      async (after, first) => ({
        rows: await as[service].run((tx) => read(tx, cursor.after(after), first), { readOnly: true }),
        cursorOf: cursor.cursorOf,
      }),
      sizeOf,
      count * 3,
    );
  };
  const idsOf = (name: string, rows: object[]) => rows.map((row) => lists[name]!.valuesOf(row as never)[1]);

  describe.each(Object.keys(lists))('%s', (name) => {
    it('one by one over rows of one millisecond: none is lost and none comes twice', async () => {
      const ids = idsOf(name, await through(name));
      expect(ids).toHaveLength(count);
      expect(new Set(ids).size).toBe(count);
      expect(ids).toEqual(idsOf(name, await through(name, () => 100)));
    });

    it('is the same in pages of any size', async () => {
      const whole = idsOf(name, await through(name, () => 100));
      await fc.assert(
        fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }), async (sizes) => {
          expect(idsOf(name, await through(name, (page) => sizes[page % sizes.length] ?? 1))).toEqual(whole);
        }),
        { seed: 20260330, numRuns: 8 },
      );
    });
  });
});
