import { type MigrationInterface, type QueryRunner } from 'typeorm';

/**
 * Messages, deliveries, job runs and schedules of all services. No service role has a grant on a table here:
 * they call functions that look at session_user.
 */
export class MessagingTables20261101000200 implements MigrationInterface {
  name = 'MessagingTables20261101000200';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE SCHEMA IF NOT EXISTS messaging;
      REVOKE ALL ON SCHEMA messaging FROM PUBLIC;
      ALTER DEFAULT PRIVILEGES IN SCHEMA messaging REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

      CREATE TABLE messaging.route (
        name            text NOT NULL,
        consumer        text NOT NULL,
        lane            text NOT NULL CHECK (lane IN ('fast', 'bulk')),
        is_long_running boolean NOT NULL,
        is_ordered      boolean NOT NULL,
        producers       text[] NOT NULL,
        PRIMARY KEY (name, consumer)
      );
      COMMENT ON TABLE messaging.route IS 'Who consumes a message and who may send it, from the catalogue; written by the migrate step alone';

      CREATE SEQUENCE messaging.message_sequence;
      CREATE TABLE messaging.message (
        sequence       bigint PRIMARY KEY,
        name           text NOT NULL,
        producer       text NOT NULL,
        payload        json NOT NULL,
        headers        json NOT NULL,
        ordering_key   text,
        due_at         timestamptz,
        business_key   text,
        transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
        created_at     timestamptz NOT NULL DEFAULT clock_timestamp()
      );
      COMMENT ON COLUMN messaging.message.payload IS 'json, not jsonb: it is written once and read whole, as it was sent';
      COMMENT ON COLUMN messaging.message.due_at IS 'business time, kernel.now()';

      CREATE TABLE messaging.delivery (
        sequence        bigint NOT NULL,
        consumer        text NOT NULL,
        producer        text NOT NULL,
        name            text NOT NULL,
        lane            text NOT NULL,
        state           text NOT NULL DEFAULT 'WAITING' CHECK (state IN ('WAITING', 'PUBLISHED', 'ACKNOWLEDGED', 'DEAD', 'DISCARDED')),
        is_long_running boolean NOT NULL,
        ordering_key    text,
        priority        integer NOT NULL DEFAULT 0 CHECK (priority BETWEEN 0 AND 100),
        due_at          timestamptz,
        attempts        integer NOT NULL DEFAULT 0,
        publications    integer NOT NULL DEFAULT 0,
        next_attempt_at timestamptz NOT NULL,
        published_at    timestamptz,
        acknowledged_at timestamptz,
        has_work_item   boolean NOT NULL DEFAULT false,
        error_code      text,
        error_message   text,
        added_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (sequence, consumer)
      ) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);
      CREATE INDEX delivery_waiting ON messaging.delivery (next_attempt_at, sequence) WHERE state = 'WAITING';
      CREATE INDEX delivery_delayed ON messaging.delivery (due_at) WHERE state = 'WAITING' AND next_attempt_at = 'infinity';
      CREATE INDEX delivery_published ON messaging.delivery (consumer, published_at) WHERE state = 'PUBLISHED';
      CREATE INDEX delivery_dead ON messaging.delivery (consumer, sequence) WHERE state = 'DEAD';
      CREATE INDEX delivery_ordered ON messaging.delivery (consumer, ordering_key, sequence)
        WHERE ordering_key IS NOT NULL AND state IN ('WAITING', 'PUBLISHED', 'DEAD');
      COMMENT ON TABLE messaging.delivery IS 'One row for each message and consumer. ACKNOWLEDGED is the inbox: set in the transaction of the effect and by nothing else';
      COMMENT ON COLUMN messaging.delivery.next_attempt_at IS 'real time; infinity while due_at has not come';

      CREATE TABLE messaging.job_run (
        job_run_id         text PRIMARY KEY,
        sequence           bigint NOT NULL,
        consumer           text NOT NULL,
        name               text NOT NULL,
        lane               text NOT NULL,
        business_key       text,
        requested_by       text,
        state              text NOT NULL CHECK (state IN ('WAITING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'DISCARDED')),
        done               bigint NOT NULL DEFAULT 0,
        total              bigint,
        counts             jsonb NOT NULL DEFAULT '{}',
        checkpoint         jsonb,
        attempts           integer NOT NULL DEFAULT 0,
        fruitless_attempts integer NOT NULL DEFAULT 0,
        attempt_token      uuid,
        lease_until        timestamptz,
        error_code         text,
        error_message      text,
        error_fingerprint  text,
        created_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
        started_at         timestamptz,
        finished_at        timestamptz,
        updated_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
        UNIQUE (sequence, consumer)
      ) WITH (fillfactor = 80);
      CREATE INDEX job_run_by_state ON messaging.job_run (consumer, state, sequence DESC);
      CREATE INDEX job_run_by_business_key ON messaging.job_run (consumer, business_key, sequence DESC);
      CREATE INDEX job_run_by_fingerprint ON messaging.job_run (consumer, error_fingerprint, sequence DESC) WHERE error_fingerprint IS NOT NULL;
      COMMENT ON COLUMN messaging.job_run.fruitless_attempts IS 'attempts since the last one that saved a step; only these lead to FAILED';
      COMMENT ON COLUMN messaging.job_run.attempt_token IS 'fences: a step commits only while it holds the token';

      CREATE TABLE messaging.job_attempt (
        job_run_id        text NOT NULL REFERENCES messaging.job_run,
        attempt           integer NOT NULL,
        worker            text NOT NULL,
        started_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
        ended_at          timestamptz,
        outcome           text NOT NULL DEFAULT 'RUNNING' CHECK (outcome IN ('RUNNING', 'SUCCEEDED', 'FAILED', 'LOST', 'HANDED_BACK', 'DISCARDED')),
        error_code        text,
        error_message     text,
        error_fingerprint text,
        PRIMARY KEY (job_run_id, attempt)
      );

      CREATE TABLE messaging.queue_pause (
        consumer  text NOT NULL,
        lane      text NOT NULL CHECK (lane IN ('fast', 'bulk')),
        reason    text NOT NULL,
        paused_by text NOT NULL,
        paused_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (consumer, lane)
      );
      COMMENT ON TABLE messaging.queue_pause IS 'A flushed queue forgets that it was paused; this row does not';

      CREATE TABLE messaging.schedule (
        service          text NOT NULL,
        name             text NOT NULL,
        every_seconds    integer CHECK (every_seconds >= 1),
        at_time          time,
        zone             text,
        catch_up         text NOT NULL CHECK (catch_up IN ('none', 'last', 'all')),
        considered_until timestamptz NOT NULL,
        PRIMARY KEY (service, name),
        CHECK ((every_seconds IS NULL) = (at_time IS NOT NULL AND zone IS NOT NULL))
      );
      CREATE TABLE messaging.schedule_slot (
        service  text NOT NULL,
        schedule text NOT NULL,
        slot     timestamptz NOT NULL,
        fired_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (service, schedule, slot)
      );
      COMMENT ON TABLE messaging.schedule_slot IS 'The proof that each slot fired once';

      DO $$ DECLARE role_name text; BEGIN
        FOR role_name IN SELECT rolname FROM pg_roles WHERE rolname IN ('settlement', 'accounting', 'compliance', 'verify') LOOP
          EXECUTE format('GRANT USAGE ON SCHEMA messaging TO %I', role_name);
        END LOOP;
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'verify') THEN
          GRANT SELECT ON ALL TABLES IN SCHEMA messaging TO verify;
        END IF;
      END $$;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP SCHEMA messaging CASCADE');
  }
}
