import { type BenchDatabase } from './database.js';
import { progress, timed } from './harness.js';

export const book = 'NGEU';
const isin = 'DE0007164600';
const firstDay = '2026-11-02';
const days = 20;

export interface Fill {
  /** About so many: entries have two, three or four. */
  readonly postings: number;
  readonly accounts: number;
}

export interface FilledLedger {
  readonly postings: number;
  readonly entries: number;
  /** The day that is open. */
  readonly day: string;
  /** How many numbers C1, C2 … there are. */
  readonly cashAccounts: number;
}

/**
 * A ledger as years of work would have left it, written by the owner in a few statements: 70 % of the entries of two
 * postings, 20 % of three, 10 % a delivery against payment of four, over the days of a month, every day but the last closed with its
 * trial balance, one hold for a hundred postings. The triggers are off in this session alone, and only while it fills:
 * whether all of it is right, the invariants say.
 */
export async function fillLedger({ owner }: BenchDatabase, { postings, accounts }: Fill): Promise<FilledLedger> {
  const entries = Math.ceil(postings / 2.4);
  const cashAccounts = Math.floor(accounts * 0.8);
  const client = await owner.connect();
  const step = async (name: string, sql: string) => {
    const seconds = await timed(() => client.query(sql));
    progress(`  ${name.padEnd(22)} ${seconds.toFixed(1).padStart(7)} s`);
  };
  try {
    await client.query(`
      SELECT set_config('app.books', '*', false);
      SET session_replication_role = replica;
      SET work_mem = '512MB'; SET maintenance_work_mem = '1GB'; SET synchronous_commit = off;
      CREATE SCHEMA fill`);
    await step('accounts', accountsSql(cashAccounts, accounts - cashAccounts));
    await step('lines', linesSql(entries, cashAccounts, accounts - cashAccounts));
    await step('entries', entriesSql);
    await step('postings', postingsSql);
    await step('keys', keysSql);
    await step('buckets and balances', balancesSql);
    await step('holds', holdsSql(Math.ceil(postings / 100), cashAccounts));
    await step('trial balances', trialBalancesSql);
    await client.query('DROP SCHEMA fill CASCADE');
    await client.query('RESET session_replication_role');
    await step('totals of codes', totalsSql);
    await step('vacuum, analyse', 'VACUUM ANALYZE');
    const { rows } = await client.query<{ postings: string; day: string }>(
      `SELECT (SELECT count(*) FROM accounting.posting) AS postings, max(business_date)::text AS day FROM accounting.business_day`,
    );
    return { postings: Number(rows[0]?.postings), entries, day: rows[0]?.day ?? '', cashAccounts };
  } finally {
    // Not into the pool again, with its settings.
    client.release(true);
  }
}

const accountsSql = (cash: number, custody: number) => `
  INSERT INTO accounting.asset (asset, kind, scale, name) VALUES ('EUR', 'CURRENCY', 2, 'Euro'), ('${isin}', 'INSTRUMENT', 0, 'A share');
  INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date)
  SELECT '${book}', d, CASE WHEN lead(d) OVER w IS NULL THEN 'OPEN' ELSE 'CLOSED' END, coalesce(lead(d) OVER w, d + 1)
    FROM (SELECT DATE '${firstDay}' + n AS d FROM generate_series(0, ${days - 1}) n) t WINDOW w AS (ORDER BY d);
  INSERT INTO accounting.account (book_id, number, kind, statement_class, normal_side, mode, state)
  SELECT '${book}', 'C' || n, CASE n % 50 WHEN 0 THEN 'INCOME' WHEN 1 THEN 'EXPENSE' WHEN 2 THEN 'NOSTRO' ELSE 'CLIENT_CASH' END,
         CASE WHEN n % 50 < 3 THEN 'OWN' ELSE 'CLIENT_MONEY' END, 'CREDIT', 'STRICT', 'OPEN' FROM generate_series(1, ${cash}) n
  UNION ALL
  SELECT '${book}', 'S' || n, 'CLIENT_CUSTODY', 'CLIENT_MONEY', 'CREDIT', 'STRICT', 'OPEN' FROM generate_series(1, ${custody}) n;
  INSERT INTO accounting.account_limit (book_id, number, asset, overdraft_units)
  SELECT book_id, number, CASE kind WHEN 'CLIENT_CUSTODY' THEN '${isin}' ELSE 'EUR' END, 1000000000000 FROM accounting.account;
  INSERT INTO accounting.ledger_account (book_id, number, asset)
  SELECT book_id, number, asset FROM accounting.account_limit ORDER BY asset DESC, substr(number, 2)::int;
  -- Of a number in its asset: EUR first.
  CREATE UNLOGGED TABLE fill.account AS
  SELECT ledger_account_id, asset, substr(number, 2)::int AS n FROM accounting.ledger_account;
  CREATE UNIQUE INDEX ON fill.account (asset, n);
  ANALYZE fill.account`;

