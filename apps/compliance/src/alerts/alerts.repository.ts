import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { type ScreenedKind } from '../screening/screening.js';
import { type AlertReason, type AlertState, type AlertWork } from './alerts.js';

export interface AlertRow {
  alertId: string;
  objectKind: ScreenedKind;
  objectId: string;
  reference: string;
  book: string;
  partyId: string | null;
  parentAlertId: string | null;
  screeningId: string;
  listVersionId: string;
  entryVersionId: string | null;
  entryName: string | null;
  score: number;
  reasonCode: AlertReason;
  wasSent: boolean;
  isEntryDelisted: boolean;
  work: AlertWork;
  state: AlertState;
  businessDate: string;
  openedAt: Date;
  dueAt: Date;
  /** With its microseconds, for the cursor. */
  dueAtExact: string;
  decidedAt: Date | null;
  decidedBy: string | null;
  decisionReason: string | null;
}

export type NewAlert = Pick<
  AlertRow,
  | 'alertId'
  | 'objectKind'
  | 'objectId'
  | 'reference'
  | 'book'
  | 'partyId'
  | 'parentAlertId'
  | 'screeningId'
  | 'listVersionId'
  | 'entryVersionId'
  | 'entryName'
  | 'score'
  | 'reasonCode'
  | 'wasSent'
  | 'work'
  | 'businessDate'
  | 'dueAt'
>;

export interface AlertFilter {
  state?: AlertState | null;
  objectKind?: ScreenedKind | null;
  objectId?: string | null;
  partyId?: string | null;
  reference?: string | null;
  book?: string | null;
  businessDate?: string | null;
}

const columns = `alert_id AS "alertId", object_kind AS "objectKind", object_id AS "objectId", reference, book_id AS book, party_id AS "partyId",
  parent_alert_id AS "parentAlertId", screening_id AS "screeningId", list_version_id AS "listVersionId",
  entry_version_id AS "entryVersionId", entry_name AS "entryName", score, reason_code AS "reasonCode", was_sent AS "wasSent",
  is_entry_delisted AS "isEntryDelisted", work, state, business_date::text AS "businessDate", opened_at AS "openedAt", due_at AS "dueAt",
  due_at::text AS "dueAtExact",
  decided_at AS "decidedAt", decided_by AS "decidedBy", decision_reason AS "decisionReason"`;

@Injectable()
export class AlertsRepository {
  /** An object has one open alert: of those asked for, the new ones are returned. */
  async insert(tx: Tx, alerts: readonly NewAlert[]): Promise<AlertRow[]> {
    if (alerts.length === 0) return [];
    return tx.rows<AlertRow>(
      `INSERT INTO compliance.alert (alert_id, object_kind, object_id, reference, book_id, party_id, parent_alert_id, screening_id,
         list_version_id, entry_version_id, entry_name, score, reason_code, was_sent, work, business_date, due_at)
       SELECT "alertId", "objectKind", "objectId", reference, book, "partyId", "parentAlertId", "screeningId", "listVersionId",
              "entryVersionId", "entryName", score, "reasonCode", "wasSent", work, "businessDate", "dueAt"
         FROM jsonb_to_recordset($1::jsonb) AS a ("alertId" text, "objectKind" text, "objectId" text, reference text, book text,
              "partyId" text, "parentAlertId" text, "screeningId" text, "listVersionId" text, "entryVersionId" text, "entryName" text,
              score int, "reasonCode" text, "wasSent" boolean, work text, "businessDate" date, "dueAt" timestamptz)
       ON CONFLICT DO NOTHING
       RETURNING ${columns}`,
      [JSON.stringify(alerts)],
    );
  }

