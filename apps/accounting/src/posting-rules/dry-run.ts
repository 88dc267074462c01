import { type PostingEvent } from '#libs/contracts/index.js';
import { type Decision, isRefused, type Problem } from '#libs/kernel/index.js';
import { type PostingLine } from '../journal/posting.js';
import { type EntryOfEvent, postingsOf, type RuleSet } from './posting-rules.js';

/** An entry as it stands in the journal, with the event it came of. */
export interface BookedEvent {
  readonly entryId: string;
  readonly kind: string;
  readonly description: string;
  /** Debit positive, credit negative. */
  readonly postings: readonly { readonly account: string; readonly asset: string; readonly units: string }[];
  readonly event: PostingEvent;
}

/** What other rules would have made of an entry. */
export type Candidate =
  | { readonly kind: string; readonly description: string; readonly postings: readonly PostingLine[] }
  | { readonly problems: readonly Problem[] };

/** Debits less credits on an account, as booked and as the rules would have it. */
export interface Sum {
  readonly account: string;
  readonly asset: string;
  now: bigint;
  then: bigint;
}

export interface Compared {
  readonly sums: readonly Sum[];
  readonly differing: readonly { readonly entryId: string; readonly candidate: Candidate }[];
  /** Entries that the rules would not book at all. */
  readonly notBooked: number;
}

/** Entries replayed through other rules. Books nothing; the sides of both sums are equal in each asset. */
export function compare(entries: readonly BookedEvent[], rules: RuleSet): Compared {
  const sums = new Map<string, Sum>();
  const add = (account: string, asset: string, side: 'now' | 'then', units: bigint) => {
    const name = JSON.stringify([account, asset]);
    const sum = sums.get(name) ?? { account, asset, now: 0n, then: 0n };
    sum[side] += units;
    sums.set(name, sum);
  };
  const differing: { entryId: string; candidate: Candidate }[] = [];
  let notBooked = 0;
  for (const entry of entries) {
    for (const { account, asset, units } of entry.postings) add(account, asset, 'now', BigInt(units));
    const made = postingsOf(rules, entry.event);
    if (isRefused(made)) notBooked += 1;
    else for (const line of made.value.postings) add(line.account, line.asset, 'then', signed(line));
    const candidate = differenceOf(entry, made);
    if (candidate !== undefined) differing.push({ entryId: entry.entryId, candidate });
  }
  assertZero(sums.values());
  return { sums: [...sums.values()], differing, notBooked };
}

/** What rules make of an entry, when it is not what was booked. */
export function differenceOf(booked: BookedEvent, made: Decision<EntryOfEvent>): Candidate | undefined {
  if (isRefused(made)) return { problems: made.problems };
  return isSame(booked, made.value) ? undefined : made.value;
}

const signed = ({ side, units }: PostingLine): bigint => (side === 'DEBIT' ? BigInt(units) : -BigInt(units));

/** The order of postings says nothing. */
function isSame(booked: BookedEvent, made: EntryOfEvent): boolean {
  if (booked.kind !== made.kind || booked.description !== made.description) return false;
  const before = booked.postings.map(({ account, asset, units }) => JSON.stringify([account, asset, units])).sort();
  const after = made.postings.map((line) => JSON.stringify([line.account, line.asset, String(signed(line))])).sort();
  return before.length === after.length && before.every((line, n) => line === after[n]);
}

function assertZero(sums: Iterable<Sum>): void {
  const left = new Map<string, [bigint, bigint]>();
  for (const { asset, now, then } of sums) {
    const [one, other] = left.get(asset) ?? [0n, 0n];
    left.set(asset, [one + now, other + then]);
  }
  for (const [asset, [now, then]] of left)
    if (now !== 0n || then !== 0n) throw new Error(`a dry run makes or loses ${asset}: ${now} now, ${then} then`);
}
