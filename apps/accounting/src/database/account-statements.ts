const definer = 'SECURITY DEFINER SET search_path = accounting, pg_temp';

/**
 * Statements of account as they were issued. The entries are not copied: they are the postings of the account from one
 * place in its sequence to another, and neither ever changes. What was made of them is kept as a hash.
 */
export const statementTables = `
  -- How often an account gets its statement; the newest version counts. Without one clients get theirs monthly, others none.
  CREATE TABLE accounting.statement_setting (
    book_id   text NOT NULL,
    account   text NOT NULL,
    version   int NOT NULL CHECK (version >= 1),
    frequency text NOT NULL CHECK (frequency IN ('DAILY','WEEKLY','MONTHLY','NONE')),
    reason    text NOT NULL CHECK (reason <> ''),
    set_by    text NOT NULL CHECK (set_by <> ''),
    set_at    timestamptz NOT NULL DEFAULT kernel.now(),
    PRIMARY KEY (book_id, account, version),
    FOREIGN KEY (book_id, account) REFERENCES accounting.account (book_id, number)
  );

  -- Debit positive, credit negative, as everywhere in the ledger.
  CREATE TABLE accounting.account_statement (
    ledger_account_id bigint NOT NULL,
    number            int NOT NULL CHECK (number >= 1),
    version           int NOT NULL CHECK (version >= 1),
    book_id           text NOT NULL,
    account           text NOT NULL,
    asset             text NOT NULL,
    from_date         date NOT NULL,
    to_date           date NOT NULL,
    -- The postings of the account that were booked in these dates; none when the last is the one before the first.
    first_sequence    bigint NOT NULL CHECK (first_sequence >= 1),
    last_sequence     bigint NOT NULL,
    -- Restated: postings of later corrections that belong here, and postings booked here that belong to an earlier one.
    moved_in          bigint[] NOT NULL DEFAULT '{}',
    moved_out         bigint[] NOT NULL DEFAULT '{}',
    opening_units     numeric(39,0) NOT NULL,
    debit_units       numeric(39,0) NOT NULL CHECK (debit_units >= 0),
    credit_units      numeric(39,0) NOT NULL CHECK (credit_units >= 0),
    closing_units     numeric(39,0) NOT NULL,
    entry_count       int NOT NULL CHECK (entry_count >= 0),
    content_hash      text NOT NULL CHECK (content_hash ~ '^[0-9a-f]{64}$'),
    reason            text CHECK (reason <> ''),
    correction_id     text,
    issued_by         text NOT NULL CHECK (issued_by <> ''),
    issued_at         timestamptz NOT NULL DEFAULT kernel.now(),
    job_run_id        text,
    PRIMARY KEY (ledger_account_id, number, version),
    FOREIGN KEY (ledger_account_id, book_id, asset) REFERENCES accounting.ledger_account (ledger_account_id, book_id, asset),
    CONSTRAINT period_in_order CHECK (to_date >= from_date AND last_sequence >= first_sequence - 1),
    CONSTRAINT adds_up CHECK (closing_units = opening_units + debit_units - credit_units),
    CONSTRAINT counts_its_entries CHECK (entry_count = last_sequence - first_sequence + 1 - cardinality(moved_out) + cardinality(moved_in)),
    CONSTRAINT another_version_says_why CHECK ((version = 1) = (reason IS NULL)),
    CONSTRAINT nothing_moves CHECK (cardinality(moved_in) = 0 AND cardinality(moved_out) = 0)
  );
  CREATE INDEX account_statement_account ON accounting.account_statement (book_id, account, asset, number, version);
`;

/** The entries of a statement row \`s\`, in their order: those of its range first, then what later corrections moved here. */
export const postingsOfStatement = (s: string): string => `
  SELECT p.units, p.business_date, p.account_sequence FROM accounting.posting_in_order p
   WHERE p.ledger_account_id = ${s}.ledger_account_id AND p.account_sequence BETWEEN ${s}.first_sequence AND ${s}.last_sequence
     AND p.account_sequence <> ALL (${s}.moved_out)
  UNION ALL
  SELECT p.units, p.business_date, p.account_sequence FROM accounting.posting_in_order p
   WHERE p.ledger_account_id = ${s}.ledger_account_id AND p.account_sequence = ANY (${s}.moved_in)`;

