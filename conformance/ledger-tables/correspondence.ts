import { type AccountKind } from '../../apps/accounting/src/accounts/accounts.js';
import { type ResultCode, resultCodes } from '../../apps/accounting/src/journal/posting.js';
import { type AccountRow, type TransferRow } from './table.js';

/**
 * How the tables' system and our ledger say the same: docs/ledger-correspondence.md in words. Everything that is not
 * named here as corresponding is named below as not applicable, by rule and never by row.
 */

/** A ledger is an asset; ledger zero is one that nobody registered. */
export const assetOf = (ledger: string): string => `L${ledger.slice(1).padStart(2, '0')}`;

const kinds: readonly AccountKind[] = ['CLIENT_CASH', 'NOSTRO', 'SUSPENSE', 'INCOME', 'EXPENSE', 'EQUITY', 'MIGRATION'];
/** A code of an account is its kind; code zero is none. */
export const kindOf = (code: string): AccountKind | undefined =>
  code === 'C0' ? undefined : kinds[(Number(code.slice(1)) - 1) % kinds.length];
/** A code of a transfer is the kind of the entry; code zero is none. */
export const entryKindOf = (code: string): string => (code === 'C0' ? '' : `KIND_${code.slice(1)}`);

/** Numbers that sort in the order of the ids. */
export const numberOf = (id: string): string => `A${id.slice(1).padStart(6, '0')}`;

export const accountOutcomes: Readonly<Record<string, string>> = {
  created: 'OPENED',
  exists: 'EXISTS',
  exists_with_different_flags: 'DIFFERS',
  exists_with_different_ledger: 'DIFFERS',
  exists_with_different_code: 'DIFFERS',
  ledger_must_not_be_zero: 'ASSET_NOT_FOUND',
  code_must_not_be_zero: 'KIND_REQUIRED',
  linked_event_failed: 'LINKED_ITEM_REFUSED',
};

export const refusals: Readonly<Record<string, ResultCode>> = {
  linked_event_failed: 'LINKED_ITEM_REFUSED',
  ledger_must_not_be_zero: 'ASSET_NOT_FOUND',
  code_must_not_be_zero: 'MALFORMED_ITEM',
  debit_account_not_found: 'ACCOUNT_NOT_FOUND',
  credit_account_not_found: 'ACCOUNT_NOT_FOUND',
  accounts_must_have_the_same_ledger: 'ASSET_MISMATCH',
  transfer_must_have_the_same_ledger_as_accounts: 'ASSET_MISMATCH',
  exceeds_credits: 'INSUFFICIENT_FUNDS',
  exceeds_debits: 'INSUFFICIENT_FUNDS',
  debit_account_already_closed: 'ACCOUNT_CLOSED',
  credit_account_already_closed: 'ACCOUNT_CLOSED',
  pending_transfer_not_found: 'HOLD_NOT_FOUND',
  pending_transfer_not_pending: 'HOLD_NOT_FOUND',
  pending_transfer_already_posted: 'HOLD_CLOSED',
  pending_transfer_already_voided: 'HOLD_CLOSED',
  pending_transfer_expired: 'HOLD_EXPIRED',
  exceeds_pending_transfer_amount: 'HOLD_EXCEEDED',
  exists_with_different_flags: 'IDEMPOTENCY_KEY_REUSED',
  exists_with_different_pending_id: 'IDEMPOTENCY_KEY_REUSED',
  exists_with_different_timeout: 'IDEMPOTENCY_KEY_REUSED',
  exists_with_different_debit_account_id: 'IDEMPOTENCY_KEY_REUSED',
  exists_with_different_credit_account_id: 'IDEMPOTENCY_KEY_REUSED',
  exists_with_different_amount: 'IDEMPOTENCY_KEY_REUSED',
  exists_with_different_ledger: 'IDEMPOTENCY_KEY_REUSED',
  exists_with_different_code: 'IDEMPOTENCY_KEY_REUSED',
};

/** Refusals after which the id cannot be used again there: with us the key of every refusal by the state of things. */
export const usesUpItsId: ReadonlySet<string> = new Set([
  'debit_account_not_found',
  'credit_account_not_found',
  'pending_transfer_not_found',
  'exceeds_credits',
  'exceeds_debits',
  'debit_account_already_closed',
  'credit_account_already_closed',
]);

