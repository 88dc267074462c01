import { Injectable } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { type PlainDate } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import { type Problem, problem } from '#libs/kernel/index.js';
import { WorkItems } from '#libs/work-items/index.js';
import { DueTimesService } from '../calendars/due-times.service.js';
import { StaticDataService } from '../static-data/static-data.service.js';
import { AffirmationRepository } from './affirmation.repository.js';
import { type RawAllocation, validateAllocation } from './allocations.js';
import { tradeIdOf } from './capture.js';
import { type Confirmation, type RawConfirmation, validateConfirmation } from './confirmations.js';
import { confirmedHour, unconfirmedItem, unconfirmedKey } from './work-items.js';

export interface ImportedLine {
  readonly outcome: 'ACCEPTED' | 'REJECTED' | 'DUPLICATE' | 'CONFLICT';
  readonly problems: readonly Problem[];
  readonly reference: string;
  readonly tradeId: string | null;
  readonly bookId: string | null;
}

const printable = (text: string) =>
  text
    .replace(/[^\x20-\x7e]/g, '')
    .trim()
    .slice(0, 64);

/** From enriched to affirmed: allocations of blocks, confirmations of counterparties, and who is still missing. */
@Injectable()
export class AffirmationService {
  constructor(
    private readonly repository: AffirmationRepository,
    private readonly staticData: StaticDataService,
    private readonly workItems: WorkItems,
    private readonly audit: AuditTrail,
    private readonly dueTimes: DueTimesService,
  ) {}

  async allocate(tx: Tx, raws: readonly RawAllocation[], fileId: string): Promise<ImportedLine[]> {
    const ids = raws.map((raw) => tradeIdOf(raw.source.trim(), raw.executionId.trim()));
    const blocks = await this.repository.lockBlocks(tx, ids);
    const facts = await this.staticData.factsFor(tx, {
      isins: [],
      counterpartyIds: [],
      accounts: raws.map(({ clientAccount }) => clientAccount.replaceAll('\u0000', '').trim()),
    });
    const stored = new Map(
      (await this.repository.allocationsOf(tx, ids)).map((one) => [
        `${one.tradeId}|${one.n}`,
        `${one.clientAccount}|${one.quantityUnits}|${one.amountMinor}`,
      ]),
    );
    const fresh: NonNullable<ReturnType<typeof validateAllocation>['allocation']>[] = [];
    const lines = raws.map((raw, index): ImportedLine => {
      const tradeId = ids[index] ?? '';
      const block = blocks.get(tradeId);
      const base = { reference: printable(raw.executionId), tradeId, bookId: block?.bookId ?? null };
      const { allocation, problems } = validateAllocation(raw, block, (account, book) =>
        facts.hasClientAccount(account, book),
      );
      const key = `${tradeId}|${raw.allocation.trim()}`;
      const before = stored.get(key);
      const now = allocation && `${allocation.clientAccount}|${allocation.quantityUnits}|${allocation.amountMinor}`;
      if (before !== undefined && before === now) return { ...base, outcome: 'DUPLICATE', problems: [] };
      if (!allocation || !now) return { ...base, outcome: 'REJECTED', problems };
      if (before !== undefined) {
        return {
          ...base,
          outcome: 'CONFLICT',
          problems: [problem('ALLOCATION_REUSED', 'this allocation came before with other figures', ['allocation'])],
        };
      }
      stored.set(key, now);
      fresh.push(allocation);
      return { ...base, outcome: 'ACCEPTED', problems: [] };
    });
    await this.repository.insertAllocations(tx, fresh, fileId);
    return lines;
  }

  /** After the last line of a file: blocks that are whole move on; the ids of those that are not come back. */
  async completeBlocks(tx: Tx, fileId: string): Promise<string[]> {
    const blocks = await this.repository.completeBlocks(tx, { fileId });
    return blocks.filter(({ isComplete }) => !isComplete).map(({ tradeId }) => tradeId);
  }

  async confirm(tx: Tx, raws: readonly RawConfirmation[], fileId: string | null): Promise<ImportedLine[]> {
    const verdicts = raws.map((raw) => validateConfirmation(raw));
    const distinct = new Map<string, Confirmation>();
    for (const { confirmation } of verdicts) if (confirmation) distinct.set(confirmation.contentHash, confirmation);
    const inserted = await this.repository.insertConfirmations(tx, [...distinct.values()], fileId);
    return verdicts.map(({ confirmation, problems }, index): ImportedLine => {
      const raw = raws[index];
      const tradeId = confirmation ? tradeIdOf(confirmation.source, confirmation.executionId) : null;
      const base = { reference: printable(raw?.executionId ?? ''), tradeId, bookId: null };
      if (!confirmation) return { ...base, outcome: 'REJECTED', problems };
      // The first of equal lines is the fact, the others are its copies.
      const isFirst = inserted.delete(confirmation.contentHash);
      return { ...base, outcome: isFirst ? 'ACCEPTED' : 'DUPLICATE', problems: [] };
    });
  }

  /** Phase AFFIRM: stored confirmations are matched with the trades of a book. Running it again changes nothing more. */
  async affirm(tx: Tx, book: string): Promise<{ affirmed: number; unconfirmed: number }> {
    await this.repository.completeBlocks(tx, { book });
    const affirmed = await this.repository.affirm(tx, book);
    await this.workItems.closeMany(tx, affirmed.map(unconfirmedKey), 'the confirmation came', 'system');
    if (affirmed.length > 0) {
      await this.audit.append(tx, {
        action: 'trades.affirmed',
        objectKind: 'BOOK',
        objectId: book,
        bookId: book,
        principal: 'service:settlement',
        after: affirmed,
      });
    }
    const open = await this.repository.unaffirmed(tx, book, '9999-12-31');
    return { affirmed: affirmed.length, unconfirmed: open.length };
  }

  /** Phase CUT_OFF: nothing ends a day without an owner and a due time. */
  async endOfDay(tx: Tx, book: string, businessDate: PlainDate): Promise<number> {
    const open = await this.repository.unaffirmed(tx, book, businessDate);
    if (open.length === 0) return 0;
    const dueTimes = await this.dueTimes.current(tx);
    return this.workItems.openMany(
      tx,
      open.map(({ place, ...trade }) =>
        unconfirmedItem(
          { ...trade, amountMinor: BigInt(trade.amountMinor) },
          dueTimes.onDate(trade.bookId, trade.settlementDate, confirmedHour, place ?? undefined),
        ),
      ),
    );
  }
}
