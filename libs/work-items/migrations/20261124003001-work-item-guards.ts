import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** What a work item must keep, whoever writes: its past, and a line of history for each of its states. */
export class WorkItemGuards20261124003001 implements MigrationInterface {
  name = 'WorkItemGuards20261124003001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE work_item_change DROP CONSTRAINT work_item_change_action_check;
      ALTER TABLE work_item_change ADD CONSTRAINT work_item_change_action_check
        CHECK (action IN ('OPENED','ASSIGNED','SNOOZED','ESCALATED','CLOSED','REOPENED'));

      CREATE FUNCTION work_item_history_stays() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION 'the history of a work item is added to, never changed' USING ERRCODE = 'restrict_violation';
      END $$;
      CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON work_item_change
        FOR EACH ROW EXECUTE FUNCTION work_item_history_stays();

      CREATE FUNCTION work_item_stays_closed() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF TG_OP = 'DELETE' THEN
          RAISE EXCEPTION 'a work item is closed with a reason, never deleted' USING ERRCODE = 'restrict_violation';
        END IF;
        IF OLD.state = 'CLOSED' AND NEW.state <> 'OPEN' THEN
          RAISE EXCEPTION 'work item % is closed', OLD.work_item_id USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER stays_closed BEFORE UPDATE OR DELETE ON work_item
        FOR EACH ROW EXECUTE FUNCTION work_item_stays_closed();

      -- At the end of the transaction the newest line of its history must tell the state that the item is in.
      CREATE FUNCTION work_item_has_its_history() RETURNS trigger LANGUAGE plpgsql AS $$
      DECLARE
        last_action text;
        present_state text;
      BEGIN
        EXECUTE format('SELECT state FROM %I.work_item WHERE work_item_id = $1', TG_TABLE_SCHEMA) INTO present_state USING NEW.work_item_id;
        EXECUTE format($q$SELECT action FROM %I.work_item_change WHERE work_item_id = $1 AND action NOT IN ('ASSIGNED','ESCALATED')
                            ORDER BY sequence DESC LIMIT 1$q$, TG_TABLE_SCHEMA) INTO last_action USING NEW.work_item_id;
        IF (CASE last_action WHEN 'OPENED' THEN 'OPEN' WHEN 'REOPENED' THEN 'OPEN' ELSE last_action END) IS DISTINCT FROM present_state THEN
          RAISE EXCEPTION 'work item % is % and its history ends with %', NEW.work_item_id, present_state, coalesce(last_action, 'nothing')
            USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NULL;
      END $$;
      CREATE CONSTRAINT TRIGGER has_its_history AFTER INSERT OR UPDATE OF state ON work_item
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION work_item_has_its_history();
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TRIGGER has_its_history ON work_item;
      DROP TRIGGER stays_closed ON work_item;
      DROP TRIGGER append_only ON work_item_change;
      DROP FUNCTION work_item_has_its_history();
      DROP FUNCTION work_item_stays_closed();
      DROP FUNCTION work_item_history_stays();
      ALTER TABLE work_item_change DROP CONSTRAINT work_item_change_action_check;
      ALTER TABLE work_item_change ADD CONSTRAINT work_item_change_action_check
        CHECK (action IN ('OPENED','ASSIGNED','SNOOZED','ESCALATED','CLOSED'));
    `);
  }
}