export const statementGuards = `
  -- Of an account that many post to, all that was posted gets its place before its statement is issued.
  CREATE FUNCTION accounting.fold_accounts(accounts bigint[]) RETURNS void LANGUAGE plpgsql ${definer} AS $fn$
  BEGIN
    PERFORM accounting.fold_rollup(t.id, NULL) FROM (SELECT DISTINCT w.id FROM unnest(accounts) AS w(id) ORDER BY 1) t;
  END $fn$;

  CREATE FUNCTION accounting.statement_setting_follows() RETURNS trigger LANGUAGE plpgsql AS $fn$
  BEGIN
    IF NEW.version <> 1 + (SELECT coalesce(max(t.version), 0) FROM accounting.statement_setting t WHERE t.book_id = NEW.book_id AND t.account = NEW.account) THEN
      RAISE EXCEPTION 'version % of how often % gets a statement does not follow', NEW.version, NEW.account USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END $fn$;
  CREATE TRIGGER statement_setting_follows BEFORE INSERT ON accounting.statement_setting FOR EACH ROW EXECUTE FUNCTION accounting.statement_setting_follows();

  -- A statement is of dates that are over, takes its number and its first posting where the last one ended, and is its postings.
  CREATE FUNCTION accounting.statement_is_proved() RETURNS trigger LANGUAGE plpgsql ${definer} AS $fn$
  DECLARE broken text;
  BEGIN
    SELECT r.account || ' in ' || r.asset || ', number ' || r.number INTO broken
      FROM new_rows r LEFT JOIN ledger_account l USING (ledger_account_id)
     WHERE (l.book_id, l.number, l.asset) IS DISTINCT FROM (r.book_id, r.account, r.asset) LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'statement of % is of another account', broken USING ERRCODE = 'foreign_key_violation';
    END IF;
    SELECT r.account || ' in ' || r.asset || ', number ' || r.number || ', version ' || r.version INTO broken
      FROM new_rows r
      LEFT JOIN account_statement p ON p.ledger_account_id = r.ledger_account_id AND p.number = r.number - 1 AND p.version = 1
      LEFT JOIN account_statement o ON o.ledger_account_id = r.ledger_account_id AND o.number = r.number AND o.version = r.version - 1
     WHERE CASE WHEN r.version > 1 THEN (o.from_date, o.to_date, o.first_sequence, o.last_sequence) IS DISTINCT FROM (r.from_date, r.to_date, r.first_sequence, r.last_sequence)
                WHEN r.number > 1 THEN (p.to_date + 1, p.last_sequence + 1) IS DISTINCT FROM (r.from_date, r.first_sequence) END LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'statement of % does not continue the last', broken USING ERRCODE = 'check_violation';
    END IF;
    SELECT r.book_id || ', ' || r.to_date INTO broken
      FROM (SELECT DISTINCT book_id, to_date FROM new_rows) r
     WHERE EXISTS (SELECT FROM business_day d WHERE d.book_id = r.book_id AND d.business_date <= r.to_date AND d.state NOT IN ('CLOSED','SKIPPED'))
        OR NOT EXISTS (SELECT FROM business_day d WHERE d.book_id = r.book_id AND d.business_date > r.to_date AND d.state <> 'SKIPPED') LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'the dates of a statement are not over: %', broken USING ERRCODE = 'check_violation';
    END IF;
    SELECT r.account || ' in ' || r.asset || ', number ' || r.number INTO broken
      FROM new_rows r JOIN balance b USING (ledger_account_id)
     CROSS JOIN LATERAL (SELECT count(*) AS count, coalesce(sum(greatest(t.units, 0)), 0) AS debit, coalesce(sum(greatest(-t.units, 0)), 0) AS credit,
                                coalesce(bool_and(t.business_date BETWEEN r.from_date AND r.to_date) FILTER (WHERE t.account_sequence <= r.last_sequence), true) AS is_of_its_dates
                           FROM (${postingsOfStatement('r')}) t) t
      LEFT JOIN LATERAL (SELECT p.business_date FROM posting_in_order p WHERE p.ledger_account_id = r.ledger_account_id AND p.account_sequence = r.first_sequence - 1) before ON true
      LEFT JOIN LATERAL (SELECT p.business_date FROM posting_in_order p WHERE p.ledger_account_id = r.ledger_account_id AND p.account_sequence = r.last_sequence + 1) after ON true
     WHERE (t.count, t.debit, t.credit) IS DISTINCT FROM (r.entry_count::bigint, r.debit_units, r.credit_units) OR NOT t.is_of_its_dates
        OR before.business_date >= r.from_date OR after.business_date <= r.to_date OR r.last_sequence > b.last_sequence LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'statement of % is not the postings of its dates', broken USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
  END $fn$;
  CREATE TRIGGER statement_is_proved AFTER INSERT ON accounting.account_statement
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION accounting.statement_is_proved();

  -- The newest versions of an account's statements join up when the transaction ends: one that is restated takes all after it along.
  CREATE FUNCTION accounting.statement_continues() RETURNS trigger LANGUAGE plpgsql ${definer} AS $fn$
  DECLARE opening numeric; following record;
  BEGIN
    IF EXISTS (SELECT FROM account_statement s WHERE s.ledger_account_id = NEW.ledger_account_id AND s.number = NEW.number AND s.version > NEW.version) THEN RETURN NULL; END IF;
    IF NEW.number = 1 THEN
      SELECT p.balance_after INTO opening FROM posting_in_order p WHERE p.ledger_account_id = NEW.ledger_account_id AND p.account_sequence = NEW.first_sequence - 1;
      opening := coalesce(opening, 0);
    ELSE
      SELECT s.closing_units INTO opening FROM account_statement s WHERE s.ledger_account_id = NEW.ledger_account_id AND s.number = NEW.number - 1 ORDER BY s.version DESC LIMIT 1;
    END IF;
    IF opening IS DISTINCT FROM NEW.opening_units THEN
      RAISE EXCEPTION 'statement % of % opens with %, the one before it closes with %', NEW.number, NEW.account, NEW.opening_units, opening USING ERRCODE = 'check_violation';
    END IF;
    SELECT s.opening_units INTO following FROM account_statement s WHERE s.ledger_account_id = NEW.ledger_account_id AND s.number = NEW.number + 1 ORDER BY s.version DESC LIMIT 1;
    IF FOUND AND following.opening_units <> NEW.closing_units THEN
      RAISE EXCEPTION 'statement % of % closes with %, the one after it opens with %', NEW.number, NEW.account, NEW.closing_units, following.opening_units USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
  END $fn$;
  CREATE CONSTRAINT TRIGGER statement_continues AFTER INSERT ON accounting.account_statement
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION accounting.statement_continues();
`;
