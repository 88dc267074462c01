import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { type FileAsked } from './report-files.service.js';

export interface ReportFileRow {
  readonly id: string;
  readonly book: string;
  readonly kind: string;
  readonly name: string;
  readonly mediaType: string;
  readonly parameters: Record<string, unknown>;
  readonly state: 'RUNNING' | 'READY' | 'REFUSED';
  readonly sizeBytes: string | null;
  readonly chunkCount: number | null;
  readonly sha256: string | null;
  readonly problems: Problem[];
  readonly requestedBy: string;
  readonly requestedAt: Date;
  /** To the microsecond, for cursors. */
  readonly requestedAtExact: string;
  readonly jobRunId: string | null;
  readonly finishedAt: Date | null;
}

export interface FileFilter {
  readonly book?: string | null | undefined;
  readonly kind?: string | null | undefined;
  readonly state?: string | null | undefined;
}

const columns = `f.report_file_id AS id, f.book_id AS book, f.kind, f.name, f.media_type AS "mediaType", f.parameters, f.state,
  f.size_bytes AS "sizeBytes", f.chunk_count AS "chunkCount", f.sha256, f.problems, f.requested_by AS "requestedBy",
  f.requested_at AS "requestedAt", f.requested_at::text AS "requestedAtExact", f.job_run_id AS "jobRunId", f.finished_at AS "finishedAt"`;

@Injectable()
export class ReportFilesRepository {
  async insert(tx: Tx, id: string, asked: FileAsked): Promise<void> {
    const { book, kind, name, mediaType, parameters, requestedBy } = asked;
    await tx.execute(
      `INSERT INTO accounting.report_file (report_file_id, book_id, kind, name, media_type, parameters, requested_by)
       VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7)`,
      [id, book, kind, name, mediaType, JSON.stringify(parameters), requestedBy],
    );
  }

  async setJobRun(tx: Tx, id: string, jobRunId: string | null): Promise<void> {
    await tx.execute('UPDATE accounting.report_file SET job_run_id = $2 WHERE report_file_id = $1', [id, jobRunId]);
  }

  find(tx: Tx, id: string): Promise<ReportFileRow | undefined> {
    return tx.row<ReportFileRow>(`SELECT ${columns} FROM accounting.report_file f WHERE f.report_file_id = $1`, [id]);
  }

  /** Newest first. */
  page(
    tx: Tx,
    { book, kind, state }: FileFilter,
    after: readonly (string | null)[] | undefined,
    most: number,
  ): Promise<ReportFileRow[]> {
    return tx.rows<ReportFileRow>(
      `SELECT ${columns} FROM accounting.report_file f
        WHERE ($1::text IS NULL OR f.book_id = $1) AND ($2::text IS NULL OR f.kind = $2) AND ($3::text IS NULL OR f.state = $3)
          AND ($4::timestamptz IS NULL OR (f.requested_at, f.report_file_id) < ($4::timestamptz, $5::text))
        ORDER BY f.requested_at DESC, f.report_file_id DESC LIMIT $6`,
      [book ?? null, kind ?? null, state ?? null, after?.[0] ?? null, after?.[1] ?? null, most],
    );
  }

  /** A piece of a file that is ready; one that is being made is not shown in part. */
  async chunk(tx: Tx, id: string, n: number): Promise<Buffer | undefined> {
    const row = await tx.row<{ content: Buffer }>(
      `SELECT c.content FROM accounting.report_file_chunk c JOIN accounting.report_file f USING (report_file_id)
        WHERE c.report_file_id = $1 AND c.n = $2 AND f.state = 'READY'`,
      [id, n],
    );
    return row?.content;
  }

  async clear(tx: Tx, id: string): Promise<void> {
    await tx.execute('DELETE FROM accounting.report_file_chunk WHERE report_file_id = $1', [id]);
  }

  async append(tx: Tx, id: string, n: number, content: Buffer): Promise<void> {
    const added = await tx.execute(
      `INSERT INTO accounting.report_file_chunk (report_file_id, n, book_id, content)
       SELECT f.report_file_id, $2, f.book_id, $3 FROM accounting.report_file f WHERE f.report_file_id = $1`,
      [id, n, content],
    );
    if (added !== 1) throw new Error(`there is no file ${id}`);
  }

  async ready(tx: Tx, id: string, made: { size: number; chunks: number; sha256: string }): Promise<void> {
    await tx.execute(
      `UPDATE accounting.report_file SET state = 'READY', size_bytes = $2, chunk_count = $3, sha256 = $4, finished_at = kernel.now()
        WHERE report_file_id = $1`,
      [id, made.size, made.chunks, made.sha256],
    );
  }

  async refuse(tx: Tx, id: string, problems: readonly Problem[]): Promise<void> {
    await this.clear(tx, id);
    await tx.execute(
      `UPDATE accounting.report_file SET state = 'REFUSED', problems = $2::jsonb, finished_at = kernel.now() WHERE report_file_id = $1`,
      [id, JSON.stringify(problems)],
    );
  }
}