const rank = new Map<string, number>(resultCodes.map(({ code }, n) => [code, n]));
/** Of several faults ours answers the first of its own published order. */
export const firstOf = (codes: readonly ResultCode[]): ResultCode | undefined =>
  [...codes].sort((a, b) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0))[0];

const encoding: Readonly<Record<string, string>> = {
  reserved_field: 'reserved fields',
  reserved_flag: 'reserved fields',
  timestamp_must_be_zero: 'timestamps',
  id_must_not_be_zero: 'limits of ids',
  id_must_not_be_int_max: 'limits of ids',
  debit_account_id_must_not_be_zero: 'limits of ids',
  debit_account_id_must_not_be_int_max: 'limits of ids',
  credit_account_id_must_not_be_zero: 'limits of ids',
  credit_account_id_must_not_be_int_max: 'limits of ids',
  pending_id_must_not_be_zero: 'limits of ids',
  pending_id_must_not_be_int_max: 'limits of ids',
  pending_id_must_be_different: 'limits of ids',
  pending_id_must_be_zero: 'combinations of flags',
  flags_are_mutually_exclusive: 'combinations of flags',
  timeout_reserved_for_pending_transfer: 'combinations of flags',
  closing_transfer_must_be_pending: 'combinations of flags',
  debits_pending_must_be_zero: 'an opening names no balances',
  debits_posted_must_be_zero: 'an opening names no balances',
  credits_pending_must_be_zero: 'an opening names no balances',
  credits_posted_must_be_zero: 'an opening names no balances',
  linked_event_chain_open: 'a group is a label and cannot stay open',
  accounts_must_be_different: 'an entry may debit and credit one account',
  pending_transfer_has_different_debit_account_id: 'a capture names the hold only',
  pending_transfer_has_different_credit_account_id: 'a capture names the hold only',
  pending_transfer_has_different_ledger: 'a capture names the hold only',
  pending_transfer_has_different_code: 'a capture names the hold only',
  pending_transfer_has_different_amount: 'a hold may be released in part',
};

export interface NotApplicable {
  readonly rule: string;
  /** Whether the row still takes effect, because what comes after builds on it. */
  readonly isApplied: boolean;
}
const none = (rule: string, isApplied = false): NotApplicable => ({ rule, isApplied });

function byStatus(status: string): NotApplicable | undefined {
  if (status.startsWith('imported_')) return none('imported events');
  if (status.startsWith('overflows_')) return none('widths of counters: ours are larger than an amount may be');
  if (/^exists_with_different_user_data/.test(status)) return none('user data');
  const rule = encoding[status];
  return rule === undefined ? undefined : none(rule);
}

export function accountDoesNotApply(row: AccountRow): NotApplicable | undefined {
  if (row.flags.has('IMP')) return none('imported events', row.status === 'created');
  const rule = byStatus(row.status);
  if (rule) return rule;
  return accountOutcomes[row.status] === undefined ? none(`no correspondence of ${row.status}`) : undefined;
}

/** `isKnown`: a transfer of that id took effect with us; `firstAmount`: what its first occurrence asked for. */
export function transferDoesNotApply(
  row: TransferRow,
  firstAmount: bigint | undefined,
  isAbsent: (id: string) => boolean,
): NotApplicable | undefined {
  const { flags, status, amount } = row;
  if (flags.has('IMP')) return none('imported events', status === 'created');
  const rule = byStatus(status);
  if (rule) return rule;
  if (isAbsent(row.id) || isAbsent(row.pendingId)) return none('builds on a posting of nothing');
  const isSweep = flags.has('BDR') || flags.has('BCR');
  const isClosing = flags.has('CDR') || flags.has('CCR');
  const endsHold = flags.has('POS') || flags.has('VOI');
  if (status === 'exists' && isSweep && firstAmount !== undefined && firstAmount !== amount)
    return none('a key binds the whole input, the ceiling of a sweep included');
  if (amount === 0n && !isSweep && !isClosing && !endsHold && (status === 'created' || status === 'exists'))
    return none('a posting of nothing is none');
  if (amount === 0n && isSweep) return status === 'id_already_failed' ? undefined : none('a sweep asks for something');
  if (isClosing && row.timeout > 0) return none('a closing has no end of its own: it is opened again');
  if (status !== 'created' && status !== 'exists' && status !== 'id_already_failed' && refusals[status] === undefined)
    return none(`no correspondence of ${status}`);
  return undefined;
}
