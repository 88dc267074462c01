/**
 * Periods and the dates entries belong to. A normal entry belongs to its business date; an adjusting or closing entry, booked
 * today for a period before, has a row of its own that says where it belongs, and the sums of those rows (the shifts) are
 * what reports add to the daily buckets. So the journal itself, and the way into it, know nothing of periods.
 *
 * A date can be worked only in an open month, and a month is closed only when its dates are over: the two wait for each
 * other on the row of the period. Order of locks: periods, business days, and then those of the journal.
 */
export const periodTables = `
  CREATE TABLE accounting.period (
    book_id       text NOT NULL,
    -- A month as 2026-11; the thirteenth, on the last day of the year, takes adjusting and closing entries only.
    period        text NOT NULL CHECK (period ~ '^[0-9]{4}-(0[1-9]|1[0-3])$'),
    kind          text NOT NULL CHECK (kind IN ('MONTH','ADJUSTMENT')),
    first_date    date NOT NULL,
    last_date     date NOT NULL,
    state         text NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN','SOFT_CLOSED','HARD_CLOSED')),
    -- Counts its changes of state.
    version       int NOT NULL DEFAULT 1 CHECK (version >= 1),
    -- How often it was hard closed.
    closings      int NOT NULL DEFAULT 0 CHECK (closings >= 0),
    -- Of the trial balance up to its end, as it was when it was hard closed.
    snapshot_hash text CHECK (length(snapshot_hash) = 64),
    changed_by    text,
    changed_at    timestamptz NOT NULL DEFAULT kernel.now(),
    reason        text,
    approval_id   text,
    PRIMARY KEY (book_id, period),
    CHECK ((kind = 'ADJUSTMENT') = (right(period, 2) = '13')),
    CHECK (CASE kind WHEN 'MONTH' THEN first_date = make_date(left(period, 4)::int, least(right(period, 2)::int, 12), 1) AND last_date = (first_date + interval '1 month')::date - 1
                     ELSE first_date = last_date AND last_date = make_date(left(period, 4)::int, 12, 31) END),
    CHECK ((state = 'HARD_CLOSED') = (snapshot_hash IS NOT NULL))
  );

  CREATE TABLE accounting.period_change (
    book_id       text NOT NULL,
    period        text NOT NULL,
    version       int NOT NULL CHECK (version >= 2),
    from_state    text NOT NULL,
    to_state      text NOT NULL,
    changed_by    text NOT NULL,
    reason        text NOT NULL CHECK (reason <> ''),
    approval_id   text,
    snapshot_hash text,
    changed_at    timestamptz NOT NULL,
    PRIMARY KEY (book_id, period, version),
    FOREIGN KEY (book_id, period) REFERENCES accounting.period (book_id, period)
  );

  CREATE TABLE accounting.period_reopening (
    approval_id     text PRIMARY KEY,
    book_id         text NOT NULL,
    period          text NOT NULL,
    -- As it stood when it was asked for: the approval is of this state and of no later one.
    period_version  int NOT NULL,
    reason          text NOT NULL CHECK (reason <> ''),
    payload_hash    text NOT NULL CHECK (length(payload_hash) = 64),
    state           text NOT NULL CHECK (state IN ('PROPOSED','APPLIED','REFUSED','REJECTED','EXPIRED','WITHDRAWN','STALE')),
    requested_by    text NOT NULL,
    requested_at    timestamptz NOT NULL DEFAULT kernel.now(),
    expires_at      timestamptz NOT NULL,
    decided_by      text,
    decided_at      timestamptz,
    decision_reason text,
    refusal_code    text,
    FOREIGN KEY (book_id, period) REFERENCES accounting.period (book_id, period),
    CHECK ((state = 'PROPOSED') = (decided_by IS NULL)),
    CONSTRAINT reopened_by_two CHECK (state <> 'APPLIED' OR decided_by <> requested_by)
  );
  CREATE INDEX period_reopening_period ON accounting.period_reopening (book_id, period);

  -- Where an entry belongs that was booked on a later date.
  CREATE TABLE accounting.entry_accounting_date (
    entry_id        text PRIMARY KEY REFERENCES accounting.journal_entry (entry_id),
    book_id         text NOT NULL,
    accounting_date date NOT NULL,
    period          text NOT NULL,
    purpose         text NOT NULL CHECK (purpose IN ('ADJUSTMENT','CLOSING')),
    -- The scope by which an entry came into a period that was soft closed.
    authority       text CHECK (authority IN ('ledger:post')),
    FOREIGN KEY (book_id, period) REFERENCES accounting.period (book_id, period)
  );
  CREATE INDEX entry_accounting_date_period ON accounting.entry_accounting_date (book_id, period, purpose);

  -- What those entries move from the date they were booked on to the date they belong to.
  CREATE TABLE accounting.accounting_shift (
    book_id           text NOT NULL,
    ledger_account_id bigint NOT NULL REFERENCES accounting.ledger_account (ledger_account_id),
    business_date     date NOT NULL,
    accounting_date   date NOT NULL,
    period            text NOT NULL,
    purpose           text NOT NULL CHECK (purpose IN ('ADJUSTMENT','CLOSING')),
    debit             numeric(39,0) NOT NULL CHECK (debit >= 0),
    credit            numeric(39,0) NOT NULL CHECK (credit >= 0),
    PRIMARY KEY (ledger_account_id, business_date, accounting_date, period, purpose),
    CHECK (accounting_date < business_date)
  );
  CREATE INDEX accounting_shift_to ON accounting.accounting_shift (book_id, accounting_date);
  CREATE INDEX accounting_shift_from ON accounting.accounting_shift (book_id, business_date);
`;

