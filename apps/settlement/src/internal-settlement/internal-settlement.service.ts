import { Injectable } from '@nestjs/common';
import { type PlainDate } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import { internalEntry } from '../instructions/instruction.js';
import { InstructionChangesService } from '../instructions/instruction-changes.service.js';
import { InstructionsService } from '../instructions/instructions.service.js';
import { LedgerService } from '../ledger/ledger.service.js';

export interface Cycle {
  /** The phase run that this cycle is. */
  readonly cycleId: string;
  readonly book: string;
  readonly businessDate: PlainDate;
}

/**
 * Settlement in the house: a cycle attempts every due instruction between our own clients as one entry
 * of delivery against payment. The ledger decides about each; what it refuses waits with its reason and
 * is attempted again by the next cycle.
 */
@Injectable()
export class InternalSettlementService {
  constructor(
    private readonly changes: InstructionChangesService,
    private readonly instructions: InstructionsService,
    private readonly ledger: LedgerService,
  ) {}

  /** One page of attempts; the last instruction's id, or null when there was none. */
  async attempt(
    tx: Tx,
    cycle: Cycle,
    afterId: string | null,
    limit: number,
  ): Promise<{ attempted: number; lastId: string | null }> {
    const due = await this.instructions.lockDueInternal(tx, cycle.book, cycle.businessDate, afterId, limit);
    const pieces = due.map((instruction) => ({
      instruction,
      entryKey: `settle:${instruction.instructionId}:${cycle.cycleId}`,
      quantityUnits: instruction.quantityUnits,
      amountMinor: instruction.payment === 'APMT' ? instruction.amountMinor : 0n,
    }));
    await this.changes.addConfirmed(
      tx,
      pieces.map(({ instruction, entryKey, quantityUnits, amountMinor }) => ({
        entryKey,
        instructionId: instruction.instructionId,
        bookId: instruction.bookId,
        quantityUnits,
        amountMinor,
        effectiveDate: cycle.businessDate,
        businessDate: cycle.businessDate,
        isFinal: true,
        shares: [],
        cycleId: cycle.cycleId,
        marketReference: null,
      })),
      () => 'service:settlement',
    );
    await this.ledger.post(
      tx,
      pieces.map(({ instruction, entryKey }) =>
        internalEntry(instruction, entryKey, { businessDate: cycle.businessDate, valueDate: cycle.businessDate }),
      ),
    );
    return { attempted: due.length, lastId: due.at(-1)?.instructionId ?? null };
  }
}
