import { stopsWhatComesIn, stopsWhatGoesOut } from '../blocks/blocks.js';
import {
  type AccountState,
  type BookedEntry,
  type Hold,
  type LedgerAccount,
  type LedgerState,
} from './ledger-state.js';
import { type PostingItem, type ResultCode } from './posting.js';
import { type AccountAfter, Standing } from './standing.js';

export type { AccountAfter };

/** A line of an item: debit positive, credit negative. */
export interface Line {
  readonly n: number;
  readonly account: string;
  readonly asset: string;
  readonly units: bigint;
  /** Absent when the number is not open in the asset. */
  readonly accountId?: string;
}

/** An item to be decided: its input has no fault of its own, and its key is its own. */
export interface Candidate {
  readonly item: PostingItem;
  /** Refused before the ledger is asked, by its input or its key: it takes its group along. */
  readonly refusal?: Refusal;
  /** Of the entry or the hold that comes of it. */
  readonly id: string;
  /** The caller's place in the batch: a group is a group within one call. */
  readonly call: number;
}

export interface Refusal {
  readonly code: ResultCode;
  readonly account?: string;
  readonly asset?: string;
  readonly available?: bigint;
}

export interface Decision {
  readonly refusal?: Refusal;
  /** Of a sweep: what it moves, which may be nothing. */
  readonly swept?: bigint;
  /** What a forced item draws beyond the limit. */
  readonly excess: readonly { readonly account: string; readonly asset: string; readonly units: bigint }[];
  /** What is booked, or held. */
  readonly lines: readonly Line[];
}

export interface HoldMovement {
  readonly hold: Hold;
  readonly kind: 'CAPTURED' | 'RELEASED';
  readonly units: bigint;
  /** Of the capture. */
  readonly entryId?: string;
  /** Of a release that was asked for. */
  readonly key?: string;
}

export interface Closing {
  readonly candidate: number;
  readonly book: string;
  readonly account: string;
  readonly state: 'CLOSED' | 'OPEN';
}

export interface Folded {
  /** One for each candidate, in their order. */
  readonly decisions: readonly Decision[];
  readonly holdMovements: readonly HoldMovement[];
  /** Those that were locked, moved or not. */
  readonly accounts: readonly AccountAfter[];
  readonly closings: readonly Closing[];
  /** When asked for: the accounts that each candidate touches, as it or its group leaves them. */
  readonly previews?: readonly (readonly AccountAfter[])[];
}

const singlePaymentKinds = new Set(['PAYMENT', 'WITHDRAWAL', 'TRANSFER']);
/** What an institution brings along is booked before its first day. */
const openingKinds = new Set(['OPENING_BALANCE', 'OPENING_REVERSED']);
const isCurrency = (asset: string) => asset.length === 3;
const keyOf = (...parts: string[]) => parts.join('\u001f');
const isForced = (item: PostingItem) => 'forced' in item && item.forced !== undefined;

interface OpenHold {
  readonly hold: Hold;
  open: bigint;
}

interface Outcome {
  refusal?: Refusal;
  swept?: bigint;
  excess: { account: string; asset: string; units: bigint }[];
  lines: readonly Line[];
}

/**
 * Decides a batch: each item on what the ones before it left, a group all or none. Nothing is written here. Refusals
 * stand in the published order (`resultCodes`).
 */
export function fold(
  candidates: readonly Candidate[],
  state: LedgerState,
  options: { readonly previews?: boolean } = {},
): Folded {
  return new Fold(candidates, state, options.previews === true ? [] : undefined).run();
}

class Fold {
  private readonly accounts = new Map<string, Standing>();
  private readonly accountIds = new Map<string, string>();
  private readonly unopened: Map<string, LedgerState['unopened'][number]>;
  private readonly isClosed = new Map<string, boolean>();
  /** Of the numbers to be closed or opened again: what they are while open. */
  private readonly knownNumbers = new Map<string, AccountState>();
  private readonly days: Map<string, string>;
  private readonly booksBeforeFirstDay: ReadonlySet<string>;
  private readonly holds = new Map<string, OpenHold>();
  private readonly entries: Map<string, BookedEntry>;
  private readonly reversed = new Set<string>();
  /** By entry and number of the posting: what parts have reversed, those of this batch too. */
  private readonly reversedParts = new Map<string, bigint>();
  private readonly outcomes: Outcome[] = [];
  private readonly holdMovements: HoldMovement[] = [];
  private readonly closings: Closing[] = [];
  /** Of the group under way: how to undo what it did. */
  private undo: (() => void)[] | undefined;

