import { Injectable, type OnModuleInit } from '@nestjs/common';
import { daysBetween } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import { isCurrency } from '#libs/money/index.js';
import { WorkItems } from '#libs/work-items/index.js';
import { CloseCalendar } from '../close-calendar/close-calendar.service.js';
import { type AgeBucket, bucketOf, openItems, type SuspenseItem } from './suspense.js';
import { SuspenseRepository } from './suspense.repository.js';

export interface AgedItem extends SuspenseItem {
  readonly ageDays: number;
  readonly bucket: AgeBucket;
  /** The work that sees to it: its own, or what is open about its entry or its object. */
  readonly workItemId: string | null;
}

const keyOf = ({ entryId, n }: { entryId: string; n: number }): string => `suspense:${entryId}:${n}`;

/** What waits on suspense accounts, how long, and who sees to it. */
@Injectable()
export class Suspense implements OnModuleInit {
  constructor(
    private readonly repository: SuspenseRepository,
    private readonly workItems: WorkItems,
    private readonly closeCalendar: CloseCalendar,
  ) {}

  onModuleInit(): void {
    this.closeCalendar.withCheck('SUSPENSE_EXPLAINED', async (tx, { book, lastDate }) => {
      const items = await this.items(tx, book, lastDate);
      const nobodys = items.filter(({ workItemId }) => workItemId === null);
      return {
        holds: nobodys.length === 0,
        found: `${items.length} open items, ${nobodys.length} of them nobody's work`,
      };
    });
  }

  latestDate(tx: Tx, book: string): Promise<string | undefined> {
    return this.repository.latestDate(tx, book);
  }

  scales(tx: Tx, items: readonly SuspenseItem[]): Promise<Map<string, number>> {
    return this.repository.scales(
      tx,
      items.map(({ asset }) => asset),
    );
  }

  /** As they stood at the end of a business date; the work is that of now. */
  async items(tx: Tx, book: string, asOf: string): Promise<AgedItem[]> {
    const items = openItems(await this.repository.postings(tx, book, asOf));
    if (items.length === 0) return [];
    const work = await this.repository.work(tx, book);
    const byKey = new Map(work.map(({ key, workItemId }) => [key, workItemId]));
    const byObject = new Map(work.map(({ objectId, workItemId }) => [objectId, workItemId]));
    return items.map((item) => {
      const ageDays = daysBetween(item.businessDate, asOf);
      const subjectId = item.reference.slice(item.reference.indexOf('/') + 1);
      const workItemId = byKey.get(keyOf(item)) ?? byObject.get(item.entryId) ?? byObject.get(subjectId) ?? null;
      return { ...item, ageDays, bucket: bucketOf(ageDays), workItemId };
    });
  }

  /** Each item that nobody sees to becomes work; work of items that are cleared ends. */
  async raise(tx: Tx, book: string, asOf: string, by: string): Promise<number> {
    const latest = (await this.repository.latestDate(tx, book)) ?? asOf;
    const openNow = new Set((await this.items(tx, book, latest < asOf ? asOf : latest)).map(keyOf));
    const items = (await this.items(tx, book, asOf)).filter((item) => openNow.has(keyOf(item)));
    const dueAt = await this.repository.dueAt(tx);
    const raised = await this.workItems.openAgain(
      tx,
      items
        .filter(({ workItemId }) => workItemId === null)
        .map((item) => ({
          key: keyOf(item),
          kind: 'SUSPENSE_ITEM',
          category: 'OTHER' as const,
          objectKind: 'JOURNAL_ENTRY',
          objectId: item.entryId,
          reference: `${item.account} ${item.businessDate}`,
          reasonCode: item.bucket,
          bookId: book,
          valueAtRisk: isCurrency(item.asset)
            ? { currency: item.asset, amountMinor: item.open < 0n ? -item.open : item.open }
            : undefined,
          ownerTeam: 'operations',
          dueAt,
          nextAction: `Find out whose it is and book it there: ${item.description}`.slice(0, 280),
        })),
      by,
    );
    const cleared = (await this.repository.work(tx, book)).filter(
      ({ key }) => key.startsWith('suspense:') && !openNow.has(key),
    );
    await this.workItems.closeMany(
      tx,
      cleared.map(({ key }) => key),
      'nothing of it is left on the suspense account',
      by,
    );
    return raised;
  }
}
