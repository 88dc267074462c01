import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { type PeriodKind } from '../periods/periods.js';
import { type KnownTask, type TemplateTask } from './close-calendar.js';

export interface TemplateRow {
  readonly book: string;
  readonly version: number;
  readonly reason: string;
  readonly storedBy: string;
  readonly storedAt: Date;
}

export interface Evidence {
  readonly kind: 'TEXT' | 'REFERENCE' | 'HASH';
  readonly value: string;
}

export interface CloseTaskRow extends KnownTask {
  readonly book: string;
  readonly period: string;
  readonly templateVersion: number;
  readonly dueAt: Date;
  readonly evidence: Evidence[];
  readonly preparedAt: Date | null;
  readonly signedBy: string | null;
  readonly signedAt: Date | null;
  readonly version: number;
}

export interface CloseTaskChangeRow {
  readonly code: string;
  readonly version: number;
  readonly toState: string;
  readonly changedBy: string;
  readonly evidence: Evidence[];
  readonly changedAt: Date;
}

const templateTask = `m.code, m.name, m.check_name AS "check", m.applies_to AS "appliesTo", m.owner_team AS "ownerTeam", m.owner, m.due_day AS "dueDay",
  m.is_mandatory AS "isMandatory", m.needs_evidence AS "needsEvidence", m.needs_review AS "needsReview",
  ARRAY(SELECT d.depends_on FROM accounting.close_template_dependency d
         WHERE d.book_id = m.book_id AND d.template_version = m.template_version AND d.code = m.code ORDER BY 1) AS "dependsOn"`;

@Injectable()
export class CloseCalendarRepository {
  /** The newest version. */
  async template(tx: Tx, book: string): Promise<(TemplateRow & { tasks: TemplateTask[] }) | undefined> {
    const row = await tx.row<TemplateRow>(
      `SELECT t.book_id AS book, t.version, t.reason, t.stored_by AS "storedBy", t.stored_at AS "storedAt"
         FROM accounting.close_template t WHERE t.book_id = $1 ORDER BY t.version DESC LIMIT 1`,
      [book],
    );
    if (!row) return undefined;
    const tasks = await tx.rows<TemplateTask>(
      `SELECT ${templateTask} FROM accounting.close_template_task m WHERE m.book_id = $1 AND m.template_version = $2 ORDER BY m.due_day, m.code`,
      [book, row.version],
    );
    return { ...row, tasks };
  }

  async store(tx: Tx, book: string, tasks: readonly TemplateTask[], reason: string, by: string): Promise<number> {
    await tx.execute(`SELECT pg_advisory_xact_lock(hashtextextended('close-template:' || $1, 0))`, [book]);
    const row = await tx.row<{ version: number }>(
      `INSERT INTO accounting.close_template (book_id, version, reason, stored_by)
       SELECT $1, 1 + coalesce(max(t.version), 0), $2, $3 FROM accounting.close_template t WHERE t.book_id = $1 RETURNING version`,
      [book, reason, by],
    );
    const version = row?.version ?? 0;
    await tx.execute(
      `INSERT INTO accounting.close_template_task (book_id, template_version, code, name, check_name, applies_to, owner_team, owner, due_day,
         is_mandatory, needs_evidence, needs_review)
       SELECT $1, $2, t.code, t.name, t.check, t."appliesTo", t."ownerTeam", t.owner, t."dueDay", t."isMandatory", t."needsEvidence", t."needsReview"
         FROM jsonb_to_recordset($3::jsonb) AS t(code text, name text, "check" text, "appliesTo" text, "ownerTeam" text, owner text, "dueDay" int,
           "isMandatory" boolean, "needsEvidence" boolean, "needsReview" boolean)`,
      [book, version, JSON.stringify(tasks)],
    );
    await tx.execute(
      `INSERT INTO accounting.close_template_dependency (book_id, template_version, code, depends_on)
       SELECT DISTINCT $1, $2::int, t.v->>'code', d FROM jsonb_array_elements($3::jsonb) AS t(v), jsonb_array_elements_text(t.v->'dependsOn') AS d`,
      [book, version, JSON.stringify(tasks)],
    );
    return version;
  }

