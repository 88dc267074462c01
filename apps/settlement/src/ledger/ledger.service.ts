import { Injectable } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { type PlainDate } from '#libs/calendar/index.js';
import { type EntryOutcome, itemsPerCommandMax, type ItemToPost } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { chunk, idFrom } from '#libs/kernel/index.js';
import { Outbox } from '#libs/messaging/index.js';
import { dateOfFact, firstDateAfter, isDateRefusal, ledgerKey } from './fact-entry.js';
import { type FactRow, type FactState, LedgerRepository } from './ledger.repository.js';

/** The ledger's word on an entry, under the key its owner knows; with the date of a fact, which may not be the one it came on. */
export type DecidedEntry = EntryOutcome & { readonly businessDate?: PlainDate };

const ledger = 'service:accounting';
const ourselves = 'service:settlement';

/**
 * The way to the ledger. What we ask for may be refused and its owner sees to it; a fact (what a place or an agent
 * confirmed) is kept until it is booked: when its date is closed, on the next one that opens.
 */
@Injectable()
export class LedgerService {
  constructor(
    private readonly repository: LedgerRepository,
    private readonly outbox: Outbox,
    private readonly audit: AuditTrail,
  ) {}

  /** Sends entries to the ledger, up to five hundred in a command. */
  async post(tx: Tx, entries: readonly ItemToPost[]): Promise<void> {
    for (const items of chunk(entries, itemsPerCommandMax)) {
      await this.outbox.add(tx, 'accounting.post-entries.v1', {
        batchId: idFrom('bat', ...items.map(({ key }) => key)),
        items,
      });
    }
  }

  /** Facts are dated here: on the date their book works, or they wait for the next. The value date is the fact's own and stays. */
  async postFacts(tx: Tx, facts: readonly ItemToPost[]): Promise<void> {
    if (facts.length === 0) return;
    const days = await this.repository.days(tx, [...new Set(facts.map(({ book }) => book))]);
    const kept = facts.map((fact) => {
      const day = days.get(fact.book);
      const businessDate = day === undefined ? fact.businessDate : dateOfFact(day, null);
      return businessDate === null
        ? { entry: fact, state: 'WAITING' as const }
        : { entry: { ...fact, businessDate }, state: 'REQUESTED' as const };
    });
    const fresh = await this.repository.insert(tx, kept);
    await this.post(
      tx,
      kept.filter(({ entry, state }) => state === 'REQUESTED' && fresh.has(entry.key)).map(({ entry }) => entry),
    );
  }

  /** What waited for a date of this book to open; answers how many went to the ledger. */
  async postWaiting(tx: Tx, book: string, limit: number): Promise<number> {
    const day = (await this.repository.days(tx, [book])).get(book);
    if (day === undefined || day.state === 'CLOSED') return 0;
    const waiting = await this.repository.lockWaiting(tx, book, day.businessDate, Math.min(limit, itemsPerCommandMax));
    await this.ask(
      tx,
      waiting.map((fact) => ({ fact, businessDate: day.businessDate })),
    );
    return waiting.length;
  }

  /**
   * What the ledger said, for the owners of the entries. A fact that was refused for its date is asked for again,
   * now or later, and its owner hears of it when it is booked.
   */
  async decided(tx: Tx, outcomes: readonly EntryOutcome[]): Promise<DecidedEntry[]> {
    const facts = await this.repository.lockByKeys(
      tx,
      outcomes.map(({ key }) => key),
    );
    if (facts.length === 0) return [...outcomes];
    const byLedgerKey = new Map(facts.map((fact) => [fact.ledgerKey, fact]));
    const byEntryKey = new Map(facts.map((fact) => [fact.entryKey, fact]));
    const told: DecidedEntry[] = [];
    const changes: FactState[] = [];
    const missed: { fact: FactRow; code: string }[] = [];
    for (const outcome of outcomes) {
      const fact = byLedgerKey.get(outcome.key);
      if (fact === undefined) {
        // An answer to a key that is no longer asked for says nothing new.
        if (!byEntryKey.has(outcome.key)) told.push(outcome);
        continue;
      }
      if (fact.state !== 'REQUESTED') continue;
      if (outcome.outcome === 'REFUSED' && isDateRefusal(outcome.code)) {
        missed.push({ fact, code: outcome.code });
        continue;
      }
      const isBooked = outcome.outcome === 'POSTED';
      changes.push({
        ...stateOf(fact),
        state: isBooked ? 'BOOKED' : 'REFUSED',
        entryId: isBooked ? outcome.entryId : null,
        refusalCode: isBooked ? null : outcome.code,
      });
      told.push({ ...outcome, key: fact.entryKey, businessDate: fact.businessDate });
    }
    await this.repository.save(tx, changes);
    await this.redate(tx, missed);
    return told;
  }

  private async redate(tx: Tx, missed: readonly { fact: FactRow; code: string }[]): Promise<void> {
    if (missed.length === 0) return;
    const days = await this.repository.days(tx, [...new Set(missed.map(({ fact }) => fact.bookId))]);
    const now: { fact: FactRow; businessDate: PlainDate }[] = [];
    const later: FactState[] = [];
    for (const { fact, code } of missed) {
      const day = days.get(fact.bookId);
      const notBefore = firstDateAfter(code, fact.businessDate);
      const businessDate = day === undefined ? null : dateOfFact(day, notBefore);
      if (businessDate !== null) now.push({ fact: { ...fact, notBefore }, businessDate });
      else later.push({ ...stateOf(fact), state: 'WAITING', notBefore });
    }
    await this.repository.save(tx, later);
    await this.audit.appendMany(
      tx,
      missed.map(({ fact, code }) => ({
        action: 'fact.date-missed',
        objectKind: fact.entry.subject.kind,
        objectId: fact.entry.subject.id,
        bookId: fact.bookId,
        principal: ledger,
        reason: code,
        after: { entryKey: fact.entryKey, missedDate: fact.businessDate },
      })),
    );
    await this.ask(tx, now, true);
  }

  /** Asks for facts on a date; a key that was refused is used up, so that the next attempt has the next one. */
  private async ask(
    tx: Tx,
    asked: readonly { fact: FactRow; businessDate: PlainDate }[],
    isRefused = false,
  ): Promise<void> {
    if (asked.length === 0) return;
    const changes = asked.map(({ fact, businessDate }): FactState & { entry: ItemToPost } => {
      const missedDates = fact.missedDates + (isRefused || fact.notBefore !== null ? 1 : 0);
      const key = ledgerKey(fact.entryKey, missedDates);
      return {
        ...stateOf(fact),
        state: 'REQUESTED',
        ledgerKey: key,
        businessDate,
        notBefore: null,
        missedDates,
        entry: { ...fact.entry, key, businessDate },
      };
    });
    await this.repository.save(
      tx,
      changes.map(({ entry: _entry, ...change }) => change),
    );
    await this.audit.appendMany(
      tx,
      changes.map(({ entryKey, businessDate, entry }) => ({
        action: 'fact.dated',
        objectKind: entry.subject.kind,
        objectId: entry.subject.id,
        bookId: entry.book,
        principal: ourselves,
        after: { entryKey, businessDate },
      })),
    );
    await this.post(
      tx,
      changes.map(({ entry }) => entry),
    );
  }
}

const stateOf = (fact: FactRow): FactState => ({
  entryKey: fact.entryKey,
  state: fact.state,
  ledgerKey: fact.ledgerKey,
  businessDate: fact.businessDate,
  notBefore: fact.notBefore,
  missedDates: fact.missedDates,
  entryId: null,
  refusalCode: null,
});
