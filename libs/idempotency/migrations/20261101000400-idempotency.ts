import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Runs in the schema of each service, whose name is also its role's. */
export class Idempotency20261101000400 implements MigrationInterface {
  name = 'Idempotency20261101000400';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE idempotency (
        client       text NOT NULL CHECK (client <> ''),
        key          text NOT NULL CHECK (length(key) BETWEEN 1 AND 128),
        operation    text NOT NULL,
        input_hashes jsonb NOT NULL,
        response     jsonb,
        created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (client, key)
      );
      COMMENT ON TABLE idempotency IS 'What was answered to a key, written in the transaction of the effect';
      COMMENT ON COLUMN idempotency.response IS 'Null only inside the transaction that is at work';

      DO $$ BEGIN
        EXECUTE format('GRANT SELECT, INSERT, DELETE ON idempotency TO %I', current_schema());
        EXECUTE format('GRANT UPDATE (response) ON idempotency TO %I', current_schema());
      END $$;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE idempotency');
  }
}
