import { Injectable } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { type PlainDate } from '#libs/calendar/index.js';
import { type ObjectToScreen, type ScreeningOutcome } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { chunk, newId } from '#libs/kernel/index.js';
import { Outbox, sealText } from '#libs/messaging/index.js';
import { WorkItems } from '#libs/work-items/index.js';
import { BookDaysService } from '../calendars/book-days.service.js';
import { DueTimesService } from '../calendars/due-times.service.js';
import { StaticDataService } from '../static-data/static-data.service.js';
import { type StaticFacts } from '../static-data/static-facts.js';
import { AffirmationService } from './affirmation.service.js';
import {
  identityOf,
  type Intake,
  type KnownTrade,
  type LineOutcome,
  type NewTrade,
  planCapture,
  tradeIdOf,
} from './capture.js';
import { enrich } from './enrichment.js';
import { type HeldTrade, ScreeningRepository } from './screening.repository.js';
import { type RawTradeLine } from './trade-line.js';
import { type TradeForInstruction, type TradeState } from './trade.js';
import { type MovedTrade, type TradeRow, TradesRepository, type TradeToStore } from './trades.repository.js';
import { repairHour, repairItem, repairKeys } from './work-items.js';

export interface CaptureOrigin {
  readonly fileId: string | null;
  readonly capturedBy: string;
}

const screeningsPerCommand = 500;
const ourselves = 'service:settlement';
const compliance = 'service:compliance';

@Injectable()
export class TradesService {
  constructor(
    private readonly repository: TradesRepository,
    private readonly screening: ScreeningRepository,
    private readonly affirmation: AffirmationService,
    private readonly staticData: StaticDataService,
    private readonly bookDays: BookDaysService,
    private readonly outbox: Outbox,
    private readonly workItems: WorkItems,
    private readonly audit: AuditTrail,
    private readonly dueTimes: DueTimesService,
  ) {}

  /** Takes in up to a thousand lines in a handful of statements; one outcome per line, in their order. */
  async capture(tx: Tx, raws: readonly RawTradeLine[], origin: CaptureOrigin): Promise<LineOutcome[]> {
    const tradeIds = raws.flatMap((raw) => {
      const identity = identityOf(raw);
      return identity ? [tradeIdOf(identity.source, identity.executionId)] : [];
    });
    const facts = await this.staticData.factsFor(tx, {
      isins: raws.map(({ isin }) => isin.trim()).filter(isPlain),
      counterpartyIds: raws.map(({ counterparty }) => counterparty.trim()).filter(isPlain),
      accounts: raws
        .flatMap(({ clientAccount, counterparty, place }) =>
          place.trim() === 'INTERNAL' ? [clientAccount.trim(), counterparty.trim()] : [clientAccount.trim()],
        )
        .filter(isPlain),
    });
    const trades = await this.repository.lockKnown(tx, tradeIds);
    const versions = await this.repository.versionHashes(tx, tradeIds);
    const intakes = await this.intakes(tx, facts);
    const plan = planCapture(raws, {
      trades,
      versions,
      lineFacts: facts,
      enrichmentFacts: facts,
      intake: (book) => intakes(book),
    });

    const sealed = new Map<string, string>();
    const seal = (text: string | null) => {
      if (text === null) return null;
      let cipher = sealed.get(text);
      if (cipher === undefined) sealed.set(text, (cipher = sealText(text)));
      return cipher;
    };
    await this.repository.insertVersions(
      tx,
      plan.versions.map((version) => ({
        ...version,
        payload:
          version.freeText === null
            ? version.payload
            : { ...version.payload, counterpartyName: seal(version.freeText) },
      })),
      origin.fileId ?? 'api',
      origin.capturedBy,
    );
    const stored = (trade: NewTrade): TradeToStore => ({
      ...trade,
      counterpartySealed: seal(trade.line.counterpartyName),
      fileId: origin.fileId,
      importId: null,
      carriedFail: false,
      carriedFailSince: null,
      isConfirmed: false,
      capturedBy: origin.capturedBy,
      isScreeningSent: trade.isProcessed && trade.enrichment.needsScreening,
    });
    const inserts = plan.newTrades.map(stored);
    const corrections = plan.corrections.map(stored);
    await this.repository.insertTrades(tx, inserts);
    await this.repository.correctTrades(tx, corrections);
    await this.repository.cancelTrades(tx, plan.cancellations);
    await this.announce(
      tx,
      [...inserts, ...corrections],
      facts,
      trades,
      plan.cancellations.map(({ tradeId }) => tradeId),
    );
    if (plan.versions.length > 0) {
      await this.audit.append(tx, {
        action: 'trades.captured',
        objectKind: origin.fileId === null ? 'TRADE' : 'FILE',
        objectId: origin.fileId ?? plan.versions[0]?.tradeId ?? '',
        principal: origin.capturedBy,
        after: plan.versions.map(({ tradeId, version, action, payloadHash }) => [
          tradeId,
          version,
          action,
          payloadHash,
        ]),
      });
    }
    return [...plan.outcomes];
  }

