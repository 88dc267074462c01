import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** What the database itself holds of sanctions lists and releases, whoever writes. */
export class ListAndReleaseGuards20261124003101 implements MigrationInterface {
  name = 'ListAndReleaseGuards20261124003101';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE compliance.list_version ADD COLUMN compared_with_id text REFERENCES compliance.list_version;
      COMMENT ON COLUMN compliance.list_version.compared_with_id IS
        'The version that all parties had been screened against before: what is not in it is screened with this one';
      UPDATE compliance.list_version SET compared_with_id = previous_version_id WHERE activated_at IS NOT NULL;
      GRANT UPDATE (compared_with_id) ON compliance.list_version TO compliance;

      CREATE FUNCTION compliance.list_version_goes_forward() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF TG_OP = 'DELETE' THEN
          RAISE EXCEPTION 'list version % is a record: it is never deleted', OLD.list_version_id USING ERRCODE = 'restrict_violation';
        END IF;
        IF TG_OP = 'INSERT' THEN
          IF NEW.state <> 'RECEIVED' OR NEW.activated_at IS NOT NULL OR NEW.rescreened_at IS NOT NULL THEN
            RAISE EXCEPTION 'a list version starts as received' USING ERRCODE = 'restrict_violation';
          END IF;
          RETURN NEW;
        END IF;
        IF (NEW.list_version_id, NEW.source, NEW.content_hash, NEW.previous_version_id, NEW.entry_count, NEW.received_at, NEW.received_by, NEW.sequence)
           IS DISTINCT FROM
           (OLD.list_version_id, OLD.source, OLD.content_hash, OLD.previous_version_id, OLD.entry_count, OLD.received_at, OLD.received_by, OLD.sequence) THEN
          RAISE EXCEPTION 'list version % is a record: what came in never changes', OLD.list_version_id USING ERRCODE = 'restrict_violation';
        END IF;
        IF (OLD.state = 'SUPERSEDED' AND NEW.state <> 'SUPERSEDED') OR (OLD.state = 'ACTIVE' AND NEW.state = 'RECEIVED') THEN
          RAISE EXCEPTION 'list version % is % and does not go back', OLD.list_version_id, OLD.state USING ERRCODE = 'restrict_violation';
        END IF;
        IF (OLD.activated_at IS NOT NULL AND (NEW.activated_at, NEW.compared_with_id) IS DISTINCT FROM (OLD.activated_at, OLD.compared_with_id))
           OR (OLD.rescreened_at IS NOT NULL AND (NEW.rescreened_at, NEW.party_hit_count) IS DISTINCT FROM (OLD.rescreened_at, OLD.party_hit_count)) THEN
          RAISE EXCEPTION 'list version % has its times once', OLD.list_version_id USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER goes_forward BEFORE INSERT OR UPDATE OR DELETE ON compliance.list_version
        FOR EACH ROW EXECUTE FUNCTION compliance.list_version_goes_forward();

      CREATE OR REPLACE FUNCTION compliance.alert_is_decided_once() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF TG_OP = 'INSERT' THEN
          IF NEW.state <> 'OPEN' THEN
            RAISE EXCEPTION 'an alert starts open' USING ERRCODE = 'check_violation';
          END IF;
          RETURN NEW;
        END IF;
        IF OLD.state <> 'OPEN' AND NEW IS DISTINCT FROM OLD THEN
          RAISE EXCEPTION 'alert % is decided', OLD.alert_id USING ERRCODE = 'restrict_violation';
        END IF;
        IF OLD.state = 'OPEN' AND NEW.state = 'RELEASED' AND NOT EXISTS (
          SELECT FROM compliance.approval p
           WHERE p.service = 'compliance' AND p.object_kind = 'Alert' AND p.object_id IN (NEW.alert_id, NEW.parent_alert_id)
             AND p.state = 'APPROVED' AND p.decided_by = NEW.decided_by) THEN
          RAISE EXCEPTION 'alert % is released without the approval of a second person', OLD.alert_id USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
      END $$;
      DROP TRIGGER decided_once ON compliance.alert;
      CREATE TRIGGER decided_once BEFORE INSERT OR UPDATE ON compliance.alert
        FOR EACH ROW EXECUTE FUNCTION compliance.alert_is_decided_once();
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TRIGGER decided_once ON compliance.alert;
      CREATE OR REPLACE FUNCTION compliance.alert_is_decided_once() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF OLD.state <> 'OPEN' AND (NEW.state, NEW.decided_by, NEW.decided_at) IS DISTINCT FROM (OLD.state, OLD.decided_by, OLD.decided_at) THEN
          RAISE EXCEPTION 'alert % is decided', OLD.alert_id USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER decided_once BEFORE UPDATE ON compliance.alert FOR EACH ROW EXECUTE FUNCTION compliance.alert_is_decided_once();
      DROP TRIGGER goes_forward ON compliance.list_version;
      DROP FUNCTION compliance.list_version_goes_forward();
      ALTER TABLE compliance.list_version DROP COLUMN compared_with_id;
    `);
  }
}
