/**
 * Journals by hand. What a person books goes through the same door as everything else; here stands what a person may book:
 * on which accounts, and up to which amount alone.
 */
export const manualJournalTables = `
  -- Whether accounts under a code take journals by hand; where nothing is said, by the kind of the account (takes_journals).
  CREATE TABLE accounting.hand_posting (
    book_id    text NOT NULL,
    gl_code    text NOT NULL,
    is_allowed boolean NOT NULL,
    reason     text NOT NULL CHECK (reason <> ''),
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT kernel.now(),
    PRIMARY KEY (book_id, gl_code)
  );

  -- How much one person books alone, in the functional currency of the book. Nothing, until two people have said how much.
  CREATE TABLE accounting.journal_limit (
    approval_id     text PRIMARY KEY,
    book_id         text NOT NULL,
    version         int CHECK (version >= 1),
    limit_units     numeric(39,0) NOT NULL CHECK (limit_units >= 0),
    currency        text NOT NULL,
    reason          text NOT NULL CHECK (reason <> ''),
    payload_hash    text NOT NULL CHECK (length(payload_hash) = 64),
    state           text NOT NULL CHECK (state IN ('PROPOSED','APPLIED','REFUSED','REJECTED','EXPIRED','WITHDRAWN','STALE')),
    requested_by    text NOT NULL,
    requested_at    timestamptz NOT NULL DEFAULT kernel.now(),
    expires_at      timestamptz NOT NULL,
    decided_by      text,
    decided_at      timestamptz,
    decision_reason text,
    UNIQUE (book_id, version),
    CHECK ((state = 'APPLIED') = (version IS NOT NULL)),
    CONSTRAINT limit_set_by_two CHECK (state <> 'APPLIED' OR decided_by <> requested_by)
  );

  CREATE TABLE accounting.journal_file (
    import_id    text PRIMARY KEY,
    book_id      text NOT NULL,
    file_name    text NOT NULL,
    content      text NOT NULL,
    content_hash text NOT NULL CHECK (length(content_hash) = 64),
    state        text NOT NULL DEFAULT 'RUNNING' CHECK (state IN ('RUNNING','DONE','REFUSED')),
    lines        int NOT NULL DEFAULT 0,
    journals     int NOT NULL DEFAULT 0,
    -- What is wrong, line by line.
    report       jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(report) = 'array'),
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT kernel.now(),
    finished_at  timestamptz,
    job_run_id   text,
    CHECK ((state = 'RUNNING') = (finished_at IS NULL)),
    CHECK (state = 'REFUSED' OR report = '[]')
  );
  -- The same file is booked once.
  CREATE UNIQUE INDEX journal_file_content ON accounting.journal_file (book_id, content_hash) WHERE state <> 'REFUSED';

  CREATE TABLE accounting.manual_journal (
    journal_id      text PRIMARY KEY,
    book_id         text NOT NULL,
    -- As it was asked for.
    journal         jsonb NOT NULL CHECK (jsonb_typeof(journal->'lines') = 'array'),
    payload_hash    text NOT NULL CHECK (length(payload_hash) = 64),
    currency        text NOT NULL,
    -- In the functional currency; null when no rate says how much it is, and then it is above any limit.
    amount_units    numeric(39,0) CHECK (amount_units >= 0),
    limit_units     numeric(39,0) NOT NULL CHECK (limit_units >= 0),
    approval_id     text UNIQUE,
    state           text NOT NULL CHECK (state IN ('PROPOSED','POSTED','REFUSED','REJECTED','EXPIRED','WITHDRAWN','STALE')),
    import_id       text REFERENCES accounting.journal_file (import_id),
    requested_by    text NOT NULL,
    requested_at    timestamptz NOT NULL DEFAULT kernel.now(),
    expires_at      timestamptz,
    decided_by      text,
    decided_at      timestamptz,
    decision_reason text,
    refusal_code    text,
    entry_id        text UNIQUE REFERENCES accounting.journal_entry (entry_id),
    CHECK ((state = 'POSTED') = (entry_id IS NOT NULL)),
    CHECK ((approval_id IS NULL) = (expires_at IS NULL)),
    CONSTRAINT alone_up_to_the_limit CHECK (approval_id IS NOT NULL OR state = 'POSTED' AND amount_units IS NOT NULL AND amount_units <= limit_units),
    CONSTRAINT above_it_by_two CHECK (approval_id IS NULL OR state <> 'POSTED' OR decided_by <> requested_by)
  );
  CREATE INDEX manual_journal_book ON accounting.manual_journal (book_id, requested_at);
  CREATE INDEX manual_journal_import ON accounting.manual_journal (import_id) WHERE import_id IS NOT NULL;
`;

const definer = 'SECURITY DEFINER SET search_path = accounting, pg_temp';

