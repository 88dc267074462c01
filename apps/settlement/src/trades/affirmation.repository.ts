import { Injectable } from '@nestjs/common';
import { type PlainDate } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import { type BlockFacts } from './allocations.js';
import { type Confirmation } from './confirmations.js';

interface StoredAllocation {
  tradeId: string;
  n: number;
  clientAccount: string;
  quantityUnits: string;
  amountMinor: string;
}

export interface OpenTrade {
  tradeId: string;
  executionId: string;
  version: number;
  bookId: string;
  amountMinor: string;
  currency: string;
  businessDate: PlainDate;
  settlementDate: PlainDate;
  place: { zone: string; calendarId: string } | null;
  reasonCode: 'NO_CONFIRMATION' | 'CONFIRMATION_DIFFERS' | 'ALLOCATION_MISSING';
}

@Injectable()
export class AffirmationRepository {
  async lockBlocks(tx: Tx, tradeIds: readonly string[]): Promise<Map<string, BlockFacts>> {
    const rows = await tx.rows<
      Omit<BlockFacts, 'quantityUnits' | 'amountMinor'> & { quantityUnits: string; amountMinor: string }
    >(
      `SELECT trade_id AS "tradeId", book_id AS "bookId", is_block AS "isBlock", state, quantity_units AS "quantityUnits",
              quantity_scale AS "quantityScale", amount_minor AS "amountMinor", currency
         FROM settlement.trade WHERE trade_id = ANY($1::text[]) ORDER BY trade_id FOR UPDATE`,
      [[...new Set(tradeIds)]],
    );
    return new Map(
      rows.map((row) => [
        row.tradeId,
        { ...row, quantityUnits: BigInt(row.quantityUnits), amountMinor: BigInt(row.amountMinor) },
      ]),
    );
  }

  async allocationsOf(tx: Tx, tradeIds: readonly string[]): Promise<StoredAllocation[]> {
    return tx.rows<StoredAllocation>(
      `SELECT trade_id AS "tradeId", n, client_account AS "clientAccount", quantity_units AS "quantityUnits", amount_minor AS "amountMinor"
         FROM settlement.trade_allocation WHERE trade_id = ANY($1::text[]) ORDER BY trade_id, n`,
      [[...new Set(tradeIds)]],
    );
  }

  async insertAllocations(
    tx: Tx,
    allocations: readonly {
      tradeId: string;
      bookId: string;
      n: number;
      clientAccount: string;
      quantityUnits: bigint;
      amountMinor: bigint;
    }[],
    fileId: string,
  ): Promise<void> {
    if (allocations.length === 0) return;
    await tx.execute(
      `INSERT INTO settlement.trade_allocation (trade_id, n, book_id, client_account, quantity_units, amount_minor, file_id)
       SELECT "tradeId", n, "bookId", "clientAccount", "quantityUnits", "amountMinor", $2
         FROM jsonb_to_recordset($1::jsonb) AS r("tradeId" text, n int, "bookId" text, "clientAccount" text, "quantityUnits" numeric, "amountMinor" numeric)`,
      [
        JSON.stringify(
          allocations.map((one) => ({
            ...one,
            quantityUnits: String(one.quantityUnits),
            amountMinor: String(one.amountMinor),
          })),
        ),
        fileId,
      ],
    );
  }

  /** Blocks whose allocations make up the whole become ALLOCATED; one whose sums differ stays where it is. */
  async completeBlocks(
    tx: Tx,
    filter: { fileId?: string; book?: string },
  ): Promise<{ tradeId: string; isComplete: boolean }[]> {
    return tx.rows(
      `WITH sums AS (
         SELECT a.trade_id, sum(a.quantity_units) AS quantity, sum(a.amount_minor) AS amount
           FROM settlement.trade_allocation a JOIN settlement.trade t USING (trade_id)
          WHERE ($1::text IS NOT NULL AND a.trade_id IN (SELECT trade_id FROM settlement.trade_allocation WHERE file_id = $1)
              OR $2::text IS NOT NULL AND t.book_id = $2 AND t.state = 'ENRICHED' AND t.is_block)
          GROUP BY a.trade_id),
       moved AS (
         UPDATE settlement.trade t SET state = 'ALLOCATED' FROM sums s
          WHERE t.trade_id = s.trade_id AND t.state = 'ENRICHED' AND t.quantity_units = s.quantity AND t.amount_minor = s.amount
         RETURNING t.trade_id)
       SELECT s.trade_id AS "tradeId", s.quantity = t.quantity_units AND s.amount = t.amount_minor AS "isComplete"
         FROM sums s JOIN settlement.trade t USING (trade_id) ORDER BY s.trade_id`,
      [filter.fileId ?? null, filter.book ?? null],
    );
  }

