import { accepted, type Decision, problem, refused } from '#libs/kernel/index.js';
import { currencyExponent, Rational } from '#libs/money/index.js';

/**
 * A foreign currency in the books of a book. What is bought or sold of it goes over two accounts, so that every entry
 * stays zero in each currency: POSITION in the foreign currency, and EQUIVALENT in the functional one. A purchase of
 * 100 dollars for 90 euros debits the nostro with 100 dollars and credits POSITION with them, debits EQUIVALENT with
 * 90 euros and credits the other nostro with them. So POSITION shows the mirror of what is open in the currency, and
 * EQUIVALENT what it is worth by the books.
 */
export const accounts = {
  position: '1910',
  equivalent: '1920',
  realised: '4410',
  unrealised: '4420',
} as const;

/** What is open in one currency. Positive: the book has more of the currency than it owes. */
export interface CurrencyPosition {
  /** Foreign units. */
  readonly position: bigint;
  /** Functional units: what the open position cost by average, without any revaluation. Zero when nothing is open. */
  readonly cost: bigint;
  /** Functional units: all that was paid for the currency less all that was received for it, ever. */
  readonly paid: bigint;
}

export const nothingOpen: CurrencyPosition = { position: 0n, cost: 0n, paid: 0n };

/** What was bought (positive) or sold of the currency, and what was paid for it (positive) or received. */
export interface Deal {
  readonly position: bigint;
  readonly equivalent: bigint;
}

const sizeOf = (units: bigint): bigint => (units < 0n ? -units : units);
const isOpposite = (one: bigint, other: bigint): boolean => (one < 0n && other > 0n) || (one > 0n && other < 0n);

/** The share of an amount, rounded once, half to even. What is left over stays with the other part. */
const shareOf = (amount: bigint, part: bigint, whole: bigint): bigint => Rational.of(amount * part, whole).round();

/**
 * A deal by average cost. What opens or adds costs what was paid. What reduces takes its share of the cost away, and the
 * rest of the cost stays: what was received beyond that share is realised. What turns the position round first closes
 * all of it for its share of the amount, then opens the other side for the rest.
 */
export function afterDeal(before: CurrencyPosition, deal: Deal): CurrencyPosition & { readonly realised: bigint } {
  const position = before.position + deal.position;
  const paid = before.paid + deal.equivalent;
  if (!isOpposite(before.position, deal.position)) {
    if (position === 0n) return { position, cost: 0n, paid, realised: -deal.equivalent };
    return { position, cost: before.cost + deal.equivalent, paid, realised: 0n };
  }
  const [open, moved] = [sizeOf(before.position), sizeOf(deal.position)];
  if (moved <= open) {
    const out = moved === open ? before.cost : shareOf(before.cost, moved, open);
    return { position, cost: before.cost - out, paid, realised: -deal.equivalent - out };
  }
  const closing = shareOf(deal.equivalent, open, moved);
  return { position, cost: deal.equivalent - closing, paid, realised: -closing - before.cost };
}

/** What a position is worth and what came of it, since its beginning. */
export interface Valued {
  /** Functional units, rounded once, half to even: what EQUIVALENT shows for the currency after the revaluation. */
  readonly value: bigint;
  /** What the reductions brought beyond their cost: `cost - paid`. */
  readonly realised: bigint;
  /** What the open position is worth beyond its cost. */
  readonly unrealised: bigint;
}

/** @param rate functional units for one foreign unit, both in their smallest units */
export function valued({ position, cost, paid }: CurrencyPosition, rate: Rational): Valued {
  const value = Rational.of(position).times(rate).round();
  return { value, realised: cost - paid, unrealised: value - cost };
}

/** What was posted of a result by all revaluations before: their memory. */
export interface Posted {
  readonly realised: bigint;
  readonly unrealised: bigint;
}
export const nothingPosted: Posted = { realised: 0n, unrealised: 0n };

/**
 * What a revaluation posts: only what is not posted yet. What was unrealised before and is realised now is taken back
 * from the one and goes to the other, so the gain on a sale is counted once.
 */
export const toPost = (now: Valued, posted: Posted): Posted => ({
  realised: now.realised - posted.realised,
  unrealised: now.unrealised - posted.unrealised,
});

