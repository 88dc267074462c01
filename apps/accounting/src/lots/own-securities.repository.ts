import { Injectable } from '@nestjs/common';
import { type PlainDate } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import { type DayCount } from '#libs/interest/index.js';
import { Rational } from '#libs/money/index.js';
import { type AmortisationMethod } from './amortisation.js';
import { type Recognition } from './lots.js';
import { type BondTerms, type OwnTrade } from './own-securities.js';

export interface OwnTradeRow {
  readonly tradeId: string;
  readonly book: string;
  readonly number: string;
  readonly asset: string;
  readonly direction: 'BUY' | 'SELL';
  readonly quantity: string;
  readonly currency: string;
  readonly amount: string;
  readonly accrued: string;
  readonly tradeDate: PlainDate;
  readonly settlementDate: PlainDate;
  readonly recognition: Recognition;
  readonly depot: string;
  readonly nostro: string;
  readonly businessDate: PlainDate;
  readonly entryId: string;
  readonly settledBy: string | null;
  readonly scale: number;
}

export interface ValuationRow {
  readonly book: string;
  readonly number: string;
  readonly asset: string;
  readonly businessDate: PlainDate;
  readonly version: number;
  readonly currency: string;
  readonly quantity: string;
  readonly cost: string;
  readonly figures: string;
  readonly isStale: boolean;
  readonly fairValue: string;
  readonly adjustment: string;
  readonly adjustmentPosted: string;
  readonly amortised: string;
  readonly amortisedPosted: string;
  readonly accrued: string;
  /** Coupons earned since the beginning: what is accrued, less what was bought, with what was sold and paid. */
  readonly earned: string;
  readonly earnedPosted: string;
  readonly entryId: string | null;
  readonly scale: number;
}

const tradeColumns = `t.trade_id AS "tradeId", t.book_id AS book, t.number, t.asset, t.direction, t.quantity, t.currency, t.amount, t.accrued,
  t.trade_date AS "tradeDate", t.settlement_date AS "settlementDate", t.recognition, t.depot, t.nostro, t.business_date AS "businessDate",
  t.entry_id AS "entryId", t.settled_by AS "settledBy", s.scale`;
const valuationColumns = `v.book_id AS book, v.number, v.asset, v.business_date AS "businessDate", v.version, v.currency, v.quantity, v.cost, v.figures,
  v.is_stale AS "isStale", v.fair_value AS "fairValue", v.adjustment, v.adjustment_posted AS "adjustmentPosted", v.amortised,
  v.amortised_posted AS "amortisedPosted", v.accrued, v.earned, v.earned_posted AS "earnedPosted", v.entry_id AS "entryId", s.scale`;

@Injectable()
export class OwnSecuritiesRepository {
  async trade(tx: Tx, tradeId: string): Promise<OwnTradeRow | undefined> {
    return tx.row<OwnTradeRow>(
      `SELECT ${tradeColumns} FROM accounting.own_trade t JOIN accounting.asset s ON s.asset = t.asset WHERE t.trade_id = $1`,
      [tradeId],
    );
  }

