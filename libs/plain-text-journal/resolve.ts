import { type JournalFault } from './cursor.js';
import { equals, type Exact, exactOf, minus, plus, Sums, textOf, times, zero } from './exact.js';
import { type Amount, type BalanceAssertion, type JournalItem, type Posting, type Transaction } from './journal.js';
import { type Located } from './parse.js';

export interface ResolvedPosting {
  readonly account: string;
  readonly amount: Amount;
  /** What it cost in all, with the sign of the amount. */
  readonly cost: Amount | null;
  readonly comments: readonly string[];
  readonly line: number;
}

export interface ResolvedTransaction extends Omit<Transaction, 'kind' | 'postings'> {
  readonly postings: readonly ResolvedPosting[];
  readonly line: number;
}

export interface ResolvedJournal {
  /** By date, then as they stand in the file: the order that assertions are checked in. */
  readonly transactions: readonly ResolvedTransaction[];
  readonly faults: readonly JournalFault[];
}

/**
 * Every posting with its amount: the one that was left out is what the others leave, a balance that is assigned is reached,
 * and each transaction is zero in each commodity, at cost where a cost is told; exactly, without a tolerance.
 */
export function resolveJournal(items: readonly Located<JournalItem>[]): ResolvedJournal {
  const faults: JournalFault[] = [];
  const balances = new Balances();
  const transactions = items
    .flatMap(({ item, line, postingLines }) => (item.kind === 'TRANSACTION' ? [{ item, line, postingLines }] : []))
    .sort((a, b) => (a.item.date < b.item.date ? -1 : a.item.date > b.item.date ? 1 : a.line - b.line))
    .flatMap((located) => {
      const resolved = resolveTransaction(located, balances, faults);
      return resolved ? [resolved] : [];
    });
  return { transactions, faults: faults.sort((a, b) => a.line - b.line) };
}

const fault = (code: string, message: string, line: number): JournalFault => ({ code, message, line, column: 1 });

function resolveTransaction(
  { item, line, postingLines }: Located<Transaction>,
  balances: Balances,
  faults: JournalFault[],
): ResolvedTransaction | undefined {
  const lineOf = (n: number) => postingLines[n] ?? line;
  const { kind: _kind, postings, ...head } = item;
  if (postings.length === 0) {
    faults.push(fault('NO_POSTINGS', 'The transaction has no postings', line));
    return undefined;
  }
  const missing = postings.flatMap((posting, n) => (posting.amount || posting.assertion ? [] : [n]));
  const [, second] = missing;
  if (second !== undefined) {
    faults.push(fault('AMOUNTS_MISSING', 'One posting of a transaction may be without an amount', lineOf(second)));
    return undefined;
  }
  const assigned = assignedAmounts(postings, balances, faults, lineOf);
  if (!assigned) return undefined;
  const left = new Sums();
  for (const [n, posting] of postings.entries()) {
    const amount = assigned[n];
    if (!amount) continue;
    const cost = costOf(posting, amount);
    left.add((cost ?? amount).commodity, exactOf((cost ?? amount).quantity));
  }
  const rest = left.notZero;
  if (missing.length === 0 && rest.length > 0) {
    const told = rest.map(({ quantity, commodity }) => `${quantity} ${commodity}`).join(', ');
    faults.push(fault('UNBALANCED', `The postings do not sum to zero: ${told} is left`, line));
    return undefined;
  }
  const resolved = postings.flatMap((posting, n): ResolvedPosting[] => {
    const { account, comments } = posting;
    const amount = assigned[n];
    const amounts = amount ? [amount] : rest.map(({ commodity, exact }) => amountOf(commodity, minus(exact)));
    return amounts.map((one) => ({ account, amount: one, cost: costOf(posting, one), comments, line: lineOf(n) }));
  });
  applyAndCheck(postings, resolved, balances, faults, lineOf);
  return { ...head, postings: resolved, line };
}

const amountOf = (commodity: string, exact: Exact): Amount => ({ commodity, quantity: textOf(exact) });

/** The amount of each posting that has one or is assigned one; undefined where one cannot be. */
function assignedAmounts(
  postings: readonly Posting[],
  balances: Balances,
  faults: JournalFault[],
  lineOf: (n: number) => number,
): (Amount | null)[] | undefined {
  const within = new Map<string, Exact>();
  const inferredAt = postings.find((posting) => !posting.amount && !posting.assertion)?.account;
  const amounts: (Amount | null)[] = [];
  for (const [n, { account, amount, assertion }] of postings.entries()) {
    let found = amount;
    if (!found && assertion) {
      if (assertion.isSole || assertion.isInclusive || account === inferredAt) {
        faults.push(
          fault(
            'ASSIGNMENT_NOT_READ',
            'A balance is assigned by = alone, where no other amount is inferred',
            lineOf(n),
          ),
        );
        return undefined;
      }
      const { commodity, quantity } = assertion.amount;
      const before = plus(balances.of(account, commodity), within.get(keyOf(account, commodity)) ?? zero);
      found = amountOf(commodity, plus(exactOf(quantity), minus(before)));
    }
    if (found) {
      const key = keyOf(account, found.commodity);
      within.set(key, plus(within.get(key) ?? zero, exactOf(found.quantity)));
    }
    amounts.push(found);
  }
  return amounts;
}

function costOf({ cost }: Posting, { quantity }: Amount): Amount | null {
  if (!cost) return null;
  const { commodity, quantity: price } = cost.amount;
  const units = exactOf(quantity);
  if (cost.per === 'UNIT') return amountOf(commodity, times(units, exactOf(price)));
  return amountOf(commodity, units.units < 0n ? minus(exactOf(price)) : exactOf(price));
}

function applyAndCheck(
  postings: readonly Posting[],
  resolved: readonly ResolvedPosting[],
  balances: Balances,
  faults: JournalFault[],
  lineOf: (n: number) => number,
): void {
  for (const [n, { account, assertion }] of postings.entries()) {
    for (const one of resolved)
      if (one.line === lineOf(n)) balances.add(account, one.amount.commodity, exactOf(one.amount.quantity));
    const broken = assertion && balances.breaks(account, assertion);
    if (broken) faults.push(fault('ASSERTION_FAILED', `${account} is asserted to have ${broken}`, lineOf(n)));
  }
}

const keyOf = (account: string, commodity: string) => `${account}\u0000${commodity}`;

class Balances {
  private readonly accounts = new Map<string, Sums>();

  of(account: string, commodity: string): Exact {
    return this.accounts.get(account)?.of(commodity) ?? zero;
  }

  add(account: string, commodity: string, quantity: Exact): void {
    const sums = this.accounts.get(account) ?? new Sums();
    this.accounts.set(account, sums);
    sums.add(commodity, quantity);
  }

  /** What was asserted and what there is, when the two differ. */
  breaks(account: string, { amount, isSole, isInclusive }: BalanceAssertion): string | undefined {
    const sums = new Sums();
    for (const [name, ofAccount] of this.accounts)
      if (name === account || (isInclusive && name.startsWith(`${account}:`)))
        for (const { commodity, exact } of ofAccount.notZero) sums.add(commodity, exact);
    const held = sums.of(amount.commodity);
    if (!equals(held, exactOf(amount.quantity)))
      return `${amount.quantity} ${amount.commodity} and has ${textOf(held)} ${amount.commodity}`;
    const other = isSole ? sums.notZero.find(({ commodity }) => commodity !== amount.commodity) : undefined;
    return other && `nothing but ${amount.commodity} and has ${other.quantity} ${other.commodity}`;
  }
}
