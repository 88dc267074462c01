import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { type QueryRunner } from 'typeorm';
import { createEmptyDatabase, type TestDatabase, testRolePasswords } from '#libs/testing/index.js';
import { verifyAll } from '../verify/verify.js';
import { migrationPlan, type MigrationPlan } from './catalogue.js';
import { landed } from './landed.js';
import { migrateAll, type MigrationClass } from './migrate.js';

jest.setTimeout(180_000);

const nameOf = (migration: MigrationClass) => new migration().name ?? migration.name;
const timeOf = (name: string) => /(\d{14})$/.exec(name)?.[1] ?? '';

/** The first release: its tables are the oldest that a database in use can have. */
const firstRelease = '20261124000000';

/** Follow the catalogue of messages of each release; every migrate run brings them up to date. */
const followsCatalogue = 'MessageRoutes20261101000250';

/** What a migration changes in rows that were there, on purpose: its name, and the tables. */
const changesRows: Record<string, string[]> = {
  LedgerGuards20261124000207: ['accounting.balance'],
  // Fills them: until then the calendars stood in the code alone.
  StoredCalendars20261125001001: ['settlement.calendar_version', 'settlement.calendar_closed_day'],
  // A payment refused for its date goes back to the queue.
  DatesThatWereMissed20261130001002: ['settlement.payment_transition'],
};

/** Rows such as a running installation has, in the tables of the first release. */
const rows = `
  INSERT INTO accounting.asset (asset, kind, scale, name) VALUES ('EUR', 'CURRENCY', 2, 'Euro');
  INSERT INTO accounting.account (book_id, number, kind, statement_class, normal_side, mode, state) VALUES
    ('NGEU', 'NOSTRO-EUR', 'NOSTRO', 'OWN', 'DEBIT', 'STRICT', 'OPEN'),
    ('NGEU', 'A-CASH', 'CLIENT_CASH', 'CLIENT_MONEY', 'CREDIT', 'STRICT', 'OPEN'),
    ('NGEU', 'B-CASH', 'CLIENT_CASH', 'CLIENT_MONEY', 'CREDIT', 'STRICT', 'OPEN');
  INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ('NGEU', '2026-03-30', 'OPEN', '2026-03-31');
  INSERT INTO accounting.idempotency (client, key, operation, input_hashes, response) VALUES ('olga', 'k1', 'postEntry', '{"a":"x"}', '{"entryId":"e"}');
  INSERT INTO accounting.work_item (work_item_id, key, kind, category, object_kind, object_id, reference, reason_code, book_id, owner_team, due_at, next_action)
    VALUES ('wi_1', 'k', 'BREAK', 'BREAK', 'ACCOUNT', 'a', 'A-CASH', 'DIFFERS', 'NGEU', 'operations', '2026-03-30 15:00:00.000123+00', 'look');
  INSERT INTO accounting.work_item_change (work_item_id, action, changed_by, reason) VALUES ('wi_1', 'OPENED', 'system', 'opened');
  INSERT INTO settlement.file (file_id, kind, name, book_id, sha256, content, size_bytes, state, business_date, received_by)
    VALUES ('fil_1', 'TRADES', 'trades.csv', '*', repeat('a', 64), 'a;b', 3, 'IMPORTED', '2026-03-30', 'olga');
  INSERT INTO settlement.file_line (file_id, line, book_id, business_date, outcome) VALUES ('fil_1', 1, 'NGEU', '2026-03-30', 'CAPTURED');
  INSERT INTO settlement.pending_change (change_id, approval_id, kind, object_id, book_id, payload, payload_hash, reason, state, proposed_by, expires_at)
    VALUES ('chg_1', 'apr_1', 'PRICE_OVERRIDE', 'o', 'NGEU', '{}', 'h', 'stale', 'PENDING', 'olga', '2026-03-31');
  INSERT INTO settlement.idempotency (client, key, operation, input_hashes, response) VALUES ('olga', 'k1', 'captureTrade', '{"a":"x"}', '{"tradeId":"t"}');
`;
const postings = `SELECT accounting.post('{"requestedBy":"olga","validateOnly":false,"items":[
  {"op":"ENTRY","key":"r-1","book":"NGEU","kind":"DEPOSIT","businessDate":"2026-03-30","valueDate":"2026-03-30","description":"d","subject":{"kind":"T","id":"t-1"},
   "postings":[{"account":"NOSTRO-EUR","asset":"EUR","side":"DEBIT","units":"1000"},{"account":"A-CASH","asset":"EUR","side":"CREDIT","units":"1000"}]},
  {"op":"ENTRY","key":"r-2","book":"NGEU","kind":"TRANSFER","businessDate":"2026-03-30","valueDate":"2026-03-30","description":"d","subject":{"kind":"T","id":"t-2"},
   "postings":[{"account":"A-CASH","asset":"EUR","side":"DEBIT","units":"300"},{"account":"B-CASH","asset":"EUR","side":"CREDIT","units":"300"}]}]}'::jsonb) AS results`;
