/** What the tables hold against their own writers, beside the grants: a posting function with a fault in it cannot commit. */
export const ledgerGuards = `
SELECT set_config('app.books', '*', true);

-- What was drawn beyond the limit is exactly what is missing, and only on an account that has a limit to keep.
UPDATE accounting.balance SET forced_excess = CASE WHEN is_strict AND available < -limit_units THEN -available ELSE 0 END
 WHERE forced_excess <> CASE WHEN is_strict AND available < -limit_units THEN -available ELSE 0 END;
ALTER TABLE accounting.balance ADD CONSTRAINT excess_is_what_is_drawn
  CHECK (forced_excess = 0 OR (is_strict AND forced_excess = -available AND forced_excess > limit_units));

-- It rises by a forced entry among the postings that moved the balance, or when the limit is lowered under what is drawn.
CREATE FUNCTION accounting.excess_is_explained() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.limit_units < OLD.limit_units AND NEW.last_sequence = OLD.last_sequence AND NEW.available = OLD.available THEN
    RETURN NULL;
  END IF;
  IF NOT EXISTS (SELECT FROM accounting.posting p JOIN accounting.journal_entry e USING (entry_id)
                  WHERE p.ledger_account_id = NEW.ledger_account_id AND e.forced_reason IS NOT NULL
                    AND p.account_sequence > OLD.last_sequence AND p.account_sequence <= NEW.last_sequence) THEN
    RAISE EXCEPTION 'ledger account % is drawn beyond its limit by no forced entry', NEW.ledger_account_id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER excess_is_explained AFTER UPDATE ON accounting.balance
  FOR EACH ROW WHEN (NEW.forced_excess > OLD.forced_excess) EXECUTE FUNCTION accounting.excess_is_explained();

-- A header has its last posting; that the others are there too, the trigger of the postings sees.
CREATE OR REPLACE FUNCTION accounting.entry_is_whole() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE broken text;
BEGIN
  SELECT e.entry_id INTO broken FROM new_rows e
   WHERE NOT EXISTS (SELECT FROM accounting.posting p WHERE p.entry_id = e.entry_id AND p.n = e.posting_count) LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'journal entry % lacks postings', broken USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;

-- All postings of an entry come in one statement, 1 to its count, zero per asset; each follows the one before it on its
-- account, in sequence and in balance; and the account's balance stands at the last of them when the statement ends.
CREATE OR REPLACE FUNCTION accounting.posting_keeps_entry_whole() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE broken text; at_sequence bigint;
BEGIN
  SELECT t.entry_id INTO broken
    FROM (SELECT r.entry_id, count(*) AS count, max(r.n) AS last FROM new_rows r GROUP BY r.entry_id) t
    JOIN accounting.journal_entry e USING (entry_id)
   WHERE e.posting_count <> t.count OR t.last <> t.count LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'journal entry % does not have the postings of its header, or was complete before', broken USING ERRCODE = 'check_violation';
  END IF;
  SELECT r.entry_id INTO broken FROM new_rows r GROUP BY r.entry_id, r.asset HAVING sum(r.units) <> 0 LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'journal entry % does not sum to zero per asset', broken USING ERRCODE = 'check_violation';
  END IF;
  SELECT t.ledger_account_id::text, t.account_sequence INTO broken, at_sequence
    FROM (SELECT r.ledger_account_id, r.account_sequence, r.units, r.balance_after,
                 lag(r.account_sequence) OVER w AS sequence_before, lag(r.balance_after) OVER w AS balance_before,
                 lead(r.account_sequence) OVER w AS next_sequence
            FROM new_rows r WINDOW w AS (PARTITION BY r.ledger_account_id ORDER BY r.account_sequence)) t
    LEFT JOIN accounting.posting p
           ON t.sequence_before IS NULL AND p.ledger_account_id = t.ledger_account_id AND p.account_sequence = t.account_sequence - 1
    LEFT JOIN accounting.balance b ON t.next_sequence IS NULL AND b.ledger_account_id = t.ledger_account_id
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

CREATE TRIGGER never_changes BEFORE DELETE OR TRUNCATE ON accounting.daily_bucket
  FOR EACH STATEMENT EXECUTE FUNCTION accounting.never_changes();

-- A posting shares the key of its day. An UPDATE of the state alone would not wait for it: whoever changes it, this does.
CREATE FUNCTION accounting.day_waits_for_postings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM 1 FROM accounting.business_day d WHERE d.book_id = OLD.book_id AND d.business_date = OLD.business_date FOR UPDATE;
  RETURN NEW;
END $$;
CREATE TRIGGER day_waits_for_postings BEFORE UPDATE ON accounting.business_day
  FOR EACH ROW WHEN (NEW.state IS DISTINCT FROM OLD.state) EXECUTE FUNCTION accounting.day_waits_for_postings();

-- The account's row comes first, then its balances, as for a posting: one that opens the number in an asset
-- at the same time reads the limits and the state that stand, or is seen here.
CREATE OR REPLACE FUNCTION accounting.set_account_state(book text, account_number text, new_state text) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = accounting, pg_temp AS $$
BEGIN
  PERFORM 1 FROM account a WHERE a.book_id = book AND a.number = account_number FOR NO KEY UPDATE;
  PERFORM b.ledger_account_id FROM balance b JOIN ledger_account l USING (ledger_account_id)
    WHERE l.book_id = book AND l.number = account_number ORDER BY b.ledger_account_id FOR UPDATE OF b;
  UPDATE account SET state = new_state WHERE book_id = book AND number = account_number;
  RETURN FOUND;
END $$;

-- Limits that differ from what stands. One below what is already drawn does not undo the past: the difference stands
-- as excess until it recovers. Of two for the same number and asset the later counts.
CREATE FUNCTION accounting.set_limits(limits jsonb) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = accounting, pg_temp AS $$
DECLARE changed int;
BEGIN
  PERFORM 1 FROM account a
    WHERE (a.book_id, a.number) IN (SELECT m->>'book', m->>'number' FROM jsonb_array_elements(limits) m)
    ORDER BY a.book_id, a.number FOR NO KEY UPDATE;
  PERFORM b.ledger_account_id FROM balance b JOIN ledger_account l USING (ledger_account_id)
    WHERE (l.book_id, l.number, l.asset) IN (SELECT m->>'book', m->>'number', m->>'asset' FROM jsonb_array_elements(limits) m)
    ORDER BY b.ledger_account_id FOR UPDATE OF b;
  WITH given AS (
    SELECT DISTINCT ON (1, 2, 3) m->>'book' AS book_id, m->>'number' AS number, m->>'asset' AS asset,
           (m->>'overdraftUnits')::numeric AS overdraft_units, (m->>'paymentLimitUnits')::numeric AS payment_limit_units
      FROM jsonb_array_elements(limits) WITH ORDINALITY AS t(m, o) ORDER BY 1, 2, 3, o DESC),
  written AS (
    INSERT INTO account_limit AS t (book_id, number, asset, overdraft_units, payment_limit_units)
    SELECT book_id, number, asset, overdraft_units, payment_limit_units FROM given ORDER BY 1, 2, 3
    ON CONFLICT (book_id, number, asset) DO UPDATE
       SET overdraft_units = excluded.overdraft_units, payment_limit_units = excluded.payment_limit_units,
           version = t.version + 1, changed_at = kernel.now()
     WHERE t.overdraft_units <> excluded.overdraft_units OR t.payment_limit_units IS DISTINCT FROM excluded.payment_limit_units
    RETURNING t.book_id, t.number, t.asset, t.overdraft_units),
  moved AS (
    UPDATE balance b
       SET limit_units = w.overdraft_units,
           forced_excess = CASE WHEN b.is_strict AND b.available < -w.overdraft_units THEN -b.available ELSE 0 END
      FROM written w JOIN ledger_account l USING (book_id, number, asset)
     WHERE l.ledger_account_id = b.ledger_account_id)
  SELECT count(*) INTO changed FROM written;
  RETURN changed;
END $$;
DROP FUNCTION accounting.set_limit(text, text, text, numeric, numeric);
REVOKE ALL ON FUNCTION accounting.set_limits(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION accounting.set_limits(jsonb) TO accounting;
-- Limits have one writer too.
REVOKE INSERT ON accounting.account_limit FROM accounting;
`;

export const dropLedgerGuards = `
GRANT INSERT ON accounting.account_limit TO accounting;
DROP FUNCTION accounting.set_limits(jsonb);
DROP TRIGGER day_waits_for_postings ON accounting.business_day;
DROP TRIGGER never_changes ON accounting.daily_bucket;
DROP TRIGGER excess_is_explained ON accounting.balance;
DROP FUNCTION accounting.day_waits_for_postings(), accounting.excess_is_explained();
ALTER TABLE accounting.balance DROP CONSTRAINT excess_is_what_is_drawn;
`;