const definer = 'SECURITY DEFINER SET search_path = accounting, pg_temp';

export const periodFunctions = `
  -- Every month from the first date of the book to the given one, and the adjustment period behind each December.
  CREATE FUNCTION accounting.make_periods(book text, at date) RETURNS void LANGUAGE plpgsql ${definer} AS $fn$
  DECLARE from_month date; to_month date;
  BEGIN
    IF EXISTS (SELECT FROM period p WHERE p.book_id = book AND p.period = to_char(at, 'YYYY-MM')) THEN RETURN; END IF;
    SELECT date_trunc('month', least(at, min(p.first_date), (SELECT min(e.business_date) FROM journal_entry e WHERE e.book_id = book)))::date,
           date_trunc('month', greatest(at, max(p.first_date)))::date
      INTO from_month, to_month FROM period p WHERE p.book_id = book;
    INSERT INTO period (book_id, period, kind, first_date, last_date)
    SELECT book, to_char(m, 'YYYY-MM'), 'MONTH', m::date, (m + interval '1 month')::date - 1 FROM generate_series(from_month::timestamp, to_month, '1 month') AS m
    UNION ALL
    SELECT book, to_char(m, 'YYYY') || '-13', 'ADJUSTMENT', (m + interval '30 days')::date, (m + interval '30 days')::date
      FROM generate_series(from_month::timestamp, to_month, '1 month') AS m WHERE extract(month FROM m) = 12
     ORDER BY 2
    ON CONFLICT DO NOTHING;
  END $fn$;

  -- What stood on each account at the end of a period: booked by then, less what belongs to another date, with what belongs here.
  CREATE FUNCTION accounting.period_totals(book text, up_to text) RETURNS TABLE (ledger_account_id bigint, debit numeric, credit numeric) LANGUAGE sql STABLE AS $$
    SELECT t.ledger_account_id, sum(t.debit), sum(t.credit)
      FROM (SELECT b.ledger_account_id, b.debit, b.credit FROM accounting.bucket_now b JOIN accounting.period q ON q.book_id = b.book_id AND q.period = up_to
             WHERE b.book_id = book AND b.business_date <= q.last_date
            UNION ALL
            SELECT s.ledger_account_id, -s.debit, -s.credit FROM accounting.accounting_shift s JOIN accounting.period q ON q.book_id = s.book_id AND q.period = up_to
             WHERE s.book_id = book AND s.business_date <= q.last_date
            UNION ALL
            SELECT s.ledger_account_id, s.debit, s.credit FROM accounting.accounting_shift s WHERE s.book_id = book AND s.period <= up_to) t
     GROUP BY 1 HAVING sum(t.debit) <> 0 OR sum(t.credit) <> 0
  $$;

  -- SHA-256 over the lines account|asset|debit|credit, sorted.
  CREATE FUNCTION accounting.period_snapshot(book text, up_to text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT encode(sha256(convert_to(coalesce(string_agg(l.number || '|' || l.asset || '|' || t.debit || '|' || t.credit, E'\\n'
             ORDER BY l.number COLLATE "C", l.asset COLLATE "C"), ''), 'UTF8')), 'hex')
      FROM accounting.period_totals(book, up_to) t JOIN accounting.ledger_account l USING (ledger_account_id)
  $$;

  -- Whoever books into a period shares it; whoever changes its state has it alone.
  CREATE FUNCTION accounting.take_period(book text, wanted text) RETURNS text LANGUAGE plpgsql ${definer} AS $fn$
  DECLARE found_state text;
  BEGIN
    SELECT p.state INTO found_state FROM period p WHERE p.book_id = book AND p.period = wanted FOR KEY SHARE;
    RETURN found_state;
  END $fn$;

  -- The one way to change the state of a period; its guards look at whoever comes by another.
  CREATE FUNCTION accounting.change_period(book text, wanted text, to_state text, by text, why text, approval text) RETURNS int LANGUAGE plpgsql ${definer} AS $fn$
  DECLARE new_version int;
  BEGIN
    PERFORM FROM period p WHERE p.book_id = book AND p.period = wanted FOR UPDATE;
    UPDATE period p SET state = to_state, version = p.version + 1, closings = p.closings + (to_state = 'HARD_CLOSED')::int,
           snapshot_hash = CASE WHEN to_state = 'HARD_CLOSED' THEN accounting.period_snapshot(book, wanted) END,
           changed_by = by, changed_at = kernel.now(), reason = why, approval_id = approval
     WHERE p.book_id = book AND p.period = wanted RETURNING p.version INTO new_version;
    RETURN new_version;
  END $fn$;
`;

