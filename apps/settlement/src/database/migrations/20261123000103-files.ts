import { type MigrationInterface, type QueryRunner } from 'typeorm';

export class Files20261123000103 implements MigrationInterface {
  name = 'Files20261123000103';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE settlement.file (
        file_id       text PRIMARY KEY,
        kind          text NOT NULL,
        name          text NOT NULL,
        book_id       text NOT NULL,
        sha256        text NOT NULL,
        content       bytea NOT NULL,
        size_bytes    int NOT NULL,
        state         text NOT NULL DEFAULT 'RECEIVED' CHECK (state IN ('RECEIVED','IMPORTING','IMPORTED','REFUSED')),
        counts        jsonb NOT NULL DEFAULT '{}',
        problems      jsonb NOT NULL DEFAULT '[]',
        job_run_id    text,
        business_date date NOT NULL,
        received_at   timestamptz NOT NULL DEFAULT kernel.now(),
        received_by   text NOT NULL,
        books         text[],
        UNIQUE (kind, sha256, name)
      );
      COMMENT ON COLUMN settlement.file.books IS 'The books of whoever sent it, which its lines may not leave; null is all';
      COMMENT ON COLUMN settlement.file.book_id IS '* when the lines say their book';
      CREATE INDEX file_by_date ON settlement.file (business_date, kind);

      CREATE TABLE settlement.file_line (
        file_id       text NOT NULL REFERENCES settlement.file,
        line          int NOT NULL,
        book_id       text NOT NULL,
        business_date date NOT NULL,
        outcome       text NOT NULL CHECK (outcome IN ('CAPTURED','REJECTED','AMENDMENT','DUPLICATE','CONFLICT','ACCEPTED')),
        problems      jsonb NOT NULL DEFAULT '[]',
        reference     text,
        object_id     text,
        asset_class   text,
        market        text,
        currency      text,
        amount        numeric,
        PRIMARY KEY (file_id, line)
      );
      CREATE INDEX file_line_by_date ON settlement.file_line (business_date, outcome);

      CREATE TABLE settlement.expected_file_schedule (
        book_id       text NOT NULL,
        kind          text NOT NULL,
        qualifier     text NOT NULL DEFAULT '',
        local_time    text NOT NULL CHECK (local_time ~ '^[0-2][0-9]:[0-5][0-9]$'),
        zone          text NOT NULL,
        grace_minutes int NOT NULL DEFAULT 0,
        PRIMARY KEY (book_id, kind, qualifier)
      );
      CREATE TABLE settlement.expected_file (
        book_id       text NOT NULL,
        business_date date NOT NULL,
        kind          text NOT NULL,
        qualifier     text NOT NULL DEFAULT '',
        local_time    text NOT NULL,
        zone          text NOT NULL,
        due_at        timestamptz NOT NULL,
        late_from     timestamptz NOT NULL,
        arrived_at    timestamptz,
        is_late       boolean,
        arrival_id    text,
        PRIMARY KEY (book_id, business_date, kind, qualifier),
        CHECK ((arrived_at IS NULL) = (is_late IS NULL))
      );
      CREATE INDEX expected_file_open ON settlement.expected_file (business_date, kind) WHERE arrived_at IS NULL;

      GRANT SELECT, INSERT ON settlement.file, settlement.file_line TO settlement;
      GRANT UPDATE (state, counts, problems, job_run_id) ON settlement.file TO settlement;
      GRANT UPDATE (outcome, problems) ON settlement.file_line TO settlement;
      GRANT SELECT, INSERT, UPDATE ON settlement.expected_file, settlement.expected_file_schedule TO settlement;
    `);
    for (const table of ['file', 'file_line', 'expected_file', 'expected_file_schedule']) {
      await runner.query(`
      ALTER TABLE settlement.${table} ENABLE ROW LEVEL SECURITY;
      ALTER TABLE settlement.${table} FORCE ROW LEVEL SECURITY;
      CREATE POLICY by_book ON settlement.${table} USING (book_id = '*' OR kernel.sees_book(book_id));`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'DROP TABLE settlement.expected_file, settlement.expected_file_schedule, settlement.file_line, settlement.file',
    );
  }
}
