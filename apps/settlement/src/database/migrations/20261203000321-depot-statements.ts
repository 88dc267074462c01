import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** What places state that their depots hold: one statement after the other, and none changed once it came. */
export class DepotStatements20261203000321 implements MigrationInterface {
  name = 'DepotStatements20261203000321';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE settlement.depot_statement (
        statement_id   text PRIMARY KEY,
        account        text NOT NULL,
        book_id        text NOT NULL,
        state          text NOT NULL CHECK (state IN ('ACCEPTED','REFUSED')),
        number         int,
        report_number  int,
        message_id     text NOT NULL,
        channel        text NOT NULL,
        statement_date date NOT NULL,
        holding_count  int NOT NULL CHECK (holding_count >= 0),
        content_hash   text NOT NULL CHECK (length(content_hash) = 64),
        problems       jsonb NOT NULL DEFAULT '[]',
        received_at    timestamptz NOT NULL DEFAULT kernel.now(),
        UNIQUE (account, number),
        UNIQUE (account, content_hash),
        CHECK ((state = 'ACCEPTED') = (number IS NOT NULL)),
        CHECK ((state = 'REFUSED') = (problems <> '[]'))
      );
      -- As it was stated: a holding of an instrument that nobody here knows is kept like any other.
      CREATE TABLE settlement.depot_statement_holding (
        statement_id  text NOT NULL REFERENCES settlement.depot_statement,
        n             int NOT NULL CHECK (n >= 1),
        book_id       text NOT NULL,
        isin          text NOT NULL,
        quantity      numeric NOT NULL,
        quantity_kind text NOT NULL CHECK (quantity_kind IN ('UNIT','FACE')),
        PRIMARY KEY (statement_id, n),
        UNIQUE (statement_id, isin)
      );
      GRANT SELECT, INSERT ON settlement.depot_statement, settlement.depot_statement_holding TO settlement;
      GRANT SELECT ON settlement.depot_statement, settlement.depot_statement_holding TO verify;

      CREATE FUNCTION settlement.depot_statement_continues() RETURNS trigger LANGUAGE plpgsql
        SET search_path = settlement, pg_temp AS $$
      DECLARE before record;
      BEGIN
        -- Statements of one depot are taken one after the other, whoever takes them.
        PERFORM pg_advisory_xact_lock(hashtextextended('depot-statement:' || NEW.account, 0));
        SELECT s.number, s.report_number, s.statement_date AS stated, s.book_id INTO before
          FROM settlement.depot_statement s WHERE s.account = NEW.account AND s.state = 'ACCEPTED' ORDER BY s.number DESC LIMIT 1;
        IF NEW.number IS DISTINCT FROM coalesce(before.number, 0) + 1 THEN
          RAISE EXCEPTION 'statement number % of % does not follow number %', NEW.number, NEW.account, coalesce(before.number, 0)
            USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.statement_date < before.stated THEN
          RAISE EXCEPTION 'statement % of % is of %, the one before of %', NEW.number, NEW.account, NEW.statement_date, before.stated
            USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.report_number <> before.report_number + 1 THEN
          RAISE EXCEPTION 'report % of % does not follow report %', NEW.report_number, NEW.account, before.report_number
            USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.book_id <> before.book_id THEN
          RAISE EXCEPTION '% is a depot of %, not of %', NEW.account, before.book_id, NEW.book_id USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER depot_statement_continues BEFORE INSERT ON settlement.depot_statement
        FOR EACH ROW WHEN (NEW.state = 'ACCEPTED') EXECUTE FUNCTION settlement.depot_statement_continues();`);
    for (const table of ['depot_statement', 'depot_statement_holding']) {
      await runner.query(`
      ALTER TABLE settlement.${table} ENABLE ROW LEVEL SECURITY;
      ALTER TABLE settlement.${table} FORCE ROW LEVEL SECURITY;
      CREATE POLICY by_book ON settlement.${table} USING (kernel.sees_book(book_id));`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE settlement.depot_statement_holding, settlement.depot_statement;
      DROP FUNCTION settlement.depot_statement_continues();`);
  }
}
