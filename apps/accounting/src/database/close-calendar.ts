/**
 * What is to be done before a period is hard closed. A template is a version that never changes; a task of a period is a task
 * of the version it was begun with. A task is done when all it depends on is, by its owner, who did not prepare it himself
 * where a review is wanted.
 */
export const closeCalendarTables = `
  CREATE TABLE accounting.close_template (
    book_id   text NOT NULL,
    version   int NOT NULL CHECK (version >= 1),
    reason    text NOT NULL CHECK (reason <> ''),
    stored_by text NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT kernel.now(),
    PRIMARY KEY (book_id, version)
  );

  CREATE TABLE accounting.close_template_task (
    book_id          text NOT NULL,
    template_version int NOT NULL,
    code             text NOT NULL CHECK (code ~ '^[A-Z][A-Z0-9_]{1,39}$'),
    name             text NOT NULL CHECK (name <> ''),
    -- AUTOMATIC: done by its check, whenever that holds.
    check_name       text CHECK (check_name IN ('DAYS_CLOSED','CONTROL_TOTALS','SUSPENSE_EXPLAINED')),
    applies_to       text NOT NULL CHECK (applies_to IN ('MONTH','ADJUSTMENT','ALL')),
    owner_team       text NOT NULL CHECK (owner_team <> ''),
    owner            text CHECK (owner <> ''),
    -- The business day after the end of the period on which it is due.
    due_day          int NOT NULL CHECK (due_day BETWEEN 1 AND 60),
    is_mandatory     boolean NOT NULL,
    needs_evidence   boolean NOT NULL,
    needs_review     boolean NOT NULL,
    PRIMARY KEY (book_id, template_version, code),
    FOREIGN KEY (book_id, template_version) REFERENCES accounting.close_template (book_id, version),
    CHECK (check_name IS NULL OR NOT needs_evidence AND NOT needs_review AND owner IS NULL)
  );

  CREATE TABLE accounting.close_template_dependency (
    book_id          text NOT NULL,
    template_version int NOT NULL,
    code             text NOT NULL,
    depends_on       text NOT NULL,
    PRIMARY KEY (book_id, template_version, code, depends_on),
    FOREIGN KEY (book_id, template_version, code) REFERENCES accounting.close_template_task (book_id, template_version, code),
    FOREIGN KEY (book_id, template_version, depends_on) REFERENCES accounting.close_template_task (book_id, template_version, code)
  );

  CREATE TABLE accounting.close_task (
    book_id          text NOT NULL,
    period           text NOT NULL,
    code             text NOT NULL,
    template_version int NOT NULL,
    due_at           timestamptz NOT NULL,
    state            text NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN','PREPARED','DONE')),
    -- Texts, references and hashes: what the task was done by.
    evidence         jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(evidence) = 'array'),
    prepared_by      text,
    prepared_at      timestamptz,
    signed_by        text,
    signed_at        timestamptz,
    -- Counts its changes.
    version          int NOT NULL DEFAULT 1,
    PRIMARY KEY (book_id, period, code),
    FOREIGN KEY (book_id, period) REFERENCES accounting.period (book_id, period),
    FOREIGN KEY (book_id, template_version, code) REFERENCES accounting.close_template_task (book_id, template_version, code),
    CHECK ((state = 'DONE') = (signed_by IS NOT NULL)),
    CHECK ((signed_by IS NULL) = (signed_at IS NULL)),
    CHECK ((prepared_by IS NULL) = (prepared_at IS NULL)),
    CHECK (state <> 'PREPARED' OR prepared_by IS NOT NULL)
  );

  CREATE TABLE accounting.close_task_change (
    book_id    text NOT NULL,
    period     text NOT NULL,
    code       text NOT NULL,
    version    int NOT NULL,
    to_state   text NOT NULL,
    changed_by text NOT NULL,
    evidence   jsonb NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT kernel.now(),
    PRIMARY KEY (book_id, period, code, version),
    FOREIGN KEY (book_id, period, code) REFERENCES accounting.close_task (book_id, period, code)
  );
`;

const definer = 'SECURITY DEFINER SET search_path = accounting, pg_temp';

