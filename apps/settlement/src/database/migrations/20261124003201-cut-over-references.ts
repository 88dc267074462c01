import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Under which line, and as what, an id of the system before came in: found as long as anybody asks for it. */
export class CutOverReferences20261124003201 implements MigrationInterface {
  name = 'CutOverReferences20261124003201';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE settlement.cut_over_reference (
        import_id text NOT NULL REFERENCES settlement.cut_over,
        kind      text NOT NULL,
        line      int NOT NULL CHECK (line > 1),
        old_id    text NOT NULL CHECK (old_id <> ''),
        object_id text NOT NULL CHECK (object_id <> ''),
        book_id   text NOT NULL,
        PRIMARY KEY (import_id, kind, line)
      );
      CREATE INDEX cut_over_reference_old_id ON settlement.cut_over_reference (old_id);
      COMMENT ON COLUMN settlement.cut_over_reference.book_id IS '* for what belongs to the whole institution';
      ALTER TABLE settlement.cut_over_reference ENABLE ROW LEVEL SECURITY;
      ALTER TABLE settlement.cut_over_reference FORCE ROW LEVEL SECURITY;
      CREATE POLICY by_book ON settlement.cut_over_reference USING (book_id = '*' OR kernel.sees_book(book_id));
      GRANT SELECT, INSERT, DELETE ON settlement.cut_over_reference TO settlement;

      CREATE FUNCTION settlement.only_unsigned_reference() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF NOT EXISTS (SELECT FROM settlement.cut_over c WHERE c.import_id = OLD.import_id AND c.state = 'ROLLING_BACK') THEN
          RAISE EXCEPTION 'where % came from is never forgotten', OLD.old_id USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN OLD;
      END $$;
      CREATE TRIGGER only_unsigned_reference BEFORE DELETE ON settlement.cut_over_reference
        FOR EACH ROW EXECUTE FUNCTION settlement.only_unsigned_reference();
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE settlement.cut_over_reference;
      DROP FUNCTION settlement.only_unsigned_reference();
    `);
  }
}
