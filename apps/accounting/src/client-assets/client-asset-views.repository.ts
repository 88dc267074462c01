import { Injectable } from '@nestjs/common';
import { type PlainDate } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import { type Pool } from './client-assets.js';

export interface CalculationRow {
  readonly id: string;
  readonly book: string;
  readonly businessDate: PlainDate;
  readonly version: number;
  readonly calculatedAt: Date;
  readonly functionalCurrency: string;
  readonly lineCount: number;
  readonly shortfallCount: number;
}

export interface LineRow {
  readonly calculationId: string;
  readonly pool: Pool;
  readonly asset: string;
  readonly scale: number;
  readonly entitled: string;
  readonly unallocated: string;
  readonly requirement: string;
  readonly resource: string;
  readonly difference: string;
  readonly clientCount: number;
  readonly cause: string | null;
  readonly worthMinor: string | null;
  readonly functionalCurrency: string;
}

export interface SourceRow {
  readonly lineId: string;
  readonly account: string;
  readonly statementId: string | null;
  readonly statementDate: PlainDate | null;
  readonly stated: string;
  readonly booked: string;
  readonly scale: number;
}

export interface ItemRow {
  readonly lineId: string;
  readonly account: string | null;
  readonly kind: string;
  readonly reference: string | null;
  readonly isExplained: boolean;
  readonly units: string;
  readonly scale: number;
}

export interface StockRow {
  readonly asset: string;
  readonly scale: number;
  readonly location: string;
  readonly kind: string;
  readonly longUnits: string;
  readonly shortUnits: string;
  readonly accountCount: number;
}

const calculation = `SELECT c.calculation_id AS id, c.book_id AS book, c.business_date AS "businessDate", c.version, c.calculated_at AS "calculatedAt",
    c.functional_currency AS "functionalCurrency",
    (SELECT count(*)::int FROM accounting.client_asset_line l WHERE l.calculation_id = c.calculation_id) AS "lineCount",
    (SELECT count(*)::int FROM accounting.client_asset_line l WHERE l.calculation_id = c.calculation_id AND l.difference_units < 0) AS "shortfallCount"
  FROM accounting.client_asset_calculation c`;
const lineId = `calculation_id || '/' || pool || '/' || asset`;

/** What people look at of the calculations; nothing is decided here. */
@Injectable()
export class ClientAssetViewsRepository {
  /** The newest first. */
  async calculations(
    tx: Tx,
    filter: { book: string; businessDate: PlainDate | null },
    after: readonly [string, string] | null,
    limit: number,
  ): Promise<CalculationRow[]> {
    return tx.rows<CalculationRow>(
      `${calculation} WHERE c.book_id = $1 AND ($2::date IS NULL OR c.business_date = $2)
          AND ($3::date IS NULL OR (c.business_date, c.version) < ($3::date, $4::int)) ORDER BY c.business_date DESC, c.version DESC LIMIT $5`,
      [filter.book, filter.businessDate, after?.[0] ?? null, after?.[1] ?? null, limit],
    );
  }

  async calculation(tx: Tx, id: string): Promise<CalculationRow | undefined> {
    return tx.row<CalculationRow>(`${calculation} WHERE c.calculation_id = $1`, [id]);
  }

  async lines(
    tx: Tx,
    calculationId: string,
    filter: { pool: string | null; isShort: boolean },
    after: readonly [string, string] | null,
    limit: number,
  ): Promise<LineRow[]> {
    return tx.rows<LineRow>(
      `SELECT l.calculation_id AS "calculationId", l.pool, l.asset, t.scale, l.entitled_units AS entitled, l.unallocated_units AS unallocated,
              l.requirement_units AS requirement, l.resource_units AS resource, l.difference_units AS difference, l.client_count AS "clientCount",
              l.cause, l.worth_minor AS "worthMinor", c.functional_currency AS "functionalCurrency"
         FROM accounting.client_asset_line l JOIN accounting.client_asset_calculation c USING (calculation_id) JOIN accounting.asset t USING (asset)
        WHERE l.calculation_id = $1 AND ($2::text IS NULL OR l.pool = $2) AND (NOT $3 OR l.difference_units < 0)
          AND ($4::text IS NULL OR (l.pool, l.asset) > ($4, $5)) ORDER BY l.pool, l.asset LIMIT $6`,
      [calculationId, filter.pool, filter.isShort, after?.[0] ?? null, after?.[1] ?? null, limit],
    );
  }

