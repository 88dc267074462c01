const definer = 'SECURITY DEFINER SET search_path = accounting, pg_temp';

/** Correction in bulk: what was selected, what becomes of each entry, who agreed to exactly that, and what came of it. */
export const correctionTables = `
  CREATE TABLE accounting.correction (
    correction_id      text PRIMARY KEY,
    book_id            text NOT NULL,
    selection          jsonb NOT NULL CHECK (jsonb_typeof(selection) = 'object'),
    transformation     jsonb NOT NULL CHECK (jsonb_typeof(transformation) = 'object'),
    reason             text NOT NULL CHECK (reason <> ''),
    forced             boolean NOT NULL,
    head_hash          text NOT NULL CHECK (head_hash ~ '^[0-9a-f]{64}$'),
    -- Entries that were booked later are not selected.
    up_to_sequence     bigint NOT NULL,
    state              text NOT NULL DEFAULT 'PREVIEWING' CHECK (state IN ('PREVIEWING','PREVIEWED','PROPOSED','RUNNING','DONE','REFUSED','REJECTED','EXPIRED','WITHDRAWN','STALE')),
    refusal_code       text,
    requested_by       text NOT NULL CHECK (requested_by <> ''),
    requested_at       timestamptz NOT NULL DEFAULT kernel.now(),
    preview_job_run_id text,
    preview_file_id    text,
    preview_hash       text CHECK (preview_hash ~ '^[0-9a-f]{64}$'),
    approval_id        text UNIQUE,
    proposed_by        text,
    expires_at         timestamptz,
    decided_by         text,
    decided_at         timestamptz,
    decision_reason    text,
    job_run_id         text,
    finished_at        timestamptz,
    CONSTRAINT refusal_says_why CHECK ((state = 'REFUSED') = (refusal_code IS NOT NULL)),
    CONSTRAINT approved_by_another CHECK (state NOT IN ('RUNNING','DONE') OR
      approval_id IS NOT NULL AND preview_hash IS NOT NULL AND proposed_by IS NOT NULL AND decided_by IS NOT NULL AND decided_by NOT IN (proposed_by, requested_by)),
    UNIQUE (correction_id, book_id)
  );
  CREATE INDEX correction_book ON accounting.correction (book_id, requested_at, correction_id);

  CREATE TABLE accounting.correction_entry (
    correction_id      text NOT NULL,
    n                  int NOT NULL CHECK (n >= 1),
    book_id            text NOT NULL,
    original_entry_id  text NOT NULL REFERENCES accounting.journal_entry (entry_id),
    -- Null: it is only reversed.
    rebooking          jsonb CHECK (jsonb_typeof(rebooking) = 'object'),
    line_hash          text NOT NULL CHECK (line_hash ~ '^[0-9a-f]{64}$'),
    -- LEFT_OUT: the preview foresaw a refusal, and says which.
    state              text NOT NULL CHECK (state IN ('LEFT_OUT','WAITING','DONE','REFUSED')),
    code               text,
    reversal_entry_id  text UNIQUE REFERENCES accounting.journal_entry (entry_id),
    rebooking_entry_id text UNIQUE REFERENCES accounting.journal_entry (entry_id),
    PRIMARY KEY (correction_id, n),
    UNIQUE (correction_id, original_entry_id),
    FOREIGN KEY (correction_id, book_id) REFERENCES accounting.correction (correction_id, book_id),
    CHECK ((state IN ('LEFT_OUT','REFUSED')) = (code IS NOT NULL)),
    CHECK ((state = 'DONE') = (reversal_entry_id IS NOT NULL)),
    CHECK (state <> 'LEFT_OUT' OR rebooking IS NULL),
    CHECK ((rebooking_entry_id IS NOT NULL) = (state = 'DONE' AND rebooking IS NOT NULL))
  );
  CREATE INDEX correction_entry_original ON accounting.correction_entry (original_entry_id);

  -- Debits less credits: what stood on the account when it was previewed, and what the correction does to it.
  CREATE TABLE accounting.correction_effect (
    correction_id   text NOT NULL,
    book_id         text NOT NULL,
    account         text NOT NULL,
    asset           text NOT NULL,
    before_units    numeric(60,0) NOT NULL,
    reversal_units  numeric(60,0) NOT NULL,
    rebooking_units numeric(60,0) NOT NULL,
    PRIMARY KEY (correction_id, account, asset),
    FOREIGN KEY (correction_id, book_id) REFERENCES accounting.correction (correction_id, book_id)
  );
`;

