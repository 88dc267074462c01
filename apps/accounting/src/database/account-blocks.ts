/**
 * Why a number is blocked, block by block. Its state is what the standing blocks say together, whoever writes either:
 * the state of the account follows them, and the balances follow the account (`balance_has_state`), so that the posting
 * rule reads it from the row it has locked.
 *
 * Order of locks: the account's row, then its balances, as for a posting.
 */
export const accountBlocks = `
CREATE TABLE accounting.account_block (
  block_id      text PRIMARY KEY,
  book_id       text NOT NULL,
  number        text NOT NULL,
  -- Seen from the account: OUT is what draws on it, IN is what it receives.
  direction     text NOT NULL CHECK (direction IN ('OUT','IN','BOTH')),
  reason_code   text NOT NULL CHECK (reason_code IN ('UNSPECIFIED','COURT_ORDER','COMPLIANCE','FRAUD','DECEASED','DISPUTE','CUSTOMER_REQUEST')),
  reason        text NOT NULL CHECK (length(reason) BETWEEN 1 AND 280),
  reference     text CHECK (length(reference) BETWEEN 1 AND 140),
  placed_by     text NOT NULL,
  placed_at     timestamptz NOT NULL DEFAULT kernel.now(),
  lifted_by     text,
  lifted_at     timestamptz,
  lifted_reason text CHECK (length(lifted_reason) BETWEEN 1 AND 280),
  FOREIGN KEY (book_id, number) REFERENCES accounting.account (book_id, number),
  CHECK (num_nonnulls(lifted_by, lifted_at, lifted_reason) IN (0, 3))
);
CREATE INDEX account_block_number ON accounting.account_block (book_id, number, placed_at);
CREATE INDEX account_block_placed ON accounting.account_block (placed_at, block_id);
ALTER TABLE accounting.account_block ENABLE ROW LEVEL SECURITY;
ALTER TABLE accounting.account_block FORCE ROW LEVEL SECURITY;
CREATE POLICY by_book ON accounting.account_block USING (kernel.sees_book(book_id));
GRANT SELECT ON accounting.account_block TO accounting, verify;

ALTER TABLE accounting.account DROP CONSTRAINT account_state_check,
  ADD CONSTRAINT account_state_check CHECK (state IN ('OPEN','BLOCKED','BLOCKED_IN','BLOCKED_BOTH','CLOSED'));
ALTER TABLE accounting.balance DROP CONSTRAINT balance_account_state_check,
  ADD CONSTRAINT balance_account_state_check CHECK (account_state IN ('OPEN','BLOCKED','BLOCKED_IN','BLOCKED_BOTH','CLOSED'));

-- Of a number that is not closed.
CREATE FUNCTION accounting.state_by_blocks(book text, account_number text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN bool_or(k.direction <> 'IN') AND bool_or(k.direction <> 'OUT') THEN 'BLOCKED_BOTH'
              WHEN bool_or(k.direction <> 'IN') THEN 'BLOCKED' WHEN count(*) > 0 THEN 'BLOCKED_IN' ELSE 'OPEN' END
    FROM accounting.account_block k WHERE k.book_id = book AND k.number = account_number AND k.lifted_at IS NULL $$;

-- A block only ends, once; and it stands on a strict account only: the others are not waited for, so nothing could stop them.
CREATE FUNCTION accounting.block_only_ends() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.lifted_at IS NOT NULL THEN
      RAISE EXCEPTION 'a block is placed before it is lifted' USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (SELECT FROM accounting.account a WHERE a.book_id = NEW.book_id AND a.number = NEW.number AND a.mode <> 'STRICT') THEN
      RAISE EXCEPTION 'only a strict account is blocked: %', NEW.number USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF OLD.lifted_at IS NOT NULL OR NEW.lifted_at IS NULL
     OR to_jsonb(NEW) - '{lifted_at,lifted_by,lifted_reason}'::text[] <> to_jsonb(OLD) - '{lifted_at,lifted_by,lifted_reason}'::text[] THEN
    RAISE EXCEPTION 'block % is not changed: it is lifted once, and stays', OLD.block_id USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER block_only_ends BEFORE INSERT OR UPDATE ON accounting.account_block
  FOR EACH ROW EXECUTE FUNCTION accounting.block_only_ends();
CREATE TRIGGER never_changes BEFORE DELETE OR TRUNCATE ON accounting.account_block
  FOR EACH STATEMENT EXECUTE FUNCTION accounting.never_changes();

CREATE FUNCTION accounting.account_follows_blocks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE accounting.account a SET state = a.state WHERE a.book_id = NEW.book_id AND a.number = NEW.number;
  RETURN NULL;
END $$;
CREATE TRIGGER account_follows_blocks AFTER INSERT OR UPDATE ON accounting.account_block
  FOR EACH ROW EXECUTE FUNCTION accounting.account_follows_blocks();

-- Closed or not is what the writer says; blocked or not is what the blocks say, also when a number is opened again.
CREATE FUNCTION accounting.state_of_blocks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state NOT IN ('OPEN','CLOSED') THEN
      RAISE EXCEPTION 'a number is opened first and then blocked: %', NEW.number USING ERRCODE = 'check_violation';
    END IF;
  ELSIF NEW.state <> 'CLOSED' THEN
    NEW.state := accounting.state_by_blocks(NEW.book_id, NEW.number);
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER state_of_blocks BEFORE INSERT OR UPDATE OF state ON accounting.account
  FOR EACH ROW EXECUTE FUNCTION accounting.state_of_blocks();

CREATE FUNCTION accounting.place_blocks(blocks jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = accounting, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
  PERFORM 1 FROM account a
    WHERE (a.book_id, a.number) IN (SELECT m->>'book', m->>'number' FROM jsonb_array_elements(blocks) m)
    ORDER BY a.book_id, a.number FOR NO KEY UPDATE;
  PERFORM b.ledger_account_id FROM balance b JOIN ledger_account l USING (ledger_account_id)
    WHERE (l.book_id, l.number) IN (SELECT m->>'book', m->>'number' FROM jsonb_array_elements(blocks) m)
    ORDER BY b.ledger_account_id FOR UPDATE OF b;
  INSERT INTO account_block (block_id, book_id, number, direction, reason_code, reason, reference, placed_by)
  SELECT m.id, m.book, m.number, m.direction, m."reasonCode", m.reason, m.reference, m."placedBy"
    FROM jsonb_to_recordset(blocks) AS m(id text, book text, number text, direction text, "reasonCode" text, reason text, reference text, "placedBy" text)
   ORDER BY m.book, m.number, m.id;
END $$;

-- Those that stood until now.
CREATE FUNCTION accounting.lift_blocks(ids text[], by_whom text, why text) RETURNS TABLE (block_id text) LANGUAGE plpgsql SECURITY DEFINER
SET search_path = accounting, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_column
BEGIN
  PERFORM 1 FROM account a WHERE (a.book_id, a.number) IN (SELECT k.book_id, k.number FROM account_block k WHERE k.block_id = ANY (ids))
    ORDER BY a.book_id, a.number FOR NO KEY UPDATE;
  PERFORM b.ledger_account_id FROM balance b JOIN ledger_account l USING (ledger_account_id)
    WHERE (l.book_id, l.number) IN (SELECT k.book_id, k.number FROM account_block k WHERE k.block_id = ANY (ids))
    ORDER BY b.ledger_account_id FOR UPDATE OF b;
  RETURN QUERY UPDATE account_block k SET lifted_by = by_whom, lifted_at = kernel.now(), lifted_reason = why
    WHERE k.block_id = ANY (ids) AND k.lifted_at IS NULL RETURNING k.block_id;
END $$;

-- Opens a number again or closes it. What it is when open, its blocks say.
CREATE OR REPLACE FUNCTION accounting.set_account_state(book text, account_number text, new_state text) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = accounting, pg_temp AS $$
BEGIN
  IF new_state NOT IN ('OPEN','CLOSED') THEN
    RAISE EXCEPTION 'a block has a reason: accounting.place_blocks' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM 1 FROM account a WHERE a.book_id = book AND a.number = account_number FOR NO KEY UPDATE;
  PERFORM b.ledger_account_id FROM balance b JOIN ledger_account l USING (ledger_account_id)
    WHERE l.book_id = book AND l.number = account_number ORDER BY b.ledger_account_id FOR UPDATE OF b;
  UPDATE account SET state = new_state WHERE book_id = book AND number = account_number;
  RETURN FOUND;
END $$;

REVOKE ALL ON FUNCTION accounting.place_blocks(jsonb), accounting.lift_blocks(text[], text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION accounting.place_blocks(jsonb), accounting.lift_blocks(text[], text, text) TO accounting;

-- What was blocked before blocks had reasons. On an account that is not strict it never stopped anything.
INSERT INTO accounting.account_block (block_id, book_id, number, direction, reason_code, reason, reference, placed_by)
SELECT 'blk_' || md5(a.book_id || '/' || a.number), a.book_id, a.number, 'OUT', 'UNSPECIFIED', 'Was blocked before blocks had reasons', a.import_id, 'service:accounting'
  FROM accounting.account a WHERE a.state = 'BLOCKED' AND a.mode = 'STRICT';
UPDATE accounting.account SET state = 'OPEN' WHERE state = 'BLOCKED' AND mode <> 'STRICT';
`;

/** A limit says why it is what it is: the words of the change that somebody approved, or the import. */
export const limitReasons = `
ALTER TABLE accounting.account_limit ADD reason text, ADD reference text;
CREATE OR REPLACE FUNCTION accounting.set_limits(limits jsonb) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
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
           (m->>'overdraftUnits')::numeric AS overdraft_units, (m->>'paymentLimitUnits')::numeric AS payment_limit_units,
           m->>'reason' AS reason, m->>'reference' AS reference
      FROM jsonb_array_elements(limits) WITH ORDINALITY AS t(m, o) ORDER BY 1, 2, 3, o DESC),
  written AS (
    INSERT INTO account_limit AS t (book_id, number, asset, overdraft_units, payment_limit_units, reason, reference)
    SELECT book_id, number, asset, overdraft_units, payment_limit_units, reason, reference FROM given ORDER BY 1, 2, 3
    ON CONFLICT (book_id, number, asset) DO UPDATE
       SET overdraft_units = excluded.overdraft_units, payment_limit_units = excluded.payment_limit_units,
           reason = excluded.reason, reference = excluded.reference, version = t.version + 1, changed_at = kernel.now()
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
`;
