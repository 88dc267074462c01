import { Injectable } from '@nestjs/common';
import { type Actor, AuditTrail, subjectOf } from '#libs/audit/index.js';
import { type PlainDate } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import { type Instruction, type NewInstruction } from './instruction.js';
import { type Statused } from './instruction-status.js';
import {
  type BookedPiece,
  type DecidedPiece,
  type Decision,
  InstructionsRepository,
  type NewExcess,
  type NewPiece,
  type PartyHold,
} from './instructions.repository.js';

export interface StatusChange {
  readonly instruction: Instruction;
  readonly statused: Statused;
}

/** A refused attempt, with the ledger's code. */
export interface RefusedPiece extends DecidedPiece {
  readonly bookId: string;
  readonly refusalCode: string;
}

const objectKind = 'INSTRUCTION';
const stateOf = ({ status, reason }: Statused) => ({ ...status, reason });

/**
 * The only way to change an instruction: each change is written with its leaf in the audit log, in
 * one statement for any number of them.
 */
@Injectable()
export class InstructionChangesService {
  constructor(
    private readonly repository: InstructionsRepository,
    private readonly audit: AuditTrail,
  ) {}

  async lock(tx: Tx, instructionIds: readonly string[]): Promise<Map<string, Instruction>> {
    return this.repository.lock(tx, instructionIds);
  }

  async lockOpenOfParty(tx: Tx, partyId: string): Promise<Instruction[]> {
    return this.repository.openOfParty(tx, partyId);
  }

  /** Answers the ids of those that are new. */
  async create(
    tx: Tx,
    instructions: readonly NewInstruction[],
    businessDate: PlainDate,
    by: Actor,
  ): Promise<Set<string>> {
    const fresh = await this.repository.insert(tx, instructions, businessDate);
    await this.audit.appendMany(
      tx,
      instructions
        .filter(({ instructionId }) => fresh.has(instructionId))
        .map(({ instructionId, trade, direction, payment, complianceAlertId }) => ({
          action: complianceAlertId === null ? 'instruction.created' : 'instruction.created-held',
          objectKind,
          objectId: instructionId,
          bookId: trade.bookId,
          principal: by,
          ...(complianceAlertId === null ? {} : { reason: complianceAlertId }),
          after: {
            tradeId: trade.tradeId,
            placeId: trade.placeId,
            direction,
            payment,
            isin: trade.isin,
            quantityUnits: trade.quantityUnits.toString(),
            amountMinor: trade.amountMinor.toString(),
            currency: trade.currency,
            settlementDate: trade.settlementDate,
            businessDate,
          },
        })),
    );
    return fresh;
  }

  async saveStatuses(
    tx: Tx,
    changes: readonly StatusChange[],
    byOf: Actor | ((change: StatusChange) => Actor),
  ): Promise<void> {
    await this.repository.saveStatuses(
      tx,
      changes.map(({ instruction, statused }) => ({ instructionId: instruction.instructionId, statused })),
    );
    await this.audit.appendMany(
      tx,
      changes.map((change) => ({
        action: 'instruction.status-changed',
        objectKind,
        objectId: change.instruction.instructionId,
        bookId: change.instruction.bookId,
        principal: typeof byOf === 'function' ? byOf(change) : byOf,
        ...(change.statused.reason === null ? {} : { reason: change.statused.reason }),
        after: stateOf(change.statused),
      })),
    );
  }

  /** Pieces that a place confirmed, or that a cycle attempts. */
  async addConfirmed(tx: Tx, pieces: readonly NewPiece[], byOf: (piece: NewPiece) => Actor): Promise<void> {
    await this.repository.addConfirmed(tx, pieces);
    await this.audit.appendMany(
      tx,
      pieces.map((piece) => ({
        action: piece.cycleId === null ? 'instruction.confirmed' : 'instruction.attempted',
        objectKind,
        objectId: piece.instructionId,
        bookId: piece.bookId,
        principal: byOf(piece),
        after: {
          entryKey: piece.entryKey,
          quantityUnits: piece.quantityUnits.toString(),
          amountMinor: piece.amountMinor.toString(),
          effectiveDate: piece.effectiveDate,
          businessDate: piece.businessDate,
        },
      })),
    );
  }

  /** What a refused attempt had claimed is free again. */
  async dropConfirmed(tx: Tx, refused: readonly RefusedPiece[], by: Actor): Promise<void> {
    await this.repository.dropConfirmed(tx, refused);
    await this.audit.appendMany(
      tx,
      refused.map(({ entryKey, instructionId, bookId, refusalCode }) => ({
        action: 'instruction.attempt-refused',
        objectKind,
        objectId: instructionId,
        bookId,
        principal: by,
        reason: refusalCode,
        after: { entryKey },
      })),
    );
  }

  /** A status together with what was booked: one change, because a settled instruction takes no second one. */
  async saveBooked(tx: Tx, booked: readonly (BookedPiece & { instruction: Instruction })[], by: Actor): Promise<void> {
    await this.repository.saveBooked(
      tx,
      booked.map(({ instruction: _instruction, ...row }) => row),
    );
    await this.audit.appendMany(
      tx,
      booked.map(({ instruction, statused, settledQuantityUnits, settledAmountMinor, entryId }) => ({
        action: statused.status.settlement === 'SETTLED' ? 'instruction.settled' : 'instruction.settled-in-part',
        objectKind,
        objectId: instruction.instructionId,
        bookId: instruction.bookId,
        principal: by,
        after: {
          ...stateOf(statused),
          settledQuantityUnits: settledQuantityUnits.toString(),
          settledAmountMinor: settledAmountMinor.toString(),
          entryId,
        },
      })),
    );
  }

