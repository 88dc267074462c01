import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Which postings an event leads to is data with versions; an entry keeps the event it came of and the version that made it. */
export class PostingRules20261201004230 implements MigrationInterface {
  name = 'PostingRules20261201004230';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(tables);
    await runner.query(guards);
    for (const table of byBook) {
      await runner.query(`
        ALTER TABLE accounting.${table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE accounting.${table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY by_book ON accounting.${table} USING (kernel.sees_book(book_id));
        GRANT SELECT ON accounting.${table} TO accounting, verify;
      `);
    }
    for (const table of ['posting_rule_version', 'posting_event', 'posting_rule_dry_run_difference']) {
      await runner.query(`CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON accounting.${table}
        FOR EACH STATEMENT EXECUTE FUNCTION accounting.never_changes()`);
    }
    await runner.query(`
      GRANT INSERT ON accounting.posting_rule_version, accounting.posting_rule_proposal, accounting.posting_rule_dry_run,
        accounting.posting_rule_dry_run_sum, accounting.posting_rule_dry_run_difference TO accounting;
      GRANT UPDATE (state, decided_by, decided_at, decision_reason, version, refusal_code) ON accounting.posting_rule_proposal TO accounting;
      GRANT UPDATE (job_run_id, state, entries, without_event, differing, not_booked, finished_at) ON accounting.posting_rule_dry_run TO accounting;
      GRANT UPDATE (now_units, then_units) ON accounting.posting_rule_dry_run_sum TO accounting;
      REVOKE ALL ON FUNCTION accounting.keep_events(text[], text[], text[], text[], int[]) FROM PUBLIC;
      GRANT EXECUTE ON FUNCTION accounting.keep_events(text[], text[], text[], text[], int[]) TO accounting`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE accounting.posting_rule_dry_run_difference, accounting.posting_rule_dry_run_sum, accounting.posting_rule_dry_run,
        accounting.posting_event, accounting.posting_rule_version, accounting.posting_rule_proposal;
      DROP FUNCTION accounting.keep_events(text[], text[], text[], text[], int[]), accounting.event_is_of_its_entry(), accounting.rules_follow(),
        accounting.rules_in_force(text, date), accounting.dry_run_is_zero(), accounting.proposal_keeps_its_words()`);
  }
}

const byBook = [
  'posting_rule_proposal',
  'posting_rule_version',
  'posting_event',
  'posting_rule_dry_run',
  'posting_rule_dry_run_sum',
  'posting_rule_dry_run_difference',
];

const tables = `
  CREATE TABLE accounting.posting_rule_proposal (
    approval_id     text PRIMARY KEY,
    book_id         text NOT NULL,
    rules           jsonb NOT NULL CHECK (jsonb_typeof(rules) = 'array'),
    valid_from      date NOT NULL,
    reason          text NOT NULL CHECK (reason <> ''),
    payload_hash    text NOT NULL CHECK (length(payload_hash) = 64),
    state           text NOT NULL CHECK (state IN ('PROPOSED','APPLIED','REFUSED','REJECTED','EXPIRED','WITHDRAWN','STALE')),
    requested_by    text NOT NULL,
    requested_at    timestamptz NOT NULL DEFAULT kernel.now(),
    expires_at      timestamptz NOT NULL,
    decided_by      text,
    decided_at      timestamptz,
    decision_reason text,
    version         int,
    refusal_code    text,
    CHECK ((state = 'APPLIED') = (version IS NOT NULL))
  );
  CREATE INDEX posting_rule_proposal_book ON accounting.posting_rule_proposal (book_id, requested_at);

  -- In force on a business date is the newest version that is valid from it or from a date before. Version 1 came with the system.
  CREATE TABLE accounting.posting_rule_version (
    book_id     text NOT NULL,
    version     int NOT NULL CHECK (version >= 1),
    valid_from  date NOT NULL,
    rules       jsonb NOT NULL CHECK (jsonb_typeof(rules) = 'array'),
    reason      text NOT NULL CHECK (reason <> ''),
    proposed_by text NOT NULL,
    approved_by text NOT NULL,
    approval_id text UNIQUE REFERENCES accounting.posting_rule_proposal (approval_id),
    stored_at   timestamptz NOT NULL DEFAULT kernel.now(),
    PRIMARY KEY (book_id, version),
    CHECK ((version = 1) = (approval_id IS NULL)),
    CHECK (version = 1 OR proposed_by <> approved_by),
    CHECK ((version = 1) = (valid_from = date '0001-01-01'))
  );

  -- What an entry came of. Neither entries nor versions ever change or go, so the guard looks once, when the event is kept.
  CREATE TABLE accounting.posting_event (
    entry_id     text PRIMARY KEY,
    book_id      text NOT NULL,
    event_kind   text NOT NULL CHECK (event_kind <> ''),
    facts        jsonb NOT NULL CHECK (jsonb_typeof(facts) = 'object'),
    rule_version int NOT NULL
  );

  CREATE TABLE accounting.posting_rule_dry_run (
    dry_run_id    text PRIMARY KEY,
    book_id       text NOT NULL,
    from_date     date NOT NULL,
    to_date       date NOT NULL CHECK (to_date >= from_date),
    rules         jsonb NOT NULL,
    -- Of a stored version; absent when a draft is tried.
    version       int,
    most          int NOT NULL CHECK (most BETWEEN 0 AND 500),
    requested_by  text NOT NULL,
    requested_at  timestamptz NOT NULL DEFAULT kernel.now(),
    job_run_id    text,
    state         text NOT NULL DEFAULT 'RUNNING' CHECK (state IN ('RUNNING','DONE')),
    entries       bigint NOT NULL DEFAULT 0,
    without_event bigint NOT NULL DEFAULT 0,
    differing     bigint NOT NULL DEFAULT 0,
    not_booked    bigint NOT NULL DEFAULT 0,
    finished_at   timestamptz
  );
  CREATE TABLE accounting.posting_rule_dry_run_sum (
    dry_run_id text NOT NULL REFERENCES accounting.posting_rule_dry_run (dry_run_id),
    book_id    text NOT NULL,
    account    text NOT NULL,
    asset      text NOT NULL,
    -- Debits less credits: as booked, and as the rules that were tried would have it.
    now_units  numeric NOT NULL,
    then_units numeric NOT NULL,
    PRIMARY KEY (dry_run_id, account, asset)
  );
  CREATE TABLE accounting.posting_rule_dry_run_difference (
    dry_run_id text NOT NULL REFERENCES accounting.posting_rule_dry_run (dry_run_id),
    book_id    text NOT NULL,
    n          int NOT NULL CHECK (n >= 1),
    entry_id   text NOT NULL REFERENCES accounting.journal_entry (entry_id),
    -- Kind, description and postings as the rules would have them, or what is wrong.
    candidate  jsonb NOT NULL,
    PRIMARY KEY (dry_run_id, n)
  );
`;

const byKey = 'SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off';

const guards = `
  CREATE FUNCTION accounting.rules_in_force(book text, at date) RETURNS int LANGUAGE sql STABLE AS $$
    SELECT v.version FROM accounting.posting_rule_version v WHERE v.book_id = book AND v.valid_from <= at ORDER BY v.version DESC LIMIT 1
  $$;

  -- Versions are counted without a gap, each what a second person agreed to, and none reaches a date that was opened before.
  CREATE FUNCTION accounting.rules_follow() RETURNS trigger LANGUAGE plpgsql ${byKey} AS $$
  DECLARE last_opened date;
  BEGIN
    IF NEW.version <> 1 + (SELECT coalesce(max(v.version), 0) FROM accounting.posting_rule_version v WHERE v.book_id = NEW.book_id AND v.version < NEW.version) THEN
      RAISE EXCEPTION 'version % of the posting rules of % does not follow', NEW.version, NEW.book_id USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.version = 1 THEN RETURN NULL; END IF;
    -- Who opens a date waits for us, or we for them.
    PERFORM FROM accounting.business_day d WHERE d.book_id = NEW.book_id AND d.state IN ('NEXT','OPEN','CLOSING') ORDER BY d.business_date FOR NO KEY UPDATE;
    SELECT max(d.business_date) INTO last_opened FROM accounting.business_day d WHERE d.book_id = NEW.book_id AND d.state IN ('OPEN','CLOSING','CLOSED');
    IF NEW.valid_from <= last_opened THEN
      RAISE EXCEPTION 'the posting rules of % are those of a date that was opened: %', NEW.valid_from, last_opened USING ERRCODE = 'check_violation';
    END IF;
    IF NOT EXISTS (SELECT FROM accounting.posting_rule_proposal p WHERE p.approval_id = NEW.approval_id AND p.book_id = NEW.book_id AND p.state = 'PROPOSED'
                      AND p.rules = NEW.rules AND p.valid_from = NEW.valid_from AND p.requested_by = NEW.proposed_by) THEN
      RAISE EXCEPTION 'version % of the posting rules of % is not what was proposed', NEW.version, NEW.book_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER rules_follow AFTER INSERT ON accounting.posting_rule_version FOR EACH ROW EXECUTE FUNCTION accounting.rules_follow();

  -- What was proposed keeps its words, and what was decided its decision.
  CREATE FUNCTION accounting.proposal_keeps_its_words() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF TG_OP = 'DELETE' OR OLD.state <> 'PROPOSED' OR (NEW.book_id, NEW.rules, NEW.valid_from, NEW.reason, NEW.payload_hash, NEW.requested_by)
        IS DISTINCT FROM (OLD.book_id, OLD.rules, OLD.valid_from, OLD.reason, OLD.payload_hash, OLD.requested_by) THEN
      RAISE EXCEPTION 'a proposal of posting rules is decided once and not changed: propose others' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER proposal_keeps_its_words BEFORE UPDATE OR DELETE ON accounting.posting_rule_proposal
    FOR EACH ROW EXECUTE FUNCTION accounting.proposal_keeps_its_words();

  -- An event is of an entry of its book, booked by the version in force on its date, which says that kind of entry.
  CREATE FUNCTION accounting.event_is_of_its_entry() RETURNS trigger LANGUAGE plpgsql ${byKey} AS $$
  DECLARE broken text;
  BEGIN
    SELECT r.entry_id INTO broken FROM new_rows r LEFT JOIN accounting.journal_entry e ON e.entry_id = r.entry_id
     WHERE e.book_id IS DISTINCT FROM r.book_id OR e.reverses_entry_id IS NOT NULL OR e.hold_id IS NOT NULL LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'an event of % is of no entry of its book that was booked by rules', broken USING ERRCODE = 'foreign_key_violation';
    END IF;
    SELECT t.book_id || ' ' || t.rule_version INTO broken
      FROM (SELECT r.book_id, e.business_date, r.rule_version, r.event_kind, e.kind FROM new_rows r JOIN accounting.journal_entry e ON e.entry_id = r.entry_id
             GROUP BY 1, 2, 3, 4, 5) t
     WHERE t.rule_version IS DISTINCT FROM accounting.rules_in_force(t.book_id, t.business_date)
        OR NOT EXISTS (SELECT FROM accounting.posting_rule_version v, jsonb_array_elements(v.rules) AS rule
                        WHERE v.book_id = t.book_id AND v.version = t.rule_version AND rule->>'event' = t.event_kind AND rule->>'entryKind' = t.kind) LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'version % of the posting rules is not in force on the date of an entry, or says another kind of entry', broken USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER event_is_of_its_entry AFTER INSERT ON accounting.posting_event
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION accounting.event_is_of_its_entry();

  -- The one way to keep events, beside the door of the journal.
  CREATE FUNCTION accounting.keep_events(entries text[], books text[], kinds text[], facts text[], versions int[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = accounting, pg_temp ${byKey} AS $fn$
  BEGIN
    INSERT INTO posting_event (entry_id, book_id, event_kind, facts, rule_version)
    SELECT e.id, e.book, e.kind, e.fact::jsonb, e.version FROM unnest(entries, books, kinds, facts, versions) AS e(id, book, kind, fact, version);
  END $fn$;

  -- Neither side of a dry run makes money: what was booked and what would be are zero in each asset.
  CREATE FUNCTION accounting.dry_run_is_zero() RETURNS trigger LANGUAGE plpgsql AS $$
  DECLARE broken text;
  BEGIN
    IF OLD.state = 'DONE' THEN RAISE EXCEPTION 'a dry run is done once' USING ERRCODE = 'restrict_violation'; END IF;
    SELECT s.asset INTO broken FROM accounting.posting_rule_dry_run_sum s WHERE s.dry_run_id = NEW.dry_run_id
     GROUP BY s.asset HAVING sum(s.now_units) <> 0 OR sum(s.then_units) <> 0 LIMIT 1;
    IF FOUND THEN RAISE EXCEPTION 'dry run % does not sum to zero in %', NEW.dry_run_id, broken USING ERRCODE = 'check_violation'; END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER dry_run_is_zero AFTER UPDATE OF state ON accounting.posting_rule_dry_run FOR EACH ROW WHEN (NEW.state = 'DONE')
    EXECUTE FUNCTION accounting.dry_run_is_zero();
`;
