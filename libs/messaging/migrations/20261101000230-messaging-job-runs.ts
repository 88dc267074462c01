import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Leases of long jobs, and what people do with jobs and queues. */
export class MessagingJobRuns20261101000230 implements MigrationInterface {
  name = 'MessagingJobRuns20261101000230';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- RUN with a fresh token, LEASED when another worker holds it, EXHAUSTED when the attempts are used up, else as begin_delivery.
      CREATE FUNCTION messaging.start_job(delivery_sequence bigint, worker_name text, lease_ms integer, most_attempts integer)
      RETURNS TABLE (outcome text, id text, name text, producer text, payload json, headers json, business_key text, requested_by text,
                     token uuid, attempt integer, checkpoint jsonb, done bigint, total bigint, counts jsonb)
      LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
      #variable_conflict use_column
      DECLARE
        begun record;
        job job_run;
      BEGIN
        SELECT * INTO begun FROM begin_delivery(delivery_sequence);
        IF begun.outcome <> 'RUN' THEN
          outcome := begun.outcome;
          RETURN NEXT;
          RETURN;
        END IF;
        -- A step in hand holds the row: then the job is alive, whatever its lease says.
        SELECT * INTO job FROM job_run j WHERE j.sequence = delivery_sequence AND j.consumer = session_user FOR UPDATE SKIP LOCKED;
        IF NOT FOUND OR (job.state = 'RUNNING' AND job.lease_until > clock_timestamp()) THEN
          outcome := 'LEASED';
          RETURN NEXT;
          RETURN;
        END IF;
        UPDATE job_attempt a SET outcome = 'LOST', ended_at = clock_timestamp()
         WHERE a.job_run_id = job.job_run_id AND a.outcome = 'RUNNING';
        IF job.fruitless_attempts >= most_attempts THEN
          outcome := 'EXHAUSTED';
          RETURN NEXT;
          RETURN;
        END IF;
        UPDATE job_run j
           SET state = 'RUNNING', attempts = j.attempts + 1, fruitless_attempts = j.fruitless_attempts + 1, attempt_token = gen_random_uuid(),
               lease_until = clock_timestamp() + lease_ms * interval '1 millisecond', started_at = coalesce(j.started_at, clock_timestamp()),
               updated_at = clock_timestamp()
         WHERE j.job_run_id = job.job_run_id
        RETURNING * INTO job;
        INSERT INTO job_attempt (job_run_id, attempt, worker) VALUES (job.job_run_id, job.attempts, worker_name);
        RETURN QUERY SELECT 'RUN'::text, job.job_run_id, begun.name, begun.producer, begun.payload, begun.headers, job.business_key, job.requested_by,
                            job.attempt_token, job.attempts, job.checkpoint, job.done, job.total, job.counts;
      END $$;

      -- The fence: false when the attempt no longer has the job. Holds the row until the step commits.
      CREATE FUNCTION messaging.hold_lease(run_id text, token uuid, lease_ms integer) RETURNS boolean
      LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
      BEGIN
        UPDATE job_run SET lease_until = clock_timestamp() + lease_ms * interval '1 millisecond'
         WHERE job_run_id = run_id AND consumer = session_user AND attempt_token = token AND state = 'RUNNING';
        RETURN FOUND;
      END $$;

      -- Renewal by the clock, with the newest progress. BUSY: a step holds the row, which is as good.
      CREATE FUNCTION messaging.renew_lease(run_id text, token uuid, lease_ms integer, progress jsonb) RETURNS text
      LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
      DECLARE job job_run;
      BEGIN
        SELECT * INTO job FROM job_run WHERE job_run_id = run_id AND consumer = session_user FOR UPDATE SKIP LOCKED;
        IF NOT FOUND THEN RETURN 'BUSY'; END IF;
        IF job.attempt_token IS DISTINCT FROM token OR job.state <> 'RUNNING' THEN RETURN 'LOST'; END IF;
        UPDATE job_run
           SET lease_until = clock_timestamp() + lease_ms * interval '1 millisecond', updated_at = clock_timestamp(),
               done = (progress->>'done')::bigint, total = (progress->>'total')::bigint, counts = progress->'counts'
         WHERE job_run_id = run_id;
        RETURN 'HELD';
      END $$;

