/**
 * hledger's journal format (https://hledger.org/hledger.html#journal), which its own tool, an auditor and a text editor read.
 * Debit is positive, credit negative, as in the ledger.
 */
export interface Amount {
  readonly commodity: string;
  /** Exact decimal text with the places that were written: `-1234.50`. */
  readonly quantity: string;
}

export interface Cost {
  /** `@` is for one of what is bought, `@@` for all of it. */
  readonly per: 'UNIT' | 'TOTAL';
  readonly amount: Amount;
}

export interface BalanceAssertion {
  readonly amount: Amount;
  /** `==`: the account holds nothing else. */
  readonly isSole: boolean;
  /** `=*`: accounts below are counted too. */
  readonly isInclusive: boolean;
}

export const statuses = ['', '!', '*'] as const;
/** Unmarked, pending, cleared. */
export type Status = (typeof statuses)[number];

export interface Posting {
  readonly status: Status;
  readonly account: string;
  /** Null: inferred from the others, or assigned by the assertion. */
  readonly amount: Amount | null;
  readonly cost: Cost | null;
  readonly assertion: BalanceAssertion | null;
  /** Lines of comment, without the mark. */
  readonly comments: readonly string[];
}

export interface Transaction {
  readonly kind: 'TRANSACTION';
  readonly date: string;
  readonly secondaryDate: string | null;
  readonly status: Status;
  readonly code: string;
  readonly description: string;
  readonly comments: readonly string[];
  readonly postings: readonly Posting[];
}

/** The letters that hledger's statements go by (its tag `type:`). */
export const accountTypes = { A: 'asset', L: 'liability', E: 'equity', R: 'revenue', X: 'expense', C: 'cash' } as const;
export type AccountType = keyof typeof accountTypes;

export interface AccountDirective {
  readonly kind: 'ACCOUNT';
  readonly name: string;
  readonly comments: readonly string[];
}

export interface CommodityDirective {
  readonly kind: 'COMMODITY';
  readonly commodity: string;
  /** Decimal places that amounts are shown with. */
  readonly places: number;
}

export interface PriceDirective {
  readonly kind: 'PRICE';
  readonly date: string;
  readonly commodity: string;
  readonly price: Amount;
}

export interface FileComment {
  readonly kind: 'COMMENT';
  readonly text: string;
}

export type JournalItem = Transaction | AccountDirective | CommodityDirective | PriceDirective | FileComment;

export interface Tag {
  readonly name: string;
  readonly value: string;
}

/** `invoice: 17, paid:` in a comment is two tags: a word with a colon right behind it, and what follows up to a comma. */
export function tagsIn(comments: readonly string[]): Tag[] {
  return comments.flatMap((line) =>
    [...line.matchAll(/(?:^|[\s,])([^\s:,]+):(?:\s*([^,]*))?/g)].map(([, name = '', value = '']) => ({
      name,
      value: value.trim(),
    })),
  );
}

export const tagOf = (comments: readonly string[], name: string): string | undefined =>
  tagsIn(comments).find((tag) => tag.name === name)?.value;

/**
 * The type of an account by its directive's `type:` or that of the nearest account above; by its first word otherwise.
 * Undefined: hledger's balance sheet and income statement leave it out.
 */
export function accountTypeOf(account: string, declared: ReadonlyMap<string, AccountType>): AccountType | undefined {
  for (let name = account; name !== ''; name = name.slice(0, Math.max(0, name.lastIndexOf(':')))) {
    const found = declared.get(name);
    if (found) return found;
  }
  const first = (account.split(':')[0] ?? '').toLowerCase();
  if (/^assets?$/.test(first)) return 'A';
  if (/^(debts?|liabilit(y|ies))$/.test(first)) return 'L';
  if (first === 'equity') return 'E';
  if (/^(income|revenues?)$/.test(first)) return 'R';
  return /^expenses?$/.test(first) ? 'X' : undefined;
}