  constructor(
    private readonly candidates: readonly Candidate[],
    private readonly state: LedgerState,
    private readonly previews: (readonly AccountAfter[])[] | undefined,
  ) {
    for (const account of state.accounts) {
      this.accounts.set(account.id, new Standing(account));
      this.accountIds.set(keyOf(account.book, account.number, account.asset), account.id);
      this.isClosed.set(keyOf(account.book, account.number), account.state === 'CLOSED');
    }
    for (const { book, number, state: now, whenOpen } of state.numbers) {
      this.knownNumbers.set(keyOf(book, number), whenOpen);
      this.isClosed.set(keyOf(book, number), now === 'CLOSED');
    }
    this.unopened = new Map(state.unopened.map((one) => [keyOf(one.book, one.number, one.asset), one]));
    this.days = new Map(state.days.map((day) => [keyOf(day.book, day.businessDate), day.state]));
    this.booksBeforeFirstDay = new Set(state.booksBeforeFirstDay);
    for (const hold of state.holds) this.holds.set(hold.id, { hold, open: hold.open });
    this.entries = new Map(state.entries.map((entry) => [entry.id, entry]));
    for (const { id, postings } of state.entries)
      for (const { n, reversed } of postings) if (reversed > 0n) this.reversedParts.set(keyOf(id, String(n)), reversed);
  }

  run(): Folded {
    for (const group of this.inOrder()) this.decideGroup(group);
    return {
      decisions: this.outcomes,
      holdMovements: this.holdMovements,
      closings: this.closings,
      accounts: [...this.accounts.values()],
      ...(this.previews ? { previews: this.previews } : {}),
    };
  }

  /** Items one by one, those of a group together in the place of its first. */
  private inOrder(): number[][] {
    const groups = new Map<string, number[]>();
    const order: number[][] = [];
    this.candidates.forEach(({ item, call }, n) => {
      const name = item.group === undefined ? undefined : keyOf(String(call), item.group);
      const known = name === undefined ? undefined : groups.get(name);
      if (known) {
        known.push(n);
        return;
      }
      const fresh = [n];
      order.push(fresh);
      if (name !== undefined) groups.set(name, fresh);
    });
    return order;
  }

  private decideGroup(members: readonly number[]): void {
    const isGroup = members.length > 1;
    this.undo = isGroup ? [] : undefined;
    const [movements, closings] = [this.holdMovements.length, this.closings.length];
    let hasFailed = false;
    members.forEach((n, place) => {
      const outcome = this.decide(n, hasFailed ? members : undefined);
      this.outcomes[n] = outcome;
      if (outcome.refusal === undefined || hasFailed || !isGroup) return;
      hasFailed = true;
      for (const restore of this.undo?.splice(0).reverse() ?? []) restore();
      this.holdMovements.length = movements;
      this.closings.length = closings;
      for (const done of members.slice(0, place))
        this.outcomes[done] = { refusal: { code: 'LINKED_ITEM_REFUSED' }, excess: [], lines: [] };
    });
    if (this.previews) for (const n of members) this.previews[n] = this.touchedBy(this.candidates[n] as Candidate);
  }

  private touchedBy({ item, refusal }: Candidate): AccountAfter[] {
    if (refusal) return [];
    const touched =
      'close' in item
        ? [...this.accounts.values()].filter(
            ({ account: { book, number } }) => book === item.book && number === item.close.account,
          )
        : [...new Set(this.linesOf(item).flatMap(({ accountId }) => accountId ?? []))].map((id) => this.standing(id));
    return touched.map((standing) => standing.copy());
  }

  /** `failedGroup`: its members, when another of them was refused before; then only what stands against this one itself is told. */
  private decide(n: number, failedGroup: readonly number[] | undefined): Outcome {
    const candidate = this.candidates[n] as Candidate;
    const { item } = candidate;
    const refuse = (refusal: Refusal): Outcome => ({ refusal, excess: [], lines: [] });
    if (candidate.refusal) return refuse(candidate.refusal);
    const lines = this.linesOf(item);
    // A hold of the group was taken back with it, so nothing can be said of who would use it.
    const usesHoldOfGroup =
      (item.op === 'CAPTURE' || item.op === 'RELEASE') &&
      failedGroup?.some((member) => this.candidates[member]?.id === item.hold.holdId);
    const refusal = usesHoldOfGroup ? undefined : this.standsAgainst(item, lines);
    if (refusal) return refuse(refusal);
    if (failedGroup) return refuse({ code: 'LINKED_ITEM_REFUSED' });
    switch (item.op) {
      case 'CLOSE':
      case 'REOPEN':
        return this.changeState(n, item) ?? { excess: [], lines: [] };
      case 'RELEASE':
      case 'CAPTURE':
        return this.useHold(item, candidate.id, lines);
      case 'HOLD':
        return this.placeHold(item, candidate.id, lines);
      default:
        return this.book(item, lines);
    }
  }

