import { isPlainDate } from '#libs/calendar/index.js';
import { isIsin } from '#libs/identifiers/index.js';
import { canonicalJson, type Problem, problem, sha256Hex } from '#libs/kernel/index.js';
import { currencyExponent, isCurrency } from '#libs/money/index.js';
import { plainDecimal } from './decimal-text.js';

export const confirmationColumns = [
  'source',
  'executionId',
  'counterparty',
  'isin',
  'quantity',
  'amount',
  'currency',
  'settlementDate',
  'status',
] as const;
export type RawConfirmation = Readonly<Record<(typeof confirmationColumns)[number], string>>;

export interface Confirmation {
  readonly source: string;
  readonly executionId: string;
  readonly counterpartyId: string;
  readonly isin: string;
  readonly quantity: string;
  readonly amount: string;
  readonly currency: string;
  readonly settlementDate: string;
  readonly status: string;
  readonly contentHash: string;
}

/** All faults of one line at once. Whether it agrees with our trade is a matter of affirmation, not of its form. */
export function validateConfirmation(raw: RawConfirmation): {
  confirmation: Confirmation | null;
  problems: readonly Problem[];
} {
  const problems: Problem[] = [];
  const fault = (code: string, message: string, column: string) => problems.push(problem(code, message, [column]));
  for (const column of confirmationColumns)
    if (raw[column].includes('\u0000')) fault('NUL_BYTE', `${column} holds a NUL byte`, column);
  const text = (column: (typeof confirmationColumns)[number]) => raw[column].replaceAll('\u0000', '').trim();
  for (const column of ['source', 'executionId'] as const) {
    if (!/^[A-Za-z0-9._:/-]{1,52}$/.test(text(column)))
      fault('INVALID_IDENTIFIER', `${column} has 1 to 52 letters, digits or . _ : / -`, column);
  }
  if (!isIsin(text('isin'))) fault('INVALID_ISIN', 'isin is no ISIN (ISO 6166)', 'isin');
  const quantity = plainDecimal(text('quantity'));
  if (quantity === null || quantity === '0' || quantity.startsWith('-'))
    fault('INVALID_QUANTITY', 'quantity is a decimal above zero', 'quantity');
  const amount = plainDecimal(text('amount'));
  if (amount === null || amount.startsWith('-'))
    fault('INVALID_AMOUNT', 'amount is a decimal not below zero', 'amount');
  if (!isCurrency(text('currency'))) fault('INVALID_CURRENCY', 'currency is a code of ISO 4217', 'currency');
  else if (amount !== null && (amount.split('.')[1]?.length ?? 0) > currencyExponent(text('currency'))) {
    fault('EXCESS_SCALE', 'the currency has fewer decimals than amount', 'amount');
  }
  if (!isPlainDate(text('settlementDate')))
    fault('INVALID_SETTLEMENT_DATE', 'settlementDate is a date, YYYY-MM-DD', 'settlementDate');
  if (!['AFFIRMED', 'REJECTED', 'CANCELLED'].includes(text('status')))
    fault('INVALID_STATUS', 'status is AFFIRMED, REJECTED or CANCELLED', 'status');
  if (problems.length > 0 || quantity === null || amount === null) return { confirmation: null, problems };
  const facts = {
    source: text('source'),
    executionId: text('executionId'),
    counterpartyId: text('counterparty'),
    isin: text('isin'),
    quantity,
    amount,
    currency: text('currency'),
    settlementDate: text('settlementDate'),
    status: text('status'),
  };
  return { confirmation: { ...facts, contentHash: sha256Hex(canonicalJson(facts)) }, problems };
}
