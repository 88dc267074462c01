import { type MigrationInterface, type QueryRunner } from 'typeorm';

/**
 * Publishing, handling, failing and publishing again. Every function acts for session_user, the service that calls.
 * enable_seqscan = off: on fresh tables Postgres would plan scans of the whole table and keep those plans.
 */
export class MessagingDeliver20261101000220 implements MigrationInterface {
  name = 'MessagingDeliver20261101000220';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE FUNCTION messaging.is_behind(consumer_name text, key text, before bigint) RETURNS boolean
      LANGUAGE sql VOLATILE SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
        SELECT EXISTS (SELECT FROM delivery p
                        WHERE p.consumer = consumer_name AND p.ordering_key = key AND p.sequence < before
                          AND p.ordering_key IS NOT NULL AND p.state IN ('WAITING', 'PUBLISHED', 'DEAD'))
      $$;

      -- Locks what is due until the caller's transaction ends; the caller publishes, then marks, in that transaction.
      -- A delivery behind another of its key is parked; the acknowledgement of the one before calls it.
      CREATE FUNCTION messaging.take_waiting(most integer)
      RETURNS TABLE (sequence bigint, consumer text, lane text, name text, publication integer, priority integer)
      LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
      #variable_conflict use_column
      DECLARE
        moment CONSTANT timestamptz := clock_timestamp();
        business_now CONSTANT timestamptz := kernel.now();
      BEGIN
        UPDATE delivery d SET next_attempt_at = moment
         WHERE (d.sequence, d.consumer) IN (
                 SELECT w.sequence, w.consumer FROM delivery w
                  WHERE w.state = 'WAITING' AND w.next_attempt_at = 'infinity' AND w.due_at <= business_now AND session_user IN (w.producer, w.consumer)
                  ORDER BY w.due_at LIMIT most FOR UPDATE SKIP LOCKED);
        RETURN QUERY
        WITH due AS MATERIALIZED (
          SELECT d.sequence, d.consumer, d.lane, d.name, d.publications, d.priority,
                 d.ordering_key IS NOT NULL AND is_behind(d.consumer, d.ordering_key, d.sequence) AS is_parked
            FROM delivery d
           WHERE d.state = 'WAITING' AND d.next_attempt_at <= moment AND session_user IN (d.producer, d.consumer)
             AND NOT EXISTS (SELECT FROM queue_pause p WHERE p.consumer = d.consumer AND p.lane = d.lane)
           ORDER BY d.next_attempt_at, d.sequence LIMIT most
             FOR UPDATE OF d SKIP LOCKED
        ), parked AS (
          UPDATE delivery d SET next_attempt_at = moment + interval '1 second'
            FROM due WHERE due.is_parked AND d.sequence = due.sequence AND d.consumer = due.consumer
        )
        SELECT due.sequence, due.consumer, due.lane, due.name, due.publications, due.priority
          FROM due WHERE NOT due.is_parked ORDER BY due.sequence;
      END $$;

      CREATE FUNCTION messaging.mark_published(sequences bigint[], consumers text[]) RETURNS void
      LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
        UPDATE delivery d SET state = 'PUBLISHED', published_at = clock_timestamp(), publications = d.publications + 1
          FROM unnest(sequences, consumers) AS t(sequence, consumer)
         WHERE d.sequence = t.sequence AND d.consumer = t.consumer AND d.state = 'WAITING' AND session_user IN (d.producer, d.consumer)
      $$;

      -- RUN: the caller holds the delivery until its transaction ends. DONE: it had its effect, or is given up.
      -- HELD: not now, the queue is paused or an earlier message of the key is still open. UNKNOWN: never added.
      CREATE FUNCTION messaging.begin_delivery(delivery_sequence bigint)
      RETURNS TABLE (outcome text, name text, producer text, payload json, headers json, business_key text, attempts integer, added_at timestamptz)
      LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
      #variable_conflict use_column
      DECLARE found_one delivery;
      BEGIN
        SELECT * INTO found_one FROM delivery d WHERE d.sequence = delivery_sequence AND d.consumer = session_user FOR UPDATE;
        IF NOT FOUND THEN
          outcome := 'UNKNOWN';
        ELSIF found_one.state NOT IN ('WAITING', 'PUBLISHED') THEN
          outcome := 'DONE';
        ELSIF EXISTS (SELECT FROM queue_pause p WHERE p.consumer = session_user AND p.lane = found_one.lane) THEN
          -- The start that was counted was none.
          UPDATE delivery d SET state = 'WAITING', next_attempt_at = clock_timestamp(), attempts = greatest(d.attempts - 1, 0)
           WHERE d.sequence = delivery_sequence AND d.consumer = session_user;
          outcome := 'HELD';
        ELSIF found_one.ordering_key IS NOT NULL AND is_behind(session_user, found_one.ordering_key, delivery_sequence) THEN
          UPDATE delivery d SET state = 'WAITING', next_attempt_at = clock_timestamp() + interval '1 second', attempts = greatest(d.attempts - 1, 0)
           WHERE d.sequence = delivery_sequence AND d.consumer = session_user;
          outcome := 'HELD';
        ELSE
          RETURN QUERY SELECT 'RUN'::text, m.name, m.producer, m.payload, m.headers, m.business_key, found_one.attempts, m.created_at
                         FROM message m WHERE m.sequence = delivery_sequence;
          RETURN;
        END IF;
        RETURN NEXT;
      END $$;