  private async announce(
    tx: Tx,
    changed: readonly TradeToStore[],
    facts: StaticFacts,
    before: ReadonlyMap<string, KnownTrade>,
    cancelledIds: readonly string[],
  ): Promise<void> {
    await this.sendToScreening(
      tx,
      changed
        .filter(({ isScreeningSent }) => isScreeningSent)
        .map((trade) =>
          toScreen({ ...trade.line, tradeId: trade.tradeId, counterpartySealed: trade.counterpartySealed }),
        ),
    );
    const touched = [...changed.map(({ tradeId }) => tradeId), ...cancelledIds].flatMap((tradeId) => {
      const known = before.get(tradeId);
      return known ? [known] : [];
    });
    const closing = touched.flatMap((known) => [
      ...repairKeys(known.tradeId, known.version),
      `unconfirmed:${known.tradeId}`,
    ]);
    await this.workItems.closeMany(tx, closing, 'a later version of the trade came in', 'system');
    const broken = changed.filter(({ state }) => state === 'REPAIR');
    if (broken.length === 0) return;
    const dueTimes = await this.dueTimes.current(tx);
    await this.workItems.openMany(
      tx,
      broken.map((trade) =>
        repairItem(
          {
            ...trade.line,
            tradeId: trade.tradeId,
            repairReason: trade.enrichment.repairReason ?? '',
            businessDate: trade.businessDate,
          },
          dueTimes.forRepair(
            { ...trade.line, businessDate: trade.businessDate },
            repairHour,
            facts.place(trade.line.placeId),
          ),
        ),
      ),
    );
  }

  private async sendToScreening(tx: Tx, items: readonly ObjectToScreen[]): Promise<void> {
    for (const part of chunk(items, screeningsPerCommand)) {
      await this.outbox.add(tx, 'compliance.screen-objects.v1', { batchId: newId('scb'), items: part });
    }
  }

  /** Trades that waited for their date are worked now: enriched, screened, sent to repair where something is missing. */
  async processReceived(tx: Tx, book: string, businessDate: PlainDate): Promise<number> {
    let done = 0;
    for (;;) {
      const waiting = await this.repository.lockWaiting(tx, { book, upTo: businessDate });
      if (waiting.length === 0) return done;
      await this.enrichAgain(tx, waiting, businessDate);
      done += waiting.length;
    }
  }

  /** What was missing may be there now: trades in repair for these instruments or counterparties are judged again. */
  async retryRepairs(
    tx: Tx,
    filter: { isins?: readonly string[]; counterpartyIds?: readonly string[]; tradeIds?: readonly string[] },
  ): Promise<number> {
    const waiting = await this.repository.lockWaiting(tx, filter);
    return this.enrichAgain(tx, waiting, null);
  }

