import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { reversalParts } from '../partial-reversals.js';
import { postApart } from '../posting-apart.js';
import { bookPostings, keepsEntriesWhole, postingEngine } from '../posting-engine.js';
import { postItems } from '../posting-function.js';
import { narrowCounters, rollupFold, rollupGuards, rollupTables } from '../rollup-accounts.js';
import { GuardsByIndex20261126000208 } from './20261126000208-guards-by-index.js';

/**
 * The batch is decided in the service, on accounts locked here and read once; the tables keep their guards. What the
 * decision needs of an account stands on its balance, so that one locked row says all. Accounts without a limit are posted
 * to without touching their row, and an entry may be reversed in parts.
 */
export class PostingEngine20261201000209 implements MigrationInterface {
  name = 'PostingEngine20261201000209';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      SELECT set_config('app.books', '*', true);
      ALTER TABLE accounting.balance ADD payment_limit_units numeric(39,0),
        ADD account_state text NOT NULL DEFAULT 'OPEN' CHECK (account_state IN ('OPEN','BLOCKED','CLOSED'));
      UPDATE accounting.balance b SET account_state = a.state, payment_limit_units = m.payment_limit_units
        FROM accounting.ledger_account l JOIN accounting.account a USING (book_id, number) LEFT JOIN accounting.account_limit m USING (book_id, number, asset)
       WHERE l.ledger_account_id = b.ledger_account_id AND (a.state <> 'OPEN' OR m.payment_limit_units IS NOT NULL);
      CREATE INDEX hold_open_expiry ON accounting.hold (expires_at) WHERE open_units > 0;

