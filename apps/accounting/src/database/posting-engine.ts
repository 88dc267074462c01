/**
 * The doors of the journal. The rule of posting decides in the service (`journal/fold.ts`); here is what it decides on,
 * under locks, and what it may write. The tables look at each statement as a whole, so a rule with a fault in it cannot
 * commit. The functions run as the owner of the tables; row-level security still limits them to the caller's books.
 *
 * What a session plans while the tables are still empty must be right when they are full: every row is reached by its
 * key, so the functions allow no other plan.
 *
 * Order of locks: business days, idempotency keys (sorted), account rows (sorted), balances (sorted).
 */
export const postingEngine = `
-- A posting shares the key of its day; the closing takes the row.
CREATE FUNCTION accounting.take_days(books text[], dates date[])
RETURNS TABLE (book text, business_date date, state text) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = accounting, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $fn$
BEGIN
  RETURN QUERY SELECT d.book_id, d.business_date, d.state FROM unnest(books, dates) AS w(b, t)
    JOIN business_day d ON d.book_id = w.b AND d.business_date = w.t ORDER BY 1, 2 FOR KEY SHARE OF d;
END $fn$;

-- Takes keys that are free; of the others, what whoever came first left. Who comes second waits here for the first.
CREATE FUNCTION accounting.take_keys(books text[], keys text[], hashes bytea[])
RETURNS TABLE (place int, request_hash bytea, code text, account text, asset text, available_units numeric, moved_units numeric)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = accounting, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $fn$
DECLARE moment timestamptz := kernel.now(); taken text[];
BEGIN
  WITH fresh AS (
    INSERT INTO posting_key (book_id, key, request_hash, taken_at)
    SELECT g.b, g.k, g.h, moment FROM unnest(books, keys, hashes) AS g(b, k, h) ORDER BY 1, 2
    ON CONFLICT DO NOTHING RETURNING book_id, key)
  SELECT array_agg(book_id || E'\\x1f' || key) INTO taken FROM fresh;
  IF cardinality(taken) = cardinality(keys) THEN RETURN; END IF;
  RETURN QUERY
  SELECT g.o::int, pk.request_hash, r.code, r.account, r.asset, r.available_units, s.moved_units
    FROM unnest(books, keys) WITH ORDINALITY AS g(b, k, o)
    JOIN posting_key pk ON pk.book_id = g.b AND pk.key = g.k
    LEFT JOIN posting_refusal r ON r.book_id = g.b AND r.key = g.k
    LEFT JOIN sweep s ON s.book_id = g.b AND s.key = g.k
   WHERE (g.b || E'\\x1f' || g.k) <> ALL (coalesce(taken, '{}'));
END $fn$;

-- Opens numbers in the assets of their first posting, where the kind of the account allows it.
CREATE FUNCTION accounting.open_ledger_accounts(books text[], numbers text[], assets text[]) RETURNS void LANGUAGE plpgsql
SET search_path = accounting, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $fn$
BEGIN
  -- Whoever changes limits or state takes the account's row first, so what is read after this lock is what stands.
  PERFORM 1 FROM account a WHERE (a.book_id, a.number) IN (SELECT * FROM unnest(books, numbers)) ORDER BY a.book_id, a.number FOR SHARE;
  WITH fresh AS (
    INSERT INTO ledger_account (book_id, number, asset)
    SELECT DISTINCT w.b, w.n, w.s FROM unnest(books, numbers, assets) AS w(b, n, s)
      JOIN account a ON a.book_id = w.b AND a.number = w.n JOIN asset s ON s.asset = w.s
     WHERE s.kind = 'CURRENCY' AND a.kind NOT IN ('CLIENT_CUSTODY','DEPOT') AND coalesce(a.currency, w.s) = w.s
        OR s.kind = 'INSTRUMENT' AND a.kind IN ('CLIENT_CUSTODY','DEPOT','SUSPENSE','MIGRATION')
     ORDER BY 1, 2, 3
    ON CONFLICT DO NOTHING RETURNING *)
  INSERT INTO balance (ledger_account_id, book_id, normal_side, is_strict, limit_units, payment_limit_units, account_state)
  SELECT f.ledger_account_id, f.book_id, a.normal_side, a.mode = 'STRICT', coalesce(m.overdraft_units, 0), m.payment_limit_units, a.state
    FROM fresh f JOIN account a USING (book_id, number) LEFT JOIN account_limit m USING (book_id, number, asset)
   ORDER BY f.ledger_account_id;
END $fn$;

-- Holds that ran out are released by whoever next uses one of their accounts; both are locked by then.
CREATE FUNCTION accounting.expire_holds(accounts bigint[], moment timestamptz) RETURNS void LANGUAGE plpgsql
SET search_path = accounting, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $fn$
BEGIN
  WITH closed AS (
    UPDATE hold hd SET expired_units = hd.expired_units + hd.open_units
     WHERE hd.open_units > 0 AND hd.expires_at <= moment AND hd.debit_account_id = ANY (accounts) AND hd.credit_account_id = ANY (accounts)
    RETURNING hd.hold_id, hd.book_id, hd.debit_account_id, hd.credit_account_id, hd.expired_units),
  traced AS (
    INSERT INTO hold_movement (hold_id, book_id, kind, units, moved_at) SELECT hold_id, book_id, 'EXPIRED', expired_units, moment FROM closed ORDER BY 1),
  sides AS (
    SELECT id, sum(debit) AS debit, sum(credit) AS credit
      FROM (SELECT debit_account_id AS id, expired_units AS debit, 0 AS credit FROM closed
            UNION ALL SELECT credit_account_id, 0, expired_units FROM closed) t GROUP BY id)
  UPDATE balance b SET pending_debit = b.pending_debit - s.debit, pending_credit = b.pending_credit - s.credit,
         -- What was drawn beyond the limit shrinks with what is no longer held.
         forced_excess = CASE WHEN b.forced_excess = 0 THEN 0
           ELSE (SELECT CASE WHEN d.drawn > b.limit_units THEN least(b.forced_excess, d.drawn) ELSE 0 END
                   FROM (SELECT -b.available - CASE b.normal_side WHEN 'CREDIT' THEN s.debit ELSE s.credit END AS drawn) d) END
    FROM sides s WHERE s.id = b.ledger_account_id;
END $fn$;

-- Strict accounts are taken alone. Of a rollup account a posting shares the key (SHARE): it waits only for who needs the
-- account as it stands to the unit (EXACT: folded first, and nobody posts until the end), not for the fold and not for a
-- hold (PENDING). All rollup accounts of a batch are locked alike and before the strict ones, so that no two wait in a circle.
-- Every account that a batch touches, locked: the ones it names, those of the entries it reverses and of the holds it uses,
-- all that stands under numbers it closes or opens. A number that is not open in an asset comes back without an id.
CREATE FUNCTION accounting.lock_accounts(books text[], numbers text[], assets text[], entries text[], holds text[], closing_books text[], closing_numbers text[], strength text)
RETURNS TABLE (id bigint, book text, number text, asset text, normal_side text, is_strict boolean, limit_units numeric, payment_limit_units numeric,
               account_state text, posted_debit numeric, posted_credit numeric, pending_debit numeric, pending_credit numeric, last_sequence bigint,
               forced_excess numeric, has_number boolean, has_asset boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = accounting, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $fn$
#variable_conflict use_column
DECLARE moment timestamptz := kernel.now(); asked bigint[]; locked bigint[]; lacking boolean; expiring boolean := false;
BEGIN
  IF cardinality(closing_numbers) > 0 THEN
    PERFORM 1 FROM account a WHERE (a.book_id, a.number) IN (SELECT * FROM unnest(closing_books, closing_numbers)) ORDER BY a.book_id, a.number FOR NO KEY UPDATE;
  END IF;
  SELECT array_agg(l.ledger_account_id), count(*) > count(l.ledger_account_id) INTO asked, lacking
    FROM unnest(books, numbers, assets) AS w(b, n, s) LEFT JOIN ledger_account l ON l.book_id = w.b AND l.number = w.n AND l.asset = w.s;
  IF lacking THEN
    PERFORM accounting.open_ledger_accounts(array_agg(w.b), array_agg(w.n), array_agg(w.s)) FROM unnest(books, numbers, assets) AS w(b, n, s)
      WHERE NOT EXISTS (SELECT FROM ledger_account l WHERE l.book_id = w.b AND l.number = w.n AND l.asset = w.s);
    SELECT array_agg(l.ledger_account_id) INTO asked
      FROM unnest(books, numbers, assets) AS w(b, n, s) JOIN ledger_account l ON l.book_id = w.b AND l.number = w.n AND l.asset = w.s;
    RETURN QUERY
    SELECT NULL::bigint, w.b, w.n, w.s, NULL, NULL::boolean, NULL::numeric, NULL::numeric, NULL, NULL::numeric, NULL::numeric, NULL::numeric, NULL::numeric,
           NULL::bigint, NULL::numeric, EXISTS (SELECT FROM account a WHERE a.book_id = w.b AND a.number = w.n), EXISTS (SELECT FROM asset s WHERE s.asset = w.s)
      FROM unnest(books, numbers, assets) AS w(b, n, s)
     WHERE NOT EXISTS (SELECT FROM ledger_account l WHERE l.book_id = w.b AND l.number = w.n AND l.asset = w.s);
  END IF;
  IF cardinality(entries) > 0 THEN
    asked := asked || ARRAY(SELECT p.ledger_account_id FROM posting p WHERE p.entry_id = ANY (entries));
  END IF;
  IF cardinality(holds) > 0 THEN
    asked := asked || ARRAY(SELECT unnest(ARRAY[h.debit_account_id, h.credit_account_id]) FROM hold h WHERE h.hold_id = ANY (holds));
  END IF;
  IF cardinality(closing_numbers) > 0 THEN
    asked := asked || ARRAY(SELECT l.ledger_account_id FROM unnest(closing_books, closing_numbers) AS c(b, n) JOIN ledger_account l ON l.book_id = c.b AND l.number = c.n);
  END IF;
  -- Asked once for all accounts: hardly ever has one run out that nobody used since.
  locked := asked;
  IF EXISTS (SELECT FROM hold h WHERE h.open_units > 0 AND h.expires_at <= moment) THEN
    SELECT asked || array_agg(h.debit_account_id) || array_agg(h.credit_account_id) INTO locked FROM hold h
     WHERE h.open_units > 0 AND h.expires_at <= moment AND (h.debit_account_id = ANY (asked) OR h.credit_account_id = ANY (asked));
    expiring := coalesce(cardinality(locked), 0) > coalesce(cardinality(asked), 0);
  END IF;
  IF strength = 'EXACT' THEN
    PERFORM FROM balance b WHERE b.ledger_account_id = ANY (locked) AND NOT b.is_strict ORDER BY b.ledger_account_id FOR UPDATE;
    PERFORM accounting.fold_rollup(t.id, NULL) FROM (SELECT DISTINCT r.ledger_account_id AS id FROM rollup_place r
      WHERE r.ledger_account_id = ANY (locked) AND r.account_sequence IS NULL ORDER BY 1) t;
  ELSIF strength = 'PENDING' OR expiring THEN
    PERFORM FROM balance b WHERE b.ledger_account_id = ANY (locked) AND NOT b.is_strict ORDER BY b.ledger_account_id FOR NO KEY UPDATE;
  END IF;
  -- What is read of a balance is what stood when its lock was granted.
  IF NOT expiring THEN
    RETURN QUERY
    SELECT b.ledger_account_id, b.book_id, l.number, l.asset, b.normal_side, b.is_strict, b.limit_units, b.payment_limit_units, b.account_state,
           b.posted_debit, b.posted_credit, b.pending_debit, b.pending_credit, b.last_sequence, b.forced_excess, true, true
      FROM balance b JOIN ledger_account l USING (ledger_account_id)
     WHERE b.ledger_account_id = ANY (locked) AND NOT b.is_strict ORDER BY b.ledger_account_id FOR KEY SHARE OF b;
  ELSE
    PERFORM FROM balance b WHERE b.ledger_account_id = ANY (locked) AND b.is_strict ORDER BY b.ledger_account_id FOR NO KEY UPDATE;
    PERFORM accounting.expire_holds(locked, moment);
    RETURN QUERY
    SELECT b.ledger_account_id, b.book_id, l.number, l.asset, b.normal_side, b.is_strict, b.limit_units, b.payment_limit_units, b.account_state,
           b.posted_debit, b.posted_credit, b.pending_debit, b.pending_credit, b.last_sequence, b.forced_excess, true, true
      FROM balance b JOIN ledger_account l USING (ledger_account_id)
     WHERE b.ledger_account_id = ANY (locked) AND NOT b.is_strict;
  END IF;
  RETURN QUERY
  SELECT b.ledger_account_id, b.book_id, l.number, l.asset, b.normal_side, b.is_strict, b.limit_units, b.payment_limit_units, b.account_state,
         b.posted_debit, b.posted_credit, b.pending_debit, b.pending_credit, b.last_sequence, b.forced_excess, true, true
    FROM balance b JOIN ledger_account l USING (ledger_account_id)
   WHERE b.ledger_account_id = ANY (locked) AND b.is_strict ORDER BY b.ledger_account_id FOR NO KEY UPDATE OF b;
END $fn$;
`;

