import { isPlainDate, type PlainDate } from '#libs/calendar/index.js';
import { isBic, isIsin } from '#libs/identifiers/index.js';
import { canonicalJson, type Problem, problem, sha256Hex } from '#libs/kernel/index.js';
import { isCurrency } from '#libs/money/index.js';
import { plainDecimal } from '../trades/decimal-text.js';
import { type CalendarClosure } from './closure.js';

export type ChangeKind = 'SSI_CHANGE' | 'PRICE_OVERRIDE' | 'CALENDAR_CLOSURE';
export type ChangeState = 'PENDING' | 'APPLIED' | 'REJECTED' | 'EXPIRED' | 'WITHDRAWN' | 'REFUSED';

export interface SsiChange {
  readonly ssiId: string;
  readonly counterpartyId: string;
  readonly market: string;
  readonly placeId: string;
  readonly agentBic: string;
  readonly safekeepingAccount: string;
  readonly cashAccount: string | null;
  readonly validFrom: PlainDate;
}

export interface PriceOverride {
  readonly isin: string;
  readonly priceDate: PlainDate;
  readonly price: string;
  readonly currency: string;
}

export type ChangePayload = SsiChange | PriceOverride | CalendarClosure;

/** What the second person approves, to the letter. */
export const payloadHashOf = (kind: ChangeKind, payload: ChangePayload): string =>
  sha256Hex(canonicalJson({ kind, payload }));

export interface SsiReferences {
  readonly hasCounterparty: boolean;
  readonly hasPlace: boolean;
}

export function checkSsiChange(change: SsiChange, known: SsiReferences): Problem[] {
  const problems: Problem[] = [];
  if (!known.hasCounterparty)
    problems.push(problem('UNKNOWN_COUNTERPARTY', `no counterparty ${change.counterpartyId}`, ['counterparty']));
  if (!known.hasPlace) problems.push(problem('UNKNOWN_PLACE', `no place of settlement ${change.placeId}`, ['place']));
  if (!['EU', 'US', 'UK', 'JP', 'FUND'].includes(change.market))
    problems.push(problem('INVALID_MARKET', 'market is one of EU, US, UK, JP, FUND', ['market']));
  if (!isBic(change.agentBic)) problems.push(problem('INVALID_BIC', 'agentBic is a BIC (ISO 9362)', ['agentBic']));
  if (!/^[A-Za-z0-9-]{1,35}$/.test(change.safekeepingAccount)) {
    problems.push(
      problem('INVALID_ACCOUNT', 'safekeepingAccount has 1 to 35 letters, digits or -', ['safekeepingAccount']),
    );
  }
  if (change.cashAccount !== null && !/^[A-Za-z0-9-]{1,35}$/.test(change.cashAccount)) {
    problems.push(problem('INVALID_ACCOUNT', 'cashAccount has 1 to 35 letters, digits or -', ['cashAccount']));
  }
  if (!isPlainDate(change.validFrom)) problems.push(problem('INVALID_DATE', 'validFrom is a date', ['validFrom']));
  return problems;
}

export function checkPriceOverride(change: PriceOverride, instrument: { currency: string } | undefined): Problem[] {
  const problems: Problem[] = [];
  if (!isIsin(change.isin)) problems.push(problem('INVALID_ISIN', 'isin is no ISIN (ISO 6166)', ['isin']));
  else if (!instrument) problems.push(problem('UNKNOWN_INSTRUMENT', `no instrument ${change.isin}`, ['isin']));
  if (!isCurrency(change.currency))
    problems.push(problem('INVALID_CURRENCY', 'currency is a code of ISO 4217', ['currency']));
  else if (instrument && instrument.currency !== change.currency)
    problems.push(problem('CURRENCY_MISMATCH', `the instrument trades in ${instrument.currency}`, ['currency']));
  const price = plainDecimal(change.price);
  if (price === null || price === '0' || price.startsWith('-'))
    problems.push(problem('INVALID_PRICE', 'price is a decimal above zero', ['price']));
  if (!isPlainDate(change.priceDate)) problems.push(problem('INVALID_DATE', 'priceDate is a date', ['priceDate']));
  return problems;
}

/** Whether a decision may be applied to what is pending now. */
export function judgeDecision(
  pending: { readonly state: ChangeState; readonly payloadHash: string; readonly proposedBy: string },
  decided: {
    readonly outcome: 'APPROVED' | 'REJECTED' | 'EXPIRED' | 'WITHDRAWN';
    readonly payloadHash: string;
    readonly decidedBy: string;
  },
): { readonly state: ChangeState; readonly note: string } | null {
  if (pending.state !== 'PENDING') return null;
  if (decided.outcome !== 'APPROVED') return { state: decided.outcome, note: '' };
  if (decided.payloadHash !== pending.payloadHash)
    return { state: 'REFUSED', note: 'the approval is for another payload' };
  if (decided.decidedBy === pending.proposedBy) return { state: 'REFUSED', note: 'the maker may not approve' };
  return { state: 'APPLIED', note: '' };
}
