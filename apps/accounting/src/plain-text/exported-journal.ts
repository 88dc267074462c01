import {
  describable,
  type JournalItem,
  journalHead,
  nameable,
  type Transaction,
  writeItem,
} from '#libs/plain-text-journal/index.js';
import { formatDecimal } from '#libs/money/index.js';
import { journalAccountName, type NamedCode, rootTypes } from './account-names.js';

export interface ExportedAsset {
  readonly asset: string;
  readonly scale: number;
}

export interface ExportedAccount extends NamedCode {
  readonly number: string;
}

/** Debit positive. */
export interface ExportedPosting extends ExportedAccount, ExportedAsset {
  readonly units: bigint;
}

export interface ExportedEntry {
  readonly entryId: string;
  /** The date it belongs to in the reports. */
  readonly accountingDate: string;
  readonly businessDate: string;
  readonly valueDate: string;
  readonly kind: string;
  readonly description: string;
  readonly subject: string;
  readonly reverses: string | null;
  readonly postings: readonly ExportedPosting[];
}

/** What stands before the first transaction; the types of accounts that `hledger bs` and `hledger is` go by. */
export const headOf = (about: string): string =>
  journalHead +
  write([
    { kind: 'COMMENT', text: describable(about) },
    ...rootTypes.map(([name, letter]): JournalItem => ({
      kind: 'ACCOUNT',
      name,
      comments: letter === undefined ? [] : [`type: ${letter}`],
    })),
  ]);

export const assetsText = (assets: readonly ExportedAsset[]): string =>
  write(assets.map(({ asset, scale }) => ({ kind: 'COMMODITY', commodity: asset, places: scale })));

export const accountsText = (accounts: readonly ExportedAccount[]): string =>
  write(
    accounts.map((account) => ({ kind: 'ACCOUNT', name: journalAccountName(account, account.number), comments: [] })),
  );

export const entriesText = (entries: readonly ExportedEntry[]): string => write(entries.map(transactionOf));

/** A value date of its own is the secondary date; whatever else the entry says is a tag. */
export function transactionOf(entry: ExportedEntry): Transaction {
  const { entryId, accountingDate, businessDate, valueDate, kind, description, subject, reverses } = entry;
  return {
    kind: 'TRANSACTION',
    date: accountingDate,
    secondaryDate: valueDate === accountingDate ? null : valueDate,
    status: '*',
    code: entryId,
    description: describable(description),
    comments: [
      `kind: ${kind}`,
      `subject: ${nameable(subject)}`,
      ...(businessDate === accountingDate ? [] : [`booked-on: ${businessDate}`]),
      ...(reverses === null ? [] : [`reverses: ${reverses}`]),
    ],
    postings: entry.postings.map(postingOf),
  };
}

/** What stood before the first date, as one transaction for each asset; its postings may come in several parts. */
export const openingHead = (date: string, asset: string): string =>
  writeItem({
    kind: 'TRANSACTION',
    date,
    secondaryDate: null,
    status: '*',
    code: '',
    description: `Opening balances in ${describable(asset)}`,
    comments: [],
    postings: [],
  });

export const openingPostings = (postings: readonly ExportedPosting[]): string =>
  writeItem({
    kind: 'TRANSACTION',
    date: '0001-01-01',
    secondaryDate: null,
    status: '',
    code: '',
    description: '',
    comments: [],
    postings: postings.map(postingOf),
  }).replace(/^[^\n]*\n/, '');

const postingOf = (posting: ExportedPosting): Transaction['postings'][number] => ({
  status: '',
  account: journalAccountName(posting, posting.number),
  amount: { commodity: posting.asset, quantity: formatDecimal(posting.units, posting.scale) },
  cost: null,
  assertion: null,
  comments: [],
});

const write = (items: readonly JournalItem[]): string =>
  items.map((item) => writeItem(item) + (item.kind === 'TRANSACTION' ? '\n' : '')).join('');
