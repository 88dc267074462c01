import { Injectable } from '@nestjs/common';
import { type PostingEvent } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import {
  type Corrected,
  type Effect,
  lineHash,
  type Original,
  type Rebooking,
  type Selection,
  type Transformation,
} from './corrections.js';

export const correctionStates = [
  'PREVIEWING',
  'PREVIEWED',
  'PROPOSED',
  'RUNNING',
  'DONE',
  'REFUSED',
  'REJECTED',
  'EXPIRED',
  'WITHDRAWN',
  'STALE',
] as const;
export type CorrectionState = (typeof correctionStates)[number];

export interface CorrectionRow {
  readonly correctionId: string;
  readonly book: string;
  readonly selection: Selection;
  readonly transformation: Transformation;
  readonly reason: string;
  readonly forced: boolean;
  readonly upToSequence: string;
  readonly state: CorrectionState;
  readonly refusalCode: string | null;
  readonly requestedBy: string;
  readonly requestedAt: Date;
  readonly requestedAtExact: string;
  readonly previewJobRunId: string | null;
  readonly previewFileId: string | null;
  readonly previewHash: string | null;
  readonly approvalId: string | null;
  readonly proposedBy: string | null;
  readonly expiresAt: Date | null;
  readonly decidedBy: string | null;
  readonly decidedAt: Date | null;
  readonly decisionReason: string | null;
  readonly jobRunId: string | null;
  readonly finishedAt: Date | null;
}

export interface LineRow {
  readonly n: number;
  readonly originalEntryId: string;
  readonly rebooking: Rebooking | null;
  readonly lineHash: string;
  readonly state: 'LEFT_OUT' | 'WAITING' | 'DONE' | 'REFUSED';
  readonly code: string | null;
  readonly reversalEntryId: string | null;
  readonly rebookingEntryId: string | null;
}

export interface EffectRow {
  readonly account: string;
  readonly asset: string;
  readonly scale: number;
  readonly before: string;
  readonly reversal: string;
  readonly rebooking: string;
}

export interface Result {
  readonly n: number;
  readonly state: 'DONE' | 'REFUSED';
  readonly code?: string;
  readonly reversalEntryId?: string;
  readonly rebookingEntryId?: string;
}

const columns = `c.correction_id AS "correctionId", c.book_id AS book, c.selection, c.transformation, c.reason, c.forced, c.up_to_sequence AS "upToSequence", c.state,
  c.refusal_code AS "refusalCode", c.requested_by AS "requestedBy", c.requested_at AS "requestedAt", c.requested_at::text AS "requestedAtExact",
  c.preview_job_run_id AS "previewJobRunId", c.preview_file_id AS "previewFileId", c.preview_hash AS "previewHash", c.approval_id AS "approvalId",
  c.proposed_by AS "proposedBy", c.expires_at AS "expiresAt", c.decided_by AS "decidedBy", c.decided_at AS "decidedAt", c.decision_reason AS "decisionReason",
  c.job_run_id AS "jobRunId", c.finished_at AS "finishedAt"`;
const lineColumns = `e.n, e.original_entry_id AS "originalEntryId", e.rebooking, e.line_hash AS "lineHash", e.state, e.code, e.reversal_entry_id AS "reversalEntryId",
  e.rebooking_entry_id AS "rebookingEntryId"`;

