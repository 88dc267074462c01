import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Schedules, figures and reading job runs. */
export class MessagingWatch20261101000240 implements MigrationInterface {
  name = 'MessagingWatch20261101000240';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- The schedules of the service are exactly these. A new or changed one begins now, not in the past.
      CREATE FUNCTION messaging.declare_schedules(schedules jsonb) RETURNS void
      LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
      BEGIN
        DELETE FROM schedule s WHERE s.service = session_user
           AND NOT EXISTS (SELECT FROM jsonb_to_recordset(schedules) AS g("name" text) WHERE g."name" = s.name);
        INSERT INTO schedule (service, name, every_seconds, at_time, zone, catch_up, considered_until)
        SELECT session_user, g."name", g."everySeconds", g."time", g."zone", g."catchUp",
               CASE WHEN g."everySeconds" IS NULL THEN kernel.now() ELSE clock_timestamp() END
          FROM jsonb_to_recordset(schedules) AS g("name" text, "everySeconds" integer, "time" time, "zone" text, "catchUp" text)
        ON CONFLICT (service, name) DO UPDATE
           SET every_seconds = excluded.every_seconds, at_time = excluded.at_time, zone = excluded.zone, catch_up = excluded.catch_up,
               considered_until = CASE WHEN (schedule.every_seconds, schedule.at_time, schedule.zone)
                                            IS DISTINCT FROM (excluded.every_seconds, excluded.at_time, excluded.zone)
                                       THEN excluded.considered_until ELSE schedule.considered_until END;
      END $$;

      -- Slots that are due, each given out once ever; the caller adds their messages in the same transaction.
      CREATE FUNCTION messaging.take_slots() RETURNS TABLE (schedule text, slot timestamptz)
      LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
      #variable_conflict use_column
      DECLARE
        one schedule;
        moment timestamptz;
        slots timestamptz[];
        on_time interval;
      BEGIN
        FOR one IN SELECT * FROM schedule s WHERE s.service = session_user ORDER BY s.name FOR UPDATE SKIP LOCKED LOOP
          IF one.every_seconds IS NULL THEN
            moment := kernel.now();
            on_time := interval '5 minutes';
            SELECT array_agg(t.at ORDER BY t.at) INTO slots
              FROM generate_series((one.considered_until AT TIME ZONE one.zone)::date, (moment AT TIME ZONE one.zone)::date, interval '1 day') AS d(day),
                   LATERAL (SELECT (d.day::date + one.at_time) AT TIME ZONE one.zone AS at) t
             WHERE t.at > one.considered_until AND t.at <= moment;
          ELSE
            moment := clock_timestamp();
            on_time := one.every_seconds * interval '1 second';
            SELECT array_agg(to_timestamp(n * one.every_seconds::bigint) ORDER BY n) INTO slots
              FROM generate_series(greatest(floor(extract(epoch FROM one.considered_until) / one.every_seconds)::bigint + 1,
                                            floor(extract(epoch FROM moment) / one.every_seconds)::bigint - 999),
                                   floor(extract(epoch FROM moment) / one.every_seconds)::bigint) AS n;
          END IF;
          -- The business clock may have been set back: go on from where it stands.
          IF moment <> one.considered_until THEN
            UPDATE schedule s SET considered_until = moment WHERE s.service = session_user AND s.name = one.name AND (slots IS NOT NULL OR s.considered_until > moment);
          END IF;
          CONTINUE WHEN slots IS NULL;
          IF one.catch_up <> 'all' THEN slots := slots[array_upper(slots, 1):]; END IF;
          CONTINUE WHEN one.catch_up = 'none' AND slots[1] < moment - on_time;
          RETURN QUERY
            INSERT INTO schedule_slot (service, schedule, slot) SELECT session_user, one.name, s FROM unnest(slots) AS s
            ON CONFLICT DO NOTHING RETURNING schedule_slot.schedule, schedule_slot.slot;
        END LOOP;
      END $$;

      CREATE FUNCTION messaging.figures()
      RETURNS TABLE (lane text, state text, deliveries bigint, oldest_seconds double precision)
      LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
        SELECT lane, state, count(*), coalesce(extract(epoch FROM clock_timestamp() - min(added_at)), 0)::double precision
          FROM delivery
         WHERE consumer = session_user AND state IN ('WAITING', 'PUBLISHED', 'DEAD') AND (due_at IS NULL OR next_attempt_at < 'infinity')
         GROUP BY lane, state
      $$;

      CREATE FUNCTION messaging.outbox_lag_seconds() RETURNS double precision
      LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
        SELECT coalesce(extract(epoch FROM clock_timestamp() - min(d.added_at)), 0)::double precision
          FROM delivery d
         WHERE d.state = 'WAITING' AND d.producer = session_user AND d.publications = 0 AND d.next_attempt_at <= clock_timestamp()
           AND NOT EXISTS (SELECT FROM queue_pause p WHERE p.consumer = d.consumer AND p.lane = d.lane)
      $$;

