import { Injectable } from '@nestjs/common';
import { type PlainDate } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import { currencyExponent, formatDecimal } from '#libs/money/index.js';
import { type DayFigure, figuresOf } from '../figures/day-figures.js';
import { type PaymentStatus } from './payment-status.js';

const refusedParts: Readonly<Record<string, string>> = {
  INSUFFICIENT_FUNDS: 'refused.funds',
  ACCOUNT_CLOSED: 'refused.closedAccount',
  INVALID_IBAN: 'refused.iban',
  LIMIT_EXCEEDED: 'refused.limit',
};

export function paymentPart(row: { status: PaymentStatus; refusalCode: string | null; isNextDate: boolean }): string {
  if (row.status === 'REFUSED') return refusedParts[row.refusalCode ?? ''] ?? 'refused.other';
  if (row.status === 'HELD' || row.status === 'STOPPED') return 'held';
  if (row.isNextDate) return 'nextDate';
  if (row.status === 'RETURNED') return 'returned';
  if (row.status === 'BOOKED' || row.status === 'EXECUTED') return 'booked';
  return 'waiting';
}

/** What became of the payments of a date, those that came for the next one, and what came twice. */
@Injectable()
export class PaymentFigures {
  async rows(tx: Tx, businessDate: PlainDate): Promise<DayFigure[]> {
    const payments = await tx.rows<{
      reference: string;
      status: PaymentStatus;
      refusalCode: string | null;
      currency: string;
      amountMinor: string;
      isNextDate: boolean;
    }>(
      `SELECT end_to_end_id AS reference, status, refusal_code AS "refusalCode", currency, amount_minor AS "amountMinor", business_date > $1 AS "isNextDate"
         FROM settlement.payment WHERE received_date = $1 OR business_date = $1 ORDER BY end_to_end_id`,
      [businessDate],
    );
    const replays = await tx.rows<{ kind: string; reference: string }>(
      `SELECT kind, reference FROM settlement.payment_replay WHERE business_date = $1 ORDER BY n`,
      [businessDate],
    );
    return [
      ...figuresOf(
        'payments',
        payments.map((row) => ({
          part: paymentPart(row),
          reference: row.reference,
          currency: row.currency,
          minor: BigInt(row.amountMinor),
          scale: currencyExponent(row.currency),
        })),
        formatDecimal,
      ),
      ...figuresOf(
        'paymentReplays',
        replays.map(({ kind, reference }) => ({ part: kind === 'REPLAY' ? 'replays' : 'keyReused', reference })),
        formatDecimal,
      ),
    ];
  }
}
