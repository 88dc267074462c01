/**
 * The chart of accounts. A version is a document that never changes; `gl_account`, `gl_kind`, `return_line` and
 * `return_mapping` are what the newest version says, so that the database can hold accounts to it. `store_chart` is the
 * only way to a new version.
 */
export const chartTables = `
CREATE TABLE accounting.chart_template (
  template text PRIMARY KEY,
  chart    jsonb NOT NULL CHECK (jsonb_typeof(chart->'accounts') = 'array' AND jsonb_typeof(chart->'returns') = 'array')
);

CREATE TABLE accounting.chart_version (
  book_id   text NOT NULL,
  version   int NOT NULL CHECK (version >= 1),
  chart     jsonb NOT NULL,
  reason    text NOT NULL CHECK (reason <> ''),
  stored_by text NOT NULL,
  stored_at timestamptz NOT NULL DEFAULT kernel.now(),
  PRIMARY KEY (book_id, version)
);

-- As the newest version has it.
CREATE TABLE accounting.gl_account (
  book_id     text NOT NULL,
  code        text NOT NULL CHECK (code ~ '^[0-9A-Z][0-9A-Z.-]{0,19}$'),
  name        text NOT NULL CHECK (name <> ''),
  type        text NOT NULL CHECK (type IN ('ASSET','LIABILITY','EQUITY','INCOME','EXPENSE','MEMORANDUM')),
  normal_side text NOT NULL CHECK (normal_side IN ('DEBIT','CREDIT')),
  parent_code text,
  role        text NOT NULL CHECK (role IN ('HEADING','CONTROL','DIRECT')),
  is_control  boolean GENERATED ALWAYS AS (role = 'CONTROL') STORED,
  PRIMARY KEY (book_id, code),
  CHECK (parent_code <> code),
  CHECK (role <> 'DIRECT' OR type <> 'MEMORANDUM'),
  FOREIGN KEY (book_id, parent_code) REFERENCES accounting.gl_account (book_id, code) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX gl_account_parent ON accounting.gl_account (book_id, parent_code);

-- Under which control code an account stands by its kind.
CREATE TABLE accounting.gl_kind (
  book_id      text NOT NULL,
  account_kind text NOT NULL,
  gl_code      text NOT NULL,
  PRIMARY KEY (book_id, account_kind),
  FOREIGN KEY (book_id, gl_code) REFERENCES accounting.gl_account (book_id, code) DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE accounting.return_line (
  book_id     text NOT NULL,
  return_code text NOT NULL CHECK (return_code ~ '^[A-Z][A-Z0-9_]{1,39}$'),
  line_code   text NOT NULL CHECK (line_code <> ''),
  title       text NOT NULL CHECK (title <> ''),
  section     text NOT NULL CHECK (section <> ''),
  position    int NOT NULL,
  PRIMARY KEY (book_id, return_code, line_code)
);

-- Each code that has accounts stands on exactly one line of each return.
CREATE TABLE accounting.return_mapping (
  book_id     text NOT NULL,
  return_code text NOT NULL,
  gl_code     text NOT NULL,
  line_code   text NOT NULL,
  PRIMARY KEY (book_id, return_code, gl_code),
  FOREIGN KEY (book_id, gl_code) REFERENCES accounting.gl_account (book_id, code) DEFERRABLE INITIALLY DEFERRED,
  FOREIGN KEY (book_id, return_code, line_code) REFERENCES accounting.return_line (book_id, return_code, line_code) DEFERRABLE INITIALLY DEFERRED
);

ALTER TABLE accounting.account ADD gl_code text;
ALTER TABLE accounting.account DROP CONSTRAINT account_kind_check, ADD CONSTRAINT account_kind_check CHECK (kind IN
  ('CLIENT_CASH','CLIENT_CUSTODY','NOSTRO','DEPOT','SUSPENSE','MIGRATION','INCOME','EXPENSE','EQUITY','ASSET','LIABILITY','OWN_CUSTODY','DUE_FROM_BOOK','DUE_TO_BOOK'));
`;

