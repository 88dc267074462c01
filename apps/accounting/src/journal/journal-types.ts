import { type Tx } from '#libs/database/index.js';
import { type GraphqlContext } from '#libs/graphql/index.js';
import { formatDecimal } from '#libs/money/index.js';
import { towardsNormalSide } from '../accounts/accounts.js';
import { type JournalEntryType, type PostingType } from './journal.graphql.js';
import { type EntryRow, type JournalRepository, type PostingRow } from './journal.repository.js';

export const toEntry = (row: EntryRow): JournalEntryType => ({ ...row, id: row.entryId });

export function toPosting(row: PostingRow): PostingType {
  const units = BigInt(row.units);
  return {
    n: row.n,
    book: row.book,
    accountNumber: row.number,
    asset: row.asset,
    side: units > 0n ? 'DEBIT' : 'CREDIT',
    amount: formatDecimal(units < 0n ? -units : units, row.scale),
    accountSequence: row.accountSequence,
    balanceAfter:
      row.balanceAfter === null
        ? null
        : formatDecimal(towardsNormalSide(BigInt(row.balanceAfter), row.normalSide), row.scale),
  };
}

export const entryLoader = (operation: GraphqlContext, journal: Pick<JournalRepository, 'entries'>) =>
  operation.loader<string, JournalEntryType>('journal-entry', async (ids, tx: Tx) => {
    const rows = await journal.entries(tx, ids);
    return new Map(rows.map((row) => [row.entryId, toEntry(row)]));
  });

export const postingsLoader = (operation: GraphqlContext, journal: JournalRepository) =>
  operation.loader<string, PostingType[]>('entry-postings', async (ids, tx: Tx) => {
    const found = new Map<string, PostingType[]>();
    for (const row of await journal.postingsOf(tx, ids)) {
      const list = found.get(row.entryId);
      if (list) list.push(toPosting(row));
      else found.set(row.entryId, [toPosting(row)]);
    }
    return found;
  });
