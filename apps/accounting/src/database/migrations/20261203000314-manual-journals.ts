import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { manualJournalGuards, manualJournalTables } from '../manual-journals.js';

/** Journals by hand: on which accounts, how much one person books alone, and files of many. */
export class ManualJournals20261203000314 implements MigrationInterface {
  name = 'ManualJournals20261203000314';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(manualJournalTables);
    await runner.query(manualJournalGuards);
    for (const table of byBook) {
      await runner.query(`
        ALTER TABLE accounting.${table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE accounting.${table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY by_book ON accounting.${table} USING (kernel.sees_book(book_id));
        GRANT SELECT ON accounting.${table} TO accounting, verify;
      `);
    }
    await runner.query(`
      CREATE TRIGGER never_changes BEFORE DELETE OR TRUNCATE ON accounting.manual_journal FOR EACH STATEMENT EXECUTE FUNCTION accounting.never_changes();
      GRANT INSERT ON accounting.hand_posting, accounting.journal_limit, accounting.journal_file,
        accounting.manual_journal TO accounting;
      GRANT UPDATE (is_allowed, reason, changed_by, changed_at) ON accounting.hand_posting TO accounting;
      GRANT UPDATE (state, version, decided_by, decided_at, decision_reason) ON accounting.journal_limit TO accounting;
      GRANT UPDATE (state, lines, journals, report, finished_at, job_run_id) ON accounting.journal_file TO accounting;
      GRANT UPDATE (state, decided_by, decided_at, decision_reason, refusal_code, entry_id) ON accounting.manual_journal TO accounting;
      REVOKE ALL ON FUNCTION accounting.manual_journal_follows() FROM PUBLIC`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE accounting.manual_journal, accounting.journal_file, accounting.journal_limit, accounting.hand_posting;
      DROP FUNCTION accounting.manual_journal_follows(),
        accounting.limit_is_proposed(), accounting.journal_limit_follows(), accounting.journal_limit_in_force(text), accounting.takes_journals(text, text)`);
  }
}

const byBook = ['hand_posting', 'journal_limit', 'journal_file', 'manual_journal'];
