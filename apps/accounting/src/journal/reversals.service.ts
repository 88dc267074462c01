import { Injectable } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { canonicalJson, newId, type Problem, problem, sha256Hex } from '#libs/kernel/index.js';
import { Outbox } from '#libs/messaging/index.js';
import { proposalHours, type ProposalState, stateAfter } from '../accounts/limit-changes.js';
import { BusinessDays } from '../business-days/business-days.service.js';
import { JournalRepository } from './journal.repository.js';
import { messageOf } from './posting.js';
import { PostingService } from './posting.service.js';

export interface ReversalRow {
  readonly approvalId: string;
  readonly book: string;
  readonly entryId: string;
  readonly reason: string;
  readonly payloadHash: string;
  readonly state: ProposalState;
  readonly requestedBy: string;
  readonly requestedAt: Date;
  readonly expiresAt: Date;
  readonly decidedBy: string | null;
  readonly decisionReason: string | null;
  readonly reversingEntryId: string | null;
  readonly refusalCode: string | null;
}

const columns = `approval_id AS "approvalId", book_id AS book, entry_id AS "entryId", reason, payload_hash AS "payloadHash", state,
  requested_by AS "requestedBy", requested_at AS "requestedAt", expires_at AS "expiresAt", decided_by AS "decidedBy",
  decision_reason AS "decisionReason", reversing_entry_id AS "reversingEntryId", refusal_code AS "refusalCode"`;

/** Undoing an entry by hand: a linked reversing entry, after a second person agreed. */
@Injectable()
export class Reversals {
  constructor(
    private readonly journal: JournalRepository,
    private readonly days: BusinessDays,
    private readonly posting: PostingService,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
  ) {}

  async find(tx: Tx, approvalId: string, lock = false): Promise<ReversalRow | undefined> {
    return tx.row<ReversalRow>(
      `SELECT ${columns} FROM accounting.reversal_proposal WHERE approval_id = $1 ${lock ? 'FOR UPDATE' : ''}`,
      [approvalId],
    );
  }

  async propose(
    tx: Tx,
    asked: { entryId: string; reason: string; expiresAt?: Date | null },
    by: string,
  ): Promise<{ reversal?: ReversalRow; problems: Problem[] }> {
    const entry = await this.journal.entry(tx, asked.entryId);
    if (!entry) return { problems: [problem('ENTRY_NOT_FOUND', messageOf('ENTRY_NOT_FOUND'), ['entryId'])] };
    if (entry.reversesEntryId !== null)
      return { problems: [problem('NOT_REVERSIBLE', messageOf('NOT_REVERSIBLE'), ['entryId'])] };
    if (entry.reversedByEntryId !== null)
      return { problems: [problem('ALREADY_REVERSED', messageOf('ALREADY_REVERSED'), ['entryId'])] };
    const approvalId = newId('apr');
    const payloadHash = sha256Hex(canonicalJson({ book: entry.book, entryId: asked.entryId, reason: asked.reason }));
    const row = await tx.row<{ expires: Date }>(
      `INSERT INTO accounting.reversal_proposal (approval_id, book_id, entry_id, reason, payload_hash, state, requested_by, expires_at)
       VALUES ($1, $2, $3, $4, $5, 'PROPOSED', $6, coalesce($8::timestamptz, kernel.now() + make_interval(hours => $7))) RETURNING expires_at AS expires`,
      [approvalId, entry.book, asked.entryId, asked.reason, payloadHash, by, proposalHours, asked.expiresAt ?? null],
    );
    await this.outbox.add(tx, 'compliance.request-approval.v1', {
      approvalId,
      kind: 'MANUAL_REVERSAL',
      service: 'accounting',
      objectKind: 'JOURNAL_ENTRY',
      objectId: asked.entryId,
      book: entry.book,
      payloadHash,
      summary: `Reverse ${entry.kind} "${entry.description}" of ${entry.businessDate}: ${asked.reason}`.slice(0, 280),
      requestedBy: by,
      expiresAt: (row?.expires ?? new Date(0)).toISOString(),
    });
    await this.record(tx, 'REVERSAL_PROPOSED', entry.book, asked.entryId, by, asked.reason, { approvalId });
    return { reversal: await this.find(tx, approvalId), problems: [] };
  }

  async decided(tx: Tx, event: PayloadOf<'compliance.approval-decided.v1'>): Promise<void> {
    const open = await this.find(tx, event.approvalId, true);
    if (open?.state !== 'PROPOSED') return;
    const next = stateAfter(event.outcome, event.payloadHash, open.payloadHash);
    const done =
      next === 'APPLY' ? await this.reverse(tx, open, event.decidedBy) : { state: next, entryId: null, code: null };
    await tx.execute(
      `UPDATE accounting.reversal_proposal SET state = $2, decided_by = $3, decided_at = kernel.now(), decision_reason = $4,
              reversing_entry_id = $5, refusal_code = $6 WHERE approval_id = $1`,
      [event.approvalId, done.state, event.decidedBy, event.reason, done.entryId, done.code],
    );
    await this.record(tx, `REVERSAL_${done.state}`, open.book, open.entryId, event.decidedBy, event.reason, {
      approvalId: event.approvalId,
      code: done.code,
    });
  }

  private async reverse(tx: Tx, open: ReversalRow, decidedBy: string) {
    const original = await this.journal.entry(tx, open.entryId);
    const day = await this.days.worked(tx, open.book);
    if (!original || !day) return { state: 'REFUSED' as const, entryId: null, code: 'PERIOD_NOT_OPEN' };
    const [result] = await this.posting.post(tx, {
      requestedBy: decidedBy,
      items: [
        {
          op: 'REVERSAL',
          key: `reversal:${open.approvalId}`,
          book: open.book,
          kind: 'CORRECTION',
          businessDate: day.businessDate,
          // The value date of what never should have been is kept.
          valueDate: original.valueDate,
          description: open.reason.slice(0, 140),
          subject: { kind: 'JOURNAL_ENTRY', id: open.entryId },
          reverses: open.entryId,
        },
      ],
    });
    return result?.outcome === 'POSTED'
      ? { state: 'POSTED' as const, entryId: result.id ?? null, code: null }
      : { state: 'REFUSED' as const, entryId: null, code: result?.code ?? null };
  }

  private async record(
    tx: Tx,
    action: string,
    book: string,
    entryId: string,
    by: string,
    reason: string,
    after: object,
  ): Promise<void> {
    await this.audit.append(tx, {
      action,
      objectKind: 'JOURNAL_ENTRY',
      objectId: entryId,
      bookId: book,
      principal: by,
      reason,
      after,
    });
  }
}
