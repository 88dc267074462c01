import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { accountBlocks, limitReasons } from '../account-blocks.js';
import { ledgerGuards } from '../ledger-guards.js';

/** Accounts are blocked for reasons, one by one, and limits say why they are what they are. */
export class AccountBlocks20261201003001 implements MigrationInterface {
  name = 'AccountBlocks20261201003001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`SELECT set_config('app.books', '*', true)`);
    await runner.query(accountBlocks);
    await runner.query(limitReasons);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      SELECT set_config('app.books', '*', true);
      DROP TRIGGER state_of_blocks ON accounting.account;
      -- What only stopped what comes in has no word in the schema before.
      UPDATE accounting.account SET state = CASE state WHEN 'BLOCKED_BOTH' THEN 'BLOCKED' ELSE 'OPEN' END WHERE state IN ('BLOCKED_IN','BLOCKED_BOTH');
      ALTER TABLE accounting.account DROP CONSTRAINT account_state_check,
        ADD CONSTRAINT account_state_check CHECK (state IN ('OPEN','BLOCKED','CLOSED'));
      ALTER TABLE accounting.balance DROP CONSTRAINT balance_account_state_check,
        ADD CONSTRAINT balance_account_state_check CHECK (account_state IN ('OPEN','BLOCKED','CLOSED'));
      DROP TABLE accounting.account_block;
      DROP FUNCTION accounting.place_blocks(jsonb), accounting.lift_blocks(text[], text, text), accounting.state_of_blocks(),
        accounting.account_follows_blocks(), accounting.block_only_ends(), accounting.state_by_blocks(text, text);
      ${asItWas('set_account_state')}
      ${asItWas('set_limits')}
      ALTER TABLE accounting.account_limit DROP COLUMN reason, DROP COLUMN reference`);
  }
}

/** A function as the guards of the ledger made it. */
function asItWas(name: string): string {
  const [text] =
    new RegExp(`CREATE (OR REPLACE )?FUNCTION accounting\\.${name}\\([^]*?\\nEND \\$\\$;`).exec(ledgerGuards) ?? [];
  if (text === undefined) throw new Error(`no function ${name} among the guards of the ledger`);
  return text.replace(/^CREATE (OR REPLACE )?/, 'CREATE OR REPLACE ');
}
