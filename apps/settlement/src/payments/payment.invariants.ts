import { type Invariant, proof } from '../invariant.js';

/** How long a fact may still wait once its book works a date that would take it. */
const waitsAtMost = '15 minutes';

/** What must always hold of payments, and of the facts that wait for a date. */
export const paymentInvariants: readonly Invariant[] = [
  {
    number: 9,
    name: 'No confirmed fact still waits for a date that its book has been working for longer than the service level',
    check: proof(
      'fact_entry',
      `
      SELECT f.entry_key AS "where", format('waits, and %s works %s since %s', f.book_id, d.business_date, y.started_at) AS detail
        FROM settlement.fact_entry f JOIN settlement.book_day d USING (book_id)
        JOIN settlement.day_phase y ON y.book_id = d.book_id AND y.business_date = d.business_date AND y.phase = 'START_OF_DAY'
       WHERE f.state = 'WAITING' AND d.state <> 'CLOSED' AND coalesce(f.not_before, d.business_date) <= d.business_date
         AND greatest(y.started_at, f.received_at) < kernel.now() - interval '${waitsAtMost}'`,
    ),
  },
  {
    number: 12,
    name: "No payment was booked or sent after a hit that is open or confirmed, and each hit that came late is somebody's work",
    check: proof(
      'payment_hit',
      `
      SELECT h.payment_id AS "where", format('was booked after the hit %s, which is %s', h.alert_id, h.state) AS detail
        FROM settlement.payment_hit h
       WHERE h.state <> 'RELEASED' AND EXISTS (SELECT FROM settlement.payment_status_history s
              WHERE s.payment_id = h.payment_id AND s.to_status = 'BOOKING' AND s.sequence > h.after_sequence)
      UNION ALL
      SELECT h.payment_id, format('was sent after the hit %s, which is %s', h.alert_id, h.state)
        FROM settlement.payment_hit h JOIN settlement.payment p USING (payment_id)
       WHERE h.state <> 'RELEASED' AND NOT h.was_sent AND p.batch_message_id IS NOT NULL
      UNION ALL
      SELECT h.payment_id, format('is %s, and its hit %s is %s', p.status, h.alert_id, h.state)
        FROM settlement.payment_hit h JOIN settlement.payment p USING (payment_id)
       WHERE h.state <> 'RELEASED' AND p.status IN ('SCREENING','READY') OR h.state = 'CONFIRMED' AND p.status = 'HELD'
      UNION ALL
      SELECT p.payment_id, format('says of its late hits %s, they are %s', coalesce(p.late_hit, 'nothing'), coalesce(h.state, 'none'))
        FROM settlement.payment p
        LEFT JOIN (SELECT payment_id, CASE WHEN bool_or(state = 'CONFIRMED') THEN 'CONFIRMED' WHEN bool_or(state = 'OPEN') THEN 'OPEN' ELSE 'RELEASED' END AS state
                     FROM settlement.payment_hit WHERE is_late GROUP BY 1) h USING (payment_id)
       WHERE p.late_hit IS DISTINCT FROM h.state
      UNION ALL
      SELECT h.payment_id, format('was hit (%s) %s it was sent, and nobody has it', h.alert_id, CASE WHEN h.was_sent THEN 'after' ELSE 'before' END)
        FROM settlement.payment_hit h
       WHERE h.is_late AND NOT EXISTS (SELECT FROM settlement.work_item w WHERE w.key = 'late-hit:' || h.payment_id || ':' || h.alert_id
              AND w.kind = CASE WHEN h.was_sent THEN 'HIT_AFTER_SENDING' ELSE 'HIT_BEFORE_SENDING' END)`,
    ),
  },
];
