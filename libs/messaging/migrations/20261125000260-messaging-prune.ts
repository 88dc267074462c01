import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** What is finished and old is removed; barriers in use say up to where. */
export class MessagingPrune20261125000260 implements MigrationInterface {
  name = 'MessagingPrune20261125000260';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE messaging.barrier (
        service  text NOT NULL,
        name     text NOT NULL,
        sequence bigint NOT NULL,
        since    timestamptz NOT NULL DEFAULT clock_timestamp(),
        PRIMARY KEY (service, name)
      );
      COMMENT ON TABLE messaging.barrier IS 'Sequences that somebody waits for or works behind: nothing from the lowest on is pruned';

      CREATE FUNCTION messaging.use_barrier(barrier_name text, at_sequence bigint) RETURNS void
      LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp AS $$
        INSERT INTO barrier (service, name, sequence) VALUES (session_user, barrier_name, at_sequence)
        ON CONFLICT (service, name) DO UPDATE SET sequence = excluded.sequence, since = excluded.since
      $$;
      CREATE FUNCTION messaging.leave_barrier(barrier_name text) RETURNS boolean
      LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp AS $$
      BEGIN
        DELETE FROM barrier WHERE service = session_user AND name = barrier_name;
        RETURN FOUND;
      END $$;

      -- One window of messages behind \`after\`. Removed are those of the caller that are old and finished for every
      -- consumer; a message is removed with all of its deliveries and job runs or not at all. Never: what waits, is
      -- published or is a dead letter, what belongs to a job that has not ended, and what is not below the sealed
      -- sequence and every barrier in use. \`until\` is null when nothing old enough is left behind the window.
      CREATE FUNCTION messaging.prune(after bigint, keep_days integer, most integer,
                                      OUT until bigint, OUT messages bigint, OUT deliveries bigint, OUT job_runs bigint)
      LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
      DECLARE
        cutoff CONSTANT timestamptz := clock_timestamp() - keep_days * interval '1 day';
        below CONSTANT bigint := least(sealed_sequence(), (SELECT min(b.sequence) FROM barrier b));
        has_old boolean;
        doomed bigint[];
      BEGIN
        IF keep_days < 1 OR most < 1 THEN
          RAISE EXCEPTION 'messages are kept for a day at least, and pruned one at a time at least' USING ERRCODE = 'invalid_parameter_value';
        END IF;
        SELECT max(w.sequence), bool_or(w.created_at < cutoff),
               array_agg(w.sequence) FILTER (WHERE w.producer = session_user AND w.created_at < cutoff
                 AND EXISTS (SELECT FROM delivery d WHERE d.sequence = w.sequence)
                 AND NOT EXISTS (SELECT FROM delivery d WHERE d.sequence = w.sequence
                                    AND (d.state NOT IN ('ACKNOWLEDGED', 'DISCARDED')
                                      OR greatest(d.acknowledged_at, d.published_at, d.added_at) >= cutoff))
                 AND NOT EXISTS (SELECT FROM job_run j WHERE j.sequence = w.sequence
                                    AND (j.state NOT IN ('SUCCEEDED', 'DISCARDED') OR coalesce(j.finished_at, j.updated_at) >= cutoff)))
          INTO until, has_old, doomed
          FROM (SELECT m.sequence, m.producer, m.created_at FROM message m
                 WHERE m.sequence > after AND m.sequence < below ORDER BY m.sequence LIMIT most) w;
        IF NOT coalesce(has_old, false) THEN until := NULL; END IF;

        DELETE FROM job_attempt a USING job_run j WHERE j.sequence = ANY (doomed) AND a.job_run_id = j.job_run_id;
        DELETE FROM job_run j WHERE j.sequence = ANY (doomed);
        GET DIAGNOSTICS job_runs = ROW_COUNT;
        DELETE FROM delivery d WHERE d.sequence = ANY (doomed);
        GET DIAGNOSTICS deliveries = ROW_COUNT;
        DELETE FROM message m WHERE m.sequence = ANY (doomed);
        GET DIAGNOSTICS messages = ROW_COUNT;
      END $$;

      -- A slot behind what its schedule has considered can not fire again.
      CREATE FUNCTION messaging.prune_slots(keep_days integer, most integer) RETURNS bigint
      LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
      DECLARE pruned bigint;
      BEGIN
        IF keep_days < 1 THEN RAISE EXCEPTION 'slots are kept for a day at least' USING ERRCODE = 'invalid_parameter_value'; END IF;
        WITH old AS (
          SELECT s.service, s.schedule, s.slot FROM schedule_slot s
           WHERE s.service = session_user AND s.fired_at < clock_timestamp() - keep_days * interval '1 day'
             AND NOT EXISTS (SELECT FROM schedule d WHERE d.service = s.service AND d.name = s.schedule AND d.considered_until < s.slot)
           ORDER BY s.schedule, s.slot LIMIT most)
        DELETE FROM schedule_slot s USING old WHERE (s.service, s.schedule, s.slot) = (old.service, old.schedule, old.slot);
        GET DIAGNOSTICS pruned = ROW_COUNT;
        RETURN pruned;
      END $$;

      DO $$ DECLARE role_name text; BEGIN
        FOR role_name IN SELECT rolname FROM pg_roles WHERE rolname IN ('settlement', 'accounting', 'compliance') LOOP
          EXECUTE format('GRANT EXECUTE ON FUNCTION messaging.use_barrier(text, bigint), messaging.leave_barrier(text),
            messaging.prune(bigint, integer, integer), messaging.prune_slots(integer, integer) TO %I', role_name);
        END LOOP;
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'verify') THEN
          GRANT SELECT ON messaging.barrier TO verify;
        END IF;
      END $$;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP FUNCTION messaging.prune(bigint, integer, integer), messaging.prune_slots(integer, integer),
        messaging.use_barrier(text, bigint), messaging.leave_barrier(text);
      DROP TABLE messaging.barrier;
    `);
  }
}
