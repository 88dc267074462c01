import { Injectable } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { isRefused, newId, type Problem, problem } from '#libs/kernel/index.js';
import { Outbox } from '#libs/messaging/index.js';
import { proposalHours, type ProposalState, stateAfter } from '../accounts/limit-changes.js';
import { Accounts } from '../accounts/accounts.service.js';
import { type RuleSet } from './posting-rules.js';
import { PostingRules } from './posting-rules.service.js';
import {
  changedKinds,
  fixedAccounts,
  hashOfChange,
  type RuleChange,
  summaryOf,
  unknownAccounts,
} from './rule-changes.js';
import { readRuleSet } from './rule-set.js';

export interface RuleChangeRow extends RuleChange {
  readonly approvalId: string;
  readonly payloadHash: string;
  readonly state: ProposalState;
  readonly requestedBy: string;
  readonly requestedAt: Date;
  readonly expiresAt: Date;
  readonly decidedBy: string | null;
  readonly decisionReason: string | null;
  readonly version: number | null;
  readonly refusalCode: string | null;
}

const columns = `p.approval_id AS "approvalId", p.book_id AS book, p.rules, p.valid_from AS "validFrom", p.reason, p.payload_hash AS "payloadHash",
  p.state, p.requested_by AS "requestedBy", p.requested_at AS "requestedAt", p.expires_at AS "expiresAt", p.decided_by AS "decidedBy",
  p.decision_reason AS "decisionReason", p.version, p.refusal_code AS "refusalCode"`;

/** Rules are changed by a new version, valid from a date that is not open yet, when a second person has agreed. */
@Injectable()
export class RuleChanges {
  constructor(
    private readonly rules: PostingRules,
    private readonly accounts: Accounts,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
  ) {}

  async find(tx: Tx, approvalId: string, lock = false): Promise<RuleChangeRow | undefined> {
    return tx.row<RuleChangeRow>(
      `SELECT ${columns} FROM accounting.posting_rule_proposal p WHERE p.approval_id = $1 ${lock ? 'FOR UPDATE' : ''}`,
      [approvalId],
    );
  }

  async propose(
    tx: Tx,
    asked: { book: string; rules: unknown; validFrom: string; reason: string; expiresAt?: Date | null },
    by: string,
  ): Promise<{ change?: RuleChangeRow; problems: Problem[] }> {
    const { book, validFrom, reason, expiresAt = null } = asked;
    const { rules, problems } = await this.read(tx, book, asked.rules);
    if (validFrom <= ((await this.lastOpened(tx, book)) ?? ''))
      problems.push(problem('DATE_OPENED', 'Rules change from a date that is not open yet', ['validFrom']));
    if (expiresAt !== null && (await tx.row('SELECT 1 WHERE $1::timestamptz <= kernel.now()', [expiresAt])))
      problems.push(problem('ALREADY_EXPIRED', 'It would expire at once', ['expiresAt']));
    if (rules === undefined || problems.length > 0) return { problems };
    const change: RuleChange = { book, rules, validFrom, reason };
    const approvalId = newId('apr');
    const payloadHash = hashOfChange(change);
    const before = (await this.rules.inForce(tx, [book]))(book, validFrom);
    const row = await tx.row<{ expires: Date }>(
      `INSERT INTO accounting.posting_rule_proposal (approval_id, book_id, rules, valid_from, reason, payload_hash, state, requested_by, expires_at)
       VALUES ($1, $2, $3::jsonb, $4, $5, $6, 'PROPOSED', $7, coalesce($9::timestamptz, kernel.now() + make_interval(hours => $8))) RETURNING expires_at AS expires`,
      [approvalId, book, JSON.stringify(rules), validFrom, reason, payloadHash, by, proposalHours, expiresAt],
    );
    await this.outbox.add(tx, 'compliance.request-approval.v1', {
      approvalId,
      kind: 'POSTING_RULES',
      service: 'accounting',
      objectKind: 'POSTING_RULES',
      objectId: objectIdOf(book),
      book,
      payloadHash,
      summary: summaryOf(change, changedKinds(before.rules, rules)),
      requestedBy: by,
      expiresAt: (row?.expires ?? new Date(0)).toISOString(),
    });
    await this.record(tx, 'POSTING_RULES_PROPOSED', change, by, reason, { approvalId, payloadHash });
    return { change: await this.find(tx, approvalId), problems: [] };
  }