/** Of entries `e`, with `$1` the book, `$2` the selection, `$3` the last sequence there was. */
const selected = `
    FROM accounting.journal_entry e LEFT JOIN accounting.posting_event p USING (entry_id)
   CROSS JOIN jsonb_to_record($2::jsonb) AS s("entryIds" text[], kinds text[], "subjectKind" text, "subjectIds" text[], "keyPrefix" text, "requestedBy" text,
         "ruleVersion" int, "eventKind" text, facts jsonb, account text, "from" date, "to" date)
   WHERE e.book_id = $1 AND e.sequence <= $3::bigint AND e.reverses_entry_id IS NULL
     AND NOT EXISTS (SELECT FROM accounting.reversal_part t WHERE t.entry_id = e.entry_id)
     AND (s."entryIds" IS NULL OR e.entry_id = ANY (s."entryIds")) AND (s.kinds IS NULL OR e.kind = ANY (s.kinds))
     AND (s."subjectKind" IS NULL OR e.subject_kind = s."subjectKind") AND (s."subjectIds" IS NULL OR e.subject_id = ANY (s."subjectIds"))
     AND (s."keyPrefix" IS NULL OR starts_with(e.idempotency_key, s."keyPrefix")) AND (s."requestedBy" IS NULL OR e.requested_by = s."requestedBy")
     AND (s."ruleVersion" IS NULL OR p.rule_version = s."ruleVersion") AND (s."eventKind" IS NULL OR p.event_kind = s."eventKind")
     AND (s.facts IS NULL OR p.facts @> s.facts) AND (s."from" IS NULL OR e.business_date >= s."from") AND (s."to" IS NULL OR e.business_date <= s."to")
     AND (s.account IS NULL OR EXISTS (SELECT FROM accounting.posting g JOIN accounting.ledger_account l USING (ledger_account_id)
                                        WHERE g.entry_id = e.entry_id AND l.number = s.account))`;

const originalColumns = `e.entry_id AS "entryId", e.sequence, e.kind, e.description, e.value_date AS "valueDate",
  jsonb_build_object('kind', e.subject_kind, 'id', e.subject_id) AS subject,
  CASE WHEN p.entry_id IS NOT NULL THEN jsonb_build_object('kind', p.event_kind, 'facts', p.facts) END AS event,
  (SELECT jsonb_agg(jsonb_build_object('account', l.number, 'asset', g.asset, 'units', g.units::text) ORDER BY g.n)
     FROM accounting.posting g JOIN accounting.ledger_account l USING (ledger_account_id) WHERE g.entry_id = e.entry_id) AS postings,
  EXISTS (SELECT FROM accounting.journal_entry r WHERE r.reverses_entry_id = e.entry_id) AS "isReversed",
  EXISTS (SELECT FROM accounting.reversal_part t WHERE t.original_entry_id = e.entry_id) AS "isReversedInPart"`;
type OriginalRow = Original & { readonly sequence: string; readonly event: PostingEvent | null };

@Injectable()
export class CorrectionsRepository {
  async insert(
    tx: Tx,
    row: Pick<
      CorrectionRow,
      'correctionId' | 'book' | 'selection' | 'transformation' | 'reason' | 'forced' | 'requestedBy'
    > & {
      headHash: string;
    },
  ): Promise<void> {
    await tx.execute(
      `INSERT INTO accounting.correction (correction_id, book_id, selection, transformation, reason, forced, head_hash, up_to_sequence, requested_by)
       VALUES ($1, $2, $3::jsonb, $4::jsonb, $5, $6, $7, (SELECT coalesce(max(e.sequence), 0) FROM accounting.journal_entry e), $8)`,
      [
        row.correctionId,
        row.book,
        JSON.stringify(row.selection),
        JSON.stringify(row.transformation),
        row.reason,
        row.forced,
        row.headHash,
        row.requestedBy,
      ],
    );
  }

  find(tx: Tx, correctionId: string, lock = false): Promise<CorrectionRow | undefined> {
    return tx.row<CorrectionRow>(
      `SELECT ${columns} FROM accounting.correction c WHERE c.correction_id = $1 ${lock ? 'FOR UPDATE' : ''}`,
      [correctionId],
    );
  }

  ofApproval(tx: Tx, approvalId: string): Promise<CorrectionRow | undefined> {
    return tx.row<CorrectionRow>(`SELECT ${columns} FROM accounting.correction c WHERE c.approval_id = $1 FOR UPDATE`, [
      approvalId,
    ]);
  }

  /** The newest first. */
  page(tx: Tx, book: string, after: readonly (string | null)[] | undefined, most: number): Promise<CorrectionRow[]> {
    return tx.rows<CorrectionRow>(
      `SELECT ${columns} FROM accounting.correction c
        WHERE c.book_id = $1 AND ($2::timestamptz IS NULL OR (c.requested_at, c.correction_id) < ($2::timestamptz, $3::text))
        ORDER BY c.requested_at DESC, c.correction_id DESC LIMIT $4`,
      [book, after?.[0] ?? null, after?.[1] ?? null, most],
    );
  }

