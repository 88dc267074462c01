import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { closeCalendarGuards, closeCalendarTables } from '../close-calendar.js';

/** The tasks of a close: who does what until when, and nothing is hard closed before. */
export class CloseCalendar20261203000313 implements MigrationInterface {
  name = 'CloseCalendar20261203000313';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(closeCalendarTables);
    await runner.query(closeCalendarGuards);
    for (const table of byBook) {
      await runner.query(`
        ALTER TABLE accounting.${table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE accounting.${table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY by_book ON accounting.${table} USING (kernel.sees_book(book_id));
        GRANT SELECT ON accounting.${table} TO accounting, verify;
      `);
    }
    for (const table of ['close_template', 'close_template_task', 'close_template_dependency', 'close_task_change']) {
      await runner.query(`CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON accounting.${table}
        FOR EACH STATEMENT EXECUTE FUNCTION accounting.never_changes()`);
    }
    await runner.query(`
      GRANT INSERT ON accounting.close_template, accounting.close_template_task, accounting.close_template_dependency, accounting.close_task TO accounting;
      GRANT UPDATE (state, evidence, prepared_by, prepared_at, signed_by, signed_at, version) ON accounting.close_task TO accounting;
      REVOKE ALL ON FUNCTION accounting.close_tasks_have_an_order(), accounting.close_task_follows(), accounting.close_task_is_told(),
        accounting.period_has_its_tasks_done() FROM PUBLIC`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TRIGGER period_has_its_tasks_done ON accounting.period;
      DROP TABLE accounting.close_task_change, accounting.close_task, accounting.close_template_dependency, accounting.close_template_task, accounting.close_template;
      DROP FUNCTION accounting.close_tasks_have_an_order(), accounting.close_task_follows(), accounting.close_task_is_told(), accounting.period_has_its_tasks_done()`);
  }
}

const byBook = [
  'close_template',
  'close_template_task',
  'close_template_dependency',
  'close_task',
  'close_task_change',
];