  private linesOf(item: PostingItem): Line[] {
    const line = (n: number, account: string, asset: string, units: bigint): Line => ({
      n,
      account,
      asset,
      units,
      accountId: this.accountIds.get(keyOf(item.book, account, asset)),
    });
    const ofAccount = (n: number, accountId: string, units: bigint): Line => {
      const { number, asset } = this.standing(accountId).account;
      return { n, account: number, asset, units, accountId };
    };
    switch (item.op) {
      case 'ENTRY':
        return item.postings.map(({ account, asset, side, units }, n) =>
          line(n + 1, account, asset, side === 'DEBIT' ? BigInt(units) : -BigInt(units)),
        );
      case 'HOLD': {
        const { debitAccount, creditAccount, asset, units } = item.hold;
        return [line(1, debitAccount, asset, BigInt(units)), line(2, creditAccount, asset, -BigInt(units))];
      }
      case 'REVERSAL':
        return this.linesReversed(item).map(({ accountId, units }, n) => ofAccount(n + 1, accountId, units));
      case 'CAPTURE':
      case 'RELEASE': {
        const found = this.holdOf(item);
        if (!found) return [];
        const units = item.hold.units === undefined ? found.open : BigInt(item.hold.units);
        return [ofAccount(1, found.hold.debitAccountId, units), ofAccount(2, found.hold.creditAccountId, -units)];
      }
      default:
        return [];
    }
  }

  /** What the ledger has against the item, whether its amounts are covered or not. */
  private standsAgainst(item: PostingItem, lines: readonly Line[]): Refusal | undefined {
    return (
      this.unknownIn(item, lines) ??
      this.dayAgainst(item) ??
      this.entryAgainst(item, lines) ??
      this.holdAgainst(item) ??
      this.accountStateAgainst(item, lines) ??
      this.paymentLimitAgainst(item, lines)
    );
  }

  private unknownIn(item: PostingItem, lines: readonly Line[]): Refusal | undefined {
    if (item.op === 'CLOSE' || item.op === 'REOPEN') {
      const { account } = item.close;
      return this.knownNumbers.has(keyOf(item.book, account)) ? undefined : { code: 'ACCOUNT_NOT_FOUND', account };
    }
    const missing = lines
      .filter(({ accountId }) => accountId === undefined)
      .map(({ account, asset }) => {
        const found = this.unopened.get(keyOf(item.book, account, asset));
        if (!found) throw new Error(`${account} in ${asset} was not looked for`);
        return found;
      });
    const as = (code: ResultCode, one: (typeof missing)[number] | undefined): Refusal | undefined =>
      one && { code, account: one.number, asset: one.asset };
    return (
      as(
        'ACCOUNT_NOT_FOUND',
        missing.find(({ hasNumber }) => !hasNumber),
      ) ??
      as(
        'ASSET_NOT_FOUND',
        missing.find(({ hasAsset }) => !hasAsset),
      ) ??
      as('ASSET_MISMATCH', missing[0])
    );
  }

  private dayAgainst(item: PostingItem): Refusal | undefined {
    if (item.op !== 'ENTRY' && item.op !== 'REVERSAL' && item.op !== 'CAPTURE') return undefined;
    const state = this.days.get(keyOf(item.book, item.businessDate));
    if (state === 'OPEN') return undefined;
    if (state === undefined && openingKinds.has(item.kind) && this.booksBeforeFirstDay.has(item.book)) return undefined;
    return { code: state === undefined || state === 'NEXT' ? 'PERIOD_NOT_OPEN' : 'PERIOD_CLOSED' };
  }

