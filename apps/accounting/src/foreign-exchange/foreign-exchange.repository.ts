import { Injectable } from '@nestjs/common';
import { type PlainDate } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import { accounts } from './foreign-exchange.js';

export interface RevaluationRow {
  readonly book: string;
  readonly businessDate: PlainDate;
  readonly currency: string;
  readonly version: number;
  readonly functional: string;
  readonly position: string;
  readonly cost: string;
  readonly paid: string;
  readonly rateNumerator: string | null;
  readonly rateDenominator: string | null;
  readonly figures: string;
  readonly isStale: boolean;
  readonly equivalentBefore: string;
  readonly equivalentAfter: string;
  readonly realised: string;
  readonly unrealised: string;
  readonly realisedPosted: string;
  readonly unrealisedPosted: string;
  readonly entryId: string | null;
  readonly upToPlace: string;
}

export interface DealRow {
  readonly entryId: string;
  readonly book: string;
  readonly currency: string;
  readonly businessDate: PlainDate;
  readonly version: number;
  readonly n: number;
  readonly position: string;
  readonly equivalent: string;
  readonly realised: string;
}

export interface ConversionRow {
  readonly entryId: string;
  readonly book: string;
  readonly businessDate: PlainDate;
  readonly currency: string;
  readonly rateNumerator: string;
  readonly rateDenominator: string;
  readonly figures: string;
  readonly isStale: boolean;
}

const columns = `r.book_id AS book, r.business_date AS "businessDate", r.currency, r.version, r.functional, r.position, r.cost, r.paid,
  r.rate_numerator AS "rateNumerator", r.rate_denominator AS "rateDenominator", r.figures, r.is_stale AS "isStale",
  r.equivalent_before AS "equivalentBefore", r.equivalent_after AS "equivalentAfter", r.realised, r.unrealised,
  r.realised_posted AS "realisedPosted", r.unrealised_posted AS "unrealisedPosted", r.entry_id AS "entryId", r.up_to_place AS "upToPlace"`;

@Injectable()
export class ForeignExchangeRepository {
  /** The last revaluation of every currency of a book. */
  async latest(tx: Tx, book: string): Promise<RevaluationRow[]> {
    return tx.rows<RevaluationRow>(
      `SELECT DISTINCT ON (r.currency) ${columns} FROM accounting.currency_revaluation r WHERE r.book_id = $1
        ORDER BY r.currency, r.business_date DESC, r.version DESC`,
      [book],
    );
  }

  /** Those of a date, or of each currency the last up to a date. */
  async list(tx: Tx, book: string, date: PlainDate, only: 'OF_THE_DATE' | 'LAST'): Promise<RevaluationRow[]> {
    return only === 'OF_THE_DATE'
      ? tx.rows<RevaluationRow>(
          `SELECT ${columns} FROM accounting.currency_revaluation r WHERE r.book_id = $1 AND r.business_date = $2 ORDER BY r.currency, r.version`,
          [book, date],
        )
      : tx.rows<RevaluationRow>(
          `SELECT DISTINCT ON (r.currency) ${columns} FROM accounting.currency_revaluation r WHERE r.book_id = $1 AND r.business_date <= $2
            ORDER BY r.currency, r.business_date DESC, r.version DESC`,
          [book, date],
        );
  }