/** Writes what was decided, and nothing else: an entry and its postings come with the balances they lead to. */
export const bookPostings = `
-- Writes what was decided. An entry and its postings come with the balances they lead to, in one statement, so that the
-- triggers see them together. Each array has one member for each entry, posting, balance or bucket; all else is in \`rest\`.
CREATE OR REPLACE FUNCTION accounting.book_postings(moment timestamptz,
  e_id text[], e_book text[], e_kind text[], e_business date[], e_value date[], e_description text[], e_subject_kind text[], e_subject_id text[],
  e_key text[], e_by text[], e_count int[], e_reverses text[], e_forced text[], e_hold text[], e_hash bytea[],
  p_entry int[], p_n int[], p_account bigint[], p_asset text[], p_units numeric[], p_sequence bigint[], p_balance numeric[],
  b_account bigint[], b_debit numeric[], b_credit numeric[], b_pending_debit numeric[], b_pending_credit numeric[], b_sequence bigint[], b_excess numeric[],
  d_account bigint[], d_book text[], d_value date[], d_business date[], d_debit numeric[], d_credit numeric[],
  rest jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = accounting, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $fn$
DECLARE closed text;
BEGIN
  -- The day is shared since it was read; a caller that did not ask is stopped here.
  SELECT w.b || ' ' || w.t INTO closed FROM (SELECT DISTINCT b, t FROM unnest(e_book, e_business) AS e(b, t)) w
    LEFT JOIN business_day d ON d.book_id = w.b AND d.business_date = w.t
   WHERE d.state IS DISTINCT FROM 'OPEN' AND EXISTS (SELECT FROM business_day o WHERE o.book_id = w.b) LIMIT 1;
  IF FOUND THEN RAISE EXCEPTION 'the business date is not open: %', closed USING ERRCODE = 'check_violation'; END IF;

  IF rest ? 'holds' THEN
    INSERT INTO hold (hold_id, book_id, asset, debit_account_id, credit_account_id, amount_units, reason, expires_at, placed_at, requested_by, idempotency_key)
    SELECT h.id, h.book, h.asset, h.debit, h.credit, h.units, h.reason, h.expires, moment, h.by, h.key
      FROM jsonb_to_recordset(rest->'holds') AS h(id text, book text, asset text, debit bigint, credit bigint, units numeric, reason text, expires timestamptz, by text, key text);
  END IF;
  IF rest ? 'movements' THEN
    UPDATE hold hd SET captured_units = hd.captured_units + m.captured, released_units = hd.released_units + m.released
      FROM (SELECT hold, coalesce(sum(units) FILTER (WHERE kind = 'CAPTURED'), 0) AS captured, coalesce(sum(units) FILTER (WHERE kind = 'RELEASED'), 0) AS released
              FROM jsonb_to_recordset(rest->'movements') AS m(hold text, kind text, units numeric) GROUP BY 1) m
     WHERE m.hold = hd.hold_id;
  END IF;

  WITH header AS (
    INSERT INTO journal_entry (entry_id, book_id, kind, business_date, value_date, booked_at, description, subject_kind, subject_id,
                               idempotency_key, requested_by, posting_count, reverses_entry_id, forced_reason, hold_id, entry_hash)
    SELECT e.id, e.book, e.kind, e.business, e.value, moment, e.description, e.subject_kind, e.subject_id, e.key, e.by, e.count, e.reverses, e.forced, e.hold, e.hash
      FROM unnest(e_id, e_book, e_kind, e_business, e_value, e_description, e_subject_kind, e_subject_id, e_key, e_by, e_count, e_reverses, e_forced, e_hold, e_hash)
        AS e(id, book, kind, business, value, description, subject_kind, subject_id, key, by, count, reverses, forced, hold, hash)),
  booked AS (
    INSERT INTO posting (entry_id, n, book_id, ledger_account_id, asset, units, business_date, value_date, account_sequence, balance_after)
    SELECT e_id[p.e], p.n, e_book[p.e], p.account, p.asset, p.units, e_business[p.e], e_value[p.e], p.sequence, p.balance
      FROM unnest(p_entry, p_n, p_account, p_asset, p_units, p_sequence, p_balance) AS p(e, n, account, asset, units, sequence, balance)),
  -- A rollup account is not touched: the fold gives its postings their places.
  unplaced AS (
    INSERT INTO rollup_place (entry_id, n, book_id, ledger_account_id)
    SELECT e_id[p.e], p.n, e_book[p.e], p.account FROM unnest(p_entry, p_n, p_account, p_sequence) AS p(e, n, account, sequence) WHERE p.sequence IS NULL)
  UPDATE balance b SET posted_debit = n.debit, posted_credit = n.credit, pending_debit = n.pending_debit, pending_credit = n.pending_credit,
         last_sequence = n.sequence, forced_excess = n.excess
    FROM unnest(b_account, b_debit, b_credit, b_pending_debit, b_pending_credit, b_sequence, b_excess)
      AS n(account, debit, credit, pending_debit, pending_credit, sequence, excess)
   WHERE b.ledger_account_id = n.account;

  INSERT INTO daily_bucket AS t (ledger_account_id, value_date, business_date, book_id, debit, credit)
  SELECT d.account, d.value, d.business, d.book, d.debit, d.credit
    FROM unnest(d_account, d_value, d_business, d_book, d_debit, d_credit) AS d(account, value, business, book, debit, credit)
  ON CONFLICT (ledger_account_id, value_date, business_date) DO UPDATE SET debit = t.debit + excluded.debit, credit = t.credit + excluded.credit;

  IF rest IS NULL THEN RETURN; END IF;
  IF rest ? 'parts' THEN
    INSERT INTO reversal_part (entry_id, n, book_id, original_entry_id, original_n, units)
    SELECT t.entry, t.n, t.book, t.original, t.of, t.units
      FROM jsonb_to_recordset(rest->'parts') AS t(entry text, n int, book text, original text, of int, units numeric) ORDER BY 1, 2;
  END IF;
  INSERT INTO hold_movement (hold_id, book_id, kind, units, entry_id, idempotency_key, moved_at)
  SELECT m.hold, m.book, m.kind, m.units, m.entry, m.key, moment
    FROM ROWS FROM (jsonb_to_recordset(coalesce(rest->'movements', '[]')) AS (hold text, book text, kind text, units numeric, entry text, key text))
      WITH ORDINALITY AS m(hold, book, kind, units, entry, key, o) ORDER BY m.o;
  INSERT INTO sweep (book_id, key, asked_units, moved_units, entry_id, hold_id)
  SELECT s.book, s.key, s.asked, s.moved, s.entry, s.hold
    FROM jsonb_to_recordset(coalesce(rest->'sweeps', '[]')) AS s(book text, key text, asked numeric, moved numeric, entry text, hold text) ORDER BY 1, 2;
  IF rest ? 'closings' THEN
    -- Of several for one number the last counts; each is kept.
    UPDATE account a SET state = c.state
      FROM (SELECT DISTINCT ON (book, account) book, account, state
              FROM ROWS FROM (jsonb_to_recordset(rest->'closings') AS (book text, account text, state text)) WITH ORDINALITY AS c(book, account, state, o)
             ORDER BY book, account, o DESC) c
     WHERE c.book = a.book_id AND c.account = a.number AND a.state <> c.state;
    INSERT INTO account_state_change (book_id, number, state, idempotency_key, changed_at, requested_by)
    SELECT c.book, c.account, c.state, c.key, moment, c.by
      FROM ROWS FROM (jsonb_to_recordset(rest->'closings') AS (book text, account text, state text, key text, by text))
        WITH ORDINALITY AS c(book, account, state, key, by, o) ORDER BY c.o;
  END IF;
  INSERT INTO posting_refusal (book_id, key, code, account, asset, available_units)
  SELECT r.book, r.key, r.code, r.account, r.asset, r.available
    FROM jsonb_to_recordset(coalesce(rest->'refusals', '[]')) AS r(book text, key text, code text, account text, asset text, available numeric) ORDER BY 1, 2;
END $fn$;
`;