  async insertConfirmations(
    tx: Tx,
    confirmations: readonly Confirmation[],
    fileId: string | null,
  ): Promise<Set<string>> {
    if (confirmations.length === 0) return new Set();
    const rows = await tx.rows<{ contentHash: string }>(
      `INSERT INTO settlement.trade_confirmation (source, execution_id, counterparty_id, isin, quantity, amount, currency, settlement_date, status, file_id, content_hash)
       SELECT source, "executionId", "counterpartyId", isin, quantity, amount, currency, "settlementDate", status, $2, "contentHash"
         FROM jsonb_to_recordset($1::jsonb) AS r(source text, "executionId" text, "counterpartyId" text, isin text, quantity numeric, amount numeric,
           currency text, "settlementDate" date, status text, "contentHash" text)
       ON CONFLICT DO NOTHING RETURNING content_hash AS "contentHash"`,
      [JSON.stringify(confirmations), fileId],
    );
    return new Set(rows.map((row) => row.contentHash));
  }

  /** A confirmation affirms only what agrees in every economic term; the name of the execution alone is not enough. */
  async affirm(tx: Tx, book: string): Promise<string[]> {
    const rows = await tx.rows<{ tradeId: string }>(
      `UPDATE settlement.trade t SET state = 'AFFIRMED', is_confirmed = true
        WHERE t.book_id = $1 AND t.state IN ('ENRICHED', 'ALLOCATED', 'CONFIRMED') AND (NOT t.is_block OR t.state <> 'ENRICHED')
          AND EXISTS (
            SELECT 1 FROM settlement.trade_confirmation c
             WHERE c.source = t.source AND c.execution_id = t.execution_id AND c.status = 'AFFIRMED' AND c.isin = t.isin
               AND c.quantity = t.quantity_units * power(10::numeric, -t.quantity_scale)
               AND c.amount = t.amount_minor * power(10::numeric, -t.amount_scale)
               AND c.currency = t.currency AND (c.settlement_date = t.settlement_date
                    -- Confirmed before a closure moved the date of both sides.
                    OR EXISTS (SELECT 1 FROM settlement.settlement_date_change d
                                WHERE d.object_kind = 'TRADE' AND d.object_id = t.trade_id AND d.from_date = c.settlement_date))
               AND c.counterparty_id IN ('', coalesce(t.counterparty_id, t.counterparty_account, '')))
       RETURNING t.trade_id AS "tradeId"`,
      [book],
    );
    return rows.map(({ tradeId }) => tradeId);
  }

  async unaffirmed(tx: Tx, book: string, upTo: PlainDate): Promise<OpenTrade[]> {
    return tx.rows<OpenTrade>(
      `SELECT t.trade_id AS "tradeId", t.execution_id AS "executionId", t.version, t.book_id AS "bookId", t.amount_minor AS "amountMinor", t.currency,
              t.business_date AS "businessDate", t.settlement_date AS "settlementDate",
              CASE WHEN p.place_id IS NOT NULL THEN jsonb_build_object('zone', p.zone, 'calendarId', p.calendar_id) END AS place,
              CASE WHEN t.is_block AND t.state = 'ENRICHED' THEN 'ALLOCATION_MISSING'
                   WHEN EXISTS (SELECT 1 FROM settlement.trade_confirmation c WHERE c.source = t.source AND c.execution_id = t.execution_id)
                   THEN 'CONFIRMATION_DIFFERS' ELSE 'NO_CONFIRMATION' END AS "reasonCode"
         FROM settlement.trade t
         LEFT JOIN settlement.place p ON p.place_id = t.place_id AND p.superseded_at IS NULL AND p.valid_to IS NULL
        WHERE t.book_id = $1 AND t.business_date <= $2::date AND t.state IN ('ENRICHED', 'ALLOCATED', 'CONFIRMED') AND t.hold_state = 'NONE'
        ORDER BY t.trade_id`,
      [book, upTo],
    );
  }
}
