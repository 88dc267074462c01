import { Injectable } from '@nestjs/common';
import { AuditTrail } from '#libs/audit/index.js';
import { type Tx } from '#libs/database/index.js';
import { cashOfTradeSql, type DateMove, type Touch, type Touched, touchedShown, touchSql } from './touch.js';

/** Open and not instructed: nobody outside knows its date yet. */
const uninstructed = `t.state NOT IN ('INSTRUCTED','SETTLED','CANCELLED','REJECTED')`;

/** What a change of static data reaches among the trades, and the dates that a closure moves. */
@Injectable()
export class TradeDatesService {
  constructor(private readonly audit: AuditTrail) {}

  /** Open trades that are not instructed yet. */
  async touched(tx: Tx, touch: Touch, isInRepair = false): Promise<Touched> {
    const params: unknown[] = [];
    const where = `${uninstructed} ${isInRepair ? `AND t.state = 'REPAIR'` : ''} AND ${touchSql(touch, params)}`;
    const row = await tx.row<{ count: number; ids: string[] }>(
      `SELECT count(*)::int AS count, coalesce((array_agg(trade_id ORDER BY trade_id))[1:${touchedShown}], '{}') AS ids
         FROM settlement.trade t WHERE ${where}`,
      params,
    );
    return row ?? { count: 0, ids: [] };
  }

  /** The places, with the currency whose cash moves there, of the open trades that are reached. */
  async pairs(tx: Tx, touch: Touch): Promise<{ placeId: string; currency: string | null }[]> {
    const params: unknown[] = [];
    return tx.rows(
      `SELECT DISTINCT t.place_id AS "placeId", ${cashOfTradeSql} AS currency FROM settlement.trade t
        WHERE t.state NOT IN ('SETTLED','CANCELLED','REJECTED') AND ${touchSql(touch, params)} ORDER BY 1, 2`,
      params,
    );
  }

  /** Trades due on a closed day settle on the next that is open; each move stays in the history. */
  async redate(tx: Tx, move: DateMove): Promise<number> {
    const moved = await tx.rows<{ tradeId: string; bookId: string; to: string }>(
      `WITH moved AS (
         UPDATE settlement.trade t SET settlement_date = r."to"
           FROM jsonb_to_recordset($2::jsonb) AS r("placeId" text, currency text, "to" date)
          WHERE t.settlement_date = $1::date AND t.place_id = r."placeId" AND ${cashOfTradeSql} IS NOT DISTINCT FROM r.currency AND ${uninstructed}
         RETURNING t.trade_id, t.book_id, r."to")
       INSERT INTO settlement.settlement_date_change (object_kind, object_id, book_id, from_date, to_date, change_id, calendars, reason)
       SELECT 'TRADE', trade_id, book_id, $1, "to", $3, $4, $5 FROM moved ORDER BY trade_id
       RETURNING object_id AS "tradeId", book_id AS "bookId", to_date AS "to"`,
      [move.from, JSON.stringify(move.dates), move.changeId, move.calendars, move.reason],
    );
    // One fact of a book, whose leaf names its trades.
    await this.audit.appendMany(
      tx,
      [...new Set(moved.map(({ bookId }) => bookId))].sort().map((bookId) => ({
        action: 'trades.re-dated',
        objectKind: 'BOOK',
        objectId: bookId,
        bookId,
        principal: move.by,
        reason: move.reason,
        before: { settlementDate: move.from },
        after: moved.filter((one) => one.bookId === bookId).map(({ tradeId, to }) => [tradeId, to]),
      })),
    );
    return moved.length;
  }
}
