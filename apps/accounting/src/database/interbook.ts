/**
 * An entry between two books is a pair: what one is owed, the other owes, in the same asset and to the same unit. A side
 * whose book is not yet on the date is booked when it is: until then the pair is in transit. A pair is reversed whole.
 */
export const interbookTables = `
CREATE TABLE accounting.interbook_pair (
  pair_id              text PRIMARY KEY,
  -- The book that is owed, and the one that owes.
  book_id              text NOT NULL,
  debtor_book_id       text NOT NULL,
  asset                text NOT NULL REFERENCES accounting.asset (asset),
  units                numeric(39,0) NOT NULL CHECK (units > 0),
  -- What stands against the due-from and the due-to account.
  creditor_account     text NOT NULL,
  debtor_account       text NOT NULL,
  -- Neither side is booked on an earlier date.
  from_date            date NOT NULL,
  value_date           date NOT NULL,
  description          text NOT NULL CHECK (description <> ''),
  requested_by         text NOT NULL,
  requested_at         timestamptz NOT NULL DEFAULT kernel.now(),
  creditor_entry_id    text UNIQUE REFERENCES accounting.journal_entry (entry_id),
  debtor_entry_id      text UNIQUE REFERENCES accounting.journal_entry (entry_id),
  -- How often the waiting side was tried, and why it was refused the last time.
  attempts             int NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  refusal_code         text,
  creditor_reversal_id text UNIQUE REFERENCES accounting.journal_entry (entry_id) DEFERRABLE INITIALLY DEFERRED,
  debtor_reversal_id   text UNIQUE REFERENCES accounting.journal_entry (entry_id) DEFERRABLE INITIALLY DEFERRED,
  reversed_by          text,
  reversed_at          timestamptz,
  reversal_reason      text,
  state                text GENERATED ALWAYS AS (CASE WHEN reversed_by IS NOT NULL THEN 'REVERSED'
                         WHEN creditor_entry_id IS NOT NULL AND debtor_entry_id IS NOT NULL THEN 'BOOKED' ELSE 'IN_TRANSIT' END) STORED,
  CHECK (book_id <> debtor_book_id),
  CONSTRAINT a_side_is_booked CHECK (creditor_entry_id IS NOT NULL OR debtor_entry_id IS NOT NULL),
  CONSTRAINT reversed_both_or_none CHECK (
    CASE WHEN reversed_by IS NULL THEN creditor_reversal_id IS NULL AND debtor_reversal_id IS NULL
         ELSE (creditor_entry_id IS NULL) = (creditor_reversal_id IS NULL) AND (debtor_entry_id IS NULL) = (debtor_reversal_id IS NULL) END),
  CHECK ((reversed_by IS NULL) = (reversal_reason IS NULL) AND (reversed_by IS NULL) = (reversed_at IS NULL))
);
CREATE INDEX interbook_pair_creditor ON accounting.interbook_pair (book_id, debtor_book_id, asset);
CREATE INDEX interbook_pair_debtor ON accounting.interbook_pair (debtor_book_id, book_id, asset);
CREATE INDEX interbook_pair_waiting ON accounting.interbook_pair (pair_id) WHERE state = 'IN_TRANSIT';
`;

