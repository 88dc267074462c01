const available = `CASE normal_side WHEN 'CREDIT' THEN posted_credit - posted_debit - pending_debit ELSE posted_debit - posted_credit - pending_credit END`;
const balanceChecks = `
  ADD CONSTRAINT available_within_limit CHECK (NOT is_strict OR ${available} >= -greatest(limit_units, forced_excess)),
  ADD CONSTRAINT excess_is_what_is_drawn
    CHECK (forced_excess = 0 OR (is_strict AND forced_excess = -(${available}) AND forced_excess > limit_units))`;

/** Whoever posts to a rollup account does not know what it has, so its counters have room for more than can ever come: 10^21 of the largest amounts. */
const wideCounters = `
ALTER TABLE accounting.balance DROP CONSTRAINT available_within_limit, DROP CONSTRAINT excess_is_what_is_drawn, DROP COLUMN available;
ALTER TABLE accounting.balance ALTER posted_debit TYPE numeric(60,0), ALTER posted_credit TYPE numeric(60,0);
ALTER TABLE accounting.balance ADD available numeric(60,0) GENERATED ALWAYS AS (${available}) STORED, ${balanceChecks},
  ADD CONSTRAINT counters_within_range CHECK (NOT is_strict OR greatest(posted_debit, posted_credit) < 1e39);
ALTER TABLE accounting.daily_bucket ALTER debit TYPE numeric(60,0), ALTER credit TYPE numeric(60,0);
ALTER TABLE accounting.trial_balance_line ALTER debit_total TYPE numeric(60,0), ALTER credit_total TYPE numeric(60,0);`;

export const narrowCounters = `
ALTER TABLE accounting.trial_balance_line ALTER debit_total TYPE numeric(39,0), ALTER credit_total TYPE numeric(39,0);
ALTER TABLE accounting.daily_bucket ALTER debit TYPE numeric(39,0), ALTER credit TYPE numeric(39,0);
ALTER TABLE accounting.balance DROP CONSTRAINT available_within_limit, DROP CONSTRAINT excess_is_what_is_drawn, DROP CONSTRAINT counters_within_range,
  DROP COLUMN available;
ALTER TABLE accounting.balance ALTER posted_debit TYPE numeric(39,0), ALTER posted_credit TYPE numeric(39,0);
ALTER TABLE accounting.balance ADD available numeric(39,0) GENERATED ALWAYS AS (${available}) STORED, ${balanceChecks};`;

/**
 * Rollup accounts: what many post to at the same time. A posting on one is inserted without a place on its account, and
 * no row of the account is changed; a moment later the fold gives it its place in the sequence and its running balance,
 * and brings balance and daily buckets forward. The balance's last sequence is the watermark: it only moves on. What
 * stands is always the folded part and the tail together (`balance_now`, `bucket_now`).
 */
