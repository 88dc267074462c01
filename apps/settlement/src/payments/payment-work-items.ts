import { type NewWorkItem } from '#libs/work-items/index.js';
import { type Payment } from './payment.js';

/** The agent sent the money back, and the ledger did not book it. */
export function returnNotBooked(payment: Payment, key: string, reasonCode: string, dueAt: Date): NewWorkItem {
  return {
    key,
    kind: 'RETURN_NOT_BOOKED',
    category: 'OTHER',
    objectKind: 'PAYMENT',
    objectId: payment.paymentId,
    reference: payment.endToEndId,
    reasonCode,
    bookId: payment.bookId,
    valueAtRisk: { currency: payment.currency, amountMinor: payment.amountMinor },
    ownerTeam: 'settlement-operations',
    dueAt,
    nextAction: `Book the money that ${payment.channel} sent back by hand, or find out whose it is`,
  };
}
