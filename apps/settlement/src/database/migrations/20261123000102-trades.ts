import { type MigrationInterface, type QueryRunner } from 'typeorm';

export class Trades20261123000102 implements MigrationInterface {
  name = 'Trades20261123000102';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- Which business date a book is working, as accounting announces it.
      CREATE TABLE settlement.book_day (
        book_id            text PRIMARY KEY,
        business_date      date NOT NULL,
        state              text NOT NULL CHECK (state IN ('OPEN','CUT_OFF','CLOSED')),
        next_business_date date NOT NULL,
        CHECK (next_business_date > business_date)
      );

      CREATE TABLE settlement.trade (
        trade_id               text PRIMARY KEY,
        book_id                text NOT NULL,
        source                 text NOT NULL,
        execution_id           text NOT NULL,
        version                int NOT NULL CHECK (version >= 1),
        state                  text NOT NULL,
        repair_reason          text,
        is_confirmed           boolean NOT NULL DEFAULT false,
        hold_state             text NOT NULL DEFAULT 'NONE' CHECK (hold_state IN ('NONE','SCREENING','HELD')),
        held_reason            text,
        screening_sent_at      timestamptz,
        side                   text NOT NULL CHECK (side IN ('BUY','SELL')),
        kind                   text NOT NULL CHECK (kind IN ('DVP','FOP')),
        asset_class            text NOT NULL CHECK (asset_class IN ('EQUITY','ETF','BOND','FUND')),
        market                 text NOT NULL CHECK (market IN ('EU','US','UK','JP','FUND')),
        isin                   text NOT NULL,
        quantity_units         numeric(39,0) NOT NULL CHECK (quantity_units > 0),
        quantity_scale         int NOT NULL,
        price                  numeric,
        amount_minor           numeric(39,0) NOT NULL CHECK (amount_minor >= 0),
        amount_scale           int NOT NULL,
        currency               text NOT NULL,
        traded_at              timestamptz,
        trade_date             date NOT NULL,
        settlement_date        date NOT NULL,
        place_id               text NOT NULL,
        client_account         text NOT NULL,
        client_party_id        text,
        counterparty_id        text,
        counterparty_account   text,
        counterparty_sealed    text CHECK (counterparty_sealed LIKE 'sealed:%'),
        counterparty_party_id  text,
        counterparty_ssi_id    text,
        is_block               boolean NOT NULL DEFAULT false,
        carried_fail           boolean NOT NULL DEFAULT false,
        carried_fail_since     date,
        import_id              text,
        file_id                text,
        business_date          date NOT NULL,
        captured_at            timestamptz NOT NULL DEFAULT kernel.now(),
        captured_by            text NOT NULL,
        static_versions        jsonb,
        UNIQUE (source, execution_id),
        CHECK ((state = 'REPAIR') = (repair_reason IS NOT NULL)),
        CHECK (kind = 'FOP' OR amount_minor > 0)
      );
      CREATE INDEX trade_by_state ON settlement.trade (book_id, state, trade_id) WHERE state NOT IN ('SETTLED','CANCELLED');
      CREATE INDEX trade_by_business_date ON settlement.trade (business_date, book_id);
      CREATE INDEX trade_by_import ON settlement.trade (import_id) WHERE import_id IS NOT NULL;
      CREATE INDEX trade_by_execution ON settlement.trade (execution_id);
      CREATE INDEX trade_by_isin ON settlement.trade (isin) WHERE state = 'REPAIR';
      COMMENT ON COLUMN settlement.trade.side IS 'As the client sees it';
      COMMENT ON COLUMN settlement.trade.quantity_units IS 'Units at quantity_scale';
      COMMENT ON COLUMN settlement.trade.business_date IS 'The business date the trade was taken in for';