  private entryAgainst(item: PostingItem, lines: readonly Line[]): Refusal | undefined {
    if (item.op !== 'REVERSAL') return undefined;
    const entry = this.entryOf(item);
    if (!entry) return { code: 'ENTRY_NOT_FOUND' };
    if (entry.isReversal) return { code: 'NOT_REVERSIBLE' };
    if (entry.isReversed || this.reversed.has(entry.id)) return { code: 'ALREADY_REVERSED' };
    const reversed = (n: number) => this.reversedParts.get(keyOf(entry.id, String(n))) ?? 0n;
    if (!item.part) return entry.postings.some(({ n }) => reversed(n) > 0n) ? { code: 'REVERSAL_EXCEEDED' } : undefined;
    for (const { n, units } of item.part) {
      const posting = entry.postings.find((one) => one.n === n);
      if (!posting || reversed(n) + BigInt(units) > absolute(posting.units)) return { code: 'REVERSAL_EXCEEDED' };
    }
    const sums = new Map<string, bigint>();
    for (const { asset, units } of lines) sums.set(asset, (sums.get(asset) ?? 0n) + units);
    const unequal = [...sums].find(([, sum]) => sum !== 0n);
    if (unequal) return { code: 'NOT_BALANCED', asset: unequal[0] };
    return undefined;
  }

  private holdAgainst(item: PostingItem): Refusal | undefined {
    if (item.op === 'HOLD')
      return new Date(item.hold.expiresAt) <= new Date(this.state.moment) ? { code: 'HOLD_EXPIRED' } : undefined;
    if (item.op !== 'CAPTURE' && item.op !== 'RELEASE') return undefined;
    const found = this.holdOf(item);
    if (!found) return { code: 'HOLD_NOT_FOUND' };
    if (found.hold.isExpired) return { code: 'HOLD_EXPIRED' };
    if (found.open === 0n) return { code: 'HOLD_CLOSED' };
    return undefined;
  }

  private accountStateAgainst(item: PostingItem, lines: readonly Line[]): Refusal | undefined {
    if (item.op === 'RELEASE' || item.op === 'REOPEN' || isForced(item)) return undefined;
    if (item.op === 'CLOSE') {
      const { account } = item.close;
      return this.isClosed.get(keyOf(item.book, account)) ? { code: 'ACCOUNT_CLOSED', account } : undefined;
    }
    const closed = lines.find(({ account }) => this.isClosed.get(keyOf(item.book, account)));
    if (closed) return { code: 'ACCOUNT_CLOSED', account: closed.account, asset: closed.asset };
    const blocked = lines.find(({ accountId, units }) => {
      const standing = this.standing(accountId);
      const state = this.openStateOf(standing.account);
      return (
        standing.account.isStrict && (standing.isDrawnBy(units) ? stopsWhatGoesOut(state) : stopsWhatComesIn(state))
      );
    });
    return blocked && { code: 'ACCOUNT_BLOCKED', account: blocked.account, asset: blocked.asset };
  }

  /** Of an account that is not closed by now: one that was, and that this batch opened again, has its blocks still. */
  private openStateOf({ book, number, state }: LedgerAccount): AccountState {
    return state === 'CLOSED' ? (this.knownNumbers.get(keyOf(book, number)) ?? state) : state;
  }

  private paymentLimitAgainst(item: PostingItem, lines: readonly Line[]): Refusal | undefined {
    if (item.op !== 'ENTRY' || isForced(item) || !singlePaymentKinds.has(item.kind)) return undefined;
    // Of a sweep counts what it moves, not how far it might go.
    for (const [accountId, units] of netsOf(withUnits(lines, this.sweptOf(item, lines)))) {
      const { number, asset, paymentLimit } = this.standing(accountId).account;
      if (paymentLimit !== undefined && units > paymentLimit) return { code: 'LIMIT_EXCEEDED', account: number, asset };
    }
    return undefined;
  }

  private changeState(n: number, item: Extract<PostingItem, { op: 'CLOSE' | 'REOPEN' }>): Outcome | undefined {
    const { account } = item.close;
    const key = keyOf(item.book, account);
    const isClosing = item.op === 'CLOSE';
    if (isClosing && item.close.empty) {
      for (const standing of this.accounts.values()) {
        const { book, number, asset } = standing.account;
        if (book !== item.book || number !== account) continue;
        if (standing.available !== 0n || standing.owed !== 0n)
          return { refusal: { code: 'ACCOUNT_NOT_EMPTY', account, asset }, excess: [], lines: [] };
      }
    }
    const before = this.isClosed.get(key) ?? false;
    this.undo?.push(() => this.isClosed.set(key, before));
    this.isClosed.set(key, isClosing);
    this.closings.push({ candidate: n, book: item.book, account, state: isClosing ? 'CLOSED' : 'OPEN' });
    return undefined;
  }

