import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { type Standing } from './reports.js';

export interface AssetRow {
  readonly asset: string;
  readonly kind: 'CURRENCY' | 'INSTRUMENT';
  readonly scale: number;
}

/** An account of a code over a period. Units, debit positive. */
export interface LedgerLineRow {
  readonly number: string;
  readonly kind: string;
  readonly asset: string;
  readonly scale: number;
  readonly opening: string;
  readonly debit: string;
  readonly credit: string;
}

@Injectable()
export class ReportsRepository {
  /** What each code had of each asset at the end of a date, as known on a business date. */
  async standing(tx: Tx, book: string, date: string, knownOn: string | null): Promise<Standing[]> {
    const rows = await tx.rows<{ code: string; asset: string; debit: string; credit: string; closed: string }>(
      'SELECT gl_code AS code, asset, debit, credit, closed FROM accounting.gl_standing($1, $2::date, $3::date)',
      [book, date, knownOn],
    );
    return rows.map(({ code, asset, debit, credit, closed }) => ({
      code,
      asset,
      debit: BigInt(debit),
      credit: BigInt(credit),
      closed: BigInt(closed),
    }));
  }

  async assets(tx: Tx, names: readonly string[]): Promise<AssetRow[]> {
    return tx.rows<AssetRow>('SELECT asset, kind, scale FROM accounting.asset WHERE asset = ANY ($1::text[])', [names]);
  }

  /** Up to which date the book is closed: what is later may still change. */
  async closedUntil(tx: Tx, book: string): Promise<string | null> {
    const row = await tx.row<{ date: string | null }>(
      `SELECT max(d.business_date) AS date FROM accounting.business_day d WHERE d.book_id = $1 AND d.state = 'CLOSED'`,
      [book],
    );
    return row?.date ?? null;
  }

  /** The accounts of a code that had or moved something, by their numbers and assets. */
  async ledger(
    tx: Tx,
    { book, code, asset, from, to }: { book: string; code: string; asset: string | null; from: string; to: string },
    first: number,
    after?: readonly (string | null)[],
  ): Promise<LedgerLineRow[]> {
    return tx.rows<LedgerLineRow>(
      `SELECT a.number, a.kind, l.asset, s.scale, t.opening, t.debit, t.credit
         FROM accounting.account a JOIN accounting.ledger_account l ON l.book_id = a.book_id AND l.number = a.number
         JOIN accounting.asset s ON s.asset = l.asset
        CROSS JOIN LATERAL (
          SELECT coalesce(sum(m.debit - m.credit) FILTER (WHERE m.date < $4::date), 0) AS opening,
                 coalesce(sum(m.debit) FILTER (WHERE m.date >= $4::date), 0) AS debit,
                 coalesce(sum(m.credit) FILTER (WHERE m.date >= $4::date), 0) AS credit
            FROM (SELECT b.business_date AS date, b.debit, b.credit FROM accounting.bucket_now b
                   WHERE b.ledger_account_id = l.ledger_account_id AND b.business_date <= $5::date
                  UNION ALL
                  SELECT x.business_date, -x.debit, -x.credit FROM accounting.accounting_shift x
                   WHERE x.ledger_account_id = l.ledger_account_id AND x.business_date <= $5::date
                  UNION ALL
                  SELECT x.accounting_date, x.debit, x.credit FROM accounting.accounting_shift x
                   WHERE x.ledger_account_id = l.ledger_account_id AND x.accounting_date <= $5::date) m) t
        WHERE a.book_id = $1 AND a.gl_code = $2 AND ($3::text IS NULL OR l.asset = $3)
          AND (t.opening <> 0 OR t.debit <> 0 OR t.credit <> 0) AND ($6::text IS NULL OR (a.number, l.asset) > ($6, $7))
        ORDER BY a.number, l.asset LIMIT $8`,
      [book, code, asset, from, to, after?.[0] ?? null, after?.[1] ?? null, first + 1],
    );
  }
}
