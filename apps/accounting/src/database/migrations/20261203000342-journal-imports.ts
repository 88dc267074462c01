import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Journals that people wrote by hand in hledger's format: kept as they came, and booked whole when a second person has agreed. */
export class JournalImports20261203000342 implements MigrationInterface {
  name = 'JournalImports20261203000342';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE accounting.journal_import (
        import_id    text PRIMARY KEY,
        book_id      text NOT NULL,
        name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 140),
        content      text NOT NULL CHECK (content <> ''),
        sha256       text NOT NULL CHECK (sha256 = encode(sha256(convert_to(content, 'UTF8')), 'hex')),
        entry_count  int NOT NULL CHECK (entry_count >= 1),
        -- What each line came to.
        lines        jsonb NOT NULL CHECK (jsonb_typeof(lines) = 'array'),
        state        text NOT NULL DEFAULT 'CHECKED' CHECK (state IN ('CHECKED','BOOKED')),
        submitted_by text NOT NULL,
        submitted_at timestamptz NOT NULL DEFAULT kernel.now(),
        booked_by    text,
        booked_at    timestamptz,
        -- The same file twice is one.
        UNIQUE (book_id, sha256),
        CHECK ((state = 'BOOKED') = (booked_by IS NOT NULL AND booked_at IS NOT NULL)),
        CHECK (booked_by <> submitted_by)
      );

      -- A file keeps its words, and is booked once: with all of its entries.
      CREATE FUNCTION accounting.import_is_booked_whole() RETURNS trigger LANGUAGE plpgsql AS $$
      DECLARE booked bigint;
      BEGIN
        IF TG_OP = 'DELETE' OR OLD.state <> 'CHECKED' OR (NEW.import_id, NEW.book_id, NEW.name, NEW.content, NEW.entry_count, NEW.submitted_by, NEW.submitted_at)
            IS DISTINCT FROM (OLD.import_id, OLD.book_id, OLD.name, OLD.content, OLD.entry_count, OLD.submitted_by, OLD.submitted_at) THEN
          RAISE EXCEPTION 'import % stays as it is: bring another file', OLD.import_id USING ERRCODE = 'restrict_violation';
        END IF;
        SELECT count(*) INTO booked FROM accounting.journal_entry e
         WHERE e.subject_kind = 'PLAIN_TEXT_JOURNAL' AND e.subject_id = NEW.import_id AND e.book_id = NEW.book_id;
        IF NEW.state = 'BOOKED' AND booked <> NEW.entry_count THEN
          RAISE EXCEPTION 'import % has % of % entries in the journal', NEW.import_id, booked, NEW.entry_count USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER import_is_booked_whole BEFORE UPDATE OR DELETE ON accounting.journal_import
        FOR EACH ROW EXECUTE FUNCTION accounting.import_is_booked_whole();
      CREATE TRIGGER never_truncated BEFORE TRUNCATE ON accounting.journal_import FOR EACH STATEMENT EXECUTE FUNCTION accounting.never_changes();

      ALTER TABLE accounting.journal_import ENABLE ROW LEVEL SECURITY;
      ALTER TABLE accounting.journal_import FORCE ROW LEVEL SECURITY;
      CREATE POLICY by_book ON accounting.journal_import USING (kernel.sees_book(book_id));
      GRANT SELECT, INSERT ON accounting.journal_import TO accounting;
      GRANT UPDATE (state, booked_by, booked_at, lines) ON accounting.journal_import TO accounting;
      GRANT SELECT ON accounting.journal_import TO verify;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE accounting.journal_import; DROP FUNCTION accounting.import_is_booked_whole()');
  }
}
