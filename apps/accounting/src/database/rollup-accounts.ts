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
