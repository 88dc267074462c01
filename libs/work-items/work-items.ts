import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { type Money } from '#libs/money/index.js';

export const workItemCategories = [
  'REPAIR',
  'UNCONFIRMED',
  'HELD',
  'FAIL',
  'PARTIAL',
  'UNMATCHED',
  'LATE_FILE',
  'BREAK',
  'SHORTFALL',
  'DEAD_LETTER',
  'CANCELLATION',
  'OTHER',
] as const;
export type WorkItemCategory = (typeof workItemCategories)[number];

/** These end with their object alone (an alert is decided, a trade is repaired): nobody closes them beside it. */
export const endingWithTheirObject: ReadonlySet<WorkItemCategory> = new Set(['HELD', 'REPAIR']);

/** Work left to a person: it always has an owner and a time by which it is due. */
export interface NewWorkItem {
  /** Opening the same key again changes nothing, also after it was closed; see `openAgain`. */
  key: string;
  kind: string;
  category: WorkItemCategory;
  objectKind: string;
  objectId: string;
  reference: string;
  reasonCode: string;
  /** `*` when it concerns the whole institution. */
  bookId: string;
  valueAtRisk?: Money | undefined;
  ownerTeam: string;
  dueAt: Date;
  nextAction: string;
}

export type WorkItemAction = 'OPENED' | 'ASSIGNED' | 'SNOOZED' | 'ESCALATED' | 'CLOSED' | 'REOPENED';

export interface WorkItemRow {
  workItemId: string;
  key: string;
  kind: string;
  category: WorkItemCategory;
  objectKind: string;
  objectId: string;
  reference: string;
  reasonCode: string;
  bookId: string;
  valueCurrency: string | null;
  valueMinor: string | null;
  ownerTeam: string;
  assignee: string | null;
  dueAt: Date;
  /** With its microseconds, for the cursor. */
  dueAtExact: string;
  nextAction: string;
  state: 'OPEN' | 'SNOOZED' | 'CLOSED';
  snoozedUntil: Date | null;
  escalationLevel: number;
  openedAt: Date;
  closedAt: Date | null;
  closedBy: string | null;
  closeReason: string | null;
  ageSeconds: number;
  isOverdue: boolean;
}

export interface WorkItemChangeRow {
  workItemId: string;
  action: WorkItemAction;
  changedBy: string;
  reason: string;
  detail: string | null;
  at: Date;
}

export interface WorkItemFilter {
  category?: WorkItemCategory | null | undefined;
  kind?: string | null | undefined;
  ownerTeam?: string | null | undefined;
  assignee?: string | null | undefined;
  book?: string | null | undefined;
  reference?: string | null | undefined;
  objectId?: string | null | undefined;
  /** Closed ones are shown only when asked for. */
  state?: 'OPEN' | 'SNOOZED' | 'CLOSED' | null | undefined;
  isOverdue?: boolean | null | undefined;
}

export function workItemIdOf(key: string): string {
  return `wi_${createHash('sha256').update(key).digest('hex').slice(0, 24)}`;
}

/** A snoozed item is open again once its time has come; nobody needs to wake it. */
const stateNow = `CASE WHEN state = 'SNOOZED' AND snoozed_until <= kernel.now() THEN 'OPEN' ELSE state END`;

const columns = `
  work_item_id AS "workItemId", key, kind, category, object_kind AS "objectKind", object_id AS "objectId", reference,
  reason_code AS "reasonCode", book_id AS "bookId", value_currency AS "valueCurrency", value_minor AS "valueMinor",
  owner_team AS "ownerTeam", assignee, due_at AS "dueAt", due_at::text AS "dueAtExact", next_action AS "nextAction", ${stateNow} AS state,
  CASE WHEN snoozed_until > kernel.now() THEN snoozed_until END AS "snoozedUntil",
  escalation_level AS "escalationLevel", opened_at AS "openedAt", closed_at AS "closedAt", closed_by AS "closedBy",
  close_reason AS "closeReason",
  greatest(0, extract(epoch FROM coalesce(closed_at, kernel.now()) - opened_at))::int AS "ageSeconds",
  (state <> 'CLOSED' AND due_at < kernel.now()) AS "isOverdue"`;

/** The work items of one service, in its schema. Every change is made in the caller's transaction and leaves a line of history. */
@Injectable()
export class WorkItems {
  async open(tx: Tx, item: NewWorkItem, by = 'system'): Promise<string> {
    await this.openMany(tx, [item], by);
    return workItemIdOf(item.key);
  }

