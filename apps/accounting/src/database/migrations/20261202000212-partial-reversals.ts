import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { bookPostingsWithParts, reversalParts } from '../partial-reversals.js';
import { bookPostings } from '../rollup-accounts.js';

/** An entry may be reversed in parts, of none of its postings more than it has. */
export class PartialReversals20261202000212 implements MigrationInterface {
  name = 'PartialReversals20261202000212';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ${reversalParts}
      ${bookPostingsWithParts}
      ALTER TABLE accounting.reversal_proposal ADD part jsonb CHECK (jsonb_typeof(part) = 'array')`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE accounting.reversal_proposal DROP COLUMN part;
      ${bookPostings}
      DROP TRIGGER whole_is_left ON accounting.journal_entry;
      DROP TABLE accounting.reversal_part;
      DROP FUNCTION accounting.parts_are_left(), accounting.whole_is_left()`);
  }
}
