import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type PlainDate } from '#libs/calendar/index.js';
import { type ItemToPost } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { readSettlementConfirmation, type SettlementConfirmation, unitsFromDecimal } from '#libs/iso20022/index.js';
import { problem, type Problem } from '#libs/kernel/index.js';
import { WorkItems } from '#libs/work-items/index.js';
import { ExchangeHandlersService, type InboundMessage, messageItemKey } from '../exchange/exchange-handlers.service.js';
import { type DecidedEntry, LedgerService } from '../ledger/ledger.service.js';
import { TradesService } from '../trades/trades.service.js';
import { faultsOf, splitConfirmed } from './confirmation.js';
import {
  type Allocation,
  excessEntry,
  excessKey,
  externalEntry,
  type Instruction,
  isExcessKey,
  reasonOfRefusal,
  sharesOf,
} from './instruction.js';
import { InstructionChangesService, type RefusedPiece, type StatusChange } from './instruction-changes.service.js';
import { afterBooking, afterEvent } from './instruction-status.js';
import { excessItem, exceptionKeys, wrongConfirmation } from './instruction-work-items.js';
import { InstructionsRepository, type NewExcess, type NewPiece } from './instructions.repository.js';

const by = 'settlement';
const accounting = 'service:accounting';

/** What places confirm and cycles attempt, and what the ledger makes of it. */
@Injectable()
export class SettlementsService implements OnModuleInit {
  constructor(
    private readonly repository: InstructionsRepository,
    private readonly changes: InstructionChangesService,
    private readonly trades: TradesService,
    private readonly handlers: ExchangeHandlersService,
    private readonly ledger: LedgerService,
    private readonly workItems: WorkItems,
  ) {}

  onModuleInit(): void {
    this.handlers.register('sese.025', (tx, messages) => this.receiveConfirmations(tx, messages));
  }

  // ---- in: confirmations --------------------------------------------------------------------------------------

  /**
   * What a place confirms is booked as it was confirmed: its quantity, its amount, its date. The client
   * gets what was instructed for him; what exceeds it is as much a fact, and waits on the suspense
   * account for a person.
   */
  async receiveConfirmations(tx: Tx, messages: readonly InboundMessage[]): Promise<Map<string, readonly Problem[]>> {
    const refused = new Map<string, readonly Problem[]>();
    const confirmations: { messageId: string; channel: string; confirmation: SettlementConfirmation }[] = [];
    for (const { messageId, channel, document } of messages) {
      const read = readSettlementConfirmation(document);
      if (read.ok) confirmations.push({ messageId, channel, confirmation: read.value });
      else refused.set(messageId, read.problems);
    }
    const ids = [...new Set(confirmations.map(({ confirmation }) => confirmation.transactionId))];
    const known = await this.changes.lock(tx, ids);
    const earlier = await this.repository.sharesBefore(
      tx,
      [...known.values()].filter(({ allocations }) => allocations.length > 0).map(({ instructionId }) => instructionId),
    );
    const confirmed = new Map<string, { quantityUnits: bigint; amountMinor: bigint }>();
    const pieces: NewPiece[] = [];
    const excesses: (NewExcess & { instruction: Instruction })[] = [];
    const entries: ItemToPost[] = [];
    const wrong: { instruction: Instruction; key: string; faults: readonly Problem[] }[] = [];
    const dates = new Map<string, PlainDate>();
    for (const { messageId, channel, confirmation } of confirmations) {
      const instruction = known.get(confirmation.transactionId);
      const units = instruction && unitsFromDecimal(confirmation.settledQuantity.text, instruction.quantityScale);
      const faults = faultsOf(instruction, channel, confirmation, units);
      if (instruction === undefined || units === undefined || faults.length > 0) {
        refused.set(messageId, faults);
        if (instruction !== undefined) wrong.push({ instruction, key: messageItemKey(channel, messageId), faults });
        continue;
      }
      const { instructionId, bookId } = instruction;
      let businessDate = dates.get(bookId);
      if (businessDate === undefined) dates.set(bookId, (businessDate = await this.trades.bookingDate(tx, bookId)));
      const valueDate = confirmation.effectiveDate;
      const already = confirmed.get(instructionId) ?? {
        quantityUnits: instruction.confirmedQuantityUnits,
        amountMinor: instruction.confirmedAmountMinor,
      };
      const { piece, excess } = splitConfirmed(
        instruction,
        { quantityUnits: units, amountMinor: confirmation.settledAmount?.amountMinor ?? 0n },
        already,
      );
      const fact = { instructionId, bookId, effectiveDate: valueDate, businessDate };
      if (piece !== undefined) {
        const before: Allocation[][] = earlier.get(instructionId) ?? [];
        const shares = sharesOf(instruction, piece, before);
        earlier.set(instructionId, [...before, shares]);
        const now = already.quantityUnits + piece.quantityUnits;
        confirmed.set(instructionId, { quantityUnits: now, amountMinor: already.amountMinor + piece.amountMinor });
        const entryKey = `settle:${instructionId}:${messageId}`;
        pieces.push({
          ...fact,
          ...piece,
          entryKey,
          isFinal: now === instruction.quantityUnits,
          shares,
          cycleId: null,
          marketReference: confirmation.marketReference ?? messageId,
        });
        entries.push(externalEntry(instruction, entryKey, piece, shares, { businessDate, valueDate }));
      }
      if (excess !== undefined) {
        const entryKey = excessKey(instructionId, messageId);
        excesses.push({ ...fact, ...excess, instruction, entryKey, messageId });
        entries.push(excessEntry(instruction, entryKey, excess, { businessDate, valueDate }));
      }
    }
    const from = messages[0]?.channel ?? '';
    await this.changes.addConfirmed(
      tx,
      pieces,
      ({ instructionId }) => `exchange:${known.get(instructionId)?.placeId ?? from}`,
    );
    await this.changes.addExcesses(tx, excesses, `exchange:${from}`);
    await this.ledger.postFacts(tx, entries);
    const dueAt = await this.repository.inTwoHours(tx);
    await this.workItems.openMany(
      tx,
      [
        ...wrong.map(({ instruction, key, faults }) => wrongConfirmation(instruction, key, faults, dueAt)),
        ...excesses.map((excess) => excessItem(excess.instruction, excess, dueAt)),
      ],
      by,
    );
    return refused;
  }

