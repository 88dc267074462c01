import { Injectable, Logger } from '@nestjs/common';
import { AuditTrail, leafHash } from '#libs/audit/index.js';
import { type Tx } from '#libs/database/index.js';
import { canonicalJson } from '#libs/kernel/index.js';
import { isCurrency } from '#libs/money/index.js';
import { WorkItems } from '#libs/work-items/index.js';
import { merkleRootOf } from './merkle.js';
import { isAlarm, type PostingItem, type PostingResult } from './posting.js';

export interface PostingCall {
  readonly items: readonly PostingItem[];
  readonly requestedBy: string;
  /** Decides and books nothing. */
  readonly validateOnly?: boolean;
  readonly batchId?: string;
}

/** The one way into the journal. One round trip decides and books a batch; one audit leaf covers it. */
@Injectable()
export class PostingService {
  private readonly logger = new Logger('PostingService');

  constructor(
    private readonly audit: AuditTrail,
    private readonly workItems: WorkItems,
  ) {}

  async post(tx: Tx, call: PostingCall): Promise<PostingResult[]> {
    if (call.items.length === 0) return [];
    const answer = await tx.row<{ results: PostingResult[] }>('SELECT accounting.post($1::jsonb) AS results', [
      JSON.stringify({ items: call.items, requestedBy: call.requestedBy, validateOnly: call.validateOnly ?? false }),
    ]);
    const results = answer?.results ?? [];
    if (results.length !== call.items.length)
      throw new Error(`${call.items.length} items were given, ${results.length} decided`);
    if (call.validateOnly !== true) {
      await this.record(tx, call, results);
      await this.openExcesses(tx, call, results);
      await this.alarm(tx, results);
    }
    return results;
  }

  /** The database stood up against a batch: the items at fault were refused alone, and this is a bug of ours or of who asked. */
  private async alarm(tx: Tx, results: readonly PostingResult[]): Promise<void> {
    for (const { key, book, code, fault } of results.filter((result) => result.fault !== undefined))
      this.logger.error(`the database refused item ${key} of ${book}: ${code ?? ''}, ${fault ?? ''}`);
    const alarms = results.filter(isAlarm);
    if (alarms.length === 0) return;
    const clock = await tx.row<{ due: Date }>(`SELECT kernel.now() + interval '4 hours' AS due`);
    await this.workItems.openMany(
      tx,
      alarms.map(({ key, book, code, fault }) => ({
        key: `ledger-check:${book}:${key}`,
        kind: 'LEDGER_CHECK_FAILED',
        category: 'OTHER' as const,
        objectKind: 'POSTING_ITEM',
        objectId: key,
        reference: key,
        reasonCode: code ?? 'LEDGER_CHECK_FAILED',
        bookId: book,
        ownerTeam: 'operations',
        dueAt: clock?.due ?? new Date(0),
        nextAction: `Find out why the ledger refused this item, then book it again under a new key (${fault ?? ''})`,
      })),
    );
  }

  private async record(tx: Tx, call: PostingCall, results: readonly PostingResult[]): Promise<void> {
    const byBook = new Map<string, string[]>();
    results.forEach((result, n) => {
      // An entry has its own hash; what moves a hold or the state of an account is hashed as it was asked for.
      const isOther =
        result.outcome === 'POSTED' && !result.replayed && !['ENTRY', 'REVERSAL', 'CAPTURE'].includes(result.op);
      const hash = result.hash ?? (isOther ? leafHash(canonicalJson(call.items[n])) : undefined);
      if (hash === undefined) return;
      const hashes = byBook.get(result.book);
      if (hashes) hashes.push(hash);
      else byBook.set(result.book, [hash]);
    });
    await this.audit.appendMany(
      tx,
      [...byBook].map(([book, hashes]) => {
        const root = merkleRootOf(hashes);
        return {
          action: 'LEDGER_BATCH_POSTED',
          objectKind: 'POSTING_BATCH',
          objectId: call.batchId ?? `root_${root.slice(0, 32)}`,
          bookId: book,
          principal: call.requestedBy,
          after: { items: hashes.length, root },
        };
      }),
    );
  }

  /** A confirmed fact beyond what was there is booked, and somebody has to find cover for it. */
  private async openExcesses(tx: Tx, call: PostingCall, results: readonly PostingResult[]): Promise<void> {
    const exceeded = results.flatMap((result, n) =>
      result.excess === undefined || result.replayed
        ? []
        : result.excess.map((one) => ({ ...one, result, item: call.items[n] })),
    );
    if (exceeded.length === 0) return;
    const clock = await tx.row<{ due: Date }>(`SELECT kernel.now() + interval '1 day' AS due`);
    await this.workItems.openMany(
      tx,
      exceeded.map(({ account, asset, units, result, item }) => ({
        key: `forced-excess:${result.id ?? result.key}:${account}:${asset}`,
        kind: 'FORCED_EXCESS',
        category: 'OTHER' as const,
        objectKind: 'JOURNAL_ENTRY',
        objectId: result.id ?? result.key,
        reference: account,
        reasonCode: isCurrency(asset) ? 'INSUFFICIENT_FUNDS' : 'INSUFFICIENT_SECURITIES',
        bookId: result.book,
        valueAtRisk: isCurrency(asset) ? { currency: asset, amountMinor: BigInt(units) } : undefined,
        ownerTeam: 'operations',
        dueAt: clock?.due ?? new Date(0),
        nextAction: `Cover ${account} in ${asset}: a confirmed fact was booked beyond its limit${item !== undefined && 'forced' in item && item.forced ? ` (${item.forced.reason})` : ''}`,
      })),
    );
  }
}
