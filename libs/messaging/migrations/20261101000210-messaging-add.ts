import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Adding messages, the sealed sequence and the barrier. */
export class MessagingAdd20261101000210 implements MigrationInterface {
  name = 'MessagingAdd20261101000210';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- Called by the migrate step with the whole catalogue: a service must not make itself the consumer of anything.
      CREATE FUNCTION messaging.declare_routes(routes jsonb) RETURNS integer
      LANGUAGE plpgsql SECURITY INVOKER SET search_path = messaging, pg_temp AS $$
      DECLARE changed integer;
      BEGIN
        INSERT INTO route (name, consumer, lane, is_long_running, is_ordered, producers)
        SELECT r."name", r."consumer", r."lane", r."isLongRunning", r."isOrdered", r."producers"
          FROM jsonb_to_recordset(routes)
               AS r("name" text, "consumer" text, "lane" text, "isLongRunning" boolean, "isOrdered" boolean, "producers" text[])
        ON CONFLICT (name, consumer) DO UPDATE
           SET lane = excluded.lane, is_long_running = excluded.is_long_running, is_ordered = excluded.is_ordered, producers = excluded.producers
         WHERE (route.lane, route.is_long_running, route.is_ordered, route.producers)
               IS DISTINCT FROM (excluded.lane, excluded.is_long_running, excluded.is_ordered, excluded.producers);
        GET DIAGNOSTICS changed = ROW_COUNT;
        RETURN changed;
      END $$;

      -- Routes that the caller sends or consumes and that the database does not have as the release has them.
      CREATE FUNCTION messaging.differing_routes(routes jsonb) RETURNS TABLE (name text, consumer text)
      LANGUAGE sql STABLE SECURITY DEFINER SET search_path = messaging, pg_temp AS $$
        SELECT g."name", g."consumer"
          FROM jsonb_to_recordset(routes)
               AS g("name" text, "consumer" text, "lane" text, "isLongRunning" boolean, "isOrdered" boolean, "producers" text[])
          LEFT JOIN route r ON r.name = g."name" AND r.consumer = g."consumer"
         WHERE (g."consumer" = session_user OR session_user = ANY (g."producers"))
           AND (r.lane, r.is_long_running, r.is_ordered, r.producers)
               IS DISTINCT FROM (g."lane", g."isLongRunning", g."isOrdered", g."producers")
      $$;

      CREATE FUNCTION messaging.last_sequence() RETURNS bigint
      LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp AS $$
        SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM message_sequence
      $$;

      -- Every transaction that adds holds, until it ends, a shared advisory lock whose key is the sequence as it
      -- stood before the transaction drew its first number (19799 in the high 16 bits). So whoever reads the sequence
      -- first and these locks afterwards knows below which number nobody can still commit.
      CREATE FUNCTION messaging.announce_adding() RETURNS void
      LANGUAGE plpgsql SET search_path = messaging, pg_temp AS $$
      BEGIN
        IF current_setting('messaging.adding', true) IS DISTINCT FROM pg_current_xact_id()::text THEN
          PERFORM pg_advisory_xact_lock_shared((19799::bigint << 48) | last_sequence());
          PERFORM set_config('messaging.adding', pg_current_xact_id()::text, true);
        END IF;
      END $$;

      CREATE FUNCTION messaging.next_sequence() RETURNS bigint
      LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp AS $$ SELECT last_sequence() + 1 $$;

