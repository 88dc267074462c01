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

export const lateHitKey = (paymentId: string, alertId: string): string => `late-hit:${paymentId}:${alertId}`;

/** Compliance has a hit on a payment that is booked or on its way there: stopped if it has not left, else to be called back. */
export function lateHit(payment: Payment, alertId: string, isSent: boolean, dueAt: Date): NewWorkItem {
  return {
    key: lateHitKey(payment.paymentId, alertId),
    kind: isSent ? 'HIT_AFTER_SENDING' : 'HIT_BEFORE_SENDING',
    category: isSent ? 'CANCELLATION' : 'OTHER',
    objectKind: 'PAYMENT',
    objectId: payment.paymentId,
    reference: payment.endToEndId,
    reasonCode: alertId,
    bookId: payment.bookId,
    valueAtRisk: { currency: payment.currency, amountMinor: payment.amountMinor },
    ownerTeam: 'settlement-operations',
    dueAt,
    nextAction: isSent
      ? `Ask ${payment.channel} to cancel or give back the payment, and tell compliance what it answers`
      : 'It is not sent while the alert is open; when the hit is confirmed, decide with compliance what becomes of the booked money',
  };
}