  // ---- the ledger's answers -----------------------------------------------------------------------------------

  /** Booked is settled, and only then; a refused internal attempt waits with its reason for the next cycle. */
  async entriesDecided(tx: Tx, all: readonly DecidedEntry[]): Promise<void> {
    await this.excessesDecided(
      tx,
      all.filter(({ key }) => isExcessKey(key)),
    );
    const outcomes = all.filter(({ key }) => !isExcessKey(key));
    const keys = outcomes.map(({ key }) => key);
    const known = await this.changes.lock(tx, await this.repository.instructionsOfPieces(tx, keys));
    const pieces = await this.repository.decidePieces(
      tx,
      outcomes.map((outcome) => ({
        entryKey: outcome.key,
        state: outcome.outcome === 'POSTED' ? ('BOOKED' as const) : ('REFUSED' as const),
        entryId: outcome.outcome === 'POSTED' ? outcome.entryId : null,
        refusalCode: outcome.outcome === 'REFUSED' ? outcome.code : null,
        businessDate: outcome.businessDate ?? null,
      })),
    );
    const booked = new Map<string, { instruction: Instruction; quantity: bigint; amount: bigint; entryId: string }>();
    const refusals: StatusChange[] = [];
    const dropped: RefusedPiece[] = [];
    const notBooked: { instruction: Instruction; key: string; fault: Problem }[] = [];
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
        dropped.push({ ...piece, bookId: instruction.bookId, refusalCode: outcome.code });
        const statused = afterEvent(instruction.statused, { kind: 'PENDING', reason: reasonOfRefusal(outcome.code) });
        if (statused !== undefined) refusals.push({ instruction, statused });
      } else {
        // A confirmed fact that the ledger would not take: nobody may lose it.
        notBooked.push({ instruction, key: outcome.key, fault: problem(outcome.code, outcome.message) });
      }
    }
    const saved = [...booked.values()].map(({ instruction, quantity, amount, entryId }) => {
      const isDone = quantity === instruction.quantityUnits;
      return {
        instruction,
        isDone,
        instructionId: instruction.instructionId,
        statused: afterBooking(instruction.statused, isDone),
        settledQuantityUnits: quantity,
        settledAmountMinor: amount,
        entryId,
      };
    });
    await this.changes.dropConfirmed(tx, dropped, accounting);
    await this.changes.saveBooked(tx, saved, accounting);
    await this.changes.saveStatuses(tx, refusals, accounting);
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
    if (notBooked.length === 0) return;
    const dueAt = await this.repository.inTwoHours(tx);
    await this.workItems.openMany(
      tx,
      notBooked.map(({ instruction, key, fault }) =>
        wrongConfirmation(instruction, `confirmation:${key}`, [fault], dueAt),
      ),
      by,
    );
  }

  private async excessesDecided(tx: Tx, outcomes: readonly DecidedEntry[]): Promise<void> {
    if (outcomes.length === 0) return;
    const decided = await this.changes.decideExcesses(
      tx,
      outcomes.map((outcome) => ({
        entryKey: outcome.key,
        state: outcome.outcome === 'POSTED' ? ('BOOKED' as const) : ('REFUSED' as const),
        entryId: outcome.outcome === 'POSTED' ? outcome.entryId : null,
        refusalCode: outcome.outcome === 'REFUSED' ? outcome.code : null,
        businessDate: outcome.businessDate ?? null,
      })),
      accounting,
    );
    const refused = outcomes.flatMap((outcome) =>
      outcome.outcome === 'REFUSED' && decided.has(outcome.key) ? [outcome] : [],
    );
    if (refused.length === 0) return;
    const known = await this.changes.lock(
      tx,
      refused.map(({ subject }) => subject.id),
    );
    const dueAt = await this.repository.inTwoHours(tx);
    await this.workItems.openMany(
      tx,
      refused.flatMap((outcome) => {
        const instruction = known.get(outcome.subject.id);
        return instruction === undefined
          ? []
          : [
              wrongConfirmation(
                instruction,
                `confirmation:${outcome.key}`,
                [problem(outcome.code, outcome.message)],
                dueAt,
              ),
            ];
      }),
      by,
    );
  }
}
