import { Injectable } from '@nestjs/common';
import { type PlainDate } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { type FileKind } from './file.js';

export interface FileRow {
  fileId: string;
  kind: FileKind;
  name: string;
  bookId: string;
  sha256: string;
  sizeBytes: number;
  state: 'RECEIVED' | 'IMPORTING' | 'IMPORTED' | 'REFUSED';
  counts: Record<string, number>;
  problems: Problem[];
  jobRunId: string | null;
  businessDate: PlainDate;
  receivedAt: Date;
  /** With its microseconds, for the cursor. */
  receivedAtExact: string;
  receivedBy: string;
  books: string[] | null;
}

export interface FileLineRow {
  fileId: string;
  line: number;
  bookId: string;
  outcome: string;
  problems: Problem[];
  reference: string | null;
  objectId: string | null;
}

export interface NewFileLine {
  readonly line: number;
  readonly bookId: string;
  readonly businessDate: PlainDate;
  readonly outcome: string;
  readonly problems: readonly Problem[];
  readonly reference: string | null;
  readonly objectId: string | null;
  readonly assetClass?: string;
  readonly market?: string;
  readonly currency?: string;
  readonly amount?: string | null;
}

const columns = `file_id AS "fileId", kind, name, book_id AS "bookId", sha256, size_bytes AS "sizeBytes", state, counts, problems,
  job_run_id AS "jobRunId", business_date AS "businessDate", received_at AS "receivedAt",
  received_at::text AS "receivedAtExact", received_by AS "receivedBy", books`;

@Injectable()
export class FilesRepository {
  /** False when the same bytes came before under the same kind and name. */
  async insert(
    tx: Tx,
    file: {
      fileId: string;
      kind: FileKind;
      name: string;
      bookId: string;
      sha256: string;
      content: Buffer;
      businessDate: PlainDate;
      receivedBy: string;
      books: readonly string[] | null;
    },
  ): Promise<boolean> {
    const inserted = await tx.execute(
      `INSERT INTO settlement.file (file_id, kind, name, book_id, sha256, content, size_bytes, business_date, received_by, books)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
      [
        file.fileId,
        file.kind,
        file.name,
        file.bookId,
        file.sha256,
        file.content,
        file.content.length,
        file.businessDate,
        file.receivedBy,
        file.books,
      ],
    );
    return inserted === 1;
  }

  async setJobRun(tx: Tx, fileId: string, jobRunId: string | null): Promise<void> {
    await tx.execute('UPDATE settlement.file SET job_run_id = $2 WHERE file_id = $1', [fileId, jobRunId]);
  }

  async find(tx: Tx, fileId: string): Promise<FileRow | null> {
    const [row] = await tx.rows<FileRow>(`SELECT ${columns} FROM settlement.file WHERE file_id = $1`, [fileId]);
    return row ?? null;
  }

  async content(tx: Tx, fileId: string): Promise<Buffer> {
    const [row] = await tx.rows<{ content: Buffer }>('SELECT content FROM settlement.file WHERE file_id = $1', [
      fileId,
    ]);
    if (!row) throw new Error(`no file ${fileId}`);
    return row.content;
  }

  async setState(
    tx: Tx,
    fileId: string,
    state: FileRow['state'],
    counts: Record<string, number>,
    problems: readonly Problem[],
  ): Promise<void> {
    await tx.execute(
      'UPDATE settlement.file SET state = $2, counts = $3::jsonb, problems = $4::jsonb WHERE file_id = $1',
      [fileId, state, JSON.stringify(counts), JSON.stringify(problems)],
    );
  }

  async linesDone(tx: Tx, fileId: string): Promise<{ lastLine: number; counts: Record<string, number> }> {
    const rows = await tx.rows<{ outcome: string; count: number; last: number }>(
      'SELECT outcome, count(*)::int AS count, max(line) AS last FROM settlement.file_line WHERE file_id = $1 GROUP BY outcome',
      [fileId],
    );
    return {
      lastLine: Math.max(0, ...rows.map(({ last }) => last)),
      counts: Object.fromEntries(rows.map(({ outcome, count }) => [outcome, count])),
    };
  }

  async insertLines(tx: Tx, fileId: string, lines: readonly NewFileLine[]): Promise<void> {
    if (lines.length === 0) return;
    await tx.execute(
      `INSERT INTO settlement.file_line (file_id, line, book_id, business_date, outcome, problems, reference, object_id, asset_class, market, currency, amount)
       SELECT $1, line, "bookId", "businessDate", outcome, problems, reference, "objectId", "assetClass", market, currency, amount
         FROM jsonb_to_recordset($2::jsonb) AS r(line int, "bookId" text, "businessDate" date, outcome text, problems jsonb, reference text,
           "objectId" text, "assetClass" text, market text, currency text, amount numeric)`,
      [fileId, JSON.stringify(lines)],
    );
  }

  async refuseLinesOf(
    tx: Tx,
    fileId: string,
    objectIds: readonly string[],
    problems: readonly Problem[],
  ): Promise<void> {
    await tx.execute(
      `UPDATE settlement.file_line SET outcome = 'REJECTED', problems = $3::jsonb
        WHERE file_id = $1 AND object_id = ANY($2::text[]) AND outcome = 'ACCEPTED'`,
      [fileId, objectIds, JSON.stringify(problems)],
    );
  }

  async lines(
    tx: Tx,
    fileId: string,
    outcome: string | null,
    afterLine: number,
    limit: number,
  ): Promise<FileLineRow[]> {
    return tx.rows<FileLineRow>(
      `SELECT file_id AS "fileId", line, book_id AS "bookId", outcome, problems, reference, object_id AS "objectId" FROM settlement.file_line
        WHERE file_id = $1 AND ($2::text IS NULL OR outcome = $2) AND line > $3 ORDER BY line LIMIT $4`,
      [fileId, outcome, afterLine, limit],
    );
  }

  async page(
    tx: Tx,
    filter: {
      kind?: string | null | undefined;
      state?: string | null | undefined;
      businessDate?: string | null | undefined;
    },
    after: readonly (string | null)[] | undefined,
    limit: number,
  ): Promise<FileRow[]> {
    return tx.rows<FileRow>(
      `SELECT ${columns} FROM settlement.file
        WHERE ($1::text IS NULL OR kind = $1) AND ($2::text IS NULL OR state = $2) AND ($3::date IS NULL OR business_date = $3)
          AND ($4::timestamptz IS NULL OR (received_at, file_id) < ($4, $5::text))
        ORDER BY received_at DESC, file_id DESC LIMIT $6`,
      [
        filter.kind ?? null,
        filter.state ?? null,
        filter.businessDate ?? null,
        after?.[0] ?? null,
        after?.[1] ?? null,
        limit,
      ],
    );
  }
}