  /** One statement for any number of items. Returns how many were new. */
  async openMany(tx: Tx, items: readonly NewWorkItem[], by = 'system'): Promise<number> {
    if (items.length === 0) return 0;
    const rows = items.map((item) => ({
      ...item,
      id: workItemIdOf(item.key),
      dueAt: item.dueAt.toISOString(),
      valueAtRisk: undefined,
      currency: item.valueAtRisk?.currency ?? null,
      minor: item.valueAtRisk?.amountMinor.toString() ?? null,
    }));
    const opened = await tx.rows<{ work_item_id: string }>(
      `WITH asked AS (
         SELECT * FROM jsonb_to_recordset($1::jsonb) AS a (id text, key text, kind text, category text, "objectKind" text, "objectId" text,
           reference text, "reasonCode" text, "bookId" text, currency text, minor numeric, "ownerTeam" text, "dueAt" timestamptz, "nextAction" text)),
       opened AS (
         INSERT INTO work_item (work_item_id, key, kind, category, object_kind, object_id, reference, reason_code, book_id,
                                value_currency, value_minor, owner_team, due_at, next_action)
         SELECT DISTINCT ON (key) id, key, kind, category, "objectKind", "objectId", reference, "reasonCode", "bookId",
                currency, minor, "ownerTeam", "dueAt", "nextAction"
           FROM asked ORDER BY key
         ON CONFLICT DO NOTHING
         RETURNING work_item_id, reason_code)
       SELECT work_item_id FROM opened`,
      [JSON.stringify(rows)],
    );
    await this.record(
      tx,
      opened.map((row) => row.work_item_id),
      'OPENED',
      'opened',
      by,
    );
    return opened.length;
  }

  /**
   * As `openMany`; what was closed under the same key and has come back (a fail that goes on, a message dead once more)
   * is open again, with its new due time and the history it had. Returns how many are newly open.
   */
  async openAgain(tx: Tx, items: readonly NewWorkItem[], by = 'system'): Promise<number> {
    const opened = await this.openMany(tx, items, by);
    if (items.length === 0) return opened;
    const reopened = await tx.rows<{ work_item_id: string }>(
      `UPDATE work_item
          SET state = 'OPEN', closed_at = NULL, closed_by = NULL, close_reason = NULL, assignee = NULL,
              due_at = greatest(work_item.due_at, asked.due_at)
         FROM unnest($1::text[], $2::timestamptz[]) AS asked (id, due_at)
        WHERE work_item_id = asked.id AND state = 'CLOSED' RETURNING work_item_id`,
      [items.map(({ key }) => workItemIdOf(key)), items.map(({ dueAt }) => dueAt.toISOString())],
    );
    await this.record(
      tx,
      reopened.map((row) => row.work_item_id),
      'REOPENED',
      'it has come back',
      by,
    );
    return opened + reopened.length;
  }

  async close(tx: Tx, key: string, reason: string, by: string): Promise<boolean> {
    return (await this.closeMany(tx, [key], reason, by)) === 1;
  }

  /** Closes those of the keys that are open, all with one reason. Returns how many there were. */
  async closeMany(tx: Tx, keys: readonly string[], reason: string, by: string): Promise<number> {
    return this.change(tx, keys.map(workItemIdOf), 'CLOSED', reason, by, {
      set: `state = 'CLOSED', closed_at = kernel.now(), closed_by = $2, close_reason = $3, snoozed_until = NULL`,
      params: [by, reason],
    });
  }

  async closeById(tx: Tx, id: string, reason: string, by: string): Promise<boolean> {
    return (
      (await this.change(tx, [id], 'CLOSED', reason, by, {
        set: `state = 'CLOSED', closed_at = kernel.now(), closed_by = $2, close_reason = $3, snoozed_until = NULL`,
        params: [by, reason],
      })) === 1
    );
  }

  async assign(tx: Tx, id: string, assignee: string, reason: string, by: string): Promise<boolean> {
    return (
      (await this.change(tx, [id], 'ASSIGNED', reason, by, {
        set: 'assignee = $2',
        params: [assignee],
        detail: assignee,
      })) === 1
    );
  }

  /** The due time stays: snoozing hides the item, it does not move the promise. */
  async snooze(tx: Tx, id: string, until: Date, reason: string, by: string): Promise<boolean> {
    const at = until.toISOString();
    return (
      (await this.change(tx, [id], 'SNOOZED', reason, by, {
        set: `state = 'SNOOZED', snoozed_until = $2::timestamptz`,
        params: [at],
        detail: at,
      })) === 1
    );
  }

