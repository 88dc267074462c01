import { isRefused, type Problem, problem } from '#libs/kernel/index.js';
import { parseDecimal } from '#libs/money/index.js';
import {
  exactOf,
  type JournalFault,
  type Located,
  type JournalItem,
  parseJournal,
  type ResolvedPosting,
  type ResolvedTransaction,
  resolveJournal,
  Sums,
} from '#libs/plain-text-journal/index.js';
import { type PostingLine } from '../journal/posting.js';
import { claimedType, type NamedCode, numbersIn } from './account-names.js';

/** As many as are booked in one call. */
export const entriesMax = 1000;
/** The journal describes an entry in as many characters. */
const descriptionMax = 140;

export interface ReadJournal {
  readonly items: readonly Located<JournalItem>[];
  readonly transactions: readonly ResolvedTransaction[];
}

/** What the file says, or all that is wrong with it by itself. */
export function readJournal(content: string): ReadJournal & { readonly problems: Problem[] } {
  const { items, faults } = parseJournal(content);
  const { transactions, faults: unresolved } =
    faults.length > 0 ? { transactions: [], faults: [] } : resolveJournal(items);
  return { items, transactions, problems: [...faults, ...unresolved].map(faultToProblem) };
}

const faultToProblem = ({ code, message, line, column }: JournalFault): Problem =>
  problem(code, message, ['content', line, column]);

/** The account that a number or a code of the book leads to. */
export interface KnownAccount extends NamedCode {
  readonly number: string;
}

/** What the book knows of the names and commodities in the file. */
export interface BookKnows {
  /** By number, and by code where the code has one account. */
  readonly accounts: ReadonlyMap<string, KnownAccount>;
  /** Codes with a sub-ledger or without accounts: not to be posted to as such. */
  readonly otherCodes: ReadonlySet<string>;
  readonly scales: ReadonlyMap<string, number>;
  readonly businessDate: string;
}

export interface ImportedEntry {
  readonly line: number;
  readonly date: string;
  readonly valueDate: string;
  readonly description: string;
  readonly postings: readonly PostingLine[];
}

/** What became of a line. */
export interface ImportedLine {
  readonly line: number;
  readonly what: 'ENTRY' | 'POSTING' | 'DIRECTIVE';
  /** Of an entry, which of the import it is, from 1. */
  readonly entry?: number;
  readonly account?: string;
  readonly asset?: string;
  /** Debit positive. */
  readonly amount?: string;
  readonly note?: string;
}

/** Names that the file speaks of, to be looked up in the book. */
export const namesIn = ({ items }: ReadJournal): string[] => [
  ...new Set(
    items.flatMap(({ item }) => {
      if (item.kind === 'ACCOUNT') return [item.name];
      return item.kind === 'TRANSACTION' ? item.postings.map(({ account }) => account) : [];
    }),
  ),
];

export const commoditiesIn = ({ transactions }: ReadJournal): string[] => [
  ...new Set(transactions.flatMap(({ postings }) => postings.map(({ amount }) => amount.commodity))),
];

