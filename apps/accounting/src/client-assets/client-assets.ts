import { type PlainDate } from '#libs/calendar/index.js';

/**
 * Client assets: what clients have with us must be there, at agents and depots, as those last stated it. The rule takes
 * each instrument, and each currency, of a book by itself:
 *
 *   requirement = the positive entitlements of all clients, each counted by itself: what one owes does not make up for
 *                 what another has; and what is nobody's yet, as it is somebody's
 *   resource    = what the places last stated, and the transit that is explained
 *   difference  = resource − requirement; below zero it is a shortfall
 *
 * Transit is what either side has and the other has not yet. It is explained when it makes the statement of the next day
 * what our books say today; money that came and that nobody here knows explains itself too, and covers nothing. Whatever
 * the agent took and we did not book, or we booked and the agent has not, is not explained: it is the cause of a shortfall.
 */
export type Pool = 'MONEY' | 'CUSTODY';

export type ExplainedKind =
  /** Booked with a value after the date of the statement: the next one has it. */
  | 'BOOKED_AFTER_STATEMENT'
  /** The account was never stated: all that was booked since the balance it was opened with. */
  | 'BOOKED_WITHOUT_STATEMENT'
  /** We gave it out and it has not left yet: it will, so it is not counted. */
  | 'UNDER_WAY'
  /** It came, and belongs to somebody unknown: it is not counted. */
  | 'UNIDENTIFIED_RECEIPT'
  /** More came, or less went, than we booked: until it is known whose it is, it is not counted. */
  | 'STATED_ABOVE_BOOKS'
  /** The firm's own pieces in the same depot are no client's. */
  | 'OWN_HOLDING';

export type ShortfallCause =
  /** Booked as received on a date that the statement covers, and not there. */
  | 'NOT_RECEIVED'
  /** The agent took it, and we know of no reason. */
  | 'NOT_BOOKED'
  | 'CHARGED_BY_AGENT'
  | 'DEBITED_TWICE'
  /** More went, or less came, than we booked. */
  | 'STATED_BELOW_BOOKS'
  /** The statement of the depot has less than our books, after all that is on its way. */
  | 'MISSING_AT_DEPOT'
  /** The balance is lower than its entries and our books explain. */
  | 'NOT_ITEMISED'
  /** A client owes what was given out for him: it was other clients'. */
  | 'CLIENT_OWES'
  /** Taken out of the pool in our own books for something that is no client's. */
  | 'USED_BY_FIRM';

/** What our books and the statements of an account say, of one of our references, that is not the same. */
export interface OpenItem {
  readonly reference: string | null;
  /** Positive came in, negative went out. */
  readonly bookedUnits: bigint;
  readonly statedUnits: bigint;
  /** Of the latest booking. */
  readonly valueDate: PlainDate | null;
  /** The agent's transaction code. */
  readonly code: string | null;
}

/** A depot, or an account at an agent. */
export interface Location {
  readonly account: string;
  readonly statementId: string | null;
  /** Null when it was never stated: then the balance it was opened with stands for a statement. */
  readonly statementDate: PlainDate | null;
  readonly statedUnits: bigint;
  readonly bookedUnits: bigint;
  readonly openItems: readonly OpenItem[];
}

export interface PoolPosition {
  readonly pool: Pool;
  readonly asset: string;
  /** Positive entitlements, and what clients owe, both as positive sums. */
  readonly entitledUnits: bigint;
  readonly owedUnits: bigint;
  readonly clientCount: number;
  /** Received for somebody who is not known yet. */
  readonly unallocatedUnits: bigint;
  /** The firm's own pieces in the same depots. */
  readonly ownUnits: bigint;
  readonly locations: readonly Location[];
}

export interface ProofItem {
  readonly account: string | null;
  readonly reference: string | null;
  readonly kind: ExplainedKind | ShortfallCause;
  readonly isExplained: boolean;
  /** An explained one is added to the resource as it stands; another says how much is missing, as a positive number. */
  readonly units: bigint;
}

export interface PoolProof {
  readonly pool: Pool;
  readonly asset: string;
  readonly requirementUnits: bigint;
  readonly resourceUnits: bigint;
  readonly differenceUnits: bigint;
  readonly items: readonly ProofItem[];
  /** The largest cause of a shortfall; null when there is none. */
  readonly cause: ShortfallCause | null;
}

