import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type PlainDate } from '#libs/calendar/index.js';
import { type EntryOutcome, type EntryToPost, itemsPerCommandMax } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import {
  quantityOf,
  readSettlementConfirmation,
  readStatusAdvice,
  securitiesVersions,
  type SettlementConfirmation,
  type StatusAdvice,
  unitsFromDecimal,
  writeSettlementInstruction,
} from '#libs/iso20022/index.js';
import { chunk, idFrom, problem, type Problem } from '#libs/kernel/index.js';
import { Outbox } from '#libs/messaging/index.js';
import { WorkItems } from '#libs/work-items/index.js';
import { ExchangeHandlersService, type InboundMessage } from '../exchange/exchange-handlers.service.js';
import { ExchangeOutboxService } from '../exchange/exchange-outbox.service.js';
import { type TradeForInstruction } from '../trades/trade.js';
import { TradesService } from '../trades/trades.service.js';
import {
  type Allocation,
  externalEntry,
  type Instruction,
  newInstruction,
  reasonOfRefusal,
  sharesOf,
} from './instruction.js';
import { exceptionKeys, exceptionOf, wrongConfirmation } from './instruction-work-items.js';
import { afterEvent, isEnded, type Statused, type StatusEvent } from './instruction-status.js';
import { InstructionsRepository, type NewPiece } from './instructions.repository.js';
import { partyOfBook } from './own-party.js';

export interface InstructedChunk {
  readonly instructed: number;
  readonly sent: number;
  readonly held: number;
  /** The last trade of the chunk; null when there was none. */
  readonly lastTradeId: string | null;
}

interface Change {
  readonly instruction: Instruction;
  statused: Statused;
}

const by = 'settlement';

@Injectable()
export class InstructionsService implements OnModuleInit {
  constructor(
    private readonly repository: InstructionsRepository,
    private readonly trades: TradesService,
    private readonly exchange: ExchangeOutboxService,
    private readonly handlers: ExchangeHandlersService,
    private readonly outbox: Outbox,
    private readonly workItems: WorkItems,
  ) {}

  onModuleInit(): void {
    this.handlers.register('sese.024', (tx, messages) => this.receiveAdvices(tx, messages));
    this.handlers.register('sese.025', (tx, messages) => this.receiveConfirmations(tx, messages));
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
    const trades = await this.trades.readyToInstruct(tx, book, businessDate, afterTradeId, limit);
    const counts = await this.instructTrades(tx, trades, businessDate);
    return { ...counts, lastTradeId: trades.at(-1)?.tradeId ?? null };
  }