  private async enrichAgain(tx: Tx, waiting: readonly TradeRow[], businessDate: PlainDate | null): Promise<number> {
    if (waiting.length === 0) return 0;
    const facts = await this.staticData.factsFor(tx, {
      isins: waiting.map(({ isin }) => isin),
      counterpartyIds: waiting.flatMap(({ counterpartyId }) => counterpartyId ?? []),
      accounts: waiting.map(({ clientAccount }) => clientAccount),
    });
    const changes = waiting.map((row) => {
      const enrichment = enrich(
        { ...row, market: row.market as TradeForInstruction['market'], hasFreeText: row.counterpartySealed !== null },
        facts,
      );
      return {
        row,
        tradeId: row.tradeId,
        enrichment,
        businessDate: businessDate ?? row.businessDate,
        isScreened: row.state === 'RECEIVED' && row.counterpartySealed !== null,
      };
    });
    const moved = changes.filter(
      ({ row, enrichment }) => row.state === 'RECEIVED' || enrichment.repairReason !== row.repairReason,
    );
    await this.repository.saveEnrichment(
      tx,
      moved.map(({ tradeId, enrichment, businessDate: date, isScreened }) => ({
        tradeId,
        enrichment,
        businessDate: date,
        isScreened,
      })),
    );
    await this.sendToScreening(
      tx,
      moved.filter(({ isScreened }) => isScreened).map(({ row }) => toScreen(row)),
    );
    await this.workItems.closeMany(
      tx,
      moved.flatMap(({ row }) => repairKeys(row.tradeId, row.version)),
      'static data is complete now',
      'system',
    );
    const broken = moved.filter(({ enrichment }) => enrichment.state === 'REPAIR');
    if (broken.length === 0) return moved.length;
    const dueTimes = await this.dueTimes.current(tx);
    await this.workItems.openMany(
      tx,
      broken.map(({ row, enrichment, businessDate: date }) =>
        repairItem(
          {
            ...row,
            amountMinor: BigInt(row.amountMinor),
            repairReason: enrichment.repairReason ?? '',
            businessDate: date,
          },
          dueTimes.forRepair({ ...row, businessDate: date }, repairHour, facts.place(row.placeId)),
        ),
      ),
    );
    return moved.length;
  }

  /** The date that each book takes trades in for; a book that never opened takes them for the venue's own date. */
  private async intakes(tx: Tx, facts: StaticFacts): Promise<(book: string) => Intake> {
    const days = await this.bookDays.all(tx);
    return (book) => {
      const day = days.get(book);
      if (!day) return { businessDate: facts.today('EU'), isOpen: false };
      return day.state === 'OPEN'
        ? { businessDate: day.businessDate, isOpen: true }
        : { businessDate: day.nextBusinessDate, isOpen: false };
    };
  }

  async rowsOf(tx: Tx, tradeIds: readonly string[]): Promise<Map<string, TradeRow>> {
    return this.repository.byIds(tx, tradeIds);
  }

  // ---- what the instructions ask for -------------------------------------------------------------------------

  /** AFFIRMED trades that nothing holds, complete for the instruction, a page at a time in the order of their ids. */
  async readyToInstruct(
    tx: Tx,
    book: string,
    businessDate: PlainDate,
    afterTradeId: string | null,
    limit: number,
  ): Promise<TradeForInstruction[]> {
    return this.repository.forInstruction(tx, { book, businessDate, after: afterTradeId, limit, isReady: true });
  }

  /** Those of these trades that may be instructed, locked. */
  async lockReadyToInstruct(tx: Tx, tradeIds: readonly string[]): Promise<TradeForInstruction[]> {
    return this.repository.forInstruction(tx, { tradeIds, isReady: true });
  }

  async tradesForInstruction(tx: Tx, tradeIds: readonly string[]): Promise<TradeForInstruction[]> {
    return this.repository.forInstruction(tx, { tradeIds });
  }

  async markInstructed(tx: Tx, tradeIds: readonly string[]): Promise<number> {
    return this.record(tx, 'trades.instructed', await this.repository.move(tx, tradeIds, 'AFFIRMED', 'INSTRUCTED'));
  }

  async markSettled(tx: Tx, tradeIds: readonly string[]): Promise<number> {
    return this.record(tx, 'trades.settled', await this.repository.move(tx, tradeIds, 'INSTRUCTED', 'SETTLED'));
  }

  async markCancelled(tx: Tx, tradeIds: readonly string[], reason: string): Promise<number> {
    const cancelled = await this.repository.cancelTrades(
      tx,
      tradeIds.map((tradeId) => ({ tradeId, version: null, reason })),
    );
    return this.record(tx, 'trades.cancelled', cancelled, reason);
  }

  /** What follows from the instructions is one fact of a book, whose leaf names its trades. */
  private async record(tx: Tx, action: string, moved: readonly MovedTrade[], reason?: string): Promise<number> {
    await this.audit.appendMany(
      tx,
      [...new Set(moved.map(({ bookId }) => bookId))].sort().map((bookId) => ({
        action,
        objectKind: 'BOOK',
        objectId: bookId,
        bookId,
        principal: ourselves,
        ...(reason === undefined ? {} : { reason }),
        after: moved
          .filter((one) => one.bookId === bookId)
          .map(({ tradeId }) => tradeId)
          .sort(),
      })),
    );
    return moved.length;
  }

