import {
  accepted,
  canonicalJson,
  type Decision,
  type Problem,
  problem,
  refused,
  sha256Hex,
} from '#libs/kernel/index.js';
import { parseDecimal, Rational } from '#libs/money/index.js';
import { faultsOf, messageOf, type PostingLine } from '../journal/posting.js';

export interface JournalLine {
  readonly account: string;
  readonly side: 'DEBIT' | 'CREDIT';
  /** In the asset's own decimals. */
  readonly amount: string;
  readonly asset: string;
  readonly dimensions: readonly { readonly dimension: string; readonly value: string }[];
}

/** What a person books, and why. It belongs to the open business date, or to the accounting date when that is given. */
export interface ManualJournal {
  readonly book: string;
  readonly description: string;
  readonly lines: readonly JournalLine[];
  readonly valueDate: string | null;
  readonly accountingDate: string | null;
  /** Of the adjustment period of the year of its accounting date. */
  readonly isYearEnd: boolean;
  readonly reason: string;
  readonly evidence: string;
}

/** What the book knows of what a journal names. */
export interface KnownOfJournal {
  readonly accounts: ReadonlyMap<string, { readonly takesJournals: boolean }>;
  readonly assets: ReadonlyMap<string, { readonly scale: number }>;
}

/** The postings of a journal, or everything that is wrong with it. */
export function readJournal(journal: ManualJournal, known: KnownOfJournal): Decision<PostingLine[]> {
  const problems: Problem[] = [];
  const postings: PostingLine[] = [];
  journal.lines.forEach((line, n) => {
    const at = (field: string) => ['lines', n, field];
    const account = known.accounts.get(line.account);
    if (!account) problems.push(problem('ACCOUNT_NOT_FOUND', `The book has no account ${line.account}`, at('account')));
    else if (!account.takesJournals)
      problems.push(
        problem(
          'CONTROL_ACCOUNT',
          `${line.account} belongs to a sub-ledger: it takes no journal by hand`,
          at('account'),
        ),
      );
    line.dimensions.forEach(({ dimension }, m) => {
      if (line.dimensions.findIndex((one) => one.dimension === dimension) < m)
        problems.push(problem('DIMENSION_REPEATED', `${dimension} stands twice`, [...at('dimensions'), m]));
    });
    const asset = known.assets.get(line.asset);
    if (!asset) {
      problems.push(problem('ASSET_NOT_FOUND', messageOf('ASSET_NOT_FOUND'), at('asset')));
      return;
    }
    const units = parseDecimal(line.amount, asset.scale);
    if (!units.ok) problems.push(...units.problems.map((one) => ({ ...one, path: at('amount') })));
    else postings.push({ account: line.account, asset: line.asset, side: line.side, units: String(units.value) });
  });
  // Sums say something only when every amount was read.
  if (postings.length === journal.lines.length) problems.push(...faultsOf(postings, ['lines']));
  return problems.length > 0 ? refused(problems) : accepted(postings);
}

/**
 * What a journal comes to in the functional currency: its debits, each at the rate of the date, rounded up once. Null when a
 * rate is missing.
 */
export function amountOf(
  postings: readonly PostingLine[],
  scaleOf: (asset: string) => number,
  functional: { readonly currency: string; readonly scale: number },
  rateOf: (asset: string) => Rational | undefined,
): bigint | null {
  let sum = Rational.zero;
  for (const { asset, side, units } of postings) {
    if (side !== 'DEBIT') continue;
    const rate = rateOf(asset);
    if (rate === undefined) return null;
    const inUnits = Rational.of(BigInt(units) * 10n ** BigInt(functional.scale), 10n ** BigInt(scaleOf(asset)));
    sum = sum.plus(inUnits.times(rate));
  }
  return sum.round('UP');
}

/** Above the limit of the book, and wherever nobody can say how much it is, a second person agrees. */
export const needsSecondPerson = (amount: bigint | null, limit: bigint): boolean => amount === null || amount > limit;

/** What a second person approves: exactly this. */
export const hashOfJournal = (journal: ManualJournal): string => sha256Hex(canonicalJson(journal));

export const hashOfLimit = (asked: { book: string; limitUnits: string; currency: string; reason: string }): string =>
  sha256Hex(canonicalJson(asked));