      CREATE FUNCTION messaging.save_step(run_id text, token uuid, lease_ms integer, step jsonb) RETURNS void
      LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
        UPDATE job_run
           SET done = (step->>'done')::bigint, total = (step->>'total')::bigint, counts = step->'counts',
               fruitless_attempts = CASE WHEN step ? 'checkpoint' OR (step->>'done')::bigint > done THEN 0 ELSE fruitless_attempts END,
               checkpoint = CASE WHEN step ? 'checkpoint' THEN step->'checkpoint' ELSE checkpoint END,
               lease_until = clock_timestamp() + lease_ms * interval '1 millisecond', updated_at = clock_timestamp()
         WHERE job_run_id = run_id AND consumer = session_user AND attempt_token = token
      $$;

      -- Success of the job and the acknowledgement of its message, together.
      CREATE FUNCTION messaging.finish_job(run_id text, token uuid) RETURNS boolean
      LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
      DECLARE job job_run;
      BEGIN
        UPDATE job_run SET state = 'SUCCEEDED', attempt_token = NULL, lease_until = NULL, finished_at = clock_timestamp(), updated_at = clock_timestamp(),
                           error_code = NULL, error_message = NULL, error_fingerprint = NULL
         WHERE job_run_id = run_id AND consumer = session_user AND attempt_token = token AND state = 'RUNNING'
        RETURNING * INTO job;
        IF NOT FOUND THEN RAISE EXCEPTION 'the lease of % is lost', run_id; END IF;
        UPDATE job_attempt SET outcome = 'SUCCEEDED', ended_at = clock_timestamp() WHERE job_run_id = run_id AND attempt = job.attempts;
        RETURN acknowledge(job.sequence);
      END $$;

      -- The attempt failed. False when it no longer had the job: then nothing changes.
      CREATE FUNCTION messaging.fail_job(run_id text, token uuid, code text, message text, fingerprint text) RETURNS boolean
      LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
      DECLARE job job_run;
      BEGIN
        UPDATE job_run SET state = 'WAITING', attempt_token = NULL, lease_until = NULL, updated_at = clock_timestamp(),
                           error_code = code, error_message = left(message, 2000), error_fingerprint = fingerprint
         WHERE job_run_id = run_id AND consumer = session_user AND attempt_token = token AND state = 'RUNNING'
        RETURNING * INTO job;
        IF NOT FOUND THEN RETURN false; END IF;
        UPDATE job_attempt SET outcome = 'FAILED', ended_at = clock_timestamp(), error_code = code, error_message = left(message, 2000),
                               error_fingerprint = fingerprint
         WHERE job_run_id = run_id AND attempt = job.attempts;
        -- Only attempts since the last step that was saved lead to a dead letter.
        UPDATE delivery SET attempts = job.fruitless_attempts WHERE sequence = job.sequence AND consumer = session_user;
        RETURN true;
      END $$;

      -- The process stops: the next worker may go on at once, and the attempt is not held against the job.
      CREATE FUNCTION messaging.hand_back_job(run_id text, token uuid) RETURNS void
      LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
      DECLARE job job_run;
      BEGIN
        UPDATE job_run SET state = 'WAITING', attempt_token = NULL, lease_until = NULL, fruitless_attempts = greatest(fruitless_attempts - 1, 0),
                           updated_at = clock_timestamp()
         WHERE job_run_id = run_id AND consumer = session_user AND attempt_token = token AND state = 'RUNNING'
        RETURNING * INTO job;
        IF NOT FOUND THEN RETURN; END IF;
        UPDATE job_attempt SET outcome = 'HANDED_BACK', ended_at = clock_timestamp() WHERE job_run_id = run_id AND attempt = job.attempts;
        PERFORM defer_delivery(job.sequence, 0);
      END $$;

      CREATE FUNCTION messaging.job_as_json(job messaging.job_run) RETURNS jsonb
      LANGUAGE sql STABLE SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
        SELECT jsonb_build_object('state', job.state, 'attempts', job.attempts, 'done', job.done, 'total', job.total,
                                  'errorCode', job.error_code, 'errorFingerprint', job.error_fingerprint)
      $$;

