import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { postItems } from '../posting-function-of-20261123.js';

/** The only writers of the journal. They run as the owner of the tables; row-level security still limits them to the caller's books. */
export class Posting20261123000203 implements MigrationInterface {
  name = 'Posting20261123000203';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(postItems);
    await runner.query(`
      -- A dry run takes the very same path and is undone whole.
      CREATE FUNCTION accounting.post(request jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER
      SET search_path = accounting, pg_temp AS $$
      DECLARE decided jsonb;
      BEGIN
        IF NOT coalesce((request->>'validateOnly')::boolean, false) THEN
          RETURN accounting.post_items(request);
        END IF;
        BEGIN
          decided := accounting.post_items(request);
          RAISE EXCEPTION 'dry run' USING ERRCODE = 'NGDRY';
        EXCEPTION WHEN SQLSTATE 'NGDRY' THEN
          RETURN decided;
        END;
      END $$;

      -- An account's rows are locked in the same order as by a posting, so no posting sees half a change.
      CREATE FUNCTION accounting.set_account_state(book text, account_number text, new_state text) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
      SET search_path = accounting, pg_temp AS $$
      BEGIN
        PERFORM b.ledger_account_id FROM balance b JOIN ledger_account l USING (ledger_account_id)
          WHERE l.book_id = book AND l.number = account_number ORDER BY b.ledger_account_id FOR UPDATE OF b;
        UPDATE account SET state = new_state WHERE book_id = book AND number = account_number;
        RETURN FOUND;
      END $$;

      -- A limit below what is already drawn does not undo the past: the difference stands as excess until it recovers.
      CREATE FUNCTION accounting.set_limit(book text, account_number text, of_asset text, overdraft numeric, payment_limit numeric) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
      SET search_path = accounting, pg_temp AS $$
      DECLARE new_version int;
      BEGIN
        PERFORM b.ledger_account_id FROM balance b JOIN ledger_account l USING (ledger_account_id)
          WHERE l.book_id = book AND l.number = account_number AND l.asset = of_asset FOR UPDATE OF b;
        INSERT INTO account_limit AS t (book_id, number, asset, overdraft_units, payment_limit_units)
          VALUES (book, account_number, of_asset, overdraft, payment_limit)
          ON CONFLICT (book_id, number, asset) DO UPDATE
             SET overdraft_units = excluded.overdraft_units, payment_limit_units = excluded.payment_limit_units,
                 version = t.version + 1, changed_at = kernel.now()
          RETURNING version INTO new_version;
        UPDATE balance b
           SET limit_units = overdraft,
               forced_excess = CASE WHEN b.available < -overdraft THEN -b.available ELSE 0 END
          FROM ledger_account l
         WHERE l.ledger_account_id = b.ledger_account_id AND l.book_id = book AND l.number = account_number AND l.asset = of_asset;
        RETURN new_version;
      END $$;

      REVOKE ALL ON FUNCTION accounting.post(jsonb), accounting.post_items(jsonb),
        accounting.set_account_state(text, text, text), accounting.set_limit(text, text, text, numeric, numeric) FROM PUBLIC;
      GRANT EXECUTE ON FUNCTION accounting.post(jsonb),
        accounting.set_account_state(text, text, text), accounting.set_limit(text, text, text, numeric, numeric) TO accounting;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP FUNCTION IF EXISTS accounting.post(jsonb), accounting.post_items(jsonb),
        accounting.set_account_state(text, text, text), accounting.set_limit(text, text, text, numeric, numeric)`);
  }
}
