import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type PlainDate } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import {
  quantityOf,
  readStatusAdvice,
  securitiesVersions,
  type StatusAdvice,
  writeSettlementInstruction,
} from '#libs/iso20022/index.js';
import { problem, type Problem } from '#libs/kernel/index.js';
import { Outbox } from '#libs/messaging/index.js';
import { WorkItems } from '#libs/work-items/index.js';
import { DueTimesService } from '../calendars/due-times.service.js';
import { ExchangeHandlersService, type InboundMessage } from '../exchange/exchange-handlers.service.js';
import { ExchangeOutboxService } from '../exchange/exchange-outbox.service.js';
import { type TradeForInstruction } from '../trades/trade.js';
import { TradesService } from '../trades/trades.service.js';
import { type Instruction, newInstruction } from './instruction.js';
import { InstructionChangesService, type StatusChange } from './instruction-changes.service.js';
import { exceptionKeys, exceptionOf } from './instruction-work-items.js';
import { afterEvent, isEnded, type Statused, type StatusEvent } from './instruction-status.js';
import { InstructionsRepository } from './instructions.repository.js';
import { partyOfBook } from './own-party.js';

export interface InstructedChunk {
  readonly instructed: number;
  readonly sent: number;
  readonly held: number;
  /** The last trade of the chunk; null when there was none. */
  readonly lastTradeId: string | null;
}

const by = 'settlement';
const ourselves = 'service:settlement';

@Injectable()
export class InstructionsService implements OnModuleInit {
  constructor(
    private readonly repository: InstructionsRepository,
    private readonly changes: InstructionChangesService,
    private readonly trades: TradesService,
    private readonly exchange: ExchangeOutboxService,
    private readonly handlers: ExchangeHandlersService,
    private readonly outbox: Outbox,
    private readonly workItems: WorkItems,
    private readonly dueTimes: DueTimesService,
  ) {}

  onModuleInit(): void {
    this.handlers.register('sese.024', (tx, messages) => this.receiveAdvices(tx, messages));
  }

  // ---- out ----------------------------------------------------------------------------------------------------

  /** One page of affirmed trades, due and future, becomes instructions; what nobody holds leaves at once. */
  async instruct(
    tx: Tx,
    book: string,
    businessDate: PlainDate,
    afterTradeId: string | null,
    limit: number,
  ): Promise<InstructedChunk> {
    await this.repository.shareHolds(tx);
    const trades = await this.trades.readyToInstruct(tx, book, businessDate, afterTradeId, limit);
    const counts = await this.instructTrades(tx, trades, businessDate);
    return { ...counts, lastTradeId: trades.at(-1)?.tradeId ?? null };
  }

  /** Affirmed trades of a party that was stopped: their instructions are made, and stay. */
  async instructHeld(tx: Tx, tradeIds: readonly string[]): Promise<void> {
    const trades = await this.trades.lockReadyToInstruct(tx, tradeIds);
    const dates = new Map<string, PlainDate>();
    for (const book of new Set(trades.map(({ bookId }) => bookId)))
      dates.set(book, await this.trades.bookingDate(tx, book));
    for (const [book, date] of dates)
      await this.instructTrades(
        tx,
        trades.filter(({ bookId }) => bookId === book),
        date,
        false,
      );
  }

  private async instructTrades(
    tx: Tx,
    trades: readonly TradeForInstruction[],
    businessDate: PlainDate,
    announcesHolds = true,
  ): Promise<Omit<InstructedChunk, 'lastTradeId'>> {
    if (trades.length === 0) return { instructed: 0, sent: 0, held: 0 };
    const parties = trades.flatMap(({ clientPartyId, counterpartyPartyId }) =>
      [clientPartyId, counterpartyPartyId].filter((id) => id !== null),
    );
    const holds = await this.repository.partyHolds(tx, [...new Set(parties)]);
    const alertOf = (trade: TradeForInstruction) =>
      holds.get(trade.clientPartyId ?? '') ?? holds.get(trade.counterpartyPartyId ?? '') ?? null;
    const created = trades.map((trade) => newInstruction(trade, alertOf(trade)));
    const fresh = await this.changes.create(tx, created, businessDate, ourselves);
    await this.trades.markInstructed(
      tx,
      trades.map(({ tradeId }) => tradeId),
    );
    const news = created.filter(({ instructionId }) => fresh.has(instructionId));
    const heldNews = news.filter(({ complianceAlertId }) => complianceAlertId !== null);
    if (announcesHolds && heldNews.length > 0)
      await this.announceHeld(
        tx,
        heldNews.map(({ instructionId, trade, complianceAlertId }) => ({
          instructionId,
          trade,
          alertId: complianceAlertId ?? '',
        })),
        holds,
      );
    const sent = await this.release(
      tx,
      news.filter(({ complianceAlertId }) => complianceAlertId === null).map(({ instructionId }) => instructionId),
    );
    return { instructed: news.length, sent, held: heldNews.length };
  }