      -- Every version ever taken in; the trade itself is what follows from them.
      CREATE TABLE settlement.trade_version (
        source       text NOT NULL,
        execution_id text NOT NULL,
        version      int NOT NULL,
        trade_id     text NOT NULL,
        book_id      text NOT NULL,
        action       text NOT NULL CHECK (action IN ('NEW','CORRECT','CANCEL')),
        payload      jsonb NOT NULL,
        payload_hash text NOT NULL,
        origin       text NOT NULL,
        recorded_at  timestamptz NOT NULL DEFAULT kernel.now(),
        recorded_by  text NOT NULL,
        PRIMARY KEY (source, execution_id, version)
      );
      CREATE INDEX trade_version_by_trade ON settlement.trade_version (trade_id, version);
      COMMENT ON COLUMN settlement.trade_version.payload IS 'The line as understood; a free-text name is sealed';

      CREATE TABLE settlement.trade_allocation (
        trade_id       text NOT NULL REFERENCES settlement.trade,
        n              int NOT NULL,
        book_id        text NOT NULL,
        client_account text NOT NULL,
        quantity_units numeric(39,0) NOT NULL CHECK (quantity_units > 0),
        amount_minor   numeric(39,0) NOT NULL CHECK (amount_minor > 0),
        file_id        text,
        recorded_at    timestamptz NOT NULL DEFAULT kernel.now(),
        PRIMARY KEY (trade_id, n)
      );

      CREATE TABLE settlement.trade_confirmation (
        source          text NOT NULL,
        execution_id    text NOT NULL,
        counterparty_id text NOT NULL DEFAULT '',
        isin            text NOT NULL,
        quantity        numeric NOT NULL,
        amount          numeric NOT NULL,
        currency        text NOT NULL,
        settlement_date date NOT NULL,
        status          text NOT NULL,
        file_id         text,
        received_at     timestamptz NOT NULL DEFAULT kernel.now(),
        content_hash    text NOT NULL,
        n               bigint GENERATED ALWAYS AS IDENTITY,
        PRIMARY KEY (source, execution_id, content_hash)
      );

      CREATE TABLE settlement.trade_transition (
        from_state text NOT NULL,
        to_state   text NOT NULL,
        PRIMARY KEY (from_state, to_state)
      );
      INSERT INTO settlement.trade_transition (from_state, to_state) VALUES
        ('', 'RECEIVED'), ('', 'ENRICHED'), ('', 'REPAIR'), ('', 'CANCELLED'), ('', 'AFFIRMED'),
        ('RECEIVED', 'VALIDATED'), ('RECEIVED', 'ENRICHED'), ('RECEIVED', 'REPAIR'), ('RECEIVED', 'CANCELLED'), ('RECEIVED', 'REJECTED'),
        ('VALIDATED', 'ENRICHED'), ('VALIDATED', 'REPAIR'), ('VALIDATED', 'CANCELLED'),
        ('ENRICHED', 'ALLOCATED'), ('ENRICHED', 'CONFIRMED'), ('ENRICHED', 'AFFIRMED'), ('ENRICHED', 'REPAIR'), ('ENRICHED', 'CANCELLED'),
        ('ALLOCATED', 'CONFIRMED'), ('ALLOCATED', 'AFFIRMED'), ('ALLOCATED', 'ENRICHED'), ('ALLOCATED', 'REPAIR'), ('ALLOCATED', 'CANCELLED'),
        ('CONFIRMED', 'AFFIRMED'), ('CONFIRMED', 'ENRICHED'), ('CONFIRMED', 'REPAIR'), ('CONFIRMED', 'CANCELLED'),
        ('AFFIRMED', 'INSTRUCTED'), ('AFFIRMED', 'ENRICHED'), ('AFFIRMED', 'REPAIR'), ('AFFIRMED', 'CANCELLED'),
        ('REPAIR', 'ENRICHED'), ('REPAIR', 'VALIDATED'), ('REPAIR', 'CANCELLED'), ('REPAIR', 'REJECTED'),
        ('INSTRUCTED', 'SETTLED'), ('INSTRUCTED', 'CANCELLED');

