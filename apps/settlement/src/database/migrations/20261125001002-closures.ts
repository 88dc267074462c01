import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Closing a day of a calendar is a change that a second person decides on; the dates it moves stay in a history. */
export class Closures20261125001002 implements MigrationInterface {
  name = 'Closures20261125001002';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE settlement.pending_change DROP CONSTRAINT pending_change_kind_check;
      ALTER TABLE settlement.pending_change ADD CONSTRAINT pending_change_kind_check
        CHECK (kind IN ('SSI_CHANGE','PRICE_OVERRIDE','CALENDAR_CLOSURE'));
      -- A calendar belongs to no single book: whoever may see changes sees this one.
      DROP POLICY by_book ON settlement.pending_change;
      CREATE POLICY by_book ON settlement.pending_change USING (book_id = '*' OR kernel.sees_book(book_id));

      CREATE TABLE settlement.settlement_date_change (
        sequence    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        object_kind text NOT NULL CHECK (object_kind IN ('TRADE','INSTRUCTION')),
        object_id   text NOT NULL,
        book_id     text NOT NULL,
        from_date   date NOT NULL,
        to_date     date NOT NULL,
        change_id   text NOT NULL REFERENCES settlement.pending_change,
        calendars   text NOT NULL,
        reason      text NOT NULL,
        recorded_at timestamptz NOT NULL DEFAULT kernel.now(),
        CHECK (to_date > from_date),
        UNIQUE (change_id, object_kind, object_id)
      );
      CREATE INDEX settlement_date_change_by_object ON settlement.settlement_date_change (object_id, sequence);
      COMMENT ON TABLE settlement.settlement_date_change IS 'Intended settlement dates that a closure moved; the trade holds the one in force';
      COMMENT ON COLUMN settlement.settlement_date_change.calendars IS 'The version of the calendar that the new date was counted on';
      CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE ON settlement.settlement_date_change
        FOR EACH ROW EXECUTE FUNCTION settlement.never_changed();
      GRANT SELECT, INSERT ON settlement.settlement_date_change TO settlement;
      ALTER TABLE settlement.settlement_date_change ENABLE ROW LEVEL SECURITY;
      ALTER TABLE settlement.settlement_date_change FORCE ROW LEVEL SECURITY;
      CREATE POLICY by_book ON settlement.settlement_date_change USING (kernel.sees_book(book_id));

      CREATE INDEX trade_open_by_date ON settlement.trade (settlement_date, place_id) WHERE state NOT IN ('SETTLED','CANCELLED','REJECTED');`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP INDEX settlement.trade_open_by_date;
      DROP TABLE settlement.settlement_date_change;
      DROP POLICY by_book ON settlement.pending_change;
      CREATE POLICY by_book ON settlement.pending_change USING (kernel.sees_book(book_id));
      DELETE FROM settlement.pending_change WHERE kind = 'CALENDAR_CLOSURE';
      ALTER TABLE settlement.pending_change DROP CONSTRAINT pending_change_kind_check;
      ALTER TABLE settlement.pending_change ADD CONSTRAINT pending_change_kind_check CHECK (kind IN ('SSI_CHANGE','PRICE_OVERRIDE'));`);
  }
}