  private async announceHeld(
    tx: Tx,
    held: readonly { instructionId: string; trade: TradeForInstruction; alertId: string }[],
    holds: ReadonlyMap<string, string>,
  ): Promise<void> {
    for (const [partyId, alertId] of holds) {
      const objects = held
        .filter(
          (one) =>
            one.alertId === alertId &&
            (one.trade.clientPartyId === partyId || one.trade.counterpartyPartyId === partyId),
        )
        .map(({ instructionId, trade }) => ({
          objectKind: 'INSTRUCTION' as const,
          objectId: instructionId,
          reference: trade.executionId,
          book: trade.bookId,
          wasSent: false,
        }));
      if (objects.length > 0)
        await this.outbox.add(tx, 'settlement.party-hold-applied.v1', { partyId, alertId, objects });
    }
  }

  /** Lets instructions go that nothing holds: to their place, or straight into the house's own cycle. Answers how many left. */
  async release(tx: Tx, instructionIds: readonly string[]): Promise<number> {
    const ready = await this.repository.sendable(tx, instructionIds);
    if (ready.length === 0) return 0;
    const changes = ready.map((instruction) => {
      const isInternal = instruction.placeKind === 'INTERNAL';
      // Both legs of an internal trade are ours and made from the same trade: they match by being made.
      const statused = afterEvent(instruction.statused, isInternal ? { kind: 'MATCHED' } : { kind: 'SENT' });
      return { instruction, statused: statused ?? instruction.statused };
    });
    await this.save(tx, changes, ourselves);
    const external = ready.filter(({ placeKind }) => placeKind === 'EXTERNAL');
    const trades = new Map(
      (
        await this.trades.tradesForInstruction(
          tx,
          external.map(({ tradeId }) => tradeId),
        )
      ).map((trade) => [trade.tradeId, trade]),
    );
    await this.exchange.send(
      tx,
      external.flatMap((instruction) => {
        const trade = trades.get(instruction.tradeId);
        if (trade === undefined) throw new Error(`${instruction.instructionId} has no trade`);
        return {
          channel: instruction.placeId,
          messageId: instruction.instructionId,
          type: securitiesVersions.instruction,
          document: documentOf(instruction, trade),
        };
      }),
    );
    return ready.length;
  }

  // ---- in: statuses -------------------------------------------------------------------------------------------

  async receiveAdvices(tx: Tx, messages: readonly InboundMessage[]): Promise<Map<string, readonly Problem[]>> {
    const refused = new Map<string, readonly Problem[]>();
    const advices: { messageId: string; channel: string; advice: StatusAdvice }[] = [];
    for (const { messageId, channel, document } of messages) {
      const read = readStatusAdvice(document);
      if (read.ok) advices.push({ messageId, channel, advice: read.value });
      else refused.set(messageId, read.problems);
    }
    const known = await this.changes.lock(tx, [...new Set(advices.map(({ advice }) => advice.transactionId))]);
    const changes = new Map<string, { instruction: Instruction; statused: Statused }>();
    for (const { messageId, channel, advice } of advices) {
      const instruction = known.get(advice.transactionId);
      if (instruction?.placeId !== channel) {
        refused.set(messageId, [
          problem('UNKNOWN_INSTRUCTION', `${channel} speaks of ${advice.transactionId}, which it was never given.`),
        ]);
        continue;
      }
      const change = changes.get(instruction.instructionId) ?? { instruction, statused: instruction.statused };
      for (const event of eventsOf(advice)) change.statused = afterEvent(change.statused, event) ?? change.statused;
      changes.set(instruction.instructionId, change);
    }
    await this.save(
      tx,
      [...changes.values()].filter(({ instruction, statused }) => statused !== instruction.statused),
      ({ instruction }) => `exchange:${instruction.placeId}`,
    );
    return refused;
  }

  /** Stores new statuses with what follows from them: items of exceptions, and the trade of what was cancelled. */
  private async save(
    tx: Tx,
    changes: readonly StatusChange[],
    byOf: Parameters<InstructionChangesService['saveStatuses']>[2],
  ): Promise<void> {
    if (changes.length === 0) return;
    await this.changes.saveStatuses(tx, changes, byOf);
    const cancelled = changes.filter(({ statused }) => statused.status.processing === 'CANCELLED');
    if (cancelled.length > 0) {
      await this.trades.markCancelled(
        tx,
        cancelled.map(({ instruction }) => instruction.tradeId),
        'instruction cancelled',
      );
      await this.workItems.closeMany(
        tx,
        cancelled.flatMap(({ instruction }) => exceptionKeys(instruction.instructionId)),
        'the instruction was cancelled',
        by,
      );
    }
    const matched = changes.filter(
      ({ instruction, statused }) =>
        statused.status.matching === 'MATCHED' && instruction.statused.status.matching === 'UNMATCHED',
    );
    await this.workItems.closeMany(
      tx,
      matched.map(({ instruction }) => `unmatched:${instruction.instructionId}`),
      'the counterparty matched',
      by,
    );
    const rejected = changes.filter(({ statused }) => statused.status.processing === 'REJECTED');
    if (rejected.length === 0) return;
    const dueTimes = await this.dueTimes.current(tx);
    await this.workItems.openMany(
      tx,
      rejected.flatMap(({ instruction, statused }) => exceptionOf({ ...instruction, statused }, dueTimes) ?? []),
      by,
    );
  }

