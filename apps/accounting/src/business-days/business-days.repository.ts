import { Injectable } from '@nestjs/common';
import { type DayPhase } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { type CutOff } from './books.js';
import { type DayState, type PhaseState } from './business-day.js';

export interface DayRow {
  readonly book: string;
  readonly businessDate: string;
  readonly state: DayState;
  readonly nextBusinessDate: string;
  readonly openedAt: Date | null;
  readonly closedAt: Date | null;
  readonly cutOffZone: string | null;
  readonly cutOffLocalTime: string | null;
  readonly isHalfDay: boolean;
  readonly plannedCutOffAt: Date | null;
  readonly revisedCutOffAt: Date | null;
  readonly effectiveCutOffAt: Date | null;
  readonly cutOffRevisionReason: string | null;
  readonly cutOffRevisedBy: string | null;
}

export interface PhaseRunRow {
  readonly phaseRunId: string;
  readonly book: string;
  readonly businessDate: string;
  readonly phase: DayPhase;
  readonly cycle: number;
  readonly state: PhaseState;
  readonly barrierSequence: string;
  readonly waitingFor: number;
  readonly requestedBy: string;
  readonly requestedAt: Date;
  readonly startedAt: Date | null;
  readonly completedAt: Date | null;
  readonly attempts: number;
  readonly jobRunId: string | null;
  readonly counts: Record<string, number>;
  readonly problems: { code: string; message: string }[];
}

const dayColumns = `d.book_id AS book, d.business_date AS "businessDate", d.state, d.next_business_date AS "nextBusinessDate",
  d.opened_at AS "openedAt", d.closed_at AS "closedAt", d.cut_off_zone AS "cutOffZone", d.cut_off_local_time AS "cutOffLocalTime",
  d.is_half_day AS "isHalfDay", d.planned_cut_off_at AS "plannedCutOffAt", d.revised_cut_off_at AS "revisedCutOffAt",
  d.effective_cut_off_at AS "effectiveCutOffAt", d.cut_off_revision_reason AS "cutOffRevisionReason", d.cut_off_revised_by AS "cutOffRevisedBy"`;
const runColumns = `r.phase_run_id AS "phaseRunId", r.book_id AS book, r.business_date AS "businessDate", r.phase, r.cycle, r.state,
  r.barrier_sequence AS "barrierSequence", r.waiting_for AS "waitingFor", r.requested_by AS "requestedBy", r.requested_at AS "requestedAt",
  r.started_at AS "startedAt", r.completed_at AS "completedAt", r.attempts, r.job_run_id AS "jobRunId", r.counts, r.problems`;

const valuesOf = ({ zone, localTime, isHalfDay, plannedAt }: CutOff): unknown[] => [
  zone,
  localTime,
  isHalfDay,
  plannedAt.toISOString(),
];

@Injectable()
export class BusinessDaysRepository {
  async day(tx: Tx, book: string, businessDate: string): Promise<DayRow | undefined> {
    return tx.row<DayRow>(
      `SELECT ${dayColumns} FROM accounting.business_day d WHERE d.book_id = $1 AND d.business_date = $2`,
      [book, businessDate],
    );
  }

  /** The date that is open for posting. */
  async worked(tx: Tx, book: string): Promise<DayRow | undefined> {
    return tx.row<DayRow>(
      `SELECT ${dayColumns} FROM accounting.business_day d WHERE d.book_id = $1 AND d.state IN ('OPEN','CLOSING')`,
      [book],
    );
  }

  /** Every book that has or had a date. */
  async books(tx: Tx): Promise<string[]> {
    const rows = await tx.rows<{ book: string }>('SELECT DISTINCT book_id AS book FROM accounting.business_day');
    return rows.map(({ book }) => book);
  }

  /** The newest day that counts: the date of the roll, which is only announced, or the one being worked. */
  async latest(tx: Tx, book: string): Promise<DayRow | undefined> {
    return tx.row<DayRow>(
      `SELECT ${dayColumns} FROM accounting.business_day d
        WHERE d.book_id = $1 AND d.state <> 'SKIPPED' ORDER BY d.business_date DESC LIMIT 1`,
      [book],
    );
  }

  async latestWorked(tx: Tx, book: string): Promise<DayRow | undefined> {
    return tx.row<DayRow>(
      `SELECT ${dayColumns} FROM accounting.business_day d
        WHERE d.book_id = $1 AND d.state NOT IN ('NEXT','SKIPPED') ORDER BY d.business_date DESC LIMIT 1`,
      [book],
    );
  }