/** What is drawn for an entry depends on its number alone. */
const drawn = (of: number, below: string) => `(abs(hashint8extended(e.i, ${of})::numeric) % ${below})::bigint`;

const linesSql = (entries: number, cash: number, custody: number) => `
  CREATE UNLOGGED TABLE fill.entry AS
  SELECT e.i, 'fill-' || e.i AS key, 'ent_' || substr(encode(sha256(convert_to('${book}' || E'\\x1f' || 'fill-' || e.i, 'UTF8')), 'hex'), 1, 32) AS entry_id,
         CASE WHEN e.i % 10 < 7 THEN 2 WHEN e.i % 10 < 9 THEN 3 ELSE 4 END AS lines,
         DATE '${firstDay}' + ((e.i - 1) * ${days} / ${entries})::int AS business_date,
         DATE '${firstDay}' + ((e.i - 1) * ${days} / ${entries})::int + CASE WHEN e.i % 20 = 0 THEN 2 ELSE 0 END AS value_date,
         DATE '${firstDay}' + ((e.i - 1) * ${days} / ${entries})::int + TIME '09:00' + e.i % 25000 * interval '1.000001 s' AS booked_at,
         100 + ${drawn(1, '1000000')} AS cash, 1 + ${drawn(2, '1000')} AS pieces,
         1 + ${drawn(3, String(cash))} AS first, 1 + ${drawn(4, String(cash))} AS second, 1 + ${drawn(5, String(cash))} AS third,
         1 + ${drawn(6, String(custody))} AS out_of, 1 + ${drawn(7, String(custody))} AS to_whom
    FROM generate_series(1, ${entries}) AS e(i);
  CREATE UNLOGGED TABLE fill.line AS
  SELECT e.i, l.n, a.ledger_account_id, l.asset, l.units
    FROM fill.entry e
    CROSS JOIN LATERAL (VALUES (1, 'EUR', e.first, e.cash), (2, 'EUR', e.second, CASE e.lines WHEN 3 THEN e.cash / 10 - e.cash ELSE -e.cash END),
      (3, CASE e.lines WHEN 3 THEN 'EUR' ELSE '${isin}' END, CASE e.lines WHEN 3 THEN e.third ELSE e.out_of END, CASE e.lines WHEN 3 THEN -(e.cash / 10) ELSE e.pieces END),
      (4, '${isin}', e.to_whom, -e.pieces)) AS l(n, asset, account, units)
    JOIN fill.account a ON a.asset = l.asset AND a.n = l.account
   WHERE l.n <= e.lines;
  ANALYZE fill.entry; ANALYZE fill.line`;

const entriesSql = `
  INSERT INTO accounting.journal_entry (entry_id, book_id, kind, business_date, value_date, booked_at, description, subject_kind, subject_id,
                                        idempotency_key, requested_by, posting_count, entry_hash)
  SELECT e.entry_id, '${book}', k.kind, e.business_date, e.value_date, e.booked_at, 'entry ' || e.i, 'TRANSFER', 'trf-' || e.i, e.key, 'bench', e.lines,
         accounting.entry_hash_of(e.entry_id, '${book}', k.kind, e.business_date, e.value_date, e.booked_at, NULL, NULL, l.lines)
    FROM fill.entry e
    JOIN (SELECT i, string_agg(n || ':' || ledger_account_id || ':' || asset || ':' || units, ';' ORDER BY n) AS lines FROM fill.line GROUP BY i) l USING (i)
    CROSS JOIN LATERAL (SELECT CASE e.lines WHEN 4 THEN 'TRADE_SETTLEMENT' ELSE 'TRANSFER' END AS kind) k
   ORDER BY e.i`;

/** In the order of the entries, as they would have come. */
const postingsSql = `
  INSERT INTO accounting.posting (entry_id, n, book_id, ledger_account_id, asset, units, business_date, value_date, account_sequence, balance_after)
  SELECT e.entry_id, l.n, '${book}', l.ledger_account_id, l.asset, l.units, e.business_date, e.value_date, l.sequence, l.balance
    FROM (SELECT *, row_number() OVER w AS sequence, sum(units) OVER w AS balance FROM fill.line WINDOW w AS (PARTITION BY ledger_account_id ORDER BY i, n)) l
    JOIN fill.entry e USING (i) ORDER BY l.i, l.n`;

