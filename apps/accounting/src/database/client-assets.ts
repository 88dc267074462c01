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