      CREATE FUNCTION messaging.job_runs(filter jsonb, most integer, before_sequence bigint)
      RETURNS TABLE (job_run_id text, sequence bigint, name text, lane text, business_key text, requested_by text, state text, done bigint, total bigint,
                     counts jsonb, attempts integer, error_code text, error_message text, error_fingerprint text,
                     created_at timestamptz, started_at timestamptz, finished_at timestamptz, updated_at timestamptz, next_attempt_at timestamptz)
      LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
        SELECT j.job_run_id, j.sequence, j.name, j.lane, j.business_key, j.requested_by,
               CASE WHEN j.state = 'WAITING' AND p.lane IS NOT NULL THEN 'PAUSED' ELSE j.state END,
               j.done, j.total, j.counts, j.attempts, j.error_code, j.error_message, j.error_fingerprint,
               j.created_at, j.started_at, j.finished_at, j.updated_at,
               CASE WHEN d.state = 'WAITING' AND d.next_attempt_at < 'infinity' THEN d.next_attempt_at END
          FROM job_run j
          LEFT JOIN delivery d ON d.sequence = j.sequence AND d.consumer = j.consumer
          LEFT JOIN queue_pause p ON p.consumer = j.consumer AND p.lane = j.lane
         WHERE j.consumer = session_user
           AND (before_sequence IS NULL OR j.sequence < before_sequence)
           AND (NOT filter ? 'id' OR j.job_run_id = filter->>'id')
           AND (NOT filter ? 'states' OR filter->'states' ? CASE WHEN j.state = 'WAITING' AND p.lane IS NOT NULL THEN 'PAUSED' ELSE j.state END)
           AND (NOT filter ? 'name' OR j.name = filter->>'name')
           AND (NOT filter ? 'businessKey' OR j.business_key = filter->>'businessKey')
           AND (NOT filter ? 'from' OR j.created_at >= (filter->>'from')::timestamptz)
           AND (NOT filter ? 'to' OR j.created_at < (filter->>'to')::timestamptz)
           AND (NOT filter ? 'errorFingerprint' OR j.error_fingerprint = filter->>'errorFingerprint')
           AND (NOT filter ? 'errorText' OR strpos(lower(concat_ws(' ', j.error_code, j.error_message)), lower(filter->>'errorText')) > 0)
         ORDER BY j.sequence DESC LIMIT most
      $$;

      CREATE FUNCTION messaging.job_attempts(run_id text)
      RETURNS TABLE (attempt integer, worker text, started_at timestamptz, ended_at timestamptz, outcome text, error_code text, error_message text, error_fingerprint text)
      LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
        SELECT a.attempt, a.worker, a.started_at, a.ended_at, a.outcome, a.error_code, a.error_message, a.error_fingerprint
          FROM job_attempt a JOIN job_run j USING (job_run_id)
         WHERE j.job_run_id = run_id AND j.consumer = session_user ORDER BY a.attempt
      $$;

      CREATE FUNCTION messaging.failure_groups(most integer)
      RETURNS TABLE (fingerprint text, code text, sample text, name text, jobs bigint, first_at timestamptz, last_at timestamptz)
      LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
        SELECT error_fingerprint, min(error_code), (array_agg(error_message ORDER BY sequence DESC))[1], j.name, count(*), min(updated_at), max(updated_at)
          FROM job_run j
         WHERE consumer = session_user AND error_fingerprint IS NOT NULL AND state IN ('FAILED', 'WAITING', 'RUNNING')
         GROUP BY error_fingerprint, j.name ORDER BY count(*) DESC, max(updated_at) DESC LIMIT most
      $$;

      CREATE FUNCTION messaging.paused_queues() RETURNS TABLE (lane text, reason text, paused_by text, paused_at timestamptz)
      LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
        SELECT lane, reason, paused_by, paused_at FROM queue_pause WHERE consumer = session_user ORDER BY lane
      $$;

      DO $$ DECLARE role_name text; BEGIN
        FOR role_name IN SELECT rolname FROM pg_roles WHERE rolname IN ('settlement', 'accounting', 'compliance') LOOP
          EXECUTE format('GRANT EXECUTE ON FUNCTION messaging.declare_schedules(jsonb), messaging.take_slots(), messaging.figures(),
            messaging.outbox_lag_seconds(), messaging.job_runs(jsonb, integer, bigint), messaging.job_attempts(text), messaging.failure_groups(integer),
            messaging.paused_queues() TO %I', role_name);
        END LOOP;
      END $$;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP FUNCTION messaging.declare_schedules(jsonb), messaging.take_slots(), messaging.figures(), messaging.outbox_lag_seconds(),
      messaging.job_runs(jsonb, integer, bigint), messaging.job_attempts(text), messaging.failure_groups(integer), messaging.paused_queues()`);
  }
}