  /** Rules as they were given, with every fault in themselves and with the book: also for those that are only tried. */
  async read(tx: Tx, book: string, given: unknown): Promise<{ rules?: RuleSet; problems: Problem[] }> {
    if (!(await tx.row('SELECT 1 FROM accounting.account a WHERE a.book_id = $1 LIMIT 1', [book])))
      return { problems: [problem('BOOK_NOT_FOUND', `There is no book ${book}`, ['book'])] };
    const read = readRuleSet(given);
    if (isRefused(read)) return { problems: [...read.problems] };
    const fixed = fixedAccounts(read.value);
    const known = await this.accounts.byNumber(
      tx,
      fixed.map((number) => ({ book, number })),
    );
    const problems = unknownAccounts(read.value, new Set(known.map(({ number }) => number)));
    return problems.length > 0 ? { problems } : { rules: read.value, problems };
  }

  async decided(tx: Tx, event: PayloadOf<'compliance.approval-decided.v1'>): Promise<void> {
    const open = await this.find(tx, event.approvalId, true);
    if (open?.state !== 'PROPOSED') return;
    const next = stateAfter(event.outcome, event.payloadHash, open.payloadHash);
    const version = next === 'APPLY' ? await this.store(tx, open, event.decidedBy) : null;
    const state = next === 'APPLY' ? (version === null ? 'REFUSED' : 'APPLIED') : next;
    const refusalCode = state === 'REFUSED' ? 'DATE_OPENED' : null;
    await tx.execute(
      `UPDATE accounting.posting_rule_proposal SET state = $2, decided_by = $3, decided_at = kernel.now(), decision_reason = $4, version = $5,
              refusal_code = $6 WHERE approval_id = $1`,
      [event.approvalId, state, event.decidedBy, event.reason, version, refusalCode],
    );
    await this.record(tx, `POSTING_RULES_${state}`, open, event.decidedBy, event.reason, {
      approvalId: event.approvalId,
      version,
      refusalCode,
    });
  }

  /** The next version; null when its date was opened while people thought about it. */
  private async store(tx: Tx, open: RuleChangeRow, approvedBy: string): Promise<number | null> {
    // Whoever opens a date of the book waits for us, or we for them; so does another approval.
    await tx.execute(`SELECT pg_advisory_xact_lock(hashtextextended('business-day:' || $1, 0))`, [open.book]);
    if (open.validFrom <= ((await this.lastOpened(tx, open.book)) ?? '')) return null;
    await this.rules.inForce(tx, [open.book]);
    const row = await tx.row<{ version: number }>(
      `INSERT INTO accounting.posting_rule_version (book_id, version, valid_from, rules, reason, proposed_by, approved_by, approval_id)
       SELECT p.book_id, 1 + (SELECT max(v.version) FROM accounting.posting_rule_version v WHERE v.book_id = p.book_id), p.valid_from, p.rules, p.reason,
              p.requested_by, $2, p.approval_id
         FROM accounting.posting_rule_proposal p WHERE p.approval_id = $1 RETURNING version`,
      [open.approvalId, approvedBy],
    );
    return row?.version ?? null;
  }

  private async lastOpened(tx: Tx, book: string): Promise<string | null> {
    const row = await tx.row<{ date: string | null }>(
      `SELECT max(d.business_date) AS date FROM accounting.business_day d WHERE d.book_id = $1 AND d.state IN ('OPEN','CLOSING','CLOSED')`,
      [book],
    );
    return row?.date ?? null;
  }

  private async record(
    tx: Tx,
    action: string,
    { book, validFrom }: RuleChange,
    by: string,
    reason: string,
    after: object,
  ): Promise<void> {
    await this.audit.append(tx, {
      action,
      objectKind: 'POSTING_RULES',
      objectId: objectIdOf(book),
      bookId: book,
      principal: by,
      reason,
      after: { validFrom, ...after },
    });
  }
}

const objectIdOf = (book: string): string => `${book}/posting-rules`;
