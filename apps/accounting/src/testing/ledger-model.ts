import { idOf } from '../journal/posting-input.js';
import { type PostingItem } from '../journal/posting.js';

/** What an account of the model is: strict ones keep above zero, the side says which way is up. */
export interface ModelAccount {
  readonly isStrict: boolean;
  readonly normalSide: 'DEBIT' | 'CREDIT';
}

interface ModelHold {
  readonly debit: string;
  readonly credit: string;
  readonly expiresAt: number;
  open: bigint;
}

interface ModelEntry {
  /** By account, debit positive. */
  readonly lines: readonly (readonly [account: string, units: bigint])[];
  readonly isReversal: boolean;
  isReversed: boolean;
}

export interface Given {
  readonly item: PostingItem;
  /** Items of one name are decided all or none. */
  readonly group?: string;
  /** Known before the ledger is asked: its group falls with it. */
  readonly refused?: string;
}

export interface Answer {
  /** A code, or POSTED. */
  readonly said: string;
  /** Of a sweep: what it moved. */
  readonly units?: bigint;
}

interface State {
  readonly posted: Map<string, bigint>;
  readonly closed: Set<string>;
  readonly holds: Map<string, ModelHold>;
  readonly entries: Map<string, ModelEntry>;
}

const posted = (units?: bigint): Answer => ({ said: 'POSTED', ...(units === undefined ? {} : { units }) });

/**
 * The ledger once more in a page, of one book and one asset, as a person would explain it: a sum for each account, what is
 * open of each hold, and nothing else. It is written from the published codes, not from the rule: the two have to agree.
 */
export class LedgerModel {
  now = 0;
  private state: State = { posted: new Map(), closed: new Set(), holds: new Map(), entries: new Map() };

  constructor(private readonly accounts: ReadonlyMap<string, ModelAccount>) {}

  /** Debit minus credit. */
  balanceOf(account: string): bigint {
    return this.state.posted.get(account) ?? 0n;
  }

  pendingOf(account: string, side: 'debit' | 'credit'): bigint {
    let sum = 0n;
    for (const hold of this.state.holds.values())
      if (hold[side] === account && hold.expiresAt > this.now) sum += hold.open;
    return sum;
  }

  /** What may be drawn, on the account's own side, less what is held on it. */
  availableOf(account: string): bigint {
    return this.isCredit(account)
      ? -this.balanceOf(account) - this.pendingOf(account, 'debit')
      : this.balanceOf(account) - this.pendingOf(account, 'credit');
  }

  /** What the account is in the red, less what is already on its way to it. */
  private owedOf(account: string): bigint {
    return this.isCredit(account)
      ? this.balanceOf(account) - this.pendingOf(account, 'credit')
      : -this.balanceOf(account) - this.pendingOf(account, 'debit');
  }

  get open(): { holds: string[]; entries: string[] } {
    return { holds: [...this.state.holds.keys()], entries: [...this.state.entries.keys()] };
  }

  /** Of each its answer: one after the other, a group in the place of its first, whole or not at all. */
  decide(given: readonly Given[]): Answer[] {
    const answers: Answer[] = [];
    const seen = new Set<string>();
    given.forEach(({ group }, first) => {
      if (group !== undefined && seen.has(group)) return;
      if (group !== undefined) seen.add(group);
      const members = given.flatMap((one, n) => ((group === undefined ? n === first : one.group === group) ? [n] : []));
      const before = members.length > 1 ? structuredClone(this.state) : undefined;
      let hasFailed = false;
      members.forEach((n, place) => {
        const { item, refused } = given[n] as Given;
        const ofGroup = members.map((member) => idOf((given[member] as Given).item));
        answers[n] =
          refused !== undefined ? { said: refused } : hasFailed ? this.linked(item, ofGroup) : this.one(item);
        if (answers[n].said === 'POSTED' || hasFailed || !before) return;
        hasFailed = true;
        this.state = before;
        for (const done of members.slice(0, place)) answers[done] = { said: 'LINKED_ITEM_REFUSED' };
      });
    });
    return answers;
  }

  /** Of a group that fell an item tells only what stands against it anyhow. */
  private linked(item: PostingItem, ofGroup: readonly string[]): Answer {
    const usesIts = (item.op === 'CAPTURE' || item.op === 'RELEASE') && ofGroup.includes(item.hold.holdId);
    return { said: (usesIts ? undefined : this.against(item)) ?? 'LINKED_ITEM_REFUSED' };
  }

  private one(item: PostingItem): Answer {
    const said = this.against(item);
    if (said) return { said };
    switch (item.op) {
      case 'ENTRY':
        return this.entry(item);
      case 'REVERSAL': {
        const entry = this.state.entries.get(item.reverses) as ModelEntry;
        const lines = entry.lines.map(([account, units]) => [account, -units] as const);
        if (!this.covers(lines)) return { said: 'INSUFFICIENT_FUNDS' };
        entry.isReversed = true;
        return this.book(item, lines, true);
      }
      case 'HOLD':
        return this.hold(item);
      case 'CAPTURE':
      case 'RELEASE':
        return this.use(item);
      case 'CLOSE': {
        const { account, empty } = item.close;
        if (empty && (this.availableOf(account) !== 0n || this.owedOf(account) !== 0n))
          return { said: 'ACCOUNT_NOT_EMPTY' };
        this.state.closed.add(account);
        return posted();
      }
      case 'REOPEN':
        this.state.closed.delete(item.close.account);
        return posted();
    }
  }