  async openOf(tx: Tx, objects: readonly { objectKind: string; objectId: string }[]): Promise<AlertRow[]> {
    return tx.rows<AlertRow>(
      `SELECT ${columns} FROM compliance.alert
        WHERE state = 'OPEN' AND (object_kind, object_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
      [objects.map(({ objectKind }) => objectKind), objects.map(({ objectId }) => objectId)],
    );
  }

  /** The alerts by which parties are held: open, or confirmed for good. */
  async holding(tx: Tx, partyIds: readonly string[]): Promise<AlertRow[]> {
    return tx.rows<AlertRow>(
      `SELECT DISTINCT ON (object_id) ${columns} FROM compliance.alert
        WHERE object_kind = 'PARTY' AND object_id = ANY ($1::text[]) AND state <> 'RELEASED' ORDER BY object_id, opened_at DESC`,
      [partyIds],
    );
  }

  async find(tx: Tx, ids: readonly string[]): Promise<AlertRow[]> {
    return tx.rows<AlertRow>(`SELECT ${columns} FROM compliance.alert WHERE alert_id = ANY ($1::text[])`, [ids]);
  }

  async lock(tx: Tx, alertId: string): Promise<AlertRow | undefined> {
    return tx.row<AlertRow>(`SELECT ${columns} FROM compliance.alert WHERE alert_id = $1 FOR UPDATE`, [alertId]);
  }

  async lockOpenChildren(tx: Tx, alertId: string): Promise<AlertRow[]> {
    return tx.rows<AlertRow>(
      `SELECT ${columns} FROM compliance.alert WHERE parent_alert_id = $1 AND state = 'OPEN' ORDER BY alert_id FOR UPDATE`,
      [alertId],
    );
  }

  async decide(
    tx: Tx,
    ids: readonly string[],
    state: AlertState,
    decidedOn: string,
    by: string,
    reason: string,
  ): Promise<void> {
    await tx.execute(
      `UPDATE compliance.alert SET state = $2, decided_at = kernel.now(), decided_on = $3, decided_by = $4, decision_reason = $5
        WHERE alert_id = ANY ($1::text[])`,
      [ids, state, decidedOn, by, reason],
    );
  }

  async setWork(tx: Tx, alertId: string, work: AlertWork): Promise<void> {
    await tx.execute('UPDATE compliance.alert SET work = $2 WHERE alert_id = $1', [alertId, work]);
  }

  /** Open alerts whose entry the source no longer lists; a person still decides. */
  async markDelisted(tx: Tx, source: string, listVersionId: string): Promise<number> {
    return tx.execute(
      `UPDATE compliance.alert SET is_entry_delisted = true
         FROM compliance.list_entry entry
        WHERE alert.entry_version_id = entry.entry_version_id AND entry.source = $1 AND alert.state = 'OPEN' AND NOT is_entry_delisted
          AND NOT EXISTS (SELECT FROM compliance.list_version_entry JOIN compliance.list_entry listed USING (entry_version_id)
                           WHERE list_version_id = $2 AND listed.entry_number = entry.entry_number)`,
      [source, listVersionId],
    );
  }

  /** Every entry that matched the party in the alert's screening is cleared for this version of the party. */
  async clearMatches(tx: Tx, alert: AlertRow): Promise<void> {
    await tx.execute(
      `INSERT INTO compliance.cleared_match (party_id, party_version, entry_version_id, alert_id)
       SELECT s.party_id, s.party_version, hit.entry_version_id, $1
         FROM compliance.screening s
        CROSS JOIN LATERAL (
          SELECT DISTINCT h ->> 'entryVersionId' AS entry_version_id
            FROM jsonb_array_elements(s.explanation -> 'names') n, jsonb_array_elements(n -> 'hits') h) hit
        WHERE s.object_kind = 'PARTY' AND s.object_id = $2 AND s.party_version IS NOT NULL AND s.outcome = 'HIT'
       ON CONFLICT DO NOTHING`,
      [alert.alertId, alert.objectId],
    );
  }

  async list(tx: Tx, filter: AlertFilter, limit: number, after?: readonly (string | null)[]): Promise<AlertRow[]> {
    return tx.rows<AlertRow>(
      `SELECT ${columns} FROM compliance.alert
        WHERE ($1::text IS NULL OR state = $1) AND ($2::text IS NULL OR object_kind = $2) AND ($3::text IS NULL OR object_id = $3)
          AND ($4::text IS NULL OR party_id = $4) AND ($5::text IS NULL OR reference = $5) AND ($6::text IS NULL OR book_id = $6)
          AND ($7::date IS NULL OR business_date = $7)
          AND ($8::timestamptz IS NULL OR (due_at, alert_id) > ($8::timestamptz, $9::text))
        ORDER BY due_at, alert_id LIMIT $10`,
      [
        filter.state ?? null,
        filter.objectKind ?? null,
        filter.objectId ?? null,
        filter.partyId ?? null,
        filter.reference ?? null,
        filter.book ?? null,
        filter.businessDate ?? null,
        after?.[0] ?? null,
        after?.[1] ?? null,
        limit,
      ],
    );
  }
}