      CREATE TABLE settlement.trade_state_history (
        sequence   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        trade_id   text NOT NULL,
        book_id    text NOT NULL,
        version    int NOT NULL,
        from_state text NOT NULL,
        to_state   text NOT NULL,
        reason     text,
        at         timestamptz NOT NULL
      );
      CREATE INDEX trade_state_history_by_trade ON settlement.trade_state_history (trade_id, sequence);

      -- The declared transitions are the only ones there are, whoever writes.
      CREATE FUNCTION settlement.trade_state_entered() RETURNS trigger LANGUAGE plpgsql AS $$
      DECLARE bad text;
      BEGIN
        IF TG_OP = 'INSERT' THEN
          SELECT format('%s: new trade as %s', t.trade_id, t.state) INTO bad FROM entered t
           WHERE NOT EXISTS (SELECT 1 FROM settlement.trade_transition d WHERE d.from_state = '' AND d.to_state = t.state) LIMIT 1;
          INSERT INTO settlement.trade_state_history (trade_id, book_id, version, from_state, to_state, reason, at)
          SELECT trade_id, book_id, version, '', state, repair_reason, kernel.now() FROM entered;
        ELSE
          SELECT format('%s: %s to %s', n.trade_id, o.state, n.state) INTO bad
            FROM entered n JOIN left_behind o USING (trade_id)
           WHERE (n.state <> o.state
                  AND NOT EXISTS (SELECT 1 FROM settlement.trade_transition d WHERE d.from_state = o.state AND d.to_state = n.state))
              OR (o.state IN ('SETTLED','CANCELLED','REJECTED') AND n.state = o.state AND
                  (n.quantity_units, n.amount_minor, n.isin, n.side, n.client_account) IS DISTINCT FROM
                  (o.quantity_units, o.amount_minor, o.isin, o.side, o.client_account))
           LIMIT 1;
          INSERT INTO settlement.trade_state_history (trade_id, book_id, version, from_state, to_state, reason, at)
          SELECT n.trade_id, n.book_id, n.version, o.state, n.state, coalesce(n.repair_reason, n.held_reason), kernel.now()
            FROM entered n JOIN left_behind o USING (trade_id)
           WHERE (n.state, n.version, n.repair_reason, n.hold_state) IS DISTINCT FROM (o.state, o.version, o.repair_reason, o.hold_state);
        END IF;
        IF bad IS NOT NULL THEN
          RAISE EXCEPTION 'undeclared state of a trade: %', bad USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NULL;
      END $$;
      CREATE TRIGGER state_entered_new AFTER INSERT ON settlement.trade
        REFERENCING NEW TABLE AS entered FOR EACH STATEMENT EXECUTE FUNCTION settlement.trade_state_entered();
      CREATE TRIGGER state_entered AFTER UPDATE ON settlement.trade
        REFERENCING OLD TABLE AS left_behind NEW TABLE AS entered FOR EACH STATEMENT EXECUTE FUNCTION settlement.trade_state_entered();

      GRANT SELECT, INSERT, UPDATE ON settlement.trade, settlement.book_day TO settlement;
      GRANT SELECT, INSERT ON settlement.trade_version, settlement.trade_confirmation, settlement.trade_state_history TO settlement;
      GRANT SELECT, INSERT, DELETE ON settlement.trade_allocation TO settlement;
      GRANT SELECT ON settlement.trade_transition TO settlement;
    `);
    for (const table of ['trade', 'trade_version', 'trade_allocation', 'trade_state_history', 'book_day']) {
      await runner.query(`
      ALTER TABLE settlement.${table} ENABLE ROW LEVEL SECURITY;
      ALTER TABLE settlement.${table} FORCE ROW LEVEL SECURITY;
      CREATE POLICY by_book ON settlement.${table} USING (kernel.sees_book(book_id));`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE settlement.trade_state_history, settlement.trade_transition, settlement.trade_confirmation,
        settlement.trade_allocation, settlement.trade_version, settlement.trade, settlement.book_day;
      DROP FUNCTION settlement.trade_state_entered();`);
  }
}
