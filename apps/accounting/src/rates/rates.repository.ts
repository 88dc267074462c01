import { Injectable } from '@nestjs/common';
import { type PlainDate } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import { type ProposalState } from '../accounts/limit-changes.js';
import { type Figure, type FigureFault, type FigureKind, type FigureState } from './rates.js';

export interface FigureRow extends Omit<Figure, 'version'> {
  readonly version: string;
  readonly state: FigureState;
  readonly fault: FigureFault | null;
  readonly comparedVersion: string | null;
  readonly recordedAt: Date;
  readonly receivedAt: Date;
}

export interface NewFigure extends Omit<Figure, 'version'> {
  readonly version: string;
  readonly recordedAt: string;
  readonly state: FigureState;
  readonly fault: FigureFault | null;
  readonly comparedVersion: string | null;
}

export interface ReleaseRow {
  readonly approvalId: string;
  readonly kind: FigureKind;
  readonly version: string;
  readonly reason: string;
  readonly payloadHash: string;
  readonly state: ProposalState;
  readonly requestedBy: string;
  readonly requestedAt: Date;
  readonly expiresAt: Date;
  readonly decidedBy: string | null;
  readonly decisionReason: string | null;
}

const figureColumns = `m.kind, m.version::text AS version, m.base, m.quote, m.on_date AS date, trim_scale(m.value)::text AS value, m.source, m.state, m.fault,
  m.compared_version::text AS "comparedVersion", m.recorded_at AS "recordedAt", m.received_at AS "receivedAt"`;
const releaseColumns = `r.approval_id AS "approvalId", r.kind, r.version::text AS version, r.reason, r.payload_hash AS "payloadHash", r.state,
  r.requested_by AS "requestedBy", r.requested_at AS "requestedAt", r.expires_at AS "expiresAt", r.decided_by AS "decidedBy", r.decision_reason AS "decisionReason"`;
/** As `compareFigures` has it. */
const bestFirst = `m.on_date DESC, (m.source = 'OVERRIDE') DESC, m.version DESC`;

@Injectable()
export class RatesRepository {
  /** Whoever judges figures waits for whoever does so now: each is compared with the last good one. */
  async lock(tx: Tx, kind: FigureKind): Promise<void> {
    await tx.execute(`SELECT pg_advisory_xact_lock(hashtextextended('market-figures:' || $1, 0))`, [kind]);
  }

  async known(tx: Tx, kind: FigureKind, versions: readonly string[]): Promise<FigureRow[]> {
    return tx.rows<FigureRow>(
      `SELECT ${figureColumns} FROM accounting.market_figure m WHERE m.kind = $1 AND m.version = ANY ($2::bigint[])`,
      [kind, versions],
    );
  }

  async find(tx: Tx, kind: FigureKind, version: string): Promise<FigureRow | undefined> {
    return (await this.known(tx, kind, [version]))[0];
  }

  /** For each pair the good figures that may be the last good one of a date asked for. */
  async lastGood(
    tx: Tx,
    kind: FigureKind,
    asked: readonly { base: string; quote: string; date: PlainDate }[],
  ): Promise<FigureRow[]> {
    return tx.rows<FigureRow>(
      `SELECT DISTINCT f.* FROM unnest($2::text[], $3::text[], $4::date[]) AS a(base, quote, date) CROSS JOIN LATERAL (
         SELECT ${figureColumns} FROM accounting.market_figure m
          WHERE m.kind = $1 AND m.base = a.base AND m.quote = a.quote AND m.state = 'GOOD' AND m.on_date <= a.date
          ORDER BY ${bestFirst} LIMIT 1) f`,
      [kind, asked.map(({ base }) => base), asked.map(({ quote }) => quote), asked.map(({ date }) => date)],
    );
  }

  async add(tx: Tx, figures: readonly NewFigure[]): Promise<void> {
    if (figures.length === 0) return;
    await tx.execute(
      `INSERT INTO accounting.market_figure (kind, version, base, quote, on_date, value, source, recorded_at, state, fault, compared_version)
       SELECT g.kind, g.version, g.base, g.quote, g.date, g.value, g.source, g."recordedAt", g.state, g.fault, g."comparedVersion"
         FROM jsonb_to_recordset($1::jsonb) AS g(kind text, version bigint, base text, quote text, date date, value numeric, source text,
                "recordedAt" timestamptz, state text, fault text, "comparedVersion" bigint)`,
      [JSON.stringify(figures)],
    );
  }