  /**
   * The entries on the account of the position that no revaluation has looked at. What is folded stands in the sequence
   * of its account, behind the last place that was looked at; what is not folded yet is known by its deals.
   */
  async undealt(
    tx: Tx,
    book: string,
    functional: string,
  ): Promise<
    {
      entryId: string;
      reverses: string | null;
      positions: { currency: string; units: string; place: string | null }[];
      equivalent: string;
    }[]
  > {
    return tx.rows(
      `WITH held AS (
         SELECT l.ledger_account_id, l.asset,
                coalesce((SELECT r.up_to_place FROM accounting.currency_revaluation r WHERE r.book_id = l.book_id AND r.currency = l.asset
                           ORDER BY r.business_date DESC, r.version DESC LIMIT 1), 0) AS up_to
           FROM accounting.ledger_account l WHERE l.book_id = $1 AND l.number = $2),
       moved AS (
         SELECT t.entry_id, h.asset, t.account_sequence AS place, p.units
           FROM held h CROSS JOIN LATERAL (
             SELECT r.entry_id, r.n, r.account_sequence FROM accounting.rollup_place r WHERE r.ledger_account_id = h.ledger_account_id AND r.account_sequence > h.up_to
              UNION ALL
             SELECT r.entry_id, r.n, NULL FROM accounting.rollup_place r WHERE r.ledger_account_id = h.ledger_account_id AND r.account_sequence IS NULL
              UNION ALL
             SELECT s.entry_id, s.n, s.account_sequence FROM accounting.posting s WHERE s.ledger_account_id = h.ledger_account_id AND s.account_sequence > h.up_to) t
           JOIN accounting.posting p ON p.entry_id = t.entry_id AND p.n = t.n
          WHERE NOT EXISTS (SELECT FROM accounting.currency_deal d WHERE d.entry_id = t.entry_id AND d.currency = h.asset)),
       summed AS (SELECT m.entry_id, m.asset, sum(m.units) AS units, max(m.place) AS place FROM moved m GROUP BY m.entry_id, m.asset)
       SELECT e.entry_id AS "entryId", e.reverses_entry_id AS reverses,
              jsonb_agg(jsonb_build_object('currency', s.asset, 'units', s.units::text, 'place', s.place::text) ORDER BY s.asset) AS positions,
              coalesce((SELECT u.units FROM accounting.units_on(e.entry_id, $3) u WHERE u.asset = $4), 0) AS equivalent
         FROM summed s JOIN accounting.journal_entry e USING (entry_id) GROUP BY e.entry_id ORDER BY e.sequence`,
      [book, accounts.position, accounts.equivalent, functional],
    );
  }

  async addDeals(tx: Tx, rows: readonly DealRow[]): Promise<void> {
    if (rows.length === 0) return;
    await tx.execute(
      `INSERT INTO accounting.currency_deal (entry_id, book_id, currency, business_date, version, n, position, equivalent, realised)
       SELECT d."entryId", d.book, d.currency, d."businessDate", d.version, d.n, d.position, d.equivalent, d.realised
         FROM jsonb_to_recordset($1::jsonb) AS d("entryId" text, book text, currency text, "businessDate" date, version int, n int,
                position numeric, equivalent numeric, realised numeric)`,
      [JSON.stringify(rows)],
    );
  }

  async addRevaluations(tx: Tx, rows: readonly RevaluationRow[]): Promise<void> {
    if (rows.length === 0) return;
    await tx.execute(
      `INSERT INTO accounting.currency_revaluation (book_id, business_date, currency, version, functional, position, cost, paid, rate_numerator, rate_denominator,
              figures, is_stale, equivalent_before, equivalent_after, realised, unrealised, realised_posted, unrealised_posted, entry_id, up_to_place)
       SELECT r.book, r."businessDate", r.currency, r.version, r.functional, r.position, r.cost, r.paid, r."rateNumerator", r."rateDenominator",
              r.figures, r."isStale", r."equivalentBefore", r."equivalentAfter", r.realised, r.unrealised, r."realisedPosted", r."unrealisedPosted",
              r."entryId", r."upToPlace"
         FROM jsonb_to_recordset($1::jsonb) AS r(book text, "businessDate" date, currency text, version int, functional text, position numeric, cost numeric,
                paid numeric, "rateNumerator" numeric, "rateDenominator" numeric, figures text, "isStale" boolean, "equivalentBefore" numeric,
                "equivalentAfter" numeric, realised numeric, unrealised numeric, "realisedPosted" numeric, "unrealisedPosted" numeric, "entryId" text, "upToPlace" bigint)`,
      [JSON.stringify(rows)],
    );
  }

