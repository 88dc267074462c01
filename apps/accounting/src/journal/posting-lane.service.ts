import { Injectable } from '@nestjs/common';
import { Transactions } from '#libs/database/index.js';
import { Batching } from '#libs/kernel/index.js';
import { type PostingResult } from './posting.js';
import { type PostingCall, PostingService } from './posting.service.js';

/** Measured with 256 callers on two cores: see docs/benchmarks.md. */
export const postingLaneSettings = { lanes: 2, batchItemsMax: 500, waitingItemsMax: 20_000 };

/** Calls that come at the same time share one durable transaction; each is answered after its commit. */
@Injectable()
export class PostingLane {
  private readonly batching: Batching<PostingCall, PostingResult[]>;

  constructor(transactions: Transactions, posting: PostingService) {
    this.batching = new Batching({
      ...postingLaneSettings,
      sizeOf: ({ items }) => items.length,
      // A batch is a dry run as a whole, or none of it is.
      kindOf: ({ validateOnly }) => (validateOnly === true ? 'dry run' : 'booked'),
      run: (calls) => posting.commitTogether(transactions, calls),
    });
  }

  /**
   * Every item is decided by itself or with its group. The same key again answers what it answered.
   * @throws QueueFull when too much waits; nothing of the call was begun
   */
  post(call: PostingCall): Promise<PostingResult[]> {
    return this.batching.submit(call);
  }
}
