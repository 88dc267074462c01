/** Asks the database, read-only, in one snapshot. */
type Ask = <Row>(sql: string, parameters?: unknown[]) => Promise<Row[]>;
type Finding = { where: string; detail: string };

/** A delivery without effect for longer than this is late, unless its queue is paused or its job runs. */
const serviceLevel = '5 minutes';

async function answer(ask: Ask, countSql: string, brokenSql: string) {
  const [count] = await ask<{ checked: string }>(countSql);
  const broken = await ask<Finding>(brokenSql);
  return { checked: Number(count?.checked ?? 0), broken };
}

/** Invariants 5 and 9 as far as messages go. */
export const messagingInvariants = [
  {
    number: 5,
    name: 'every message reaches each of its consumers once, and what is acknowledged is finished',
    check: (ask: Ask) =>
      answer(
        ask,
        'SELECT count(*) AS checked FROM messaging.message',
        `SELECT 'message ' || m.sequence AS "where", m.name || ' has no delivery' AS detail FROM messaging.message m
          WHERE NOT EXISTS (SELECT FROM messaging.delivery d WHERE d.sequence = m.sequence)
         UNION ALL
         SELECT 'delivery ' || d.sequence || ' of ' || d.consumer, 'has no message' FROM messaging.delivery d
          WHERE NOT EXISTS (SELECT FROM messaging.message m WHERE m.sequence = d.sequence)
         UNION ALL
         SELECT j.job_run_id, 'the job is ' || j.state || ' and its delivery ' || d.state
           FROM messaging.job_run j JOIN messaging.delivery d ON d.sequence = j.sequence AND d.consumer = j.consumer
          WHERE (d.is_long_running AND (j.state = 'SUCCEEDED') <> (d.state = 'ACKNOWLEDGED'))
             OR (j.state = 'FAILED' AND d.state <> 'DEAD') OR (j.state = 'DISCARDED' AND d.state NOT IN ('DISCARDED', 'ACKNOWLEDGED'))
         UNION ALL
         SELECT 'delivery ' || d.sequence || ' of ' || d.consumer, 'went before ' || e.sequence || ' of the same key'
           FROM messaging.delivery d
           JOIN messaging.delivery e ON e.consumer = d.consumer AND e.ordering_key = d.ordering_key AND e.sequence < d.sequence
          WHERE d.state = 'ACKNOWLEDGED' AND e.state IN ('WAITING', 'PUBLISHED', 'DEAD')
         LIMIT 100`,
      ),
  },
  {
    number: 9,
    name: 'every outbox row older than the service level is delivered, or a dead letter with an owner',
    check: (ask: Ask) =>
      answer(
        ask,
        'SELECT count(*) AS checked FROM messaging.delivery',
        `SELECT 'delivery ' || d.sequence || ' of ' || d.consumer AS "where",
                CASE d.state WHEN 'DEAD' THEN d.name || ' is dead and nobody owns it' ELSE d.name || ' is ' || d.state || ' since ' || d.added_at END AS detail
           FROM messaging.delivery d
           LEFT JOIN messaging.job_run j ON j.sequence = d.sequence AND j.consumer = d.consumer
          WHERE (d.state = 'DEAD' AND NOT d.has_work_item)
             OR (d.state IN ('WAITING', 'PUBLISHED') AND d.next_attempt_at < 'infinity'
                 AND greatest(d.added_at, coalesce(d.published_at, d.added_at)) < clock_timestamp() - interval '${serviceLevel}'
                 AND NOT coalesce(j.state = 'RUNNING' AND j.lease_until > clock_timestamp() - interval '1 minute', false)
                 AND NOT EXISTS (SELECT FROM messaging.queue_pause p WHERE p.consumer = d.consumer AND p.lane = d.lane))
          LIMIT 100`,
      ),
  },
];
