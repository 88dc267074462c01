import { type MigrationInterface, type QueryRunner } from 'typeorm';

export class ChangesAndCutOver20261123000104 implements MigrationInterface {
  name = 'ChangesAndCutOver20261123000104';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- A change of static data that waits for a second person. The hash binds the approval to the payload.
      CREATE TABLE settlement.pending_change (
        change_id    text PRIMARY KEY,
        approval_id  text NOT NULL UNIQUE,
        kind         text NOT NULL CHECK (kind IN ('SSI_CHANGE','PRICE_OVERRIDE')),
        object_id    text NOT NULL,
        book_id      text NOT NULL,
        payload      jsonb NOT NULL,
        payload_hash text NOT NULL,
        reason       text NOT NULL,
        state        text NOT NULL CHECK (state IN ('PENDING','APPLIED','REJECTED','EXPIRED','WITHDRAWN','REFUSED')),
        proposed_by  text NOT NULL,
        proposed_at  timestamptz NOT NULL DEFAULT kernel.now(),
        expires_at   timestamptz NOT NULL,
        decided_by   text,
        decided_at   timestamptz,
        outcome_note text,
        -- Never the maker: the wall behind the one in compliance.
        CHECK (state <> 'APPLIED' OR (decided_by IS NOT NULL AND decided_by <> proposed_by))
      );
      CREATE UNIQUE INDEX pending_change_open ON settlement.pending_change (kind, object_id) WHERE state = 'PENDING';

      CREATE TABLE settlement.cut_over (
        import_id      text PRIMARY KEY,
        name           text NOT NULL,
        is_dry_run     boolean NOT NULL,
        state          text NOT NULL CHECK (state IN
          ('VALIDATING','REFUSED','DRY_RUN_PASSED','APPLYING','AWAITING_SIGNATURES','SIGNED','ROLLING_BACK','ROLLED_BACK','FAILED')),
        books          text[] NOT NULL DEFAULT '{}',
        control_totals jsonb NOT NULL,
        report         jsonb NOT NULL DEFAULT '{}',
        started_by     text NOT NULL,
        started_at     timestamptz NOT NULL DEFAULT kernel.now(),
        finished_at    timestamptz,
        job_run_id     text
      );
      -- The files hold names and addresses: sealed, and emptied once two people have signed.
      CREATE TABLE settlement.cut_over_file (
        import_id      text NOT NULL REFERENCES settlement.cut_over,
        kind           text NOT NULL,
        sha256         text NOT NULL,
        row_count      int NOT NULL DEFAULT 0,
        sealed_content text,
        PRIMARY KEY (import_id, kind)
      );
      CREATE TABLE settlement.cut_over_chunk (
        import_id  text NOT NULL REFERENCES settlement.cut_over,
        consumer   text NOT NULL,
        kind       text NOT NULL,
        chunk      int NOT NULL,
        row_count  int NOT NULL,
        sent_at    timestamptz NOT NULL DEFAULT kernel.now(),
        applied_at timestamptz,
        refused    jsonb NOT NULL DEFAULT '[]',
        PRIMARY KEY (import_id, consumer, kind, chunk)
      );
      CREATE TABLE settlement.cut_over_rollback (
        import_id      text NOT NULL REFERENCES settlement.cut_over,
        consumer       text NOT NULL,
        rolled_back_at timestamptz,
        PRIMARY KEY (import_id, consumer)
      );
      -- Two signatures, by two people: neither twice by one, nor a third.
      CREATE TABLE settlement.cut_over_signature (
        import_id text NOT NULL REFERENCES settlement.cut_over,
        n         int NOT NULL CHECK (n IN (1, 2)),
        signed_by text NOT NULL,
        signed_at timestamptz NOT NULL DEFAULT kernel.now(),
        PRIMARY KEY (import_id, n),
        UNIQUE (import_id, signed_by)
      );
      -- What came in for a feature that works with it later, as it came.
      CREATE TABLE settlement.cut_over_kept (
        import_id text NOT NULL REFERENCES settlement.cut_over,
        kind      text NOT NULL,
        line      int NOT NULL,
        book_id   text NOT NULL,
        object_id text NOT NULL,
        content   jsonb NOT NULL,
        PRIMARY KEY (import_id, kind, line)
      );
      CREATE INDEX cut_over_kept_object ON settlement.cut_over_kept (object_id);

      GRANT SELECT, INSERT, UPDATE ON settlement.pending_change, settlement.cut_over, settlement.cut_over_file,
        settlement.cut_over_chunk, settlement.cut_over_rollback TO settlement;
      GRANT SELECT, INSERT ON settlement.cut_over_signature TO settlement;
      GRANT SELECT, INSERT, DELETE ON settlement.cut_over_kept TO settlement;

      -- A trade is never removed, but for one that an import brought in and that nobody had signed for.
      CREATE FUNCTION settlement.only_unsigned_import() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF NOT EXISTS (SELECT 1 FROM settlement.cut_over c WHERE c.import_id = OLD.import_id AND c.state = 'ROLLING_BACK') THEN
          RAISE EXCEPTION 'trade % is never removed', OLD.trade_id USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN OLD;
      END $$;
      CREATE TRIGGER only_unsigned_import BEFORE DELETE ON settlement.trade
        FOR EACH ROW EXECUTE FUNCTION settlement.only_unsigned_import();
      CREATE FUNCTION settlement.only_unsigned_version() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF NOT EXISTS (SELECT 1 FROM settlement.cut_over c WHERE c.import_id = OLD.origin AND c.state = 'ROLLING_BACK') THEN
          RAISE EXCEPTION 'version % of trade % is never removed', OLD.version, OLD.trade_id USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN OLD;
      END $$;
      CREATE TRIGGER only_unsigned_version BEFORE DELETE ON settlement.trade_version
        FOR EACH ROW EXECUTE FUNCTION settlement.only_unsigned_version();
      GRANT DELETE ON settlement.trade, settlement.trade_version TO settlement;

      ALTER TABLE settlement.pending_change ENABLE ROW LEVEL SECURITY;
      ALTER TABLE settlement.pending_change FORCE ROW LEVEL SECURITY;
      CREATE POLICY by_book ON settlement.pending_change USING (kernel.sees_book(book_id));
      ALTER TABLE settlement.cut_over_kept ENABLE ROW LEVEL SECURITY;
      ALTER TABLE settlement.cut_over_kept FORCE ROW LEVEL SECURITY;
      CREATE POLICY by_book ON settlement.cut_over_kept USING (kernel.sees_book(book_id));
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TRIGGER only_unsigned_version ON settlement.trade_version;
      DROP FUNCTION settlement.only_unsigned_version();
      DROP TRIGGER only_unsigned_import ON settlement.trade;
      DROP FUNCTION settlement.only_unsigned_import();
      DROP TABLE settlement.cut_over_kept, settlement.cut_over_signature, settlement.cut_over_rollback, settlement.cut_over_chunk,
        settlement.cut_over_file, settlement.cut_over, settlement.pending_change`);
  }
}
