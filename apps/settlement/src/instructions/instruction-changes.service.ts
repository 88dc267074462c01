import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { type Instruction } from './instruction.js';
import { type Statused } from './instruction-status.js';
import { InstructionsRepository, type NewPiece, type PartyHold } from './instructions.repository.js';

/** How other features reach the instructions they stop, let go or attempt. */
@Injectable()
export class InstructionChangesService {
  constructor(private readonly repository: InstructionsRepository) {}

  async lock(tx: Tx, instructionIds: readonly string[]): Promise<Map<string, Instruction>> {
    return this.repository.lock(tx, instructionIds);
  }

  async lockOpenOfParty(tx: Tx, partyId: string): Promise<Instruction[]> {
    return this.repository.openOfParty(tx, partyId);
  }

  async saveStatuses(tx: Tx, changes: readonly { instructionId: string; statused: Statused }[]): Promise<void> {
    await this.repository.saveStatuses(tx, changes);
  }

  async addConfirmed(tx: Tx, pieces: readonly NewPiece[]): Promise<void> {
    await this.repository.addConfirmed(tx, pieces);
  }

  // ---- what compliance stops and lets go ----------------------------------------------------------------------

  async holdParty(tx: Tx, hold: PartyHold & { listVersionId: string }): Promise<void> {
    await this.repository.recordPartyHold(tx, hold);
  }

  async releaseParty(tx: Tx, alertId: string): Promise<void> {
    await this.repository.releasePartyHold(tx, alertId);
  }

  async hold(tx: Tx, instructionIds: readonly string[], alertId: string): Promise<void> {
    await this.repository.setComplianceHold(tx, instructionIds, alertId);
  }

  async releaseHold(tx: Tx, instructionId: string): Promise<void> {
    await this.repository.clearComplianceHold(tx, instructionId);
  }

  /** How often a place was asked something about each of these. */
  async countRequests(tx: Tx, instructionIds: readonly string[]): Promise<Map<string, number>> {
    return this.repository.countRequests(tx, instructionIds);
  }

  async recordRequests(tx: Tx, requests: Parameters<InstructionsRepository['recordRequests']>[1]): Promise<void> {
    await this.repository.recordRequests(tx, requests);
  }
}