      -- The inbox row. Called in the transaction of the effect; true when a message of the same key can go on.
      CREATE FUNCTION messaging.acknowledge(delivery_sequence bigint) RETURNS boolean
      LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
      DECLARE key text;
      BEGIN
        UPDATE delivery SET state = 'ACKNOWLEDGED', acknowledged_at = clock_timestamp()
         WHERE sequence = delivery_sequence AND consumer = session_user AND state IN ('WAITING', 'PUBLISHED')
        RETURNING ordering_key INTO key;
        IF NOT FOUND THEN
          RAISE EXCEPTION 'delivery % of % is not open', delivery_sequence, session_user;
        END IF;
        RETURN key IS NOT NULL AND call_next(session_user, key, delivery_sequence);
      END $$;

      CREATE FUNCTION messaging.call_next(consumer_name text, key text, after bigint) RETURNS boolean
      LANGUAGE plpgsql VOLATILE SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
      BEGIN
        UPDATE delivery SET next_attempt_at = clock_timestamp()
         WHERE consumer = consumer_name AND state = 'WAITING' AND next_attempt_at < 'infinity' AND attempts = 0
           AND sequence = (SELECT min(sequence) FROM delivery
                            WHERE consumer = consumer_name AND ordering_key = key AND sequence > after
                              AND ordering_key IS NOT NULL AND state IN ('WAITING', 'PUBLISHED', 'DEAD'));
        RETURN FOUND;
      END $$;

      -- Counts the start of a delivery that was published before, in its own transaction: a message that kills its
      -- worker is counted although nothing of it commits. Null: nothing left to do.
      CREATE FUNCTION messaging.count_start(delivery_sequence bigint) RETURNS integer
      LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
        UPDATE delivery SET attempts = attempts + 1
         WHERE sequence = delivery_sequence AND consumer = session_user AND state IN ('WAITING', 'PUBLISHED')
        RETURNING attempts
      $$;

      -- After a failure: waiting again, later each time, or dead. Null: it was acknowledged or given up meanwhile.
      CREATE FUNCTION messaging.fail_delivery(delivery_sequence bigint, is_counted boolean, most_attempts integer, backoff_ms integer,
                                              backoff_max_ms integer, code text, message text, fingerprint text)
      RETURNS TABLE (is_dead boolean, attempts integer, job_run_id text, name text, producer text, business_key text)
      LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
      #variable_conflict use_column
      DECLARE
        failed delivery;
        tried integer;
      BEGIN
        SELECT * INTO failed FROM delivery d
         WHERE d.sequence = delivery_sequence AND d.consumer = session_user AND d.state IN ('WAITING', 'PUBLISHED') FOR UPDATE;
        IF NOT FOUND THEN RETURN; END IF;
        tried := failed.attempts + CASE WHEN is_counted THEN 0 ELSE 1 END;
        is_dead := tried >= most_attempts;
        UPDATE delivery d
           SET attempts = tried, error_code = code, error_message = left(message, 2000),
               state = CASE WHEN is_dead THEN 'DEAD' ELSE 'WAITING' END,
               next_attempt_at = clock_timestamp() + least(backoff_max_ms, backoff_ms * 2.0 ^ least(tried - 1, 30)) * interval '1 millisecond'
         WHERE d.sequence = delivery_sequence AND d.consumer = session_user;
        IF is_dead THEN
          INSERT INTO job_run AS j (job_run_id, sequence, consumer, name, lane, business_key, requested_by, state, attempts,
                                    error_code, error_message, error_fingerprint, finished_at)
          SELECT 'job_' || m.sequence || '_' || session_user, m.sequence, session_user, m.name, failed.lane, m.business_key, m.headers->>'requestedBy',
                 'FAILED', tried, code, left(message, 2000), fingerprint, clock_timestamp()
            FROM message m WHERE m.sequence = delivery_sequence
          ON CONFLICT (sequence, consumer) DO UPDATE
             SET state = 'FAILED', attempts = greatest(j.attempts, excluded.attempts), error_code = excluded.error_code,
                 error_message = excluded.error_message, error_fingerprint = excluded.error_fingerprint,
                 attempt_token = NULL, lease_until = NULL, finished_at = clock_timestamp(), updated_at = clock_timestamp();
        END IF;
        RETURN QUERY SELECT is_dead, tried, 'job_' || m.sequence || '_' || session_user, m.name, m.producer, m.business_key
                       FROM message m WHERE m.sequence = delivery_sequence;
      END $$;

