import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { interbookGuards, interbookTables } from '../interbook.js';

/** Entries between books are linked pairs, equal and opposite. */
export class Interbook20261203000352 implements MigrationInterface {
  name = 'Interbook20261203000352';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(interbookTables);
    await runner.query(interbookGuards);
    await runner.query(`
      -- The number of a due account says the other book: so each position has its two sides.
      ALTER TABLE accounting.account ADD CONSTRAINT due_account_names_its_book CHECK (
        CASE kind WHEN 'DUE_FROM_BOOK' THEN number ~ '^DUE-FROM-.' WHEN 'DUE_TO_BOOK' THEN number ~ '^DUE-TO-.' ELSE true END);
      ALTER TABLE accounting.interbook_pair ENABLE ROW LEVEL SECURITY;
      ALTER TABLE accounting.interbook_pair FORCE ROW LEVEL SECURITY;
      -- It belongs to both books: who works one of them books its side when its date opens.
      CREATE POLICY by_book ON accounting.interbook_pair USING (kernel.sees_book(book_id) OR kernel.sees_book(debtor_book_id));
      GRANT SELECT ON accounting.interbook_pair TO accounting, verify;
      GRANT INSERT (pair_id, book_id, debtor_book_id, asset, units, creditor_account, debtor_account, from_date, value_date, description, requested_by,
        creditor_entry_id, debtor_entry_id) ON accounting.interbook_pair TO accounting;
      GRANT UPDATE (creditor_entry_id, debtor_entry_id, attempts, refusal_code, creditor_reversal_id, debtor_reversal_id, reversed_by, reversed_at,
        reversal_reason) ON accounting.interbook_pair TO accounting;
      CREATE TRIGGER never_emptied BEFORE TRUNCATE ON accounting.interbook_pair FOR EACH STATEMENT EXECUTE FUNCTION accounting.never_changes();
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TRIGGER interbook_side_is_not_reversed_alone ON accounting.journal_entry;
      DROP TRIGGER interbook_side_is_not_taken_back_in_part ON accounting.reversal_part;
      ALTER TABLE accounting.account DROP CONSTRAINT due_account_names_its_book;
      DROP TABLE accounting.interbook_pair;
      DROP FUNCTION accounting.interbook_side_is_not_reversed_alone(), accounting.interbook_side_is_not_taken_back_in_part(),
        accounting.interbook_is_reversed_whole(), accounting.interbook_sides_are_equal(), accounting.entry_units(text, text, text, text);
    `);
  }
}