  async escalate(tx: Tx, id: string, toTeam: string, reason: string, by: string): Promise<boolean> {
    return (
      (await this.change(tx, [id], 'ESCALATED', reason, by, {
        set: 'owner_team = $2, escalation_level = escalation_level + 1, assignee = NULL',
        params: [toTeam],
        detail: toTeam,
      })) === 1
    );
  }

  async find(tx: Tx, id: string): Promise<WorkItemRow | undefined> {
    const [row] = await tx.rows<WorkItemRow>(`SELECT ${columns} FROM work_item WHERE work_item_id = $1`, [id]);
    return row;
  }

  /** Up to `first` + 1 rows by due time; `after` is the last one's due time and id. */
  async list(
    tx: Tx,
    filter: WorkItemFilter,
    first: number,
    after?: readonly (string | null)[],
  ): Promise<WorkItemRow[]> {
    return tx.rows<WorkItemRow>(
      `SELECT ${columns} FROM work_item
        WHERE CASE WHEN $1::text IS NULL THEN state <> 'CLOSED' ELSE ${stateNow} = $1 END
          AND ($2::text IS NULL OR category = $2) AND ($3::text IS NULL OR owner_team = $3)
          AND ($4::text IS NULL OR assignee = $4) AND ($5::text IS NULL OR book_id = $5)
          AND ($6::text IS NULL OR reference = $6) AND ($7::text IS NULL OR object_id = $7)
          AND ($8::boolean IS NULL OR (state <> 'CLOSED' AND due_at < kernel.now()) = $8)
          AND ($9::text IS NULL OR kind = $9)
          AND ($10::timestamptz IS NULL OR (due_at, work_item_id) > ($10::timestamptz, $11::text))
        ORDER BY due_at, work_item_id LIMIT $12`,
      [
        filter.state ?? null,
        filter.category ?? null,
        filter.ownerTeam ?? null,
        filter.assignee ?? null,
        filter.book ?? null,
        filter.reference ?? null,
        filter.objectId ?? null,
        filter.isOverdue ?? null,
        filter.kind ?? null,
        after?.[0] ?? null,
        after?.[1] ?? null,
        first + 1,
      ],
    );
  }

  /** Open ones per category: the figures of the day. */
  async openPerCategory(tx: Tx): Promise<{ category: WorkItemCategory; count: number; references: string[] }[]> {
    return tx.rows(
      `SELECT category, count(*)::int AS count, array_agg(reference ORDER BY reference) AS "references"
         FROM work_item WHERE state <> 'CLOSED' GROUP BY category ORDER BY category`,
      [],
    );
  }

  async history(tx: Tx, ids: readonly string[]): Promise<Map<string, WorkItemChangeRow[]>> {
    const rows = await tx.rows<WorkItemChangeRow>(
      `SELECT work_item_id AS "workItemId", action, changed_by AS "changedBy", reason, detail, at
         FROM work_item_change WHERE work_item_id = ANY ($1::text[]) ORDER BY work_item_id, sequence`,
      [ids],
    );
    const byItem = new Map<string, WorkItemChangeRow[]>();
    for (const row of rows) byItem.set(row.workItemId, [...(byItem.get(row.workItemId) ?? []), row]);
    return byItem;
  }

  private async change(
    tx: Tx,
    ids: readonly string[],
    action: WorkItemAction,
    reason: string,
    by: string,
    change: { set: string; params: unknown[]; detail?: string },
  ): Promise<number> {
    if (reason.trim() === '') throw new Error('a work item is changed with a reason');
    if (ids.length === 0) return 0;
    const changed = await tx.rows<{ work_item_id: string }>(
      `UPDATE work_item SET ${change.set} WHERE work_item_id = ANY ($1::text[]) AND state <> 'CLOSED' RETURNING work_item_id`,
      [ids, ...change.params],
    );
    await this.record(
      tx,
      changed.map((row) => row.work_item_id),
      action,
      reason,
      by,
      change.detail,
    );
    return changed.length;
  }

  private async record(
    tx: Tx,
    ids: string[],
    action: WorkItemAction,
    reason: string,
    by: string,
    detail?: string,
  ): Promise<void> {
    if (ids.length === 0) return;
    await tx.execute(
      `INSERT INTO work_item_change (work_item_id, action, changed_by, reason, detail)
       SELECT id, $2, $3, $4, $5 FROM unnest($1::text[]) AS id`,
      [ids, action, by, reason, detail ?? null],
    );
  }
}