  async count(tx: Tx, { book, selection, upToSequence }: CorrectionRow): Promise<number> {
    const row = await tx.row<{ n: string }>(`SELECT count(*) AS n ${selected}`, [
      book,
      JSON.stringify(selection),
      upToSequence,
    ]);
    return Number(row?.n ?? 0);
  }

  originals(
    tx: Tx,
    { book, selection, upToSequence }: CorrectionRow,
    after: string,
    most: number,
  ): Promise<OriginalRow[]> {
    return tx.rows<OriginalRow>(
      `SELECT ${originalColumns} ${selected} AND e.sequence > $4::bigint ORDER BY e.sequence LIMIT $5`,
      [book, JSON.stringify(selection), upToSequence, after, most],
    );
  }

  originalsOf(tx: Tx, entryIds: readonly string[]): Promise<OriginalRow[]> {
    return tx.rows<OriginalRow>(
      `SELECT ${originalColumns} FROM accounting.journal_entry e LEFT JOIN accounting.posting_event p USING (entry_id) WHERE e.entry_id = ANY ($1::text[])`,
      [entryIds],
    );
  }

  async scales(tx: Tx, assets: readonly string[]): Promise<Map<string, number>> {
    const rows = await tx.rows<{ asset: string; scale: number }>(
      'SELECT a.asset, a.scale FROM accounting.asset a WHERE a.asset = ANY ($1::text[])',
      [assets],
    );
    return new Map(rows.map(({ asset, scale }) => [asset, scale]));
  }

  async addLines(tx: Tx, correction: CorrectionRow, from: number, lines: readonly Corrected[]): Promise<void> {
    await tx.execute(
      `INSERT INTO accounting.correction_entry (correction_id, n, book_id, original_entry_id, rebooking, line_hash, state, code)
       SELECT $1, r.n, $2, r."entryId", nullif(r.rebooking, 'null'::jsonb), r.hash, CASE WHEN r.code IS NULL THEN 'WAITING' ELSE 'LEFT_OUT' END, r.code
         FROM jsonb_to_recordset($3::jsonb) AS r(n int, "entryId" text, rebooking jsonb, hash text, code text) ORDER BY r.n`,
      [
        correction.correctionId,
        correction.book,
        JSON.stringify(
          lines.map((line, n) => ({
            n: from + n + 1,
            entryId: line.original.entryId,
            rebooking: line.rebooking,
            hash: lineHash(line),
            code: line.refusal ?? null,
          })),
        ),
      ],
    );
  }

  async addEffects(tx: Tx, correction: CorrectionRow, effects: readonly Effect[]): Promise<void> {
    await tx.execute(
      `INSERT INTO accounting.correction_effect AS f (correction_id, book_id, account, asset, before_units, reversal_units, rebooking_units)
       SELECT $1, $2, r.account, r.asset, coalesce((SELECT b.posted_debit - b.posted_credit FROM accounting.balance_now b JOIN accounting.ledger_account l USING (ledger_account_id)
                WHERE l.book_id = $2 AND l.number = r.account AND l.asset = r.asset), 0), r.reversal, r.rebooking
         FROM jsonb_to_recordset($3::jsonb) AS r(account text, asset text, reversal numeric, rebooking numeric) ORDER BY r.account, r.asset
       ON CONFLICT (correction_id, account, asset) DO UPDATE
          SET reversal_units = f.reversal_units + excluded.reversal_units, rebooking_units = f.rebooking_units + excluded.rebooking_units`,
      [
        correction.correctionId,
        correction.book,
        JSON.stringify(
          effects.map((one) => ({ ...one, reversal: String(one.reversal), rebooking: String(one.rebooking) })),
        ),
      ],
    );
  }

  async previewed(tx: Tx, correctionId: string): Promise<void> {
    await tx.execute(
      `UPDATE accounting.correction SET state = 'PREVIEWED', preview_hash = accounting.correction_hash(correction_id) WHERE correction_id = $1`,
      [correctionId],
    );
  }

