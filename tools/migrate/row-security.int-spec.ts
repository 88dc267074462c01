import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { serviceRoles } from '#libs/database/index.js';
import { createTestDatabase, type TestDatabase } from '#libs/testing/index.js';

interface Table {
  name: string;
  hasBook: boolean;
  isForced: boolean;
  policies: { name: string; command: string; condition: string }[] | null;
}

/**
 * Tables that stand outside row-level security, each with its reason. A new table is added here, or it carries
 * `book_id` and a policy: nobody forgets it by accident.
 */
const outside: Readonly<Record<string, readonly string[]>> = {
  'the market’s own facts, the same in every book': [
    'accounting.asset',
    'accounting.calendar_version',
    // What the chart of a new book is made from.
    'accounting.chart_template',
    'accounting.figure_release',
    'accounting.market_figure',
    'settlement.calendar_closed_day',
    'settlement.calendar_closure',
    'settlement.calendar_early_close',
    'settlement.calendar_version',
    'settlement.counterparty',
    'settlement.instrument',
    'settlement.payment_cut_off',
    // Its book says whose depot and cash account the place settles on; a trade of any book may name it.
    'settlement.place',
    'settlement.price',
    'settlement.rate',
    'settlement.settlement_cycle',
    'settlement.ssi',
  ],
  'declared transitions': [
    'settlement.instruction_transition',
    'settlement.payment_transition',
    'settlement.trade_transition',
  ],
  'sanctions lists, published': [
    'compliance.list_content',
    'compliance.list_entry',
    'compliance.list_state',
    'compliance.list_version',
    'compliance.list_version_entry',
    'compliance.matching_configuration',
  ],
  'ids of parties, instructions or alerts only, shown by no field of the schema': [
    'compliance.cleared_match',
    'compliance.party_screened',
    'settlement.hold_decision',
    'settlement.party_hold',
  ],
  'an import moves the whole institution, all books at once': [
    'accounting.cut_over',
    'compliance.party_import',
    'settlement.cut_over',
    'settlement.cut_over_chunk',
    'settlement.cut_over_file',
    'settlement.cut_over_rollback',
    'settlement.cut_over_signature',
  ],
  'what a channel brought, before anybody knows whose it is; shown by no field of the schema': [
    'settlement.exchange_file',
    'settlement.exchange_lease',
    'settlement.exchange_message',
    'settlement.trade_confirmation',
  ],
  'the callers’ own: keyed by who calls, not by book': [
    'accounting.idempotency',
    'compliance.api_client',
    'compliance.api_client_secret',
    'compliance.idempotency',
    'settlement.idempotency',
  ],
  'of the platform': serviceRoles.flatMap((service) => [`${service}.audit_salt`, `${service}.migration_history`]),
};

describe('row-level security by book, in the schemas as they are migrated', () => {
  let database: TestDatabase;
  let tables: Table[];
  beforeAll(async () => {
    database = await createTestDatabase({ services: serviceRoles });
    const { rows } = await database.pool('owner').query<Table>(
      `SELECT n.nspname || '.' || c.relname AS name,
              EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'book_id' AND NOT a.attisdropped) AS "hasBook",
              c.relrowsecurity AND c.relforcerowsecurity AS "isForced",
              (SELECT jsonb_agg(jsonb_build_object('name', polname, 'command', polcmd, 'condition', pg_get_expr(polqual, polrelid)))
                 FROM pg_policy p WHERE p.polrelid = c.oid) AS policies
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'p', 'm', 'f') AND NOT c.relispartition ORDER BY 1`,
      [serviceRoles],
    );
    tables = rows;
  });
  afterAll(() => database.drop());

  it('is on, forced on the owner too, on every table but the named ones', () => {
    const open = tables.filter(({ isForced }) => !isForced).map(({ name }) => name);
    expect(open).toEqual(Object.values(outside).flat().sort());
    expect(tables.filter(({ hasBook, isForced }) => hasBook && !isForced).map(({ name }) => name)).toEqual([
      'settlement.place',
    ]);
  });

  it('has one policy a table, for reading and writing alike, by the book of the row or of the row it belongs to', () => {
    const secured = tables.filter(({ isForced }) => isForced);
    expect(secured.length).toBeGreaterThan(60);
    for (const { name, hasBook, policies } of secured) {
      expect({ name, policies: policies?.map(({ command }) => command) }).toEqual({ name, policies: ['*'] });
      expect(policies?.[0]?.condition).toMatch(hasBook ? /kernel\.sees_book\(book_id\)/ : /EXISTS \( SELECT/);
    }
  });

  it('binds partitions and views as it binds their tables', async () => {
    // A partition is reached through its parent only; a view reads with the rights of its owner, who is bound too.
    const { rows: granted } = await database.pool('owner').query(
      `SELECT c.oid::regclass::text AS partition FROM pg_class c
        WHERE c.relispartition AND c.relkind = 'r' AND c.relnamespace = ANY (SELECT oid FROM pg_namespace WHERE nspname = ANY ($1))
          AND EXISTS (SELECT FROM unnest($1::text[]) AS role WHERE has_table_privilege(role, c.oid, 'SELECT, INSERT, UPDATE, DELETE'))`,
      [serviceRoles],
    );
    expect(granted).toEqual([]);
    const { rows: views } = await database.pool('owner').query<{ owner: string }>(
      `SELECT DISTINCT pg_get_userbyid(c.relowner) AS owner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = ANY ($1) AND c.relkind = 'v'`,
      [serviceRoles],
    );
    expect(views).toEqual([{ owner: 'migrate' }]);
  });
});