  async sources(tx: Tx, lineIds: readonly string[]): Promise<SourceRow[]> {
    return tx.rows<SourceRow>(
      `SELECT ${lineId} AS "lineId", account, statement_id AS "statementId", statement_date AS "statementDate", stated_units AS stated, booked_units AS booked, scale
         FROM accounting.client_asset_source JOIN accounting.asset USING (asset)
        WHERE calculation_id = ANY(SELECT split_part(id, '/', 1) FROM unnest($1::text[]) id) AND ${lineId} = ANY($1::text[]) ORDER BY 1, account`,
      [lineIds],
    );
  }

  /** The first of each line: a line with more is looked through page by page. */
  async items(tx: Tx, lineIds: readonly string[], limitEach: number): Promise<ItemRow[]> {
    return tx.rows<ItemRow>(
      `SELECT "lineId", account, kind, reference, "isExplained", units, scale
         FROM (SELECT ${lineId} AS "lineId", account, kind, reference, is_explained AS "isExplained", units, scale, n,
                      row_number() OVER (PARTITION BY calculation_id, pool, asset ORDER BY is_explained, n) AS place
                 FROM accounting.client_asset_item JOIN accounting.asset USING (asset)
                WHERE calculation_id = ANY(SELECT split_part(id, '/', 1) FROM unnest($1::text[]) id) AND ${lineId} = ANY($1::text[])) i
        WHERE place <= $2 ORDER BY "lineId", place`,
      [lineIds, limitEach],
    );
  }

  async entitlements(
    tx: Tx,
    of: { book: string; businessDate: PlainDate; asset: string },
    after: string | null,
    limit: number,
  ): Promise<{ account: string; units: string; scale: number }[]> {
    return tx.rows(
      `SELECT l.number AS account, sum(b.credit - b.debit) AS units, t.scale
         FROM accounting.ledger_account l JOIN accounting.account a ON a.book_id = l.book_id AND a.number = l.number JOIN accounting.asset t USING (asset)
         JOIN accounting.bucket_now b USING (ledger_account_id)
        WHERE l.book_id = $1 AND l.asset = $2 AND b.business_date <= $3 AND a.kind IN ('CLIENT_CASH','CLIENT_CUSTODY') AND ($4::text IS NULL OR l.number > $4)
        GROUP BY 1, t.scale HAVING sum(b.credit - b.debit) <> 0 ORDER BY 1 LIMIT $5`,
      [of.book, of.asset, of.businessDate, after, limit],
    );
  }

  /** The date of the latest entry of a book. */
  async lastDate(tx: Tx, book: string): Promise<PlainDate> {
    const row = await tx.row<{ date: PlainDate }>(
      `SELECT coalesce(max(business_date), kernel.now()::date) AS date FROM accounting.journal_entry WHERE book_id = $1`,
      [book],
    );
    return row?.date ?? '9999-12-31';
  }

  /** Where each instrument lies, and whose it is: longs on the debit side, shorts on the credit side. */
  async stockRecord(
    tx: Tx,
    of: { book: string; businessDate: PlainDate; instrument: string | null },
    after: string | null,
    limit: number,
  ): Promise<StockRow[]> {
    return tx.rows<StockRow>(
      `WITH wanted AS (
         SELECT DISTINCT l.asset FROM accounting.ledger_account l JOIN accounting.asset t USING (asset)
          WHERE l.book_id = $1 AND t.kind = 'INSTRUMENT' AND ($3::text IS NULL OR l.asset = $3) AND ($4::text IS NULL OR l.asset > $4) ORDER BY 1 LIMIT $5),
       balances AS (
         SELECT l.asset, l.number, sum(b.debit - b.credit) AS units FROM wanted JOIN accounting.ledger_account l USING (asset)
           JOIN accounting.bucket_now b USING (ledger_account_id) WHERE l.book_id = $1 AND b.business_date <= $2 GROUP BY 1, 2)
       SELECT b.asset, t.scale, CASE WHEN a.kind = 'DEPOT' THEN a.number ELSE a.kind END AS location, a.kind,
              coalesce(sum(b.units) FILTER (WHERE b.units > 0), 0) AS "longUnits", coalesce(sum(-b.units) FILTER (WHERE b.units < 0), 0) AS "shortUnits",
              (count(*) FILTER (WHERE b.units <> 0))::int AS "accountCount"
         FROM balances b JOIN accounting.account a ON a.book_id = $1 AND a.number = b.number JOIN accounting.asset t USING (asset)
        GROUP BY 1, 2, 3, 4 ORDER BY 1, 4, 3`,
      [of.book, of.businessDate, of.instrument, after, limit],
    );
  }
}
