import { type Transactions, type Tx } from '#libs/database/index.js';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** The lease was lost: another worker has the job, or a person discarded it. Nothing of this attempt may be stored. */
export class LeaseLost extends Error {
  constructor(jobRunId: string) {
    super(`The lease of ${jobRunId} is lost`);
  }
}

/** The process is asked to stop: the job goes back and another worker goes on from the checkpoint. */
export class JobHandedBack extends Error {
  constructor(jobRunId: string) {
    super(`${jobRunId} is handed back`);
  }
}

export interface LongJobStart {
  readonly id: string;
  readonly messageId: string;
  readonly sequence: string;
  readonly name: string;
  readonly token: string;
  readonly attempt: number;
  readonly leaseMs: number;
  readonly businessKey: string | null;
  readonly requestedBy: string | null;
  readonly checkpoint: Json | null;
  readonly done: number;
  readonly total: number | null;
  readonly counts: Record<string, number>;
}

export interface Progress {
  done: number;
  total: number | null;
  counts: Record<string, number>;
}

/**
 * A long-running job as its handler sees it. Every effect happens inside `step`, whose transaction first
 * proves that this attempt still holds the lease; a worker that was taken for dead can therefore store
 * nothing any more. What `checkpoint` keeps is stored by the step that runs, or by the next one.
 */
export class LongJob {
  readonly id: string;
  readonly messageId: string;
  readonly name: string;
  /** 1 the first time. */
  readonly attempt: number;
  readonly businessKey?: string;
  readonly requestedBy?: string;
  private savedCheckpoint: Json | undefined;
  private pendingCheckpoint: Json | undefined;
  private latest: Progress;
  private hasFinished = false;

  constructor(
    private readonly start: LongJobStart,
    private readonly transactions: Transactions,
    /** Aborted when the lease is lost, the job is discarded or the process must stop. */
    readonly signal: AbortSignal,
    private readonly onFinished: (tx: Tx) => Promise<void>,
  ) {
    this.id = start.id;
    this.messageId = start.messageId;
    this.name = start.name;
    this.attempt = start.attempt;
    this.businessKey = start.businessKey ?? undefined;
    this.requestedBy = start.requestedBy ?? undefined;
    this.savedCheckpoint = start.checkpoint ?? undefined;
    this.latest = { done: start.done, total: start.total, counts: start.counts };
  }

  /** What the last committed step kept, also one of an earlier attempt; undefined at the very start. */
  get saved(): Json | undefined {
    return this.savedCheckpoint;
  }

  get latestProgress(): Progress {
    return this.latest;
  }

  get isFinished(): boolean {
    return this.hasFinished;
  }

  /** Kept with the step that runs now or with the next one. */
  checkpoint(value: Json): void {
    this.pendingCheckpoint = value;
  }

  /** Shown to whoever watches the job; stored with the next step. */
  progress(done: number, total?: number, counts?: Record<string, number>): void {
    this.latest = { done, total: total ?? this.latest.total, counts: counts ?? this.latest.counts };
  }

  /** One transaction of the job, fenced by its lease. */
  async step<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.fenced(work, false);
  }

  /** The last step: its effect, the success of the job and the acknowledgement of the message are one transaction. */
  async finish<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const result = await this.fenced(work, true);
    this.hasFinished = true;
    return result;
  }

  private async fenced<T>(work: (tx: Tx) => Promise<T>, isLast: boolean): Promise<T> {
    if (this.hasFinished) throw new Error(`${this.id} has finished: no step may follow`);
    if (this.signal.aborted)
      throw this.signal.reason instanceof Error ? this.signal.reason : new JobHandedBack(this.id);
    const { result, kept } = await this.transactions.run(async (tx) => {
      const lease = await tx.row<{ is_held: boolean }>('SELECT messaging.hold_lease($1, $2, $3) AS is_held', [
        this.id,
        this.start.token,
        this.start.leaseMs,
      ]);
      if (lease?.is_held !== true) throw new LeaseLost(this.id);
      const done = await work(tx);
      const checkpoint = this.pendingCheckpoint;
      await tx.execute('SELECT messaging.save_step($1, $2, $3, $4::jsonb)', [
        this.id,
        this.start.token,
        this.start.leaseMs,
        JSON.stringify({ ...this.latest, ...(checkpoint === undefined ? {} : { checkpoint }) }),
      ]);
      if (isLast) await this.onFinished(tx);
      return { result: done, kept: checkpoint };
    });
    if (kept !== undefined) {
      this.savedCheckpoint = kept;
      if (this.pendingCheckpoint === kept) this.pendingCheckpoint = undefined;
    }
    return result;
  }
}
