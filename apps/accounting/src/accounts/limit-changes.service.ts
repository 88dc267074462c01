import { Injectable } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { newId, type Problem, problem } from '#libs/kernel/index.js';
import { Outbox } from '#libs/messaging/index.js';
import { AccountsRepository } from './accounts.repository.js';
import { hashOf, type LimitChange, proposalHours, type ProposalState, stateAfter } from './limit-changes.js';

export interface LimitChangeRow extends LimitChange {
  readonly approvalId: string;
  readonly payloadHash: string;
  readonly state: ProposalState;
  readonly requestedBy: string;
  readonly requestedAt: Date;
  readonly expiresAt: Date;
  readonly decidedBy: string | null;
  readonly decisionReason: string | null;
  readonly scale: number;
}

const columns = `c.approval_id AS "approvalId", c.book_id AS book, c.number, c.asset, s.scale, c.overdraft_units AS "overdraftUnits",
  c.payment_limit_units AS "paymentLimitUnits", c.reason, c.payload_hash AS "payloadHash", c.state, c.requested_by AS "requestedBy",
  c.requested_at AS "requestedAt", c.expires_at AS "expiresAt", c.decided_by AS "decidedBy", c.decision_reason AS "decisionReason"`;

@Injectable()
export class LimitChanges {
  constructor(
    private readonly accounts: AccountsRepository,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
  ) {}

  async find(tx: Tx, approvalId: string, lock = false): Promise<LimitChangeRow | undefined> {
    return tx.row<LimitChangeRow>(
      `SELECT ${columns} FROM accounting.limit_change c JOIN accounting.asset s USING (asset) WHERE c.approval_id = $1 ${lock ? 'FOR UPDATE OF c' : ''}`,
      [approvalId],
    );
  }

  async propose(
    tx: Tx,
    change: LimitChange,
    by: string,
    expiresAt: Date | null = null,
  ): Promise<{ change?: LimitChangeRow; problems: Problem[] }> {
    const account = await this.accounts.find(tx, change.book, change.number);
    if (!account)
      return { problems: [problem('ACCOUNT_NOT_FOUND', 'The book has no account of that number', ['account'])] };
    if (account.mode !== 'STRICT')
      return { problems: [problem('ACCOUNT_WITHOUT_LIMIT', 'Only client accounts have limits', ['account'])] };
    if (expiresAt !== null && (await tx.row('SELECT 1 WHERE $1::timestamptz <= kernel.now()', [expiresAt]))) {
      return { problems: [problem('ALREADY_EXPIRED', 'It would expire at once', ['expiresAt'])] };
    }
    const approvalId = newId('apr');
    const payloadHash = hashOf(change);
    const row = await tx.row<{ expires: Date }>(
      `INSERT INTO accounting.limit_change (approval_id, book_id, number, asset, overdraft_units, payment_limit_units, reason, payload_hash, state, requested_by, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'PROPOSED', $9, coalesce($11::timestamptz, kernel.now() + make_interval(hours => $10))) RETURNING expires_at AS expires`,
      [
        approvalId,
        change.book,
        change.number,
        change.asset,
        change.overdraftUnits,
        change.paymentLimitUnits,
        change.reason,
        payloadHash,
        by,
        proposalHours,
        expiresAt,
      ],
    );
    await this.outbox.add(tx, 'compliance.request-approval.v1', {
      approvalId,
      kind: 'LIMIT_CHANGE',
      service: 'accounting',
      objectKind: 'ACCOUNT',
      objectId: `${change.book}/${change.number}`,
      book: change.book,
      payloadHash,
      summary: summaryOf(change),
      requestedBy: by,
      expiresAt: (row?.expires ?? new Date(0)).toISOString(),
    });
    await this.record(tx, 'LIMIT_CHANGE_PROPOSED', approvalId, change, by);
    return { change: await this.find(tx, approvalId), problems: [] };
  }

  /** The maker may change an open proposal; whoever read the old one cannot approve the new one unseen. */
  async change(
    tx: Tx,
    approvalId: string,
    given: Pick<LimitChange, 'overdraftUnits' | 'paymentLimitUnits' | 'reason'>,
    by: string,
  ): Promise<{ change?: LimitChangeRow; problems: Problem[] }> {
    const open = await this.find(tx, approvalId, true);
    if (!open) return { problems: [problem('NOT_FOUND', 'There is no such proposal', ['changeId'])] };
    if (open.state !== 'PROPOSED')
      return { problems: [problem('ALREADY_DECIDED', `The proposal is ${open.state.toLowerCase()}`, ['changeId'])] };
    const changed: LimitChange = { ...open, ...given };
    const payloadHash = hashOf(changed);
    if (payloadHash === open.payloadHash) return { change: open, problems: [] };
    await tx.execute(
      'UPDATE accounting.limit_change SET overdraft_units = $2, payment_limit_units = $3, reason = $4, payload_hash = $5 WHERE approval_id = $1',
      [approvalId, changed.overdraftUnits, changed.paymentLimitUnits, changed.reason, payloadHash],
    );
    await this.outbox.add(tx, 'compliance.change-approval-payload.v1', {
      approvalId,
      payloadHash,
      summary: summaryOf(changed),
      changedBy: by,
    });
    await this.record(tx, 'LIMIT_CHANGE_ALTERED', approvalId, changed, by);
    return { change: await this.find(tx, approvalId), problems: [] };
  }

  async decided(tx: Tx, event: PayloadOf<'compliance.approval-decided.v1'>): Promise<void> {
    const open = await this.find(tx, event.approvalId, true);
    if (open?.state !== 'PROPOSED') return;
    const next = stateAfter(event.outcome, event.payloadHash, open.payloadHash);
    if (next === 'APPLY') {
      await this.accounts.setLimit(tx, { ...open, reference: event.approvalId });
    }
    await tx.execute(
      'UPDATE accounting.limit_change SET state = $2, decided_by = $3, decided_at = kernel.now(), decision_reason = $4 WHERE approval_id = $1',
      [event.approvalId, next === 'APPLY' ? 'APPLIED' : next, event.decidedBy, event.reason],
    );
    await this.record(
      tx,
      `LIMIT_CHANGE_${next === 'APPLY' ? 'APPLIED' : next}`,
      event.approvalId,
      open,
      event.decidedBy,
      event.reason,
    );
  }

  private async record(
    tx: Tx,
    action: string,
    approvalId: string,
    change: LimitChange,
    by: string,
    reason: string = change.reason,
  ): Promise<void> {
    const { book, number, asset, overdraftUnits, paymentLimitUnits } = change;
    await this.audit.append(tx, {
      action,
      objectKind: 'ACCOUNT',
      objectId: `${book}/${number}`,
      bookId: book,
      principal: by,
      reason,
      after: { approvalId, asset, overdraftUnits, paymentLimitUnits },
    });
  }
}

const summaryOf = (change: LimitChange) =>
  `Limit of ${change.number} in ${change.asset}: overdraft ${change.overdraftUnits}, single payment ${change.paymentLimitUnits ?? 'none'} (smallest units)`;