const keysSql = `
  INSERT INTO accounting.posting_key (book_id, key, request_hash, taken_at)
  SELECT '${book}', key, sha256(convert_to(key, 'UTF8')), booked_at FROM fill.entry ORDER BY i`;

const balancesSql = `
  INSERT INTO accounting.daily_bucket (ledger_account_id, value_date, business_date, book_id, debit, credit)
  SELECT ledger_account_id, value_date, business_date, '${book}', sum(greatest(units, 0)), sum(greatest(-units, 0)) FROM accounting.posting GROUP BY 1, 2, 3;
  INSERT INTO accounting.balance (ledger_account_id, book_id, normal_side, is_strict, limit_units, posted_debit, posted_credit, last_sequence)
  SELECT a.ledger_account_id, '${book}', 'CREDIT', true, 1000000000000, coalesce(p.debit, 0), coalesce(p.credit, 0), coalesce(p.count, 0)
    FROM fill.account a
    LEFT JOIN (SELECT ledger_account_id, sum(greatest(units, 0)) AS debit, sum(greatest(-units, 0)) AS credit, count(*) AS count
                 FROM accounting.posting GROUP BY 1) p USING (ledger_account_id)`;

/** As the end of the last closed date writes them. */
const totalsSql = `
  SELECT accounting.store_gl_totals('${book}', (SELECT max(business_date) FROM accounting.business_day WHERE state = 'CLOSED'))`;

/** Every second one was released again. */
const holdsSql = (holds: number, cash: number) => `
  INSERT INTO accounting.hold (hold_id, book_id, asset, debit_account_id, credit_account_id, amount_units, released_units, reason, expires_at, placed_at, requested_by, idempotency_key)
  SELECT 'hld_fill' || e.i, '${book}', 'EUR', d.ledger_account_id, c.ledger_account_id, 100 + e.i % 900, CASE WHEN e.i % 2 = 0 THEN 100 + e.i % 900 ELSE 0 END,
         'card', '2030-01-01', '${firstDay}', 'bench', 'hold-' || e.i
    FROM generate_series(1, ${holds}) AS e(i)
    JOIN fill.account d ON d.asset = 'EUR' AND d.n = 1 + ${drawn(8, String(cash))} JOIN fill.account c ON c.asset = 'EUR' AND c.n = 1 + ${drawn(9, String(cash))};
  INSERT INTO accounting.hold_movement (hold_id, book_id, kind, units, idempotency_key, moved_at)
  SELECT hold_id, book_id, 'RELEASED', released_units, 'release-' || hold_id, placed_at FROM accounting.hold WHERE released_units > 0;
  INSERT INTO accounting.posting_key (book_id, key, request_hash, taken_at)
  SELECT book_id, key, sha256(convert_to(key, 'UTF8')), moment
    FROM (SELECT book_id, idempotency_key AS key, placed_at AS moment FROM accounting.hold
          UNION ALL SELECT book_id, idempotency_key, moved_at FROM accounting.hold_movement) k;
  UPDATE accounting.balance b SET pending_debit = h.debit, pending_credit = h.credit
    FROM (SELECT id, sum(debit) AS debit, sum(credit) AS credit
            FROM (SELECT debit_account_id AS id, open_units AS debit, 0 AS credit FROM accounting.hold
                  UNION ALL SELECT credit_account_id, 0, open_units FROM accounting.hold) t GROUP BY 1) h
   WHERE h.id = b.ledger_account_id`;

const trialBalancesSql = `
  INSERT INTO accounting.trial_balance_line
  SELECT t.book_id, t.business_date, t.ledger_account_id, t.number, t.asset, t.debit, t.credit
    FROM (SELECT y.book_id, y.business_date, y.state, l.ledger_account_id, l.number, l.asset,
                 sum(coalesce(d.debit, 0)) OVER w AS debit, sum(coalesce(d.credit, 0)) OVER w AS credit
            FROM accounting.business_day y CROSS JOIN accounting.ledger_account l
            LEFT JOIN (SELECT ledger_account_id, business_date, sum(debit) AS debit, sum(credit) AS credit FROM accounting.daily_bucket GROUP BY 1, 2) d
                   ON d.ledger_account_id = l.ledger_account_id AND d.business_date = y.business_date
          WINDOW w AS (PARTITION BY l.ledger_account_id ORDER BY y.business_date)) t
   WHERE t.state = 'CLOSED'`;
