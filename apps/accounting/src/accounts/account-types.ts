import { type Tx } from '#libs/database/index.js';
import { type GraphqlContext } from '#libs/graphql/index.js';
import { formatDecimal } from '#libs/money/index.js';
import { accountIdOf, accountKeyOf, towardsNormalSide } from './accounts.js';
import { type AccountLimitType, type AccountType, type BalanceType, type LimitChangeType } from './accounts.graphql.js';
import { type AccountRow, type AccountsRepository, type BalanceRow, type LimitRow } from './accounts.repository.js';
import { type Accounts } from './accounts.service.js';
import { type LimitChangeRow } from './limit-changes.service.js';

export const toAccount = (row: AccountRow): AccountType => ({ ...row, id: accountIdOf(row.book, row.number) });

export function toBalance(row: BalanceRow): BalanceType {
  const text = (units: string) => formatDecimal(BigInt(units), row.scale);
  const balance = towardsNormalSide(BigInt(row.postedDebit) - BigInt(row.postedCredit), row.normalSide);
  return {
    book: row.book,
    account: row.number,
    asset: row.asset,
    balance: formatDecimal(balance, row.scale),
    available: text(row.available),
    postedDebit: text(row.postedDebit),
    postedCredit: text(row.postedCredit),
    pendingDebit: text(row.pendingDebit),
    pendingCredit: text(row.pendingCredit),
    limit: text(row.limitUnits),
    forcedExcess: text(row.forcedExcess),
    lastSequence: row.lastSequence,
  };
}

export const toLimit = (row: LimitRow): AccountLimitType => ({
  currency: row.asset,
  overdraftLimit: formatDecimal(BigInt(row.overdraftUnits), row.scale),
  paymentLimit: row.paymentLimitUnits === null ? null : formatDecimal(BigInt(row.paymentLimitUnits), row.scale),
  version: row.version,
  reason: row.reason,
  reference: row.reference,
});

export const toLimitChange = (row: LimitChangeRow): LimitChangeType => ({
  ...row,
  id: row.approvalId,
  account: row.number,
  currency: row.asset,
  overdraftLimit: formatDecimal(BigInt(row.overdraftUnits), row.scale),
  paymentLimit: row.paymentLimitUnits === null ? null : formatDecimal(BigInt(row.paymentLimitUnits), row.scale),
});

const keysOf = (ids: readonly string[]) => ids.flatMap((id) => accountKeyOf(id) ?? []);

/** Accounts by id, one statement for all that a tick asks for. */
export const accountLoader = (operation: GraphqlContext, accounts: AccountsRepository | Accounts) =>
  operation.loader<string, AccountType>('account', async (ids, tx: Tx) => {
    const rows = await accounts.byNumber(tx, keysOf(ids));
    return new Map(rows.map((row) => [accountIdOf(row.book, row.number), toAccount(row)]));
  });

export const balancesLoader = (operation: GraphqlContext, accounts: AccountsRepository) =>
  operation.loader<string, BalanceType[]>('account-balances', async (ids, tx: Tx) =>
    grouped(await accounts.balancesOf(tx, keysOf(ids)), toBalance),
  );

export const limitsLoader = (operation: GraphqlContext, accounts: AccountsRepository) =>
  operation.loader<string, AccountLimitType[]>('account-limits', async (ids, tx: Tx) =>
    grouped(await accounts.limitsOf(tx, keysOf(ids)), toLimit),
  );

export const partyAccountsLoader = (operation: GraphqlContext, accounts: AccountsRepository) =>
  operation.loader<string, AccountType[]>('party-accounts', async (ids, tx: Tx) => {
    const found = new Map<string, AccountType[]>();
    for (const row of await accounts.ofParties(tx, ids)) {
      const party = row.partyId ?? '';
      found.set(party, [...(found.get(party) ?? []), toAccount(row)]);
    }
    return found;
  });

function grouped<R extends { book: string; number: string }, T>(
  rows: readonly R[],
  to: (row: R) => T,
): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const row of rows) {
    const id = accountIdOf(row.book, row.number);
    const list = found.get(id);
    if (list) list.push(to(row));
    else found.set(id, [to(row)]);
  }
  return found;
}