  /** Affirmed trades of a party that was stopped: their instructions are made, and stay. */
  async instructHeld(tx: Tx, tradeIds: readonly string[]): Promise<void> {
    const trades = (await this.trades.tradesForInstruction(tx, tradeIds)).filter((trade) =>
      tradeIds.includes(trade.tradeId),
    );
    const dates = new Map<string, PlainDate>();
    for (const book of new Set(trades.map(({ bookId }) => bookId))) dates.set(book, await this.bookingDate(tx, book));
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
    const fresh = await this.repository.insert(tx, created, businessDate);
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
    await this.save(tx, changes);
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
    const known = await this.repository.lock(tx, [...new Set(advices.map(({ advice }) => advice.transactionId))]);
    const changes = new Map<string, Change>();
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
    );
    await this.askAbout(tx, messages, refused);
    return refused;
  }

  /** Stores new statuses with what follows from them: items of exceptions, and the trade of what was cancelled. */
  private async save(tx: Tx, changes: readonly Change[]): Promise<void> {
    if (changes.length === 0) return;
    await this.repository.saveStatuses(
      tx,
      changes.map(({ instruction, statused }) => ({ instructionId: instruction.instructionId, statused })),
    );
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
    await this.workItems.openMany(
      tx,
      rejected.flatMap(({ instruction, statused }) => exceptionOf({ ...instruction, statused }) ?? []),
      by,
    );
  }

  // ---- in: confirmations --------------------------------------------------------------------------------------

  /** What a place confirms is booked as it was confirmed: its quantity, its amount, its date. */
  async receiveConfirmations(tx: Tx, messages: readonly InboundMessage[]): Promise<Map<string, readonly Problem[]>> {
    const refused = new Map<string, readonly Problem[]>();
    const confirmations: { messageId: string; channel: string; confirmation: SettlementConfirmation }[] = [];
    for (const { messageId, channel, document } of messages) {
      const read = readSettlementConfirmation(document);
      if (read.ok) confirmations.push({ messageId, channel, confirmation: read.value });
      else refused.set(messageId, read.problems);
    }
    const ids = [...new Set(confirmations.map(({ confirmation }) => confirmation.transactionId))];
    const known = await this.repository.lock(tx, ids);
    const earlier = await this.repository.sharesBefore(
      tx,
      [...known.values()].filter(({ allocations }) => allocations.length > 0).map(({ instructionId }) => instructionId),
    );
    const confirmed = new Map<string, bigint>();
    const pieces: NewPiece[] = [];
    const entries: EntryToPost[] = [];
    const dates = new Map<string, PlainDate>();
    for (const { messageId, channel, confirmation } of confirmations) {
      const instruction = known.get(confirmation.transactionId);
      const already = instruction && (confirmed.get(instruction.instructionId) ?? instruction.confirmedQuantityUnits);
      const units = instruction && unitsFromDecimal(confirmation.settledQuantity.text, instruction.quantityScale);
      const faults = faultsOf(instruction, channel, confirmation, units, already);
      if (instruction === undefined || units === undefined || already === undefined || faults.length > 0) {
        refused.set(messageId, faults);
        if (instruction !== undefined)
          await this.workItems.open(tx, await wrongConfirmation(tx, instruction, messageId, faults), by);
        continue;
      }
      let businessDate = dates.get(instruction.bookId);
      if (businessDate === undefined)
        dates.set(instruction.bookId, (businessDate = await this.bookingDate(tx, instruction.bookId)));
      const before: Allocation[][] = earlier.get(instruction.instructionId) ?? [];
      const piece = { quantityUnits: units, amountMinor: confirmation.settledAmount?.amountMinor ?? 0n };
      const shares = sharesOf(instruction, piece, before);
      earlier.set(instruction.instructionId, [...before, shares]);
      confirmed.set(instruction.instructionId, already + units);
      const entryKey = `settle:${instruction.instructionId}:${messageId}`;
      pieces.push({
        ...piece,
        entryKey,
        instructionId: instruction.instructionId,
        bookId: instruction.bookId,
        effectiveDate: confirmation.effectiveDate,
        businessDate,
        isFinal: already + units === instruction.quantityUnits,
        shares,
        cycleId: null,
        marketReference: confirmation.marketReference ?? messageId,
      });
      entries.push(
        externalEntry(instruction, entryKey, piece, shares, { businessDate, valueDate: confirmation.effectiveDate }),
      );
    }
    await this.repository.addConfirmed(tx, pieces);
    await this.post(tx, entries);
    await this.askAbout(tx, messages, refused);
    return refused;
  }

  /** Sends entries to the ledger, up to five hundred in a command. */
  async post(tx: Tx, entries: readonly EntryToPost[]): Promise<void> {
    for (const items of chunk(entries, itemsPerCommandMax)) {
      await this.outbox.add(tx, 'accounting.post-entries.v1', {
        batchId: idFrom('bat', ...items.map(({ key }) => key)),
        items,
      });
    }
  }

  /** The date that a fact of this moment is booked on. */
  private async bookingDate(tx: Tx, book: string): Promise<PlainDate> {
    const day = await this.trades.bookDay(tx, book);
    if (!day) return this.trades.intakeDate(tx, book);
    return day.state === 'CLOSED' ? day.nextBusinessDate : day.businessDate;
  }

  /** A message about nothing we know is a person's to answer. */
  private async askAbout(
    tx: Tx,
    messages: readonly InboundMessage[],
    refused: ReadonlyMap<string, readonly Problem[]>,
  ): Promise<void> {
    const row = await tx.row<{ dueAt: Date }>(`SELECT kernel.now() + interval '2 hours' AS "dueAt"`);
    await this.workItems.openMany(
      tx,
      messages
        .filter(({ messageId }) =>
          refused.get(messageId)?.some(({ code }) => code === 'UNKNOWN_INSTRUCTION' || code === 'MISSING_ELEMENT'),
        )
        .map(({ messageId, channel }) => ({
          key: `exchange:${channel}:${messageId}`,
          kind: 'MESSAGE_REFUSED',
          category: 'OTHER' as const,
          objectKind: 'EXCHANGE_MESSAGE',
          objectId: messageId.slice(0, 64),
          reference: messageId.slice(0, 64),
          reasonCode: refused.get(messageId)?.[0]?.code ?? 'REFUSED',
          bookId: '*',
          ownerTeam: 'settlement-operations',
          dueAt: row?.dueAt ?? new Date(),
          nextAction: `Ask ${channel} what the message is about`,
        })),
      by,
    );
  }

  // ---- the ledger's answers -----------------------------------------------------------------------------------

  /** Booked is settled, and only then; a refused internal attempt waits with its reason for the next cycle. */
  async entriesDecided(tx: Tx, outcomes: readonly EntryOutcome[]): Promise<void> {
    const keys = outcomes.map(({ key }) => key);
    const known = await this.repository.lock(tx, await this.repository.instructionsOfPieces(tx, keys));
    const pieces = await this.repository.decidePieces(
      tx,
      outcomes.map((outcome) => ({
        entryKey: outcome.key,
        state: outcome.outcome === 'POSTED' ? ('BOOKED' as const) : ('REFUSED' as const),
        entryId: outcome.outcome === 'POSTED' ? outcome.entryId : null,
        refusalCode: outcome.outcome === 'REFUSED' ? outcome.code : null,
      })),
    );
    const booked = new Map<string, { instruction: Instruction; quantity: bigint; amount: bigint; entryId: string }>();
    const refusals: Change[] = [];
    const dropped = [];
    for (const outcome of outcomes) {
      const piece = pieces.get(outcome.key);
      const instruction = piece && known.get(piece.instructionId);
      if (piece === undefined || instruction === undefined) continue;
      if (outcome.outcome === 'POSTED') {
        const so = booked.get(instruction.instructionId) ?? {
          instruction,
          quantity: instruction.settledQuantityUnits,
          amount: instruction.settledAmountMinor,
          entryId: '',
        };
        booked.set(instruction.instructionId, {
          ...so,
          quantity: so.quantity + piece.quantityUnits,
          amount: so.amount + piece.amountMinor,
          entryId: outcome.entryId,
        });
        continue;
      }
      if (piece.cycleId !== null) {
        dropped.push(piece);
        const statused = afterEvent(instruction.statused, { kind: 'PENDING', reason: reasonOfRefusal(outcome.code) });
        if (statused !== undefined) refusals.push({ instruction, statused });
      } else {
        // A confirmed fact that the ledger would not take: nobody may lose it.
        const fault = problem(outcome.code, outcome.message);
        await this.workItems.open(tx, await wrongConfirmation(tx, instruction, outcome.key, [fault]), by);
      }
    }
    const saved = [...booked.values()].map(({ instruction, quantity, amount, entryId }) => {
      const isDone = quantity === instruction.quantityUnits;
      const statused =
        afterEvent(instruction.statused, { kind: isDone ? 'SETTLED' : 'SETTLED_IN_PART' }) ?? instruction.statused;
      return {
        instruction,
        isDone,
        instructionId: instruction.instructionId,
        statused,
        settledQuantityUnits: quantity,
        settledAmountMinor: amount,
        entryId,
      };
    });
    await this.repository.dropConfirmed(tx, dropped);
    await this.repository.saveBooked(
      tx,
      saved.map(({ instruction: _instruction, isDone: _isDone, ...row }) => row),
    );
    await this.save(tx, refusals);
    const done = saved.filter(({ isDone }) => isDone).map(({ instruction }) => instruction);
    await this.trades.markSettled(
      tx,
      done.map(({ tradeId }) => tradeId),
    );
    await this.workItems.closeMany(
      tx,
      done.flatMap(({ instructionId }) => [...exceptionKeys(instructionId), `cancellation:${instructionId}`]),
      'settled',
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
    const changes: Change[] = [];
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
      const item = exceptionOf({ ...instruction, statused }, businessDate);
      const kind = item?.category.toLowerCase() ?? 'held';
      counts[kind] = (counts[kind] ?? 0) + 1;
      return item ?? [];
    });
    await this.save(tx, changes);
    await this.workItems.closeMany(
      tx,
      items.filter(({ category }) => category === 'PARTIAL').map(({ objectId }) => `fail:${objectId}`),
      'a part has settled',
      by,
    );
    await this.workItems.openMany(tx, items, by);
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

