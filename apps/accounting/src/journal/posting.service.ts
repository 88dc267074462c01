import { Injectable } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { type Tx } from '#libs/database/index.js';
import { currencyExponent } from '#libs/money/index.js';
import { WorkItems } from '#libs/work-items/index.js';
import { merkleRootOf } from './merkle.js';
import { type PostingItem, type PostingResult } from './posting.js';

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
    if (results.length !== call.items.length) throw new Error(`${call.items.length} items were given, ${results.length} decided`);
    if (call.validateOnly !== true) {
      await this.record(tx, call, results);
      await this.openExcesses(tx, call, results);
    }
    return results;
  }

  private async record(tx: Tx, call: PostingCall, results: readonly PostingResult[]): Promise<void> {
    const byBook = new Map<string, string[]>();
    for (const result of results) {
      if (result.hash === undefined) continue;
      byBook.set(result.book, [...(byBook.get(result.book) ?? []), result.hash]);
    }
    await this.audit.appendMany(
      tx,
      [...byBook].map(([book, hashes]) => {
        const root = merkleRootOf(hashes);
        return {
          action: 'ENTRIES_POSTED',
          objectKind: 'POSTING_BATCH',
          objectId: call.batchId ?? `root_${root.slice(0, 32)}`,
          bookId: book,
          principal: call.requestedBy,
          after: { entries: hashes.length, root },
        };
      }),
    );
  }

  /** A confirmed fact beyond what was there is booked, and somebody has to find cover for it. */
  private async openExcesses(tx: Tx, call: PostingCall, results: readonly PostingResult[]): Promise<void> {
    const exceeded = results.flatMap((result, n) =>
      result.excess === undefined || result.replayed ? [] : result.excess.map((one) => ({ ...one, result, item: call.items[n] })),
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
        reasonCode: asset.length === 3 ? 'INSUFFICIENT_FUNDS' : 'INSUFFICIENT_SECURITIES',
        bookId: result.book,
        valueAtRisk: isKnownCurrency(asset) ? { currency: asset, amountMinor: BigInt(units) } : undefined,
        ownerTeam: 'operations',
        dueAt: clock?.due ?? new Date(0),
        nextAction: `Cover ${account} in ${asset}: a confirmed fact was booked beyond its limit${item !== undefined && 'forced' in item && item.forced ? ` (${item.forced.reason})` : ''}`,
      })),
    );
  }
}

function isKnownCurrency(asset: string): boolean {
  try {
    currencyExponent(asset);
    return true;
  } catch {
    return false;
  }
}
