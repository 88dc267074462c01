import { Injectable } from '@nestjs/common';
import { type PlainDate } from '#libs/calendar/index.js';
import { type BusinessDayChanged } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { type BookClock } from './due-times.js';

export interface BookDay {
  readonly book: string;
  readonly businessDate: PlainDate;
  /** CUT_OFF: still being worked, while intake already carries the next date. */
  readonly state: 'OPEN' | 'CUT_OFF' | 'CLOSED';
  readonly nextBusinessDate: PlainDate;
}

const columns = `book_id AS book, business_date AS "businessDate", state, next_business_date AS "nextBusinessDate"`;

/** Which business date each book works, as accounting announces it. */
@Injectable()
export class BookDaysService {
  async all(tx: Tx): Promise<Map<string, BookDay>> {
    // For share: a cut-off waits until every intake with the date before it is committed.
    const rows = await tx.rows<BookDay>(`SELECT ${columns} FROM settlement.book_day ORDER BY book_id FOR SHARE`);
    return new Map(rows.map((row) => [row.book, row]));
  }

  async find(tx: Tx, book: string): Promise<BookDay | null> {
    const [row] = await tx.rows<BookDay>(`SELECT ${columns} FROM settlement.book_day WHERE book_id = $1`, [book]);
    return row ?? null;
  }

  /** The days and the clock of each book. */
  async clocks(tx: Tx): Promise<Map<string, BookClock>> {
    const rows = await tx.rows<BookClock>(
      `SELECT book_id AS book, business_date AS "businessDate", calendar_id AS "calendarId", zone, closes_early_at AS "closesEarlyAt"
         FROM settlement.book_day`,
    );
    return new Map(rows.map((row) => [row.book, row]));
  }

  /**
   * Returns false when what is announced is older than what is known. A date is announced again when the one after it
   * moves: what is cut off stays cut off, what is closed stays closed.
   */
  async announce(tx: Tx, changed: BusinessDayChanged): Promise<boolean> {
    const changes = await tx.execute(
      `INSERT INTO settlement.book_day AS known (book_id, business_date, state, next_business_date, calendar_id, zone, closes_early_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7)
       ON CONFLICT (book_id) DO UPDATE SET business_date = excluded.business_date, next_business_date = excluded.next_business_date,
         state = CASE WHEN known.business_date = excluded.business_date AND known.state = 'CUT_OFF' AND excluded.state = 'OPEN'
                      THEN 'CUT_OFF' ELSE excluded.state END,
         calendar_id = coalesce(excluded.calendar_id, known.calendar_id), zone = coalesce(excluded.zone, known.zone),
         closes_early_at = CASE WHEN known.business_date = excluded.business_date
                                THEN coalesce(excluded.closes_early_at, known.closes_early_at) ELSE excluded.closes_early_at END
        WHERE known.business_date < excluded.business_date
           OR known.business_date = excluded.business_date
              AND (known.state <> 'CLOSED' OR excluded.state = 'CLOSED' AND known.next_business_date <> excluded.next_business_date)`,
      [
        ...[changed.book, changed.businessDate, changed.state, changed.nextBusinessDate],
        ...[changed.calendar ?? null, changed.zone ?? null, changed.closesEarlyAt ?? null],
      ],
    );
    return changes > 0;
  }

  /** Waits for the intakes that are under way with this date: they hold the row for share. */
  async cutOff(tx: Tx, book: string, businessDate: PlainDate): Promise<void> {
    await tx.execute(
      `UPDATE settlement.book_day SET state = 'CUT_OFF' WHERE book_id = $1 AND business_date = $2 AND state = 'OPEN'`,
      [book, businessDate],
    );
  }

  async intakeDate(tx: Tx, book: string): Promise<PlainDate> {
    const [row] = await tx.rows<{ date: PlainDate }>(
      `SELECT CASE WHEN state = 'OPEN' THEN business_date ELSE next_business_date END AS date
         FROM settlement.book_day WHERE book_id = $1
       UNION ALL SELECT kernel.now()::date WHERE NOT EXISTS (SELECT 1 FROM settlement.book_day WHERE book_id = $1)`,
      [book],
    );
    if (!row) throw new Error(`book ${book} has no date`);
    return row.date;
  }

  /** The date of what belongs to no single book: that of the books being worked, else the next that will be. */
  async institutionDate(tx: Tx): Promise<PlainDate> {
    const row = await tx.row<{ date: PlainDate }>(
      `SELECT coalesce(max(business_date) FILTER (WHERE state <> 'CLOSED'), min(next_business_date), kernel.now()::date) AS date FROM settlement.book_day`,
    );
    if (!row) throw new Error('no date');
    return row.date;
  }
}
