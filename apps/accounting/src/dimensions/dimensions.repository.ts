import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { type CentreAmount, type CodeTotal, type DimensionOfPosting, type DimensionValue } from './dimensions.js';

export type DimensionValueRow = DimensionValue & { readonly book: string };

interface Named {
  readonly code: string;
  readonly name: string;
  readonly asset: string;
  readonly scale: number;
}

/** An account of expenses and its code. */
const expenseAccounts = `accounting.ledger_account l JOIN accounting.account a ON a.book_id = l.book_id AND a.number = l.number
  JOIN accounting.gl_account g ON g.book_id = a.book_id AND g.code = a.gl_code AND g.type = 'EXPENSE'`;

@Injectable()
export class DimensionsRepository {
  async values(tx: Tx, book: string, dimension: string | null): Promise<DimensionValueRow[]> {
    return tx.rows<DimensionValueRow>(
      `SELECT v.book_id AS book, v.dimension, v.value, v.name, v.valid_from AS "validFrom", v.valid_to AS "validTo"
         FROM accounting.dimension_value v WHERE v.book_id = $1 AND ($2::text IS NULL OR v.dimension = $2) ORDER BY v.dimension, v.value`,
      [book, dimension],
    );
  }

  /** Of one value: waits for whoever changes it. */
  async lockValue(
    tx: Tx,
    { book, dimension, value }: { book: string; dimension: string; value: string },
  ): Promise<DimensionValueRow | undefined> {
    await tx.execute(`SELECT pg_advisory_xact_lock(hashtextextended('dimension:' || $1, 0))`, [book]);
    return (await this.values(tx, book, dimension)).find((one) => one.value === value);
  }

  async add(tx: Tx, { book, dimension, value, name, validFrom, validTo }: DimensionValueRow): Promise<void> {
    await tx.execute(
      `INSERT INTO accounting.dimension_value (book_id, dimension, value, name, valid_from, valid_to) VALUES ($1, $2, $3, $4, $5, $6)`,
      [book, dimension, value, name, validFrom, validTo],
    );
  }

  async change(tx: Tx, { book, dimension, value, name, validTo }: DimensionValueRow): Promise<void> {
    await tx.execute(
      `UPDATE accounting.dimension_value SET name = $4, valid_to = $5 WHERE book_id = $1 AND dimension = $2 AND value = $3`,
      [book, dimension, value, name, validTo],
    );
  }

  /** The last date that a posting of the value belongs to. */
  async lastUse(tx: Tx, { book, dimension, value }: DimensionValueRow): Promise<string | null> {
    const row = await tx.row<{ last: string | null }>(
      `SELECT max(coalesce(x.accounting_date, e.business_date)) AS last
         FROM accounting.posting_dimension d JOIN accounting.journal_entry e USING (entry_id) LEFT JOIN accounting.entry_accounting_date x USING (entry_id)
        WHERE d.book_id = $1 AND d.dimension = $2 AND d.value = $3`,
      [book, dimension, value],
    );
    return row?.last ?? null;
  }

  async hasBook(tx: Tx, book: string): Promise<boolean> {
    return (
      (await tx.row('SELECT 1 FROM accounting.chart_version v WHERE v.book_id = $1 LIMIT 1', [book])) !== undefined
    );
  }

  async keep(tx: Tx, book: string, told: readonly DimensionOfPosting[]): Promise<void> {
    await tx.execute('SELECT accounting.keep_posting_dimensions($1, $2::jsonb)', [book, JSON.stringify(told)]);
  }

  /** What the accounts of expenses moved from one date to another, by accounting date and without closing entries. */
  async expenses(tx: Tx, book: string, from: string, to: string): Promise<(CodeTotal & Named)[]> {
    const rows = await tx.rows<Named & { units: string }>(
      `SELECT g.code, g.name, l.asset, s.scale, sum(m.units)::text AS units
         FROM (SELECT b.ledger_account_id, b.debit - b.credit AS units FROM accounting.bucket_now b
                WHERE b.book_id = $1 AND b.business_date BETWEEN $2 AND $3
               UNION ALL
               SELECT x.ledger_account_id, x.credit - x.debit FROM accounting.accounting_shift x
                WHERE x.book_id = $1 AND x.business_date BETWEEN $2 AND $3
               UNION ALL
               SELECT x.ledger_account_id, x.debit - x.credit FROM accounting.accounting_shift x
                WHERE x.book_id = $1 AND x.accounting_date BETWEEN $2 AND $3 AND x.purpose <> 'CLOSING') m
         JOIN ${expenseAccounts} ON l.ledger_account_id = m.ledger_account_id JOIN accounting.asset s ON s.asset = l.asset
        GROUP BY 1, 2, 3, 4 HAVING sum(m.units) <> 0`,
      [book, from, to],
    );
    return rows.map((row) => ({ ...row, units: BigInt(row.units) }));
  }

  /** What their postings say the value of. */
  async distributed(
    tx: Tx,
    { book, from, to, dimension }: { book: string; from: string; to: string; dimension: string },
  ): Promise<(CentreAmount & Named)[]> {
    const rows = await tx.rows<Named & { value: string; units: string }>(
      `SELECT g.code, g.name, l.asset, s.scale, d.value, sum(p.units)::text AS units
         FROM accounting.posting_dimension_now d JOIN accounting.posting p USING (entry_id, n)
         LEFT JOIN accounting.entry_accounting_date x USING (entry_id)
         JOIN ${expenseAccounts} ON l.ledger_account_id = p.ledger_account_id JOIN accounting.asset s ON s.asset = l.asset
        WHERE d.book_id = $1 AND d.dimension = $4 AND coalesce(x.accounting_date, p.business_date) BETWEEN $2 AND $3
          AND x.purpose IS DISTINCT FROM 'CLOSING'
        GROUP BY 1, 2, 3, 4, 5 HAVING sum(p.units) <> 0 ORDER BY 5`,
      [book, from, to, dimension],
    );
    return rows.map((row) => ({ ...row, units: BigInt(row.units) }));
  }
}
