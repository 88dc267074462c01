import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { dropLedgerGuards, ledgerGuards } from '../ledger-guards.js';
import { postItems } from '../posting-function-of-20261123.js';
import { dropPostApart, postApart } from '../posting-apart.js';

/** What the posting function could have got wrong unseen is now refused by the tables themselves. */
export class LedgerGuards20261124000207 implements MigrationInterface {
  name = 'LedgerGuards20261124000207';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(postItems);
    await runner.query(postApart);
    await runner.query(ledgerGuards);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(dropLedgerGuards);
    await runner.query(dropPostApart);
  }
}
