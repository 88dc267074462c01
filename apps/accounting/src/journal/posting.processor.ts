import { Injectable } from '@nestjs/common';
import { type EntryOutcome, type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { type DeliveryContext, Handles, Outbox } from '#libs/messaging/index.js';
import { asEntry, refusalText } from './posting.js';
import { PostingService } from './posting.service.js';

@Injectable()
export class PostingProcessor {
  constructor(
    private readonly posting: PostingService,
    private readonly outbox: Outbox,
  ) {}

  /** One answer per command, in the transaction of the entries: what was booked is known, or nothing was booked. */
  @Handles('accounting.post-entries.v1')
  async postEntries(
    tx: Tx,
    command: PayloadOf<'accounting.post-entries.v1'>,
    delivery: DeliveryContext,
  ): Promise<void> {
    const results = await this.posting.post(tx, {
      items: command.items.map(asEntry),
      requestedBy: delivery.requestedBy ?? `service:${delivery.producer}`,
      batchId: command.batchId,
    });
    const items = command.items.map(({ key, subject }, n): EntryOutcome => {
      const result = results[n];
      if (result === undefined) throw new Error(`item ${n} has no result`);
      if (result.outcome === 'POSTED') return { outcome: 'POSTED', key, subject, entryId: result.id ?? '' };
      return {
        outcome: 'REFUSED',
        key,
        subject,
        code: result.code ?? '',
        message: refusalText(result),
        account: result.account,
        asset: result.asset,
        availableUnits: result.availableUnits,
      };
    });
    await this.outbox.add(tx, 'accounting.entries-decided.v1', { batchId: command.batchId, items });
  }
}
