import { Injectable } from '@nestjs/common';
import { type PlainDate } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import { currencyExponent, formatDecimal } from '#libs/money/index.js';
import { type DayFigure, figuresOf } from '../figures/day-figures.js';

interface DueRow {
  readonly executionId: string;
  readonly placeId: string;
  readonly payment: string;
  readonly isCarried: boolean;
  readonly currency: string;
  readonly amountMinor: string;
  readonly processing: string;
  readonly matching: string;
  readonly reasonCode: string | null;
  readonly isComplianceHeld: boolean;
  readonly quantityUnits: string;
  readonly bookedUnits: string;
}

const placeParts: Readonly<Record<string, string>> = {
  T2S: 't2s',
  DTC: 'dtc',
  CREST: 'crest',
  JASDEC: 'jasdec',
  FUND: 'funds',
  INTERNAL: 'internal',
};
const reasonParts: Readonly<Record<string, string>> = {
  LACK: 'lack',
  CLAC: 'clac',
  MONY: 'mony',
  PRCY: 'counterpartyHold',
  SBLO: 'suspended',
};

/** A fail carried in and a free delivery are counted as such, not under their place. */
export function duePart(row: Pick<DueRow, 'isCarried' | 'payment' | 'placeId'>): string {
  if (row.isCarried) return 'carriedFails';
  if (row.payment === 'FREE') return 'freeOfPayment';
  return placeParts[row.placeId] ?? row.placeId.toLowerCase();
}

export function outcomePart(
  row: Omit<DueRow, 'isCarried' | 'payment' | 'placeId' | 'executionId' | 'currency' | 'amountMinor'>,
): string {
  const booked = BigInt(row.bookedUnits);
  if (booked === BigInt(row.quantityUnits)) return 'settled';
  if (row.isComplianceHeld) return 'heldByCompliance';
  if (booked > 0n) return 'partial';
  if (row.processing === 'REJECTED')
    return row.reasonCode === 'SAFE' || row.reasonCode === 'DEPT' ? 'deptOrSafe' : 'rejected';
  if (row.matching === 'UNMATCHED') return row.reasonCode === 'DMON' ? 'dmon' : 'noCounterpartyLeg';
  return reasonParts[row.reasonCode ?? ''] ?? 'pending';
}

/** What was due on a date in the books that worked it, and what became of it by then. */
@Injectable()
export class InstructionFigures {
  async rows(tx: Tx, businessDate: PlainDate): Promise<DayFigure[]> {
    const rows = await tx.rows<DueRow>(
      `SELECT i.execution_id AS "executionId", i.place_id AS "placeId", i.payment, i.is_carried_fail AS "isCarried", i.currency,
              i.amount_minor AS "amountMinor", i.processing_status AS processing, i.matching_status AS matching, i.reason_code AS "reasonCode",
              i.compliance_hold AS "isComplianceHeld", i.quantity_units AS "quantityUnits",
              coalesce(sum(s.quantity_units) FILTER (WHERE s.business_date <= $1), 0) AS "bookedUnits"
         FROM settlement.instruction i
         LEFT JOIN settlement.instruction_settlement s ON s.instruction_id = i.instruction_id AND s.state = 'BOOKED'
        WHERE i.settlement_date <= $1 AND i.business_date <= $1
          AND EXISTS (SELECT 1 FROM settlement.day_phase d WHERE d.book_id = i.book_id AND d.business_date = $1)
          AND (i.processing_status <> 'CANCELLED' OR i.settlement_date = $1 OR i.business_date = $1)
        GROUP BY i.instruction_id
       HAVING coalesce(sum(s.quantity_units) FILTER (WHERE s.business_date < $1), 0) < i.quantity_units
        ORDER BY i.execution_id`,
      [businessDate],
    );
    const counted = (partOf: (row: DueRow) => string) =>
      rows.map((row) => ({
        part: partOf(row),
        reference: row.executionId,
        currency: row.currency, // A free delivery moves no money, whatever its trade is worth.
        minor: row.payment === 'FREE' ? 0n : BigInt(row.amountMinor),
        scale: currencyExponent(row.currency),
      }));
    return [
      ...figuresOf('due', counted(duePart), formatDecimal),
      ...figuresOf('dueOutcome', counted(outcomePart), formatDecimal),
    ];
  }
}
