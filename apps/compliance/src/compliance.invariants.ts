/** Asks the database, read-only, as the role `verify`. */
export type Ask = <Row>(sql: string, parameters?: unknown[]) => Promise<Row[]>;

export interface Invariant {
  readonly number: number;
  readonly name: string;
  readonly check: (ask: Ask) => Promise<{ checked: number; broken: { where: string; detail: string }[] }>;
}

type Broken = { where: string; detail: string };

async function proved(ask: Ask, counted: string, breaches: string): Promise<{ checked: number; broken: Broken[] }> {
  const [row] = await ask<{ count: number }>(`SELECT count(*)::int AS count FROM ${counted}`);
  return { checked: row?.count ?? 0, broken: await ask<Broken>(breaches) };
}

/**
 * What must always hold in compliance. An alert on a party may wait for settlement to say what it stopped; the
 * wait is bounded in real time, so that an answer that never comes is found.
 */
export const complianceInvariants: Invariant[] = [
  {
    number: 12,
    name: 'an object that was hit has an alert, and a released or confirmed one a decision',
    check: (ask) =>
      proved(
        ask,
        `compliance.screening WHERE outcome = 'HIT'`,
        `SELECT 'screening ' || screening_id AS where, object_kind || ' ' || reference || ' was hit and has no alert' AS detail
           FROM compliance.screening s
          WHERE outcome = 'HIT'
            AND NOT EXISTS (SELECT FROM compliance.alert a WHERE a.object_kind = s.object_kind AND a.object_id = s.object_id)`,
      ),
  },
  {
    number: 13,
    name: 'every open alert is an open work item with owner and due time',
    check: (ask) =>
      proved(
        ask,
        `compliance.alert WHERE state = 'OPEN'`,
        `SELECT 'alert ' || alert_id AS where,
                object_kind || ' ' || reference || CASE work
                  WHEN 'OWN_ITEM' THEN ' has no open work item'
                  WHEN 'ITEMS_OF_OBJECTS' THEN ' has no open alert of an object that stands for it'
                  ELSE ' waits for settlement for more than ten minutes' END AS detail
           FROM compliance.alert a
          WHERE state = 'OPEN'
            AND CASE work
              WHEN 'OWN_ITEM' THEN NOT EXISTS (
                SELECT FROM compliance.work_item w
                 WHERE w.key = 'alert:' || a.alert_id AND w.state <> 'CLOSED' AND w.owner_team <> '' AND w.due_at IS NOT NULL)
              WHEN 'ITEMS_OF_OBJECTS' THEN NOT EXISTS (
                SELECT FROM compliance.alert child WHERE child.parent_alert_id = a.alert_id AND child.state = 'OPEN')
              ELSE recorded_at < clock_timestamp() - interval '10 minutes' END
          UNION ALL
         SELECT 'work item ' || work_item_id, w.reference || ' is open and its alert is ' || lower(a.state)
           FROM compliance.work_item w JOIN compliance.alert a ON w.key = 'alert:' || a.alert_id
          WHERE w.state <> 'CLOSED' AND a.state <> 'OPEN'`,
      ),
  },
  {
    number: 12,
    name: 'no approval is decided by its maker, by who changed it, or after it expired',
    check: (ask) =>
      proved(
        ask,
        `compliance.approval WHERE state IN ('APPROVED', 'REJECTED')`,
        `SELECT 'approval ' || approval_id AS where,
                CASE WHEN decided_by IS NULL THEN 'is decided by nobody'
                     WHEN decided_at >= expires_at THEN 'was decided after it expired'
                     ELSE 'was decided by ' || decided_by || ', who made or changed it' END AS detail
           FROM compliance.approval
          WHERE state IN ('APPROVED', 'REJECTED')
            AND (decided_by IS NULL OR decided_by = requested_by OR decided_by = ANY (changed_by) OR decided_at >= expires_at)`,
      ),
  },
  {
    number: 12,
    name: 'a released alert has the approval of a second person, itself or through its party',
    check: (ask) =>
      proved(
        ask,
        `compliance.alert WHERE state = 'RELEASED'`,
        `SELECT 'alert ' || alert_id AS where, object_kind || ' ' || reference || ' was released without an approval' AS detail
           FROM compliance.alert a
          WHERE state = 'RELEASED'
            AND NOT EXISTS (
              SELECT FROM compliance.approval p
               WHERE p.service = 'compliance' AND p.object_kind = 'Alert' AND p.object_id IN (a.alert_id, a.parent_alert_id)
                 AND p.state = 'APPROVED')`,
      ),
  },
];