export const chartGuards = `
-- Up from any account there is a root, over headings of the same type: no circle, no orphan.
CREATE FUNCTION accounting.chart_is_a_tree() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE broken text;
BEGIN
  WITH RECURSIVE up AS (
    SELECT book_id, code, parent_code, 1 AS steps FROM new_rows
    UNION ALL
    SELECT u.book_id, u.code, g.parent_code, u.steps + 1 FROM up u JOIN accounting.gl_account g ON g.book_id = u.book_id AND g.code = u.parent_code
     WHERE u.steps < 12)
  SELECT book_id || ' ' || code INTO broken FROM up WHERE steps = 12 AND parent_code IS NOT NULL LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'above % of the chart stand eleven headings or a circle', broken USING ERRCODE = 'check_violation';
  END IF;
  SELECT c.book_id || ' ' || c.code INTO broken
    FROM accounting.gl_account c JOIN accounting.gl_account p ON p.book_id = c.book_id AND p.code = c.parent_code
   WHERE ((c.book_id, c.code) IN (SELECT book_id, code FROM new_rows) OR (p.book_id, p.code) IN (SELECT book_id, code FROM new_rows))
     AND (p.role <> 'HEADING' OR p.type <> c.type) LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION '% of the chart does not stand under a heading of its type', broken USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER chart_is_a_tree AFTER INSERT ON accounting.gl_account REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION accounting.chart_is_a_tree();
CREATE TRIGGER chart_stays_a_tree AFTER UPDATE ON accounting.gl_account REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION accounting.chart_is_a_tree();

-- What a code is stays while accounts stand under it: their totals are told by it.
CREATE FUNCTION accounting.code_in_use_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.type, NEW.normal_side, NEW.role) IS DISTINCT FROM (OLD.type, OLD.normal_side, OLD.role)
     AND EXISTS (SELECT FROM accounting.account a WHERE a.book_id = OLD.book_id AND a.gl_code = OLD.code) THEN
    RAISE EXCEPTION '% of the chart has accounts: its type, side and role stay', OLD.code USING ERRCODE = 'restrict_violation';
  END IF;
  IF (NEW.book_id, NEW.code) IS DISTINCT FROM (OLD.book_id, OLD.code) THEN
    RAISE EXCEPTION 'a code of the chart stays: %', OLD.code USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER code_in_use_stays BEFORE UPDATE ON accounting.gl_account FOR EACH ROW EXECUTE FUNCTION accounting.code_in_use_stays();

-- At the end of a transaction every code with accounts is on one line of each return, and no heading is on any.
CREATE FUNCTION accounting.code_is_mapped() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE lacking text; code_now accounting.gl_account;
BEGIN
  SELECT * INTO code_now FROM accounting.gl_account g WHERE g.book_id = NEW.book_id AND g.code = NEW.code;
  IF NOT FOUND THEN RETURN NULL; END IF;
  SELECT r.return_code INTO lacking FROM (SELECT DISTINCT return_code FROM accounting.return_line WHERE book_id = NEW.book_id) r
   WHERE (code_now.role <> 'HEADING') <> EXISTS (SELECT FROM accounting.return_mapping m WHERE m.book_id = NEW.book_id AND m.return_code = r.return_code AND m.gl_code = NEW.code)
   LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION '% of the chart of % is not on one line of %, or is a heading on one', NEW.code, NEW.book_id, lacking USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER code_is_mapped AFTER INSERT OR UPDATE ON accounting.gl_account DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION accounting.code_is_mapped();

CREATE FUNCTION accounting.mapping_stays_whole() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM accounting.gl_account g WHERE g.book_id = OLD.book_id AND g.code = OLD.gl_code)
     AND EXISTS (SELECT FROM accounting.return_line l WHERE l.book_id = OLD.book_id AND l.return_code = OLD.return_code)
     AND NOT EXISTS (SELECT FROM accounting.return_mapping m WHERE m.book_id = OLD.book_id AND m.return_code = OLD.return_code AND m.gl_code = OLD.gl_code) THEN
    RAISE EXCEPTION '% of the chart of % is on no line of %', OLD.gl_code, OLD.book_id, OLD.return_code USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER mapping_stays_whole AFTER DELETE OR UPDATE ON accounting.return_mapping DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION accounting.mapping_stays_whole();

-- The first account of a book brings it its chart; an account stands under the code of its kind, or under the one it is given.
CREATE FUNCTION accounting.account_has_its_code() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = accounting, pg_temp AS $$
DECLARE under gl_account;
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF OLD.gl_code IS NOT NULL AND NEW.gl_code IS DISTINCT FROM OLD.gl_code THEN
      RAISE EXCEPTION 'account % stays under its code: move its balance by an entry', OLD.number USING ERRCODE = 'restrict_violation';
    END IF;
  END IF;
  IF NEW.gl_code IS NULL THEN
    SELECT k.gl_code INTO NEW.gl_code FROM gl_kind k WHERE k.book_id = NEW.book_id AND k.account_kind = NEW.kind;
    IF NOT FOUND THEN
      PERFORM ensure_chart(NEW.book_id);
      SELECT k.gl_code INTO NEW.gl_code FROM gl_kind k WHERE k.book_id = NEW.book_id AND k.account_kind = NEW.kind;
    END IF;
  END IF;
  SELECT * INTO under FROM gl_account g WHERE g.book_id = NEW.book_id AND g.code = NEW.gl_code;
  IF NOT FOUND OR under.role = 'HEADING' OR under.role = 'DIRECT' AND (NEW.number <> under.code OR NEW.normal_side <> under.normal_side)
     OR under.role = 'CONTROL' AND NOT EXISTS (SELECT FROM gl_kind k WHERE k.book_id = NEW.book_id AND k.account_kind = NEW.kind AND k.gl_code = under.code) THEN
    RAISE EXCEPTION 'account % of the kind % cannot stand under % of the chart', NEW.number, NEW.kind, NEW.gl_code USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
`;

