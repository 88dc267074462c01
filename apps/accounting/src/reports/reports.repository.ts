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

export interface LedgerAsked {
  readonly book: string;
  readonly code: string;
  readonly asset: string | null;
  readonly from: string;
  readonly to: string;
  readonly knownOn?: string | null;
}

/** A posting on an account, by the date it belongs to. Debit positive. */
export interface LedgerEntryRow {
  readonly sequence: string;
  readonly entryId: string;
  readonly description: string;
  readonly accountingDate: string;
  readonly valueDate: string;
  readonly units: string;
}

@Injectable()
export class ReportsRepository {
  /** What each code had of each asset at the end of a date, as known on a business date. In an order: rounding follows it. */
  async standing(tx: Tx, book: string, date: string, knownOn: string | null): Promise<Standing[]> {
    const rows = await tx.rows<{ code: string; asset: string; debit: string; credit: string; closed: string }>(
      `SELECT gl_code AS code, asset, debit, credit, closed FROM accounting.gl_standing($1, $2::date, $3::date)
        ORDER BY gl_code COLLATE "C", asset COLLATE "C"`,
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
    { book, code, asset, from, to, knownOn = null }: LedgerAsked,
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
                   WHERE b.ledger_account_id = l.ledger_account_id AND b.business_date <= least($5::date, $9::date)
                  UNION ALL
                  SELECT x.business_date, -x.debit, -x.credit FROM accounting.accounting_shift x
                   WHERE x.ledger_account_id = l.ledger_account_id AND x.business_date <= least($5::date, $9::date)
                  UNION ALL
                  SELECT x.accounting_date, x.debit, x.credit FROM accounting.accounting_shift x
                   WHERE x.ledger_account_id = l.ledger_account_id AND x.accounting_date <= $5::date
                     AND ($9::date IS NULL OR x.business_date <= $9::date)) m) t
        WHERE a.book_id = $1 AND a.gl_code = $2 AND ($3::text IS NULL OR l.asset = $3)
          AND (t.opening <> 0 OR t.debit <> 0 OR t.credit <> 0) AND ($6::text IS NULL OR (a.number, l.asset) > ($6, $7))
        ORDER BY a.number, l.asset LIMIT $8`,
      [book, code, asset, from, to, after?.[0] ?? null, after?.[1] ?? null, first + 1, knownOn],
    );
  }

  /** The codes that have accounts, in their order. */
  async codes(tx: Tx, book: string): Promise<string[]> {
    const rows = await tx.rows<{ code: string }>(
      `SELECT g.code FROM accounting.gl_account g WHERE g.book_id = $1
          AND EXISTS (SELECT FROM accounting.account a WHERE a.book_id = g.book_id AND a.gl_code = g.code) ORDER BY g.code`,
      [book],
    );
    return rows.map(({ code }) => code);
  }

  /** The postings of an account that belong to a period, behind a place in its sequence. */
  async entries(
    tx: Tx,
    asked: { book: string; account: string; asset: string; from: string; to: string; knownOn: string | null },
    after: string,
    limit: number,
  ): Promise<LedgerEntryRow[]> {
    return tx.rows<LedgerEntryRow>(
      `SELECT p.account_sequence AS sequence, p.entry_id AS "entryId", e.description, coalesce(d.accounting_date, p.business_date) AS "accountingDate",
              p.value_date AS "valueDate", p.units
         FROM accounting.ledger_account l JOIN accounting.posting_in_order p USING (ledger_account_id)
         JOIN accounting.journal_entry e USING (entry_id) LEFT JOIN accounting.entry_accounting_date d USING (entry_id)
        WHERE l.book_id = $1 AND l.number = $2 AND l.asset = $3 AND coalesce(d.accounting_date, p.business_date) BETWEEN $4 AND $5
          AND ($6::date IS NULL OR p.business_date <= $6) AND p.account_sequence > $7::bigint
        ORDER BY p.account_sequence LIMIT $8`,
      [asked.book, asked.account, asked.asset, asked.from, asked.to, asked.knownOn, after, limit],
    );
  }
}