      CREATE FUNCTION messaging.sealed_sequence() RETURNS bigint
      LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp AS $$
      DECLARE
        next_one CONSTANT bigint := last_sequence() + 1;
        in_flight bigint;
      BEGIN
        SELECT min(((classid::bigint & 65535) << 32 | objid::bigint) + 1) INTO in_flight
          FROM pg_locks
         WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint >> 16 = 19799
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database());
        RETURN least(next_one, in_flight);
      END $$;

      CREATE FUNCTION messaging.consumed_below(barrier bigint, OUT is_sealed boolean, OUT waiting bigint)
      LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp AS $$
      BEGIN
        IF current_setting('transaction_isolation') <> 'read committed' THEN
          RAISE EXCEPTION 'a barrier is read in a READ COMMITTED transaction: an older snapshot would not show what was sealed since';
        END IF;
        is_sealed := sealed_sequence() >= barrier;
        SELECT count(*) INTO waiting FROM delivery
         WHERE sequence < barrier
           AND ((state IN ('WAITING', 'PUBLISHED') AND (due_at IS NULL OR due_at <= kernel.now()))
             OR (state = 'DEAD' AND NOT has_work_item));
      END $$;

      CREATE FUNCTION messaging.add(messages jsonb, payloads json[])
      RETURNS TABLE (message_id text, sequence bigint, job_run_id text)
      LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = messaging, pg_temp AS $$
      #variable_conflict use_column
      DECLARE
        refused text;
        business_now CONSTANT timestamptz := kernel.now();
      BEGIN
        SELECT m.name INTO refused FROM jsonb_to_recordset(messages) AS m(name text)
         WHERE NOT EXISTS (SELECT FROM route r WHERE r.name = m.name AND session_user = ANY (r.producers)) LIMIT 1;
        IF FOUND THEN
          RAISE EXCEPTION '% may not send %: no route in the catalogue', session_user, refused USING ERRCODE = 'insufficient_privilege';
        END IF;

        PERFORM announce_adding();
        -- Whoever adds under one key waits for the other, so that sequence and order of commit agree within a key.
        PERFORM pg_advisory_xact_lock(1297305423, k.slot)
           FROM (SELECT DISTINCT abs(hashtext(m."orderingKey") % 1024) AS slot
                   FROM jsonb_to_recordset(messages) AS m("orderingKey" text) WHERE m."orderingKey" IS NOT NULL ORDER BY 1) k;

        RETURN QUERY
        WITH given AS MATERIALIZED (
          SELECT nextval('message_sequence') AS sequence, g.*
            FROM ROWS FROM (jsonb_to_recordset(messages) AS ("name" text, "headers" json, "orderingKey" text, "dueAt" timestamptz,
                                                             "businessKey" text, "priority" integer),
                            unnest(payloads)) WITH ORDINALITY
                 AS g(name, headers, ordering_key, due_at, business_key, priority, payload, place)
        ), written AS (
          INSERT INTO message (sequence, name, producer, payload, headers, ordering_key, due_at, business_key)
          SELECT g.sequence, g.name, session_user, g.payload, g.headers, g.ordering_key, g.due_at, g.business_key FROM given g
        ), delivered AS (
          INSERT INTO delivery (sequence, consumer, producer, name, lane, is_long_running, ordering_key, priority, due_at, next_attempt_at)
          SELECT g.sequence, r.consumer, session_user, g.name, r.lane, r.is_long_running, g.ordering_key, coalesce(g.priority, 0), g.due_at,
                 CASE WHEN g.due_at > business_now THEN 'infinity' ELSE clock_timestamp() END
            FROM given g JOIN route r ON r.name = g.name
        ), runs AS (
          INSERT INTO job_run (job_run_id, sequence, consumer, name, lane, business_key, requested_by, state)
          SELECT 'job_' || g.sequence || '_' || r.consumer, g.sequence, r.consumer, g.name, r.lane, g.business_key, g.headers->>'requestedBy', 'WAITING'
            FROM given g JOIN route r ON r.name = g.name
           WHERE r.is_long_running
          RETURNING job_run.sequence, job_run.job_run_id
        )
        SELECT 'msg_' || g.sequence, g.sequence, (SELECT min(j.job_run_id) FROM runs j WHERE j.sequence = g.sequence)
          FROM given g ORDER BY g.place;
      END $$;

      DO $$ DECLARE role_name text; BEGIN
        FOR role_name IN SELECT rolname FROM pg_roles WHERE rolname IN ('settlement', 'accounting', 'compliance') LOOP
          EXECUTE format('GRANT EXECUTE ON FUNCTION messaging.add(jsonb, json[]), messaging.differing_routes(jsonb), messaging.next_sequence(),
            messaging.sealed_sequence(), messaging.consumed_below(bigint) TO %I', role_name);
        END LOOP;
      END $$;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP FUNCTION messaging.add(jsonb, json[]), messaging.consumed_below(bigint), messaging.sealed_sequence(),
      messaging.next_sequence(), messaging.announce_adding(), messaging.last_sequence(), messaging.differing_routes(jsonb), messaging.declare_routes(jsonb)`);
  }
}
