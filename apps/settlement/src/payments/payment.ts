import { isPlainDate, type PlainDate } from '#libs/calendar/index.js';
import { type EventToPost } from '#libs/contracts/index.js';
import { isIban } from '#libs/identifiers/index.js';
import { canonicalJson, idFrom, problem, type Problem, sha256Hex } from '#libs/kernel/index.js';
import { currencyExponent, isCurrency, parseDecimal } from '#libs/money/index.js';
import { type Calendars } from '../calendars/calendars.js';
import { ledgerKey } from '../ledger/fact-entry.js';
import { type PaymentStatus } from './payment-status.js';

/** A payment as a customer or an application asks for it; amounts are decimal text. */
export interface PaymentRequest {
  readonly endToEndId: string;
  readonly debtorAccount: string;
  readonly creditorName: string;
  readonly creditorIban?: string | null;
  readonly creditorAccount?: string | null;
  readonly creditorCountry?: string | null;
  readonly amount: string;
  readonly currency: string;
  readonly executionDate?: PlainDate | null;
  readonly remittance?: string | null;
}

export const paymentIdOf = (source: string, endToEndId: string): string => idFrom('pay', source, endToEndId);

export const contentHashOf = (request: PaymentRequest): string =>
  sha256Hex(canonicalJson(Object.fromEntries(Object.entries(request).map(([key, value]) => [key, value ?? null]))));

export interface DebtorFact {
  readonly account: string;
  readonly bookId: string;
  readonly currencies: readonly string[];
}

export interface ValidPayment {
  readonly bookId: string;
  readonly amountMinor: bigint;
  readonly creditorAccount: string;
  /** Present when the payment is stored and refused, e.g. for an IBAN that does not exist. */
  readonly refusal: Problem | undefined;
}

const printable = /^\P{Cc}+$/u;

/**
 * Two kinds of fault: what makes no payment at all is answered and not kept (`problems`); a payment
 * that is one but cannot be made is kept as refused. All faults are told at once.
 */
export function validatePayment(
  request: PaymentRequest,
  debtor: DebtorFact | undefined,
): { problems: Problem[]; valid?: ValidPayment } {
  const problems: Problem[] = [];
  const text = (field: 'endToEndId' | 'creditorName', max: number) => {
    const value = request[field];
    if (value.trim() === '') problems.push(problem('REQUIRED', `${field} is required.`, [field]));
    else if (Array.from(value).length > max)
      problems.push(problem('TOO_LONG', `${field} has at most ${max} characters.`, [field]));
    else if (!printable.test(value))
      problems.push(
        problem(value.includes('\u0000') ? 'NUL_BYTE' : 'INVALID_TEXT', `${field} holds control characters.`, [field]),
      );
  };
  text('endToEndId', 35);
  text('creditorName', 140);
  if (debtor === undefined)
    problems.push(problem('UNKNOWN_ACCOUNT', `${request.debtorAccount} is no account of a client.`, ['debtorAccount']));
  let amountMinor = 0n;
  if (!isCurrency(request.currency))
    problems.push(problem('INVALID_CURRENCY', `${request.currency} is no currency of ISO 4217.`, ['currency']));
  else {
    if (debtor && !debtor.currencies.includes(request.currency)) {
      problems.push(
        problem('ACCOUNT_HAS_NO_SUCH_CURRENCY', `${request.debtorAccount} holds no ${request.currency}.`, ['currency']),
      );
    }
    const read = parseDecimal(request.amount, currencyExponent(request.currency));
    if (!read.ok) problems.push(...read.problems.map(({ code, message }) => problem(code, message, ['amount'])));
    else if (read.value <= 0n) problems.push(problem('INVALID_AMOUNT', 'An amount is above zero.', ['amount']));
    else amountMinor = read.value;
  }
  if (request.executionDate && !isPlainDate(request.executionDate))
    problems.push(problem('INVALID_DATE', `${request.executionDate} is no date.`, ['executionDate']));
  const creditorAccount = (request.creditorIban ?? request.creditorAccount ?? '').replaceAll(' ', '');
  if (creditorAccount === '')
    problems.push(problem('REQUIRED', 'The creditor needs an IBAN or an account.', ['creditorIban']));
  else if (creditorAccount.length > 34 || !printable.test(creditorAccount))
    problems.push(problem('INVALID_ACCOUNT', 'An account has at most 34 characters.', ['creditorAccount']));
  if (problems.length > 0 || debtor === undefined) return { problems };
  const isWrongIban = Boolean(request.creditorIban) && !isIban(creditorAccount);
  const refusal = isWrongIban
    ? problem('INVALID_IBAN', 'The IBAN does not exist: its check digits or its length are wrong.', ['creditorIban'])
    : undefined;
  return { problems: [], valid: { bookId: debtor.bookId, amountMinor, creditorAccount, refusal } };
}