export const rollupTables = `
${wideCounters}
ALTER TABLE accounting.posting ALTER account_sequence DROP NOT NULL, ALTER balance_after DROP NOT NULL,
  ADD CONSTRAINT place_is_whole CHECK ((account_sequence IS NULL) = (balance_after IS NULL));

-- The place of a posting on its rollup account, empty until the fold.
CREATE TABLE accounting.rollup_place (
  entry_id          text NOT NULL,
  n                 int NOT NULL,
  book_id           text NOT NULL,
  ledger_account_id bigint NOT NULL,
  account_sequence  bigint CHECK (account_sequence >= 1),
  balance_after     numeric(60,0),
  PRIMARY KEY (entry_id, n),
  CHECK ((account_sequence IS NULL) = (balance_after IS NULL))
);
CREATE UNIQUE INDEX rollup_place_in_order ON accounting.rollup_place (ledger_account_id, account_sequence) WHERE account_sequence IS NOT NULL;
CREATE INDEX rollup_tail ON accounting.rollup_place (ledger_account_id, entry_id, n) WHERE account_sequence IS NULL;
ALTER TABLE accounting.rollup_place ENABLE ROW LEVEL SECURITY;
ALTER TABLE accounting.rollup_place FORCE ROW LEVEL SECURITY;
CREATE POLICY by_book ON accounting.rollup_place USING (kernel.sees_book(book_id));
GRANT SELECT ON accounting.rollup_place TO accounting, verify;

-- Balances as they stand.
CREATE VIEW accounting.balance_now WITH (security_invoker = on) AS
SELECT b.ledger_account_id, b.book_id, b.normal_side, b.is_strict, b.posted_debit + t.debit AS posted_debit, b.posted_credit + t.credit AS posted_credit,
       b.pending_debit, b.pending_credit, b.last_sequence, b.limit_units, b.forced_excess,
       b.available + CASE b.normal_side WHEN 'DEBIT' THEN t.debit - t.credit ELSE t.credit - t.debit END AS available, t.postings AS unfolded
  FROM accounting.balance b
 CROSS JOIN LATERAL (
   SELECT coalesce(sum(greatest(p.units, 0)), 0) AS debit, coalesce(sum(greatest(-p.units, 0)), 0) AS credit, count(*) AS postings
     FROM accounting.rollup_place r JOIN accounting.posting p USING (entry_id, n)
    WHERE NOT b.is_strict AND r.ledger_account_id = b.ledger_account_id AND r.account_sequence IS NULL) t;

-- Daily buckets with what is not yet in them: to be summed.
CREATE VIEW accounting.bucket_now WITH (security_invoker = on) AS
SELECT ledger_account_id, value_date, business_date, book_id, debit, credit FROM accounting.daily_bucket
UNION ALL
SELECT r.ledger_account_id, p.value_date, p.business_date, r.book_id, greatest(p.units, 0), greatest(-p.units, 0)
  FROM accounting.rollup_place r JOIN accounting.posting p USING (entry_id, n) WHERE r.account_sequence IS NULL;

-- Postings in the order of their accounts. Those of the tail stand where the fold would put them now.
CREATE VIEW accounting.posting_in_order WITH (security_invoker = on) AS
SELECT p.entry_id, p.n, p.book_id, p.ledger_account_id, p.asset, p.units, p.business_date, p.value_date, p.account_sequence, p.balance_after
  FROM accounting.posting p WHERE p.account_sequence IS NOT NULL
UNION ALL
SELECT p.entry_id, p.n, p.book_id, r.ledger_account_id, p.asset, p.units, p.business_date, p.value_date, r.account_sequence, r.balance_after
  FROM accounting.rollup_place r JOIN accounting.posting p USING (entry_id, n) WHERE r.account_sequence IS NOT NULL
UNION ALL
SELECT t.entry_id, t.n, t.book_id, t.ledger_account_id, t.asset, t.units, t.business_date, t.value_date,
       b.last_sequence + t.place, b.posted_debit - b.posted_credit + t.running
  FROM (SELECT p.entry_id, p.n, p.book_id, r.ledger_account_id, p.asset, p.units, p.business_date, p.value_date,
               row_number() OVER w AS place, sum(p.units) OVER w AS running
          FROM accounting.rollup_place r JOIN accounting.posting p USING (entry_id, n) JOIN accounting.journal_entry e USING (entry_id)
         WHERE r.account_sequence IS NULL
        WINDOW w AS (PARTITION BY r.ledger_account_id ORDER BY e.sequence, p.n)) t
  JOIN accounting.balance b USING (ledger_account_id);
GRANT SELECT ON accounting.balance_now, accounting.bucket_now, accounting.posting_in_order TO accounting, verify;
`;