  async list(tx: Tx, book: string | null, first: number, after?: readonly (string | null)[]): Promise<DayRow[]> {
    return tx.rows<DayRow>(
      `SELECT ${dayColumns} FROM accounting.business_day d
        WHERE ($1::text IS NULL OR d.book_id = $1) AND ($2::date IS NULL OR (d.business_date, d.book_id) < ($2::date, $3::text))
        ORDER BY d.business_date DESC, d.book_id DESC LIMIT $4`,
      [book, after?.[0] ?? null, after?.[1] ?? null, first + 1],
    );
  }

  /** One at a time per book, whoever asks: the days of a book are changed behind this lock. */
  async lockBook(tx: Tx, book: string): Promise<void> {
    await tx.execute(`SELECT pg_advisory_xact_lock(hashtextextended('business-day:' || $1, 0))`, [book]);
  }

  async insertOrOpen(
    tx: Tx,
    book: string,
    businessDate: string,
    nextBusinessDate: string,
    cutOff: CutOff,
  ): Promise<void> {
    await tx.execute(
      `INSERT INTO accounting.business_day AS d (book_id, business_date, state, next_business_date, opened_at, cut_off_zone, cut_off_local_time,
         is_half_day, planned_cut_off_at) VALUES ($1, $2, 'OPEN', $3, kernel.now(), $4, $5, $6, $7)
       ON CONFLICT (book_id, business_date) DO UPDATE SET state = 'OPEN', opened_at = kernel.now(), next_business_date = excluded.next_business_date,
         cut_off_zone = excluded.cut_off_zone, cut_off_local_time = excluded.cut_off_local_time, is_half_day = excluded.is_half_day,
         planned_cut_off_at = excluded.planned_cut_off_at`,
      [book, businessDate, nextBusinessDate, ...valuesOf(cutOff)],
    );
  }

  async insertNext(
    tx: Tx,
    book: string,
    businessDate: string,
    nextBusinessDate: string,
    cutOff: CutOff,
  ): Promise<void> {
    await tx.execute(
      `INSERT INTO accounting.business_day AS d (book_id, business_date, state, next_business_date, cut_off_zone, cut_off_local_time, is_half_day,
         planned_cut_off_at) VALUES ($1, $2, 'NEXT', $3, $4, $5, $6, $7)
       ON CONFLICT (book_id, business_date) DO UPDATE SET state = 'NEXT', next_business_date = excluded.next_business_date,
         cut_off_zone = excluded.cut_off_zone, cut_off_local_time = excluded.cut_off_local_time, is_half_day = excluded.is_half_day,
         planned_cut_off_at = excluded.planned_cut_off_at WHERE d.state = 'SKIPPED'`,
      [book, businessDate, nextBusinessDate, ...valuesOf(cutOff)],
    );
  }

  /** A date that was announced and will not be worked. */
  async skip(tx: Tx, book: string, businessDate: string): Promise<void> {
    await tx.execute(
      `UPDATE accounting.business_day SET state = 'SKIPPED' WHERE book_id = $1 AND business_date = $2 AND state = 'NEXT'`,
      [book, businessDate],
    );
  }

  /** What follows a date; with a cut-off, also that of a date that is only announced. */
  async revise(tx: Tx, book: string, businessDate: string, nextBusinessDate: string, cutOff?: CutOff): Promise<void> {
    await tx.execute(
      'UPDATE accounting.business_day SET next_business_date = $3 WHERE book_id = $1 AND business_date = $2',
      [book, businessDate, nextBusinessDate],
    );
    if (!cutOff) return;
    await tx.execute(
      `UPDATE accounting.business_day SET cut_off_zone = $3, cut_off_local_time = $4, is_half_day = $5, planned_cut_off_at = $6
        WHERE book_id = $1 AND business_date = $2 AND state = 'NEXT'`,
      [book, businessDate, ...valuesOf(cutOff)],
    );
  }

  async extendCutOff(tx: Tx, day: DayRow, revisedAt: Date, reason: string, by: string): Promise<void> {
    await tx.execute(
      `UPDATE accounting.business_day SET revised_cut_off_at = $3, cut_off_revision_reason = $4, cut_off_revised_by = $5
        WHERE book_id = $1 AND business_date = $2`,
      [day.book, day.businessDate, revisedAt.toISOString(), reason, by],
    );
  }

  async now(tx: Tx): Promise<Date> {
    const row = await tx.row<{ now: Date }>('SELECT kernel.now() AS now');
    if (!row) throw new Error('the clock does not answer');
    return row.now;
  }

  /** The first barrier of the date's cut-off that was reached is the cut-off as it was. */
  async cutOffReached(tx: Tx, book: string, businessDate: string): Promise<void> {
    await tx.execute(
      `UPDATE accounting.business_day SET effective_cut_off_at = kernel.now()
        WHERE book_id = $1 AND business_date = $2 AND effective_cut_off_at IS NULL`,
      [book, businessDate],
    );
  }