  /** What stands against an item whatever there is on its accounts. */
  private against(item: PostingItem): string | undefined {
    const isClosed = (...accounts: string[]) =>
      accounts.some((account) => this.state.closed.has(account)) ? 'ACCOUNT_CLOSED' : undefined;
    switch (item.op) {
      case 'ENTRY':
        return item.forced ? undefined : isClosed(...item.postings.map(({ account }) => account));
      case 'REVERSAL': {
        const entry = this.state.entries.get(item.reverses);
        if (!entry) return 'ENTRY_NOT_FOUND';
        if (entry.isReversal) return 'NOT_REVERSIBLE';
        return entry.isReversed ? 'ALREADY_REVERSED' : isClosed(...entry.lines.map(([account]) => account));
      }
      case 'HOLD':
        if (Date.parse(item.hold.expiresAt) <= this.now) return 'HOLD_EXPIRED';
        return isClosed(item.hold.debitAccount, item.hold.creditAccount);
      case 'CAPTURE':
      case 'RELEASE': {
        const hold = this.state.holds.get(item.hold.holdId);
        if (!hold) return 'HOLD_NOT_FOUND';
        if (hold.expiresAt <= this.now) return 'HOLD_EXPIRED';
        if (hold.open === 0n) return 'HOLD_CLOSED';
        return item.op === 'CAPTURE' ? isClosed(hold.debit, hold.credit) : undefined;
      }
      case 'CLOSE':
        return isClosed(item.close.account);
      case 'REOPEN':
        return undefined;
    }
  }

  private entry(item: Extract<PostingItem, { op: 'ENTRY' }>): Answer {
    const asked = item.postings.map(
      ({ account, side, units }) => [account, side === 'DEBIT' ? BigInt(units) : -BigInt(units)] as const,
    );
    if (item.upTo === undefined) {
      if (!item.forced && !this.covers(asked)) return { said: 'INSUFFICIENT_FUNDS' };
      return this.book(item, asked, false);
    }
    const [[debit, units], [credit]] = asked as [(typeof asked)[number], (typeof asked)[number]];
    const swept = this.swept(item.upTo, debit, credit, units);
    if (swept === 0n) return posted(0n);
    const lines = [[debit, swept] as const, [credit, -swept] as const];
    if (!this.covers(lines)) return { said: 'INSUFFICIENT_FUNDS' };
    return { ...this.book(item, lines, false), units: swept };
  }

  private hold(item: Extract<PostingItem, { op: 'HOLD' }>): Answer {
    const { debitAccount: debit, creditAccount: credit, units, expiresAt } = item.hold;
    const amount = item.upTo === undefined ? BigInt(units) : this.swept(item.upTo, debit, credit, BigInt(units));
    const told = item.upTo === undefined ? undefined : amount;
    if (amount === 0n) return posted(told);
    if (!this.covers([[debit, amount] as const, [credit, -amount] as const])) return { said: 'INSUFFICIENT_FUNDS' };
    this.state.holds.set(idOf(item), { debit, credit, open: amount, expiresAt: Date.parse(expiresAt) });
    return posted(told);
  }

  private use(item: Extract<PostingItem, { op: 'CAPTURE' | 'RELEASE' }>): Answer {
    const hold = this.state.holds.get(item.hold.holdId) as ModelHold;
    const amount = item.hold.units === undefined ? hold.open : BigInt(item.hold.units);
    if (amount > hold.open) return { said: 'HOLD_EXCEEDED' };
    hold.open -= amount;
    if (item.op === 'RELEASE') return posted();
    if (item.hold.final) hold.open = 0n;
    return this.book(item, [[hold.debit, amount] as const, [hold.credit, -amount] as const], false);
  }

  private book(item: PostingItem, lines: ModelEntry['lines'], isReversal: boolean): Answer {
    for (const [account, units] of lines) this.state.posted.set(account, this.balanceOf(account) + units);
    this.state.entries.set(idOf(item), { lines, isReversal, isReversed: false });
    return posted();
  }

  /** Nothing more than what the debited side has, what the credited side owes, or both. */
  private swept(upTo: 'DEBIT' | 'CREDIT' | 'BOTH', debit: string, credit: string, asked: bigint): bigint {
    const sides = [
      ...(upTo === 'CREDIT' ? [] : [this.isCredit(debit) ? this.availableOf(debit) : this.owedOf(debit)]),
      ...(upTo === 'DEBIT' ? [] : [this.isCredit(credit) ? this.owedOf(credit) : this.availableOf(credit)]),
    ];
    const least = [asked, ...sides].reduce((one, other) => (other < one ? other : one));
    return least > 0n ? least : 0n;
  }

  private covers(lines: readonly (readonly [account: string, units: bigint])[]): boolean {
    const nets = new Map<string, bigint>();
    for (const [account, units] of lines) nets.set(account, (nets.get(account) ?? 0n) + units);
    return [...nets].every(([account, units]) => {
      const drawn = this.isCredit(account) ? units : -units;
      return drawn <= 0n || this.accounts.get(account)?.isStrict !== true || this.availableOf(account) >= drawn;
    });
  }

  private isCredit(account: string): boolean {
    const found = this.accounts.get(account);
    if (!found) throw new Error(`the model has no account ${account}`);
    return found.normalSide === 'CREDIT';
  }
}
