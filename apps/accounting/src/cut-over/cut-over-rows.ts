import { formatDecimal, parseDecimal } from '#libs/money/index.js';
import { accepted, type Decision, isRefused, problem, refused } from '#libs/kernel/index.js';
import { accountKindOf, termsOf, type WantedState, wantedStates } from '../accounts/accounts.js';
import { type NewAccount, type NewLimit } from '../accounts/accounts.repository.js';

export type Row = Readonly<Record<string, string>>;
export interface RefusedRow {
  readonly row: number;
  readonly code: string;
  readonly message: string;
}

const text = (row: Row, column: string): string => row[column]?.trim() ?? '';
const orNull = (value: string): string | null => (value === '' ? null : value);

/** A line of `accounts`: a client's account and, for cash, one of its currencies with its limits. */
export interface ImportedAccount {
  readonly account: NewAccount;
  readonly limit?: NewLimit;
}

export function readAccount(
  row: Row,
  importId: string,
  scaleOf: (currency: string) => number | undefined,
): Decision<ImportedAccount> {
  const kind = accountKindOf(text(row, 'kind'));
  if (kind === undefined)
    return refused(problem('UNKNOWN_KIND', `"${text(row, 'kind')}" is no kind of account`, ['kind']));
  const state = wantedStates.find((one) => one === (text(row, 'state') || 'OPEN'));
  if (state === undefined)
    return refused(problem('UNKNOWN_STATE', `"${text(row, 'state')}" is no state of an account`, ['state']));
  if (state === 'BLOCKED' && termsOf(kind).mode !== 'STRICT')
    return refused(problem('ACCOUNT_NOT_BLOCKABLE', 'Only client accounts are blocked', ['state']));
  const account = newAccount(row, importId, kind, state);
  const currency = text(row, 'currency');
  if (currency === '') return accepted({ account });
  const scale = scaleOf(currency);
  if (scale === undefined) return refused(problem('UNKNOWN_CURRENCY', `${currency} is no currency`, ['currency']));
  const overdraft = parseDecimal(text(row, 'overdraftLimit') || '0', scale);
  if (isRefused(overdraft)) return overdraft;
  const payment = text(row, 'paymentLimit') === '' ? undefined : parseDecimal(text(row, 'paymentLimit'), scale);
  if (payment && isRefused(payment)) return payment;
  if (overdraft.value < 0n || (payment && payment.value < 0n))
    return refused(problem('NEGATIVE_LIMIT', 'A limit is not negative'));
  return accepted({
    account,
    limit: {
      book: account.book,
      number: account.number,
      asset: currency,
      overdraftUnits: overdraft.value.toString(),
      paymentLimitUnits: payment ? payment.value.toString() : null,
      reason: 'Came so with the import',
      reference: importId,
    },
  });
}

/** A line of `nostros`: an account of the firm itself. */
export function readFirmAccount(row: Row, importId: string): Decision<NewAccount> {
  const kind = accountKindOf(text(row, 'kind'));
  if (kind === undefined)
    return refused(problem('UNKNOWN_KIND', `"${text(row, 'kind')}" is no kind of account`, ['kind']));
  return accepted(newAccount(row, importId, kind, 'OPEN', orNull(text(row, 'currency'))));
}

function newAccount(
  row: Row,
  importId: string,
  kind: NewAccount['kind'],
  state: WantedState,
  currency: string | null = null,
): NewAccount {
  return {
    book: text(row, 'book'),
    number: text(row, 'account'),
    kind,
    ...termsOf(kind),
    state,
    partyId: orNull(text(row, 'partyId')),
    // A client's cash account holds any currency; a nostro holds its own.
    currency,
    iban: orNull(text(row, 'iban')),
    agentBic: orNull(text(row, 'agentBic')),
    statementChannel: orNull(text(row, 'statementChannel')),
    importId,
  };
}

export interface OpeningAmount {
  readonly book: string;
  readonly number: string;
  readonly asset: string;
  /** Positive on the account's own side. */
  readonly units: bigint;
}

export function readOpening(
  row: Row,
  columns: { asset: string; amount: string },
  scale: number | undefined,
): Decision<OpeningAmount> {
  const asset = text(row, columns.asset);
  if (scale === undefined) return refused(problem('ASSET_NOT_FOUND', `${asset} is not registered`, [columns.asset]));
  const units = parseDecimal(text(row, columns.amount), scale);
  if (isRefused(units)) return units;
  return accepted({ book: text(row, 'book'), number: text(row, 'account'), asset, units: units.value });
}

/** The sum of what was read, as text, for messages to people. */
export const amountText = (units: bigint, scale: number): string => formatDecimal(units, scale);