  async dealsOf(
    tx: Tx,
    row: { book: string; currency: string; businessDate: PlainDate; version: number },
  ): Promise<DealRow[]> {
    return tx.rows<DealRow>(
      `SELECT d.entry_id AS "entryId", d.book_id AS book, d.currency, d.business_date AS "businessDate", d.version, d.n, d.position, d.equivalent, d.realised
         FROM accounting.currency_deal d WHERE d.book_id = $1 AND d.currency = $2 AND d.business_date = $3 AND d.version = $4 ORDER BY d.n`,
      [row.book, row.currency, row.businessDate, row.version],
    );
  }

  /** Income and expense that stand in another currency than the functional one, debit positive. */
  async foreignResults(
    tx: Tx,
    book: string,
    functional: string,
  ): Promise<{ account: string; currency: string; units: string }[]> {
    return tx.rows(
      `SELECT l.number AS account, l.asset AS currency, (b.posted_debit - b.posted_credit) AS units
         FROM accounting.ledger_account l JOIN accounting.account a USING (book_id, number)
         JOIN accounting.gl_account g ON g.book_id = a.book_id AND g.code = a.gl_code AND g.type IN ('INCOME','EXPENSE')
         JOIN accounting.balance_now b USING (ledger_account_id)
        WHERE l.book_id = $1 AND l.asset <> $2 AND b.posted_debit <> b.posted_credit ORDER BY l.asset, l.number`,
      [book, functional],
    );
  }

  async conversionsBefore(tx: Tx, book: string, date: PlainDate): Promise<Map<string, number>> {
    const rows = await tx.rows<{ currency: string; n: number }>(
      `SELECT c.currency, count(*)::int AS n FROM accounting.currency_conversion c WHERE c.book_id = $1 AND c.business_date = $2 GROUP BY c.currency`,
      [book, date],
    );
    return new Map(rows.map(({ currency, n }) => [currency, n]));
  }

  async addConversions(tx: Tx, rows: readonly ConversionRow[]): Promise<void> {
    if (rows.length === 0) return;
    await tx.execute(
      `INSERT INTO accounting.currency_conversion (entry_id, book_id, business_date, currency, rate_numerator, rate_denominator, figures, is_stale)
       SELECT c."entryId", c.book, c."businessDate", c.currency, c."rateNumerator", c."rateDenominator", c.figures, c."isStale"
         FROM jsonb_to_recordset($1::jsonb) AS c("entryId" text, book text, "businessDate" date, currency text, "rateNumerator" numeric,
                "rateDenominator" numeric, figures text, "isStale" boolean)`,
      [JSON.stringify(rows)],
    );
  }

  async conversions(tx: Tx, book: string, date: PlainDate): Promise<ConversionRow[]> {
    return tx.rows<ConversionRow>(
      `SELECT c.entry_id AS "entryId", c.book_id AS book, c.business_date AS "businessDate", c.currency, c.rate_numerator AS "rateNumerator",
              c.rate_denominator AS "rateDenominator", c.figures, c.is_stale AS "isStale"
         FROM accounting.currency_conversion c WHERE c.book_id = $1 AND c.business_date = $2 ORDER BY c.currency, c.entry_id`,
      [book, date],
    );
  }

  /** What stands on EQUIVALENT and no currency accounts for: zero, unless somebody posted to it without a position. */
  async unexplained(tx: Tx, book: string, functional: string): Promise<bigint> {
    const row = await tx.row<{ units: string }>(
      `SELECT coalesce((SELECT sum(b.posted_debit - b.posted_credit) FROM accounting.ledger_account l JOIN accounting.balance_now b USING (ledger_account_id)
                         WHERE l.book_id = $1 AND l.number = $2 AND l.asset = $3), 0)
            - coalesce((SELECT sum(t.equivalent_after) FROM (SELECT DISTINCT ON (r.currency) r.equivalent_after FROM accounting.currency_revaluation r
                         WHERE r.book_id = $1 ORDER BY r.currency, r.business_date DESC, r.version DESC) t), 0) AS units`,
      [book, accounts.equivalent, functional],
    );
    const undealt = await this.undealt(tx, book, functional);
    return BigInt(row?.units ?? 0) - undealt.reduce((sum, { equivalent }) => sum + BigInt(equivalent), 0n);
  }
}
