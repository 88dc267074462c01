import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { type ProposalState } from '../accounts/limit-changes.js';
import { type PeriodRow, type PeriodState, type Purpose } from './periods.js';

export interface PeriodChangeRow {
  readonly book: string;
  readonly period: string;
  readonly version: number;
  readonly fromState: PeriodState;
  readonly toState: PeriodState;
  readonly changedBy: string;
  readonly reason: string;
  readonly approvalId: string | null;
  readonly snapshotHash: string | null;
  readonly changedAt: Date;
}

export interface ReopeningRow {
  readonly approvalId: string;
  readonly book: string;
  readonly period: string;
  readonly periodVersion: number;
  readonly reason: string;
  readonly payloadHash: string;
  readonly state: ProposalState;
  readonly requestedBy: string;
  readonly requestedAt: Date;
  readonly expiresAt: Date;
  readonly decidedBy: string | null;
  readonly decisionReason: string | null;
  readonly refusalCode: string | null;
}

export interface AccountingDateRow {
  readonly entryId: string;
  readonly accountingDate: string;
  readonly period: string;
  readonly purpose: Purpose;
}

const columns = `p.book_id AS book, p.period, p.kind, p.first_date AS "firstDate", p.last_date AS "lastDate", p.state, p.version, p.closings,
  p.snapshot_hash AS "snapshotHash", p.changed_by AS "changedBy", p.changed_at AS "changedAt"`;
const changeColumns = `c.book_id AS book, c.period, c.version, c.from_state AS "fromState", c.to_state AS "toState", c.changed_by AS "changedBy", c.reason,
  c.approval_id AS "approvalId", c.snapshot_hash AS "snapshotHash", c.changed_at AS "changedAt"`;
const reopeningColumns = `r.approval_id AS "approvalId", r.book_id AS book, r.period, r.period_version AS "periodVersion", r.reason,
  r.payload_hash AS "payloadHash", r.state, r.requested_by AS "requestedBy", r.requested_at AS "requestedAt", r.expires_at AS "expiresAt",
  r.decided_by AS "decidedBy", r.decision_reason AS "decisionReason", r.refusal_code AS "refusalCode"`;

@Injectable()
export class PeriodsRepository {
  /** One change of periods at a time in a book. */
  async lockBook(tx: Tx, book: string): Promise<void> {
    await tx.execute(`SELECT pg_advisory_xact_lock(hashtextextended('period:' || $1, 0))`, [book]);
  }

  /** The newest first. */
  async list(tx: Tx, book: string): Promise<PeriodRow[]> {
    return tx.rows<PeriodRow>(
      `SELECT ${columns} FROM accounting.period p WHERE p.book_id = $1 ORDER BY p.period DESC`,
      [book],
    );
  }

  async find(tx: Tx, book: string, period: string): Promise<PeriodRow | undefined> {
    return tx.row<PeriodRow>(`SELECT ${columns} FROM accounting.period p WHERE p.book_id = $1 AND p.period = $2`, [
      book,
      period,
    ]);
  }

  /** Shared until the end of the transaction: nobody closes or reopens it meanwhile. */
  async take(tx: Tx, book: string, period: string): Promise<PeriodState | null> {
    const row = await tx.row<{ state: PeriodState | null }>('SELECT accounting.take_period($1, $2) AS state', [
      book,
      period,
    ]);
    return row?.state ?? null;
  }

  async change(
    tx: Tx,
    { book, period }: PeriodRow,
    to: PeriodState,
    by: string,
    reason: string,
    approvalId: string | null = null,
  ): Promise<void> {
    await tx.execute('SELECT accounting.change_period($1, $2, $3, $4, $5, $6)', [
      book,
      period,
      to,
      by,
      reason,
      approvalId,
    ]);
  }

  async changes(tx: Tx, keys: readonly { book: string; period: string }[]): Promise<PeriodChangeRow[]> {
    return tx.rows<PeriodChangeRow>(
      `SELECT ${changeColumns} FROM accounting.period_change c
        WHERE (c.book_id, c.period) IN (SELECT * FROM unnest($1::text[], $2::text[])) ORDER BY c.book_id, c.period, c.version`,
      [keys.map(({ book }) => book), keys.map(({ period }) => period)],
    );
  }

  /** The dates of a period that are not closed, and whether the book has a date behind it. */
  async dates(tx: Tx, { book, firstDate, lastDate }: PeriodRow): Promise<{ open: string[]; isFollowed: boolean }> {
    const row = await tx.row<{ open: string[]; isFollowed: boolean }>(
      `SELECT coalesce(array_agg(d.business_date::text ORDER BY d.business_date) FILTER (WHERE d.business_date <= $3 AND d.state NOT IN ('CLOSED','SKIPPED')), '{}') AS open,
              coalesce(bool_or(d.business_date > $3 AND d.state <> 'SKIPPED'), false) AS "isFollowed"
         FROM accounting.business_day d WHERE d.book_id = $1 AND d.business_date >= $2`,
      [book, firstDate, lastDate],
    );
    return row ?? { open: [], isFollowed: false };
  }

  async keepAccountingDates(
    tx: Tx,
    entries: readonly string[],
    { accountingDate, period, purpose }: Omit<AccountingDateRow, 'entryId'>,
    authority: 'ledger:post' | null,
  ): Promise<void> {
    await tx.execute('SELECT accounting.keep_accounting_dates($1::text[], $2::date, $3, $4, $5)', [
      entries,
      accountingDate,
      period,
      purpose,
      authority,
    ]);
  }

  async accountingDates(tx: Tx, entries: readonly string[]): Promise<AccountingDateRow[]> {
    return tx.rows<AccountingDateRow>(
      `SELECT a.entry_id AS "entryId", a.accounting_date AS "accountingDate", a.period, a.purpose
         FROM accounting.entry_accounting_date a WHERE a.entry_id = ANY ($1::text[])`,
      [entries],
    );
  }

  async propose(
    tx: Tx,
    asked: {
      approvalId: string;
      period: PeriodRow;
      reason: string;
      payloadHash: string;
      by: string;
      hours: number;
      expiresAt: Date | null;
    },
  ): Promise<Date> {
    const { approvalId, period, reason, payloadHash, by, hours, expiresAt } = asked;
    const row = await tx.row<{ expires: Date }>(
      `INSERT INTO accounting.period_reopening (approval_id, book_id, period, period_version, reason, payload_hash, state, requested_by, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6, 'PROPOSED', $7, coalesce($9::timestamptz, kernel.now() + make_interval(hours => $8))) RETURNING expires_at AS expires`,
      [approvalId, period.book, period.period, period.version, reason, payloadHash, by, hours, expiresAt],
    );
    return row?.expires ?? new Date(0);
  }

  async reopening(tx: Tx, approvalId: string, lock = false): Promise<ReopeningRow | undefined> {
    return tx.row<ReopeningRow>(
      `SELECT ${reopeningColumns} FROM accounting.period_reopening r WHERE r.approval_id = $1 ${lock ? 'FOR UPDATE' : ''}`,
      [approvalId],
    );
  }

  async decide(
    tx: Tx,
    approvalId: string,
    decided: { state: ProposalState; by: string; reason: string; refusalCode: string | null },
  ): Promise<void> {
    await tx.execute(
      `UPDATE accounting.period_reopening SET state = $2, decided_by = $3, decided_at = kernel.now(), decision_reason = $4, refusal_code = $5
        WHERE approval_id = $1`,
      [approvalId, decided.state, decided.by, decided.reason, decided.refusalCode],
    );
  }
}
