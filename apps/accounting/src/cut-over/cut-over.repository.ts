import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';

export type KeptKind = 'lot' | 'standing_order' | 'accrued_interest' | 'imported_break';
export const keptKinds: readonly KeptKind[] = ['lot', 'standing_order', 'accrued_interest', 'imported_break'];

@Injectable()
export class CutOverRepository {
  /** Refuses what comes after the end: a late chunk of an import that was rolled back must not apply. */
  async begin(tx: Tx, importId: string, books: readonly string[]): Promise<'APPLYING' | 'SIGNED' | 'ROLLED_BACK'> {
    await tx.execute(
      `INSERT INTO accounting.cut_over (import_id, state) VALUES ($1, 'APPLYING') ON CONFLICT DO NOTHING`,
      [importId],
    );
    await this.addBooks(tx, importId, books);
    const row = await tx.row<{ state: 'APPLYING' | 'SIGNED' | 'ROLLED_BACK' }>(
      'SELECT state FROM accounting.cut_over WHERE import_id = $1 FOR SHARE',
      [importId],
    );
    return row?.state ?? 'APPLYING';
  }

  async addBooks(tx: Tx, importId: string, books: readonly string[]): Promise<void> {
    await tx.execute(
      `INSERT INTO accounting.cut_over_book (import_id, book_id) SELECT $1, b FROM unnest($2::text[]) b ON CONFLICT DO NOTHING`,
      [importId, [...new Set(books)].sort()],
    );
  }

  async sign(tx: Tx, importId: string, books: readonly string[], signedBy: readonly string[]): Promise<void> {
    await tx.execute(
      `INSERT INTO accounting.cut_over (import_id, state, signed_by, ended_at) VALUES ($1, 'SIGNED', $2, kernel.now())
       ON CONFLICT (import_id) DO UPDATE SET state = 'SIGNED', signed_by = excluded.signed_by, ended_at = excluded.ended_at WHERE accounting.cut_over.state = 'APPLYING'`,
      [importId, signedBy],
    );
    await this.addBooks(tx, importId, books);
    await tx.execute(
      'UPDATE accounting.cut_over_book SET signed_at = kernel.now() WHERE import_id = $1 AND book_id = ANY ($2::text[]) AND signed_at IS NULL',
      [importId, books],
    );
  }

  async endRolledBack(tx: Tx, importId: string): Promise<boolean> {
    const changed = await tx.execute(
      `INSERT INTO accounting.cut_over (import_id, state, ended_at) VALUES ($1, 'ROLLED_BACK', kernel.now())
       ON CONFLICT (import_id) DO UPDATE SET state = 'ROLLED_BACK', ended_at = kernel.now() WHERE accounting.cut_over.state = 'APPLYING'`,
      [importId],
    );
    return changed === 1;
  }

  async booksOfAccounts(tx: Tx, numbers: readonly string[]): Promise<Map<string, string>> {
    const rows = await tx.rows<{ number: string; book: string }>(
      'SELECT number, min(book_id) AS book FROM accounting.account WHERE number = ANY ($1::text[]) GROUP BY number HAVING count(*) = 1',
      [[...new Set(numbers)]],
    );
    return new Map(rows.map(({ number, book }) => [number, book]));
  }

  async openingEntries(
    tx: Tx,
    importId: string,
    limit: number,
  ): Promise<{ entryId: string; book: string; businessDate: string; valueDate: string }[]> {
    return tx.rows(
      `SELECT e.entry_id AS "entryId", e.book_id AS book, e.business_date AS "businessDate", e.value_date AS "valueDate"
         FROM accounting.journal_entry e
        WHERE e.subject_kind = 'CUT_OVER' AND e.subject_id = $1 AND e.reverses_entry_id IS NULL
          AND NOT EXISTS (SELECT FROM accounting.journal_entry r WHERE r.reverses_entry_id = e.entry_id)
        ORDER BY e.sequence LIMIT $2`,
      [importId, limit],
    );
  }

  async openHolds(tx: Tx, importId: string): Promise<{ holdId: string; book: string }[]> {
    return tx.rows(
      `SELECT hold_id AS "holdId", book_id AS book FROM accounting.hold
        WHERE idempotency_key LIKE $1 || '%' AND open_units > 0 AND expires_at > kernel.now() ORDER BY hold_id`,
      [`cut-over:${importId}:`],
    );
  }

  async accountsOf(tx: Tx, importId: string): Promise<{ book: string; number: string }[]> {
    return tx.rows('SELECT book_id AS book, number FROM accounting.account WHERE import_id = $1', [importId]);
  }

  async keepLots(tx: Tx, importId: string, rows: readonly object[]): Promise<void> {
    await tx.execute(
      `INSERT INTO accounting.lot (import_id, row_number, book_id, number, asset, quantity_units, lot_date, lot_price)
       SELECT $1, "row", book, number, asset, units, "lotDate", price
         FROM jsonb_to_recordset($2::jsonb) AS k("row" int, book text, number text, asset text, units numeric, "lotDate" date, price numeric) ON CONFLICT DO NOTHING`,
      [importId, JSON.stringify(rows)],
    );
  }

  async keepStandingOrders(tx: Tx, importId: string, rows: readonly object[]): Promise<void> {
    await tx.execute(
      `INSERT INTO accounting.standing_order (import_id, order_id, book_id, number, creditor_iban, creditor_name, currency, amount_minor, frequency, next_due)
       SELECT $1, "orderId", book, account, "creditorIban", "creditorName", currency, units, frequency, "nextDue"
         FROM jsonb_to_recordset($2::jsonb) AS k("orderId" text, book text, account text, "creditorIban" text, "creditorName" text, currency text, units numeric, frequency text, "nextDue" date)
       ON CONFLICT DO NOTHING`,
      [importId, JSON.stringify(rows)],
    );
  }

  async keepAccruedInterest(tx: Tx, importId: string, rows: readonly object[]): Promise<void> {
    await tx.execute(
      `INSERT INTO accounting.accrued_interest (import_id, book_id, number, currency, from_date, to_date, accrued)
       SELECT $1, book, account, currency, "fromDate", "toDate", accrued
         FROM jsonb_to_recordset($2::jsonb) AS k(book text, account text, currency text, "fromDate" date, "toDate" date, accrued numeric) ON CONFLICT DO NOTHING`,
      [importId, JSON.stringify(rows)],
    );
  }

  async keepBreaks(tx: Tx, importId: string, rows: readonly object[]): Promise<void> {
    await tx.execute(
      `INSERT INTO accounting.imported_break (import_id, break_id, book_id, number, value_date, currency, amount_minor, description)
       SELECT $1, "breakId", book, account, "valueDate", currency, units, description
         FROM jsonb_to_recordset($2::jsonb) AS k("breakId" text, book text, account text, "valueDate" date, currency text, units numeric, description text) ON CONFLICT DO NOTHING`,
      [importId, JSON.stringify(rows)],
    );
  }

  async withdrawKept(tx: Tx, importId: string): Promise<void> {
    for (const table of keptKinds) {
      await tx.execute(
        `UPDATE accounting.${table} SET withdrawn_at = kernel.now() WHERE import_id = $1 AND withdrawn_at IS NULL`,
        [importId],
      );
    }
  }
}
