import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Runs in the schema of the service that keeps the log, whose name is also its role's. */
export class AuditLeaf20261101000300 implements MigrationInterface {
  name = 'AuditLeaf20261101000300';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE audit_leaf (
        sequence    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        leaf_hash   text NOT NULL CHECK (leaf_hash ~ '^[0-9a-f]{64}$'),
        canonical   jsonb NOT NULL,
        action      text NOT NULL,
        object_kind text NOT NULL,
        object_id   text NOT NULL,
        book_id     text NOT NULL,
        principal   text NOT NULL,
        reason      text,
        before_hash text,
        after_hash  text,
        at          timestamptz NOT NULL
      );
      CREATE INDEX audit_leaf_object ON audit_leaf (object_kind, object_id, sequence);
      COMMENT ON TABLE audit_leaf IS 'Leaves of the audit tree (RFC 6962): appended, never changed';
      COMMENT ON COLUMN audit_leaf.book_id IS '* for what belongs to the whole institution';

      CREATE TABLE audit_salt (
        commitment  text PRIMARY KEY CHECK (commitment ~ '^[0-9a-f]{64}$'),
        salt        bytea NOT NULL,
        object_kind text NOT NULL,
        object_id   text NOT NULL
      );
      CREATE INDEX audit_salt_object ON audit_salt (object_kind, object_id);
      COMMENT ON TABLE audit_salt IS 'What opens a commitment; erasing a row silences the commitment and breaks no proof';

      CREATE FUNCTION audit_leaf_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION 'an audit leaf is never changed or removed' USING ERRCODE = 'restrict_violation';
      END $$;
      CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_leaf
        FOR EACH ROW EXECUTE FUNCTION audit_leaf_is_append_only();
      CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON audit_leaf
        FOR EACH STATEMENT EXECUTE FUNCTION audit_leaf_is_append_only();

      ALTER TABLE audit_leaf ENABLE ROW LEVEL SECURITY;
      ALTER TABLE audit_leaf FORCE ROW LEVEL SECURITY;
      CREATE POLICY by_book ON audit_leaf USING (book_id = '*' OR kernel.sees_book(book_id));

      DO $$ BEGIN
        EXECUTE format('GRANT SELECT, INSERT ON audit_leaf TO %I', current_schema());
        EXECUTE format('GRANT SELECT, INSERT ON audit_salt TO %I', current_schema());
      END $$;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE audit_leaf; DROP TABLE audit_salt; DROP FUNCTION audit_leaf_is_append_only()');
  }
}
