/** The rows of a table of cases, as they stand there. `_` is the default; what follows `//` or `#` is a comment. */
export interface AccountRow {
  readonly id: string;
  readonly balances: readonly string[];
  readonly userData: readonly string[];
  readonly reserved: string;
  readonly ledger: string;
  readonly code: string;
  readonly flags: ReadonlySet<string>;
  readonly padding: string;
  readonly timestamp: string;
  readonly status: string;
}

export interface TransferRow {
  readonly id: string;
  readonly debit: string;
  readonly credit: string;
  readonly amount: bigint;
  readonly pendingId: string;
  readonly userData: readonly string[];
  readonly timeout: number;
  readonly ledger: string;
  readonly code: string;
  readonly flags: ReadonlySet<string>;
  readonly padding: string;
  readonly timestamp: string;
  readonly status: string;
}

export type Step =
  | { readonly kind: 'accounts'; readonly rows: readonly AccountRow[] }
  | { readonly kind: 'transfers'; readonly rows: readonly TransferRow[] }
  | { readonly kind: 'tick'; readonly microseconds: bigint }
  | { readonly kind: 'setup'; readonly account: string; readonly balances: readonly bigint[] }
  | { readonly kind: 'lookup_account'; readonly words: readonly string[] }
  | { readonly kind: 'lookup_transfer'; readonly words: readonly string[] }
  | {
      readonly kind: 'query';
      readonly of: string;
      readonly words: readonly string[];
      readonly results: readonly (readonly string[])[];
    };

const wordsMax = { account: 20, transfer: 23 };
const largest = 2n ** 128n - 1n;

/** Negative numbers count down from the largest: -0 is 2^128 - 1. */
export const unitsOf = (word: string): bigint =>
  word === '_' ? 0n : word.startsWith('-') ? largest - BigInt(word.slice(1)) : BigInt(word);

const set = (words: readonly string[]) => new Set(words.filter((word) => word !== '_'));

function accountRow(words: readonly string[]): AccountRow {
  if (words.length !== wordsMax.account) throw new Error(`an account has 20 columns, not ${words.length}`);
  const at = (n: number) => words[n] as string;
  return {
    id: at(0),
    balances: words.slice(1, 5),
    userData: words.slice(5, 8),
    reserved: at(8),
    ledger: at(9),
    code: at(10),
    flags: set(words.slice(11, 17)),
    padding: at(17),
    timestamp: at(18),
    status: at(19),
  };
}

function transferRow(words: readonly string[]): TransferRow {
  if (words.length !== wordsMax.transfer) throw new Error(`a transfer has 23 columns, not ${words.length}`);
  const at = (n: number) => words[n] as string;
  return {
    id: at(0),
    debit: at(1),
    credit: at(2),
    amount: unitsOf(at(3)),
    pendingId: at(4),
    userData: words.slice(5, 8),
    timeout: Number(at(8) === '_' ? 0 : at(8)),
    ledger: at(9),
    code: at(10),
    flags: set(words.slice(11, 20)),
    padding: at(20),
    timestamp: at(21),
    status: at(22),
  };
}

const perUnit: Readonly<Record<string, bigint>> = { seconds: 1_000_000n, microseconds: 1n };

/** The steps of a table, one for each commit and for each line that stands by itself. */
export function readTable(text: string): Step[] {
  const steps: Step[] = [];
  let accounts: AccountRow[] = [];
  let transfers: TransferRow[] = [];
  let query: { of: string; words: string[]; results: string[][] } | undefined;
  for (const line of text.split('\n')) {
    const words = line
      .replace(/\/\/.*$/, '')
      .replace(/^\s*#.*$/, '')
      .trim()
      .split(/\s+/)
      .filter((word) => word !== '');
    const [first, ...rest] = words;
    if (first === undefined) continue;
    if (first === 'account') accounts.push(accountRow(rest));
    else if (first === 'transfer') transfers.push(transferRow(rest));
    else if (first === 'setup')
      steps.push({ kind: 'setup', account: rest[0] ?? '', balances: rest.slice(1, 5).map(unitsOf) });
    else if (first === 'tick') {
      const [count = '0', unit = ''] = rest;
      const sign = count.startsWith('-') ? -1n : 1n;
      steps.push({ kind: 'tick', microseconds: sign * BigInt(count.replace(/^[+-]/, '')) * (perUnit[unit] ?? 0n) });
    } else if (first === 'lookup_account' || first === 'lookup_transfer') steps.push({ kind: first, words: rest });
    else if (first.endsWith('_result')) query?.results.push(rest);
    else if (first === 'commit') {
      if (accounts.length > 0) steps.push({ kind: 'accounts', rows: accounts });
      if (transfers.length > 0) steps.push({ kind: 'transfers', rows: transfers });
      if (query) steps.push({ kind: 'query', ...query });
      [accounts, transfers, query] = [[], [], undefined];
    } else query = { of: first, words: rest, results: [] };
  }
  if (accounts.length + transfers.length > 0 || query) throw new Error('the table ends within a batch');
  return steps;
}