  // ---- what the day asks --------------------------------------------------------------------------------------

  async countDue(tx: Tx, book: string, businessDate: PlainDate): Promise<number> {
    return this.repository.countDue(tx, book, businessDate);
  }

  async lockDueInternal(
    tx: Tx,
    book: string,
    businessDate: PlainDate,
    afterId: string | null,
    limit: number,
  ): Promise<Instruction[]> {
    return this.repository.dueInternal(tx, book, businessDate, afterId, limit);
  }

  // ---- the end of the day -------------------------------------------------------------------------------------

  /** What was due and has not settled: its status says so, and somebody is asked to act. A second run changes nothing. */
  async failSnapshot(
    tx: Tx,
    book: string,
    businessDate: PlainDate,
    afterId: string | null,
    limit: number,
  ): Promise<{ counts: Record<string, number>; lastId: string | null; seen: number }> {
    const open = await this.repository.unsettledDue(tx, book, businessDate, afterId, limit);
    const dueTimes = await this.dueTimes.current(tx);
    const changes: StatusChange[] = [];
    const counts: Record<string, number> = {};
    const items = open.flatMap((instruction) => {
      const waits =
        !isEnded(instruction.statused.status) &&
        instruction.statused.status.settlement === 'PENDING' &&
        !instruction.isComplianceHeld;
      const isMatched = instruction.statused.status.matching === 'MATCHED';
      const failing =
        waits && isMatched
          ? afterEvent(instruction.statused, { kind: 'FAILING', reason: instruction.statused.reason ?? 'OTHR' })
          : undefined;
      const statused = failing ?? instruction.statused;
      if (failing !== undefined) changes.push({ instruction, statused });
      const item = exceptionOf({ ...instruction, statused }, dueTimes, businessDate);
      const kind = item?.category.toLowerCase() ?? 'held';
      counts[kind] = (counts[kind] ?? 0) + 1;
      return item ?? [];
    });
    await this.save(tx, changes, ourselves);
    await this.workItems.closeMany(
      tx,
      items.filter(({ category }) => category === 'PARTIAL').map(({ objectId }) => `fail:${objectId}`),
      'a part has settled',
      by,
    );
    // What still has not settled is nobody's to close for good: the next day's snapshot opens it again.
    await this.workItems.openAgain(tx, items, by);
    return { counts, lastId: open.at(-1)?.instructionId ?? null, seen: open.length };
  }
}

/** One advice may speak of several processes; what came first in life is applied first. */
export function eventsOf(advice: StatusAdvice): StatusEvent[] {
  const events: StatusEvent[] = [];
  const { processing, matching, settlement } = advice;
  switch (processing?.status) {
    case 'ACCEPTED':
      events.push({ kind: 'ACCEPTED' });
      break;
    case 'REJECTED':
      events.push({ kind: 'REJECTED', reason: processing.reason ?? 'OTHR' });
      break;
    case 'CANCELLED':
      events.push({ kind: 'CANCELLED', reason: processing.reason ?? 'CANI' });
      break;
    default:
  }
  if (matching?.status === 'MATCHED') events.push({ kind: 'MATCHED' });
  if (matching?.status === 'UNMATCHED') events.push({ kind: 'UNMATCHED', reason: matching.reason ?? 'OTHR' });
  if (settlement !== undefined) events.push({ kind: settlement.status, reason: settlement.reason ?? 'OTHR' });
  return events;
}

function documentOf(instruction: Instruction, trade: TradeForInstruction): string {
  const ours = { ...partyOfBook(trade.bookId), safekeepingAccount: trade.place.depotAccount ?? trade.placeId };
  const theirs = {
    ...(trade.ssi
      ? { bic: trade.ssi.agentBic, safekeepingAccount: trade.ssi.safekeepingAccount }
      : trade.counterpartyBic
        ? { bic: trade.counterpartyBic }
        : { code: trade.counterpartyId ?? 'UNKNOWN' }),
  };
  const receives = instruction.direction === 'RECE';
  return writeSettlementInstruction({
    transactionId: instruction.instructionId,
    tradeId: instruction.executionId,
    direction: instruction.direction,
    payment: instruction.payment,
    tradeDate: trade.tradeDate,
    settlementDate: instruction.settlementDate,
    isin: instruction.isin,
    quantity: quantityOf(instruction.quantityUnits, instruction.quantityScale, trade.assetClass === 'BOND'),
    safekeepingAccount: trade.place.depotAccount ?? trade.placeId,
    placeBic: trade.place.bic ?? 'XXXXXXXXXXX',
    deliverer: receives ? theirs : ours,
    receiver: receives ? ours : theirs,
    allowsPartial: true,
    ...(instruction.payment === 'APMT'
      ? { amount: { currency: instruction.currency, amountMinor: instruction.amountMinor } }
      : {}),
  });
}