/** The tables look at the fold as they look at the writer: each place follows the one before it, and is given once. */
export const rollupGuards = `
CREATE TRIGGER never_goes BEFORE DELETE OR TRUNCATE ON accounting.rollup_place
  FOR EACH STATEMENT EXECUTE FUNCTION accounting.never_changes();

CREATE FUNCTION accounting.place_is_given_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.account_sequence IS NOT NULL OR NEW.account_sequence IS NULL
     OR (NEW.entry_id, NEW.n, NEW.book_id, NEW.ledger_account_id) IS DISTINCT FROM (OLD.entry_id, OLD.n, OLD.book_id, OLD.ledger_account_id) THEN
    RAISE EXCEPTION 'the place of posting % of journal entry % is given once', OLD.n, OLD.entry_id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER place_is_given_once BEFORE UPDATE ON accounting.rollup_place FOR EACH ROW EXECUTE FUNCTION accounting.place_is_given_once();

-- A place comes empty, and with its posting.
CREATE FUNCTION accounting.place_has_its_posting() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE broken text;
BEGIN
  SELECT r.entry_id INTO broken FROM new_rows r LEFT JOIN accounting.posting p ON p.entry_id = r.entry_id AND p.n = r.n
   WHERE r.account_sequence IS NOT NULL OR p.account_sequence IS NOT NULL
      OR (p.ledger_account_id, p.book_id) IS DISTINCT FROM (r.ledger_account_id, r.book_id) LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'journal entry % has no posting for this place', broken USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER place_has_its_posting AFTER INSERT ON accounting.rollup_place REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION accounting.place_has_its_posting();

CREATE FUNCTION accounting.place_follows() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE broken text; at_sequence bigint;
BEGIN
  SELECT t.ledger_account_id::text, t.account_sequence INTO broken, at_sequence
    FROM (SELECT w.*, p.units, CASE WHEN w.sequence_before IS NULL THEN w.account_sequence - 1 END AS stood_at,
                 CASE WHEN w.next_sequence IS NULL THEN w.ledger_account_id END AS ends_at
            FROM (SELECT r.entry_id, r.n, r.ledger_account_id, r.account_sequence, r.balance_after,
                         lag(r.account_sequence) OVER w AS sequence_before, lag(r.balance_after) OVER w AS balance_before,
                         lead(r.account_sequence) OVER w AS next_sequence
                    FROM new_rows r WINDOW w AS (PARTITION BY r.ledger_account_id ORDER BY r.account_sequence)) w
            JOIN accounting.posting p ON p.entry_id = w.entry_id AND p.n = w.n
          OFFSET 0) t
    LEFT JOIN accounting.posting p ON p.ledger_account_id = t.ledger_account_id AND p.account_sequence = t.stood_at
    LEFT JOIN accounting.rollup_place r ON r.ledger_account_id = t.ledger_account_id AND r.account_sequence = t.stood_at
    LEFT JOIN accounting.balance b ON b.ledger_account_id = t.ends_at
   WHERE t.account_sequence <> coalesce(t.sequence_before, p.account_sequence, r.account_sequence, 0) + 1
      OR t.balance_after <> coalesce(t.balance_before, p.balance_after, r.balance_after, 0) + t.units
      OR (t.next_sequence IS NULL AND b.last_sequence IS DISTINCT FROM t.account_sequence)
   LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'place % of ledger account % does not follow the one before it, or its balance does not follow', at_sequence, broken
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER place_follows AFTER UPDATE ON accounting.rollup_place REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION accounting.place_follows();

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

CREATE OR REPLACE FUNCTION accounting.balance_follows() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE broken bigint;
BEGIN
  SELECT b.ledger_account_id INTO broken
    FROM (SELECT r.*, r.last_sequence + 1 AS next_sequence, CASE WHEN NOT r.is_strict THEN r.ledger_account_id END AS rollup_id FROM new_rows r OFFSET 0) b
    LEFT JOIN accounting.posting p ON p.ledger_account_id = b.ledger_account_id AND p.account_sequence = b.last_sequence
    LEFT JOIN accounting.rollup_place t ON t.ledger_account_id = b.rollup_id AND t.account_sequence = b.last_sequence
   WHERE b.posted_debit - b.posted_credit <> coalesce(p.balance_after, t.balance_after, 0)
      OR (b.last_sequence > 0 AND p.entry_id IS NULL AND t.entry_id IS NULL)
      -- Asked row by row: an EXISTS could be answered by reading every posting there is.
      OR (SELECT later.n FROM accounting.posting later
           WHERE later.ledger_account_id = b.ledger_account_id AND later.account_sequence = b.next_sequence) IS NOT NULL
      OR (SELECT later.n FROM accounting.rollup_place later
           WHERE later.ledger_account_id = b.rollup_id AND later.account_sequence = b.next_sequence) IS NOT NULL
      OR b.pending_debit <> (SELECT coalesce(sum(h.open_units), 0) FROM accounting.hold h
                              WHERE h.debit_account_id = b.ledger_account_id AND h.open_units > 0)
      OR b.pending_credit <> (SELECT coalesce(sum(h.open_units), 0) FROM accounting.hold h
                               WHERE h.credit_account_id = b.ledger_account_id AND h.open_units > 0)
   LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'the balance of ledger account % does not follow its postings and holds', broken USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
`;

