import { formatDecimal } from '#libs/money/index.js';
import { towardsNormalSide } from '../accounts/accounts.js';
import { type AccountAfter, type Decision } from './fold.js';
import { type PostingItem, type PostingPreview, type PostingResult } from './posting.js';
import { type PostingPreviewType } from './previews.graphql.js';

/** What the rule decided, told by a dry run. A hold books nothing: it shows in what is pending. */
export const previewOf = (
  { op }: PostingItem,
  { lines }: Decision,
  accounts: readonly AccountAfter[],
): PostingPreview => ({
  postings: op === 'HOLD' ? [] : lines.map(({ n, account, asset, units }) => ({ n, account, asset, units })),
  balances: accounts.map(({ account, postedDebit, postedCredit, pendingDebit, pendingCredit, available }) => ({
    account: account.number,
    asset: account.asset,
    balance: towardsNormalSide(postedDebit - postedCredit, account.normalSide),
    available,
    pendingDebit,
    pendingCredit,
    limit: account.limit,
  })),
});

/** In the words of the API. Nothing for an answer that an earlier call has left. */
export function toPreview(
  { preview, code, account, asset, availableUnits }: PostingResult,
  path: readonly (string | number)[],
  scaleOf: (asset: string) => number,
): PostingPreviewType | null {
  if (!preview) return null;
  const text = (units: bigint, of: string) => formatDecimal(units, scaleOf(of));
  return {
    postings: preview.postings.map(({ n, account: number, asset: of, units }) => ({
      n,
      account: number,
      asset: of,
      side: units > 0n ? 'DEBIT' : 'CREDIT',
      amount: text(units < 0n ? -units : units, of),
    })),
    balances: preview.balances.map(({ account: number, asset: of, ...units }) => ({
      account: number,
      asset: of,
      balance: text(units.balance, of),
      available: text(units.available, of),
      pendingDebit: text(units.pendingDebit, of),
      pendingCredit: text(units.pendingCredit, of),
      limit: text(units.limit, of),
    })),
    refusal:
      code === undefined
        ? null
        : {
            code,
            account: account ?? null,
            asset: asset ?? null,
            available: asset === undefined || availableUnits === undefined ? null : text(BigInt(availableUnits), asset),
            path: path.join('.'),
          },
  };
}