      CREATE FUNCTION accounting.balance_has_state() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
      BEGIN
        UPDATE accounting.balance b SET account_state = NEW.state FROM accounting.ledger_account l
         WHERE l.book_id = NEW.book_id AND l.number = NEW.number AND b.ledger_account_id = l.ledger_account_id;
        RETURN NULL;
      END $$;
      CREATE TRIGGER balance_has_state AFTER UPDATE OF state ON accounting.account
        FOR EACH ROW WHEN (NEW.state <> OLD.state) EXECUTE FUNCTION accounting.balance_has_state();
      CREATE FUNCTION accounting.balance_has_payment_limit() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
      BEGIN
        UPDATE accounting.balance b SET payment_limit_units = NEW.payment_limit_units FROM accounting.ledger_account l
         WHERE l.book_id = NEW.book_id AND l.number = NEW.number AND l.asset = NEW.asset AND b.ledger_account_id = l.ledger_account_id
           AND b.payment_limit_units IS DISTINCT FROM NEW.payment_limit_units;
        RETURN NULL;
      END $$;
      CREATE TRIGGER balance_has_payment_limit AFTER INSERT OR UPDATE ON accounting.account_limit
        FOR EACH ROW EXECUTE FUNCTION accounting.balance_has_payment_limit();
      ${rollupTables}
      ${reversalParts}
      ALTER TABLE accounting.reversal_proposal ADD part jsonb CHECK (jsonb_typeof(part) = 'array');
      ${rollupFold}
      ${postingEngine}
      ${bookPostings}
      -- An excess rises no further than the deepest of the forced entries that moved the balance.
      CREATE OR REPLACE FUNCTION accounting.excess_is_explained() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
      DECLARE deepest numeric;
      BEGIN
        IF NEW.limit_units < OLD.limit_units AND NEW.last_sequence = OLD.last_sequence AND NEW.available = OLD.available THEN
          RETURN NULL;
        END IF;
        SELECT max(CASE NEW.normal_side WHEN 'CREDIT' THEN p.balance_after + greatest(OLD.pending_debit, NEW.pending_debit)
                                        ELSE greatest(OLD.pending_credit, NEW.pending_credit) - p.balance_after END) INTO deepest
          FROM accounting.posting p JOIN accounting.journal_entry e USING (entry_id)
         WHERE p.ledger_account_id = NEW.ledger_account_id AND e.forced_reason IS NOT NULL
           AND p.account_sequence > OLD.last_sequence AND p.account_sequence <= NEW.last_sequence;
        IF deepest IS NULL OR NEW.forced_excess > deepest THEN
          RAISE EXCEPTION 'ledger account % is drawn beyond its limit by no forced entry', NEW.ledger_account_id USING ERRCODE = 'check_violation';
        END IF;
        RETURN NULL;
      END $$;
      ${wholeEntries}
      ${rollupGuards}
      ALTER FUNCTION accounting.entry_is_whole() SET enable_hashjoin = off;
      ALTER FUNCTION accounting.entry_is_whole() SET enable_mergejoin = off;
      DROP FUNCTION accounting.post(jsonb), accounting.post_somehow(jsonb), accounting.post_apart(jsonb, text),
        accounting.refuse_items(jsonb, text, text, text), accounting.post_items(jsonb);
    `);
    for (const name of doors) {
      await runner.query(`
        REVOKE ALL ON FUNCTION accounting.${name} FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION accounting.${name} TO accounting`);
    }
    await runner.query(`
      REVOKE ALL ON FUNCTION accounting.open_ledger_accounts(text[], text[], text[]), accounting.expire_holds(bigint[], timestamptz),
        accounting.fold_rollup(bigint, int) FROM PUBLIC`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      SELECT set_config('app.books', '*', true);
      SELECT accounting.fold_rollups(NULL, NULL);
      -- What was folded goes back to the postings, which had their places themselves before.
      ALTER TABLE accounting.posting DISABLE TRIGGER USER;
      UPDATE accounting.posting p SET account_sequence = r.account_sequence, balance_after = r.balance_after
        FROM accounting.rollup_place r WHERE r.entry_id = p.entry_id AND r.n = p.n;
      ALTER TABLE accounting.posting ENABLE TRIGGER USER;
      ALTER TABLE accounting.posting DROP CONSTRAINT place_is_whole, ALTER account_sequence SET NOT NULL, ALTER balance_after SET NOT NULL;
      DROP VIEW accounting.posting_in_order, accounting.bucket_now, accounting.balance_now;
      DROP TRIGGER whole_is_left ON accounting.journal_entry;
      DROP TABLE accounting.rollup_place, accounting.reversal_part;
      ALTER TABLE accounting.reversal_proposal DROP COLUMN part;
      ${narrowCounters}
      DROP FUNCTION accounting.fold_rollups(int, int), accounting.fold_rollup(bigint, int), accounting.place_is_given_once(),
        accounting.place_has_its_posting(), accounting.place_follows(), accounting.parts_are_left(), accounting.whole_is_left();
      DROP FUNCTION accounting.take_days(text[], date[]), accounting.take_keys(text[], text[], bytea[]), accounting.expire_holds(bigint[], timestamptz),
        accounting.open_ledger_accounts(text[], text[], text[]), accounting.lock_accounts(text[], text[], text[], text[], text[], text[], text[], text);
      DO $$ BEGIN EXECUTE 'DROP FUNCTION ' || 'accounting.book_postings'::regproc::regprocedure; END $$;
      DROP TRIGGER balance_has_state ON accounting.account;
      DROP TRIGGER balance_has_payment_limit ON accounting.account_limit;
      DROP FUNCTION accounting.balance_has_state(), accounting.balance_has_payment_limit();
      DROP TRIGGER never_changes ON accounting.ledger_account;
      ALTER TABLE accounting.journal_entry ADD CONSTRAINT journal_entry_entry_id_book_id_key UNIQUE (entry_id, book_id);
      ALTER TABLE accounting.posting
        ADD CONSTRAINT posting_entry_id_book_id_fkey FOREIGN KEY (entry_id, book_id) REFERENCES accounting.journal_entry (entry_id, book_id),
        ADD CONSTRAINT posting_ledger_account_id_book_id_asset_fkey
          FOREIGN KEY (ledger_account_id, book_id, asset) REFERENCES accounting.ledger_account (ledger_account_id, book_id, asset);
      DROP INDEX accounting.hold_open_expiry;
      ALTER TABLE accounting.balance DROP COLUMN payment_limit_units, DROP COLUMN account_state;
      ${postItems}
      ${postApart}
      REVOKE ALL ON FUNCTION accounting.post(jsonb), accounting.post_items(jsonb) FROM PUBLIC;
      GRANT EXECUTE ON FUNCTION accounting.post(jsonb) TO accounting`);
    // The guards of before, which know of no places.
    await new GuardsByIndex20261126000208().up(runner);
  }
}

const doors = ['take_days', 'take_keys', 'lock_accounts', 'book_postings', 'fold_rollups'];

/**
 * A key to a header of the same statement was looked up posting by posting, with a plan made while the table was empty:
 * most of the time of a batch. The guard of the postings asks for all of them at once, and neither side ever changes.
 */
const wholeEntries = `
ALTER TABLE accounting.posting DROP CONSTRAINT posting_entry_id_book_id_fkey, DROP CONSTRAINT posting_ledger_account_id_book_id_asset_fkey;
ALTER TABLE accounting.journal_entry DROP CONSTRAINT journal_entry_entry_id_book_id_key;
CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON accounting.ledger_account
  FOR EACH STATEMENT EXECUTE FUNCTION accounting.never_changes();

${keepsEntriesWhole}
`;
