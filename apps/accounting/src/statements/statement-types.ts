import { formatDecimal } from '#libs/money/index.js';
import { towardsNormalSide } from '../accounts/accounts.js';
import { type StatementEntryType } from './statements.graphql.js';
import { type StatementRow } from './statements.repository.js';

/** A posting as it is told of its account. */
export function toStatementEntry(
  row: StatementRow,
  { scale, normalSide }: { scale: number; normalSide: 'DEBIT' | 'CREDIT' },
): StatementEntryType {
  const units = BigInt(row.units);
  return {
    ...row,
    side: units > 0n ? 'DEBIT' : 'CREDIT',
    amount: formatDecimal(units < 0n ? -units : units, scale),
    balanceAfter: formatDecimal(towardsNormalSide(BigInt(row.balanceAfter), normalSide), scale),
  };
}
