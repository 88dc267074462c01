import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { builtInChart } from '../built-in-chart-of-20261203.js';
import { chartGuards, chartTables, storeChart } from '../chart.js';
import { postingEngine } from '../posting-engine.js';

const byBook = ['chart_version', 'gl_account', 'gl_kind', 'return_line', 'return_mapping'];

/** Every account stands under a code of the chart of its book, and every code on one line of each return. */
export class Chart20261203000301 implements MigrationInterface {
  name = 'Chart20261203000301';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`SELECT set_config('app.books', '*', true)`);
    await runner.query(chartTables);
    for (const table of byBook) {
      await runner.query(`
        ALTER TABLE accounting.${table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE accounting.${table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY by_book ON accounting.${table} USING (kernel.sees_book(book_id));
        GRANT SELECT ON accounting.${table} TO accounting, verify;
      `);
    }
    await runner.query(chartGuards);
    await runner.query(storeChart);
    await runner.query('INSERT INTO accounting.chart_template (template, chart) VALUES ($1, $2::jsonb)', [
      'BUILT_IN',
      JSON.stringify(builtInChart),
    ]);
    await runner.query(`
      GRANT SELECT ON accounting.chart_template TO accounting, verify;
      REVOKE ALL ON FUNCTION accounting.store_chart(text, jsonb, text, text), accounting.ensure_chart(text), accounting.open_direct_accounts(text, text[]) FROM PUBLIC;
      GRANT EXECUTE ON FUNCTION accounting.store_chart(text, jsonb, text, text), accounting.open_direct_accounts(text, text[]) TO accounting;
      CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON accounting.chart_version
        FOR EACH STATEMENT EXECUTE FUNCTION accounting.never_changes();
      -- Accounts that were there before stand where their kind stands.
      SELECT accounting.ensure_chart(b.book_id) FROM (SELECT DISTINCT book_id FROM accounting.account) b;
      UPDATE accounting.account a SET gl_code = k.gl_code FROM accounting.gl_kind k WHERE k.book_id = a.book_id AND k.account_kind = a.kind;
    `);
    // What waits for the end of the transaction would keep the table from being altered.
    await runner.query(`
      SET CONSTRAINTS ALL IMMEDIATE;
      ALTER TABLE accounting.account ALTER gl_code SET NOT NULL,
        ADD FOREIGN KEY (book_id, gl_code) REFERENCES accounting.gl_account (book_id, code);
      CREATE INDEX account_gl_code ON accounting.account (book_id, gl_code);
      CREATE TRIGGER account_has_its_code BEFORE INSERT OR UPDATE OF gl_code ON accounting.account
        FOR EACH ROW EXECUTE FUNCTION accounting.account_has_its_code();
      -- Also for whoever loads rows in bulk with triggers off: no account is without a code.
      ALTER TABLE accounting.account ENABLE ALWAYS TRIGGER account_has_its_code;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      SELECT set_config('app.books', '*', true);
      DROP TRIGGER account_has_its_code ON accounting.account;
      ALTER TABLE accounting.account DROP COLUMN gl_code;
      ALTER TABLE accounting.account DROP CONSTRAINT account_kind_check, ADD CONSTRAINT account_kind_check CHECK (kind IN
        ('CLIENT_CASH','CLIENT_CUSTODY','NOSTRO','DEPOT','SUSPENSE','MIGRATION','INCOME','EXPENSE','EQUITY')) NOT VALID;
      DROP TABLE accounting.return_mapping, accounting.return_line, accounting.gl_kind, accounting.gl_account, accounting.chart_version, accounting.chart_template;
      DROP FUNCTION accounting.account_has_its_code(), accounting.mapping_stays_whole(), accounting.code_is_mapped(), accounting.code_in_use_stays(),
        accounting.chart_is_a_tree(), accounting.store_chart(text, jsonb, text, text), accounting.ensure_chart(text), accounting.open_direct_accounts(text, text[]);
      ${openLedgerAccountsAsItWas()}
    `);
  }
}

function openLedgerAccountsAsItWas(): string {
  const [text] =
    /CREATE (OR REPLACE )?FUNCTION accounting\.open_ledger_accounts\([^]*?\nEND \$fn\$;/.exec(postingEngine) ?? [];
  if (text === undefined) throw new Error('no function open_ledger_accounts in the posting engine');
  return text.replace(/^CREATE (OR REPLACE )?/, 'CREATE OR REPLACE ');
}
