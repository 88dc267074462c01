import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** The calendars that the books' days are counted on, as settlement tells of them; a date announced on a day that was closed since is skipped. */
export class KeptCalendars20261130002001 implements MigrationInterface {
  name = 'KeptCalendars20261130002001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE accounting.calendar_version (
        calendar_id  text NOT NULL,
        version      int NOT NULL CHECK (version >= 1),
        content_hash text NOT NULL CHECK (length(content_hash) = 64),
        closed_days  date[] NOT NULL CHECK (array_position(closed_days, NULL) IS NULL),
        early_closes jsonb NOT NULL CHECK (jsonb_typeof(early_closes) = 'array'),
        zone         text,
        recorded_at  timestamptz NOT NULL DEFAULT kernel.now(),
        PRIMARY KEY (calendar_id, version),
        CONSTRAINT early_close_has_its_zone CHECK (jsonb_array_length(early_closes) = 0 OR zone IS NOT NULL)
      );
      COMMENT ON TABLE accounting.calendar_version IS 'Every version that settlement told of; the highest counts, in whatever order they came';
      CREATE FUNCTION accounting.calendar_never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION '% of accounting.% is not allowed: what is known later is a version of its own', TG_OP, TG_TABLE_NAME
          USING ERRCODE = 'restrict_violation';
      END $$;
      CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON accounting.calendar_version
        FOR EACH STATEMENT EXECUTE FUNCTION accounting.calendar_never_changes();
      GRANT SELECT, INSERT ON accounting.calendar_version TO accounting;
      GRANT SELECT ON accounting.calendar_version TO verify;

      ALTER TABLE accounting.business_day DROP CONSTRAINT business_day_state_check;
      ALTER TABLE accounting.business_day ADD CONSTRAINT business_day_state_check
        CHECK (state IN ('NEXT','OPEN','CLOSING','CLOSED','SKIPPED'));
      -- Only what was never worked can be skipped, and only that can come back as the date to come.
      ALTER TABLE accounting.business_day ADD CONSTRAINT skipped_was_never_opened CHECK (state <> 'SKIPPED' OR opened_at IS NULL);
      CREATE FUNCTION accounting.day_is_skipped_before_it_opens() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION 'the date % of % is % and cannot become %', OLD.business_date, OLD.book_id, OLD.state, NEW.state
          USING ERRCODE = 'restrict_violation';
      END $$;
      CREATE TRIGGER skipped_before_it_opens BEFORE UPDATE ON accounting.business_day FOR EACH ROW
        WHEN (NEW.state IS DISTINCT FROM OLD.state
              AND (NEW.state = 'SKIPPED' AND OLD.state <> 'NEXT' OR OLD.state = 'SKIPPED' AND NEW.state <> 'NEXT'))
        EXECUTE FUNCTION accounting.day_is_skipped_before_it_opens();
      -- One date per book is the one to come.
      CREATE UNIQUE INDEX business_day_next ON accounting.business_day (book_id) WHERE state = 'NEXT';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX accounting.business_day_next;
      DROP TRIGGER skipped_before_it_opens ON accounting.business_day;
      DROP FUNCTION accounting.day_is_skipped_before_it_opens();
      DELETE FROM accounting.business_day WHERE state = 'SKIPPED';
      ALTER TABLE accounting.business_day DROP CONSTRAINT skipped_was_never_opened, DROP CONSTRAINT business_day_state_check;
      ALTER TABLE accounting.business_day ADD CONSTRAINT business_day_state_check CHECK (state IN ('NEXT','OPEN','CLOSING','CLOSED'));
      DROP TABLE accounting.calendar_version;
      DROP FUNCTION accounting.calendar_never_changes();`);
  }
}
