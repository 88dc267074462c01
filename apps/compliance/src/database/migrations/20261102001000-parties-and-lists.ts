import { type MigrationInterface, type QueryRunner } from 'typeorm';

const partyColumns = `
  party_id    text NOT NULL,
  version     integer NOT NULL CHECK (version > 0),
  kind        text NOT NULL CHECK (kind IN ('CLIENT', 'COUNTERPARTY', 'CCP', 'CUSTODIAN', 'INSTITUTION')),
  legal_form  text NOT NULL CHECK (legal_form IN ('NATURAL', 'LEGAL')),
  name        text NOT NULL CHECK (name <> ''),
  country     text CHECK (country ~ '^[A-Z]{2}$'),
  birth_date  date,
  lei         text,
  book_id     text NOT NULL,
  status      text NOT NULL CHECK (status IN ('ACTIVE', 'INACTIVE', 'WITHDRAWN')),
  import_id   text,
  changed_at  timestamptz NOT NULL DEFAULT kernel.now()`;

export class PartiesAndLists20261102001000 implements MigrationInterface {
  name = 'PartiesAndLists20261102001000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE FUNCTION compliance.is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION '% is a record: it is added to, never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
      END $$;

      CREATE TABLE compliance.party (
        ${partyColumns},
        is_held      boolean NOT NULL DEFAULT false,
        PRIMARY KEY (party_id)
      );
      CREATE INDEX party_of_import ON compliance.party (import_id);
      COMMENT ON TABLE compliance.party IS 'Persons and institutions we deal with; the only place where their names are kept';
      COMMENT ON COLUMN compliance.party.book_id IS '* for a party of the whole institution: a counterparty, a custodian';

      CREATE TABLE compliance.party_version (
        ${partyColumns},
        PRIMARY KEY (party_id, version)
      );
      CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON compliance.party_version
        FOR EACH ROW EXECUTE FUNCTION compliance.is_append_only();

      CREATE TABLE compliance.party_import (
        import_id  text PRIMARY KEY,
        state      text NOT NULL CHECK (state IN ('APPLIED', 'SIGNED', 'ROLLED_BACK')),
        changed_at timestamptz NOT NULL DEFAULT kernel.now()
      );

      CREATE TABLE compliance.list_version (
        list_version_id     text PRIMARY KEY,
        source              text NOT NULL,
        name                text NOT NULL,
        content_hash        text NOT NULL CHECK (content_hash ~ '^[0-9a-f]{64}$'),
        previous_version_id text REFERENCES compliance.list_version,
        entry_count         integer NOT NULL,
        alias_count         integer NOT NULL,
        address_count       integer NOT NULL,
        added_count         integer,
        changed_count       integer,
        removed_count       integer,
        party_hit_count     integer,
        state               text NOT NULL DEFAULT 'RECEIVED' CHECK (state IN ('RECEIVED', 'ACTIVE', 'SUPERSEDED')),
        received_at         timestamptz NOT NULL DEFAULT kernel.now(),
        received_by         text NOT NULL,
        activated_at        timestamptz,
        rescreened_at       timestamptz,
        job_run_id          text,
        sequence            bigint GENERATED ALWAYS AS IDENTITY
      );
      CREATE UNIQUE INDEX one_version_in_force ON compliance.list_version (source) WHERE state = 'ACTIVE';
      COMMENT ON TABLE compliance.list_version IS 'A sanctions list as it was published; its content never changes';

      CREATE TABLE compliance.list_content (
        list_version_id text NOT NULL REFERENCES compliance.list_version,
        part            text NOT NULL CHECK (part IN ('NAMES', 'ALIASES', 'ADDRESSES')),
        content         text NOT NULL,
        PRIMARY KEY (list_version_id, part)
      );

      CREATE TABLE compliance.list_entry (
        entry_version_id text PRIMARY KEY,
        source           text NOT NULL,
        entry_number     text NOT NULL,
        kind             text NOT NULL,
        name             text NOT NULL,
        aliases          jsonb NOT NULL,
        programs         jsonb NOT NULL,
        remarks          text NOT NULL
      );
      COMMENT ON TABLE compliance.list_entry IS 'One content of one entry: an entry that changes gets another id, one that stays keeps it';

      CREATE TABLE compliance.list_version_entry (
        list_version_id  text NOT NULL REFERENCES compliance.list_version,
        entry_version_id text NOT NULL REFERENCES compliance.list_entry,
        PRIMARY KEY (list_version_id, entry_version_id)
      );

      CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON compliance.list_content
        FOR EACH ROW EXECUTE FUNCTION compliance.is_append_only();
      CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON compliance.list_entry
        FOR EACH ROW EXECUTE FUNCTION compliance.is_append_only();
      CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON compliance.list_version_entry
        FOR EACH ROW EXECUTE FUNCTION compliance.is_append_only();

      CREATE TABLE compliance.list_state (
        is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only)
      );
      INSERT INTO compliance.list_state DEFAULT VALUES;
      COMMENT ON TABLE compliance.list_state IS 'One row: screenings lock it shared, an activation exclusively, so that nobody is screened against lists that are just being replaced';

      ALTER TABLE compliance.party ENABLE ROW LEVEL SECURITY;
      ALTER TABLE compliance.party FORCE ROW LEVEL SECURITY;
      CREATE POLICY by_book ON compliance.party USING (book_id = '*' OR kernel.sees_book(book_id));
      ALTER TABLE compliance.party_version ENABLE ROW LEVEL SECURITY;
      ALTER TABLE compliance.party_version FORCE ROW LEVEL SECURITY;
      CREATE POLICY by_book ON compliance.party_version USING (book_id = '*' OR kernel.sees_book(book_id));

      GRANT SELECT, INSERT, UPDATE ON compliance.party, compliance.party_import TO compliance;
      GRANT SELECT, INSERT ON compliance.party_version, compliance.list_content, compliance.list_entry, compliance.list_version_entry TO compliance;
      GRANT SELECT, INSERT ON compliance.list_version TO compliance;
      GRANT UPDATE (state, added_count, changed_count, removed_count, party_hit_count, activated_at, rescreened_at, job_run_id)
        ON compliance.list_version TO compliance;
      GRANT SELECT, UPDATE ON compliance.list_state TO compliance;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE compliance.list_state, compliance.list_version_entry, compliance.list_entry, compliance.list_content,
        compliance.list_version, compliance.party_import, compliance.party_version, compliance.party;
      DROP FUNCTION compliance.is_append_only();
    `);
  }
}
