import { type MigrationInterface, type QueryRunner } from 'typeorm';

/**
 * What would cost the square of its batch, or grow with the history.
 *
 * A trigger that compares the rows of before with those of after plans once per session, for the handful of rows that
 * its first call sees, and would go on comparing each with each when hundreds come: it may only join by hashing or sorting.
 * What waits in the post room is a small part of what ever passed through it, and has an index of its own.
 */
export class BulkPlans20261126001001 implements MigrationInterface {
  name = 'BulkPlans20261126001001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER FUNCTION settlement.instruction_status_entered() SET enable_nestloop = off;
      ALTER FUNCTION settlement.payment_status_entered() SET enable_nestloop = off;
      ALTER FUNCTION settlement.trade_state_entered() SET enable_nestloop = off;

      CREATE INDEX exchange_message_pending ON settlement.exchange_message (direction, channel) WHERE state = 'PENDING';
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX settlement.exchange_message_pending;
      ALTER FUNCTION settlement.trade_state_entered() RESET enable_nestloop;
      ALTER FUNCTION settlement.payment_status_entered() RESET enable_nestloop;
      ALTER FUNCTION settlement.instruction_status_entered() RESET enable_nestloop;
    `);
  }
}