      CREATE FUNCTION messaging.give_to_work_item(delivery_sequence bigint) RETURNS void
      LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
        UPDATE delivery SET has_work_item = true WHERE sequence = delivery_sequence AND consumer = session_user AND state = 'DEAD'
      $$;

      CREATE FUNCTION messaging.defer_delivery(delivery_sequence bigint, wait_ms integer) RETURNS void
      LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
        UPDATE delivery SET state = 'WAITING', next_attempt_at = clock_timestamp() + wait_ms * interval '1 millisecond'
         WHERE sequence = delivery_sequence AND consumer = session_user AND state IN ('WAITING', 'PUBLISHED')
      $$;

      -- Published long ago and not acknowledged, taken by one reconciler at a time; what a worker has in hand is locked
      -- and passed over. The locks end at once: the queue is asked afterwards.
      CREATE FUNCTION messaging.take_lapsed(older_ms integer, most integer)
      RETURNS TABLE (sequence bigint, lane text, publications integer)
      LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
        WITH lapsed AS MATERIALIZED (
          SELECT d.sequence FROM delivery d
           WHERE d.consumer = session_user AND d.state = 'PUBLISHED' AND d.published_at <= clock_timestamp() - older_ms * interval '1 millisecond'
             AND NOT (d.is_long_running AND EXISTS (SELECT FROM job_run j WHERE j.sequence = d.sequence AND j.consumer = d.consumer
                                                       AND j.state = 'RUNNING' AND j.lease_until > clock_timestamp()))
           ORDER BY d.published_at LIMIT most
             FOR UPDATE OF d SKIP LOCKED
        )
        UPDATE delivery d SET published_at = clock_timestamp() FROM lapsed
         WHERE d.sequence = lapsed.sequence AND d.consumer = session_user
        RETURNING d.sequence, d.lane, d.publications
      $$;

      -- The queue has lost them. Only as they were taken: a delivery published meanwhile, or in hand, is passed over.
      CREATE FUNCTION messaging.publish_again(sequences bigint[], known_publications integer[]) RETURNS bigint
      LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp SET enable_seqscan = off AS $$
        WITH lost AS MATERIALIZED (
          SELECT d.sequence FROM delivery d JOIN unnest(sequences, known_publications) AS t(sequence, publications) ON t.sequence = d.sequence
           WHERE d.consumer = session_user AND d.state = 'PUBLISHED' AND d.publications = t.publications
             FOR UPDATE OF d SKIP LOCKED
        ), again AS (
          UPDATE delivery d SET state = 'WAITING', next_attempt_at = clock_timestamp() FROM lost
           WHERE d.sequence = lost.sequence AND d.consumer = session_user RETURNING 1
        )
        SELECT count(*) FROM again
      $$;

      DO $$ DECLARE role_name text; BEGIN
        FOR role_name IN SELECT rolname FROM pg_roles WHERE rolname IN ('settlement', 'accounting', 'compliance') LOOP
          EXECUTE format('GRANT EXECUTE ON FUNCTION messaging.take_waiting(integer), messaging.mark_published(bigint[], text[]),
            messaging.begin_delivery(bigint), messaging.acknowledge(bigint), messaging.count_start(bigint),
            messaging.fail_delivery(bigint, boolean, integer, integer, integer, text, text, text), messaging.give_to_work_item(bigint),
            messaging.defer_delivery(bigint, integer), messaging.take_lapsed(integer, integer), messaging.publish_again(bigint[], integer[]) TO %I', role_name);
        END LOOP;
      END $$;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP FUNCTION messaging.take_waiting(integer), messaging.mark_published(bigint[], text[]), messaging.begin_delivery(bigint),
      messaging.acknowledge(bigint), messaging.call_next(text, text, bigint), messaging.count_start(bigint),
      messaging.fail_delivery(bigint, boolean, integer, integer, integer, text, text, text), messaging.give_to_work_item(bigint),
      messaging.defer_delivery(bigint, integer), messaging.take_lapsed(integer, integer), messaging.publish_again(bigint[], integer[]), messaging.is_behind(text, text, bigint)`);
  }
}
