/**
 * The life of a payment order. A held payment cannot be booked: there is no way from HELD to BOOKING
 * but through the release, which is READY.
 */
export const paymentStatuses = [
  'RECEIVED',
  'REFUSED',
  'SCREENING',
  'HELD',
  'STOPPED',
  'READY',
  'BOOKING',
  'BOOKED',
  'EXECUTED',
  'RETURNED',
] as const;
export type PaymentStatus = (typeof paymentStatuses)[number];

/** From '' is how a payment begins. A migration took its text from here: what came later stands below. */
export const paymentTransitions: readonly (readonly [from: PaymentStatus | '', to: PaymentStatus])[] = [
  ['', 'SCREENING'],
  ['', 'REFUSED'],
  ['SCREENING', 'HELD'],
  ['SCREENING', 'READY'],
  ['HELD', 'READY'],
  ['HELD', 'STOPPED'],
  ['READY', 'HELD'],
  ['READY', 'BOOKING'],
  ['BOOKING', 'BOOKED'],
  ['BOOKING', 'REFUSED'],
  ['BOOKED', 'EXECUTED'],
  ['BOOKED', 'RETURNED'],
  ['EXECUTED', 'RETURNED'],
];

/** Its date closed before it was booked: it goes to the next one. */
export const laterPaymentTransitions: typeof paymentTransitions = [['BOOKING', 'READY']];

const declared = new Set([...paymentTransitions, ...laterPaymentTransitions].map(([from, to]) => `${from}>${to}`));
export const isPaymentTransition = (from: PaymentStatus | '', to: PaymentStatus): boolean =>
  declared.has(`${from}>${to}`);

/** Why a payment was refused; the first two are ours, the others the ledger's word. */
export const paymentRefusals = [
  'INVALID_IBAN',
  'INVALID_PAYMENT',
  'INSUFFICIENT_FUNDS',
  'ACCOUNT_CLOSED',
  'LIMIT_EXCEEDED',
] as const;
