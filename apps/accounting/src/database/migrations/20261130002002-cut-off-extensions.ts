import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** A cut-off is put off while it is to come, with a reason and by somebody; it is never reached before the hour it was put off to. */
export class CutOffExtensions20261130002002 implements MigrationInterface {
  name = 'CutOffExtensions20261130002002';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE accounting.business_day
        ADD cut_off_revision_reason text CHECK (length(cut_off_revision_reason) BETWEEN 3 AND 140), ADD cut_off_revised_by text,
        ADD CONSTRAINT cut_off_is_only_put_off
          CHECK (revised_cut_off_at IS NULL OR planned_cut_off_at IS NOT NULL AND revised_cut_off_at > planned_cut_off_at),
        ADD CONSTRAINT cut_off_is_put_off_for_a_reason
          CHECK ((revised_cut_off_at IS NULL) = (cut_off_revision_reason IS NULL) AND (revised_cut_off_at IS NULL) = (cut_off_revised_by IS NULL)),
        ADD CONSTRAINT cut_off_is_not_reached_early CHECK (effective_cut_off_at >= revised_cut_off_at);
      CREATE FUNCTION accounting.cut_off_is_still_to_come() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF NEW.revised_cut_off_at IS NULL OR OLD.state <> 'OPEN' OR NEW.state <> 'OPEN' OR OLD.effective_cut_off_at IS NOT NULL
           OR NEW.revised_cut_off_at <= kernel.now() THEN
          RAISE EXCEPTION 'the cut-off of % on % cannot be put off to %', OLD.book_id, OLD.business_date, NEW.revised_cut_off_at
            USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER cut_off_is_still_to_come BEFORE UPDATE ON accounting.business_day FOR EACH ROW
        WHEN (NEW.revised_cut_off_at IS DISTINCT FROM OLD.revised_cut_off_at) EXECUTE FUNCTION accounting.cut_off_is_still_to_come();
      GRANT UPDATE (cut_off_revision_reason, cut_off_revised_by) ON accounting.business_day TO accounting;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TRIGGER cut_off_is_still_to_come ON accounting.business_day;
      DROP FUNCTION accounting.cut_off_is_still_to_come();
      ALTER TABLE accounting.business_day DROP CONSTRAINT cut_off_is_only_put_off, DROP CONSTRAINT cut_off_is_put_off_for_a_reason,
        DROP CONSTRAINT cut_off_is_not_reached_early, DROP cut_off_revision_reason, DROP cut_off_revised_by;`);
  }
}
