import { type Problem, problem } from '#libs/kernel/index.js';
import { type PostingItem, type PostingResult, transferOf } from '../journal/posting.js';

/** Where what an account has of an asset goes before it is closed. */
export interface SweepTarget {
  readonly asset: string;
  readonly account: string;
}

export interface Closing {
  readonly book: string;
  readonly account: string;
  readonly normalSide: 'DEBIT' | 'CREDIT';
  readonly sweepTo: readonly SweepTarget[];
  readonly reason: string;
  /** Of the caller, whose keys meet no others. */
  readonly key: string;
  readonly subjectId: string;
  readonly businessDate: string;
}

/** Further than any balance: a sweep ends at what is there. */
const everything = (2n ** 128n - 1n).toString();

/** What is wrong with the targets by themselves. */
export function targetFaults(
  account: string,
  targets: readonly SweepTarget[],
  knowsAsset: (asset: string) => boolean,
): Problem[] {
  return targets.flatMap((target, n) => {
    const at = (field: string) => ['sweepTo', n, field];
    const problems: Problem[] = [];
    if (!knowsAsset(target.asset))
      problems.push(problem('ASSET_NOT_FOUND', 'The asset is not registered.', at('asset')));
    if (targets.findIndex(({ asset }) => asset === target.asset) < n)
      problems.push(problem('ASSET_REPEATED', 'An asset goes to one account', at('asset')));
    if (target.account === account)
      problems.push(problem('SAME_ACCOUNT', 'A sweep goes from one account to another', at('account')));
    return problems;
  });
}

/**
 * The sweeps and the closing, one group: all of it or nothing. What an account owes is not paid for it, and its limit for a
 * single payment holds: raising that needs a second person.
 */
export function itemsOf({
  book,
  account,
  normalSide,
  sweepTo,
  reason,
  key,
  subjectId,
  businessDate,
}: Closing): PostingItem[] {
  const group = sweepTo.length > 0 ? { group: 'closing' } : {};
  const draws = normalSide === 'CREDIT' ? 'DEBIT' : 'CREDIT';
  const sweeps = sweepTo.map((target): PostingItem => {
    const [debit, credit] = draws === 'DEBIT' ? [account, target.account] : [target.account, account];
    return {
      op: 'ENTRY',
      key: `${key}#${target.asset}`,
      book,
      kind: 'TRANSFER',
      businessDate,
      valueDate: businessDate,
      description: reason.slice(0, 140),
      subject: { kind: 'ACCOUNT_CLOSING', id: subjectId },
      postings: transferOf(debit, credit, target.asset, everything),
      upTo: draws,
      ...group,
    };
  });
  return [...sweeps, { op: 'CLOSE', key, book, close: { account, empty: true }, ...group }];
}

/** What was refused and where in the input; what is refused with its group only is not told. */
export function refusalOf(
  results: readonly PostingResult[],
  { account, sweepTo }: Pick<Closing, 'account' | 'sweepTo'>,
): { result: PostingResult; path: (string | number)[] } | undefined {
  const n = results.findIndex(({ code }) => code !== undefined && code !== 'LINKED_ITEM_REFUSED');
  const result = results[n];
  if (result === undefined) return undefined;
  const { code } = result;
  if (code === 'IDEMPOTENCY_KEY_REUSED') return { result, path: ['idempotencyKey'] };
  if (code === 'PERIOD_CLOSED' || code === 'PERIOD_NOT_OPEN') return { result, path: ['book'] };
  if (n >= sweepTo.length || result.account === account) return { result, path: ['account'] };
  return { result, path: ['sweepTo', n, code?.startsWith('ASSET_') ? 'asset' : 'account'] };
}