export interface CutOff {
  readonly localTime: string;
  readonly zone: string;
  readonly calendarId: string;
}

export interface BookDates {
  readonly businessDate: PlainDate;
  readonly isOpen: boolean;
  readonly nextBusinessDate: PlainDate;
}

/**
 * The date a payment is booked on: the book's, unless it asks for a later one, its currency is closed,
 * or it came after the currency's cut-off, which is wall time in the currency's own zone.
 */
export function bookingDateOf(
  request: { executionDate?: PlainDate | null },
  now: Date,
  day: BookDates,
  cutOff: CutOff | undefined,
  calendars: Calendars,
): { businessDate: PlainDate; receivedDate: PlainDate; cutOffAt: Date | null } {
  const receivedDate = day.isOpen ? day.businessDate : day.nextBusinessDate;
  const cutOffAt = cutOff ? calendars.cutOffAt(cutOff.calendarId, receivedDate, cutOff.localTime, cutOff.zone) : null;
  const isLate = cutOffAt !== null && now >= cutOffAt;
  const earliest = isLate && day.isOpen ? day.nextBusinessDate : receivedDate;
  const asked = request.executionDate && request.executionDate > earliest ? request.executionDate : earliest;
  const businessDate = cutOff ? calendars.businessDayFrom(cutOff.calendarId, asked) : asked;
  return { businessDate, receivedDate, cutOffAt };
}

export interface Payment {
  readonly paymentId: string;
  readonly bookId: string;
  readonly endToEndId: string;
  readonly debtorAccount: string;
  readonly currency: string;
  readonly amountMinor: bigint;
  readonly creditorSealed: string;
  readonly creditorAccount: string;
  readonly creditorCountry: string | null;
  readonly remittanceSealed: string | null;
  readonly status: PaymentStatus;
  readonly businessDate: PlainDate;
  /** How often the ledger refused it because its date was closed. */
  readonly missedDates: number;
  readonly channel: string;
  readonly nostroAccount: string;
}

/** The key of the entry: another one for each date it was refused for, as the ledger never books a key it refused. */
export const paymentKey = ({ paymentId, missedDates }: { paymentId: string; missedDates: number }): string =>
  ledgerKey(`pay:${paymentId}`, missedDates);
export const returnKey = (paymentId: string): string => `return:${paymentId}`;

/**
 * The date of a payment whose own has passed before it was booked, because compliance held it or it came too late into
 * the queue: as if it had come in now, with the cut-off and the calendar of its currency. It is valued on the date it is
 * booked on: until then the client has the money, and the agent executes no earlier.
 */
export const redated = (now: Date, day: BookDates, cutOff: CutOff | undefined, calendars: Calendars): PlainDate =>
  bookingDateOf({}, now, day, cutOff, calendars).businessDate;

const factsOf = ({ debtorAccount, nostroAccount, currency, endToEndId }: Payment, amountMinor: bigint) => ({
  client: debtorAccount,
  nostro: nostroAccount,
  currency,
  amount: amountMinor.toString(),
  endToEnd: endToEndId,
});

/** The client pays and our agent pays out. The ledger may refuse, so nothing is forced. */
export function paymentEntry(payment: Payment): EventToPost {
  return {
    key: paymentKey(payment),
    book: payment.bookId,
    businessDate: payment.businessDate,
    valueDate: payment.businessDate,
    subject: { kind: 'PAYMENT', id: payment.paymentId },
    event: { kind: 'PAYMENT', facts: factsOf(payment, payment.amountMinor) },
  };
}

/** The money came back: a fact, at the amount that came. */
export function returnEntry(
  payment: Payment,
  amountMinor: bigint,
  reason: string,
  dates: { businessDate: PlainDate; valueDate: PlainDate },
): EventToPost {
  return {
    key: returnKey(payment.paymentId),
    book: payment.bookId,
    ...dates,
    subject: { kind: 'PAYMENT', id: payment.paymentId },
    forced: { reason: `returned by the agent: ${reason}` },
    event: { kind: 'PAYMENT_RETURN', facts: { ...factsOf(payment, amountMinor), reason } },
  };
}
