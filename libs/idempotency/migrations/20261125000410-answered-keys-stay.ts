import { type MigrationInterface, type QueryRunner } from 'typeorm';

/**
 * A key that was answered stands for good: the same key must never take effect again, and a later input under it is
 * its misuse. Only a claim without an answer (the input was faulty) is taken back, by the transaction that made it.
 */
export class AnsweredKeysStay20261125000410 implements MigrationInterface {
  name = 'AnsweredKeysStay20261125000410';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE FUNCTION answered_key_stays() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION 'idempotency key % of % was answered and stays', OLD.key, OLD.client USING ERRCODE = 'restrict_violation';
      END $$;
      CREATE TRIGGER answered_key_stays BEFORE UPDATE OR DELETE ON idempotency
        FOR EACH ROW WHEN (OLD.response IS NOT NULL) EXECUTE FUNCTION answered_key_stays();
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TRIGGER answered_key_stays ON idempotency; DROP FUNCTION answered_key_stays()');
  }
}
