import { type LedgerAccount } from './ledger-state.js';

/** An account as the batch leaves it. */
export interface AccountAfter {
  readonly account: LedgerAccount;
  readonly postedDebit: bigint;
  readonly postedCredit: bigint;
  readonly pendingDebit: bigint;
  readonly pendingCredit: bigint;
  readonly available: bigint;
  readonly forcedExcess: bigint;
}

/** A counter of a strict account is below this. */
const counterEnd = 10n ** 39n;

/** An account while the batch goes over it: its four counters. */
export class Standing implements AccountAfter {
  postedDebit: bigint;
  postedCredit: bigint;
  pendingDebit: bigint;
  pendingCredit: bigint;
  /** The furthest below zero that a forced item of the batch drew it. */
  deepest = 0n;

  constructor(readonly account: LedgerAccount) {
    ({
      postedDebit: this.postedDebit,
      postedCredit: this.postedCredit,
      pendingDebit: this.pendingDebit,
      pendingCredit: this.pendingCredit,
    } = account);
  }

  /** What may still be drawn, before the limit. */
  get available(): bigint {
    return this.account.normalSide === 'CREDIT'
      ? this.postedCredit - this.postedDebit - this.pendingDebit
      : this.postedDebit - this.postedCredit - this.pendingCredit;
  }

  /** The same seen from the other side: what the account is in the red. */
  get owed(): bigint {
    return this.account.normalSide === 'CREDIT'
      ? this.postedDebit - this.postedCredit - this.pendingCredit
      : this.postedCredit - this.postedDebit - this.pendingDebit;
  }

  /** Rises only by what a forced item drew; else it falls as the account recovers. So the CHECK stands behind the fold. */
  get forcedExcess(): bigint {
    const { isStrict, limit, forcedExcess } = this.account;
    const drawn = -this.available;
    if (!isStrict || drawn <= limit) return 0n;
    const explained = this.deepest > forcedExcess ? this.deepest : forcedExcess;
    return drawn < explained ? drawn : explained;
  }

  isDrawnBy(units: bigint): boolean {
    return this.account.normalSide === 'CREDIT' ? units > 0n : units < 0n;
  }

  /** Whether it would fall below its limit by so much less. */
  isShortOf(less: bigint): boolean {
    return this.account.isStrict && this.available - less < -this.account.limit;
  }

  post(units: bigint): void {
    if (units > 0n) this.postedDebit += units;
    else this.postedCredit -= units;
  }

  reserve(side: 'DEBIT' | 'CREDIT', amount: bigint): void {
    if (side === 'DEBIT') this.pendingDebit += amount;
    else this.pendingCredit += amount;
  }

  hasRoomFor(line: bigint, pending = 0n): boolean {
    const size = line < 0n ? -line : line;
    // The counters of a rollup account have room for whatever is posted: nobody looks at them before.
    return (
      (!this.account.isStrict || (line > 0n ? this.postedDebit : this.postedCredit) + size < counterEnd) &&
      (line > 0n ? this.pendingDebit : this.pendingCredit) + pending < counterEnd
    );
  }

  /** As it stands now, whatever comes. */
  copy(): AccountAfter {
    const { account, postedDebit, postedCredit, pendingDebit, pendingCredit, available, forcedExcess } = this;
    return { account, postedDebit, postedCredit, pendingDebit, pendingCredit, available, forcedExcess };
  }

  /** Puts it back to where it stands now. */
  saved(): () => void {
    const { postedDebit, postedCredit, pendingDebit, pendingCredit, deepest } = this;
    return () => Object.assign(this, { postedDebit, postedCredit, pendingDebit, pendingCredit, deepest });
  }
}
