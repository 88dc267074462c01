import { type Invariant, proof } from '../invariant.js';

/** What has no item of its own by the end of its date and is neither settled nor stopped by compliance. */
const dueUnsettled = `
  SELECT i.* FROM settlement.instruction i
   WHERE i.settlement_status <> 'SETTLED' AND i.processing_status <> 'CANCELLED'
     AND EXISTS (SELECT 1 FROM settlement.day_phase d WHERE d.book_id = i.book_id AND d.phase = 'FAIL_SNAPSHOT' AND d.finished_at IS NOT NULL
                  AND d.business_date >= i.settlement_date AND d.business_date >= i.business_date)`;

/** What must always hold of instructions, payments, holds and exceptions. */
export const instructionInvariants: readonly Invariant[] = [
  {
    number: 8,
    name: 'Instruction histories only use declared transitions, and each begins where the one before ended',
    check: proof(
      'instruction_status_history',
      `
      SELECT h.instruction_id AS "where", format('%s from %s to %s is not declared', h.process, h.from_status, h.to_status) AS detail
        FROM settlement.instruction_status_history h
       WHERE h.process <> 'HOLD' AND h.from_status <> h.to_status
         AND NOT EXISTS (SELECT 1 FROM settlement.instruction_transition t WHERE t.process = h.process AND t.from_status = h.from_status AND t.to_status = h.to_status)
      UNION ALL
      SELECT h.instruction_id, format('%s jumps from %s to %s', h.process, h.before, h.from_status)
        FROM (SELECT *, lag(to_status, 1, '') OVER (PARTITION BY instruction_id, process ORDER BY sequence) AS before FROM settlement.instruction_status_history) h
       WHERE h.from_status <> h.before
      UNION ALL
      SELECT i.instruction_id, format('%s stands at %s, its history at %s', p.process, p.status, coalesce(h.to_status, 'nothing'))
        FROM settlement.instruction i
       CROSS JOIN LATERAL (VALUES ('PROCESSING', i.processing_status), ('MATCHING', i.matching_status), ('SETTLEMENT', i.settlement_status),
               ('CANCELLATION', i.cancellation_status)) p(process, status)
        LEFT JOIN LATERAL (SELECT to_status FROM settlement.instruction_status_history h WHERE h.instruction_id = i.instruction_id AND h.process = p.process
                            ORDER BY sequence DESC LIMIT 1) h ON true
       WHERE h.to_status IS DISTINCT FROM p.status`,
    ),
  },
  {
    number: 8,
    name: 'Nothing settled changes: what settled is what was booked, and nothing follows the settlement',
    check: proof(
      'instruction',
      `
      SELECT i.instruction_id AS "where", format('%s of %s units booked, %s said to be settled', coalesce(s.units, 0), i.quantity_units, i.settled_quantity_units) AS detail
        FROM settlement.instruction i
        LEFT JOIN (SELECT instruction_id, sum(quantity_units) AS units, sum(amount_minor) AS amount FROM settlement.instruction_settlement WHERE state = 'BOOKED' GROUP BY 1) s USING (instruction_id)
       WHERE (coalesce(s.units, 0), coalesce(s.amount, 0)) <> (i.settled_quantity_units, i.settled_amount_minor)
          OR (i.settlement_status = 'SETTLED') <> (i.settled_quantity_units = i.quantity_units)
      UNION ALL
      SELECT h.instruction_id, format('%s changed to %s after the settlement', h.process, h.to_status)
        FROM settlement.instruction_status_history h
        JOIN (SELECT instruction_id, min(sequence) AS sequence, min(at) AS at FROM settlement.instruction_status_history WHERE process = 'SETTLEMENT' AND to_status = 'SETTLED' GROUP BY 1) e USING (instruction_id)
       WHERE h.sequence > e.sequence AND h.at > e.at`,
    ),
  },
  {
    number: 8,
    name: 'Payment histories only use declared transitions',
    check: proof(
      'payment_status_history',
      `
      SELECT h.payment_id AS "where", format('from %s to %s is not declared', h.from_status, h.to_status) AS detail
        FROM settlement.payment_status_history h
       WHERE NOT EXISTS (SELECT 1 FROM settlement.payment_transition t WHERE t.from_status = h.from_status AND t.to_status = h.to_status)
      UNION ALL
      SELECT h.payment_id, format('jumps from %s to %s', h.before, h.from_status)
        FROM (SELECT *, lag(to_status, 1, '') OVER (PARTITION BY payment_id ORDER BY sequence) AS before FROM settlement.payment_status_history) h
       WHERE h.from_status <> h.before
      UNION ALL
      SELECT p.payment_id, format('stands at %s, its history at %s', p.status, coalesce(h.to_status, 'nothing'))
        FROM settlement.payment p
        LEFT JOIN LATERAL (SELECT to_status FROM settlement.payment_status_history h WHERE h.payment_id = p.payment_id ORDER BY sequence DESC LIMIT 1) h ON true
       WHERE h.to_status IS DISTINCT FROM p.status`,
    ),
  },
  {
    number: 12,
    name: "Nothing moved that was held at its cycle's watermark, nor was sent while it was held",
    check: proof(
      'instruction_settlement',
      `
      SELECT s.instruction_id AS "where", format('attempted in cycle %s while compliance held it', s.cycle_id) AS detail
        FROM settlement.instruction_settlement s JOIN settlement.day_phase d ON d.phase_run_id = s.cycle_id
       CROSS JOIN LATERAL (SELECT to_status FROM settlement.instruction_status_history h WHERE h.instruction_id = s.instruction_id AND h.process = 'HOLD'
               AND h.sequence <= d.history_watermark ORDER BY h.sequence DESC LIMIT 1) h
       WHERE h.to_status <> '' AND s.state <> 'REFUSED'
      UNION ALL
      SELECT s.instruction_id, 'left for its place while it was held'
        FROM settlement.instruction_status_history s
       CROSS JOIN LATERAL (SELECT to_status FROM settlement.instruction_status_history h WHERE h.instruction_id = s.instruction_id AND h.process = 'HOLD'
               AND h.sequence < s.sequence ORDER BY h.sequence DESC LIMIT 1) h
       WHERE s.process = 'PROCESSING' AND s.from_status = 'CREATED' AND s.to_status = 'SENT' AND h.to_status <> ''
      UNION ALL
      SELECT p.payment_id, format('booked from %s', h.from_status)
        FROM settlement.payment p JOIN settlement.payment_status_history h ON h.payment_id = p.payment_id AND h.to_status = 'BOOKING'
       WHERE h.from_status <> 'READY'`,
    ),
  },
  {
    number: 12,
    name: 'A hit after the sending has its hold or cancellation request',
    check: proof(
      'hold_request',
      `
      SELECT i.instruction_id AS "where", 'held by compliance after it was sent, and the place was never asked to hold it' AS detail
        FROM settlement.instruction i
       WHERE i.compliance_hold AND i.sent_at IS NOT NULL AND i.place_kind = 'EXTERNAL' AND i.processing_status NOT IN ('REJECTED','CANCELLED')
         AND NOT EXISTS (SELECT 1 FROM settlement.hold_request r WHERE r.instruction_id = i.instruction_id AND r.kind IN ('HOLD','CANCEL'))`,
    ),
  },
  {
    number: 12,
    name: 'What a held party has open is held, and nothing was made for it without the hold',
    check: proof(
      'party_hold',
      `
      SELECT i.instruction_id AS "where", format('its party %s is held (%s), and it is not', h.party_id, h.alert_id) AS detail
        FROM settlement.party_hold h JOIN settlement.instruction i ON i.client_party_id = h.party_id OR i.counterparty_party_id = h.party_id
       WHERE h.released_at IS NULL AND NOT i.compliance_hold AND i.settlement_status <> 'SETTLED' AND i.processing_status NOT IN ('REJECTED','CANCELLED')
         -- A person may let a single one go while its party stays stopped.
         AND NOT EXISTS (SELECT FROM settlement.instruction_release r WHERE r.instruction_id = i.instruction_id AND r.alert_id = h.alert_id)
      UNION ALL
      SELECT i.instruction_id, format('was made without the hold %s, which stopped %s before', held.reason, held.object_id)
        FROM settlement.audit_leaf held
        JOIN settlement.instruction i ON i.client_party_id = held.object_id OR i.counterparty_party_id = held.object_id
        JOIN settlement.audit_leaf made ON made.object_kind = 'INSTRUCTION' AND made.object_id = i.instruction_id
             AND made.action = 'instruction.created' AND made.sequence > held.sequence
       WHERE held.object_kind = 'PARTY' AND held.action = 'party.held'
         AND NOT EXISTS (SELECT FROM settlement.audit_leaf freed
              WHERE freed.object_kind = 'PARTY' AND freed.object_id = held.object_id AND freed.action = 'party.hold-released'
                AND freed.reason = held.reason AND freed.sequence BETWEEN held.sequence AND made.sequence)`,
    ),
  },
  {
    number: 13,
    name: 'Every exception is an open work item with owner and due time, or is closed with a reason',
    check: proof(
      'work_item',
      `
      SELECT i.instruction_id AS "where", format('%s/%s/%s %s after its date, and nobody has it', i.processing_status, i.matching_status, i.settlement_status, coalesce(i.reason_code, '')) AS detail
        FROM (${dueUnsettled}) i
       WHERE NOT i.compliance_hold
         AND NOT EXISTS (SELECT 1 FROM settlement.work_item w WHERE w.object_kind = 'INSTRUCTION' AND w.object_id = i.instruction_id AND w.category IN ('FAIL','PARTIAL','UNMATCHED'))
      UNION ALL
      SELECT w.work_item_id, format('%s has %s', w.key, CASE WHEN w.owner_team = '' THEN 'no owner' WHEN w.due_at IS NULL THEN 'no due time' ELSE 'no reason for its end' END)
        FROM settlement.work_item w
       WHERE coalesce(w.owner_team, '') = '' OR w.due_at IS NULL OR (w.state = 'CLOSED' AND coalesce(w.close_reason, '') = '')`,
    ),
  },
];