  private useHold(
    item: Extract<PostingItem, { op: 'CAPTURE' | 'RELEASE' }>,
    id: string,
    lines: readonly Line[],
  ): Outcome {
    const found = this.holdOf(item) as OpenHold;
    const { hold } = found;
    const amount = item.hold.units === undefined ? found.open : BigInt(item.hold.units);
    if (amount > found.open)
      return { refusal: { code: 'HOLD_EXCEEDED', available: found.open }, excess: [], lines: [] };
    const debited = this.standing(hold.debitAccountId);
    const credited = this.standing(hold.creditAccountId);
    const isCapture = item.op === 'CAPTURE';
    if (isCapture && !(debited.hasRoomFor(amount) && credited.hasRoomFor(-amount)))
      return { refusal: { code: 'BALANCE_OUT_OF_RANGE' }, excess: [], lines: [] };
    const before = found.open;
    this.undo?.push(debited.saved(), credited.saved(), () => (found.open = before));
    const end = (kind: HoldMovement['kind'], units: bigint, of: { entryId?: string; key?: string }) => {
      found.open -= units;
      debited.reserve('DEBIT', -units);
      credited.reserve('CREDIT', -units);
      this.holdMovements.push({ hold, kind, units, ...of });
    };
    if (!isCapture) {
      end('RELEASED', amount, { key: item.key });
      return { excess: [], lines: [] };
    }
    // What was pending becomes posted; what a final capture leaves is free again.
    end('CAPTURED', amount, { entryId: id });
    debited.post(amount);
    credited.post(-amount);
    if (item.hold.final && found.open > 0n) end('RELEASED', found.open, {});
    return { excess: [], lines };
  }

  private placeHold(item: Extract<PostingItem, { op: 'HOLD' }>, id: string, asked: readonly Line[]): Outcome {
    const swept = this.sweptOf(item, asked);
    if (swept === 0n) return { swept, excess: [], lines: [] };
    const lines = withUnits(asked, swept);
    const amount = sizeOf(lines);
    for (const { accountId, account, asset, units } of lines) {
      const standing = this.standing(accountId);
      if (standing.isDrawnBy(units) && standing.isShortOf(amount))
        return { refusal: shortage(account, asset, standing.available), excess: [], lines: [] };
      if (!standing.hasRoomFor(units, amount))
        return { refusal: { code: 'BALANCE_OUT_OF_RANGE', account, asset }, excess: [], lines: [] };
    }
    const [debited, credited] = lines.map(({ accountId }) => this.standing(accountId)) as [Standing, Standing];
    this.undo?.push(debited.saved(), credited.saved(), () => this.holds.delete(id));
    debited.reserve('DEBIT', amount);
    credited.reserve('CREDIT', amount);
    this.holds.set(id, {
      open: amount,
      hold: {
        id,
        book: item.book,
        asset: item.hold.asset,
        debitAccountId: debited.account.id,
        creditAccountId: credited.account.id,
        open: amount,
        isExpired: false,
      },
    });
    return { swept, excess: [], lines };
  }

  private book(item: Extract<PostingItem, { op: 'ENTRY' | 'REVERSAL' }>, asked: readonly Line[]): Outcome {
    const swept = item.op === 'ENTRY' ? this.sweptOf(item, asked) : undefined;
    if (swept === 0n) return { swept, excess: [], lines: [] };
    const lines = withUnits(asked, swept);
    const nets = netsOf(lines);
    const excess: Outcome['excess'] = [];
    const deepened: Standing[] = [];
    let short: Standing | undefined;
    for (const [accountId, units] of nets) {
      const standing = this.standing(accountId);
      const size = units < 0n ? -units : units;
      if (!standing.isDrawnBy(units) || !standing.isShortOf(size)) continue;
      const { number: account, asset, limit } = standing.account;
      if (isForced(item)) {
        excess.push({ account, asset, units: size - standing.available - limit });
        deepened.push(standing);
      }
      // Of cash and securities the cash is told: it is what can be brought in.
      else if (!short || (isCurrency(asset) && !isCurrency(short.account.asset))) short = standing;
    }
    if (short)
      return { refusal: shortage(short.account.number, short.account.asset, short.available), excess: [], lines: [] };
    const full = lines.find(({ accountId, units }) => !this.standing(accountId).hasRoomFor(units));
    if (full)
      return {
        refusal: { code: 'BALANCE_OUT_OF_RANGE', account: full.account, asset: full.asset },
        excess: [],
        lines: [],
      };
    if (this.undo) for (const accountId of nets.keys()) this.undo.push(this.standing(accountId).saved());
    for (const { accountId, units } of lines) this.standing(accountId).post(units);
    for (const standing of deepened) if (-standing.available > standing.deepest) standing.deepest = -standing.available;
    if (item.op === 'REVERSAL') this.reverse(item);
    return { swept, excess, lines };
  }

