import { type MigrationInterface, type QueryRunner } from 'typeorm';

const kinds = `'PAYMENT_RELEASE', 'HOLD_RELEASE', 'SSI_CHANGE', 'PRICE_OVERRIDE', 'LIMIT_CHANGE', 'MANUAL_REVERSAL'`;

/** Closing a day of a calendar is decided by a second person too. */
export class CalendarClosures20261125003001 implements MigrationInterface {
  name = 'CalendarClosures20261125003001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE compliance.approval DROP CONSTRAINT approval_kind_check;
      ALTER TABLE compliance.approval ADD CONSTRAINT approval_kind_check CHECK (kind IN (${kinds}, 'CALENDAR_CLOSURE'));`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE compliance.approval DROP CONSTRAINT approval_kind_check;
      ALTER TABLE compliance.approval ADD CONSTRAINT approval_kind_check CHECK (kind IN (${kinds}));`);
  }
}
