/** What agents and places state that they hold for us: kept as it was told, each statement after the one before it. */
export const agentStatements = `
  CREATE TABLE accounting.agent_statement (
    statement_id   text PRIMARY KEY,
    book_id        text NOT NULL,
    account        text NOT NULL,
    kind           text NOT NULL CHECK (kind IN ('MONEY','CUSTODY')),
    number         int NOT NULL CHECK (number >= 1),
    statement_date date NOT NULL,
    parts          int NOT NULL CHECK (parts >= 1),
    received_at    timestamptz NOT NULL DEFAULT kernel.now(),
    UNIQUE (book_id, account, number),
    UNIQUE (statement_id, book_id),
    FOREIGN KEY (book_id, account) REFERENCES accounting.account (book_id, number)
  );
  -- A statement is used once all its parts are there.
  CREATE TABLE accounting.agent_statement_part (
    statement_id text NOT NULL,
    book_id      text NOT NULL,
    part         int NOT NULL CHECK (part >= 1),
    PRIMARY KEY (statement_id, part),
    FOREIGN KEY (statement_id, book_id) REFERENCES accounting.agent_statement (statement_id, book_id)
  );
  -- Positive is held for us. What a piece is worth is its price by the factor.
  CREATE TABLE accounting.agent_balance (
    statement_id   text NOT NULL,
    book_id        text NOT NULL,
    asset          text NOT NULL REFERENCES accounting.asset (asset),
    units          numeric(39,0) NOT NULL,
    price          numeric CHECK (price > 0),
    price_factor   numeric CHECK (price_factor > 0),
    price_currency text,
    price_date     date,
    PRIMARY KEY (statement_id, asset),
    FOREIGN KEY (statement_id, book_id) REFERENCES accounting.agent_statement (statement_id, book_id),
    CHECK (num_nulls(price, price_factor, price_currency, price_date) IN (0, 4))
  );
  CREATE TABLE accounting.agent_entry (
    statement_id text NOT NULL,
    n            int NOT NULL CHECK (n >= 1),
    book_id      text NOT NULL,
    account      text NOT NULL,
    asset        text NOT NULL REFERENCES accounting.asset (asset),
    units        numeric(39,0) NOT NULL,
    -- The instruction or payment of ours it belongs to, as far as the agent says.
    reference    text,
    code         text,
    PRIMARY KEY (statement_id, n),
    FOREIGN KEY (statement_id, book_id) REFERENCES accounting.agent_statement (statement_id, book_id)
  );
  CREATE INDEX agent_entry_reference ON accounting.agent_entry (reference, account) WHERE reference IS NOT NULL;
  CREATE TABLE accounting.agent_rate (
    statement_id text NOT NULL,
    book_id      text NOT NULL,
    base         text NOT NULL,
    quote        text NOT NULL,
    rate         numeric NOT NULL CHECK (rate > 0),
    rate_date    date NOT NULL,
    PRIMARY KEY (statement_id, base, quote),
    FOREIGN KEY (statement_id, book_id) REFERENCES accounting.agent_statement (statement_id, book_id)
  );

  CREATE FUNCTION accounting.agent_statement_continues() RETURNS trigger LANGUAGE plpgsql SET search_path = accounting, pg_temp AS $$
  DECLARE before record;
  BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('agent-statement:' || NEW.book_id || '/' || NEW.account, 0));
    SELECT number, statement_date, kind INTO before FROM accounting.agent_statement s
     WHERE s.book_id = NEW.book_id AND s.account = NEW.account ORDER BY number DESC LIMIT 1;
    IF NOT FOUND THEN RETURN NEW; END IF;
    IF NEW.number <> before.number + 1 OR NEW.statement_date < before.statement_date OR NEW.kind <> before.kind THEN
      RAISE EXCEPTION 'statement % of % of % does not follow statement % of %', NEW.number, NEW.account, NEW.statement_date, before.number, before.statement_date
        USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER agent_statement_continues BEFORE INSERT ON accounting.agent_statement
    FOR EACH ROW EXECUTE FUNCTION accounting.agent_statement_continues();

  -- The last statement of each account up to a date, of which every part has come.
  CREATE FUNCTION accounting.last_agent_statements(of_book text, up_to date) RETURNS SETOF accounting.agent_statement LANGUAGE sql STABLE AS $$
    SELECT DISTINCT ON (s.account) s.* FROM accounting.agent_statement s
     WHERE s.book_id = of_book AND s.statement_date <= up_to
       AND s.parts = (SELECT count(*) FROM accounting.agent_statement_part p WHERE p.statement_id = s.statement_id)
     ORDER BY s.account, s.number DESC
  $$;
`;