  private reverse({ reverses, part }: Extract<PostingItem, { op: 'REVERSAL' }>): void {
    if (!part) {
      this.reversed.add(reverses);
      this.undo?.push(() => this.reversed.delete(reverses));
      return;
    }
    for (const { n, units } of part) {
      const name = keyOf(reverses, String(n));
      const before = this.reversedParts.get(name) ?? 0n;
      this.reversedParts.set(name, before + BigInt(units));
      this.undo?.push(() => this.reversedParts.set(name, before));
    }
  }

  /** The postings of an entry the other way round: all of them, or what is asked of some. */
  private linesReversed(item: Extract<PostingItem, { op: 'REVERSAL' }>): { accountId: string; units: bigint }[] {
    const postings = this.entryOf(item)?.postings ?? [];
    if (!item.part) return postings.map(({ accountId, units }) => ({ accountId, units: -units }));
    return item.part.flatMap(({ n, units }) => {
      const posting = postings.find((one) => one.n === n);
      return posting
        ? [{ accountId: posting.accountId, units: posting.units > 0n ? -BigInt(units) : BigInt(units) }]
        : [];
    });
  }

  /** How far a sweep goes: what the debited account has, what the credited one owes, and never below nothing. */
  private sweptOf(item: Extract<PostingItem, { op: 'ENTRY' | 'HOLD' }>, lines: readonly Line[]): bigint | undefined {
    if (item.upTo === undefined) return undefined;
    let amount = sizeOf(lines);
    for (const { accountId, units } of lines) {
      if (item.upTo !== 'BOTH' && item.upTo !== (units > 0n ? 'DEBIT' : 'CREDIT')) continue;
      const standing = this.standing(accountId);
      const there = standing.isDrawnBy(units) ? standing.available : standing.owed;
      if (there < amount) amount = there > 0n ? there : 0n;
    }
    return amount;
  }

  private standing(accountId: string | undefined): Standing {
    const found = accountId === undefined ? undefined : this.accounts.get(accountId);
    if (!found) throw new Error(`ledger account ${accountId ?? '?'} was not locked`);
    return found;
  }

  private entryOf(item: Extract<PostingItem, { op: 'REVERSAL' }>): BookedEntry | undefined {
    const entry = this.entries.get(item.reverses);
    return entry?.book === item.book ? entry : undefined;
  }

  private holdOf(item: Extract<PostingItem, { op: 'CAPTURE' | 'RELEASE' }>): OpenHold | undefined {
    const found = this.holds.get(item.hold.holdId);
    return found?.hold.book === item.book ? found : undefined;
  }
}

const absolute = (units: bigint): bigint => (units < 0n ? -units : units);

/** What an entry does to each of its accounts, in the order of the lines. */
function netsOf(lines: readonly Line[]): Map<string, bigint> {
  const nets = new Map<string, bigint>();
  for (const { accountId, units } of lines) {
    if (accountId === undefined) continue;
    nets.set(accountId, (nets.get(accountId) ?? 0n) + units);
  }
  return nets;
}

const sizeOf = (lines: readonly Line[]): bigint => {
  const units = lines[0]?.units ?? 0n;
  return units < 0n ? -units : units;
};

/** The lines of a sweep with what it moves. */
const withUnits = (lines: readonly Line[], amount: bigint | undefined): readonly Line[] =>
  amount === undefined ? lines : lines.map((line) => ({ ...line, units: line.units > 0n ? amount : -amount }));

const shortage = (account: string, asset: string, available: bigint): Refusal => ({
  code: isCurrency(asset) ? 'INSUFFICIENT_FUNDS' : 'INSUFFICIENT_SECURITIES',
  account,
  asset,
  available,
});