/** A rate of whole currencies as one of their smallest units: 163.27 yen for a euro are 1.6327 yen for a cent. */
export const ofSmallestUnits = (rate: Rational, from: string, to: string): Rational =>
  rate.times(Rational.of(10n ** BigInt(currencyExponent(to)), 10n ** BigInt(currencyExponent(from))));

/** An income or expense that stands in a foreign currency: debit positive. */
export interface ForeignResult {
  readonly account: string;
  readonly units: bigint;
}

/** Debit positive. */
export interface Leg {
  readonly account: string;
  readonly asset: string;
  readonly units: bigint;
}

/**
 * Income and expense in a foreign currency become functional at the rate of the day: each account is emptied in the
 * foreign currency against POSITION, and has its worth, rounded once, against EQUIVALENT. What the roundings differ from
 * the worth of the sum is a difference of rate, and stays with the position.
 */
export function conversionOf(
  results: readonly ForeignResult[],
  foreign: string,
  functional: string,
  rate: Rational,
): Leg[] {
  const legs: Leg[] = [];
  let [position, equivalent] = [0n, 0n];
  for (const { account, units } of results) {
    if (units === 0n) continue;
    const worth = Rational.of(units).times(rate).round();
    legs.push({ account, asset: foreign, units: -units });
    position += units;
    if (worth !== 0n) legs.push({ account, asset: functional, units: worth });
    equivalent -= worth;
  }
  legs.push({ account: accounts.position, asset: foreign, units: position });
  legs.push({ account: accounts.equivalent, asset: functional, units: equivalent });
  return legs.filter(({ units }) => units !== 0n);
}

/** The entry of a revaluation: EQUIVALENT against the two results. */
export function revaluationOf({ realised, unrealised }: Posted, functional: string): Leg[] {
  return [
    { account: accounts.equivalent, asset: functional, units: realised + unrealised },
    { account: accounts.realised, asset: functional, units: -realised },
    { account: accounts.unrealised, asset: functional, units: -unrealised },
  ].filter(({ units }) => units !== 0n);
}

/** What an entry says on POSITION and EQUIVALENT. */
export interface DealEntry {
  readonly entryId: string;
  readonly reverses: string | null;
  /** What was bought (positive) or sold, by currency: the mirror of the postings on POSITION. */
  readonly positions: ReadonlyMap<string, bigint>;
  /** The postings on EQUIVALENT. */
  readonly equivalent: bigint;
}

/**
 * What was paid for each currency of an entry. Of one that deals in a single foreign currency that is all on EQUIVALENT.
 * When two foreign currencies change hands directly, each but the last is worth the rate of the day, and the last the rest.
 */
export function dealsOf(
  entry: DealEntry,
  rateOf: (currency: string) => Rational | undefined,
): Decision<ReadonlyMap<string, Deal>> {
  const currencies = [...entry.positions.keys()].sort();
  const deals = new Map<string, Deal>();
  let rest = entry.equivalent;
  for (const [n, currency] of currencies.entries()) {
    const position = entry.positions.get(currency) ?? 0n;
    if (n === currencies.length - 1) {
      deals.set(currency, { position, equivalent: rest });
      continue;
    }
    const rate = rateOf(currency);
    if (!rate) return refused(problem('RATE_MISSING', `There is no rate of ${currency} that can be used`, [currency]));
    const equivalent = Rational.of(position).times(rate).round();
    deals.set(currency, { position, equivalent });
    rest -= equivalent;
  }
  return accepted(deals);
}

/** A deal and the reversal that undoes it, both not valued yet, have no result: nothing was dealt. */
export function undone(entries: readonly DealEntry[]): ReadonlySet<string> {
  const byId = new Map(entries.map((entry) => [entry.entryId, entry]));
  const ids = new Set<string>();
  for (const entry of entries) {
    const original = entry.reverses === null ? undefined : byId.get(entry.reverses);
    if (!original || ids.has(original.entryId) || original.equivalent + entry.equivalent !== 0n) continue;
    const currencies = new Set([...original.positions.keys(), ...entry.positions.keys()]);
    const isWhole = [...currencies].every(
      (currency) => (original.positions.get(currency) ?? 0n) + (entry.positions.get(currency) ?? 0n) === 0n,
    );
    // A part of a deal that is reversed is a deal of its own.
    if (!isWhole) continue;
    ids.add(original.entryId);
    ids.add(entry.entryId);
  }
  return ids;
}
