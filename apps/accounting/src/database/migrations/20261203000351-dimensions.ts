import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { dimensionFunctions, dimensionTables } from '../dimensions.js';

/** Postings are told by cost centres and whatever else a book tells its cost by. */
export class Dimensions20261203000351 implements MigrationInterface {
  name = 'Dimensions20261203000351';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(dimensionTables);
    await runner.query(dimensionFunctions);
    for (const table of ['dimension_value', 'posting_dimension']) {
      await runner.query(`
        ALTER TABLE accounting.${table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE accounting.${table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY by_book ON accounting.${table} USING (kernel.sees_book(book_id));
        GRANT SELECT ON accounting.${table} TO accounting, verify;
      `);
    }
    await runner.query(`
      GRANT INSERT, UPDATE (name, valid_to) ON accounting.dimension_value TO accounting;
      GRANT SELECT ON accounting.posting_dimension_now TO accounting, verify;
      CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON accounting.posting_dimension
        FOR EACH STATEMENT EXECUTE FUNCTION accounting.never_changes();
      CREATE TRIGGER never_emptied BEFORE TRUNCATE ON accounting.dimension_value
        FOR EACH STATEMENT EXECUTE FUNCTION accounting.never_changes();
      REVOKE ALL ON FUNCTION accounting.keep_posting_dimensions(text, jsonb) FROM PUBLIC;
      GRANT EXECUTE ON FUNCTION accounting.keep_posting_dimensions(text, jsonb) TO accounting;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP VIEW accounting.posting_dimension_now;
      DROP TABLE accounting.posting_dimension, accounting.dimension_value;
      DROP FUNCTION accounting.keep_posting_dimensions(text, jsonb), accounting.dimension_value_stays(), accounting.dimension_comes_with_entry();
    `);
  }
}
