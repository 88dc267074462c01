import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { clientAssetCalculations, clientAssetTables } from '../client-assets.js';

/** The daily proof of client assets, and the shortfalls that it finds. */
export class ClientAssets20261203000323 implements MigrationInterface {
  name = 'ClientAssets20261203000323';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(clientAssetCalculations);
    for (const table of clientAssetTables)
      await runner.query(`
        ALTER TABLE accounting.${table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE accounting.${table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY by_book ON accounting.${table} USING (kernel.sees_book(book_id));
        GRANT SELECT, INSERT ON accounting.${table} TO accounting;
        GRANT SELECT ON accounting.${table} TO verify;`);
    await runner.query(
      `GRANT UPDATE (state, cured_on, units, cause, worth_minor, last_calculation_id) ON accounting.shortfall TO accounting`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE ${clientAssetTables.map((table) => `accounting.${table}`).join(', ')};
      DROP FUNCTION accounting.client_asset_line_is_proved(), accounting.shortfall_changes();`);
  }
}
