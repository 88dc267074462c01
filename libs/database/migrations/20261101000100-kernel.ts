import { type MigrationInterface, type QueryRunner } from 'typeorm';

/**
 * What every schema builds on. Runs as the owner of the database, in schema `kernel`, so that not even the role that
 * owns the services' tables can change it.
 */
export class Kernel20261101000100 implements MigrationInterface {
  name = 'Kernel20261101000100';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE kernel.installation (
        is_only  boolean PRIMARY KEY DEFAULT true CHECK (is_only),
        mode     text NOT NULL UNIQUE CHECK (mode IN ('production', 'sample', 'test')),
        fixed_at timestamptz NOT NULL DEFAULT clock_timestamp()
      );
      COMMENT ON TABLE kernel.installation IS 'What this installation is for; written once, never changed';

      -- A row here stops the clock at its instant. The foreign key and the check together allow one in a sample or
      -- test installation only, whoever writes it.
      CREATE TABLE kernel.clock (
        is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
        mode    text NOT NULL REFERENCES kernel.installation (mode) CHECK (mode <> 'production'),
        instant timestamptz NOT NULL CHECK (isfinite(instant))
      );
      COMMENT ON TABLE kernel.clock IS 'The business clock of a sample or test installation';

      CREATE FUNCTION kernel.installation_is_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION 'the mode of an installation is fixed when it is made' USING ERRCODE = 'restrict_violation';
      END $$;
      CREATE TRIGGER fixed BEFORE UPDATE OR DELETE ON kernel.installation
        FOR EACH ROW EXECUTE FUNCTION kernel.installation_is_fixed();
      CREATE TRIGGER fixed_truncate BEFORE TRUNCATE ON kernel.installation
        FOR EACH STATEMENT EXECUTE FUNCTION kernel.installation_is_fixed();

      CREATE FUNCTION kernel.fix_installation(mode text, instant timestamptz DEFAULT NULL) RETURNS void
      LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
      BEGIN
        INSERT INTO kernel.installation (mode) VALUES (fix_installation.mode);
        IF fix_installation.mode <> 'production' THEN
          INSERT INTO kernel.clock (mode, instant) VALUES (fix_installation.mode, coalesce(fix_installation.instant, '2026-01-01 00:00:00+00'));
        ELSE
          -- Production does not so much as look at the clock row.
          CREATE OR REPLACE FUNCTION kernel.now() RETURNS timestamptz LANGUAGE plpgsql STABLE PARALLEL SAFE AS 'BEGIN RETURN pg_catalog.clock_timestamp(); END';
        END IF;
      END $$;

      CREATE FUNCTION kernel.now() RETURNS timestamptz LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
      DECLARE
        stopped_at timestamptz;
      BEGIN
        SELECT instant INTO stopped_at FROM kernel.clock;
        RETURN coalesce(stopped_at, pg_catalog.clock_timestamp());
      END $$;
      COMMENT ON FUNCTION kernel.now IS 'Business time: the clock row of a sample or test installation, else the system clock';

      CREATE FUNCTION kernel.set_clock(to_instant timestamptz) RETURNS timestamptz
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
      DECLARE
        stopped_at timestamptz;
      BEGIN
        SELECT instant INTO stopped_at FROM kernel.clock FOR UPDATE;
        IF stopped_at IS NULL THEN
          RAISE EXCEPTION 'the clock of this installation is the system clock' USING ERRCODE = 'object_not_in_prerequisite_state';
        END IF;
        IF to_instant IS NULL OR to_instant < stopped_at THEN
          RAISE EXCEPTION 'the clock stands at % and does not go back to %', stopped_at, to_instant USING ERRCODE = 'invalid_parameter_value';
        END IF;
        UPDATE kernel.clock SET instant = to_instant;
        RETURN to_instant;
      END $$;

      -- The books of the transaction: a list with commas, * for all of them, nothing when nobody said.
      CREATE FUNCTION kernel.sees_book(book_id text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT CASE current_setting('app.books', true)
          WHEN '*' THEN true
          ELSE coalesce(book_id = ANY (string_to_array(current_setting('app.books', true), ',')), false)
        END
      $$;
      COMMENT ON FUNCTION kernel.sees_book IS 'The row-level security of every table of a book';

      REVOKE ALL ON ALL FUNCTIONS IN SCHEMA kernel FROM PUBLIC;
      GRANT EXECUTE ON FUNCTION kernel.now(), kernel.sees_book(text) TO PUBLIC;
      GRANT SELECT ON kernel.clock, kernel.installation TO PUBLIC;
      GRANT USAGE ON SCHEMA kernel TO PUBLIC;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP SCHEMA kernel CASCADE');
  }
}
