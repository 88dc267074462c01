import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import {
  type JobAttemptType,
  type JobErrorType,
  type JobFailureGroupType,
  type JobQueueType,
  type JobRunType,
  type JobState,
} from './job-run.graphql.js';
import { type Lane } from './message-catalogue.js';
import { messagingFigures } from './messaging-figures.js';
import { MessagingOptions } from './messaging.options.js';
import { queueName } from './queues.js';

export interface JobRunFilter {
  readonly id?: string | null;
  readonly states?: readonly JobState[] | null;
  readonly name?: string | null;
  readonly businessKey?: string | null;
  readonly from?: Date | null;
  readonly to?: Date | null;
  readonly errorText?: string | null;
  readonly errorFingerprint?: string | null;
}

export type JobRunRow = Omit<JobRunType, 'attempts'> & { readonly updatedAt: Date };

interface StoredRun {
  job_run_id: string;
  sequence: string;
  name: string;
  lane: Lane;
  business_key: string | null;
  requested_by: string | null;
  state: JobState;
  done: string;
  total: string | null;
  counts: Record<string, number>;
  attempts: number;
  error_code: string | null;
  error_message: string | null;
  error_fingerprint: string | null;
  created_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
  updated_at: Date;
  next_attempt_at: Date | null;
}

const errorOf = (row: {
  error_code: string | null;
  error_message: string | null;
  error_fingerprint: string | null;
}): JobErrorType | null =>
  row.error_code === null
    ? null
    : { code: row.error_code, message: row.error_message ?? '', fingerprint: row.error_fingerprint };

/** Before and after, for the audit record; undefined when the job's state does not allow it. */
export interface JobChange {
  readonly before: unknown;
  readonly after: unknown;
}

/** What the job monitor reads and does: the rows of this service alone. */
@Injectable()
export class JobRuns {
  constructor(private readonly options: MessagingOptions) {}

  async list(tx: Tx, filter: JobRunFilter, most: number, beforeSequence: string | null = null): Promise<JobRunRow[]> {
    const given = Object.fromEntries(
      Object.entries(filter).filter(([, value]) => value !== null && value !== undefined),
    );
    const rows = await tx.rows<StoredRun>('SELECT * FROM messaging.job_runs($1::jsonb, $2, $3::bigint)', [
      JSON.stringify(given),
      most,
      beforeSequence,
    ]);
    return rows.map((row) => ({
      id: row.job_run_id,
      sequence: row.sequence,
      service: this.options.service,
      name: row.name,
      queue: queueName(this.options.service, row.lane),
      businessKey: row.business_key,
      requestedBy: row.requested_by,
      state: row.state,
      done: Number(row.done),
      total: row.total === null ? null : Number(row.total),
      counts: row.counts,
      attemptCount: row.attempts,
      error: errorOf(row),
      createdAt: row.created_at,
      startedAt: row.started_at,
      finishedAt: row.finished_at,
      updatedAt: row.updated_at,
      nextAttemptAt: row.next_attempt_at,
    }));
  }

  async find(tx: Tx, id: string): Promise<JobRunRow | undefined> {
    const [row] = await this.list(tx, { id }, 1);
    return row;
  }

  async attempts(tx: Tx, id: string): Promise<JobAttemptType[]> {
    const rows = await tx.rows<{
      attempt: number;
      worker: string;
      started_at: Date;
      ended_at: Date | null;
      outcome: string;
      error_code: string | null;
      error_message: string | null;
      error_fingerprint: string | null;
    }>('SELECT * FROM messaging.job_attempts($1)', [id]);
    return rows.map((row) => ({
      attempt: row.attempt,
      worker: row.worker,
      startedAt: row.started_at,
      endedAt: row.ended_at,
      outcome: row.outcome,
      error: errorOf(row),
    }));
  }

  async failureGroups(tx: Tx, most: number): Promise<JobFailureGroupType[]> {
    const rows = await tx.rows<{
      fingerprint: string;
      code: string;
      sample: string;
      name: string;
      jobs: string;
      first_at: Date;
      last_at: Date;
    }>('SELECT * FROM messaging.failure_groups($1)', [most]);
    return rows.map(({ first_at, last_at, jobs, ...row }) => ({
      ...row,
      jobs: Number(jobs),
      firstAt: first_at,
      lastAt: last_at,
    }));
  }

  async queues(tx: Tx): Promise<JobQueueType[]> {
    const figures = await messagingFigures(tx, this.options.service);
    const paused = await tx.rows<{ lane: Lane; reason: string; paused_by: string }>(
      'SELECT lane, reason, paused_by FROM messaging.paused_queues()',
    );
    return (['fast', 'bulk'] as const).map((lane) => {
      const pause = paused.find((one) => one.lane === lane);
      const ofLane = figures.queues.filter((one) => one.lane === lane);
      const open = ofLane.filter((one) => one.state !== 'DEAD');
      return {
        name: lane,
        isPaused: pause !== undefined,
        pausedBy: pause?.paused_by ?? null,
        pauseReason: pause?.reason ?? null,
        waiting: open.reduce((sum, one) => sum + one.deliveries, 0),
        deadLetters: ofLane.filter((one) => one.state === 'DEAD').reduce((sum, one) => sum + one.deliveries, 0),
        oldestSeconds: Math.round(Math.max(0, ...open.map((one) => one.oldestSeconds))),
      };
    });
  }

  async retry(tx: Tx, id: string): Promise<JobChange | undefined> {
    return this.change(tx, 'SELECT before, after FROM messaging.retry_job($1)', id);
  }

  async discard(tx: Tx, id: string): Promise<JobChange | undefined> {
    return this.change(tx, 'SELECT before, after FROM messaging.discard_job($1)', id);
  }

  /** False when it was so already. */
  async pause(tx: Tx, lane: Lane, reason: string, by: string): Promise<boolean> {
    const row = await tx.row<{ is_new: boolean }>('SELECT messaging.pause_queue($1, $2, $3) AS is_new', [
      lane,
      reason,
      by,
    ]);
    return row?.is_new === true;
  }

  async resume(tx: Tx, lane: Lane): Promise<boolean> {
    const row = await tx.row<{ was_paused: boolean }>('SELECT messaging.resume_queue($1) AS was_paused', [lane]);
    return row?.was_paused === true;
  }

  private async change(tx: Tx, sql: string, id: string): Promise<JobChange | undefined> {
    const row = await tx.row<{ before: unknown; after: unknown }>(sql, [id]);
    return row === undefined || row.before === null ? undefined : row;
  }
}