export const storeChart = `
-- A new version: what the tables say becomes what the document says. The guards of the tables judge it.
CREATE FUNCTION accounting.store_chart(book text, next_chart jsonb, why text, who text) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET search_path = accounting, pg_temp AS $fn$
DECLARE next_version int;
BEGIN
  IF NOT kernel.sees_book(book) THEN RAISE EXCEPTION 'book % is not seen', book USING ERRCODE = 'insufficient_privilege'; END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('chart:' || book, 0));
  SELECT coalesce(max(v.version), 0) + 1 INTO next_version FROM chart_version v WHERE v.book_id = book;
  DELETE FROM return_mapping m WHERE m.book_id = book;
  DELETE FROM return_line l WHERE l.book_id = book;
  DELETE FROM gl_kind k WHERE k.book_id = book;
  DELETE FROM gl_account g WHERE g.book_id = book AND g.code NOT IN (SELECT a->>'code' FROM jsonb_array_elements(next_chart->'accounts') a);
  INSERT INTO gl_account (book_id, code, name, type, normal_side, parent_code, role)
  SELECT book, a->>'code', a->>'name', a->>'type', a->>'normalSide', a->>'parent', a->>'role' FROM jsonb_array_elements(next_chart->'accounts') a
  ON CONFLICT (book_id, code) DO UPDATE SET name = excluded.name, type = excluded.type, normal_side = excluded.normal_side,
    parent_code = excluded.parent_code, role = excluded.role;
  INSERT INTO gl_kind (book_id, account_kind, gl_code)
  SELECT book, k, a->>'code' FROM jsonb_array_elements(next_chart->'accounts') a, jsonb_array_elements_text(a->'kinds') k;
  INSERT INTO return_line (book_id, return_code, line_code, title, section, position)
  SELECT book, r->>'code', l->>'code', l->>'title', l->>'section', (l->>'position')::int
    FROM jsonb_array_elements(next_chart->'returns') r, jsonb_array_elements(r->'lines') l;
  INSERT INTO return_mapping (book_id, return_code, gl_code, line_code)
  SELECT book, m.key, a->>'code', m.value FROM jsonb_array_elements(next_chart->'accounts') a, jsonb_each_text(a->'lines') m;
  -- An account stands where its kind stands: a kind does not leave a code that has accounts of it.
  IF EXISTS (SELECT FROM account a JOIN gl_account g ON g.book_id = a.book_id AND g.code = a.gl_code
              WHERE a.book_id = book AND g.role = 'CONTROL'
                AND NOT EXISTS (SELECT FROM gl_kind k WHERE k.book_id = a.book_id AND k.account_kind = a.kind AND k.gl_code = a.gl_code)) THEN
    RAISE EXCEPTION 'the chart takes a kind from a code that has accounts of it' USING ERRCODE = 'restrict_violation';
  END IF;
  INSERT INTO chart_version (book_id, version, chart, reason, stored_by) VALUES (book, next_version, next_chart, why, who);
  RETURN next_version;
END $fn$;

CREATE FUNCTION accounting.ensure_chart(book text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = accounting, pg_temp AS $fn$
BEGIN
  -- Two who open the first account of a book at once: the second waits, and finds it.
  PERFORM pg_advisory_xact_lock(hashtextextended('chart:' || book, 0));
  IF EXISTS (SELECT FROM chart_version v WHERE v.book_id = book) THEN RETURN; END IF;
  PERFORM store_chart(book, t.chart, 'Came with the system', 'service:accounting') FROM chart_template t WHERE t.template = 'BUILT_IN';
END $fn$;

-- Opens the account of DIRECT codes that are to be posted to.
CREATE FUNCTION accounting.open_direct_accounts(book text, codes text[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = accounting, pg_temp AS $fn$
BEGIN
  IF NOT kernel.sees_book(book) THEN RAISE EXCEPTION 'book % is not seen', book USING ERRCODE = 'insufficient_privilege'; END IF;
  PERFORM ensure_chart(book);
  INSERT INTO account (book_id, number, kind, statement_class, normal_side, mode, state, gl_code)
  SELECT g.book_id, g.code, g.type, 'OWN', g.normal_side, 'ROLLUP', 'OPEN', g.code
    FROM gl_account g WHERE g.book_id = book AND g.code = ANY (codes) AND g.role = 'DIRECT'
     AND NOT EXISTS (SELECT FROM account a WHERE a.book_id = g.book_id AND a.number = g.code)
   ORDER BY g.code
  ON CONFLICT (book_id, number) DO NOTHING;
END $fn$;

-- As it was, with the kinds that are new: own holdings are of instruments.
CREATE OR REPLACE FUNCTION accounting.open_ledger_accounts(books text[], numbers text[], assets text[]) RETURNS void LANGUAGE plpgsql
SET search_path = accounting, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $fn$
BEGIN
  -- Whoever changes limits or state takes the account's row first, so what is read after this lock is what stands.
  PERFORM 1 FROM account a WHERE (a.book_id, a.number) IN (SELECT * FROM unnest(books, numbers)) ORDER BY a.book_id, a.number FOR SHARE;
  WITH fresh AS (
    INSERT INTO ledger_account (book_id, number, asset)
    SELECT DISTINCT w.b, w.n, w.s FROM unnest(books, numbers, assets) AS w(b, n, s)
      JOIN account a ON a.book_id = w.b AND a.number = w.n JOIN asset s ON s.asset = w.s
     WHERE s.kind = 'CURRENCY' AND a.kind NOT IN ('CLIENT_CUSTODY','OWN_CUSTODY','DEPOT') AND coalesce(a.currency, w.s) = w.s
        OR s.kind = 'INSTRUMENT' AND a.kind IN ('CLIENT_CUSTODY','OWN_CUSTODY','DEPOT','SUSPENSE','MIGRATION')
     ORDER BY 1, 2, 3
    ON CONFLICT DO NOTHING RETURNING *)
  INSERT INTO balance (ledger_account_id, book_id, normal_side, is_strict, limit_units, payment_limit_units, account_state)
  SELECT f.ledger_account_id, f.book_id, a.normal_side, a.mode = 'STRICT', coalesce(m.overdraft_units, 0), m.payment_limit_units, a.state
    FROM fresh f JOIN account a USING (book_id, number) LEFT JOIN account_limit m USING (book_id, number, asset)
   ORDER BY f.ledger_account_id;
END $fn$;
`;
