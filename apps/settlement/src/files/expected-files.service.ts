import { Injectable } from '@nestjs/common';
import { type PlainDate } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import { WorkItems } from '#libs/work-items/index.js';
import { DueTimesService } from '../calendars/due-times.service.js';
import { expectedOn, type ScheduledFile } from './expected-files.js';

export interface ExpectedFileRow {
  book: string;
  businessDate: PlainDate;
  kind: string;
  qualifier: string;
  localTime: string;
  zone: string;
  dueAt: Date;
  lateFrom: Date;
  arrivedAt: Date | null;
  isLate: boolean | null;
  arrivalId: string | null;
}

const columns = `book_id AS book, business_date AS "businessDate", kind, qualifier, local_time AS "localTime", zone, due_at AS "dueAt",
  late_from AS "lateFrom", arrived_at AS "arrivedAt", is_late AS "isLate", arrival_id AS "arrivalId"`;
const itemKey = (file: { book: string; businessDate: string; kind: string; qualifier: string }) =>
  `late-file:${file.book}:${file.businessDate}:${file.kind}:${file.qualifier}`;

/** Files that must come every day: when they are due, whether they came, and who asks for them when they did not. */
@Injectable()
export class ExpectedFilesService {
  constructor(
    private readonly workItems: WorkItems,
    private readonly dueTimes: DueTimesService,
  ) {}

  async saveSchedule(tx: Tx, schedule: readonly ScheduledFile[]): Promise<void> {
    if (schedule.length === 0) return;
    await tx.execute(
      `INSERT INTO settlement.expected_file_schedule (book_id, kind, qualifier, local_time, zone, grace_minutes)
       SELECT book, kind, qualifier, "localTime", zone, "graceMinutes"
         FROM jsonb_to_recordset($1::jsonb) AS r(book text, kind text, qualifier text, "localTime" text, zone text, "graceMinutes" int)
       ON CONFLICT (book_id, kind, qualifier) DO NOTHING`,
      [JSON.stringify(schedule)],
    );
  }

  /** When a date opens: what must come on it. Opening twice changes nothing. */
  async openDay(tx: Tx, book: string, businessDate: PlainDate): Promise<void> {
    const schedule = await tx.rows<ScheduledFile>(
      `SELECT book_id AS book, kind, qualifier, local_time AS "localTime", zone, grace_minutes AS "graceMinutes"
         FROM settlement.expected_file_schedule WHERE book_id = $1`,
      [book],
    );
    await tx.execute(
      `INSERT INTO settlement.expected_file (book_id, business_date, kind, qualifier, local_time, zone, due_at, late_from)
       SELECT book, "businessDate", kind, qualifier, "localTime", zone, "dueAt", "lateFrom"
         FROM jsonb_to_recordset($1::jsonb) AS r(book text, "businessDate" date, kind text, qualifier text, "localTime" text, zone text,
           "dueAt" timestamptz, "lateFrom" timestamptz)
       ON CONFLICT DO NOTHING`,
      [JSON.stringify(expectedOn(schedule, businessDate, await this.dueTimes.current(tx)))],
    );
  }

  async openQualifiers(tx: Tx, kind: string, businessDate: PlainDate): Promise<string[]> {
    const rows = await tx.rows<{ qualifier: string }>(
      `SELECT qualifier FROM settlement.expected_file WHERE kind = $1 AND business_date = $2 AND arrived_at IS NULL ORDER BY due_at, qualifier`,
      [kind, businessDate],
    );
    return rows.map(({ qualifier }) => qualifier);
  }

  /** The oldest expected file of this kind and qualifier has come; nothing happens when none is waited for. */
  async arrived(
    tx: Tx,
    arrival: { kind: string; qualifier: string; arrivalId: string; at?: Date; businessDate?: PlainDate },
  ): Promise<boolean> {
    const [row] = await tx.rows<ExpectedFileRow>(
      `UPDATE settlement.expected_file SET arrived_at = moment.at, is_late = moment.at > late_from, arrival_id = $3
         FROM (SELECT coalesce($4::timestamptz, kernel.now()) AS at) moment
        WHERE arrived_at IS NULL AND (book_id, business_date, kind, qualifier) IN (
          SELECT book_id, business_date, kind, qualifier FROM settlement.expected_file
           WHERE kind = $1 AND qualifier = $2 AND arrived_at IS NULL AND ($5::date IS NULL OR business_date = $5)
           ORDER BY business_date, book_id LIMIT 1 FOR UPDATE)
       RETURNING ${columns}`,
      [
        arrival.kind,
        arrival.qualifier,
        arrival.arrivalId,
        arrival.at?.toISOString() ?? null,
        arrival.businessDate ?? null,
      ],
    );
    if (!row) return false;
    await this.workItems.close(tx, itemKey(row), 'the file came', 'system');
    return true;
  }

  /** A list came into force: the one that was waited for, or another one after it, which then is the one that cycles name. */
  async listCame(tx: Tx, list: { listVersionId: string; at: Date }): Promise<void> {
    const kind = 'SANCTIONS_LIST';
    const { listVersionId: arrivalId, at } = list;
    if (await this.arrived(tx, { kind, qualifier: '', arrivalId, at })) return;
    await tx.execute(
      `UPDATE settlement.expected_file SET arrival_id = $2
        WHERE (book_id, business_date, kind, qualifier) IN (
          SELECT book_id, business_date, kind, qualifier FROM settlement.expected_file
           WHERE kind = $1 AND arrival_id IS NOT NULL ORDER BY arrived_at DESC, business_date DESC LIMIT 1 FOR UPDATE)`,
      [kind, arrivalId],
    );
  }

  /** Opens a work item for each file that is late now; of one book, or of all. Asking again opens none twice. */
  async checkExpectedFiles(tx: Tx, book?: string | null): Promise<number> {
    const late = await tx.rows<ExpectedFileRow>(
      `SELECT ${columns} FROM settlement.expected_file
        WHERE arrived_at IS NULL AND late_from < kernel.now() AND ($1::text IS NULL OR book_id = $1) ORDER BY due_at, kind, qualifier`,
      [book ?? null],
    );
    return this.workItems.openMany(
      tx,
      late.map((file) => ({
        key: itemKey(file),
        kind: 'EXPECTED_FILE',
        category: 'LATE_FILE' as const,
        objectKind: 'EXPECTED_FILE',
        objectId: itemKey(file),
        reference: [file.kind, file.qualifier, file.businessDate].filter((part) => part !== '').join(' '),
        reasonCode: 'FILE_LATE',
        bookId: file.book,
        ownerTeam: 'settlement-operations',
        // Somebody asks the sender within the hour.
        dueAt: new Date(file.lateFrom.getTime() + 3_600_000),
        nextAction: 'Ask the sender for the file; the day goes on without it',
      })),
    );
  }

  async ofDay(tx: Tx, businessDate: PlainDate): Promise<ExpectedFileRow[]> {
    return tx.rows<ExpectedFileRow>(
      `SELECT ${columns} FROM settlement.expected_file WHERE business_date = $1 ORDER BY due_at, kind, qualifier`,
      [businessDate],
    );
  }
}