export const agentStatementTables = [
  'agent_statement',
  'agent_statement_part',
  'agent_balance',
  'agent_entry',
  'agent_rate',
] as const;

/** The daily calculation with both sides, the statements it used and every item between them; and what it found missing. */
export const clientAssetCalculations = `
  CREATE TABLE accounting.client_asset_calculation (
    calculation_id      text PRIMARY KEY,
    book_id             text NOT NULL,
    business_date       date NOT NULL,
    version             int NOT NULL CHECK (version >= 1),
    functional_currency text NOT NULL,
    calculated_at       timestamptz NOT NULL DEFAULT kernel.now(),
    UNIQUE (book_id, business_date, version),
    UNIQUE (calculation_id, book_id)
  );
  CREATE TABLE accounting.client_asset_line (
    calculation_id    text NOT NULL,
    book_id           text NOT NULL,
    pool              text NOT NULL CHECK (pool IN ('MONEY','CUSTODY')),
    asset             text NOT NULL REFERENCES accounting.asset (asset),
    entitled_units    numeric(39,0) NOT NULL CHECK (entitled_units >= 0),
    owed_units        numeric(39,0) NOT NULL CHECK (owed_units >= 0),
    unallocated_units numeric(39,0) NOT NULL CHECK (unallocated_units >= 0),
    own_units         numeric(39,0) NOT NULL CHECK (own_units >= 0),
    client_count      int NOT NULL CHECK (client_count >= 0),
    resource_units    numeric(39,0) NOT NULL,
    requirement_units numeric(39,0) GENERATED ALWAYS AS (entitled_units + unallocated_units) STORED,
    difference_units  numeric(39,0) GENERATED ALWAYS AS (resource_units - entitled_units - unallocated_units) STORED,
    cause             text,
    -- In the currency of the book; absent when no price or rate is known.
    worth_minor       numeric(39,0) CHECK (worth_minor > 0),
    PRIMARY KEY (calculation_id, pool, asset),
    FOREIGN KEY (calculation_id, book_id) REFERENCES accounting.client_asset_calculation (calculation_id, book_id),
    CONSTRAINT a_shortfall_has_a_cause CHECK ((resource_units < entitled_units + unallocated_units) = (cause IS NOT NULL))
  );
  CREATE TABLE accounting.client_asset_source (
    calculation_id text NOT NULL,
    book_id        text NOT NULL,
    pool           text NOT NULL,
    asset          text NOT NULL,
    account        text NOT NULL,
    -- Absent: it was never stated, the balance it was opened with stands instead.
    statement_id   text REFERENCES accounting.agent_statement (statement_id),
    statement_date date,
    stated_units   numeric(39,0) NOT NULL,
    booked_units   numeric(39,0) NOT NULL,
    PRIMARY KEY (calculation_id, pool, asset, account),
    FOREIGN KEY (calculation_id, pool, asset) REFERENCES accounting.client_asset_line (calculation_id, pool, asset),
    CHECK ((statement_id IS NULL) = (statement_date IS NULL))
  );
  CREATE TABLE accounting.client_asset_item (
    calculation_id text NOT NULL,
    n              int NOT NULL CHECK (n >= 1),
    book_id        text NOT NULL,
    pool           text NOT NULL,
    asset          text NOT NULL,
    account        text,
    kind           text NOT NULL,
    reference      text,
    is_explained   boolean NOT NULL,
    -- An explained one is added to what was stated; another says how much is missing.
    units          numeric(39,0) NOT NULL CHECK (units <> 0 AND (is_explained OR units > 0)),
    PRIMARY KEY (calculation_id, n),
    FOREIGN KEY (calculation_id, pool, asset) REFERENCES accounting.client_asset_line (calculation_id, pool, asset)
  );
  CREATE INDEX client_asset_item_line ON accounting.client_asset_item (calculation_id, pool, asset, n);

  CREATE TABLE accounting.shortfall (
    shortfall_id        text PRIMARY KEY,
    book_id             text NOT NULL,
    pool                text NOT NULL CHECK (pool IN ('MONEY','CUSTODY')),
    asset               text NOT NULL REFERENCES accounting.asset (asset),
    state               text NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN','CURED')),
    opened_on           date NOT NULL,
    cured_on            date,
    units               numeric(39,0) NOT NULL CHECK (units > 0),
    cause               text NOT NULL,
    worth_minor         numeric(39,0) CHECK (worth_minor > 0),
    functional_currency text NOT NULL,
    last_calculation_id text NOT NULL REFERENCES accounting.client_asset_calculation (calculation_id),
    UNIQUE (shortfall_id, book_id),
    CHECK ((state = 'CURED') = (cured_on IS NOT NULL))
  );
  CREATE UNIQUE INDEX shortfall_open ON accounting.shortfall (book_id, pool, asset) WHERE state = 'OPEN';
  CREATE INDEX shortfall_list ON accounting.shortfall (book_id, opened_on DESC, shortfall_id);

  -- At the end of the transaction: the resource is what the sources and the explained items make it, and what is missing
  -- is an open shortfall of just that much.
  CREATE FUNCTION accounting.client_asset_line_is_proved() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = accounting, pg_temp AS $$
  DECLARE made numeric; missing numeric;
  BEGIN
    SELECT (SELECT coalesce(sum(stated_units), 0) FROM client_asset_source s WHERE (s.calculation_id, s.pool, s.asset) = (NEW.calculation_id, NEW.pool, NEW.asset))
         + (SELECT coalesce(sum(units), 0) FROM client_asset_item i WHERE (i.calculation_id, i.pool, i.asset) = (NEW.calculation_id, NEW.pool, NEW.asset) AND i.is_explained)
      INTO made;
    IF made <> NEW.resource_units THEN
      RAISE EXCEPTION 'the resource of % in % is %, its statements and explained items make %', NEW.asset, NEW.book_id, NEW.resource_units, made
        USING ERRCODE = 'check_violation';
    END IF;
    SELECT units INTO missing FROM shortfall f WHERE f.book_id = NEW.book_id AND f.pool = NEW.pool AND f.asset = NEW.asset
       AND f.state = 'OPEN' AND f.last_calculation_id = NEW.calculation_id;
    IF coalesce(missing, 0) <> greatest(-NEW.difference_units, 0) THEN
      RAISE EXCEPTION '% of % are missing in %, the open shortfall says %', greatest(-NEW.difference_units, 0), NEW.asset, NEW.book_id, coalesce(missing, 0)
        USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
  END $$;
  CREATE CONSTRAINT TRIGGER client_asset_line_is_proved AFTER INSERT ON accounting.client_asset_line DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION accounting.client_asset_line_is_proved();

  -- A shortfall ends by a calculation that no longer finds it, and stays ended.
  CREATE FUNCTION accounting.shortfall_changes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = accounting, pg_temp AS $$
  BEGIN
    IF OLD.state = 'CURED' THEN
      RAISE EXCEPTION 'shortfall % is cured and stays as it is', OLD.shortfall_id USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT EXISTS (SELECT FROM client_asset_calculation c WHERE c.calculation_id = NEW.last_calculation_id AND c.book_id = NEW.book_id)
       OR NEW.state = 'CURED' AND EXISTS (SELECT FROM client_asset_line l WHERE (l.calculation_id, l.pool, l.asset) = (NEW.last_calculation_id, NEW.pool, NEW.asset)
                                             AND l.difference_units < 0) THEN
      RAISE EXCEPTION 'the calculation % does not cure shortfall %', NEW.last_calculation_id, OLD.shortfall_id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER shortfall_changes BEFORE UPDATE ON accounting.shortfall FOR EACH ROW EXECUTE FUNCTION accounting.shortfall_changes();
`;

