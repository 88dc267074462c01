import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { calendarIds } from '#libs/calendar/index.js';
import { contentHashOf, contentOf, dataFrom, dataTo } from '../../calendars/calendars.js';

/** Settlement dates are counted on stored calendars: with their half days, what was decided about single days, and from the first day on. */
export class StoredCalendars20261125001001 implements MigrationInterface {
  name = 'StoredCalendars20261125001001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE settlement.calendar_version
        ADD built_in_version text NOT NULL DEFAULT '', ADD zone text, ADD origin_id text,
        ADD closed_days int NOT NULL DEFAULT 0, ADD early_closes int NOT NULL DEFAULT 0;
      UPDATE settlement.calendar_version v SET closed_days =
        (SELECT count(*) FROM settlement.calendar_closed_day d WHERE d.calendar_id = v.calendar_id AND d.version = v.version);
      COMMENT ON COLUMN settlement.calendar_version.built_in_version IS 'Of the rules it was made from';
      COMMENT ON COLUMN settlement.calendar_version.closed_days IS 'How many days it has: none is added later';

      CREATE TABLE settlement.calendar_early_close (
        calendar_id text NOT NULL,
        version     int NOT NULL,
        day         date NOT NULL,
        local_time  text NOT NULL CHECK (local_time ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'),
        PRIMARY KEY (calendar_id, version, day),
        FOREIGN KEY (calendar_id, version) REFERENCES settlement.calendar_version
      );

      -- What two people decided about single days; it is laid over the rules in every later version.
      CREATE TABLE settlement.calendar_closure (
        sequence    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        calendar_id text NOT NULL,
        day         date NOT NULL,
        closes_at   text CHECK (closes_at ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'),
        zone        text,
        reason      text NOT NULL,
        change_id   text NOT NULL UNIQUE,
        decided_by  text NOT NULL,
        recorded_at timestamptz NOT NULL DEFAULT kernel.now(),
        CHECK (closes_at IS NULL OR zone IS NOT NULL)
      );

      CREATE FUNCTION settlement.never_changed() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION 'a row of % is never changed or removed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
      END $$;
      CREATE FUNCTION settlement.calendar_is_complete() RETURNS trigger LANGUAGE plpgsql AS $$
      DECLARE bad text;
      BEGIN
        SELECT format('%s version %s', v.calendar_id, v.version) INTO bad
          FROM (SELECT DISTINCT calendar_id, version FROM entered) e JOIN settlement.calendar_version v USING (calendar_id, version)
         WHERE (SELECT count(*) FROM settlement.calendar_closed_day d WHERE d.calendar_id = v.calendar_id AND d.version = v.version) > v.closed_days
            OR (SELECT count(*) FROM settlement.calendar_early_close d WHERE d.calendar_id = v.calendar_id AND d.version = v.version) > v.early_closes
         LIMIT 1;
        IF bad IS NOT NULL THEN
          RAISE EXCEPTION 'calendar % is complete: a day more is a new version', bad USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NULL;
      END $$;`);
    for (const table of ['calendar_version', 'calendar_closed_day', 'calendar_early_close', 'calendar_closure'])
      await runner.query(
        `CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE ON settlement.${table} FOR EACH ROW EXECUTE FUNCTION settlement.never_changed();`,
      );
    for (const table of ['calendar_closed_day', 'calendar_early_close'])
      await runner.query(
        `CREATE TRIGGER is_complete AFTER INSERT ON settlement.${table} REFERENCING NEW TABLE AS entered
           FOR EACH STATEMENT EXECUTE FUNCTION settlement.calendar_is_complete();`,
      );
    await runner.query(
      `GRANT SELECT, INSERT ON settlement.calendar_early_close, settlement.calendar_closure TO settlement;`,
    );
    await this.seed(runner);
  }

  /** The first version that dates are counted on; what an opening of a day stored before it had no half days. */
  private async seed(runner: QueryRunner): Promise<void> {
    const contents = JSON.stringify(
      calendarIds().map((id) => {
        const content = contentOf(id, []);
        return { ...content, hash: contentHashOf(content) };
      }),
    );
    await runner.query(
      `WITH given AS (
         SELECT r.*, 1 + coalesce((SELECT max(v.version) FROM settlement.calendar_version v WHERE v.calendar_id = r.id), 0) AS version
           FROM jsonb_to_recordset($1::jsonb) AS r(id text, hash text, "builtInVersion" text, zone text, holidays jsonb, "earlyCloses" jsonb))
       INSERT INTO settlement.calendar_version (calendar_id, version, data_from, data_to, content_hash, built_in_version, zone, closed_days, early_closes)
       SELECT id, version, $2, $3, hash, "builtInVersion", zone, jsonb_array_length(holidays), jsonb_array_length("earlyCloses") FROM given`,
      [contents, dataFrom, dataTo],
    );
    const latest = `(SELECT max(v.version) FROM settlement.calendar_version v WHERE v.calendar_id = r.id)`;
    await runner.query(
      `INSERT INTO settlement.calendar_closed_day (calendar_id, version, day)
       SELECT r.id, ${latest}, day::date
         FROM jsonb_to_recordset($1::jsonb) AS r(id text, holidays jsonb), jsonb_array_elements_text(holidays) AS day`,
      [contents],
    );
    await runner.query(
      `INSERT INTO settlement.calendar_early_close (calendar_id, version, day, local_time)
       SELECT r.id, ${latest}, e.day, e."localTime"
         FROM jsonb_to_recordset($1::jsonb) AS r(id text, "earlyCloses" jsonb), jsonb_to_recordset("earlyCloses") AS e(day date, "localTime" text)`,
      [contents],
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE settlement.calendar_closure, settlement.calendar_early_close;
      DROP TRIGGER is_complete ON settlement.calendar_closed_day;
      DROP TRIGGER never_changed ON settlement.calendar_closed_day;
      DROP TRIGGER never_changed ON settlement.calendar_version;
      DROP FUNCTION settlement.calendar_is_complete();
      DROP FUNCTION settlement.never_changed();
      ALTER TABLE settlement.calendar_version DROP built_in_version, DROP zone, DROP origin_id, DROP closed_days, DROP early_closes;`);
  }
}
