import { type MigrationInterface, type QueryRunner } from 'typeorm';

export class Screening20261102002000 implements MigrationInterface {
  name = 'Screening20261102002000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE compliance.matching_configuration (
        configuration_hash text PRIMARY KEY,
        configuration      jsonb NOT NULL,
        first_used_at      timestamptz NOT NULL DEFAULT kernel.now()
      );

      CREATE TABLE compliance.screening (
        screening_id       text PRIMARY KEY,
        object_kind        text NOT NULL CHECK (object_kind IN ('PARTY', 'TRADE', 'PAYMENT', 'INSTRUCTION')),
        object_id          text NOT NULL,
        reference          text NOT NULL,
        book_id            text NOT NULL,
        party_id           text,
        party_version      integer,
        batch_id           text,
        outcome            text NOT NULL CHECK (outcome IN ('CLEAR', 'HIT')),
        score              integer NOT NULL CHECK (score BETWEEN 0 AND 10000),
        list_version_ids   text[] NOT NULL,
        configuration_hash text NOT NULL REFERENCES compliance.matching_configuration,
        explanation        jsonb NOT NULL,
        sealed_names       text NOT NULL CHECK (sealed_names LIKE 'sealed:%'),
        screened_at        timestamptz NOT NULL DEFAULT kernel.now(),
        sequence           bigint GENERATED ALWAYS AS IDENTITY UNIQUE
      );
      CREATE INDEX screening_object ON compliance.screening (object_kind, object_id, sequence);
      CREATE INDEX screening_party ON compliance.screening (party_id) WHERE party_id IS NOT NULL;
      COMMENT ON TABLE compliance.screening IS 'Every screening, also one without a hit, with all it takes to replay it to the same score';
      CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON compliance.screening
        FOR EACH ROW EXECUTE FUNCTION compliance.is_append_only();

      CREATE TABLE compliance.party_screened (
        list_version_id text NOT NULL REFERENCES compliance.list_version,
        party_id        text NOT NULL,
        party_version   integer NOT NULL,
        screening_id    text NOT NULL REFERENCES compliance.screening,
        PRIMARY KEY (list_version_id, party_id, party_version)
      );
      COMMENT ON TABLE compliance.party_screened IS
        'An entry version comes with one list version, so this key makes each pair of entry version and party version screened once';

      CREATE TABLE compliance.alert (
        alert_id          text PRIMARY KEY,
        object_kind       text NOT NULL CHECK (object_kind IN ('PARTY', 'TRADE', 'PAYMENT', 'INSTRUCTION')),
        object_id         text NOT NULL,
        reference         text NOT NULL,
        book_id           text NOT NULL,
        party_id          text,
        parent_alert_id   text REFERENCES compliance.alert,
        screening_id      text NOT NULL REFERENCES compliance.screening,
        list_version_id   text NOT NULL,
        entry_version_id  text,
        entry_name        text,
        score             integer NOT NULL,
        reason_code       text NOT NULL CHECK (reason_code IN ('NAME_MATCH', 'PARTY_HELD', 'PARTY_UNKNOWN')),
        was_sent          boolean NOT NULL DEFAULT false,
        is_entry_delisted boolean NOT NULL DEFAULT false,
        work              text NOT NULL CHECK (work IN ('OWN_ITEM', 'AWAITING_SETTLEMENT', 'ITEMS_OF_OBJECTS')),
        state             text NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN', 'RELEASED', 'CONFIRMED')),
        business_date     date NOT NULL,
        opened_at         timestamptz NOT NULL DEFAULT kernel.now(),
        recorded_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
        due_at            timestamptz NOT NULL,
        decided_at        timestamptz,
        decided_on        date,
        decided_by        text,
        decision_reason   text,
        CONSTRAINT decided_with_reason CHECK (
          (state = 'OPEN' AND decided_at IS NULL AND decided_by IS NULL AND decision_reason IS NULL)
          OR (state <> 'OPEN' AND decided_at IS NOT NULL AND decided_on IS NOT NULL AND decided_by <> '' AND decision_reason <> ''))
      );
      CREATE UNIQUE INDEX one_open_alert_per_object ON compliance.alert (object_kind, object_id) WHERE state = 'OPEN';
      CREATE INDEX alert_business_date ON compliance.alert (business_date);
      CREATE INDEX alert_parent ON compliance.alert (parent_alert_id) WHERE parent_alert_id IS NOT NULL;

      CREATE FUNCTION compliance.alert_is_decided_once() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF OLD.state <> 'OPEN' AND (NEW.state, NEW.decided_by, NEW.decided_at) IS DISTINCT FROM (OLD.state, OLD.decided_by, OLD.decided_at) THEN
          RAISE EXCEPTION 'alert % is decided', OLD.alert_id USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER decided_once BEFORE UPDATE ON compliance.alert FOR EACH ROW EXECUTE FUNCTION compliance.alert_is_decided_once();

      CREATE TABLE compliance.cleared_match (
        party_id         text NOT NULL,
        party_version    integer NOT NULL,
        entry_version_id text NOT NULL,
        alert_id         text NOT NULL REFERENCES compliance.alert,
        PRIMARY KEY (party_id, party_version, entry_version_id)
      );
      COMMENT ON TABLE compliance.cleared_match IS
        'Two people found that this party is not that entry; it holds until either of them changes';

      CREATE TABLE compliance.business_day (
        book_id       text PRIMARY KEY,
        business_date date NOT NULL,
        state         text NOT NULL CHECK (state IN ('OPEN', 'CLOSED'))
      );

      DO $$ DECLARE one text; BEGIN
        FOREACH one IN ARRAY ARRAY['screening', 'alert', 'business_day'] LOOP
          EXECUTE format('ALTER TABLE compliance.%I ENABLE ROW LEVEL SECURITY', one);
          EXECUTE format('ALTER TABLE compliance.%I FORCE ROW LEVEL SECURITY', one);
          EXECUTE format('CREATE POLICY by_book ON compliance.%I USING (book_id = ''*'' OR kernel.sees_book(book_id))', one);
        END LOOP;
      END $$;

      GRANT SELECT, INSERT ON compliance.matching_configuration, compliance.screening, compliance.party_screened,
        compliance.alert, compliance.cleared_match TO compliance;
      GRANT UPDATE (state, work, is_entry_delisted, decided_at, decided_on, decided_by, decision_reason) ON compliance.alert TO compliance;
      GRANT SELECT, INSERT, UPDATE ON compliance.business_day TO compliance;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE compliance.business_day, compliance.cleared_match, compliance.alert, compliance.party_screened, compliance.screening,
        compliance.matching_configuration;
      DROP FUNCTION compliance.alert_is_decided_once();
    `);
  }
}
