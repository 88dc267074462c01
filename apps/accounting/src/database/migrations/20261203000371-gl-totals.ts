import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { glTotalFunctions, glTotalTables } from '../gl-totals.js';

const byBook = ['gl_total_day', 'gl_ledger', 'gl_total'];

/** The codes of the chart have their totals at the end of each closed date: what reports are made of. */
export class GlTotals20261203000371 implements MigrationInterface {
  name = 'GlTotals20261203000371';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`SELECT set_config('app.books', '*', true)`);
    await runner.query(glTotalTables);
    for (const table of byBook) {
      await runner.query(`
        ALTER TABLE accounting.${table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE accounting.${table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY by_book ON accounting.${table} USING (kernel.sees_book(book_id));
        GRANT SELECT ON accounting.${table} TO accounting, verify;
        CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON accounting.${table}
          FOR EACH STATEMENT EXECUTE FUNCTION accounting.never_changes();
      `);
    }
    await runner.query(glTotalFunctions);
    await runner.query(`
      REVOKE ALL ON FUNCTION accounting.store_gl_totals(text, date) FROM PUBLIC;
      GRANT EXECUTE ON FUNCTION accounting.store_gl_totals(text, date) TO accounting;
      GRANT EXECUTE ON FUNCTION accounting.gl_standing(text, date, date) TO accounting, verify;
      SELECT accounting.store_gl_totals(d.book_id, d.business_date)
        FROM (SELECT DISTINCT ON (d.book_id) d.book_id, d.business_date FROM accounting.business_day d
               WHERE d.state = 'CLOSED' AND NOT EXISTS (SELECT FROM accounting.business_day o WHERE o.book_id = d.book_id
                     AND o.business_date <= d.business_date AND o.state NOT IN ('CLOSED','SKIPPED'))
               ORDER BY d.book_id, d.business_date DESC) d;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP FUNCTION accounting.gl_standing(text, date, date), accounting.store_gl_totals(text, date);
      DROP TABLE accounting.gl_total, accounting.gl_ledger, accounting.gl_total_day;
    `);
  }
}