export const closeCalendarGuards = `
  -- From no task does a way over its dependencies lead back to it.
  CREATE FUNCTION accounting.close_tasks_have_an_order() RETURNS trigger LANGUAGE plpgsql ${definer} AS $$
  DECLARE circle text;
  BEGIN
    WITH RECURSIVE way AS (
      SELECT DISTINCT n.book_id, n.template_version, n.code AS start, n.depends_on AS at, ARRAY[n.code, n.depends_on] AS path FROM new_rows n
      UNION ALL
      SELECT w.book_id, w.template_version, w.start, d.depends_on, w.path || d.depends_on
        FROM way w JOIN close_template_dependency d ON d.book_id = w.book_id AND d.template_version = w.template_version AND d.code = w.at
       WHERE w.at <> w.start AND cardinality(w.path) <= 200 AND d.depends_on <> ALL (w.path[2:]))
    SELECT array_to_string(path, ' > ') INTO circle FROM way WHERE at = start LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'tasks of the close wait for one another: %', circle USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER close_tasks_have_an_order AFTER INSERT ON accounting.close_template_dependency
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION accounting.close_tasks_have_an_order();

  -- Signed by its owner, after all it depends on, with its evidence, and read by a second person where the template says so.
  CREATE FUNCTION accounting.close_task_follows() RETURNS trigger LANGUAGE plpgsql ${definer} AS $$
  DECLARE task close_template_task; waits_for text;
  BEGIN
    IF TG_OP = 'INSERT' THEN
      IF NEW.state <> 'OPEN' OR NEW.version <> 1 THEN
        RAISE EXCEPTION 'task % of % begins open', NEW.code, NEW.period USING ERRCODE = 'check_violation';
      END IF;
      RETURN NEW;
    END IF;
    -- A period that is hard closed keeps its tasks as they were.
    PERFORM FROM period p WHERE p.book_id = OLD.book_id AND p.period = OLD.period AND p.state <> 'HARD_CLOSED' FOR KEY SHARE;
    IF NOT FOUND THEN
      RAISE EXCEPTION 'period % of % is hard closed: its tasks stay', OLD.period, OLD.book_id USING ERRCODE = 'check_violation';
    END IF;
    IF (NEW.book_id, NEW.period, NEW.code, NEW.template_version) IS DISTINCT FROM (OLD.book_id, OLD.period, OLD.code, OLD.template_version)
       OR NEW.version <> OLD.version + 1 THEN
      RAISE EXCEPTION 'task % of % changes by its state only', OLD.code, OLD.period USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.state <> 'DONE' THEN RETURN NEW; END IF;
    SELECT * INTO task FROM close_template_task t WHERE t.book_id = OLD.book_id AND t.template_version = OLD.template_version AND t.code = OLD.code;
    SELECT d.depends_on INTO waits_for
      FROM close_template_dependency d JOIN close_task t ON t.book_id = d.book_id AND t.period = OLD.period AND t.code = d.depends_on
     WHERE d.book_id = OLD.book_id AND d.template_version = OLD.template_version AND d.code = OLD.code AND t.state <> 'DONE' LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'task % of % waits for %', OLD.code, OLD.period, waits_for USING ERRCODE = 'check_violation';
    END IF;
    IF task.needs_review AND (NEW.prepared_by IS NULL OR NEW.prepared_by = NEW.signed_by) THEN
      RAISE EXCEPTION 'task % of % is signed by another person than prepared it', OLD.code, OLD.period USING ERRCODE = 'check_violation';
    END IF;
    IF task.owner IS NOT NULL AND task.owner <> NEW.signed_by THEN
      RAISE EXCEPTION 'task % of % is signed by its owner', OLD.code, OLD.period USING ERRCODE = 'check_violation';
    END IF;
    IF task.needs_evidence AND jsonb_array_length(NEW.evidence) = 0 THEN
      RAISE EXCEPTION 'task % of % needs evidence', OLD.code, OLD.period USING ERRCODE = 'check_violation';
    END IF;
    IF (task.check_name IS NOT NULL) <> (NEW.signed_by = 'service:accounting') THEN
      RAISE EXCEPTION 'task % of % is done by its check, or by a person', OLD.code, OLD.period USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER close_task_follows BEFORE INSERT OR UPDATE ON accounting.close_task FOR EACH ROW EXECUTE FUNCTION accounting.close_task_follows();
  CREATE TRIGGER never_changes BEFORE DELETE OR TRUNCATE ON accounting.close_task FOR EACH STATEMENT EXECUTE FUNCTION accounting.never_changes();

  CREATE FUNCTION accounting.close_task_is_told() RETURNS trigger LANGUAGE plpgsql ${definer} AS $$
  BEGIN
    INSERT INTO close_task_change (book_id, period, code, version, to_state, changed_by, evidence)
    VALUES (NEW.book_id, NEW.period, NEW.code, NEW.version, NEW.state, coalesce(NEW.signed_by, NEW.prepared_by, 'service:accounting'), NEW.evidence);
    RETURN NULL;
  END $$;
  CREATE TRIGGER close_task_is_told AFTER UPDATE ON accounting.close_task FOR EACH ROW EXECUTE FUNCTION accounting.close_task_is_told();

  -- Nothing is hard closed over an open mandatory task. Who signs one off shares the period, so neither comes between.
  CREATE FUNCTION accounting.period_has_its_tasks_done() RETURNS trigger LANGUAGE plpgsql ${definer} AS $$
  DECLARE open_tasks text;
  BEGIN
    SELECT string_agg(t.code, ', ' ORDER BY t.code) INTO open_tasks FROM close_task t JOIN close_template_task m USING (book_id, template_version, code)
     WHERE t.book_id = NEW.book_id AND t.period = NEW.period AND t.state <> 'DONE' AND m.is_mandatory;
    IF open_tasks IS NOT NULL THEN
      RAISE EXCEPTION 'period % of % has open tasks: %', NEW.period, NEW.book_id, open_tasks USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER period_has_its_tasks_done AFTER UPDATE OF state ON accounting.period FOR EACH ROW
    WHEN (NEW.state = 'HARD_CLOSED') EXECUTE FUNCTION accounting.period_has_its_tasks_done();
`;
