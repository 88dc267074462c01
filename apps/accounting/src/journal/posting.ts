import { type EntryToPost } from '#libs/contracts/index.js';
import { type Problem, problem } from '#libs/kernel/index.js';

/**
 * Why an item is not booked. The list is closed and ordered: the first that applies is the answer.
 * Before all of them stands the idempotency key; the input's own faults come next and are not remembered. From the group
 * on it is asked what the items before left: of a group that is refused nobody asks that any more.
 */
export const resultCodes = [
  { code: 'IDEMPOTENCY_KEY_REUSED', meaning: 'The key was used before with another input.' },
  { code: 'MALFORMED_ITEM', meaning: 'A field is missing or cannot be read.' },
  { code: 'TOO_FEW_POSTINGS', meaning: 'An entry has at least two postings.' },
  { code: 'AMOUNT_NOT_POSITIVE', meaning: 'Every amount is positive; the side says the direction.' },
  { code: 'AMOUNT_TOO_LARGE', meaning: 'No amount is above 2^128 - 1 units.' },
  { code: 'NOT_BALANCED', meaning: 'Debits and credits differ in an asset.' },
  { code: 'ACCOUNT_NOT_FOUND', meaning: 'The book has no account of that number.' },
  { code: 'ASSET_NOT_FOUND', meaning: 'The asset is not registered.' },
  { code: 'ASSET_MISMATCH', meaning: 'The account does not hold assets of that kind.' },
  { code: 'PERIOD_NOT_OPEN', meaning: 'The business date is not open yet.' },
  { code: 'PERIOD_CLOSED', meaning: 'The business date is being closed or is closed.' },
  { code: 'ENTRY_NOT_FOUND', meaning: 'There is no entry of that id to reverse.' },
  { code: 'NOT_REVERSIBLE', meaning: 'A reversal is not reversed; book the entry again.' },
  { code: 'ALREADY_REVERSED', meaning: 'The entry was reversed before.' },
  {
    code: 'REVERSAL_EXCEEDED',
    meaning: 'More was asked for than is left of the entry after the parts reversed before.',
  },
  { code: 'HOLD_NOT_FOUND', meaning: 'There is no hold of that id.' },
  { code: 'HOLD_EXPIRED', meaning: 'The hold ran out by the business clock.' },
  { code: 'HOLD_CLOSED', meaning: 'Nothing of the hold is open any more.' },
  { code: 'ACCOUNT_CLOSED', meaning: 'The account is closed.' },
  { code: 'ACCOUNT_BLOCKED', meaning: 'The account is blocked in this direction.' },
  { code: 'LIMIT_EXCEEDED', meaning: 'The amount is above the limit for a single payment.' },
  { code: 'LINKED_ITEM_REFUSED', meaning: 'Another item of the group was refused, so none of it is booked.' },
  { code: 'ACCOUNT_NOT_EMPTY', meaning: 'What is closed holds nothing and nothing is pending on it.' },
  { code: 'HOLD_EXCEEDED', meaning: 'More was asked for than is open on the hold.' },
  { code: 'INSUFFICIENT_FUNDS', meaning: 'The available balance and the limit do not cover it.' },
  { code: 'INSUFFICIENT_SECURITIES', meaning: 'Fewer securities are available.' },
  { code: 'BALANCE_OUT_OF_RANGE', meaning: 'A balance would not fit its counter any more.' },
  { code: 'LEDGER_CHECK_FAILED', meaning: 'A check of the ledger itself stopped it; operations look into it.' },
] as const;
export type ResultCode = (typeof resultCodes)[number]['code'];

/** The same request may succeed later: money may come in, a day may open. */
export const retryableCodes: ReadonlySet<ResultCode> = new Set([
  'INSUFFICIENT_FUNDS',
  'INSUFFICIENT_SECURITIES',
  'PERIOD_NOT_OPEN',
]);

const meanings: ReadonlyMap<string, string> = new Map(resultCodes.map(({ code, meaning }) => [code, meaning]));
export const messageOf = (code: string): string => meanings.get(code) ?? code;

interface Common {
  readonly key: string;
  readonly book: string;
  /** Items of one group are booked all or none. */
  readonly group?: string;
}

export interface PostingLine {
  readonly account: string;
  readonly asset: string;
  readonly side: 'DEBIT' | 'CREDIT';
  readonly units: string;
}

interface Dated extends Common {
  readonly kind: string;
  readonly businessDate: string;
  readonly valueDate: string;
  readonly description: string;
  readonly subject: { readonly kind: string; readonly id: string };
  /** A confirmed fact: booked even when the balance does not cover it. */
  readonly forced?: { readonly reason: string };
}

/**
 * Makes an entry of two postings, or a hold, a sweep: no more than what the debited account has (DEBIT), what the
 * credited one owes (CREDIT), or both. Nothing to sweep is no refusal.
 */
interface Sweeping {
  readonly upTo?: SweepSide;
}
export const sweepSides = ['DEBIT', 'CREDIT', 'BOTH'] as const;
export type SweepSide = (typeof sweepSides)[number];

/** What an entry came of, and by which version of the posting rules. */
export interface KeptEvent {
  readonly kind: string;
  readonly facts: object;
  readonly ruleVersion: number;
}

