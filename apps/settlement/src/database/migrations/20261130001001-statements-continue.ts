import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** What the service checks before it uses a statement, the database holds against any writer. */
export class StatementsContinue20261130001001 implements MigrationInterface {
  name = 'StatementsContinue20261130001001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE FUNCTION settlement.statement_continues() RETURNS trigger LANGUAGE plpgsql
        SET search_path = settlement, pg_temp AS $$
      DECLARE before record;
      BEGIN
        -- Statements of one account are taken one after the other, whoever takes them.
        PERFORM 1 FROM settlement.nostro n WHERE n.account = NEW.account FOR UPDATE;
        SELECT s.number, s.closing_minor AS minor, s.statement_date AS stated INTO before
          FROM settlement.nostro_statement s WHERE s.account = NEW.account AND s.state = 'ACCEPTED' ORDER BY s.number DESC LIMIT 1;
        IF NOT FOUND THEN
          SELECT 0 AS number, n.opening_minor AS minor, n.opening_date AS stated INTO before
            FROM settlement.nostro n WHERE n.account = NEW.account;
        END IF;
        IF before IS NULL OR before.number IS NULL THEN
          RAISE EXCEPTION 'a statement of %, which is none of our accounts', NEW.account USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.number IS DISTINCT FROM before.number + 1 THEN
          RAISE EXCEPTION 'statement number % of % does not follow number %', NEW.number, NEW.account, before.number
            USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.opening_minor <> before.minor THEN
          RAISE EXCEPTION 'statement % of % opens with % where the one before closed with %', NEW.number, NEW.account, NEW.opening_minor, before.minor
            USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.statement_date < before.stated THEN
          RAISE EXCEPTION 'statement % of % is of %, the one before of %', NEW.number, NEW.account, NEW.statement_date, before.stated
            USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER statement_continues BEFORE INSERT ON settlement.nostro_statement
        FOR EACH ROW WHEN (NEW.state = 'ACCEPTED') EXECUTE FUNCTION settlement.statement_continues();`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TRIGGER statement_continues ON settlement.nostro_statement;
      DROP FUNCTION settlement.statement_continues();`);
  }
}