export const accountingDates = `
  -- An entry whose transaction has not ended is one of ours: those of others are not seen before.
  CREATE FUNCTION accounting.is_under_way(written_by xid) RETURNS boolean LANGUAGE plpgsql STABLE AS $fn$
  DECLARE now_at bigint := pg_current_xact_id()::text::bigint; low bigint := written_by::text::bigint; epoch bigint;
  BEGIN
    epoch := now_at >> 32;
    -- A subtransaction of ours is younger than ourselves; what is far above us is of the epoch before.
    IF low > (now_at & 4294967295) + 2147483648 THEN epoch := epoch - 1; END IF;
    IF epoch < 0 THEN RETURN false; END IF;
    RETURN coalesce(pg_xact_status(((epoch << 32) + low)::text::xid8), 'ended') = 'in progress';
  END $fn$;

  CREATE FUNCTION accounting.accounting_date_is_open() RETURNS trigger LANGUAGE plpgsql ${definer} AS $fn$
  DECLARE entry record; target record;
  BEGIN
    SELECT e.book_id, e.business_date, e.xmin AS written_by INTO entry FROM journal_entry e WHERE e.entry_id = NEW.entry_id;
    IF entry.book_id IS DISTINCT FROM NEW.book_id THEN
      RAISE EXCEPTION 'an accounting date of % is of no entry of its book', NEW.entry_id USING ERRCODE = 'foreign_key_violation';
    END IF;
    IF NOT accounting.is_under_way(entry.written_by) THEN
      RAISE EXCEPTION 'the accounting date of % comes with the entry or never', NEW.entry_id USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.accounting_date >= entry.business_date THEN
      RAISE EXCEPTION 'entry % belongs to its business date or to one before', NEW.entry_id USING ERRCODE = 'check_violation';
    END IF;
    SELECT p.* INTO target FROM period p WHERE p.book_id = NEW.book_id AND p.period = NEW.period FOR KEY SHARE;
    IF NOT FOUND OR NEW.accounting_date NOT BETWEEN target.first_date AND target.last_date THEN
      RAISE EXCEPTION 'period % of % does not have %', NEW.period, NEW.book_id, NEW.accounting_date USING ERRCODE = 'check_violation';
    END IF;
    IF target.state = 'HARD_CLOSED' OR target.state = 'SOFT_CLOSED' AND NEW.authority IS NULL THEN
      RAISE EXCEPTION 'period % of % is closed: entry %', NEW.period, NEW.book_id, NEW.entry_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END $fn$;
  CREATE TRIGGER accounting_date_is_open BEFORE INSERT ON accounting.entry_accounting_date FOR EACH ROW EXECUTE FUNCTION accounting.accounting_date_is_open();

  CREATE FUNCTION accounting.shift_accounting_date() RETURNS trigger LANGUAGE plpgsql ${definer} AS $fn$
  BEGIN
    INSERT INTO accounting_shift AS s (book_id, ledger_account_id, business_date, accounting_date, period, purpose, debit, credit)
    SELECT r.book_id, g.ledger_account_id, g.business_date, r.accounting_date, r.period, r.purpose, sum(greatest(g.units, 0)), sum(greatest(-g.units, 0))
      FROM new_rows r JOIN posting g USING (entry_id) GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 2, 3, 4, 5, 6
    ON CONFLICT (ledger_account_id, business_date, accounting_date, period, purpose) DO UPDATE SET debit = s.debit + excluded.debit, credit = s.credit + excluded.credit;
    RETURN NULL;
  END $fn$;
  CREATE TRIGGER shift_accounting_date AFTER INSERT ON accounting.entry_accounting_date
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION accounting.shift_accounting_date();

  -- Shifts are the sums of accounting dates and come of nothing else.
  CREATE FUNCTION accounting.shift_is_derived() RETURNS trigger LANGUAGE plpgsql AS $fn$
  BEGIN
    IF TG_OP NOT IN ('INSERT', 'UPDATE') OR pg_trigger_depth() < 2 THEN
      RAISE EXCEPTION 'accounting shifts are written with the accounting dates of entries only' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
  END $fn$;
  CREATE TRIGGER shift_is_derived BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON accounting.accounting_shift
    FOR EACH STATEMENT EXECUTE FUNCTION accounting.shift_is_derived();

  -- The one way to say that entries of this transaction belong to an earlier date.
  CREATE FUNCTION accounting.keep_accounting_dates(entries text[], to_date date, to_period text, why text, by_scope text) RETURNS void LANGUAGE plpgsql ${definer} AS $fn$
  BEGIN
    INSERT INTO entry_accounting_date (entry_id, book_id, accounting_date, period, purpose, authority)
    SELECT e.entry_id, e.book_id, to_date, to_period, why, by_scope FROM unnest(entries) AS w(id) JOIN journal_entry e ON e.entry_id = w.id ORDER BY 1;
  END $fn$;
`;

