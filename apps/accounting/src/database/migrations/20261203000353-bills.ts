import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { billGuards, billTables } from '../bills.js';

/** Suppliers, their bills and what is paid of them. */
export class Bills20261203000353 implements MigrationInterface {
  name = 'Bills20261203000353';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(billTables);
    await runner.query(billGuards);
    for (const table of ['supplier', 'bill', 'bill_line', 'bill_payment']) {
      await runner.query(`
        ALTER TABLE accounting.${table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE accounting.${table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY by_book ON accounting.${table} USING (kernel.sees_book(book_id));
        GRANT SELECT, INSERT ON accounting.${table} TO accounting;
        GRANT SELECT ON accounting.${table} TO verify;
        CREATE TRIGGER never_emptied BEFORE TRUNCATE ON accounting.${table} FOR EACH STATEMENT EXECUTE FUNCTION accounting.never_changes();
      `);
    }
    await runner.query(`
      GRANT UPDATE (name, party_id, iban, default_code, default_cost_centre) ON accounting.supplier TO accounting;
      GRANT UPDATE (state, approval_id, approved_by, approved_at, approved_hash, entry_id, cancelled_by, cancelled_at, cancel_reason, reversal_entry_id)
        ON accounting.bill TO accounting;
      GRANT UPDATE (reversal_entry_id) ON accounting.bill_payment TO accounting;
      CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE ON accounting.bill_line FOR EACH STATEMENT EXECUTE FUNCTION accounting.never_changes();
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE accounting.bill_payment, accounting.bill_line, accounting.bill, accounting.supplier;
      DROP FUNCTION accounting.bill_follows_payments(), accounting.payment_is_of_bill(), accounting.bill_line_comes_with_bill(),
        accounting.bill_lines_are_total(), accounting.bill_goes_forward(), accounting.bill_paid(text);
    `);
  }
}
