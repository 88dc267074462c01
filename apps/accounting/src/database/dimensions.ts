/**
 * What a posting is told by besides its account: a cost centre, a project. The values a book allows are a list with dates;
 * a posting gets its values in the transaction of its entry or never. A reversal takes the values of what it takes back.
 */
export const dimensionTables = `
CREATE TABLE accounting.dimension_value (
  book_id    text NOT NULL,
  dimension  text NOT NULL CHECK (dimension ~ '^[A-Z][A-Z0-9_]{1,29}$'),
  value      text NOT NULL CHECK (value ~ '^[0-9A-Za-z][0-9A-Za-z._-]{0,39}$'),
  name       text NOT NULL CHECK (name <> ''),
  valid_from date NOT NULL,
  -- The last date it is used on.
  valid_to   date,
  PRIMARY KEY (book_id, dimension, value),
  CHECK (valid_to >= valid_from)
);

CREATE TABLE accounting.posting_dimension (
  entry_id  text NOT NULL,
  n         int NOT NULL,
  book_id   text NOT NULL,
  dimension text NOT NULL,
  value     text NOT NULL,
  PRIMARY KEY (entry_id, n, dimension),
  FOREIGN KEY (entry_id, n) REFERENCES accounting.posting (entry_id, n),
  FOREIGN KEY (book_id, dimension, value) REFERENCES accounting.dimension_value (book_id, dimension, value)
);
CREATE INDEX posting_dimension_value ON accounting.posting_dimension (book_id, dimension, value);
`;

export const dimensionFunctions = `
CREATE FUNCTION accounting.dimension_comes_with_entry() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = accounting, pg_temp AS $fn$
DECLARE entry record; on_date date;
BEGIN
  SELECT e.book_id, e.business_date, e.reverses_entry_id, e.xmin AS written_by INTO entry FROM journal_entry e WHERE e.entry_id = NEW.entry_id;
  IF entry.book_id IS DISTINCT FROM NEW.book_id THEN
    RAISE EXCEPTION 'a % of % is of no entry of its book', NEW.dimension, NEW.entry_id USING ERRCODE = 'foreign_key_violation';
  END IF;
  IF NOT accounting.is_under_way(entry.written_by) THEN
    RAISE EXCEPTION 'the % of % comes with the entry or never', NEW.dimension, NEW.entry_id USING ERRCODE = 'check_violation';
  END IF;
  IF entry.reverses_entry_id IS NOT NULL OR EXISTS (SELECT FROM reversal_part t WHERE t.entry_id = NEW.entry_id) THEN
    RAISE EXCEPTION '% takes back: it has the % of what it takes back', NEW.entry_id, NEW.dimension USING ERRCODE = 'check_violation';
  END IF;
  SELECT coalesce((SELECT x.accounting_date FROM entry_accounting_date x WHERE x.entry_id = NEW.entry_id), entry.business_date) INTO on_date;
  PERFORM FROM dimension_value v WHERE v.book_id = NEW.book_id AND v.dimension = NEW.dimension AND v.value = NEW.value
      AND on_date >= v.valid_from AND (v.valid_to IS NULL OR on_date <= v.valid_to) FOR SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION '% % of % is not used on %', NEW.dimension, NEW.value, NEW.book_id, on_date USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $fn$;
CREATE TRIGGER dimension_comes_with_entry BEFORE INSERT ON accounting.posting_dimension FOR EACH ROW EXECUTE FUNCTION accounting.dimension_comes_with_entry();

-- A value ends, and may have another name: what postings are told by stays.
CREATE FUNCTION accounting.dimension_value_stays() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = accounting, pg_temp AS $fn$
BEGIN
  IF TG_OP = 'DELETE' OR (NEW.book_id, NEW.dimension, NEW.value, NEW.valid_from) IS DISTINCT FROM (OLD.book_id, OLD.dimension, OLD.value, OLD.valid_from) THEN
    RAISE EXCEPTION '% % of % stays: end it by a date', OLD.dimension, OLD.value, OLD.book_id USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.valid_to IS NOT NULL AND EXISTS (
       SELECT FROM posting_dimension d JOIN journal_entry e USING (entry_id) LEFT JOIN entry_accounting_date x USING (entry_id)
        WHERE d.book_id = NEW.book_id AND d.dimension = NEW.dimension AND d.value = NEW.value AND coalesce(x.accounting_date, e.business_date) > NEW.valid_to) THEN
    RAISE EXCEPTION '% % of % is used after %', NEW.dimension, NEW.value, NEW.book_id, NEW.valid_to USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $fn$;
CREATE TRIGGER dimension_value_stays BEFORE UPDATE OR DELETE ON accounting.dimension_value FOR EACH ROW EXECUTE FUNCTION accounting.dimension_value_stays();

-- The one way to tell a posting of this transaction by a value: rows of entryId, n, dimension, value.
CREATE FUNCTION accounting.keep_posting_dimensions(book text, told jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = accounting, pg_temp AS $fn$
BEGIN
  INSERT INTO posting_dimension (entry_id, n, book_id, dimension, value)
  SELECT t."entryId", t.n, book, t.dimension, t.value
    FROM jsonb_to_recordset(told) AS t ("entryId" text, n int, dimension text, value text) ORDER BY 1, 2, 4;
END $fn$;

-- With what reversals have of the entries they take back.
CREATE VIEW accounting.posting_dimension_now WITH (security_invoker = true) AS
  SELECT d.entry_id, d.n, d.book_id, d.dimension, d.value FROM accounting.posting_dimension d
  UNION ALL
  SELECT r.entry_id, d.n, d.book_id, d.dimension, d.value FROM accounting.posting_dimension d JOIN accounting.journal_entry r ON r.reverses_entry_id = d.entry_id
  UNION ALL
  SELECT t.entry_id, t.n, d.book_id, d.dimension, d.value
    FROM accounting.posting_dimension d JOIN accounting.reversal_part t ON t.original_entry_id = d.entry_id AND t.original_n = d.n;
`;
