import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Runs in the schema of each service, whose name is also its role's. */
export class WorkItem20261101000500 implements MigrationInterface {
  name = 'WorkItem20261101000500';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE work_item (
        work_item_id      text PRIMARY KEY,
        key               text NOT NULL UNIQUE CHECK (key <> ''),
        kind              text NOT NULL,
        category          text NOT NULL CHECK (category IN ('REPAIR','UNCONFIRMED','HELD','FAIL','PARTIAL','UNMATCHED',
                            'LATE_FILE','BREAK','SHORTFALL','DEAD_LETTER','CANCELLATION','OTHER')),
        object_kind       text NOT NULL,
        object_id         text NOT NULL,
        reference         text NOT NULL,
        reason_code       text NOT NULL,
        book_id           text NOT NULL,
        value_currency    text CHECK (value_currency ~ '^[A-Z]{3}$'),
        value_minor       numeric(39,0),
        owner_team        text NOT NULL CHECK (owner_team <> ''),
        assignee          text CHECK (assignee <> ''),
        due_at            timestamptz NOT NULL,
        next_action       text NOT NULL CHECK (next_action <> ''),
        state             text NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN','SNOOZED','CLOSED')),
        snoozed_until     timestamptz,
        escalation_level  integer NOT NULL DEFAULT 0 CHECK (escalation_level >= 0),
        opened_at         timestamptz NOT NULL DEFAULT kernel.now(),
        closed_at         timestamptz,
        closed_by         text CHECK (closed_by <> ''),
        close_reason      text CHECK (close_reason <> ''),
        CONSTRAINT value_has_its_currency CHECK ((value_currency IS NULL) = (value_minor IS NULL)),
        CONSTRAINT snoozed_until_when CHECK ((state = 'SNOOZED') = (snoozed_until IS NOT NULL)),
        CONSTRAINT closing_needs_a_reason CHECK (
          (state = 'CLOSED' AND closed_at IS NOT NULL AND closed_by IS NOT NULL AND close_reason IS NOT NULL)
          OR (state <> 'CLOSED' AND closed_at IS NULL AND closed_by IS NULL AND close_reason IS NULL))
      );
      CREATE INDEX work_item_open ON work_item (due_at, work_item_id) WHERE state <> 'CLOSED';
      CREATE INDEX work_item_due ON work_item (due_at, work_item_id);
      CREATE INDEX work_item_object ON work_item (object_kind, object_id);
      COMMENT ON COLUMN work_item.book_id IS '* for what belongs to the whole institution';

      CREATE TABLE work_item_change (
        work_item_id  text NOT NULL REFERENCES work_item,
        sequence      bigint GENERATED ALWAYS AS IDENTITY,
        action        text NOT NULL CHECK (action IN ('OPENED','ASSIGNED','SNOOZED','ESCALATED','CLOSED')),
        changed_by    text NOT NULL CHECK (changed_by <> ''),
        reason        text NOT NULL CHECK (reason <> ''),
        detail        text,
        at            timestamptz NOT NULL DEFAULT kernel.now(),
        PRIMARY KEY (work_item_id, sequence)
      );

      ALTER TABLE work_item ENABLE ROW LEVEL SECURITY;
      ALTER TABLE work_item FORCE ROW LEVEL SECURITY;
      CREATE POLICY by_book ON work_item USING (book_id = '*' OR kernel.sees_book(book_id));
      ALTER TABLE work_item_change ENABLE ROW LEVEL SECURITY;
      ALTER TABLE work_item_change FORCE ROW LEVEL SECURITY;
      CREATE POLICY by_item ON work_item_change
        USING (EXISTS (SELECT FROM work_item WHERE work_item.work_item_id = work_item_change.work_item_id));

      DO $$ BEGIN
        EXECUTE format('GRANT SELECT, INSERT ON work_item, work_item_change TO %I', current_schema());
        EXECUTE format('GRANT UPDATE (state, assignee, owner_team, due_at, snoozed_until, escalation_level, closed_at, closed_by, close_reason)
                          ON work_item TO %I', current_schema());
      END $$;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE work_item_change; DROP TABLE work_item');
  }
}
