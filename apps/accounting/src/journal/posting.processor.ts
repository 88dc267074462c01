import { Injectable } from '@nestjs/common';
import { type EntryOutcome, type EventToPost, type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { type Decision, isRefused, type Problem } from '#libs/kernel/index.js';
import { type DeliveryContext, Handles, Outbox } from '#libs/messaging/index.js';
import { PostingRules } from '../posting-rules/posting-rules.service.js';
import { asEntry, type EntryItem, refusalText, type ResultCode } from './posting.js';
import { PostingService } from './posting.service.js';

@Injectable()
export class PostingProcessor {
  constructor(
    private readonly posting: PostingService,
    private readonly rules: PostingRules,
    private readonly outbox: Outbox,
  ) {}

  /** One answer per command, in the transaction of the entries: what was booked is known, or nothing was booked. */
  @Handles('accounting.post-entries.v1')
  async postEntries(
    tx: Tx,
    command: PayloadOf<'accounting.post-entries.v1'>,
    delivery: DeliveryContext,
  ): Promise<void> {
    const prepared = await this.prepare(tx, command.items);
    const sound = prepared.flatMap((item) => (isRefused(item) ? [] : [item.value]));
    const booked = await this.posting.post(tx, {
      items: sound,
      requestedBy: delivery.requestedBy ?? `service:${delivery.producer}`,
      batchId: command.batchId,
    });
    const results = booked.values();
    const items = command.items.map(({ key, subject }, n): EntryOutcome => {
      const item = prepared[n];
      if (item === undefined || isRefused(item)) return faulty(key, subject, item?.problems ?? []);
      const { value: result } = results.next();
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
  /** Entries as they came, and what the rules make of the events among them. */
  private async prepare(
    tx: Tx,
    items: PayloadOf<'accounting.post-entries.v1'>['items'],
  ): Promise<Decision<EntryItem>[]> {
    const events = items.filter((item): item is EventToPost => 'event' in item);
    const made = (await this.rules.entriesOf(tx, events)).values();
    return items.map((item): Decision<EntryItem> => {
      if (!('event' in item)) return { ok: true, value: asEntry(item) };
      const { value } = made.next();
      if (value === undefined) throw new Error(`the rules say nothing of ${item.key}`);
      return value;
    });
  }
}

/** An event that cannot be booked as it is told; nothing of it is remembered. */
function faulty(key: string, subject: EventToPost['subject'], problems: readonly Problem[]): EntryOutcome {
  const isBelowZero = problems.some(({ code }) => code === 'AMOUNT_BELOW_ZERO');
  const code: ResultCode = isBelowZero ? 'AMOUNT_NOT_POSITIVE' : 'MALFORMED_ITEM';
  const message = problems.map(({ path, message: text }) => `${path.join('.')}: ${text}`).join('; ');
  return { outcome: 'REFUSED', key, subject, code, message };
}
