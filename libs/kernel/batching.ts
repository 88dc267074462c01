import { isTransientFault } from './transient-fault.js';

/** Too much waits already: nothing of the request was begun. The same request may succeed a moment later. */
export class QueueFull extends Error {
  override readonly name = 'QueueFull';
  readonly code = 'QUEUE_FULL';
  readonly retryable = true;

  constructor(waiting: number, max: number) {
    super(`${waiting} wait already, of ${max} that may: nothing was begun, ask again in a moment`);
  }
}

export interface BatchingOptions<Request, Answer> {
  /** Does several requests together, the oldest first; one answer for each, in their order. */
  readonly run: (requests: readonly Request[]) => Promise<readonly Answer[]>;
  /** How much a request counts, in whole items; 1 unless told. */
  readonly sizeOf?: (request: Request) => number;
  /** Requests of different kinds never share a batch; all are of one kind unless told. */
  readonly kindOf?: (request: Request) => string;
  /** No batch has more items than this, unless a single request does. */
  readonly batchItemsMax: number;
  /** Batches under way at a time. */
  readonly lanes: number;
  /** How many items may wait; what would exceed it is refused with QueueFull. */
  readonly waitingItemsMax: number;
}

interface Waiting<Request, Answer> {
  readonly request: Request;
  readonly size: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (fault: unknown) => void;
}

/**
 * Puts requests that come at the same time into one batch. Nothing waits for a clock: a free lane takes what is there,
 * and what comes while all lanes are busy goes together when one is free. So a single caller pays no delay, and the more
 * there are, the larger the batches. When a batch fails for a reason that may lie in one of its requests, each is done
 * alone, so that only that one fails; when its surroundings failed (a lost connection), all of them fail.
 */
export class Batching<Request, Answer> {
  private waiting: Waiting<Request, Answer>[] = [];
  private waitingItems = 0;
  private busyLanes = 0;
  private whenIdle: (() => void)[] = [];

  constructor(private readonly options: BatchingOptions<Request, Answer>) {}

  submit(request: Request): Promise<Answer> {
    const size = this.options.sizeOf?.(request) ?? 1;
    const { waitingItemsMax } = this.options;
    // One that is larger than all that may wait is taken when nothing else waits: else it never would be.
    if (this.waitingItems > 0 && this.waitingItems + size > waitingItemsMax)
      return Promise.reject(new QueueFull(this.waitingItems, waitingItemsMax));
    return new Promise((resolve, reject) => {
      this.waiting.push({ request, size, resolve, reject });
      this.waitingItems += size;
      // What else comes in this turn of the event loop goes along.
      if (this.busyLanes < this.options.lanes) setImmediate(() => void this.fill());
    });
  }

  /** When nothing waits and nothing is under way. */
  idle(): Promise<void> {
    if (this.busyLanes === 0 && this.waiting.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.whenIdle.push(resolve));
  }

  get figures(): { waitingItems: number; busyLanes: number } {
    return { waitingItems: this.waitingItems, busyLanes: this.busyLanes };
  }

  private async fill(): Promise<void> {
    if (this.busyLanes >= this.options.lanes) return;
    this.busyLanes += 1;
    for (let batch = this.next(); batch.length > 0; batch = this.next()) await this.work(batch);
    this.busyLanes -= 1;
    if (this.busyLanes > 0) return;
    for (const told of this.whenIdle.splice(0)) told();
  }

  /** The oldest that waits, and what waits of its kind behind it, as far as there is room. */
  private next(): Waiting<Request, Answer>[] {
    const batch: Waiting<Request, Answer>[] = [];
    const left: Waiting<Request, Answer>[] = [];
    const { kindOf, batchItemsMax } = this.options;
    let kind: string | undefined;
    let items = 0;
    let isFull = false;
    for (const one of this.waiting) {
      const its = kindOf?.(one.request);
      if (batch.length === 0) kind = its;
      if (its === kind && batch.length > 0 && items + one.size > batchItemsMax) isFull = true;
      if (its !== kind || isFull) {
        left.push(one);
        continue;
      }
      batch.push(one);
      items += one.size;
    }
    this.waiting = left;
    this.waitingItems -= items;
    return batch;
  }

  private async work(batch: readonly Waiting<Request, Answer>[]): Promise<void> {
    try {
      const answers = await this.options.run(batch.map(({ request }) => request));
      if (answers.length !== batch.length)
        throw new Error(`${batch.length} requests were given, ${answers.length} answered`);
      batch.forEach(({ resolve }, n) => {
        resolve(answers[n] as Answer);
      });
    } catch (fault) {
      const mayBeOfOne = batch.length > 1 && !isTransientFault(fault);
      for (const one of batch) {
        if (mayBeOfOne) await this.work([one]);
        else one.reject(fault);
      }
    }
  }
}
