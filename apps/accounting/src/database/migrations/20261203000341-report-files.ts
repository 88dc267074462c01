import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Files that jobs make: reports and exports, kept in pieces, byte for byte as they were issued. */
export class ReportFiles20261203000341 implements MigrationInterface {
  name = 'ReportFiles20261203000341';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE accounting.report_file (
        report_file_id text PRIMARY KEY,
        book_id        text NOT NULL,
        kind           text NOT NULL CHECK (kind ~ '^[A-Z][A-Z0-9_]{2,39}$'),
        name           text NOT NULL CHECK (length(name) BETWEEN 1 AND 140),
        media_type     text NOT NULL CHECK (media_type <> ''),
        -- What was asked for, so that the same can be asked for again.
        parameters     jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(parameters) = 'object'),
        requested_by   text NOT NULL,
        requested_at   timestamptz NOT NULL DEFAULT kernel.now(),
        job_run_id     text,
        state          text NOT NULL DEFAULT 'RUNNING' CHECK (state IN ('RUNNING','READY','REFUSED')),
        size_bytes     bigint,
        chunk_count    int,
        sha256         text CHECK (sha256 ~ '^[0-9a-f]{64}$'),
        problems       jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(problems) = 'array'),
        finished_at    timestamptz,
        CHECK ((state = 'READY') = (sha256 IS NOT NULL AND size_bytes IS NOT NULL AND chunk_count IS NOT NULL)),
        CHECK ((state = 'RUNNING') = (finished_at IS NULL)),
        CHECK ((state = 'REFUSED') = (problems <> '[]')),
        UNIQUE (report_file_id, book_id)
      );
      CREATE INDEX report_file_book ON accounting.report_file (book_id, requested_at, report_file_id);

      CREATE TABLE accounting.report_file_chunk (
        report_file_id text NOT NULL,
        n              int NOT NULL CHECK (n >= 1),
        book_id        text NOT NULL,
        content        bytea NOT NULL CHECK (octet_length(content) BETWEEN 1 AND 1048576),
        PRIMARY KEY (report_file_id, n),
        FOREIGN KEY (report_file_id, book_id) REFERENCES accounting.report_file (report_file_id, book_id)
      );
      -- A compressed file does not shrink any further.
      ALTER TABLE accounting.report_file_chunk ALTER content SET STORAGE EXTERNAL;

      -- Pieces come and go while the file is being made, and only then; who ends it waits for them.
      CREATE FUNCTION accounting.chunk_is_of_a_file_being_made() RETURNS trigger LANGUAGE plpgsql AS $$
      DECLARE id text := CASE TG_OP WHEN 'DELETE' THEN OLD.report_file_id ELSE NEW.report_file_id END;
      BEGIN
        PERFORM FROM accounting.report_file f WHERE f.report_file_id = id AND f.state = 'RUNNING' FOR SHARE;
        IF NOT FOUND OR TG_OP = 'UPDATE' THEN
          RAISE EXCEPTION 'file % is not being made: its pieces stay as they are', id USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
      END $$;
      CREATE TRIGGER chunk_is_of_a_file_being_made BEFORE INSERT OR UPDATE OR DELETE ON accounting.report_file_chunk
        FOR EACH ROW EXECUTE FUNCTION accounting.chunk_is_of_a_file_being_made();

      -- A file ends once, with the bytes that it says it has.
      CREATE FUNCTION accounting.file_is_what_it_says() RETURNS trigger LANGUAGE plpgsql AS $$
      DECLARE made record;
      BEGIN
        IF TG_OP = 'DELETE' OR OLD.state <> 'RUNNING' OR (NEW.report_file_id, NEW.book_id, NEW.kind, NEW.name, NEW.media_type, NEW.parameters, NEW.requested_by, NEW.requested_at)
            IS DISTINCT FROM (OLD.report_file_id, OLD.book_id, OLD.kind, OLD.name, OLD.media_type, OLD.parameters, OLD.requested_by, OLD.requested_at) THEN
          RAISE EXCEPTION 'file % stays as it was issued: ask for another', OLD.report_file_id USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.state <> 'READY' THEN RETURN NEW; END IF;
        SELECT count(*) AS chunks, coalesce(max(c.n), 0) AS last, coalesce(sum(octet_length(c.content)), 0) AS bytes,
               encode(sha256(coalesce(string_agg(c.content, ''::bytea ORDER BY c.n), ''::bytea)), 'hex') AS hash
          INTO made FROM accounting.report_file_chunk c WHERE c.report_file_id = NEW.report_file_id;
        IF (made.chunks, made.last, made.bytes, made.hash) IS DISTINCT FROM (NEW.chunk_count::bigint, NEW.chunk_count, NEW.size_bytes::numeric, NEW.sha256) THEN
          RAISE EXCEPTION 'file % has % bytes in % pieces with another hash than it says', NEW.report_file_id, made.bytes, made.chunks USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER file_is_what_it_says BEFORE UPDATE OR DELETE ON accounting.report_file
        FOR EACH ROW EXECUTE FUNCTION accounting.file_is_what_it_says();
    `);
    for (const table of ['report_file', 'report_file_chunk']) {
      await runner.query(`
        ALTER TABLE accounting.${table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE accounting.${table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY by_book ON accounting.${table} USING (kernel.sees_book(book_id));
        CREATE TRIGGER never_truncated BEFORE TRUNCATE ON accounting.${table} FOR EACH STATEMENT EXECUTE FUNCTION accounting.never_changes();
        GRANT SELECT, INSERT ON accounting.${table} TO accounting;
        GRANT SELECT ON accounting.${table} TO verify;
      `);
    }
    await runner.query(`
      GRANT UPDATE (job_run_id, state, size_bytes, chunk_count, sha256, problems, finished_at) ON accounting.report_file TO accounting;
      GRANT DELETE ON accounting.report_file_chunk TO accounting;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE accounting.report_file_chunk, accounting.report_file;
      DROP FUNCTION accounting.chunk_is_of_a_file_being_made(), accounting.file_is_what_it_says();
    `);
  }
}