export function prove(position: PoolPosition): PoolProof {
  const requirementUnits = position.entitledUnits + position.unallocatedUnits;
  const found = position.locations.flatMap((location) => itemsOf(position.pool, location));
  if (position.ownUnits > 0n) found.push(item(null, null, 'OWN_HOLDING', true, -position.ownUnits));
  const stated = sum(position.locations.map(({ statedUnits }) => statedUnits));
  const resourceUnits = stated + sum(found.filter(({ isExplained }) => isExplained).map(({ units }) => units));
  const differenceUnits = resourceUnits - requirementUnits;
  if (position.owedUnits > 0n) found.push(item(null, null, 'CLIENT_OWES', false, position.owedUnits));
  const rest = -differenceUnits - sum(found.filter(({ isExplained }) => !isExplained).map(({ units }) => units));
  if (rest > 0n) found.push(item(null, null, 'USED_BY_FIRM', false, rest));
  return {
    pool: position.pool,
    asset: position.asset,
    requirementUnits,
    resourceUnits,
    differenceUnits,
    items: found,
    cause: differenceUnits < 0n ? largestCause(found) : null,
  };
}

/** All that stands between the statement of an account and our books of it, item by item; what no item tells is one more. */
function itemsOf(pool: Pool, location: Location): ProofItem[] {
  const { account, statedUnits, bookedUnits, statementDate } = location;
  const open = paired(location.openItems);
  const items = open.map((one) => judged(account, one, statementDate));
  const untold = bookedUnits - statedUnits - sum(location.openItems.map((one) => one.bookedUnits - one.statedUnits));
  if (untold > 0n)
    items.push(item(account, null, pool === 'MONEY' ? 'NOT_ITEMISED' : 'MISSING_AT_DEPOT', false, untold));
  if (untold < 0n) items.push(item(account, null, 'STATED_ABOVE_BOOKS', true, untold));
  return items;
}

function judged(account: string, open: OpenItem, statementDate: PlainDate | null): ProofItem {
  const { bookedUnits, statedUnits, reference, valueDate, code } = open;
  const missing = bookedUnits - statedUnits;
  const explained = (kind: ExplainedKind) => item(account, reference, kind, true, missing);
  const cause = (kind: ShortfallCause) => item(account, reference, kind, false, missing);
  if (statementDate === null) return explained('BOOKED_WITHOUT_STATEMENT');
  if (statedUnits === 0n) {
    // What has its value after the statement is on the next one, whichever way it goes.
    if (valueDate !== null && valueDate > statementDate) return explained('BOOKED_AFTER_STATEMENT');
    return missing < 0n ? explained('UNDER_WAY') : cause('NOT_RECEIVED');
  }
  if (bookedUnits === 0n) {
    if (missing < 0n) return explained('UNIDENTIFIED_RECEIPT');
    return cause(code?.split('/').includes('CHRG') ? 'CHARGED_BY_AGENT' : 'NOT_BOOKED');
  }
  if (missing < 0n) return explained('STATED_ABOVE_BOOKS');
  return cause(statedUnits === 2n * bookedUnits ? 'DEBITED_TWICE' : 'STATED_BELOW_BOOKS');
}

/** An entry that the agent did not name is what was booked of exactly its amount, once. */
function paired(items: readonly OpenItem[]): OpenItem[] {
  const unnamed = new Map<bigint, number>();
  const isUnnamed = (one: OpenItem) => one.bookedUnits === 0n && one.reference?.includes('#') === true;
  const isOnlyBooked = (one: OpenItem) => one.statedUnits === 0n;
  for (const one of items.filter(isUnnamed)) unnamed.set(one.statedUnits, (unnamed.get(one.statedUnits) ?? 0) + 1);
  const pairs = new Map<bigint, number>();
  const left = items.filter((one) => {
    if (!isOnlyBooked(one)) return true;
    const there = unnamed.get(one.bookedUnits) ?? 0;
    if (there === 0) return true;
    unnamed.set(one.bookedUnits, there - 1);
    pairs.set(one.bookedUnits, (pairs.get(one.bookedUnits) ?? 0) + 1);
    return false;
  });
  return left.filter((one) => {
    if (!isUnnamed(one)) return true;
    const taken = pairs.get(one.statedUnits) ?? 0;
    if (taken === 0) return true;
    pairs.set(one.statedUnits, taken - 1);
    return false;
  });
}

function largestCause(items: readonly ProofItem[]): ShortfallCause {
  const byCause = new Map<ShortfallCause, bigint>();
  for (const { kind, isExplained, units } of items)
    if (!isExplained) byCause.set(kind as ShortfallCause, (byCause.get(kind as ShortfallCause) ?? 0n) + units);
  const [largest] = [...byCause].sort(([a, left], [b, right]) =>
    left === right ? (a < b ? -1 : 1) : left > right ? -1 : 1,
  );
  if (largest === undefined) throw new Error('a shortfall without a cause');
  return largest[0];
}

const item = (
  account: string | null,
  reference: string | null,
  kind: ProofItem['kind'],
  isExplained: boolean,
  units: bigint,
): ProofItem => ({ account, reference, kind, isExplained, units });

const sum = (units: readonly bigint[]): bigint => units.reduce((total, one) => total + one, 0n);
