import { canonicalJson, type Problem, problem, sha256Hex } from '#libs/kernel/index.js';
import { formatDecimal } from '#libs/money/index.js';
import { type Pool } from './client-assets.js';

/**
 * Cover: until it is known why clients are short of something and that is put right, the firm sets aside own money for
 * them, on the same day and by two people. Money is covered in its currency, pieces by what they are worth in the currency
 * of the book. The cover adds nothing to the resource: the shortfall stays open until it is cured, and then it is released.
 */
export interface CoverProposal {
  readonly shortfallId: string;
  readonly book: string;
  readonly currency: string;
  readonly amountMinor: string;
  readonly fromAccount: string;
  readonly coverAccount: string;
  readonly reason: string;
}

export interface ShortfallToCover {
  readonly state: 'OPEN' | 'CURED';
  readonly pool: Pool;
  readonly asset: string;
  readonly units: bigint;
  readonly worthMinor: bigint | null;
  readonly functionalCurrency: string;
  /** Set aside already. */
  readonly coveredMinor: bigint;
  readonly isProposed: boolean;
}

export interface OwnMoney {
  readonly number: string;
  readonly kind: string;
  /** What is there; undefined when the account does not exist. */
  readonly balanceMinor: bigint;
}

/** What has to be set aside in all, and in what; undefined when nobody knows what the pieces are worth. */
export function neededFor(shortfall: Omit<ShortfallToCover, 'coveredMinor' | 'isProposed' | 'state'>) {
  if (shortfall.pool === 'MONEY') return { currency: shortfall.asset, amountMinor: shortfall.units };
  if (shortfall.worthMinor === null) return undefined;
  return { currency: shortfall.functionalCurrency, amountMinor: shortfall.worthMinor };
}

/** What is left to be covered; zero or less when enough is set aside. */
export function leftOf(shortfall: ShortfallToCover): bigint | undefined {
  const needed = neededFor(shortfall);
  return needed && needed.amountMinor - shortfall.coveredMinor;
}

/** All reasons against a cover, at once. */
export function coverProblems(
  shortfall: ShortfallToCover,
  amountMinor: bigint,
  own: OwnMoney | undefined,
  exponent: number,
): Problem[] {
  if (shortfall.state !== 'OPEN')
    return [problem('SHORTFALL_NOT_OPEN', 'Nothing is missing any more', ['shortfallId'])];
  const problems: Problem[] = [];
  const text = (minor: bigint) => formatDecimal(minor, exponent);
  const left = leftOf(shortfall);
  if (shortfall.isProposed)
    problems.push(problem('COVER_PENDING', 'A cover of it waits for a decision already', ['shortfallId']));
  if (left === undefined)
    problems.push(
      problem('SHORTFALL_NOT_VALUED', `No price or rate says what ${shortfall.asset} is worth`, ['shortfallId']),
    );
  else if (left <= 0n) problems.push(problem('ALREADY_COVERED', 'Enough is set aside for it', ['shortfallId']));
  else if (amountMinor < left)
    problems.push(problem('COVER_NOT_ENOUGH', `${text(left)} are to be covered`, ['amount']));
  if (own?.kind !== 'ASSET')
    problems.push(problem('NOT_OWN_MONEY', 'The book has no own account of that number', ['fromAccount']));
  else if (own.balanceMinor < amountMinor)
    problems.push(problem('OWN_MONEY_NOT_ENOUGH', `${own.number} has ${text(own.balanceMinor)}`, ['amount']));
  return problems;
}

export const hashOfCover = (cover: CoverProposal): string => {
  const { shortfallId, book, currency, amountMinor, fromAccount, coverAccount, reason } = cover;
  return sha256Hex(canonicalJson({ shortfallId, book, currency, amountMinor, fromAccount, coverAccount, reason }));
};

export const ownMoneyAccount = (currency: string): string => `OWN-CASH-${currency}`;
export const coverAccountOf = (currency: string): string => `COVER-${currency}`;
