import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { correctionGuards, correctionTables } from '../corrections.js';

/** Entries are corrected in bulk: previewed, agreed to by hash, reversed and booked anew by a job that can be stopped. */
export class Corrections20261203000363 implements MigrationInterface {
  name = 'Corrections20261203000363';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(correctionTables);
    await runner.query(correctionGuards);
    for (const table of ['correction', 'correction_entry', 'correction_effect']) {
      await runner.query(`
        ALTER TABLE accounting.${table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE accounting.${table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY by_book ON accounting.${table} USING (kernel.sees_book(book_id));
        CREATE TRIGGER never_truncated BEFORE TRUNCATE ON accounting.${table} FOR EACH STATEMENT EXECUTE FUNCTION accounting.never_changes();
        GRANT SELECT, INSERT ON accounting.${table} TO accounting;
        GRANT SELECT ON accounting.${table} TO verify;
      `);
    }
    await runner.query(`
      GRANT UPDATE (state, refusal_code, preview_job_run_id, preview_file_id, preview_hash, approval_id, proposed_by, expires_at, decided_by, decided_at, decision_reason,
                    job_run_id, finished_at) ON accounting.correction TO accounting;
      GRANT UPDATE (state, code, reversal_entry_id, rebooking_entry_id) ON accounting.correction_entry TO accounting;
      GRANT UPDATE (reversal_units, rebooking_units) ON accounting.correction_effect TO accounting;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE accounting.correction_effect, accounting.correction_entry, accounting.correction;
      DROP FUNCTION accounting.correction_hash(text), accounting.correction_follows(), accounting.correction_entry_follows(), accounting.correction_effect_follows();
    `);
  }
}