/** The entries to be booked, with every fault at once; nothing is booked when there is one. */
export function entriesOf(
  read: ReadJournal,
  knows: BookKnows,
): { entries: ImportedEntry[]; lines: ImportedLine[]; problems: Problem[] } {
  const problems: Problem[] = [];
  const entries: ImportedEntry[] = [];
  const lines: ImportedLine[] = read.items.flatMap(({ item, line }) => directiveLine(item, line));
  for (const transaction of read.transactions) {
    const { line, date, secondaryDate } = transaction;
    const path = ['content', line, 1];
    const description = describedBy(transaction);
    if (date > knows.businessDate)
      problems.push(problem('DATE_NOT_OPEN', `The book works ${knows.businessDate}; ${date} comes later`, path));
    if (description === '') problems.push(problem('DESCRIPTION_MISSING', 'An entry is described', path));
    if (description.length > descriptionMax)
      problems.push(problem('DESCRIPTION_TOO_LONG', `An entry is described in ${descriptionMax} characters`, path));
    problems.push(...notZero(transaction));
    const postings = transaction.postings.flatMap((posting) => {
      const account = accountOf(posting.account, knows, posting.line, problems);
      const units = unitsOf(posting, knows, problems);
      if (!account || units === undefined) return [];
      const { commodity: asset, quantity: amount } = posting.amount;
      lines.push({ line: posting.line, what: 'POSTING', account: account.number, asset, amount, ...noteOf(units) });
      if (units === 0n) return [];
      const side = units > 0n ? ('DEBIT' as const) : ('CREDIT' as const);
      return [{ account: account.number, asset, side, units: String(units > 0n ? units : -units) }];
    });
    // A transaction of zeros only proves balances.
    if (postings.length === 0) {
      lines.push({ line, what: 'ENTRY', note: 'moves nothing' });
      continue;
    }
    entries.push({ line, date, valueDate: secondaryDate ?? date, description, postings });
    lines.push({ line, what: 'ENTRY', entry: entries.length });
  }
  if (entries.length === 0 && problems.length === 0)
    problems.push(problem('NO_ENTRIES', 'The file has no transaction to book', ['content']));
  if (entries.length > entriesMax)
    problems.push(problem('TOO_MANY_ENTRIES', `A file has at most ${entriesMax} transactions`, ['content']));
  for (const { item, line } of read.items)
    if (
      item.kind === 'ACCOUNT' &&
      item.name.includes(':') &&
      numbersIn(item.name).some((one) => knows.accounts.has(one))
    )
      accountOf(item.name, knows, line, problems);
  return { entries, lines: lines.sort((a, b) => a.line - b.line), problems };
}

const describedBy = ({ code, description }: ResolvedTransaction): string =>
  [code === '' ? '' : `(${code})`, description].filter((part) => part !== '').join(' ');

const noteOf = (units: bigint) => (units === 0n ? { note: 'moves nothing' } : {});

function directiveLine(item: JournalItem, line: number): ImportedLine[] {
  if (item.kind === 'PRICE')
    return [{ line, what: 'DIRECTIVE', note: 'a price is not taken over: rates have a source of their own' }];
  return item.kind === 'ACCOUNT' || item.kind === 'COMMODITY' ? [{ line, what: 'DIRECTIVE', note: 'read' }] : [];
}

/** The ledger is zero in each asset; what a cost changes into another needs the accounts of the position. */
function notZero({ postings, line }: ResolvedTransaction): Problem[] {
  const sums = new Sums();
  for (const { amount } of postings) sums.add(amount.commodity, exactOf(amount.quantity));
  return sums.notZero.map(({ commodity, quantity }) =>
    problem(
      'NOT_ZERO_PER_ASSET',
      `${quantity} ${commodity} is left: write the other side of what is exchanged, to the accounts of the position and its equivalent`,
      ['content', line, 1],
    ),
  );
}

function accountOf(name: string, knows: BookKnows, line: number, problems: Problem[]): KnownAccount | undefined {
  const path = ['content', line, 1];
  const tried = numbersIn(name);
  const found = tried.map((one) => knows.accounts.get(one)).find((one) => one !== undefined);
  if (!found) {
    const code = tried.find((one) => knows.otherCodes.has(one));
    problems.push(
      code === undefined
        ? problem('ACCOUNT_NOT_FOUND', `The book has no account "${name}"`, path)
        : problem('CODE_WITHOUT_ACCOUNT', `${code} is not posted to itself: name an account under it`, path),
    );
    return undefined;
  }
  const claimed = claimedType(name);
  if (claimed !== undefined && claimed !== found.type)
    problems.push(problem('ACCOUNT_TYPE_DIFFERS', `"${name}": ${found.number} is of type ${found.type}`, path));
  return found;
}

function unitsOf({ amount, line }: ResolvedPosting, knows: BookKnows, problems: Problem[]): bigint | undefined {
  const path = ['content', line, 1];
  const scale = knows.scales.get(amount.commodity);
  if (scale === undefined) {
    problems.push(problem('ASSET_NOT_FOUND', `${amount.commodity} is not registered`, path));
    return undefined;
  }
  const units = parseDecimal(amount.quantity, scale);
  if (isRefused(units)) {
    problems.push(...units.problems.map((fault) => ({ ...fault, path })));
    return undefined;
  }
  return units.value;
}
