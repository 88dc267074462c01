import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { type SuspensePosting } from './suspense.js';

interface Row extends Omit<SuspensePosting, 'units'> {
  readonly units: string;
}

@Injectable()
export class SuspenseRepository {
  /** Of every suspense account of the book, in the order of booking. */
  async postings(tx: Tx, book: string, until: string): Promise<SuspensePosting[]> {
    const rows = await tx.rows<Row>(
      `SELECT l.number AS account, l.asset, g.entry_id AS "entryId", g.n, g.business_date AS "businessDate", g.units::text AS units, e.description,
              coalesce(o.subject_kind || '/' || o.subject_id, e.subject_kind || '/' || e.subject_id) AS reference
         FROM accounting.account a JOIN accounting.ledger_account l USING (book_id, number)
         JOIN accounting.posting g USING (ledger_account_id) JOIN accounting.journal_entry e USING (entry_id)
         LEFT JOIN accounting.journal_entry o ON o.entry_id = e.reverses_entry_id
        WHERE a.book_id = $1 AND a.kind = 'SUSPENSE' AND g.business_date <= $2 ORDER BY e.sequence, g.n`,
      [book, until],
    );
    return rows.map((row) => ({ ...row, units: BigInt(row.units) }));
  }

  async scales(tx: Tx, assets: readonly string[]): Promise<Map<string, number>> {
    const rows = await tx.rows<{ asset: string; scale: number }>(
      'SELECT a.asset, a.scale FROM accounting.asset a WHERE a.asset = ANY ($1::text[])',
      [[...new Set(assets)]],
    );
    return new Map(rows.map(({ asset, scale }) => [asset, scale]));
  }

  /** Work that is open, by what it is about: an item itself, its entry, or the object the entry is about. */
  async work(tx: Tx, book: string): Promise<{ key: string; objectId: string; workItemId: string }[]> {
    return tx.rows(
      `SELECT w.key, w.object_id AS "objectId", w.work_item_id AS "workItemId" FROM accounting.work_item w WHERE w.book_id = $1 AND w.state <> 'CLOSED'`,
      [book],
    );
  }

  async latestDate(tx: Tx, book: string): Promise<string | undefined> {
    const row = await tx.row<{ date: string | null }>(
      `SELECT max(d.business_date) AS date FROM accounting.business_day d WHERE d.book_id = $1 AND d.state NOT IN ('NEXT','SKIPPED')`,
      [book],
    );
    return row?.date ?? undefined;
  }

  async dueAt(tx: Tx): Promise<Date> {
    const row = await tx.row<{ due: Date }>(`SELECT kernel.now() + interval '1 day' AS due`);
    return row?.due ?? new Date(0);
  }
}
