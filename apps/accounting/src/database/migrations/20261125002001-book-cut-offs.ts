import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Until when a book takes in for a date: wall time of the book's zone beside its instant, as planned, as revised, as it was. */
export class BookCutOffs20261125002001 implements MigrationInterface {
  name = 'BookCutOffs20261125002001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE accounting.business_day
        ADD cut_off_zone text, ADD cut_off_local_time text CHECK (cut_off_local_time ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'),
        ADD is_half_day boolean NOT NULL DEFAULT false,
        ADD planned_cut_off_at timestamptz, ADD revised_cut_off_at timestamptz, ADD effective_cut_off_at timestamptz,
        ADD CHECK ((planned_cut_off_at IS NULL) = (cut_off_zone IS NULL)),
        ADD CHECK ((planned_cut_off_at IS NULL) = (cut_off_local_time IS NULL)),
        -- The instant is that of the wall time in the zone, whatever the clocks do that day.
        ADD CONSTRAINT cut_off_is_its_wall_time CHECK (planned_cut_off_at = (business_date + cut_off_local_time::time) AT TIME ZONE cut_off_zone);
      COMMENT ON COLUMN accounting.business_day.effective_cut_off_at IS 'When the barrier of the cut-off was reached';
      GRANT UPDATE (cut_off_zone, cut_off_local_time, is_half_day, planned_cut_off_at, revised_cut_off_at, effective_cut_off_at)
        ON accounting.business_day TO accounting;`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE accounting.business_day DROP cut_off_zone, DROP cut_off_local_time, DROP is_half_day,
        DROP planned_cut_off_at, DROP revised_cut_off_at, DROP effective_cut_off_at;`);
  }
}