export const manualJournalGuards = `
  -- A sub-ledger is kept by those whose accounts stand there; a person books on the firm's own accounts.
  CREATE FUNCTION accounting.takes_journals(book text, account_number text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(h.is_allowed, g.role = 'DIRECT' OR a.kind IN ('SUSPENSE','INCOME','EXPENSE','EQUITY','ASSET','LIABILITY'))
      FROM accounting.account a JOIN accounting.gl_account g ON g.book_id = a.book_id AND g.code = a.gl_code
      LEFT JOIN accounting.hand_posting h ON h.book_id = a.book_id AND h.gl_code = a.gl_code
     WHERE a.book_id = book AND a.number = account_number
  $$;

  CREATE FUNCTION accounting.journal_limit_in_force(book text) RETURNS numeric LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT l.limit_units FROM accounting.journal_limit l WHERE l.book_id = book AND l.state = 'APPLIED' ORDER BY l.version DESC LIMIT 1), 0)
  $$;

  CREATE FUNCTION accounting.journal_limit_follows() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF TG_OP = 'DELETE' OR OLD.state <> 'PROPOSED' OR (NEW.book_id, NEW.limit_units, NEW.currency, NEW.reason, NEW.payload_hash, NEW.requested_by)
        IS DISTINCT FROM (OLD.book_id, OLD.limit_units, OLD.currency, OLD.reason, OLD.payload_hash, OLD.requested_by) THEN
      RAISE EXCEPTION 'a proposal of a limit is decided once and not changed' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state = 'APPLIED' THEN
      PERFORM pg_advisory_xact_lock(hashtextextended('journal-limit:' || OLD.book_id, 0));
      IF NEW.version <> 1 + coalesce((SELECT max(l.version) FROM accounting.journal_limit l WHERE l.book_id = OLD.book_id), 0) THEN
        RAISE EXCEPTION 'version % of the limit of % does not follow', NEW.version, OLD.book_id USING ERRCODE = 'check_violation';
      END IF;
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER journal_limit_follows BEFORE UPDATE OR DELETE ON accounting.journal_limit FOR EACH ROW EXECUTE FUNCTION accounting.journal_limit_follows();
  CREATE FUNCTION accounting.limit_is_proposed() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF NEW.state <> 'PROPOSED' THEN RAISE EXCEPTION 'a limit is proposed first' USING ERRCODE = 'check_violation'; END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER limit_is_proposed BEFORE INSERT ON accounting.journal_limit FOR EACH ROW EXECUTE FUNCTION accounting.limit_is_proposed();

  -- What was asked for keeps its words, is decided once, and what was booked of it is that.
  CREATE FUNCTION accounting.manual_journal_follows() RETURNS trigger LANGUAGE plpgsql ${definer} AS $$
  DECLARE wrong text; booked numeric;
  BEGIN
    IF TG_OP = 'INSERT' AND NEW.limit_units <> accounting.journal_limit_in_force(NEW.book_id) THEN
      RAISE EXCEPTION 'journal % is held against another limit than is in force', NEW.journal_id USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP = 'INSERT' AND (NEW.state = 'POSTED') <> (NEW.approval_id IS NULL) THEN
      RAISE EXCEPTION 'journal % is proposed first', NEW.journal_id USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND (OLD.state <> 'PROPOSED' OR (NEW.journal_id, NEW.book_id, NEW.journal, NEW.payload_hash, NEW.currency, NEW.amount_units, NEW.limit_units, NEW.approval_id, NEW.requested_by)
        IS DISTINCT FROM (OLD.journal_id, OLD.book_id, OLD.journal, OLD.payload_hash, OLD.currency, OLD.amount_units, OLD.limit_units, OLD.approval_id, OLD.requested_by)) THEN
      RAISE EXCEPTION 'journal % is decided once and not changed', OLD.journal_id USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state <> 'POSTED' THEN RETURN NEW; END IF;
    IF NOT EXISTS (SELECT FROM journal_entry e WHERE e.entry_id = NEW.entry_id AND e.book_id = NEW.book_id AND e.subject_kind = 'MANUAL_JOURNAL' AND e.subject_id = NEW.journal_id) THEN
      RAISE EXCEPTION 'entry % is not of journal %', NEW.entry_id, NEW.journal_id USING ERRCODE = 'check_violation';
    END IF;
    SELECT l.number INTO wrong FROM posting g JOIN ledger_account l USING (ledger_account_id)
     WHERE g.entry_id = NEW.entry_id AND NOT accounting.takes_journals(NEW.book_id, l.number) LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'account % takes no journal by hand: %', wrong, NEW.journal_id USING ERRCODE = 'check_violation';
    END IF;
    SELECT coalesce(sum(g.units), 0) INTO booked FROM posting g WHERE g.entry_id = NEW.entry_id AND g.asset = NEW.currency AND g.units > 0;
    IF NEW.amount_units < booked THEN
      RAISE EXCEPTION 'journal % is of more than was held against the limit', NEW.journal_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER manual_journal_follows BEFORE INSERT OR UPDATE ON accounting.manual_journal FOR EACH ROW EXECUTE FUNCTION accounting.manual_journal_follows();
`;
