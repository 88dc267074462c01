/**
 * Bills of suppliers. A bill keeps its words; its state goes forward by what the tables can see: an agreement of a second
 * person above the limit, the entry that books its lines, payments that are never more than it. What the account of
 * suppliers (2230) has is what the bills have that are not paid.
 */
export const billTables = `
CREATE TABLE accounting.supplier (
  supplier_id         text PRIMARY KEY,
  book_id             text NOT NULL,
  name                text NOT NULL CHECK (name <> ''),
  -- The party that compliance knows it as.
  party_id            text,
  iban                text,
  default_code        text,
  default_cost_centre text,
  entered_by          text NOT NULL,
  entered_at          timestamptz NOT NULL DEFAULT kernel.now(),
  UNIQUE (book_id, supplier_id),
  UNIQUE (book_id, name)
);

CREATE TABLE accounting.bill (
  bill_id             text PRIMARY KEY,
  book_id             text NOT NULL,
  supplier_id         text NOT NULL,
  number              text NOT NULL CHECK (number <> ''),
  bill_date           date NOT NULL,
  due_date            date NOT NULL,
  asset               text NOT NULL REFERENCES accounting.asset (asset),
  total_units         numeric(39,0) NOT NULL CHECK (total_units > 0),
  -- Decided when it was entered: above the limit of the book, or in another currency.
  needs_second_person boolean NOT NULL,
  payload_hash        text NOT NULL CHECK (length(payload_hash) = 64),
  state               text NOT NULL DEFAULT 'ENTERED' CHECK (state IN ('ENTERED','APPROVED','POSTED','PAID','CANCELLED')),
  entered_by          text NOT NULL,
  entered_at          timestamptz NOT NULL DEFAULT kernel.now(),
  approval_id         text UNIQUE,
  approved_by         text,
  approved_at         timestamptz,
  approved_hash       text,
  entry_id            text UNIQUE REFERENCES accounting.journal_entry (entry_id),
  cancelled_by        text,
  cancelled_at        timestamptz,
  cancel_reason       text,
  reversal_entry_id   text UNIQUE REFERENCES accounting.journal_entry (entry_id),
  UNIQUE (book_id, bill_id),
  FOREIGN KEY (book_id, supplier_id) REFERENCES accounting.supplier (book_id, supplier_id),
  CHECK (due_date >= bill_date),
  CHECK ((state = 'CANCELLED') = (cancelled_by IS NOT NULL) AND (cancelled_by IS NULL) = (cancel_reason IS NULL)),
  CONSTRAINT approved_by_somebody CHECK (state NOT IN ('APPROVED','POSTED','PAID') OR approved_by IS NOT NULL AND approved_hash = payload_hash),
  CONSTRAINT approved_by_a_second_person CHECK (NOT needs_second_person OR approved_by IS DISTINCT FROM entered_by)
);
-- A number comes once from a supplier, unless the bill was cancelled.
CREATE UNIQUE INDEX bill_number ON accounting.bill (supplier_id, upper(number)) WHERE state <> 'CANCELLED';
CREATE INDEX bill_state ON accounting.bill (book_id, state, due_date);

CREATE TABLE accounting.bill_line (
  bill_id     text NOT NULL,
  n           int NOT NULL CHECK (n >= 1),
  book_id     text NOT NULL,
  -- Tax that is not given back is cost of its own.
  kind        text NOT NULL CHECK (kind IN ('NET','TAX')),
  code        text NOT NULL,
  cost_centre text,
  units       numeric(39,0) NOT NULL CHECK (units > 0),
  description text NOT NULL,
  PRIMARY KEY (bill_id, n),
  FOREIGN KEY (book_id, bill_id) REFERENCES accounting.bill (book_id, bill_id)
);

CREATE TABLE accounting.bill_payment (
  payment_id        text PRIMARY KEY,
  bill_id           text NOT NULL,
  book_id           text NOT NULL,
  units             numeric(39,0) NOT NULL CHECK (units > 0),
  nostro            text NOT NULL,
  entry_id          text NOT NULL UNIQUE REFERENCES accounting.journal_entry (entry_id),
  paid_by           text NOT NULL,
  paid_at           timestamptz NOT NULL DEFAULT kernel.now(),
  -- It came back.
  reversal_entry_id text UNIQUE REFERENCES accounting.journal_entry (entry_id),
  FOREIGN KEY (book_id, bill_id) REFERENCES accounting.bill (book_id, bill_id)
);
CREATE INDEX bill_payment_bill ON accounting.bill_payment (bill_id);
`;