  async addTrade(
    tx: Tx,
    given: {
      tradeId: string;
      book: string;
      businessDate: PlainDate;
      trade: OwnTrade;
      policy: Recognition;
      entryId: string;
      settledBy: string | null;
      by: string;
    },
  ): Promise<void> {
    const { trade } = given;
    await tx.execute(
      `INSERT INTO accounting.own_trade (trade_id, book_id, number, asset, direction, quantity, currency, amount, accrued, trade_date, settlement_date, recognition,
              depot, nostro, business_date, entry_id, settled_by, requested_by)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
      [
        given.tradeId,
        given.book,
        trade.holding,
        trade.instrument,
        trade.direction,
        String(trade.quantity),
        trade.currency,
        String(trade.amount),
        String(trade.accrued),
        trade.tradeDate,
        trade.settlementDate,
        given.policy,
        trade.depot,
        trade.nostro,
        given.businessDate,
        given.entryId,
        given.settledBy,
        given.by,
      ],
    );
  }

  async settled(tx: Tx, tradeId: string, entryId: string): Promise<void> {
    await tx.execute('UPDATE accounting.own_trade SET settled_by = $2 WHERE trade_id = $1', [tradeId, entryId]);
  }

  async bond(tx: Tx, book: string, asset: string): Promise<BondTerms | undefined> {
    return (await this.bonds(tx, book, asset)).get(asset);
  }

  async bonds(tx: Tx, book: string, asset: string | null = null): Promise<Map<string, BondTerms>> {
    const rows = await tx.rows<{
      asset: string;
      rate: string;
      dayCount: string;
      boundaries: PlainDate[];
      method: AmortisationMethod;
    }>(
      `SELECT b.asset, trim_scale(b.annual_rate)::text AS rate, b.day_count AS "dayCount", to_jsonb(b.boundaries) AS boundaries, b.method
         FROM accounting.own_bond b WHERE b.book_id = $1 AND ($2::text IS NULL OR b.asset = $2)`,
      [book, asset],
    );
    return new Map(
      rows.map((row) => [
        row.asset,
        {
          annualRate: Rational.parse(row.rate),
          dayCount: row.dayCount as DayCount,
          boundaries: row.boundaries,
          method: row.method,
        },
      ]),
    );
  }

  async addBond(
    tx: Tx,
    given: {
      book: string;
      asset: string;
      annualRate: string;
      dayCount: string;
      boundaries: readonly PlainDate[];
      method: AmortisationMethod;
      by: string;
    },
  ): Promise<void> {
    await tx.execute(
      `INSERT INTO accounting.own_bond (book_id, asset, annual_rate, day_count, boundaries, method, stored_by) VALUES ($1, $2, $3, $4, $5::date[], $6, $7)`,
      [given.book, given.asset, given.annualRate, given.dayCount, given.boundaries, given.method, given.by],
    );
  }

  async addCoupon(
    tx: Tx,
    given: {
      entryId: string;
      book: string;
      number: string;
      asset: string;
      currency: string;
      businessDate: PlainDate;
      amount: string;
    },
  ): Promise<void> {
    await tx.execute(
      'INSERT INTO accounting.own_coupon (entry_id, book_id, number, asset, currency, business_date, amount) VALUES ($1, $2, $3, $4, $5, $6, $7)',
      [given.entryId, given.book, given.number, given.asset, given.currency, given.businessDate, given.amount],
    );
  }

  /** The last valuation of each own holding, up to a date when one is given. */
  async latest(tx: Tx, book: string, upTo: PlainDate | null): Promise<ValuationRow[]> {
    return tx.rows<ValuationRow>(
      `SELECT DISTINCT ON (v.number, v.asset) ${valuationColumns} FROM accounting.security_valuation v JOIN accounting.asset s ON s.asset = v.asset
        WHERE v.book_id = $1 AND ($2::date IS NULL OR v.business_date <= $2) ORDER BY v.number, v.asset, v.business_date DESC, v.version DESC`,
      [book, upTo],
    );
  }

  async addValuation(tx: Tx, row: ValuationRow): Promise<void> {
    await tx.execute(
      `INSERT INTO accounting.security_valuation (book_id, number, asset, business_date, version, currency, quantity, cost, figures, is_stale, fair_value, adjustment,
              adjustment_posted, amortised, amortised_posted, accrued, earned, earned_posted, entry_id)
       SELECT v.book, v.number, v.asset, v."businessDate", v.version, v.currency, v.quantity, v.cost, v.figures, v."isStale", v."fairValue", v.adjustment,
              v."adjustmentPosted", v.amortised, v."amortisedPosted", v.accrued, v.earned, v."earnedPosted", v."entryId"
         FROM jsonb_to_record($1::jsonb) AS v(book text, number text, asset text, "businessDate" date, version int, currency text, quantity numeric, cost numeric,
                figures text, "isStale" boolean, "fairValue" numeric, adjustment numeric, "adjustmentPosted" numeric, amortised numeric, "amortisedPosted" numeric,
                accrued numeric, earned numeric, "earnedPosted" numeric, "entryId" text)`,
      [JSON.stringify(row)],
    );
  }

  /** What trades and coupons did to the accrued coupon of each holding, ever: bought coupons are added, sold and paid ones leave. */
  async accruedFlows(tx: Tx, book: string): Promise<Map<string, bigint>> {
    const rows = await tx.rows<{ number: string; asset: string; units: string }>(
      `SELECT f.number, f.asset, sum(f.units) AS units FROM (
         SELECT t.number, t.asset, CASE t.direction WHEN 'BUY' THEN t.accrued ELSE -t.accrued END AS units FROM accounting.own_trade t WHERE t.book_id = $1
          UNION ALL
         SELECT c.number, c.asset, -c.amount FROM accounting.own_coupon c WHERE c.book_id = $1) f GROUP BY f.number, f.asset`,
      [book],
    );
    return new Map(rows.map(({ number, asset, units }) => [`${number}/${asset}`, BigInt(units)]));
  }
}