  /** Waits for every posting that shares the key of the day (FOR UPDATE, not the weaker lock of an UPDATE), then changes it. */
  async changeState(
    tx: Tx,
    book: string,
    businessDate: string,
    from: readonly DayState[],
    to: DayState,
  ): Promise<boolean> {
    await tx.execute('SELECT 1 FROM accounting.business_day WHERE book_id = $1 AND business_date = $2 FOR UPDATE', [
      book,
      businessDate,
    ]);
    const changed = await tx.execute(
      `UPDATE accounting.business_day SET state = $4, closed_at = CASE WHEN $4 = 'CLOSED' THEN kernel.now() END
        WHERE book_id = $1 AND business_date = $2 AND state = ANY ($3::text[])`,
      [book, businessDate, from, to],
    );
    return changed === 1;
  }

  async runs(tx: Tx, days: readonly { book: string; businessDate: string }[]): Promise<PhaseRunRow[]> {
    return tx.rows<PhaseRunRow>(
      `SELECT ${runColumns} FROM accounting.phase_run r
         JOIN jsonb_to_recordset($1::jsonb) AS k(book text, "businessDate" date) ON k.book = r.book_id AND k."businessDate" = r.business_date
        ORDER BY r.requested_at, r.cycle, r.phase_run_id`,
      [JSON.stringify(days)],
    );
  }

  async run(tx: Tx, phaseRunId: string, lock = false): Promise<PhaseRunRow | undefined> {
    return tx.row<PhaseRunRow>(
      `SELECT ${runColumns} FROM accounting.phase_run r WHERE r.phase_run_id = $1 ${lock ? 'FOR UPDATE' : ''}`,
      [phaseRunId],
    );
  }

  async request(
    tx: Tx,
    run: {
      phaseRunId: string;
      book: string;
      businessDate: string;
      phase: DayPhase;
      cycle: number;
      barrierSequence: string;
      requestedBy: string;
    },
  ): Promise<void> {
    await tx.execute(
      `INSERT INTO accounting.phase_run (phase_run_id, book_id, business_date, phase, cycle, state, barrier_sequence, requested_by)
       VALUES ($1, $2, $3, $4, $5, 'WAITING', $6, $7)
       ON CONFLICT (phase_run_id) DO UPDATE SET state = 'WAITING', barrier_sequence = excluded.barrier_sequence, requested_by = excluded.requested_by,
          requested_at = kernel.now(), started_at = NULL, completed_at = NULL, attempts = accounting.phase_run.attempts + 1, counts = '{}', problems = '[]'`,
      [run.phaseRunId, run.book, run.businessDate, run.phase, run.cycle, run.barrierSequence, run.requestedBy],
    );
  }

  async lockWaiting(tx: Tx): Promise<PhaseRunRow[]> {
    return tx.rows<PhaseRunRow>(
      `SELECT ${runColumns} FROM accounting.phase_run r WHERE r.state = 'WAITING' ORDER BY r.requested_at FOR UPDATE SKIP LOCKED`,
    );
  }

  async stillWaiting(tx: Tx, phaseRunId: string, waitingFor: number): Promise<void> {
    await tx.execute('UPDATE accounting.phase_run SET waiting_for = $2 WHERE phase_run_id = $1 AND waiting_for <> $2', [
      phaseRunId,
      waitingFor,
    ]);
  }

  async started(tx: Tx, phaseRunId: string, jobRunId: string | null): Promise<void> {
    await tx.execute(
      `UPDATE accounting.phase_run SET state = 'RUNNING', waiting_for = 0, started_at = kernel.now(), job_run_id = $2 WHERE phase_run_id = $1`,
      [phaseRunId, jobRunId],
    );
  }

  async completed(
    tx: Tx,
    phaseRunId: string,
    counts: Record<string, number>,
    problems: readonly { code: string; message: string }[],
  ): Promise<boolean> {
    const changed = await tx.execute(
      `UPDATE accounting.phase_run SET state = $2, completed_at = kernel.now(), counts = $3::jsonb, problems = $4::jsonb
        WHERE phase_run_id = $1 AND state IN ('RUNNING','WAITING')`,
      [phaseRunId, problems.length > 0 ? 'STOPPED' : 'COMPLETED', JSON.stringify(counts), JSON.stringify(problems)],
    );
    return changed === 1;
  }

  async isSigned(tx: Tx, book: string): Promise<boolean> {
    const row = await tx.row(
      `SELECT 1 FROM accounting.cut_over_book WHERE book_id = $1 AND signed_at IS NOT NULL LIMIT 1`,
      [book],
    );
    return row !== undefined;
  }

  async latestEntryDate(tx: Tx, book: string): Promise<string | undefined> {
    const row = await tx.row<{ date: string | null }>(
      'SELECT max(business_date) AS date FROM accounting.journal_entry WHERE book_id = $1',
      [book],
    );
    return row?.date ?? undefined;
  }
}
