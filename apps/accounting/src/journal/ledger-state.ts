import { type AccountState } from '../blocks/blocks.js';

// What the rule of posting looks at: the ledger as it stands under its locks. Amounts are in units of the asset.

export type { AccountState };

/** A number in one asset, as its locked balance has it. */
export interface LedgerAccount {
  readonly id: string;
  readonly book: string;
  readonly number: string;
  readonly asset: string;
  readonly normalSide: 'DEBIT' | 'CREDIT';
  /** A strict account keeps to its limit; the others may go anywhere. */
  readonly isStrict: boolean;
  readonly limit: bigint;
  /** The largest single payment, when it has a limit of its own. */
  readonly paymentLimit?: bigint;
  readonly state: AccountState;
  readonly postedDebit: bigint;
  readonly postedCredit: bigint;
  readonly pendingDebit: bigint;
  readonly pendingCredit: bigint;
  readonly lastSequence: number;
  /** How far a confirmed fact drew it beyond its limit. */
  readonly forcedExcess: bigint;
}

export interface Hold {
  readonly id: string;
  readonly book: string;
  readonly asset: string;
  /** Ledger accounts. */
  readonly debitAccountId: string;
  readonly creditAccountId: string;
  readonly open: bigint;
  readonly isExpired: boolean;
}

/** An entry that somebody wants reversed. */
export interface BookedEntry {
  readonly id: string;
  readonly book: string;
  readonly isReversal: boolean;
  readonly isReversed: boolean;
  readonly postings: readonly {
    readonly n: number;
    readonly accountId: string;
    readonly units: bigint;
    /** What earlier parts reversed of it, without a sign. */
    readonly reversed: bigint;
  }[];
}

export type DayState = 'NEXT' | 'OPEN' | 'CLOSING' | 'CLOSED' | 'SKIPPED';

/** Everything that the items of a batch touch. */
export interface LedgerState {
  readonly accounts: readonly LedgerAccount[];
  /** Of the numbers that are not open in the asset asked for: what there is of them. */
  readonly unopened: readonly {
    readonly book: string;
    readonly number: string;
    readonly asset: string;
    readonly hasNumber: boolean;
    readonly hasAsset: boolean;
  }[];
  /** Numbers to be closed or opened again, with the state that their blocks give them while they are open. */
  readonly numbers: readonly {
    readonly book: string;
    readonly number: string;
    readonly state: AccountState;
    readonly whenOpen: AccountState;
  }[];
  readonly days: readonly { readonly book: string; readonly businessDate: string; readonly state: DayState }[];
  /** Books that have had no business day yet. */
  readonly booksBeforeFirstDay: readonly string[];
  readonly holds: readonly Hold[];
  readonly entries: readonly BookedEntry[];
  /** The business clock, to the microsecond: `2026-11-25T06:00:00.000000Z`. */
  readonly moment: string;
}