/** All postings of an entry come in one statement, and each follows the one before it on its account. */
export const keepsEntriesWhole = `
CREATE OR REPLACE FUNCTION accounting.posting_keeps_entry_whole() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE broken text; fault text; at_sequence bigint;
BEGIN
  SELECT t.entry_id, CASE WHEN e.book_id IS DISTINCT FROM t.book_id THEN '23503' ELSE '23514' END INTO broken, fault
    FROM (SELECT r.entry_id, r.book_id, count(*) AS count, max(r.n) AS last FROM new_rows r GROUP BY r.entry_id, r.book_id) t
    LEFT JOIN accounting.journal_entry e ON e.entry_id = t.entry_id
   WHERE e.book_id IS DISTINCT FROM t.book_id OR e.posting_count <> t.count OR t.last <> t.count LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'journal entry % does not have the postings of its header, or was complete before', broken USING ERRCODE = fault;
  END IF;
  SELECT r.entry_id INTO broken FROM new_rows r LEFT JOIN accounting.ledger_account l ON l.ledger_account_id = r.ledger_account_id
   WHERE l.book_id IS DISTINCT FROM r.book_id OR l.asset <> r.asset LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'a posting of journal entry % is on no ledger account of its book and asset', broken USING ERRCODE = 'foreign_key_violation';
  END IF;
  -- A posting of a strict account has its place; one of a rollup account waits for the fold.
  SELECT r.entry_id INTO broken FROM new_rows r JOIN accounting.balance b ON b.ledger_account_id = r.ledger_account_id
   WHERE b.is_strict <> (r.account_sequence IS NOT NULL)
      OR (r.account_sequence IS NULL
          AND (SELECT t.n FROM accounting.rollup_place t WHERE t.entry_id = r.entry_id AND t.n = r.n) IS NULL) LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'a posting of journal entry % has no place, or one that it must not have', broken USING ERRCODE = 'check_violation';
  END IF;
  SELECT r.entry_id INTO broken FROM new_rows r GROUP BY r.entry_id, r.asset HAVING sum(r.units) <> 0 LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'journal entry % does not sum to zero per asset', broken USING ERRCODE = 'check_violation';
  END IF;
  -- Of each account the first posting of the statement is compared with what stood before, the last one with the balance.
  SELECT t.ledger_account_id::text, t.account_sequence INTO broken, at_sequence
    FROM (SELECT w.*, CASE WHEN w.sequence_before IS NULL THEN w.account_sequence - 1 END AS stood_at,
                 CASE WHEN w.next_sequence IS NULL THEN w.ledger_account_id END AS ends_at
            FROM (SELECT r.ledger_account_id, r.account_sequence, r.units, r.balance_after,
                         lag(r.account_sequence) OVER w AS sequence_before, lag(r.balance_after) OVER w AS balance_before,
                         lead(r.account_sequence) OVER w AS next_sequence
                    FROM new_rows r WHERE r.account_sequence IS NOT NULL
                 WINDOW w AS (PARTITION BY r.ledger_account_id ORDER BY r.account_sequence)) w
          OFFSET 0) t
    LEFT JOIN accounting.posting p ON p.ledger_account_id = t.ledger_account_id AND p.account_sequence = t.stood_at
    LEFT JOIN accounting.balance b ON b.ledger_account_id = t.ends_at
   WHERE t.account_sequence <> coalesce(t.sequence_before, p.account_sequence, 0) + 1
      OR t.balance_after <> coalesce(t.balance_before, p.balance_after, 0) + t.units
      OR (t.next_sequence IS NULL AND b.last_sequence IS DISTINCT FROM t.account_sequence)
   LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'posting % of ledger account % does not follow the one before it, or its balance does not follow', at_sequence, broken
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
`;