export const correctionGuards = `
  -- Over the head and over each line, in order.
  CREATE FUNCTION accounting.correction_hash(id text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT encode(sha256(convert_to(c.head_hash || coalesce((SELECT string_agg(e.line_hash, '' ORDER BY e.n) FROM accounting.correction_entry e WHERE e.correction_id = c.correction_id), ''), 'UTF8')), 'hex')
      FROM accounting.correction c WHERE c.correction_id = id
  $$;

  CREATE FUNCTION accounting.correction_follows() RETURNS trigger LANGUAGE plpgsql ${definer} AS $fn$
  DECLARE step text; broken text;
  BEGIN
    IF TG_OP = 'INSERT' THEN
      IF NEW.state <> 'PREVIEWING' OR NEW.preview_hash IS NOT NULL OR NEW.approval_id IS NOT NULL THEN
        RAISE EXCEPTION 'correction % begins with its preview', NEW.correction_id USING ERRCODE = 'check_violation';
      END IF;
      RETURN NEW;
    END IF;
    step := OLD.state || ' to ' || NEW.state;
    IF TG_OP = 'DELETE' OR (NEW.correction_id, NEW.book_id, NEW.selection, NEW.transformation, NEW.reason, NEW.forced, NEW.head_hash, NEW.up_to_sequence, NEW.requested_by, NEW.requested_at)
        IS DISTINCT FROM (OLD.correction_id, OLD.book_id, OLD.selection, OLD.transformation, OLD.reason, OLD.forced, OLD.head_hash, OLD.up_to_sequence, OLD.requested_by, OLD.requested_at)
       OR OLD.preview_hash IS NOT NULL AND NEW.preview_hash IS DISTINCT FROM OLD.preview_hash
       OR OLD.approval_id IS NOT NULL AND (NEW.approval_id, NEW.proposed_by, NEW.expires_at) IS DISTINCT FROM (OLD.approval_id, OLD.proposed_by, OLD.expires_at)
       OR OLD.decided_by IS NOT NULL AND (NEW.decided_by, NEW.decided_at) IS DISTINCT FROM (OLD.decided_by, OLD.decided_at) THEN
      RAISE EXCEPTION 'correction % keeps its words: ask for another', OLD.correction_id USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state = OLD.state THEN RETURN NEW; END IF;
    IF step NOT IN ('PREVIEWING to PREVIEWED', 'PREVIEWING to REFUSED', 'PREVIEWED to PROPOSED', 'PROPOSED to RUNNING', 'PROPOSED to REFUSED', 'PROPOSED to REJECTED',
                    'PROPOSED to EXPIRED', 'PROPOSED to WITHDRAWN', 'PROPOSED to STALE', 'RUNNING to DONE') THEN
      RAISE EXCEPTION 'a correction does not go from %', step USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.state IN ('PREVIEWED', 'RUNNING') THEN
      IF NEW.preview_hash IS DISTINCT FROM accounting.correction_hash(NEW.correction_id) THEN
        RAISE EXCEPTION 'correction % is not what its hash says', NEW.correction_id USING ERRCODE = 'check_violation';
      END IF;
      SELECT e.asset INTO broken FROM correction_effect e WHERE e.correction_id = NEW.correction_id
       GROUP BY e.asset HAVING sum(e.reversal_units) <> 0 OR sum(e.rebooking_units) <> 0 LIMIT 1;
      IF FOUND THEN
        RAISE EXCEPTION 'correction % does not sum to zero in %', NEW.correction_id, broken USING ERRCODE = 'check_violation';
      END IF;
    END IF;
    IF NEW.state = 'DONE' AND EXISTS (SELECT FROM correction_entry e WHERE e.correction_id = NEW.correction_id AND e.state = 'WAITING') THEN
      RAISE EXCEPTION 'correction % has entries that wait', NEW.correction_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END $fn$;
  CREATE TRIGGER correction_follows BEFORE INSERT OR UPDATE OR DELETE ON accounting.correction FOR EACH ROW EXECUTE FUNCTION accounting.correction_follows();

  -- Lines come while it is previewed; later each gets its result once, which is a reversal of its original and what was agreed to.
  CREATE FUNCTION accounting.correction_entry_follows() RETURNS trigger LANGUAGE plpgsql ${definer} AS $fn$
  DECLARE is_state text; found record; agreed text; booked text;
  BEGIN
    IF TG_OP = 'DELETE' THEN RAISE EXCEPTION 'lines of a correction stay' USING ERRCODE = 'restrict_violation'; END IF;
    SELECT c.state INTO is_state FROM correction c WHERE c.correction_id = NEW.correction_id FOR SHARE;
    IF TG_OP = 'INSERT' THEN
      IF is_state <> 'PREVIEWING' OR NEW.state NOT IN ('LEFT_OUT','WAITING') OR NOT EXISTS (SELECT FROM journal_entry e WHERE e.entry_id = NEW.original_entry_id AND e.book_id = NEW.book_id) THEN
        RAISE EXCEPTION 'line % of correction % comes while it is previewed, and is of its book', NEW.n, NEW.correction_id USING ERRCODE = 'check_violation';
      END IF;
      RETURN NEW;
    END IF;
    IF is_state <> 'RUNNING' OR OLD.state <> 'WAITING' OR NEW.state NOT IN ('DONE','REFUSED')
       OR (NEW.correction_id, NEW.n, NEW.book_id, NEW.original_entry_id, NEW.rebooking, NEW.line_hash) IS DISTINCT FROM (OLD.correction_id, OLD.n, OLD.book_id, OLD.original_entry_id, OLD.rebooking, OLD.line_hash) THEN
      RAISE EXCEPTION 'line % of correction % gets its result once, while it runs', OLD.n, OLD.correction_id USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state = 'DONE' THEN
      SELECT e.reverses_entry_id, e.idempotency_key INTO found FROM journal_entry e WHERE e.entry_id = NEW.reversal_entry_id;
      IF found.reverses_entry_id IS DISTINCT FROM NEW.original_entry_id OR NOT starts_with(found.idempotency_key, 'correction:' || NEW.correction_id || ':' || NEW.original_entry_id || ':R') THEN
        RAISE EXCEPTION 'line % of correction % is no reversal of its original', NEW.n, NEW.correction_id USING ERRCODE = 'check_violation';
      END IF;
      IF NEW.rebooking IS NOT NULL THEN
        SELECT string_agg(t.line, ';' ORDER BY t.line COLLATE "C") INTO agreed
          FROM (SELECT (l->>'account') || '|' || (l->>'asset') || '|' || CASE l->>'side' WHEN 'DEBIT' THEN '' ELSE '-' END || (l->>'units') AS line
                  FROM jsonb_array_elements(NEW.rebooking->'postings') AS t(l)) t;
        SELECT string_agg(t.line, ';' ORDER BY t.line COLLATE "C") INTO booked
          FROM (SELECT l.number || '|' || p.asset || '|' || p.units AS line FROM posting p JOIN ledger_account l USING (ledger_account_id) WHERE p.entry_id = NEW.rebooking_entry_id) t;
        IF agreed IS DISTINCT FROM booked OR NOT EXISTS (SELECT FROM journal_entry e WHERE e.entry_id = NEW.rebooking_entry_id
              AND starts_with(e.idempotency_key, 'correction:' || NEW.correction_id || ':' || NEW.original_entry_id || ':B')) THEN
          RAISE EXCEPTION 'line % of correction % was not booked anew as agreed: % is %', NEW.n, NEW.correction_id, agreed, booked USING ERRCODE = 'check_violation';
        END IF;
      END IF;
    END IF;
    RETURN NEW;
  END $fn$;
  CREATE TRIGGER correction_entry_follows BEFORE INSERT OR UPDATE OR DELETE ON accounting.correction_entry FOR EACH ROW EXECUTE FUNCTION accounting.correction_entry_follows();

  CREATE FUNCTION accounting.correction_effect_follows() RETURNS trigger LANGUAGE plpgsql ${definer} AS $fn$
  BEGIN
    IF TG_OP = 'DELETE' OR NOT EXISTS (SELECT FROM correction c WHERE c.correction_id = NEW.correction_id AND c.state = 'PREVIEWING') THEN
      RAISE EXCEPTION 'what a correction does stands with its preview' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $fn$;
  CREATE TRIGGER correction_effect_follows BEFORE INSERT OR UPDATE OR DELETE ON accounting.correction_effect FOR EACH ROW EXECUTE FUNCTION accounting.correction_effect_follows();
`;
