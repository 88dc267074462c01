import { Injectable } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { canonicalJson, isRefused, newId, type Problem, problem, sha256Hex } from '#libs/kernel/index.js';
import { Outbox } from '#libs/messaging/index.js';
import { parseDecimal } from '#libs/money/index.js';
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
  readonly part: StoredPart[] | null;
}

/** As it is kept and approved: the number of the posting, what is taken back in units and in words. */
interface StoredPart {
  readonly n: number;
  readonly units: string;
  readonly posting: number;
  readonly asset: string;
  readonly amount: string;
}

interface AskedPart {
  readonly posting: number;
  readonly amount: string;
}

const columns = `approval_id AS "approvalId", book_id AS book, entry_id AS "entryId", reason, payload_hash AS "payloadHash", state,
  requested_by AS "requestedBy", requested_at AS "requestedAt", expires_at AS "expiresAt", decided_by AS "decidedBy",
  decision_reason AS "decisionReason", reversing_entry_id AS "reversingEntryId", refusal_code AS "refusalCode", part`;

/** Undoing an entry by hand: a linked reversing entry, after a second person agreed. */
@Injectable()
export class Reversals {
  private readonly guards: ((tx: Tx, entryId: string) => Promise<Problem[]>)[] = [];

  constructor(
    private readonly journal: JournalRepository,
    private readonly days: BusinessDays,
    private readonly posting: PostingService,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
  ) {}

  /** For other features: which of their entries are not reversed by hand, and why. */
  guard(check: (tx: Tx, entryId: string) => Promise<Problem[]>): void {
    this.guards.push(check);
  }

  async find(tx: Tx, approvalId: string, lock = false): Promise<ReversalRow | undefined> {
    return tx.row<ReversalRow>(
      `SELECT ${columns} FROM accounting.reversal_proposal WHERE approval_id = $1 ${lock ? 'FOR UPDATE' : ''}`,
      [approvalId],
    );
  }

  async propose(
    tx: Tx,
    asked: { entryId: string; reason: string; part?: readonly AskedPart[] | null; expiresAt?: Date | null },
    by: string,
  ): Promise<{ reversal?: ReversalRow; problems: Problem[]; isFaultOfInput?: boolean }> {
    const entry = await this.journal.entry(tx, asked.entryId);
    if (!entry) return { problems: [problem('ENTRY_NOT_FOUND', messageOf('ENTRY_NOT_FOUND'), ['entryId'])] };
    if (entry.reversesEntryId !== null)
      return { problems: [problem('NOT_REVERSIBLE', messageOf('NOT_REVERSIBLE'), ['entryId'])] };
    if (entry.reversedByEntryId !== null)
      return { problems: [problem('ALREADY_REVERSED', messageOf('ALREADY_REVERSED'), ['entryId'])] };
    for (const check of this.guards) {
      const refused = await check(tx, asked.entryId);
      if (refused.length > 0) return { problems: refused };
    }
    const { part, problems } = asked.part
      ? await this.partOf(tx, asked.entryId, asked.part)
      : { part: null, problems: [] };
    if (problems.length > 0) return { problems, isFaultOfInput: true };
    const approvalId = newId('apr');
    const payloadHash = sha256Hex(
      canonicalJson({ book: entry.book, entryId: asked.entryId, reason: asked.reason, ...(part ? { part } : {}) }),
    );
    const row = await tx.row<{ expires: Date }>(
      `INSERT INTO accounting.reversal_proposal (approval_id, book_id, entry_id, reason, payload_hash, state, requested_by, expires_at, part)
       VALUES ($1, $2, $3, $4, $5, 'PROPOSED', $6, coalesce($8::timestamptz, kernel.now() + make_interval(hours => $7)), $9::jsonb) RETURNING expires_at AS expires`,
      [
        approvalId,
        entry.book,
        asked.entryId,
        asked.reason,
        payloadHash,
        by,
        proposalHours,
        asked.expiresAt ?? null,
        part && JSON.stringify(part),
      ],
    );
    await this.outbox.add(tx, 'compliance.request-approval.v1', {
      approvalId,
      kind: 'MANUAL_REVERSAL',
      service: 'accounting',
      objectKind: 'JOURNAL_ENTRY',
      objectId: asked.entryId,
      book: entry.book,
      payloadHash,
      summary:
        `Reverse ${part ? `${part.map(({ amount, asset }) => `${amount} ${asset}`).join(', ')} of ` : ''}${entry.kind} "${entry.description}" of ${entry.businessDate}: ${asked.reason}`.slice(
          0,
          280,
        ),
      requestedBy: by,
      expiresAt: (row?.expires ?? new Date(0)).toISOString(),
    });
    await this.record(tx, 'REVERSAL_PROPOSED', entry.book, asked.entryId, by, asked.reason, { approvalId });
    return { reversal: await this.find(tx, approvalId), problems: [] };
  }

  /** Read against the postings of the entry: every fault at once. What is left of them is decided when it is booked. */
  private async partOf(
    tx: Tx,
    entryId: string,
    asked: readonly AskedPart[],
  ): Promise<{ part: StoredPart[]; problems: Problem[] }> {
    const postings = new Map((await this.journal.postingsOf(tx, [entryId])).map((posting) => [posting.n, posting]));
    const problems: Problem[] = [];
    const sums = new Map<string, bigint>();
    const part = asked.flatMap(({ posting: n, amount }, at): StoredPart[] => {
      const posting = postings.get(n);
      const path = (field: string) => ['part', at, field];
      if (!posting)
        problems.push(problem('POSTING_NOT_FOUND', 'The entry has no posting of that number', path('posting')));
      if (asked.findIndex((one) => one.posting === n) < at)
        problems.push(problem('POSTING_REPEATED', 'Each posting is named once', path('posting')));
      if (!posting) return [];
      const parsed = parseDecimal(amount, posting.scale);
      if (isRefused(parsed)) {
        problems.push(...parsed.problems.map((one) => ({ ...one, path: path('amount') })));
        return [];
      }
      const booked = BigInt(posting.units);
      if (parsed.value <= 0n)
        problems.push(problem('AMOUNT_NOT_POSITIVE', messageOf('AMOUNT_NOT_POSITIVE'), path('amount')));
      if (parsed.value > (booked < 0n ? -booked : booked))
        problems.push(problem('REVERSAL_EXCEEDED', messageOf('REVERSAL_EXCEEDED'), path('amount')));
      sums.set(posting.asset, (sums.get(posting.asset) ?? 0n) + (booked > 0n ? parsed.value : -parsed.value));
      return [{ n, units: String(parsed.value), posting: n, asset: posting.asset, amount }];
    });
    if (problems.length === 0) {
      for (const [asset, sum] of sums)
        if (sum !== 0n) problems.push(problem('NOT_BALANCED', `Debits and credits of ${asset} differ`, ['part']));
    }
    return { part, problems };
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
          ...(open.part ? { part: open.part.map(({ n, units }) => ({ n, units })) } : {}),
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
