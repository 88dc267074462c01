import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { type CoverProposal } from './shortfall-covers.js';

export type CoverState =
  'PROPOSED' | 'BOOKED' | 'RELEASED' | 'REFUSED' | 'REJECTED' | 'EXPIRED' | 'WITHDRAWN' | 'STALE';

export interface CoverRow extends CoverProposal {
  readonly approvalId: string;
  readonly payloadHash: string;
  readonly state: CoverState;
  readonly requestedBy: string;
  readonly requestedAt: Date;
  readonly expiresAt: Date;
  readonly decidedBy: string | null;
  readonly decidedAt: Date | null;
  readonly refusalCode: string | null;
  readonly entryId: string | null;
  readonly releaseEntryId: string | null;
}

const columns = `c.approval_id AS "approvalId", c.shortfall_id AS "shortfallId", c.book_id AS book, c.currency, c.amount_minor AS "amountMinor",
  c.from_account AS "fromAccount", c.cover_account AS "coverAccount", c.reason, c.payload_hash AS "payloadHash", c.state, c.requested_by AS "requestedBy",
  c.requested_at AS "requestedAt", c.expires_at AS "expiresAt", c.decided_by AS "decidedBy", c.decided_at AS "decidedAt",
  c.refusal_code AS "refusalCode", c.entry_id AS "entryId", c.release_entry_id AS "releaseEntryId"`;

@Injectable()
export class ShortfallCoversRepository {
  async find(tx: Tx, approvalId: string, lock = false): Promise<CoverRow | undefined> {
    return tx.row<CoverRow>(
      `SELECT ${columns} FROM accounting.shortfall_cover c WHERE c.approval_id = $1 ${lock ? 'FOR UPDATE' : ''}`,
      [approvalId],
    );
  }

  async of(tx: Tx, shortfallIds: readonly string[]): Promise<CoverRow[]> {
    return tx.rows<CoverRow>(
      `SELECT ${columns} FROM accounting.shortfall_cover c WHERE c.shortfall_id = ANY($1::text[]) ORDER BY c.shortfall_id, c.requested_at, c.approval_id`,
      [shortfallIds],
    );
  }

  /** Set aside for what is not missing any more. */
  async toRelease(tx: Tx, book: string): Promise<CoverRow[]> {
    return tx.rows<CoverRow>(
      `SELECT ${columns} FROM accounting.shortfall_cover c JOIN accounting.shortfall f USING (shortfall_id)
        WHERE c.book_id = $1 AND c.state = 'BOOKED' AND f.state = 'CURED' ORDER BY c.approval_id FOR UPDATE OF c`,
      [book],
    );
  }

  async propose(
    tx: Tx,
    cover: CoverProposal & { approvalId: string; payloadHash: string },
    by: string,
    hours: number,
    expiresAt: Date | null,
  ): Promise<CoverRow> {
    await tx.execute(
      `INSERT INTO accounting.shortfall_cover (approval_id, shortfall_id, book_id, currency, amount_minor, from_account, cover_account, reason, payload_hash,
         requested_by, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, coalesce($12::timestamptz, kernel.now() + make_interval(hours => $11)))`,
      [
        cover.approvalId,
        cover.shortfallId,
        cover.book,
        cover.currency,
        cover.amountMinor,
        cover.fromAccount,
        cover.coverAccount,
        cover.reason,
        cover.payloadHash,
        by,
        hours,
        expiresAt,
      ],
    );
    const row = await this.find(tx, cover.approvalId);
    if (!row) throw new Error(`${cover.approvalId} is not seen`);
    return row;
  }

  async decide(
    tx: Tx,
    approvalId: string,
    decided: { state: CoverState; by: string; reason: string; entryId?: string | null; refusalCode?: string | null },
  ): Promise<void> {
    await tx.execute(
      `UPDATE accounting.shortfall_cover SET state = $2, decided_by = $3, decided_at = kernel.now(), decision_reason = $4, entry_id = $5, refusal_code = $6
        WHERE approval_id = $1`,
      [approvalId, decided.state, decided.by, decided.reason, decided.entryId ?? null, decided.refusalCode ?? null],
    );
  }

  async release(tx: Tx, approvalId: string, releaseEntryId: string): Promise<void> {
    await tx.execute(
      `UPDATE accounting.shortfall_cover SET state = 'RELEASED', release_entry_id = $2 WHERE approval_id = $1`,
      [approvalId, releaseEntryId],
    );
  }
}
