import { type MigrationInterface, type QueryRunner } from 'typeorm';

export class Approvals20261102003000 implements MigrationInterface {
  name = 'Approvals20261102003000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE compliance.approval (
        approval_id     text PRIMARY KEY,
        kind            text NOT NULL CHECK (kind IN ('PAYMENT_RELEASE', 'HOLD_RELEASE', 'SSI_CHANGE', 'PRICE_OVERRIDE', 'LIMIT_CHANGE', 'MANUAL_REVERSAL')),
        service         text NOT NULL CHECK (service IN ('settlement', 'accounting', 'compliance')),
        object_kind     text NOT NULL,
        object_id       text NOT NULL,
        book_id         text NOT NULL,
        payload_hash    text NOT NULL CHECK (payload_hash ~ '^[0-9a-f]{64}$'),
        summary         text NOT NULL,
        requested_by    text NOT NULL CHECK (requested_by <> ''),
        changed_by      text[] NOT NULL DEFAULT '{}',
        requested_at    timestamptz NOT NULL DEFAULT kernel.now(),
        business_date   date NOT NULL,
        expires_at      timestamptz NOT NULL,
        state           text NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN', 'APPROVED', 'REJECTED', 'EXPIRED', 'WITHDRAWN')),
        decided_by      text,
        decided_at      timestamptz,
        decision_reason text,
        sequence        bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
        CONSTRAINT never_decided_by_its_maker CHECK (decided_by <> requested_by),
        CONSTRAINT never_decided_by_who_changed_it CHECK (NOT decided_by = ANY (changed_by)),
        CONSTRAINT decided_by_somebody CHECK ((state IN ('APPROVED', 'REJECTED')) = (decided_by IS NOT NULL)),
        CONSTRAINT closed_at_a_time CHECK ((state = 'OPEN') = (decided_at IS NULL))
      );
      CREATE INDEX approval_open ON compliance.approval (expires_at) WHERE state = 'OPEN';
      CREATE INDEX approval_object ON compliance.approval (service, object_kind, object_id);
      CREATE INDEX approval_business_date ON compliance.approval (business_date);

      CREATE FUNCTION compliance.approval_keeps_its_maker() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF TG_OP = 'INSERT' THEN
          IF NEW.state <> 'OPEN' THEN
            RAISE EXCEPTION 'an approval starts open' USING ERRCODE = 'check_violation';
          END IF;
          RETURN NEW;
        END IF;
        IF OLD.state <> 'OPEN' THEN
          RAISE EXCEPTION 'approval % is %', OLD.approval_id, OLD.state USING ERRCODE = 'restrict_violation';
        END IF;
        IF (NEW.approval_id, NEW.kind, NEW.service, NEW.object_kind, NEW.object_id, NEW.book_id, NEW.requested_by, NEW.requested_at, NEW.expires_at)
           IS DISTINCT FROM
           (OLD.approval_id, OLD.kind, OLD.service, OLD.object_kind, OLD.object_id, OLD.book_id, OLD.requested_by, OLD.requested_at, OLD.expires_at) THEN
          RAISE EXCEPTION 'what approval % is about and who asked for it never changes', OLD.approval_id USING ERRCODE = 'restrict_violation';
        END IF;
        IF NOT NEW.changed_by @> OLD.changed_by THEN
          RAISE EXCEPTION 'who changed approval % is not forgotten', OLD.approval_id USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.state <> 'OPEN' AND NEW.payload_hash <> OLD.payload_hash THEN
          RAISE EXCEPTION 'approval % is decided on the payload it had', OLD.approval_id USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.state IN ('APPROVED', 'REJECTED') AND OLD.expires_at <= kernel.now() THEN
          RAISE EXCEPTION 'approval % has expired', OLD.approval_id USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER keeps_its_maker BEFORE INSERT OR UPDATE ON compliance.approval
        FOR EACH ROW EXECUTE FUNCTION compliance.approval_keeps_its_maker();

      CREATE TABLE compliance.approval_attempt (
        attempt_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        approval_id  text NOT NULL REFERENCES compliance.approval,
        attempted_by text NOT NULL,
        attempted_at timestamptz NOT NULL DEFAULT kernel.now(),
        decision     text NOT NULL CHECK (decision IN ('APPROVE', 'REJECT')),
        payload_hash text NOT NULL,
        code         text NOT NULL CHECK (code IN ('OWN_APPROVAL', 'PAYLOAD_CHANGED', 'APPROVAL_EXPIRED', 'ALREADY_DECIDED'))
      );
      CREATE INDEX approval_attempt_approval ON compliance.approval_attempt (approval_id, attempt_id);
      COMMENT ON TABLE compliance.approval_attempt IS 'Decisions that were refused, and why';
      CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON compliance.approval_attempt
        FOR EACH ROW EXECUTE FUNCTION compliance.is_append_only();

      CREATE TABLE compliance.api_client (
        subject      text PRIMARY KEY CHECK (subject ~ '^[a-z][a-z0-9._-]{2,63}$'),
        kind         text NOT NULL CHECK (kind IN ('PERSON', 'MACHINE')),
        roles        text[] NOT NULL CHECK (cardinality(roles) > 0),
        books        text[] NOT NULL CHECK (cardinality(books) > 0),
        created_by   text NOT NULL,
        created_at   timestamptz NOT NULL DEFAULT kernel.now(),
        last_used_at timestamptz,
        revoked_at   timestamptz
      );
      CREATE TABLE compliance.api_client_secret (
        key_hash   text PRIMARY KEY CHECK (key_hash ~ '^[0-9a-f]{64}$'),
        subject    text NOT NULL REFERENCES compliance.api_client,
        created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        expires_at timestamptz
      );
      CREATE INDEX api_client_secret_subject ON compliance.api_client_secret (subject);
      CREATE UNIQUE INDEX one_newest_secret ON compliance.api_client_secret (subject) WHERE expires_at IS NULL;

      ALTER TABLE compliance.approval ENABLE ROW LEVEL SECURITY;
      ALTER TABLE compliance.approval FORCE ROW LEVEL SECURITY;
      CREATE POLICY by_book ON compliance.approval USING (book_id = '*' OR kernel.sees_book(book_id));
      ALTER TABLE compliance.approval_attempt ENABLE ROW LEVEL SECURITY;
      ALTER TABLE compliance.approval_attempt FORCE ROW LEVEL SECURITY;
      CREATE POLICY by_approval ON compliance.approval_attempt
        USING (EXISTS (SELECT FROM compliance.approval WHERE approval.approval_id = approval_attempt.approval_id));

      GRANT SELECT, INSERT ON compliance.approval, compliance.approval_attempt, compliance.api_client TO compliance;
      GRANT UPDATE (state, payload_hash, summary, changed_by, decided_by, decided_at, decision_reason) ON compliance.approval TO compliance;
      GRANT UPDATE (roles, books, last_used_at, revoked_at) ON compliance.api_client TO compliance;
      GRANT SELECT, INSERT, UPDATE, DELETE ON compliance.api_client_secret TO compliance;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE compliance.api_client_secret, compliance.api_client, compliance.approval_attempt, compliance.approval;
      DROP FUNCTION compliance.approval_keeps_its_maker();
    `);
  }
}