const message = `SELECT messaging.add('[{"name":"accounting.business-day-changed.v1","headers":{},"priority":0}]',
  ARRAY['{"book":"NGEU","businessDate":"2026-03-30","state":"OPEN","nextBusinessDate":"2026-03-31"}']::json[])`;

const upTo = (plan: MigrationPlan, last: string): MigrationPlan => {
  const kept = (migrations: readonly MigrationClass[]) => migrations.filter((one) => timeOf(nameOf(one)) <= last);
  return {
    baseMigrations: kept(plan.baseMigrations),
    extraMigrations: plan.extraMigrations.map((one) => ({ ...one, migrations: kept(one.migrations) })),
    services: plan.services.map((one) => ({ ...one, migrations: kept(one.migrations) })),
  };
};
const allOf = (plan: MigrationPlan): MigrationClass[] => [
  ...plan.baseMigrations,
  ...plan.extraMigrations.flatMap(({ migrations }) => [...migrations]),
  ...plan.services.flatMap(({ migrations }) => [...migrations]),
];

/** Everything a migration can make, in words. */
const shapeSql = `
  SELECT format('column %s.%s %s %s %s', c.oid::regclass, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)) AS line
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum WHERE c.relkind IN ('r', 'p', 'v') AND c.relnamespace = ANY ($1::regnamespace[])
  UNION ALL SELECT format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE connamespace = ANY ($1::regnamespace[])
  UNION ALL SELECT format('index %s', pg_get_indexdef(indexrelid)) FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE c.relnamespace = ANY ($1::regnamespace[])
  UNION ALL SELECT format('function %s %s', pg_get_functiondef(oid), proacl) FROM pg_proc WHERE pronamespace = ANY ($1::regnamespace[]) AND prokind = 'f'
  UNION ALL SELECT format('trigger %s', pg_get_triggerdef(t.oid)) FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid WHERE NOT tgisinternal AND c.relnamespace = ANY ($1::regnamespace[])
  UNION ALL SELECT format('policy %s %s %s %s', polrelid::regclass, polname, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)) FROM pg_policy
  UNION ALL SELECT format('rights %s %s %s %s', oid::regclass, relkind, relrowsecurity, (SELECT array_agg(x::text ORDER BY x::text) FROM unnest(relacl) x)) FROM pg_class WHERE relnamespace = ANY ($1::regnamespace[]) AND relkind IN ('r', 'p', 'S', 'v')
  ORDER BY 1`;
const schemas = ['kernel', 'messaging', 'settlement', 'accounting', 'compliance'];
const shapeOf = async (database: TestDatabase) =>
  (await database.pool('owner').query<{ line: string }>(shapeSql, [schemas])).rows.map(({ line }) => line);

type Content = Map<string, { columns: string[]; rows: string }>;
/** The rows of every table, in the columns given, or in all. */
async function contentOf(database: TestDatabase, as?: Content): Promise<Content> {
  const owner = database.pool('owner');
  const { rows: tables } = await owner.query<{ name: string; columns: string[] }>(
    `SELECT c.oid::regclass::text AS name, array_agg(a.attname::text ORDER BY a.attnum) AS columns FROM pg_class c
       JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = ANY ($1::regnamespace[]) AND c.relname <> 'migration_history'
        AND c.oid <> 'messaging.route'::regclass GROUP BY c.oid`,
    [schemas],
  );
  const content: Content = new Map();
  for (const { name, columns } of tables) {
    const chosen = as ? as.get(name)?.columns : columns;
    if (chosen === undefined) continue;
    const list = chosen.map((column) => `"${column}"`).join(', ');
    const { rows: found } = await owner.query<{ all: string | null }>(
      `SELECT string_agg(t::text, E'\\n' ORDER BY t::text) AS all FROM (SELECT ${list} FROM ${name}) t`,
    );
    content.set(name, { columns: chosen, rows: found[0]?.all ?? '' });
  }
  return content;
}