export const rollupFold = `
-- Gives the postings of the tail their places, the oldest entries first, and brings balance and buckets forward. Answers
-- how many; at most so many at a time, or all of them.
CREATE FUNCTION accounting.fold_rollup(account bigint, postings_max int) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = accounting, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $fn$
DECLARE stood record; folded int;
BEGIN
  SELECT b.last_sequence, b.posted_debit - b.posted_credit AS balance INTO stood FROM balance b
   WHERE b.ledger_account_id = account AND NOT b.is_strict FOR NO KEY UPDATE;
  IF NOT FOUND THEN RETURN 0; END IF;
  WITH tail AS (
    SELECT r.entry_id, r.n, r.book_id, p.units, p.value_date, p.business_date, e.sequence
      FROM rollup_place r JOIN posting p ON p.entry_id = r.entry_id AND p.n = r.n JOIN journal_entry e ON e.entry_id = r.entry_id
     WHERE r.ledger_account_id = account AND r.account_sequence IS NULL ORDER BY e.sequence, r.n LIMIT postings_max),
  placed AS (
    SELECT t.*, stood.last_sequence + row_number() OVER w AS at_sequence, stood.balance + sum(t.units) OVER w AS balance
      FROM tail t WINDOW w AS (ORDER BY t.sequence, t.n)),
  given AS (
    UPDATE rollup_place r SET account_sequence = p.at_sequence, balance_after = p.balance FROM placed p WHERE r.entry_id = p.entry_id AND r.n = p.n),
  bucketed AS (
    INSERT INTO daily_bucket AS d (ledger_account_id, value_date, business_date, book_id, debit, credit)
    SELECT account, value_date, business_date, book_id, sum(greatest(units, 0)), sum(greatest(-units, 0)) FROM placed GROUP BY 2, 3, 4 ORDER BY 2, 3
    ON CONFLICT (ledger_account_id, value_date, business_date) DO UPDATE SET debit = d.debit + excluded.debit, credit = d.credit + excluded.credit),
  total AS (SELECT count(*) AS postings, sum(greatest(units, 0)) AS debit, sum(greatest(-units, 0)) AS credit FROM placed),
  moved AS (
    UPDATE balance b SET posted_debit = b.posted_debit + t.debit, posted_credit = b.posted_credit + t.credit, last_sequence = b.last_sequence + t.postings
      FROM total t WHERE b.ledger_account_id = account AND t.postings > 0)
  SELECT postings INTO folded FROM total;
  RETURN folded;
END $fn$;

-- Folds what waits, account by account in their order: how many accounts and postings, and the most of one account.
-- Several may: whom another folds is left to it.
CREATE FUNCTION accounting.fold_rollups(accounts_max int, postings_max int, OUT accounts int, OUT postings int, OUT most int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = accounting, pg_temp SET enable_seqscan = off AS $fn$
DECLARE waiting bigint; folded int;
BEGIN
  accounts := 0; postings := 0; most := 0;
  FOR waiting IN
    SELECT b.ledger_account_id FROM balance b
     WHERE b.ledger_account_id IN (SELECT r.ledger_account_id FROM rollup_place r WHERE r.account_sequence IS NULL)
     ORDER BY 1 LIMIT accounts_max FOR NO KEY UPDATE SKIP LOCKED
  LOOP
    folded := accounting.fold_rollup(waiting, postings_max);
    accounts := accounts + 1; postings := postings + folded; most := greatest(most, folded);
  END LOOP;
END $fn$;
`;

export const lockAccounts = `
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

/** The guard of the balances as it was before there were places. */
export const followsWithoutRollups = `
CREATE OR REPLACE FUNCTION accounting.balance_follows() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE broken bigint;
BEGIN
  SELECT b.ledger_account_id INTO broken
    FROM (SELECT r.*, r.last_sequence + 1 AS next_sequence FROM new_rows r OFFSET 0) b
    LEFT JOIN accounting.posting p ON p.ledger_account_id = b.ledger_account_id AND p.account_sequence = b.last_sequence
   WHERE b.posted_debit - b.posted_credit <> coalesce(p.balance_after, 0)
      OR (b.last_sequence > 0 AND p.entry_id IS NULL)
      -- Asked row by row: an EXISTS could be answered by reading every posting there is.
      OR (SELECT later.n FROM accounting.posting later
           WHERE later.ledger_account_id = b.ledger_account_id AND later.account_sequence = b.next_sequence) IS NOT NULL
      OR b.pending_debit <> (SELECT coalesce(sum(h.open_units), 0) FROM accounting.hold h
                              WHERE h.debit_account_id = b.ledger_account_id AND h.open_units > 0)
      OR b.pending_credit <> (SELECT coalesce(sum(h.open_units), 0) FROM accounting.hold h
                               WHERE h.credit_account_id = b.ledger_account_id AND h.open_units > 0)
   LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'the balance of ledger account % does not follow its postings and holds', broken USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
`;
