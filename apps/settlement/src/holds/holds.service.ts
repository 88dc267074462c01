import { Injectable } from '@nestjs/common';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { securitiesVersions, writeCancellationRequest, writeHoldRequest } from '#libs/iso20022/index.js';
import { idFrom } from '#libs/kernel/index.js';
import { Outbox } from '#libs/messaging/index.js';
import { WorkItems } from '#libs/work-items/index.js';
import { ExchangeOutboxService } from '../exchange/exchange-outbox.service.js';
import { type Instruction } from '../instructions/instruction.js';
import { InstructionChangesService } from '../instructions/instruction-changes.service.js';
import { afterEvent, isEnded } from '../instructions/instruction-status.js';
import { cancellationItem } from '../instructions/instruction-work-items.js';
import { InstructionsService } from '../instructions/instructions.service.js';
import { TradesService } from '../trades/trades.service.js';

const by = 'compliance';
const compliance = 'service:compliance';

/** What compliance stops and lets go, on everything that is open for a party. */
@Injectable()
export class HoldsService {
  constructor(
    private readonly instructions: InstructionsService,
    private readonly changes: InstructionChangesService,
    private readonly trades: TradesService,
    private readonly exchange: ExchangeOutboxService,
    private readonly outbox: Outbox,
    private readonly workItems: WorkItems,
  ) {}

  /**
   * A party matches a list entry: what has not left is kept here, affirmed trades included, as
   * instructions that are made and not sent; for what has left, the place is asked to hold it.
   */
  async holdParty(tx: Tx, held: PayloadOf<'compliance.party-held.v1'>): Promise<void> {
    const { partyId, alertId } = held;
    await this.changes.holdParty(tx, held, compliance);
    const trades = await this.trades.tradesOfParty(tx, partyId);
    await this.instructions.instructHeld(
      tx,
      trades.filter(({ state }) => state === 'AFFIRMED').map(({ tradeId }) => tradeId),
    );
    const open = await this.changes.lockOpenOfParty(tx, partyId);
    await this.changes.hold(tx, open, alertId, compliance);
    await this.stopAtPlace(
      tx,
      open.filter(({ isSent }) => isSent),
      alertId,
      'HOLD',
      compliance,
    );
    await this.announceHeld(tx, held, open);
  }

  /** A person decided on one instruction: it goes on, or stays stopped for good. */
  async decideInstruction(tx: Tx, decided: PayloadOf<'compliance.hold-decided.v1'>): Promise<void> {
    const instruction = (await this.changes.lock(tx, [decided.objectId])).get(decided.objectId);
    if (!instruction?.isComplianceHeld) return;
    if (decided.decision === 'RELEASED') {
      // Decided alone it goes alone, and its party stays stopped; decided by the party's own alert, the party goes too.
      const stoppedBy = decided.partyAlertId ?? decided.alertId;
      if (decided.partyAlertId === undefined) await this.changes.releaseParty(tx, stoppedBy, decided.decidedBy);
      const other = await this.changes.releaseHold(tx, instruction, stoppedBy, decided.decidedBy);
      if (other !== null) {
        // Nobody has been asked about it for the other alert yet: it had one open alert.
        await this.announceHeld(tx, other, [instruction]);
        return;
      }
      if (!isEnded(instruction.statused.status)) {
        if (instruction.isSent)
          await this.stopAtPlace(tx, [instruction], decided.alertId, 'RELEASE', decided.decidedBy);
        else await this.instructions.release(tx, [instruction.instructionId]);
      }
      await this.workItems.close(
        tx,
        `cancellation:${instruction.instructionId}`,
        'compliance released the instruction',
        decided.decidedBy,
      );
      return;
    }
    if (instruction.isSent) {
      await this.cancelAtPlace(tx, instruction, decided.alertId, decided.decidedBy);
      return;
    }
    if (instruction.confirmedQuantityUnits > instruction.settledQuantityUnits) {
      // An attempt of the house's own cycle is with the ledger: what it books cannot be cancelled any more.
      await this.workItems.open(tx, cancellationItem(instruction, decided.alertId, await this.inAnHour(tx)), by);
      return;
    }
    const cancelled = afterEvent(instruction.statused, { kind: 'CANCELLED', reason: 'CANI' });
    if (cancelled === undefined) return;
    await this.changes.saveStatuses(tx, [{ instruction, statused: cancelled }], decided.decidedBy);
    await this.trades.markCancelled(tx, [instruction.tradeId], 'compliance confirmed the hit');
  }

  private async announceHeld(
    tx: Tx,
    { partyId, alertId }: { partyId: string; alertId: string },
    held: readonly Instruction[],
  ): Promise<void> {
    await this.outbox.add(tx, 'settlement.party-hold-applied.v1', {
      partyId,
      alertId,
      objects: held.map(({ instructionId, executionId, bookId, isSent }) => ({
        objectKind: 'INSTRUCTION' as const,
        objectId: instructionId,
        reference: executionId,
        book: bookId,
        wasSent: isSent,
      })),
    });
  }

  private async stopAtPlace(
    tx: Tx,
    sent: readonly Instruction[],
    alertId: string,
    kind: 'HOLD' | 'RELEASE',
    who: string,
  ): Promise<void> {
    if (sent.length === 0) return;
    const asked = await this.changes.countRequests(
      tx,
      sent.map(({ instructionId }) => instructionId),
    );
    const external = sent
      .filter(({ placeKind }) => placeKind === 'EXTERNAL')
      .map((instruction) => {
        const n = asked.get(instruction.instructionId) ?? 0;
        return { instruction, messageId: idFrom('hld', instruction.instructionId, alertId, kind, String(n)) };
      });
    await this.exchange.send(
      tx,
      external.map(({ instruction, messageId }) => ({
        channel: instruction.placeId,
        messageId,
        type: securitiesVersions.modification,
        document: writeHoldRequest({ transactionIds: [instruction.instructionId], isHeld: kind === 'HOLD' }),
      })),
    );
    await this.changes.recordRequests(
      tx,
      external.map(({ instruction, messageId }) => ({
        messageId,
        instructionId: instruction.instructionId,
        bookId: instruction.bookId,
        kind,
        alertId,
      })),
      who,
    );
    if (kind === 'RELEASE') return;
    const dueAt = await this.inAnHour(tx);
    await this.workItems.openMany(
      tx,
      external.map(({ instruction }) => cancellationItem(instruction, alertId, dueAt)),
      by,
    );
  }

  private async inAnHour(tx: Tx): Promise<Date> {
    const due = await tx.row<{ at: Date }>(`SELECT kernel.now() + interval '1 hour' AS at`);
    return due?.at ?? new Date();
  }

  private async cancelAtPlace(tx: Tx, instruction: Instruction, alertId: string, who: string): Promise<void> {
    const requested = afterEvent(instruction.statused, { kind: 'CANCELLATION_REQUESTED' });
    if (requested === undefined) return;
    const messageId = idFrom('cxl', instruction.instructionId, alertId);
    await this.exchange.send(tx, [
      {
        channel: instruction.placeId,
        messageId,
        type: securitiesVersions.cancellation,
        document: writeCancellationRequest({
          transactionId: instruction.instructionId,
          direction: instruction.direction,
          payment: instruction.payment,
        }),
      },
    ]);
    await this.changes.recordRequests(
      tx,
      [{ messageId, instructionId: instruction.instructionId, bookId: instruction.bookId, kind: 'CANCEL', alertId }],
      who,
    );
    await this.changes.saveStatuses(tx, [{ instruction, statused: requested }], who);
  }
}