function faultsOf(
  instruction: Instruction | undefined,
  channel: string,
  confirmation: SettlementConfirmation,
  units: bigint | undefined,
  already: bigint | undefined,
): Problem[] {
  if (instruction?.placeId !== channel) {
    return [
      problem('UNKNOWN_INSTRUCTION', `${channel} confirms ${confirmation.transactionId}, which it was never given.`),
    ];
  }
  const faults: Problem[] = [];
  if (instruction.isin !== confirmation.isin)
    faults.push(problem('OTHER_INSTRUMENT', `${confirmation.isin} was confirmed, ${instruction.isin} instructed.`));
  if (instruction.direction !== confirmation.direction)
    faults.push(problem('OTHER_DIRECTION', 'The movement confirmed is not the one instructed.'));
  if (instruction.payment !== confirmation.payment)
    faults.push(problem('OTHER_PAYMENT', 'Payment and free delivery do not agree.'));
  if (confirmation.settledAmount !== undefined && confirmation.settledAmount.currency !== instruction.currency) {
    faults.push(
      problem(
        'OTHER_CURRENCY',
        `${confirmation.settledAmount.currency} was confirmed, ${instruction.currency} instructed.`,
      ),
    );
  }
  if (units === undefined || units <= 0n)
    faults.push(
      problem('INVALID_QUANTITY', `${confirmation.settledQuantity.text} is no quantity of ${instruction.isin}.`),
    );
  else if ((already ?? 0n) + units > instruction.quantityUnits)
    faults.push(problem('EXCEEDS_INSTRUCTION', 'More was confirmed than instructed.'));
  if (isEnded(instruction.statused.status)) faults.push(problem('ALREADY_ENDED', 'The instruction has ended.'));
  return faults;
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
