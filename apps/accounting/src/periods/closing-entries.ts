import { type EntryItem, type PostingLine } from '../journal/posting.js';

/** What stands on an account of income or expense at the end of the year: debit positive. */
export interface ResultBalance {
  readonly account: string;
  readonly asset: string;
  readonly units: bigint;
}

/**
 * The year's result goes to retained earnings: every account of income and expense is brought to zero, in each asset by one
 * entry. What the asset's accounts sum to is what retained earnings get: a profit is a credit.
 */
export function closingEntries(
  balances: readonly ResultBalance[],
  year: {
    readonly book: string;
    readonly period: string;
    readonly closing: number;
    readonly lastDate: string;
    readonly businessDate: string;
    readonly retainedEarnings: string;
  },
): EntryItem[] {
  const assets = [...new Set(balances.filter(({ units }) => units !== 0n).map(({ asset }) => asset))].sort();
  return assets.map((asset) => {
    const own = balances.filter((one) => one.asset === asset && one.units !== 0n);
    const result = own.reduce((sum, { units }) => sum + units, 0n);
    const postings = own.map(({ account, units }) => lineOf(account, asset, -units));
    if (result !== 0n) postings.push(lineOf(year.retainedEarnings, asset, result));
    return {
      op: 'ENTRY',
      key: `closing:${year.period}:${year.closing}:${asset}`,
      book: year.book,
      group: 'closing',
      kind: 'CLOSING',
      businessDate: year.businessDate,
      valueDate: year.lastDate,
      description: `Result of ${year.period.slice(0, 4)} in ${asset} to retained earnings`,
      subject: { kind: 'PERIOD', id: `${year.book}/${year.period}` },
      postings,
    };
  });
}

const lineOf = (account: string, asset: string, units: bigint): PostingLine => ({
  account,
  asset,
  side: units > 0n ? 'DEBIT' : 'CREDIT',
  units: String(units < 0n ? -units : units),
});
