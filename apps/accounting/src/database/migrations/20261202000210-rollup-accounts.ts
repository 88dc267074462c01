import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { bookPostings as bookPostingsOfBefore, keepsEntriesWhole, postingEngine } from '../posting-engine.js';
import {
  bookPostings,
  followsWithoutRollups,
  lockAccounts,
  narrowCounters,
  rollupFold,
  rollupGuards,
  rollupTables,
} from '../rollup-accounts.js';

const named = 'text[], text[], text[], text[], text[], text[], text[]';

/** Accounts without a limit are posted to without touching their row: what they hold is folded a moment later. */
export class RollupAccounts20261202000210 implements MigrationInterface {
  name = 'RollupAccounts20261202000210';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ${rollupTables}
      ${rollupGuards}
      ${rollupFold}
      DROP FUNCTION accounting.lock_accounts(${named});
      ${lockAccounts}
      ${bookPostings}
      REVOKE ALL ON FUNCTION accounting.lock_accounts(${named}, text), accounting.fold_rollup(bigint, int), accounting.fold_rollups(int, int) FROM PUBLIC;
      GRANT EXECUTE ON FUNCTION accounting.lock_accounts(${named}, text), accounting.fold_rollups(int, int) TO accounting`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      SELECT set_config('app.books', '*', true);
      SELECT accounting.fold_rollups(NULL, NULL);
      DROP VIEW accounting.posting_in_order, accounting.bucket_now, accounting.balance_now;
      DROP FUNCTION accounting.lock_accounts(${named}, text), accounting.fold_rollups(int, int), accounting.fold_rollup(bigint, int);
      -- What was folded goes back to the postings, which had their places themselves before.
      ALTER TABLE accounting.posting DISABLE TRIGGER USER;
      UPDATE accounting.posting p SET account_sequence = r.account_sequence, balance_after = r.balance_after
        FROM accounting.rollup_place r WHERE r.entry_id = p.entry_id AND r.n = p.n;
      ALTER TABLE accounting.posting ENABLE TRIGGER USER;
      ALTER TABLE accounting.posting DROP CONSTRAINT place_is_whole, ALTER account_sequence SET NOT NULL, ALTER balance_after SET NOT NULL;
      DROP TABLE accounting.rollup_place;
      ${narrowCounters}
      DROP FUNCTION accounting.place_is_given_once(), accounting.place_has_its_posting(), accounting.place_follows();
      ${keepsEntriesWhole}
      ${followsWithoutRollups}
      ${postingEngine.slice(postingEngine.indexOf('-- Every account that a batch touches, locked'))}
      ${bookPostingsOfBefore}
      REVOKE ALL ON FUNCTION accounting.lock_accounts(${named}) FROM PUBLIC;
      GRANT EXECUTE ON FUNCTION accounting.lock_accounts(${named}) TO accounting`);
  }
}
