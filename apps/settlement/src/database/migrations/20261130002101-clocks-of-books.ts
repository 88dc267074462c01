import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Due times are on the business days and the clock of a book: accounting tells which they are. */
export class ClocksOfBooks20261130002101 implements MigrationInterface {
  name = 'ClocksOfBooks20261130002101';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE settlement.book_day ADD calendar_id text, ADD zone text, ADD closes_early_at timestamptz,
        ADD CONSTRAINT clock_is_whole CHECK ((calendar_id IS NULL) = (zone IS NULL));
      COMMENT ON COLUMN settlement.book_day.zone IS 'Of its clock; unknown until accounting announces a date with it';
      COMMENT ON COLUMN settlement.book_day.closes_early_at IS 'The planned cut-off of the business date, when it is a half day';`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE settlement.book_day DROP CONSTRAINT clock_is_whole, DROP calendar_id, DROP zone, DROP closes_early_at;`);
  }
}