  async set(
    tx: Tx,
    correctionId: string,
    change: {
      state?: CorrectionState;
      refusalCode?: string;
      previewJobRunId?: string;
      previewFileId?: string;
      approvalId?: string;
      proposedBy?: string;
      hours?: number;
      expiresAt?: Date | null;
      decidedBy?: string;
      decisionReason?: string;
      jobRunId?: string;
      isFinished?: boolean;
    },
  ): Promise<void> {
    await tx.execute(
      `UPDATE accounting.correction SET state = coalesce($2, state), refusal_code = coalesce($3, refusal_code), preview_job_run_id = coalesce($4, preview_job_run_id),
              preview_file_id = coalesce($5, preview_file_id), approval_id = coalesce($6, approval_id), proposed_by = coalesce($7, proposed_by),
              expires_at = CASE WHEN $6::text IS NULL THEN expires_at ELSE coalesce($9::timestamptz, kernel.now() + make_interval(hours => $8)) END,
              decided_by = coalesce($10, decided_by), decided_at = CASE WHEN $10::text IS NULL THEN decided_at ELSE kernel.now() END,
              decision_reason = coalesce($11, decision_reason), job_run_id = coalesce($12, job_run_id), finished_at = CASE WHEN $13 THEN kernel.now() ELSE finished_at END
        WHERE correction_id = $1`,
      [
        correctionId,
        change.state ?? null,
        change.refusalCode ?? null,
        change.previewJobRunId ?? null,
        change.previewFileId ?? null,
        change.approvalId ?? null,
        change.proposedBy ?? null,
        change.hours ?? 0,
        change.expiresAt ?? null,
        change.decidedBy ?? null,
        change.decisionReason ?? null,
        change.jobRunId ?? null,
        change.isFinished === true,
      ],
    );
  }

  async counts(tx: Tx, correctionId: string): Promise<Record<LineRow['state'], number>> {
    const rows = await tx.rows<{ state: LineRow['state']; n: string }>(
      'SELECT e.state, count(*) AS n FROM accounting.correction_entry e WHERE e.correction_id = $1 GROUP BY e.state',
      [correctionId],
    );
    const counts = { LEFT_OUT: 0, WAITING: 0, DONE: 0, REFUSED: 0 };
    for (const { state, n } of rows) counts[state] = Number(n);
    return counts;
  }

  waiting(tx: Tx, correctionId: string, most: number): Promise<LineRow[]> {
    return tx.rows<LineRow>(
      `SELECT ${lineColumns} FROM accounting.correction_entry e WHERE e.correction_id = $1 AND e.state = 'WAITING' ORDER BY e.n LIMIT $2`,
      [correctionId, most],
    );
  }

  lines(tx: Tx, correctionId: string, state: string | null, after: number, most: number): Promise<LineRow[]> {
    return tx.rows<LineRow>(
      `SELECT ${lineColumns} FROM accounting.correction_entry e WHERE e.correction_id = $1 AND ($2::text IS NULL OR e.state = $2) AND e.n > $3 ORDER BY e.n LIMIT $4`,
      [correctionId, state, after, most],
    );
  }

  async keep(tx: Tx, correctionId: string, results: readonly Result[]): Promise<void> {
    await tx.execute(
      `UPDATE accounting.correction_entry e SET state = r.state, code = r.code, reversal_entry_id = r."reversalEntryId", rebooking_entry_id = r."rebookingEntryId"
         FROM jsonb_to_recordset($2::jsonb) AS r(n int, state text, code text, "reversalEntryId" text, "rebookingEntryId" text)
        WHERE e.correction_id = $1 AND e.n = r.n`,
      [correctionId, JSON.stringify(results)],
    );
  }

  effects(tx: Tx, correctionId: string): Promise<EffectRow[]> {
    return tx.rows<EffectRow>(
      `SELECT f.account, f.asset, a.scale, f.before_units AS before, f.reversal_units AS reversal, f.rebooking_units AS rebooking
         FROM accounting.correction_effect f JOIN accounting.asset a USING (asset) WHERE f.correction_id = $1 ORDER BY f.asset, f.account`,
      [correctionId],
    );
  }
}
