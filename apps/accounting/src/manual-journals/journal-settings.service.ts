import { Injectable } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { isRefused, newId, type Problem, problem } from '#libs/kernel/index.js';
import { Outbox } from '#libs/messaging/index.js';
import { currencyExponent, parseDecimal } from '#libs/money/index.js';
import { proposalHours, stateAfter } from '../accounts/limit-changes.js';
import { termsOfBook } from '../business-days/books.js';
import { hashOfLimit } from './manual-journals.js';
import { type JournalLimitRow, ManualJournalsRepository } from './manual-journals.repository.js';

/** What a book allows in journals by hand: how much one person alone, and on which codes. */
@Injectable()
export class JournalSettings {
  constructor(
    private readonly repository: ManualJournalsRepository,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
  ) {}

  async proposeLimit(
    tx: Tx,
    asked: { book: string; limit: string; reason: string },
    by: string,
  ): Promise<{ limit?: JournalLimitRow; problems: readonly Problem[] }> {
    const { book, reason } = asked;
    const currency = termsOfBook(book).functionalCurrency ?? 'EUR';
    const units = parseDecimal(asked.limit, currencyExponent(currency));
    if (isRefused(units)) return { problems: units.problems.map((one) => ({ ...one, path: ['limit'] })) };
    if (units.value < 0n) return { problems: [problem('AMOUNT_BELOW_ZERO', 'A limit is zero or more', ['limit'])] };
    const approvalId = newId('apr');
    const limitUnits = String(units.value);
    const payloadHash = hashOfLimit({ book, limitUnits, currency, reason });
    const expires = await this.repository.proposeLimit(
      tx,
      { approvalId, book, limitUnits, currency, reason, payloadHash },
      by,
      proposalHours,
    );
    await this.outbox.add(tx, 'compliance.request-approval.v1', {
      approvalId,
      kind: 'LIMIT_CHANGE',
      service: 'accounting',
      objectKind: 'JOURNAL_LIMIT',
      objectId: `${book}/journal-limit`,
      book,
      payloadHash,
      summary: `One person alone books up to ${asked.limit} ${currency} by hand in ${book}: ${reason}`.slice(0, 280),
      requestedBy: by,
      expiresAt: expires.toISOString(),
    });
    await this.record(tx, 'JOURNAL_LIMIT_PROPOSED', 'JOURNAL_LIMIT', `${book}/journal-limit`, book, by, reason, {
      approvalId,
      limitUnits,
      currency,
    });
    return { limit: await this.repository.limit(tx, approvalId), problems: [] };
  }

  async decided(tx: Tx, event: PayloadOf<'compliance.approval-decided.v1'>): Promise<void> {
    const open = await this.repository.limit(tx, event.approvalId, true);
    if (open?.state !== 'PROPOSED') return;
    const next = stateAfter(event.outcome, event.payloadHash, open.payloadHash);
    const state = next !== 'APPLY' ? next : event.decidedBy === open.requestedBy ? 'REFUSED' : 'APPLIED';
    await this.repository.decideLimit(tx, open, state, event.decidedBy, event.reason);
    await this.record(
      tx,
      `JOURNAL_LIMIT_${state}`,
      'JOURNAL_LIMIT',
      `${open.book}/journal-limit`,
      open.book,
      event.decidedBy,
      event.reason,
      {
        approvalId: open.approvalId,
        limitUnits: open.limitUnits,
      },
    );
  }

  async allowHandPosting(
    tx: Tx,
    asked: { book: string; code: string; isAllowed: boolean; reason: string },
    by: string,
  ): Promise<{ problems: Problem[] }> {
    if (!(await this.repository.allowHandPosting(tx, asked, by)))
      return { problems: [problem('CODE_NOT_FOUND', `The chart has no code ${asked.code} with accounts`, ['code'])] };
    await this.record(
      tx,
      'HAND_POSTING_CHANGED',
      'CHART_CODE',
      `${asked.book}/${asked.code}`,
      asked.book,
      by,
      asked.reason,
      { isAllowed: asked.isAllowed },
    );
    return { problems: [] };
  }

  private async record(
    tx: Tx,
    action: string,
    objectKind: string,
    objectId: string,
    book: string,
    by: string,
    reason: string,
    after: object,
  ): Promise<void> {
    await this.audit.append(tx, { action, objectKind, objectId, bookId: book, principal: by, reason, after });
  }
}
