import { Injectable } from '@nestjs/common';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { type ApprovalState, type RefusalCode } from './approvals.js';

export type ApprovalRequest = Omit<PayloadOf<'compliance.request-approval.v1'>, 'service'> & {
  readonly service: 'settlement' | 'accounting' | 'compliance';
};

export interface ApprovalRow {
  approvalId: string;
  kind: ApprovalRequest['kind'];
  service: ApprovalRequest['service'];
  objectKind: string;
  objectId: string;
  book: string;
  payloadHash: string;
  summary: string;
  requestedBy: string;
  changedBy: string[];
  requestedAt: Date;
  businessDate: string;
  expiresAt: Date;
  state: ApprovalState;
  decidedBy: string | null;
  decidedAt: Date | null;
  decisionReason: string | null;
  sequence: string;
}

export interface AttemptRow {
  approvalId: string;
  attemptedBy: string;
  attemptedAt: Date;
  decision: 'APPROVE' | 'REJECT';
  code: RefusalCode;
}

export interface ApprovalFilter {
  state?: ApprovalState | null;
  kind?: ApprovalRequest['kind'] | null;
  objectKind?: string | null;
  objectId?: string | null;
  requestedBy?: string | null;
  businessDate?: string | null;
}

const columns = `approval_id AS "approvalId", kind, service, object_kind AS "objectKind", object_id AS "objectId", book_id AS book,
  payload_hash AS "payloadHash", summary, requested_by AS "requestedBy", changed_by AS "changedBy", requested_at AS "requestedAt",
  business_date::text AS "businessDate", expires_at AS "expiresAt", state, decided_by AS "decidedBy", decided_at AS "decidedAt",
  decision_reason AS "decisionReason", sequence`;

@Injectable()
export class ApprovalsRepository {
  /** False when it was asked for before. */
  async insert(tx: Tx, request: ApprovalRequest, businessDate: string): Promise<boolean> {
    const inserted = await tx.execute(
      `INSERT INTO compliance.approval (approval_id, kind, service, object_kind, object_id, book_id, payload_hash, summary, requested_by,
         business_date, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (approval_id) DO NOTHING`,
      [
        request.approvalId,
        request.kind,
        request.service,
        request.objectKind,
        request.objectId,
        request.book,
        request.payloadHash,
        request.summary,
        request.requestedBy,
        businessDate,
        request.expiresAt,
      ],
    );
    return inserted === 1;
  }

  async find(tx: Tx, approvalId: string): Promise<ApprovalRow | undefined> {
    return tx.row<ApprovalRow>(`SELECT ${columns} FROM compliance.approval WHERE approval_id = $1`, [approvalId]);
  }

  async lock(tx: Tx, approvalId: string): Promise<(ApprovalRow & { now: Date }) | undefined> {
    return tx.row<ApprovalRow & { now: Date }>(
      `SELECT ${columns}, kernel.now() AS now FROM compliance.approval WHERE approval_id = $1 FOR UPDATE`,
      [approvalId],
    );
  }

  async changePayload(
    tx: Tx,
    approvalId: string,
    payloadHash: string,
    summary: string,
    changedBy: string,
  ): Promise<void> {
    await tx.execute(
      `UPDATE compliance.approval
          SET payload_hash = $2, summary = $3,
              changed_by = CASE WHEN $4 = ANY (changed_by) OR $4 = requested_by THEN changed_by ELSE changed_by || $4::text END
        WHERE approval_id = $1`,
      [approvalId, payloadHash, summary, changedBy],
    );
  }

  async close(
    tx: Tx,
    approvalId: string,
    state: ApprovalState,
    decidedBy: string | null,
    reason: string,
  ): Promise<void> {
    await tx.execute(
      `UPDATE compliance.approval SET state = $2, decided_by = $3, decided_at = kernel.now(), decision_reason = $4 WHERE approval_id = $1`,
      [approvalId, state, decidedBy, reason],
    );
  }

  async expireOverdue(tx: Tx): Promise<ApprovalRow[]> {
    return tx.rows<ApprovalRow>(
      `UPDATE compliance.approval SET state = 'EXPIRED', decided_at = kernel.now(), decision_reason = 'its time ran out'
        WHERE state = 'OPEN' AND expires_at <= kernel.now() RETURNING ${columns}`,
    );
  }

  async recordAttempt(tx: Tx, attempt: Omit<AttemptRow, 'attemptedAt'> & { payloadHash: string }): Promise<void> {
    await tx.execute(
      `INSERT INTO compliance.approval_attempt (approval_id, attempted_by, decision, payload_hash, code) VALUES ($1, $2, $3, $4, $5)`,
      [attempt.approvalId, attempt.attemptedBy, attempt.decision, attempt.payloadHash, attempt.code],
    );
  }

  async attempts(tx: Tx, approvalIds: readonly string[]): Promise<AttemptRow[]> {
    return tx.rows<AttemptRow>(
      `SELECT approval_id AS "approvalId", attempted_by AS "attemptedBy", attempted_at AS "attemptedAt", decision, code
         FROM compliance.approval_attempt WHERE approval_id = ANY ($1::text[]) ORDER BY attempt_id`,
      [approvalIds],
    );
  }

  async openOf(tx: Tx, objectKind: string, objectIds: readonly string[]): Promise<ApprovalRow[]> {
    return tx.rows<ApprovalRow>(
      `SELECT ${columns} FROM compliance.approval
        WHERE service = 'compliance' AND object_kind = $1 AND object_id = ANY ($2::text[]) AND state = 'OPEN' ORDER BY sequence`,
      [objectKind, objectIds],
    );
  }

  /** Newest first. */
  async list(tx: Tx, filter: ApprovalFilter, limit: number, before?: string): Promise<ApprovalRow[]> {
    return tx.rows<ApprovalRow>(
      `SELECT ${columns} FROM compliance.approval
        WHERE ($1::text IS NULL OR state = $1) AND ($2::text IS NULL OR kind = $2) AND ($3::text IS NULL OR object_kind = $3)
          AND ($4::text IS NULL OR object_id = $4) AND ($5::text IS NULL OR requested_by = $5) AND ($6::date IS NULL OR business_date = $6)
          AND ($7::bigint IS NULL OR sequence < $7)
        ORDER BY sequence DESC LIMIT $8`,
      [
        filter.state ?? null,
        filter.kind ?? null,
        filter.objectKind ?? null,
        filter.objectId ?? null,
        filter.requestedBy ?? null,
        filter.businessDate ?? null,
        before ?? null,
        limit,
      ],
    );
  }
}
