import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { postItems as postItemsBefore } from '../posting-function-of-20261123.js';
import { postItems } from '../posting-function.js';

/** Entries and holds up to what is there, and numbers closed and opened again by the ledger itself, each with its key. */
export class SweepsAndClosings20261130000208 implements MigrationInterface {
  name = 'SweepsAndClosings20261130000208';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- What a sweep moved of what it was asked for. One that found nothing has no entry and no hold: this is its effect.
      CREATE TABLE accounting.sweep (
        book_id     text NOT NULL,
        key         text NOT NULL,
        asked_units numeric(39,0) NOT NULL CHECK (asked_units > 0),
        moved_units numeric(39,0) NOT NULL CHECK (moved_units BETWEEN 0 AND asked_units),
        entry_id    text REFERENCES accounting.journal_entry (entry_id),
        hold_id     text REFERENCES accounting.hold (hold_id),
        PRIMARY KEY (book_id, key),
        FOREIGN KEY (book_id, key) REFERENCES accounting.posting_key (book_id, key),
        CHECK (num_nonnulls(entry_id, hold_id) = CASE WHEN moved_units = 0 THEN 0 ELSE 1 END)
      );
      CREATE TABLE accounting.account_state_change (
        book_id         text NOT NULL,
        number          text NOT NULL,
        state           text NOT NULL CHECK (state IN ('OPEN','CLOSED')),
        idempotency_key text NOT NULL,
        changed_at      timestamptz NOT NULL,
        requested_by    text NOT NULL,
        PRIMARY KEY (book_id, idempotency_key),
        FOREIGN KEY (book_id, idempotency_key) REFERENCES accounting.posting_key (book_id, key),
        FOREIGN KEY (book_id, number) REFERENCES accounting.account (book_id, number)
      );
      CREATE INDEX account_state_change_number ON accounting.account_state_change (book_id, number, changed_at);
    `);
    for (const table of ['sweep', 'account_state_change']) {
      await runner.query(`
        ALTER TABLE accounting.${table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE accounting.${table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY by_book ON accounting.${table} USING (kernel.sees_book(book_id));
        CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON accounting.${table}
          FOR EACH STATEMENT EXECUTE FUNCTION accounting.never_changes();
        GRANT SELECT ON accounting.${table} TO accounting, verify;
      `);
    }
    await runner.query(postItems);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(postItemsBefore);
    await runner.query('DROP TABLE accounting.account_state_change, accounting.sweep');
  }
}