export type EntryItem = Dated &
  Sweeping & { readonly op: 'ENTRY'; readonly postings: readonly PostingLine[]; readonly event?: KeptEvent };

/** What is reversed of one posting of an entry; the parts of a reversal are zero per asset, as an entry is. */
export interface ReversalPart {
  /** The number of the posting in its entry. */
  readonly n: number;
  readonly units: string;
}

/** What the posting function decides and books. */
export type PostingItem =
  | EntryItem
  | (Common & { readonly op: 'CLOSE'; readonly close: { readonly account: string; readonly empty: boolean } })
  | (Common & { readonly op: 'REOPEN'; readonly close: { readonly account: string } })
  | (Dated & { readonly op: 'REVERSAL'; readonly reverses: string; readonly part?: readonly ReversalPart[] })
  | (Dated & {
      readonly op: 'CAPTURE';
      readonly hold: { readonly holdId: string; readonly units: string; readonly final: boolean };
    })
  | (Common & { readonly op: 'RELEASE'; readonly hold: { readonly holdId: string; readonly units?: string } })
  | (Common &
      Sweeping & {
        readonly op: 'HOLD';
        readonly hold: {
          readonly debitAccount: string;
          readonly creditAccount: string;
          readonly asset: string;
          readonly units: string;
          readonly expiresAt: string;
          readonly reason: string;
        };
      });

export interface PostingResult {
  readonly outcome: 'POSTED' | 'REFUSED';
  readonly key: string;
  readonly book: string;
  readonly op: PostingItem['op'];
  /** The entry or hold that came of it. */
  readonly id?: string;
  /** Of a sweep: what it moved, which may be nothing; then there is no id. */
  readonly units?: string;
  /** Of an entry booked by this very call, in hex. */
  readonly hash?: string;
  readonly code?: ResultCode;
  readonly account?: string;
  readonly asset?: string;
  readonly availableUnits?: string;
  /** Of a key that was used with another input: where the two differ. Empty when it is not known more closely. */
  readonly path?: readonly (string | number)[];
  /** What a forced entry drew beyond the limit. */
  readonly excess?: readonly { readonly account: string; readonly asset: string; readonly units: string }[];
  /** What the database said when it, and not a rule, refused the item: for operations, not for the caller. */
  readonly fault?: string;
  readonly replayed: boolean;
  /** Of a dry run. */
  readonly preview?: PostingPreview;
}

/** What a dry run would have done, in units. */
export interface PostingPreview {
  /** Debit positive, credit negative. */
  readonly postings: readonly {
    readonly n: number;
    readonly account: string;
    readonly asset: string;
    readonly units: bigint;
  }[];
  /** Positive on the normal side of the account. */
  readonly balances: readonly {
    readonly account: string;
    readonly asset: string;
    readonly balance: bigint;
    readonly available: bigint;
    readonly pendingDebit: bigint;
    readonly pendingCredit: bigint;
    readonly limit: bigint;
  }[];
}

/** Refusals that no rule foresaw: somebody has to look. */
export const isAlarm = ({ code, fault, replayed }: PostingResult): boolean =>
  fault !== undefined && !replayed && (code === 'LEDGER_CHECK_FAILED' || code === 'BALANCE_OUT_OF_RANGE');

export function refusalText(result: PostingResult): string {
  const { account, asset, path = [] } = result;
  const about = account === undefined ? path.join('.') : `${account}${asset === undefined ? '' : ` in ${asset}`}`;
  return `${messageOf(result.code ?? '')}${about === '' ? '' : ` (${about})`}`;
}

export const asEntry = ({ forced, ...entry }: EntryToPost): EntryItem => ({
  op: 'ENTRY',
  ...entry,
  ...(forced ? { forced } : {}),
});

/** Every fault that an entry has by itself, at once. The database checks the same again. */
export function faultsOf(
  postings: readonly PostingLine[],
  path: readonly (string | number)[] = ['postings'],
): Problem[] {
  const problems: Problem[] = [];
  if (postings.length < 2) problems.push(problem('TOO_FEW_POSTINGS', messageOf('TOO_FEW_POSTINGS'), path));
  const sums = new Map<string, bigint>();
  postings.forEach((line, n) => {
    const units = BigInt(line.units);
    if (units <= 0n)
      problems.push(problem('AMOUNT_NOT_POSITIVE', messageOf('AMOUNT_NOT_POSITIVE'), [...path, n, 'amount']));
    sums.set(line.asset, (sums.get(line.asset) ?? 0n) + (line.side === 'DEBIT' ? units : -units));
  });
  for (const [asset, sum] of sums) {
    if (sum === 0n) continue;
    const more = sum > 0n ? `debits exceed credits by ${sum}` : `credits exceed debits by ${-sum}`;
    problems.push(problem('NOT_BALANCED', `In ${asset} ${more} units`, path));
  }
  return problems;
}

/** What moves both ways between two accounts. */
export const transferOf = (debit: string, credit: string, asset: string, units: string): PostingLine[] => [
  { account: debit, asset, side: 'DEBIT', units },
  { account: credit, asset, side: 'CREDIT', units },
];
