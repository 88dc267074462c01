import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { accountingDates, periodFunctions, periodGuards, periodTables } from '../periods.js';

/** The months of a book, each closed softly, then hard; and which entries belong to an earlier date than the one they were booked on. */
export class Periods20261203000311 implements MigrationInterface {
  name = 'Periods20261203000311';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(periodTables);
    await runner.query(periodFunctions);
    await runner.query(accountingDates);
    await runner.query(periodGuards);
    for (const table of byBook) {
      await runner.query(`
        ALTER TABLE accounting.${table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE accounting.${table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY by_book ON accounting.${table} USING (kernel.sees_book(book_id));
        GRANT SELECT ON accounting.${table} TO accounting, verify;
      `);
    }
    for (const table of ['period_change', 'entry_accounting_date']) {
      await runner.query(`CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON accounting.${table}
        FOR EACH STATEMENT EXECUTE FUNCTION accounting.never_changes()`);
    }
    await runner.query(`
      GRANT INSERT ON accounting.period_reopening TO accounting;
      GRANT UPDATE (state, decided_by, decided_at, decision_reason, refusal_code) ON accounting.period_reopening TO accounting;
      REVOKE ALL ON FUNCTION accounting.make_periods(text, date), accounting.day_has_period(), accounting.period_follows(), accounting.shift_accounting_date() FROM PUBLIC`);
    for (const door of doors) {
      await runner.query(
        `REVOKE ALL ON FUNCTION accounting.${door} FROM PUBLIC; GRANT EXECUTE ON FUNCTION accounting.${door} TO accounting`,
      );
    }
    await runner.query(`
      GRANT EXECUTE ON FUNCTION accounting.period_totals(text, text), accounting.period_snapshot(text, text) TO verify;
      SELECT set_config('app.books', '*', true);
      SELECT accounting.make_periods(t.book_id, t.first), accounting.make_periods(t.book_id, t.last)
        FROM (SELECT d.book_id, min(d.business_date) AS first, max(d.business_date) AS last FROM accounting.business_day d GROUP BY 1 ORDER BY 1) t`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TRIGGER day_has_period ON accounting.business_day;
      DROP TABLE accounting.accounting_shift, accounting.entry_accounting_date, accounting.period_change, accounting.period_reopening, accounting.period CASCADE;
      DROP FUNCTION accounting.take_period(text, text), accounting.keep_accounting_dates(text[], date, text, text, text),
        accounting.change_period(text, text, text, text, text, text), accounting.period_snapshot(text, text), accounting.period_totals(text, text),
        accounting.make_periods(text, date), accounting.day_has_period(), accounting.period_follows(), accounting.period_is_new(), accounting.period_is_told(),
        accounting.reopening_keeps_its_words(), accounting.accounting_date_is_open(), accounting.shift_accounting_date(), accounting.shift_is_derived(),
        accounting.is_under_way(xid)`);
  }
}

const byBook = ['period', 'period_change', 'period_reopening', 'entry_accounting_date', 'accounting_shift'];

const doors = [
  'take_period(text, text)',
  'change_period(text, text, text, text, text, text)',
  'keep_accounting_dates(text[], date, text, text, text)',
  'period_totals(text, text)',
  'period_snapshot(text, text)',
];
