/**
 * An entry is reversed whole, once, or in parts. A part names the posting it takes back from; of no posting is more taken
 * back than it has, and an entry that takes parts back does nothing else.
 */
export const reversalParts = `
CREATE TABLE accounting.reversal_part (
  entry_id          text NOT NULL,
  n                 int NOT NULL,
  book_id           text NOT NULL,
  original_entry_id text NOT NULL,
  original_n        int NOT NULL,
  units             numeric(39,0) NOT NULL CHECK (units > 0),
  PRIMARY KEY (entry_id, n),
  FOREIGN KEY (entry_id, n) REFERENCES accounting.posting (entry_id, n),
  FOREIGN KEY (original_entry_id, original_n) REFERENCES accounting.posting (entry_id, n)
);
CREATE INDEX reversal_part_original ON accounting.reversal_part (original_entry_id, original_n);
ALTER TABLE accounting.reversal_part ENABLE ROW LEVEL SECURITY;
ALTER TABLE accounting.reversal_part FORCE ROW LEVEL SECURITY;
CREATE POLICY by_book ON accounting.reversal_part USING (kernel.sees_book(book_id));
GRANT SELECT ON accounting.reversal_part TO accounting, verify;
CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON accounting.reversal_part
  FOR EACH STATEMENT EXECUTE FUNCTION accounting.never_changes();

CREATE FUNCTION accounting.parts_are_left() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE broken text;
BEGIN
  -- Of two who take parts back the second waits here, and then counts what the first took.
  PERFORM FROM accounting.journal_entry e WHERE e.entry_id IN (SELECT r.original_entry_id FROM new_rows r) ORDER BY e.entry_id FOR NO KEY UPDATE;
  SELECT r.entry_id INTO broken FROM new_rows r
    JOIN accounting.posting p ON p.entry_id = r.entry_id AND p.n = r.n
    JOIN accounting.posting o ON o.entry_id = r.original_entry_id AND o.n = r.original_n
   WHERE (p.ledger_account_id, p.book_id, r.book_id) IS DISTINCT FROM (o.ledger_account_id, o.book_id, o.book_id) OR p.units <> -sign(o.units) * r.units LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'journal entry % does not take back what its part says', broken USING ERRCODE = 'check_violation';
  END IF;
  SELECT r.entry_id INTO broken FROM (SELECT DISTINCT entry_id FROM new_rows) r JOIN accounting.journal_entry e USING (entry_id)
   WHERE e.posting_count <> (SELECT count(*) FROM accounting.reversal_part t WHERE t.entry_id = r.entry_id)
      OR (SELECT count(DISTINCT t.original_entry_id) FROM accounting.reversal_part t WHERE t.entry_id = r.entry_id) <> 1
      OR e.reverses_entry_id IS NOT NULL LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'journal entry % does more than take back parts of one entry', broken USING ERRCODE = 'check_violation';
  END IF;
  SELECT r.original_entry_id INTO broken FROM new_rows r JOIN accounting.posting o ON o.entry_id = r.original_entry_id AND o.n = r.original_n
   WHERE abs(o.units) < (SELECT sum(t.units) FROM accounting.reversal_part t WHERE t.original_entry_id = r.original_entry_id AND t.original_n = r.original_n) LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'more is taken back than is left of journal entry %', broken USING ERRCODE = 'check_violation';
  END IF;
  SELECT r.original_entry_id INTO broken FROM new_rows r JOIN accounting.journal_entry o ON o.entry_id = r.original_entry_id
   WHERE o.reverses_entry_id IS NOT NULL OR EXISTS (SELECT FROM accounting.reversal_part t WHERE t.entry_id = o.entry_id)
      OR EXISTS (SELECT FROM accounting.journal_entry whole WHERE whole.reverses_entry_id = o.entry_id) LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'journal entry % is a reversal, or was reversed whole', broken USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER parts_are_left AFTER INSERT ON accounting.reversal_part REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION accounting.parts_are_left();

-- What was reversed in part is not reversed whole, and neither is a reversal of parts.
CREATE FUNCTION accounting.whole_is_left() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM accounting.journal_entry e WHERE e.entry_id = NEW.reverses_entry_id FOR NO KEY UPDATE;
  IF EXISTS (SELECT FROM accounting.reversal_part t WHERE t.original_entry_id = NEW.reverses_entry_id OR t.entry_id = NEW.reverses_entry_id) THEN
    RAISE EXCEPTION 'journal entry % was reversed in part, or takes parts back', NEW.reverses_entry_id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER whole_is_left AFTER INSERT ON accounting.journal_entry
  FOR EACH ROW WHEN (NEW.reverses_entry_id IS NOT NULL) EXECUTE FUNCTION accounting.whole_is_left();
`;
