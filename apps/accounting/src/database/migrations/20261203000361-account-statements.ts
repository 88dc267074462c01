import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { statementGuards, statementTables } from '../account-statements.js';

/** Statements of account are issued with a number and versions, each continuing the last. */
export class AccountStatements20261203000361 implements MigrationInterface {
  name = 'AccountStatements20261203000361';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(statementTables);
    await runner.query(statementGuards);
    for (const table of ['statement_setting', 'account_statement']) {
      await runner.query(`
        ALTER TABLE accounting.${table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE accounting.${table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY by_book ON accounting.${table} USING (kernel.sees_book(book_id));
        CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON accounting.${table} FOR EACH STATEMENT EXECUTE FUNCTION accounting.never_changes();
        GRANT SELECT, INSERT ON accounting.${table} TO accounting;
        GRANT SELECT ON accounting.${table} TO verify;
      `);
    }
    await runner.query(`
      REVOKE ALL ON FUNCTION accounting.fold_accounts(bigint[]) FROM PUBLIC;
      GRANT EXECUTE ON FUNCTION accounting.fold_accounts(bigint[]) TO accounting;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE accounting.account_statement, accounting.statement_setting;
      DROP FUNCTION accounting.fold_accounts(bigint[]), accounting.statement_setting_follows(), accounting.statement_is_proved(), accounting.statement_continues();
    `);
  }
}