      -- A failed job, or one that waits for its next attempt, starts afresh and keeps its checkpoint. Null: not possible in its state.
      CREATE FUNCTION messaging.retry_job(run_id text, OUT before jsonb, OUT after jsonb)
      LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
      DECLARE job job_run;
      BEGIN
        SELECT * INTO job FROM job_run WHERE job_run_id = run_id AND consumer = session_user AND state IN ('FAILED', 'WAITING') FOR UPDATE;
        IF NOT FOUND THEN RETURN; END IF;
        before := job_as_json(job);
        UPDATE job_run SET state = 'WAITING', fruitless_attempts = 0, finished_at = NULL, updated_at = clock_timestamp()
         WHERE job_run_id = run_id RETURNING * INTO job;
        UPDATE delivery SET state = 'WAITING', attempts = 0, next_attempt_at = clock_timestamp(), has_work_item = false
         WHERE sequence = job.sequence AND consumer = session_user AND state IN ('WAITING', 'DEAD') AND next_attempt_at < 'infinity';
        after := job_as_json(job);
      END $$;

      -- Never to be run again; what its committed steps did stays. A running attempt is fenced off. Null: already ended.
      CREATE FUNCTION messaging.discard_job(run_id text, OUT before jsonb, OUT after jsonb)
      LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
      DECLARE
        job job_run;
        key text;
      BEGIN
        SELECT * INTO job FROM job_run WHERE job_run_id = run_id AND consumer = session_user AND state IN ('FAILED', 'WAITING', 'RUNNING') FOR UPDATE;
        IF NOT FOUND THEN RETURN; END IF;
        before := job_as_json(job);
        UPDATE job_attempt SET outcome = 'DISCARDED', ended_at = clock_timestamp() WHERE job_run_id = run_id AND outcome = 'RUNNING';
        UPDATE job_run SET state = 'DISCARDED', attempt_token = NULL, lease_until = NULL, finished_at = clock_timestamp(), updated_at = clock_timestamp()
         WHERE job_run_id = run_id RETURNING * INTO job;
        UPDATE delivery SET state = 'DISCARDED' WHERE sequence = job.sequence AND consumer = session_user AND state <> 'ACKNOWLEDGED'
        RETURNING ordering_key INTO key;
        IF key IS NOT NULL THEN PERFORM call_next(session_user, key, job.sequence); END IF;
        after := job_as_json(job);
      END $$;

      CREATE FUNCTION messaging.pause_queue(lane_name text, why text, who text) RETURNS boolean
      LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
      BEGIN
        INSERT INTO queue_pause (consumer, lane, reason, paused_by) VALUES (session_user, lane_name, why, who) ON CONFLICT DO NOTHING;
        RETURN FOUND;
      END $$;

      CREATE FUNCTION messaging.resume_queue(lane_name text) RETURNS boolean
      LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
      BEGIN
        DELETE FROM queue_pause WHERE consumer = session_user AND lane = lane_name;
        RETURN FOUND;
      END $$;

      DO $$ DECLARE role_name text; BEGIN
        FOR role_name IN SELECT rolname FROM pg_roles WHERE rolname IN ('settlement', 'accounting', 'compliance') LOOP
          EXECUTE format('GRANT EXECUTE ON FUNCTION messaging.start_job(bigint, text, integer, integer), messaging.hold_lease(text, uuid, integer),
            messaging.renew_lease(text, uuid, integer, jsonb), messaging.save_step(text, uuid, integer, jsonb), messaging.finish_job(text, uuid),
            messaging.fail_job(text, uuid, text, text, text), messaging.hand_back_job(text, uuid), messaging.retry_job(text),
            messaging.discard_job(text), messaging.pause_queue(text, text, text), messaging.resume_queue(text) TO %I', role_name);
        END LOOP;
      END $$;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP FUNCTION messaging.start_job(bigint, text, integer, integer), messaging.hold_lease(text, uuid, integer),
      messaging.renew_lease(text, uuid, integer, jsonb), messaging.save_step(text, uuid, integer, jsonb), messaging.finish_job(text, uuid),
      messaging.fail_job(text, uuid, text, text, text), messaging.hand_back_job(text, uuid), messaging.retry_job(text), messaging.discard_job(text),
      messaging.pause_queue(text, text, text), messaging.resume_queue(text), messaging.job_as_json(messaging.job_run)`);
  }
}