export const billGuards = `
CREATE FUNCTION accounting.bill_goes_forward() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE step text; wrong int;
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'bill % stays: cancel it', OLD.number USING ERRCODE = 'restrict_violation';
  END IF;
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> 'ENTERED' OR NEW.approved_by IS NOT NULL OR NEW.entry_id IS NOT NULL THEN
      RAISE EXCEPTION 'bill % begins by being entered', NEW.number USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END IF;
  IF (NEW.bill_id, NEW.book_id, NEW.supplier_id, NEW.number, NEW.bill_date, NEW.due_date, NEW.asset, NEW.total_units, NEW.needs_second_person, NEW.payload_hash,
      NEW.entered_by, NEW.entered_at)
     IS DISTINCT FROM (OLD.bill_id, OLD.book_id, OLD.supplier_id, OLD.number, OLD.bill_date, OLD.due_date, OLD.asset, OLD.total_units, OLD.needs_second_person,
      OLD.payload_hash, OLD.entered_by, OLD.entered_at)
     OR OLD.entry_id IS NOT NULL AND NEW.entry_id IS DISTINCT FROM OLD.entry_id
     OR OLD.approved_by IS NOT NULL AND (NEW.approved_by, NEW.approved_hash) IS DISTINCT FROM (OLD.approved_by, OLD.approved_hash) THEN
    RAISE EXCEPTION 'bill % keeps its words: cancel it and enter it again', OLD.number USING ERRCODE = 'restrict_violation';
  END IF;
  step := OLD.state || ' to ' || NEW.state;
  IF NEW.state = OLD.state AND OLD.state = 'ENTERED' OR step IN ('ENTERED to APPROVED','ENTERED to CANCELLED','APPROVED to CANCELLED') THEN
    RETURN NEW;
  ELSIF step = 'APPROVED to POSTED' THEN
    SELECT count(*) INTO wrong
      FROM (SELECT l.n, l.code, l.units FROM accounting.bill_line l WHERE l.bill_id = NEW.bill_id
            UNION ALL SELECT 1 + count(*)::int, '2230', -NEW.total_units FROM accounting.bill_line l WHERE l.bill_id = NEW.bill_id) w
      FULL JOIN (SELECT p.n, a.number, p.units, p.asset, p.book_id FROM accounting.posting p JOIN accounting.ledger_account a USING (ledger_account_id)
                  WHERE p.entry_id = NEW.entry_id) p USING (n)
     WHERE (w.code, w.units, NEW.asset, NEW.book_id) IS DISTINCT FROM (p.number, p.units, p.asset, p.book_id);
    IF NEW.entry_id IS NULL OR wrong > 0 THEN
      RAISE EXCEPTION 'entry % does not book the lines of bill %', NEW.entry_id, NEW.number USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  ELSIF step IN ('POSTED to PAID','PAID to POSTED') THEN
    IF (NEW.state = 'PAID') <> (accounting.bill_paid(NEW.bill_id) = NEW.total_units) THEN
      RAISE EXCEPTION 'bill % is paid by its payments only', NEW.number USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  ELSIF step = 'POSTED to CANCELLED' THEN
    IF accounting.bill_paid(NEW.bill_id) <> 0
       OR NOT EXISTS (SELECT FROM accounting.journal_entry e WHERE e.entry_id = NEW.reversal_entry_id AND e.reverses_entry_id = NEW.entry_id) THEN
      RAISE EXCEPTION 'bill % is cancelled by taking its entry back, while nothing of it is paid', NEW.number USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'a bill does not go from %', step USING ERRCODE = 'check_violation';
END $$;

CREATE FUNCTION accounting.bill_paid(of_bill text) RETURNS numeric LANGUAGE sql STABLE AS $$
  SELECT coalesce(sum(p.units), 0) FROM accounting.bill_payment p WHERE p.bill_id = of_bill AND p.reversal_entry_id IS NULL
$$;
CREATE TRIGGER bill_goes_forward BEFORE INSERT OR UPDATE OR DELETE ON accounting.bill FOR EACH ROW EXECUTE FUNCTION accounting.bill_goes_forward();

-- At the end of the transaction the lines are the total.
CREATE FUNCTION accounting.bill_lines_are_total() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.total_units IS DISTINCT FROM (SELECT sum(l.units) FROM accounting.bill_line l WHERE l.bill_id = NEW.bill_id)
     OR (SELECT max(l.n) <> count(*) FROM accounting.bill_line l WHERE l.bill_id = NEW.bill_id) THEN
    RAISE EXCEPTION 'the lines of bill % are not its total', NEW.number USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER bill_lines_are_total AFTER INSERT ON accounting.bill DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION accounting.bill_lines_are_total();

CREATE FUNCTION accounting.bill_line_comes_with_bill() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM accounting.bill b WHERE b.bill_id = NEW.bill_id AND accounting.is_under_way(b.xmin)) THEN
    RAISE EXCEPTION 'a line comes with its bill or never' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER bill_line_comes_with_bill BEFORE INSERT ON accounting.bill_line FOR EACH ROW EXECUTE FUNCTION accounting.bill_line_comes_with_bill();

-- Payments come one after the other, each with its entry, and are never more than the bill; its state follows.
CREATE FUNCTION accounting.payment_is_of_bill() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE of_bill accounting.bill;
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'a payment stays: it comes back by a reversal' USING ERRCODE = 'restrict_violation';
  END IF;
  SELECT * INTO of_bill FROM accounting.bill b WHERE b.bill_id = NEW.bill_id FOR UPDATE;
  IF TG_OP = 'INSERT' THEN
    IF of_bill.state <> 'POSTED' OR NEW.reversal_entry_id IS NOT NULL OR accounting.bill_paid(NEW.bill_id) + NEW.units > of_bill.total_units THEN
      RAISE EXCEPTION 'bill % does not have that much to be paid', of_bill.number USING ERRCODE = 'check_violation';
    END IF;
    IF (SELECT coalesce(sum(p.units), 0) FROM accounting.posting p JOIN accounting.ledger_account l USING (ledger_account_id)
         WHERE p.entry_id = NEW.entry_id AND l.book_id = NEW.book_id AND l.number = '2230' AND l.asset = of_bill.asset) <> NEW.units THEN
      RAISE EXCEPTION 'entry % does not pay % of bill %', NEW.entry_id, NEW.units, of_bill.number USING ERRCODE = 'check_violation';
    END IF;
  ELSIF OLD.reversal_entry_id IS NOT NULL
     OR (NEW.payment_id, NEW.bill_id, NEW.book_id, NEW.units, NEW.nostro, NEW.entry_id, NEW.paid_by, NEW.paid_at)
        IS DISTINCT FROM (OLD.payment_id, OLD.bill_id, OLD.book_id, OLD.units, OLD.nostro, OLD.entry_id, OLD.paid_by, OLD.paid_at)
     OR NOT EXISTS (SELECT FROM accounting.journal_entry e WHERE e.entry_id = NEW.reversal_entry_id AND e.reverses_entry_id = OLD.entry_id) THEN
    RAISE EXCEPTION 'a payment comes back once, by a reversal of its entry' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER payment_is_of_bill BEFORE INSERT OR UPDATE OR DELETE ON accounting.bill_payment FOR EACH ROW EXECUTE FUNCTION accounting.payment_is_of_bill();

CREATE FUNCTION accounting.bill_follows_payments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE accounting.bill b SET state = CASE WHEN accounting.bill_paid(b.bill_id) = b.total_units THEN 'PAID' ELSE 'POSTED' END
   WHERE b.bill_id = NEW.bill_id AND b.state <> CASE WHEN accounting.bill_paid(b.bill_id) = b.total_units THEN 'PAID' ELSE 'POSTED' END;
  RETURN NULL;
END $$;
CREATE TRIGGER bill_follows_payments AFTER INSERT OR UPDATE ON accounting.bill_payment FOR EACH ROW EXECUTE FUNCTION accounting.bill_follows_payments();
`;