export const interbookGuards = `
-- What an entry moved on an account of its book: debit positive.
CREATE FUNCTION accounting.entry_units(of_entry text, of_book text, of_number text, of_asset text) RETURNS numeric LANGUAGE sql STABLE AS $$
  SELECT coalesce(sum(p.units), 0) FROM accounting.posting p JOIN accounting.ledger_account l USING (ledger_account_id)
   WHERE p.entry_id = of_entry AND l.book_id = of_book AND l.number = of_number AND l.asset = of_asset
$$;

-- Each side has an entry of its own that moves the due account by what the pair says; words and entries stay.
CREATE FUNCTION accounting.interbook_sides_are_equal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'a pair of books stays: reverse it' USING ERRCODE = 'restrict_violation';
  END IF;
  IF TG_OP = 'INSERT' AND NEW.reversed_by IS NOT NULL THEN
    RAISE EXCEPTION 'pair % is booked before it is reversed', NEW.pair_id USING ERRCODE = 'check_violation';
  END IF;
  IF TG_OP = 'UPDATE' THEN
    IF (NEW.pair_id, NEW.book_id, NEW.debtor_book_id, NEW.asset, NEW.units, NEW.creditor_account, NEW.debtor_account, NEW.from_date, NEW.value_date,
        NEW.description, NEW.requested_by, NEW.requested_at)
       IS DISTINCT FROM (OLD.pair_id, OLD.book_id, OLD.debtor_book_id, OLD.asset, OLD.units, OLD.creditor_account, OLD.debtor_account, OLD.from_date,
        OLD.value_date, OLD.description, OLD.requested_by, OLD.requested_at)
       OR OLD.creditor_entry_id IS NOT NULL AND NEW.creditor_entry_id IS DISTINCT FROM OLD.creditor_entry_id
       OR OLD.debtor_entry_id IS NOT NULL AND NEW.debtor_entry_id IS DISTINCT FROM OLD.debtor_entry_id
       OR OLD.reversed_by IS NOT NULL THEN
      RAISE EXCEPTION 'pair % keeps what it says, and its entries', OLD.pair_id USING ERRCODE = 'restrict_violation';
    END IF;
  END IF;
  IF NEW.creditor_entry_id IS NOT NULL AND (TG_OP = 'INSERT' OR OLD.creditor_entry_id IS NULL)
     AND accounting.entry_units(NEW.creditor_entry_id, NEW.book_id, 'DUE-FROM-' || NEW.debtor_book_id, NEW.asset) <> NEW.units THEN
    RAISE EXCEPTION 'entry % does not book what % is owed by pair %', NEW.creditor_entry_id, NEW.book_id, NEW.pair_id USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.debtor_entry_id IS NOT NULL AND (TG_OP = 'INSERT' OR OLD.debtor_entry_id IS NULL)
     AND accounting.entry_units(NEW.debtor_entry_id, NEW.debtor_book_id, 'DUE-TO-' || NEW.book_id, NEW.asset) <> -NEW.units THEN
    RAISE EXCEPTION 'entry % does not book what % owes by pair %', NEW.debtor_entry_id, NEW.debtor_book_id, NEW.pair_id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER interbook_sides_are_equal BEFORE INSERT OR UPDATE OR DELETE ON accounting.interbook_pair
  FOR EACH ROW EXECUTE FUNCTION accounting.interbook_sides_are_equal();

-- At the end of the transaction every side that was booked is taken back, by a reversal of that very entry.
CREATE FUNCTION accounting.interbook_is_reversed_whole() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM (VALUES (NEW.creditor_entry_id, NEW.creditor_reversal_id), (NEW.debtor_entry_id, NEW.debtor_reversal_id)) AS s (entry, reversal)
              WHERE s.reversal IS NOT NULL AND NOT EXISTS (SELECT FROM accounting.journal_entry e WHERE e.entry_id = s.reversal AND e.reverses_entry_id = s.entry)) THEN
    RAISE EXCEPTION 'a reversal of pair % does not take back its entry', NEW.pair_id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER interbook_is_reversed_whole AFTER UPDATE ON accounting.interbook_pair DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.reversed_by IS NOT NULL) EXECUTE FUNCTION accounting.interbook_is_reversed_whole();

-- Nobody takes back one side of a pair: whoever reverses says so on the pair first.
CREATE FUNCTION accounting.interbook_side_is_not_reversed_alone() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE alone text;
BEGIN
  SELECT i.pair_id INTO alone FROM accounting.interbook_pair i
   WHERE i.creditor_entry_id = NEW.reverses_entry_id AND i.creditor_reversal_id IS DISTINCT FROM NEW.entry_id
      OR i.debtor_entry_id = NEW.reverses_entry_id AND i.debtor_reversal_id IS DISTINCT FROM NEW.entry_id;
  IF FOUND THEN
    RAISE EXCEPTION 'entry % is a side of pair %, which is reversed whole', NEW.reverses_entry_id, alone USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER interbook_side_is_not_reversed_alone AFTER INSERT ON accounting.journal_entry
  FOR EACH ROW WHEN (NEW.reverses_entry_id IS NOT NULL) EXECUTE FUNCTION accounting.interbook_side_is_not_reversed_alone();

CREATE FUNCTION accounting.interbook_side_is_not_taken_back_in_part() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM accounting.interbook_pair i WHERE NEW.original_entry_id IN (i.creditor_entry_id, i.debtor_entry_id)) THEN
    RAISE EXCEPTION 'entry % is a side of a pair of books, which is reversed whole', NEW.original_entry_id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER interbook_side_is_not_taken_back_in_part AFTER INSERT ON accounting.reversal_part
  FOR EACH ROW EXECUTE FUNCTION accounting.interbook_side_is_not_taken_back_in_part();
`;