  /** What places confirmed beyond their instructions: facts too, that go to suspense. */
  async addExcesses(tx: Tx, excesses: readonly NewExcess[], by: Actor): Promise<void> {
    await this.repository.addExcesses(tx, excesses);
    await this.audit.appendMany(
      tx,
      excesses.map(({ entryKey, instructionId, bookId, quantityUnits, amountMinor, effectiveDate, businessDate }) => ({
        action: 'instruction.confirmed-above',
        objectKind,
        objectId: instructionId,
        bookId,
        principal: by,
        after: {
          entryKey,
          quantityUnits: quantityUnits.toString(),
          amountMinor: amountMinor.toString(),
          effectiveDate,
          businessDate,
        },
      })),
    );
  }

  async decideExcesses(tx: Tx, decided: readonly Decision[], by: Actor): Promise<Set<string>> {
    const changed = await this.repository.decideExcesses(tx, decided);
    await this.audit.appendMany(
      tx,
      decided
        .flatMap((decision) => {
          const excess = changed.get(decision.entryKey);
          return excess === undefined ? [] : [{ ...excess, ...decision }];
        })
        .map(({ instructionId, bookId, entryKey, entryId, state, refusalCode }) => ({
          action: state === 'BOOKED' ? 'instruction.excess-booked' : 'instruction.excess-refused',
          objectKind,
          objectId: instructionId,
          bookId,
          principal: by,
          ...(refusalCode === null ? {} : { reason: refusalCode }),
          after: { entryKey, entryId },
        })),
    );
    return new Set(changed.keys());
  }

  // ---- what compliance stops and lets go ----------------------------------------------------------------------

  async holdParty(tx: Tx, hold: PartyHold & { listVersionId: string }, by: Actor): Promise<void> {
    await this.repository.lockHolds(tx);
    if (!(await this.repository.recordPartyHold(tx, hold))) return;
    await this.audit.append(tx, {
      action: 'party.held',
      objectKind: 'PARTY',
      objectId: hold.partyId,
      principal: by,
      reason: hold.alertId,
      after: { alertId: hold.alertId, listVersionId: hold.listVersionId },
    });
  }

  async releaseParty(tx: Tx, alertId: string, by: Actor): Promise<void> {
    const partyId = await this.repository.releasePartyHold(tx, alertId);
    if (partyId === null) return;
    await this.audit.append(tx, {
      action: 'party.hold-released',
      objectKind: 'PARTY',
      objectId: partyId,
      principal: by,
      reason: alertId,
      after: { alertId, isHeld: false },
    });
  }

  async hold(tx: Tx, instructions: readonly Instruction[], alertId: string, by: Actor): Promise<void> {
    const held = await this.repository.setComplianceHold(
      tx,
      instructions.map(({ instructionId }) => instructionId),
      alertId,
    );
    await this.recordHold(
      tx,
      instructions.filter(({ instructionId }) => held.has(instructionId)),
      'instruction.held',
      alertId,
      by,
    );
  }

  /** Lets an instruction go, unless another alert stops one of its parties too: that one is answered. */
  async releaseHold(tx: Tx, instruction: Instruction, alertId: string, by: Actor): Promise<PartyHold | null> {
    await this.repository.recordRelease(tx, instruction.instructionId, alertId, subjectOf(by));
    const other = await this.repository.holdOf(tx, instruction.instructionId);
    if (other === null) {
      await this.repository.clearComplianceHold(tx, instruction.instructionId);
      await this.recordHold(tx, [instruction], 'instruction.released', alertId, by);
      return null;
    }
    await this.repository.passComplianceHold(tx, instruction.instructionId, other.alertId);
    await this.recordHold(tx, [instruction], 'instruction.still-held', other.alertId, by);
    return other;
  }

  private async recordHold(
    tx: Tx,
    instructions: readonly Instruction[],
    action: string,
    alertId: string,
    by: Actor,
  ): Promise<void> {
    await this.audit.appendMany(
      tx,
      instructions.map(({ instructionId, bookId }) => ({
        action,
        objectKind,
        objectId: instructionId,
        bookId,
        principal: by,
        reason: alertId,
        after: { isComplianceHeld: action !== 'instruction.released', alertId },
      })),
    );
  }

  /** How often a place was asked something about each of these. */
  async countRequests(tx: Tx, instructionIds: readonly string[]): Promise<Map<string, number>> {
    return this.repository.countRequests(tx, instructionIds);
  }

  /** What a place is asked to hold, to release or to cancel. */
  async recordRequests(
    tx: Tx,
    requests: Parameters<InstructionsRepository['recordRequests']>[1],
    by: Actor,
  ): Promise<void> {
    await this.repository.recordRequests(tx, requests);
    await this.audit.appendMany(
      tx,
      requests.map(({ messageId, instructionId, bookId, kind, alertId }) => ({
        action: `instruction.${kind.toLowerCase()}-requested`,
        objectKind,
        objectId: instructionId,
        bookId,
        principal: by,
        ...(alertId === null ? {} : { reason: alertId }),
        after: { messageId },
      })),
    );
  }
}
