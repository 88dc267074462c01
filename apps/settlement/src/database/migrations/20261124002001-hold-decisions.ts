import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** A decision may overtake the hit that it decides: messages about different objects have no order between them. */
export class HoldDecisions20261124002001 implements MigrationInterface {
  name = 'HoldDecisions20261124002001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE settlement.hold_decision (
        alert_id    text PRIMARY KEY,
        object_kind text NOT NULL CHECK (object_kind IN ('TRADE','PAYMENT')),
        object_id   text NOT NULL,
        decision    text NOT NULL CHECK (decision IN ('RELEASED','CONFIRMED')),
        decided_by  text NOT NULL,
        received_at timestamptz NOT NULL DEFAULT kernel.now()
      );
      COMMENT ON TABLE settlement.hold_decision IS 'What compliance decided of an alert, also when its hit has not arrived yet';
      GRANT SELECT, INSERT ON settlement.hold_decision TO settlement;`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE settlement.hold_decision');
  }
}
