import { type MigrationInterface, type QueryRunner } from 'typeorm';

const kinds = `'PAYMENT_RELEASE', 'HOLD_RELEASE', 'SSI_CHANGE', 'PRICE_OVERRIDE', 'LIMIT_CHANGE', 'MANUAL_REVERSAL', 'CALENDAR_CLOSURE'`;

/** Posting rules are decided by a second person too. */
export class PostingRuleApprovals20261201004231 implements MigrationInterface {
  name = 'PostingRuleApprovals20261201004231';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE compliance.approval DROP CONSTRAINT approval_kind_check;
      ALTER TABLE compliance.approval ADD CONSTRAINT approval_kind_check CHECK (kind IN (${kinds}, 'POSTING_RULES'));`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE compliance.approval DROP CONSTRAINT approval_kind_check;
      ALTER TABLE compliance.approval ADD CONSTRAINT approval_kind_check CHECK (kind IN (${kinds}));`);
  }
}