describe('the migrations, rehearsed', () => {
  let plan: MigrationPlan;
  let old: TestDatabase;
  let fresh: TestDatabase;
  const migrate = (database: TestDatabase, chosen: MigrationPlan) =>
    migrateAll({
      ...chosen,
      ownerUrl: database.ownerUrl,
      passwords: testRolePasswords(),
      mode: 'test',
      startsAt: '2026-03-30T06:00:00Z',
    });

  beforeAll(async () => {
    plan = await migrationPlan();
    old = await createEmptyDatabase();
    fresh = await createEmptyDatabase();
  });
  afterAll(async () => {
    await old.drop();
    await fresh.drop();
  });

  it('each on the schema before it, with data: rows stay, and at the end every invariant holds', async () => {
    await migrate(old, upTo(plan, firstRelease));
    const owner = old.pool('owner');
    await owner.query(`SET app.books = '*'; ${rows}`);
    const decided = await old
      .pool('accounting')
      .query<{ results: { outcome: string }[] }>(`BEGIN; SET LOCAL app.books = '*'; ${postings}; COMMIT`);
    const answer = (decided as unknown as { rows: { results: object[] }[] }[])[2]?.rows[0]?.results;
    expect(JSON.stringify(answer)).toMatch(/POSTED.*POSTED/);
    await old.pool('accounting').query(message);

    const later = [...new Set(allOf(plan).map(nameOf))]
      .filter((name) => timeOf(name) > firstRelease)
      .sort((a, b) => timeOf(a).localeCompare(timeOf(b)));
    expect(later.length).toBeGreaterThan(3);
    const full = [...(await contentOf(old))].filter(([, table]) => table.rows !== '');
    expect(full.map(([name]) => name)).toEqual(
      expect.arrayContaining([
        'accounting.posting',
        'accounting.balance',
        'accounting.work_item',
        'settlement.file',
        'messaging.message',
        'messaging.delivery',
      ]),
    );
    for (const name of later) {
      const before = await contentOf(old);
      await migrate(old, upTo(plan, timeOf(name)));
      const after = await contentOf(old, before);
      const changed = [...before]
        .filter(([table, content]) => after.get(table)?.rows !== content.rows)
        .map(([table]) => table)
        .filter((table) => !(changesRows[name] ?? []).includes(table));
      expect([name, changed]).toEqual([name, []]);
    }
    const { invariants } = await verifyAll(old.urlFor('verify'));
    expect(invariants.flatMap(({ number, broken }) => broken.map((one) => ({ number, ...one })))).toEqual([]);
    expect(invariants.find(({ number }) => number === 1)?.checked).toBeGreaterThan(0);
  });

  it('from nothing, by two at once, give the schema that the steps gave', async () => {
    await Promise.all([migrate(fresh, plan), migrate(fresh, plan)]);
    const made = await shapeOf(fresh);
    expect(made.length).toBeGreaterThan(500);
    expect(made).toEqual(await shapeOf(old));
  });

  it('are as they landed: a change is a migration of its own, also where the text stands in another file', async () => {
    const now: Record<string, string> = {};
    for (const migration of allOf(plan)) {
      const name = nameOf(migration);
      if (name === followsCatalogue) continue;
      const said: string[] = [];
      const runner = {
        query: (sql: string, parameters?: unknown[]) => {
          said.push(sql, JSON.stringify(parameters ?? []));
          return Promise.resolve([]);
        },
      };
      await new migration().up(runner as unknown as QueryRunner);
      now[name] = createHash('sha256').update(said.join('\n')).digest('hex').slice(0, 16);
    }
    const changed = Object.keys(landed).filter((name) => now[name] !== landed[name]);
    expect(changed).toEqual([]);
    const unlisted = Object.keys(now).filter((name) => !(name in landed) && timeOf(name) < firstRelease);
    expect(unlisted).toEqual([]);
  });
});
