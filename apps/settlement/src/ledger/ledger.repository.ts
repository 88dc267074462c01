import { Injectable } from '@nestjs/common';
import { type PlainDate } from '#libs/calendar/index.js';
import { type ItemToPost } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { type WorkedDay } from './fact-entry.js';

export interface FactRow {
  readonly entryKey: string;
  readonly ledgerKey: string;
  readonly bookId: string;
  readonly businessDate: PlainDate;
  readonly notBefore: PlainDate | null;
  readonly missedDates: number;
  readonly state: 'WAITING' | 'REQUESTED' | 'BOOKED' | 'REFUSED';
  readonly entry: ItemToPost;
}

export interface FactState {
  readonly entryKey: string;
  readonly state: FactRow['state'];
  readonly ledgerKey: string;
  readonly businessDate: PlainDate;
  readonly notBefore: PlainDate | null;
  readonly missedDates: number;
  readonly entryId: string | null;
  readonly refusalCode: string | null;
}

const columns = `f.entry_key AS "entryKey", f.ledger_key AS "ledgerKey", f.book_id AS "bookId", f.business_date AS "businessDate",
  f.not_before AS "notBefore", f.missed_dates AS "missedDates", f.state, f.entry`;

@Injectable()
export class LedgerRepository {
  /** For share: a date that closes waits until whoever saw it open has said so, and the other way round. */
  async days(tx: Tx, books: readonly string[]): Promise<Map<string, WorkedDay>> {
    const rows = await tx.rows<WorkedDay & { book: string }>(
      `SELECT book_id AS book, business_date AS "businessDate", state FROM settlement.book_day
        WHERE book_id = ANY($1::text[]) ORDER BY book_id FOR SHARE`,
      [books],
    );
    return new Map(rows.map((row) => [row.book, row]));
  }

  /**
   * Answers the keys that are new: a fact told twice is one fact. No index is named for the conflict: two that tell it
   * at once meet on either of its keys, and one that is not named raises an error.
   */
  async insert(tx: Tx, facts: readonly { entry: ItemToPost; state: 'WAITING' | 'REQUESTED' }[]): Promise<Set<string>> {
    const rows = await tx.rows<{ key: string }>(
      `INSERT INTO settlement.fact_entry (entry_key, ledger_key, book_id, business_date, state, entry)
       SELECT r.entry->>'key', r.entry->>'key', r.entry->>'book', (r.entry->>'businessDate')::date, r.state, r.entry
         FROM jsonb_to_recordset($1::jsonb) AS r(entry jsonb, state text) ORDER BY 1
       ON CONFLICT DO NOTHING RETURNING entry_key AS key`,
      [JSON.stringify(facts)],
    );
    const fresh = new Set(rows.map(({ key }) => key));
    await this.mustKnow(
      tx,
      facts.map(({ entry }) => entry.key).filter((key) => !fresh.has(key)),
    );
    return fresh;
  }

  /** A key that another fact is asked for under is not that fact: nothing is passed over in silence. */
  private async mustKnow(tx: Tx, keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    const [unknown] = await tx.rows<{ key: string }>(
      `SELECT k.key FROM unnest($1::text[]) AS k(key)
        WHERE NOT EXISTS (SELECT 1 FROM settlement.fact_entry f WHERE f.entry_key = k.key) LIMIT 1`,
      [keys],
    );
    if (unknown !== undefined) throw new Error(`the key ${unknown.key} of a fact is taken by another fact`);
  }

  /** Facts that any of these keys stands for, also those asked for under another key since. */
  async lockByKeys(tx: Tx, keys: readonly string[]): Promise<FactRow[]> {
    return tx.rows<FactRow>(
      `SELECT ${columns} FROM settlement.fact_entry f WHERE f.entry_key = ANY($1::text[]) OR f.ledger_key = ANY($1::text[])
        ORDER BY f.entry_key FOR UPDATE`,
      [keys],
    );
  }

  async lockWaiting(tx: Tx, book: string, businessDate: PlainDate, limit: number): Promise<FactRow[]> {
    return tx.rows<FactRow>(
      `SELECT ${columns} FROM settlement.fact_entry f WHERE f.book_id = $1 AND f.state = 'WAITING'
          AND (f.not_before IS NULL OR f.not_before <= $2::date) ORDER BY f.entry_key LIMIT $3 FOR UPDATE`,
      [book, businessDate, limit],
    );
  }

  async save(tx: Tx, changes: readonly FactState[]): Promise<void> {
    if (changes.length === 0) return;
    await tx.execute(
      `UPDATE settlement.fact_entry f SET state = r.state, ledger_key = r."ledgerKey", business_date = r."businessDate", not_before = r."notBefore",
              missed_dates = r."missedDates", entry_id = r."entryId", refusal_code = r."refusalCode",
              decided_at = CASE WHEN r.state IN ('BOOKED','REFUSED') THEN kernel.now() END
         FROM jsonb_to_recordset($1::jsonb) AS r("entryKey" text, state text, "ledgerKey" text, "businessDate" date, "notBefore" date,
              "missedDates" int, "entryId" text, "refusalCode" text)
        WHERE f.entry_key = r."entryKey"`,
      [JSON.stringify(changes)],
    );
  }
}