export const periodGuards = `
  -- Periods come without a gap, open, and none before one that is closed.
  CREATE FUNCTION accounting.period_is_new() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF NEW.state <> 'OPEN' OR NEW.version <> 1 OR NEW.closings <> 0
       OR EXISTS (SELECT FROM accounting.period p WHERE p.book_id = NEW.book_id AND p.period > NEW.period AND p.state <> 'OPEN') THEN
      RAISE EXCEPTION 'period % of % does not begin open, or before one that is closed', NEW.period, NEW.book_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER period_is_new BEFORE INSERT ON accounting.period FOR EACH ROW EXECUTE FUNCTION accounting.period_is_new();

  -- Open, soft closed, hard closed, one after the other and in the order of the calendar; back only by two people, the last first.
  CREATE FUNCTION accounting.period_follows() RETURNS trigger LANGUAGE plpgsql ${definer} AS $$
  DECLARE step text := OLD.state || ' to ' || NEW.state;
  BEGIN
    -- One change of periods at a time in a book, and after all who share this one.
    PERFORM pg_advisory_xact_lock(hashtextextended('period:' || OLD.book_id, 0));
    PERFORM FROM period p WHERE p.book_id = OLD.book_id AND p.period = OLD.period FOR UPDATE;
    IF (NEW.book_id, NEW.period, NEW.kind, NEW.first_date, NEW.last_date) IS DISTINCT FROM (OLD.book_id, OLD.period, OLD.kind, OLD.first_date, OLD.last_date)
       OR NEW.state = OLD.state OR NEW.version <> OLD.version + 1 OR NEW.closings <> OLD.closings + (NEW.state = 'HARD_CLOSED')::int
       OR coalesce(NEW.changed_by, '') = '' OR coalesce(NEW.reason, '') = '' THEN
      RAISE EXCEPTION 'period % of % changes by its state only, said by whom and why', OLD.period, OLD.book_id USING ERRCODE = 'check_violation';
    END IF;
    IF step = 'OPEN to SOFT_CLOSED' THEN
      IF EXISTS (SELECT FROM period p WHERE p.book_id = OLD.book_id AND p.period < OLD.period AND p.state = 'OPEN') THEN
        RAISE EXCEPTION 'a period of % before % is open', OLD.book_id, OLD.period USING ERRCODE = 'check_violation';
      END IF;
      IF EXISTS (SELECT FROM business_day d WHERE d.book_id = OLD.book_id AND d.business_date BETWEEN OLD.first_date AND OLD.last_date AND d.state NOT IN ('CLOSED','SKIPPED'))
         OR NOT EXISTS (SELECT FROM business_day d WHERE d.book_id = OLD.book_id AND d.business_date > OLD.last_date AND d.state <> 'SKIPPED') THEN
        RAISE EXCEPTION 'the dates of % of % are not over', OLD.period, OLD.book_id USING ERRCODE = 'check_violation';
      END IF;
    ELSIF step = 'SOFT_CLOSED to HARD_CLOSED' THEN
      IF EXISTS (SELECT FROM period p WHERE p.book_id = OLD.book_id AND p.period < OLD.period AND p.state <> 'HARD_CLOSED') THEN
        RAISE EXCEPTION 'a period of % before % is not hard closed', OLD.book_id, OLD.period USING ERRCODE = 'check_violation';
      END IF;
      IF NEW.snapshot_hash IS DISTINCT FROM accounting.period_snapshot(OLD.book_id, OLD.period) THEN
        RAISE EXCEPTION 'the snapshot of % of % is not its trial balance', OLD.period, OLD.book_id USING ERRCODE = 'check_violation';
      END IF;
    ELSIF step IN ('HARD_CLOSED to SOFT_CLOSED', 'SOFT_CLOSED to OPEN') THEN
      IF EXISTS (SELECT FROM period p WHERE p.book_id = OLD.book_id AND p.period > OLD.period
                    AND (p.state = 'HARD_CLOSED' OR p.state = 'SOFT_CLOSED' AND NEW.state = 'OPEN')) THEN
        RAISE EXCEPTION 'a period of % after % is closed: the last is opened first', OLD.book_id, OLD.period USING ERRCODE = 'check_violation';
      END IF;
      IF NOT EXISTS (SELECT FROM period_reopening r WHERE r.approval_id = NEW.approval_id AND r.book_id = OLD.book_id AND r.period = OLD.period
                        AND r.period_version = OLD.version AND r.state = 'APPLIED' AND r.decided_by <> r.requested_by) THEN
        RAISE EXCEPTION 'period % of % is reopened by two people only', OLD.period, OLD.book_id USING ERRCODE = 'check_violation';
      END IF;
    ELSE
      RAISE EXCEPTION 'a period does not go from %', step USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER period_follows BEFORE UPDATE ON accounting.period FOR EACH ROW EXECUTE FUNCTION accounting.period_follows();
  CREATE TRIGGER never_changes BEFORE DELETE OR TRUNCATE ON accounting.period FOR EACH STATEMENT EXECUTE FUNCTION accounting.never_changes();

  CREATE FUNCTION accounting.period_is_told() RETURNS trigger LANGUAGE plpgsql ${definer} AS $$
  BEGIN
    INSERT INTO period_change (book_id, period, version, from_state, to_state, changed_by, reason, approval_id, snapshot_hash, changed_at)
    VALUES (NEW.book_id, NEW.period, NEW.version, OLD.state, NEW.state, NEW.changed_by, NEW.reason, NEW.approval_id, NEW.snapshot_hash, NEW.changed_at);
    RETURN NULL;
  END $$;
  CREATE TRIGGER period_is_told AFTER UPDATE ON accounting.period FOR EACH ROW EXECUTE FUNCTION accounting.period_is_told();

  -- What was proposed keeps its words, and what was decided its decision.
  CREATE FUNCTION accounting.reopening_keeps_its_words() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF TG_OP = 'DELETE' OR OLD.state <> 'PROPOSED' OR (NEW.book_id, NEW.period, NEW.period_version, NEW.reason, NEW.payload_hash, NEW.requested_by, NEW.requested_at)
        IS DISTINCT FROM (OLD.book_id, OLD.period, OLD.period_version, OLD.reason, OLD.payload_hash, OLD.requested_by, OLD.requested_at) THEN
      RAISE EXCEPTION 'a proposal to reopen a period is decided once and not changed: propose again' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER reopening_keeps_its_words BEFORE UPDATE OR DELETE ON accounting.period_reopening
    FOR EACH ROW EXECUTE FUNCTION accounting.reopening_keeps_its_words();

  -- Each business date falls into a month, and is worked only while that is open.
  CREATE FUNCTION accounting.day_has_period() RETURNS trigger LANGUAGE plpgsql ${definer} AS $$
  DECLARE month_state text;
  BEGIN
    IF TG_OP = 'UPDATE' AND NEW.state IN ('CLOSED','SKIPPED') THEN RETURN NEW; END IF;
    PERFORM accounting.make_periods(NEW.book_id, NEW.business_date);
    SELECT p.state INTO month_state FROM period p WHERE p.book_id = NEW.book_id AND p.period = to_char(NEW.business_date, 'YYYY-MM') FOR KEY SHARE;
    IF month_state <> 'OPEN' THEN
      RAISE EXCEPTION 'the period of % of % is closed', NEW.business_date, NEW.book_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER day_has_period BEFORE INSERT OR UPDATE OF state, business_date, book_id ON accounting.business_day
    FOR EACH ROW EXECUTE FUNCTION accounting.day_has_period();
`;
