import { Injectable } from '@nestjs/common';
import { type PlainDate } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import { formatDecimal } from '#libs/money/index.js';
import { type PositionType } from '../instructions/instructions.graphql.js';

export interface ImportedHolding {
  /** `C000123-SAFE` */
  readonly account: string;
  readonly bookId: string;
  readonly isin: string;
  readonly quantityUnits: bigint;
  readonly holdingDate: PlainDate;
  readonly importId: string;
}

interface Row {
  account: string;
  isin: string;
  bookId: string;
  scale: number;
  settled: string;
  pending: string;
  blocked: string;
  instructions: number;
  asOf: string;
}

/** Positions follow from what was brought in, what settled, and what waits; nothing is kept that could disagree. */
@Injectable()
export class PositionsService {
  async importHoldings(tx: Tx, rows: readonly ImportedHolding[]): Promise<void> {
    if (rows.length === 0) return;
    await tx.execute(
      `INSERT INTO settlement.position_opening (account, isin, book_id, quantity_units, holding_date, import_id)
       SELECT r.account, r.isin, min(r."bookId"), sum(r."quantityUnits"), min(r."holdingDate"), r."importId"
         FROM jsonb_to_recordset($1::jsonb) AS r(account text, "bookId" text, isin text, "quantityUnits" numeric, "holdingDate" date, "importId" text)
        GROUP BY r.account, r.isin, r."importId"
       ON CONFLICT (account, isin, import_id) DO UPDATE SET quantity_units = excluded.quantity_units, holding_date = excluded.holding_date`,
      [JSON.stringify(rows, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value))],
    );
  }

  async removeImport(tx: Tx, importId: string): Promise<void> {
    await tx.execute('DELETE FROM settlement.position_opening WHERE import_id = $1', [importId]);
  }

  /** `asOf` a date: settled by then, and waiting now. An account is a client (`C000123`) or its custody account. */
  async positions(
    tx: Tx,
    filter: { account?: string | null; isin?: string | null; asOf?: PlainDate | null },
    limit: number,
    after?: readonly (string | null)[],
  ): Promise<PositionType[]> {
    const account = filter.account
      ? filter.account.endsWith('-SAFE')
        ? filter.account
        : `${filter.account}-SAFE`
      : null;
    const rows = await tx.rows<Row>(
      `SELECT m.account, m.isin, min(m.book_id) AS "bookId", coalesce(min(n.quantity_scale), 0)::int AS scale,
              coalesce(sum(m.settled_units) FILTER (WHERE m.business_date <= d.as_of), 0)::numeric(39,0) AS settled,
              trunc(sum(m.pending_units))::numeric(39,0) AS pending, trunc(coalesce(sum(-m.pending_units) FILTER (WHERE m.pending_units < 0), 0))::numeric(39,0) AS blocked,
              count(DISTINCT m.instruction_id) FILTER (WHERE m.pending_units <> 0)::int AS instructions, d.as_of AS "asOf"
         FROM settlement.position_movement m
         LEFT JOIN settlement.instrument n ON n.isin = m.isin AND n.superseded_at IS NULL AND n.valid_to IS NULL
        CROSS JOIN (SELECT coalesce($3::date, (SELECT max(business_date) FROM settlement.book_day), kernel.now()::date) AS as_of) d
        WHERE ($1::text IS NULL OR m.account = $1) AND ($2::text IS NULL OR m.isin = $2)
          AND ($4::text IS NULL OR (m.account, m.isin) > ($4::text, $5::text))
        GROUP BY m.account, m.isin, d.as_of ORDER BY m.account, m.isin LIMIT $6`,
      [account, filter.isin ?? null, filter.asOf ?? null, after?.[0] ?? null, after?.[1] ?? null, limit],
    );
    return rows.map(({ account: of, isin, bookId, scale, settled, pending, blocked, instructions, asOf }) => {
      const text = (units: bigint) => formatDecimal(units, scale);
      const own = BigInt(settled);
      // What is promised beyond what is there is a lack, not a block.
      const held = BigInt(blocked) < own ? BigInt(blocked) : own > 0n ? own : 0n;
      return {
        account: of,
        isin,
        book: bookId,
        asOf,
        traded: text(own + BigInt(pending)),
        pending: text(BigInt(pending)),
        settled: text(own),
        blocked: text(held),
        available: text(own - held),
        pendingInstructions: instructions,
      };
    });
  }
}