  async setStates(tx: Tx, kind: FigureKind, versions: readonly string[], state: 'GOOD' | 'WITHDRAWN'): Promise<void> {
    await tx.execute(
      `UPDATE accounting.market_figure SET state = $3, fault = CASE WHEN $3 = 'GOOD' THEN NULL ELSE 'RATE_WITHDRAWN' END
        WHERE kind = $1 AND version = ANY ($2::bigint[]) AND state IN ('GOOD','HELD')`,
      [kind, versions, state],
    );
  }

  /** The last good rate of every pair of currencies up to a date. */
  async ratesOf(tx: Tx, date: PlainDate): Promise<FigureRow[]> {
    return tx.rows<FigureRow>(
      `SELECT DISTINCT ON (m.base, m.quote) ${figureColumns} FROM accounting.market_figure m
        WHERE m.kind = 'RATE' AND m.state = 'GOOD' AND m.on_date <= $1 ORDER BY m.base, m.quote, ${bestFirst}`,
      [date],
    );
  }

  async pricesOf(tx: Tx, date: PlainDate, instruments: readonly string[]): Promise<FigureRow[]> {
    return tx.rows<FigureRow>(
      `SELECT f.* FROM unnest($2::text[]) AS a(base) CROSS JOIN LATERAL (
         SELECT DISTINCT ON (m.quote) ${figureColumns} FROM accounting.market_figure m
          WHERE m.kind = 'PRICE' AND m.base = a.base AND m.state = 'GOOD' AND m.on_date <= $1 ORDER BY m.quote, ${bestFirst}) f`,
      [date, [...new Set(instruments)]],
    );
  }

  /** What waits for two people, the oldest first. */
  async held(tx: Tx, upTo: PlainDate | null, limit: number): Promise<FigureRow[]> {
    return tx.rows<FigureRow>(
      `SELECT ${figureColumns} FROM accounting.market_figure m WHERE m.state = 'HELD' AND ($1::date IS NULL OR m.on_date <= $1)
        ORDER BY m.received_at, m.kind, m.version LIMIT $2`,
      [upTo, limit],
    );
  }

  async heldOfPair(
    tx: Tx,
    { kind, base, quote }: { kind: FigureKind; base: string; quote: string },
  ): Promise<FigureRow[]> {
    return tx.rows<FigureRow>(
      `SELECT ${figureColumns} FROM accounting.market_figure m WHERE m.kind = $1 AND m.base = $2 AND m.quote = $3 AND m.state = 'HELD'
        ORDER BY m.on_date, m.version`,
      [kind, base, quote],
    );
  }

  async release(tx: Tx, approvalId: string, lock = false): Promise<ReleaseRow | undefined> {
    return tx.row<ReleaseRow>(
      `SELECT ${releaseColumns} FROM accounting.figure_release r WHERE r.approval_id = $1 ${lock ? 'FOR UPDATE' : ''}`,
      [approvalId],
    );
  }

  async openRelease(tx: Tx, kind: FigureKind, version: string): Promise<ReleaseRow | undefined> {
    return tx.row<ReleaseRow>(
      `SELECT ${releaseColumns} FROM accounting.figure_release r WHERE r.kind = $1 AND r.version = $2 AND r.state = 'PROPOSED'`,
      [kind, version],
    );
  }

  async addRelease(
    tx: Tx,
    given: {
      approvalId: string;
      kind: FigureKind;
      version: string;
      reason: string;
      payloadHash: string;
      by: string;
      hours: number;
      expiresAt: Date | null;
    },
  ): Promise<Date> {
    const row = await tx.row<{ expires: Date }>(
      `INSERT INTO accounting.figure_release (approval_id, kind, version, reason, payload_hash, state, requested_by, expires_at)
       VALUES ($1, $2, $3, $4, $5, 'PROPOSED', $6, coalesce($7::timestamptz, kernel.now() + make_interval(hours => $8))) RETURNING expires_at AS expires`,
      [
        given.approvalId,
        given.kind,
        given.version,
        given.reason,
        given.payloadHash,
        given.by,
        given.expiresAt,
        given.hours,
      ],
    );
    return row?.expires ?? new Date(0);
  }

  async decideRelease(tx: Tx, approvalId: string, state: ProposalState, by: string, reason: string): Promise<void> {
    await tx.execute(
      `UPDATE accounting.figure_release SET state = $2, decided_by = $3, decided_at = kernel.now(), decision_reason = $4 WHERE approval_id = $1`,
      [approvalId, state, by, reason],
    );
  }
}
