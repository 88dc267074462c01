import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** A person may let one instruction go while its party stays stopped: for which alert is a fact of its own. */
export class InstructionReleases20261130001008 implements MigrationInterface {
  name = 'InstructionReleases20261130001008';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE settlement.instruction_release (
        instruction_id text NOT NULL REFERENCES settlement.instruction,
        alert_id       text NOT NULL,
        book_id        text NOT NULL,
        released_by    text NOT NULL,
        released_at    timestamptz NOT NULL DEFAULT kernel.now(),
        PRIMARY KEY (instruction_id, alert_id)
      );
      COMMENT ON TABLE settlement.instruction_release IS 'Alerts of a party that no longer stop this instruction, because a person let it go';
      GRANT SELECT, INSERT ON settlement.instruction_release TO settlement;
      ALTER TABLE settlement.instruction_release ENABLE ROW LEVEL SECURITY;
      ALTER TABLE settlement.instruction_release FORCE ROW LEVEL SECURITY;
      CREATE POLICY by_book ON settlement.instruction_release USING (kernel.sees_book(book_id));`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE settlement.instruction_release');
  }
}