  async begin(
    tx: Tx,
    book: string,
    period: string,
    version: number,
    tasks: readonly { code: string; dueAt: Date }[],
  ): Promise<void> {
    await tx.execute(
      `INSERT INTO accounting.close_task (book_id, period, code, template_version, due_at)
       SELECT $1, $2, w.code, $3, w.due FROM unnest($4::text[], $5::timestamptz[]) AS w(code, due) ORDER BY w.code
       ON CONFLICT (book_id, period, code) DO NOTHING`,
      [book, period, version, tasks.map(({ code }) => code), tasks.map(({ dueAt }) => dueAt.toISOString())],
    );
  }

  async tasks(tx: Tx, book: string, period: string): Promise<CloseTaskRow[]> {
    return tx.rows<CloseTaskRow>(
      `SELECT t.book_id AS book, t.period, t.template_version AS "templateVersion", t.due_at AS "dueAt", t.state, t.evidence, t.prepared_by AS "preparedBy",
              t.prepared_at AS "preparedAt", t.signed_by AS "signedBy", t.signed_at AS "signedAt", t.version, ${templateTask}
         FROM accounting.close_task t JOIN accounting.close_template_task m USING (book_id, template_version, code)
        WHERE t.book_id = $1 AND t.period = $2 ORDER BY t.due_at, t.code`,
      [book, period],
    );
  }

  async changes(tx: Tx, book: string, period: string): Promise<CloseTaskChangeRow[]> {
    return tx.rows<CloseTaskChangeRow>(
      `SELECT c.code, c.version, c.to_state AS "toState", c.changed_by AS "changedBy", c.evidence, c.changed_at AS "changedAt"
         FROM accounting.close_task_change c WHERE c.book_id = $1 AND c.period = $2 ORDER BY c.code, c.version`,
      [book, period],
    );
  }

  async prepare(tx: Tx, task: CloseTaskRow, evidence: readonly Evidence[], by: string): Promise<void> {
    await tx.execute(
      `UPDATE accounting.close_task SET state = 'PREPARED', evidence = $4::jsonb, prepared_by = $5, prepared_at = kernel.now(), version = version + 1
        WHERE book_id = $1 AND period = $2 AND code = $3`,
      [task.book, task.period, task.code, JSON.stringify(evidence), by],
    );
  }

  async sign(tx: Tx, task: CloseTaskRow, evidence: readonly Evidence[], by: string): Promise<void> {
    await tx.execute(
      `UPDATE accounting.close_task SET state = 'DONE', evidence = $4::jsonb, signed_by = $5, signed_at = kernel.now(), version = version + 1
        WHERE book_id = $1 AND period = $2 AND code = $3`,
      [task.book, task.period, task.code, JSON.stringify(evidence), by],
    );
  }

  /** What was signed was signed of figures that may now change. */
  async openAgain(tx: Tx, book: string, period: string): Promise<void> {
    await tx.execute(
      `UPDATE accounting.close_task SET state = 'OPEN', evidence = '[]', prepared_by = NULL, prepared_at = NULL, signed_by = NULL, signed_at = NULL, version = version + 1
        WHERE book_id = $1 AND period = $2 AND state <> 'OPEN'`,
      [book, period],
    );
  }

  async daysOpen(tx: Tx, book: string, period: string, kind: PeriodKind): Promise<number> {
    const row = await tx.row<{ open: string }>(
      `SELECT count(*) AS open FROM accounting.business_day d JOIN accounting.period p ON p.book_id = d.book_id AND p.period = $2
        WHERE d.book_id = $1 AND d.business_date BETWEEN p.first_date AND p.last_date AND d.state NOT IN ('CLOSED','SKIPPED') AND p.kind = $3`,
      [book, period, kind],
    );
    return Number(row?.open ?? 0);
  }
}
