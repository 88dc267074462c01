import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { newId, type Problem } from '#libs/kernel/index.js';
import { type LongJob } from '#libs/messaging/index.js';
import { fileBytesMax, inChunks } from './report-files.js';
import { type FileFilter, type ReportFileRow, ReportFilesRepository } from './report-files.repository.js';

export interface FileAsked {
  readonly book: string;
  /** Such as `TRIAL_BALANCE` or `PLAIN_TEXT_JOURNAL`. */
  readonly kind: string;
  readonly name: string;
  readonly mediaType: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly requestedBy: string;
}

/**
 * Files that jobs make. `request` in the transaction of the request, beside the message of the job; `write` in the job, with
 * bytes that may come row by row from steps of that job.
 */
@Injectable()
export class ReportFiles {
  constructor(private readonly repository: ReportFilesRepository) {}

  async request(tx: Tx, asked: FileAsked): Promise<string> {
    const id = newId('rpf');
    await this.repository.insert(tx, id, asked);
    return id;
  }

  setJobRun(tx: Tx, id: string, jobRunId: string | undefined): Promise<void> {
    return this.repository.setJobRun(tx, id, jobRunId ?? null);
  }

  find(tx: Tx, id: string): Promise<ReportFileRow | undefined> {
    return this.repository.find(tx, id);
  }

  page(
    tx: Tx,
    filter: FileFilter,
    after: readonly (string | null)[] | undefined,
    most: number,
  ): Promise<ReportFileRow[]> {
    return this.repository.page(tx, filter, after, most);
  }

  chunk(tx: Tx, id: string, n: number): Promise<Buffer | undefined> {
    return this.repository.chunk(tx, id, n);
  }

  /**
   * The last act of a job. A job that was interrupted begins the file anew: the pieces of the earlier attempt go.
   * Each piece is a step, so that neither the process nor a transaction holds more than that.
   */
  async write(job: LongJob, id: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    await job.step((tx) => this.repository.clear(tx, id));
    const hash = createHash('sha256');
    let [n, size] = [0, 0];
    for await (const chunk of inChunks(bytes)) {
      n += 1;
      size += chunk.length;
      if (size > fileBytesMax) throw new Error(`file ${id} has more than ${fileBytesMax} bytes`);
      hash.update(chunk);
      await job.step((tx) => this.repository.append(tx, id, n, chunk));
    }
    await job.finish((tx) => this.repository.ready(tx, id, { size, chunks: n, sha256: hash.digest('hex') }));
  }

  /** The job found that there is nothing to make. */
  refuse(tx: Tx, id: string, problems: readonly Problem[]): Promise<void> {
    return this.repository.refuse(tx, id, problems);
  }
}