export const clientAssetTables = [
  'shortfall',
  'client_asset_item',
  'client_asset_source',
  'client_asset_line',
  'client_asset_calculation',
] as const;

/** The firm's own money that stands in for what clients are short of, put there by two people until nothing is missing. */
export const shortfallCovers = `
  CREATE TABLE accounting.shortfall_cover (
    approval_id      text PRIMARY KEY,
    shortfall_id     text NOT NULL,
    book_id          text NOT NULL,
    currency         text NOT NULL REFERENCES accounting.asset (asset),
    amount_minor     numeric(39,0) NOT NULL CHECK (amount_minor > 0),
    from_account     text NOT NULL,
    cover_account    text NOT NULL CHECK (cover_account <> from_account),
    reason           text NOT NULL CHECK (reason <> ''),
    payload_hash     text NOT NULL CHECK (length(payload_hash) = 64),
    state            text NOT NULL DEFAULT 'PROPOSED' CHECK (state IN ('PROPOSED','BOOKED','RELEASED','REFUSED','REJECTED','EXPIRED','WITHDRAWN','STALE')),
    requested_by     text NOT NULL,
    requested_at     timestamptz NOT NULL DEFAULT kernel.now(),
    expires_at       timestamptz NOT NULL,
    decided_by       text,
    decided_at       timestamptz,
    decision_reason  text,
    refusal_code     text,
    entry_id         text REFERENCES accounting.journal_entry (entry_id),
    release_entry_id text REFERENCES accounting.journal_entry (entry_id),
    FOREIGN KEY (shortfall_id, book_id) REFERENCES accounting.shortfall (shortfall_id, book_id),
    CONSTRAINT two_people CHECK (state NOT IN ('BOOKED','RELEASED') OR decided_by IS NOT NULL AND decided_by <> requested_by),
    CONSTRAINT booked_by_its_entry CHECK ((state IN ('BOOKED','RELEASED')) = (entry_id IS NOT NULL)),
    CONSTRAINT released_by_its_entry CHECK ((state = 'RELEASED') = (release_entry_id IS NOT NULL))
  );
  CREATE UNIQUE INDEX shortfall_cover_open ON accounting.shortfall_cover (shortfall_id) WHERE state = 'PROPOSED';
  CREATE INDEX shortfall_cover_of ON accounting.shortfall_cover (shortfall_id, requested_at);
  CREATE UNIQUE INDEX shortfall_cover_entry ON accounting.shortfall_cover (entry_id) WHERE entry_id IS NOT NULL;

  -- A cover is booked by an entry that moves just its amount, and stays until its shortfall is cured.
  CREATE FUNCTION accounting.shortfall_cover_changes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = accounting, pg_temp AS $$
  BEGIN
    IF OLD.state NOT IN ('PROPOSED','BOOKED') OR OLD.state = 'BOOKED' AND NEW.state <> 'RELEASED' OR OLD.state = 'PROPOSED' AND NEW.state = 'RELEASED' THEN
      RAISE EXCEPTION 'a cover that is % does not become %', OLD.state, NEW.state USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state = 'BOOKED' AND NOT EXISTS (
         SELECT FROM posting p JOIN ledger_account l USING (ledger_account_id) JOIN journal_entry e USING (entry_id)
          WHERE p.entry_id = NEW.entry_id AND e.kind = 'SHORTFALL_COVER' AND l.number = NEW.cover_account AND l.book_id = NEW.book_id
            AND l.asset = NEW.currency AND p.units = NEW.amount_minor) THEN
      RAISE EXCEPTION 'entry % does not cover % %', NEW.entry_id, NEW.amount_minor, NEW.currency USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state = 'RELEASED' AND (NOT EXISTS (SELECT FROM journal_entry e WHERE e.entry_id = NEW.release_entry_id AND e.reverses_entry_id = NEW.entry_id)
         OR NOT EXISTS (SELECT FROM shortfall f WHERE f.shortfall_id = NEW.shortfall_id AND f.state = 'CURED')) THEN
      RAISE EXCEPTION 'a cover is released by the reversal of its entry, once its shortfall is cured' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER shortfall_cover_changes BEFORE UPDATE ON accounting.shortfall_cover FOR EACH ROW EXECUTE FUNCTION accounting.shortfall_cover_changes();

  ALTER TABLE accounting.shortfall_cover ENABLE ROW LEVEL SECURITY;
  ALTER TABLE accounting.shortfall_cover FORCE ROW LEVEL SECURITY;
  CREATE POLICY by_book ON accounting.shortfall_cover USING (kernel.sees_book(book_id));
  GRANT SELECT, INSERT ON accounting.shortfall_cover TO accounting;
  GRANT UPDATE (state, decided_by, decided_at, decision_reason, refusal_code, entry_id, release_entry_id) ON accounting.shortfall_cover TO accounting;
  GRANT SELECT ON accounting.shortfall_cover TO verify;
`;