  // ---- compliance ---------------------------------------------------------------------------------------------

  /** Names that were not sent yet; they are sent as they are captured, so that this is usually empty. */
  async toScreen(tx: Tx, book: string, limit: number): Promise<ObjectToScreen[]> {
    return (await this.screening.unsent(tx, book, limit)).map(toScreen);
  }

  /** A hit holds the trade, a clear name lets it go on. Items of other kinds are none of ours. */
  async applyScreening(tx: Tx, outcomes: readonly ScreeningOutcome[]): Promise<number> {
    const ours = outcomes.filter(({ objectKind }) => objectKind === 'TRADE');
    const changed = await this.screening.applyOutcomes(
      tx,
      ours.map(({ objectId, outcome, alertId }) => ({ tradeId: objectId, outcome, alertId: alertId ?? null })),
    );
    return this.recordHolds(tx, changed, compliance);
  }

  private async recordHolds(tx: Tx, changed: readonly HeldTrade[], by: string): Promise<number> {
    await this.audit.appendMany(
      tx,
      changed.map(({ tradeId, bookId, holdState, heldReason }) => ({
        action: holdState === 'HELD' ? 'trade.held' : 'trade.released',
        objectKind: 'TRADE',
        objectId: tradeId,
        bookId,
        principal: by,
        ...(heldReason === null ? {} : { reason: heldReason }),
        after: { holdState, heldReason },
      })),
    );
    return changed.length;
  }

  /** RELEASED lets the trade go on; CONFIRMED keeps it held for good. */
  async applyHoldDecision(
    tx: Tx,
    decided: { objectId: string; decision: 'RELEASED' | 'CONFIRMED'; alertId: string; decidedBy: string },
  ): Promise<void> {
    const changed = await this.screening.decideHold(tx, decided.objectId, decided.decision, decided.alertId);
    await this.recordHolds(tx, changed, decided.decidedBy);
  }

  /** Open trades in which a party takes part, on either side. */
  async tradesOfParty(
    tx: Tx,
    partyId: string,
  ): Promise<{ tradeId: string; reference: string; bookId: string; state: TradeState }[]> {
    return this.screening.openOfParty(tx, partyId);
  }

  async holdForParty(tx: Tx, tradeIds: readonly string[], reason: string): Promise<number> {
    return this.recordHolds(tx, await this.screening.hold(tx, tradeIds, reason), compliance);
  }

  /** Phase AFFIRM. */
  async affirm(tx: Tx, book: string): Promise<{ affirmed: number; unconfirmed: number }> {
    return this.affirmation.affirm(tx, book);
  }

  /** Phase CUT_OFF: opens a work item for every trade of the date that nobody confirmed; returns how many are new. */
  async endOfDay(tx: Tx, book: string, businessDate: PlainDate): Promise<number> {
    return this.affirmation.endOfDay(tx, book, businessDate);
  }

  // ---- the book's day -----------------------------------------------------------------------------------------

  async bookDay(tx: Tx, book: string): ReturnType<BookDaysService['find']> {
    return this.bookDays.find(tx, book);
  }

  /** What is taken in from here on carries the next business date. */
  async closeIntake(tx: Tx, book: string, businessDate: PlainDate): Promise<void> {
    await this.bookDays.cutOff(tx, book, businessDate);
  }

  /** The date that a fact of this moment is booked on: the one being worked, also after its cut-off. */
  async bookingDate(tx: Tx, book: string): Promise<PlainDate> {
    const day = await this.bookDays.find(tx, book);
    if (!day) return this.bookDays.intakeDate(tx, book);
    return day.state === 'CLOSED' ? day.nextBusinessDate : day.businessDate;
  }

  /** The date that an intake of this moment carries. */
  async intakeDate(tx: Tx, book: string): Promise<PlainDate> {
    return this.bookDays.intakeDate(tx, book);
  }
}

const isPlain = (text: string) => text !== '' && text.length <= 64 && !text.includes('\u0000');

function toScreen(trade: {
  tradeId: string;
  executionId: string;
  bookId: string;
  counterpartySealed: string | null;
}): ObjectToScreen {
  return {
    objectKind: 'TRADE',
    objectId: trade.tradeId,
    reference: trade.executionId,
    book: trade.bookId,
    names: trade.counterpartySealed === null ? [] : [{ role: 'COUNTERPARTY', sealedName: trade.counterpartySealed }],
  };
}
