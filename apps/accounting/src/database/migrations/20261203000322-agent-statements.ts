import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { agentStatements, agentStatementTables } from '../client-assets.js';

/** What agents and places state that they hold for us, so that client assets can be proved against it. */
export class AgentStatements20261203000322 implements MigrationInterface {
  name = 'AgentStatements20261203000322';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(agentStatements);
    for (const table of agentStatementTables)
      await runner.query(`
        ALTER TABLE accounting.${table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE accounting.${table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY by_book ON accounting.${table} USING (kernel.sees_book(book_id));
        GRANT SELECT, INSERT ON accounting.${table} TO accounting;
        GRANT SELECT ON accounting.${table} TO verify;`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP FUNCTION accounting.last_agent_statements(text, date);
      DROP TABLE ${agentStatementTables.map((table) => `accounting.${table}`).join(', ')};
      DROP FUNCTION accounting.agent_statement_continues();`);
  }
}
