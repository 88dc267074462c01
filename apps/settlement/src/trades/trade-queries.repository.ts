import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { type TradeFilter } from './trades.graphql.js';
import { tradeColumnsSql, type TradeRow } from './trades.repository.js';

export interface AllocationRow {
  tradeId: string;
  n: number;
  clientAccount: string;
  quantityUnits: string;
  amountMinor: string;
}
export interface VersionRow {
  tradeId: string;
  version: number;
  action: string;
  origin: string;
  recordedAt: Date;
  recordedBy: string;
}
export interface StateChangeRow {
  tradeId: string;
  fromState: string;
  toState: string;
  version: number;
  reason: string | null;
  at: Date;
}

const grouped = <Row extends { tradeId: string }>(rows: readonly Row[]): Map<string, Row[]> => {
  const groups = new Map<string, Row[]>();
  for (const row of rows) groups.set(row.tradeId, [...(groups.get(row.tradeId) ?? []), row]);
  return groups;
};

/** What people and other services ask about trades; each takes many keys at once. */
@Injectable()
export class TradeQueries {
  async byIds(tx: Tx, ids: readonly string[]): Promise<Map<string, TradeRow>> {
    const rows = await tx.rows<TradeRow>(
      `SELECT ${tradeColumnsSql} FROM settlement.trade WHERE trade_id = ANY($1::text[])`,
      [ids],
    );
    return new Map(rows.map((row) => [row.tradeId, row]));
  }

  async page(
    tx: Tx,
    filter: TradeFilter,
    after: readonly (string | null)[] | undefined,
    limit: number,
  ): Promise<TradeRow[]> {
    return tx.rows<TradeRow>(
      `SELECT ${tradeColumnsSql} FROM settlement.trade
        WHERE ($1::text IS NULL OR book_id = $1) AND ($2::text IS NULL OR state = $2) AND ($3::text IS NULL OR hold_state = $3)
          AND ($4::date IS NULL OR business_date = $4) AND ($5::date IS NULL OR settlement_date = $5)
          AND ($6::text IS NULL OR client_account = $6) AND ($7::text IS NULL OR isin = $7) AND ($8::text IS NULL OR execution_id = $8)
          AND ($9::text IS NULL OR repair_reason = $9) AND ($10::text IS NULL OR file_id = $10)
          AND ($11::text IS NULL OR trade_id > $11)
        ORDER BY trade_id LIMIT $12`,
      [
        filter.book ?? null,
        filter.state ?? null,
        filter.holdState ?? null,
        filter.businessDate ?? null,
        filter.settlementDate ?? null,
        filter.clientAccount ?? null,
        filter.isin ?? null,
        filter.executionId ?? null,
        filter.repairReason ?? null,
        filter.fileId ?? null,
        after?.[0] ?? null,
        limit,
      ],
    );
  }

  async allocations(tx: Tx, ids: readonly string[]): Promise<Map<string, AllocationRow[]>> {
    return grouped(
      await tx.rows<AllocationRow>(
        `SELECT trade_id AS "tradeId", n, client_account AS "clientAccount", quantity_units AS "quantityUnits", amount_minor AS "amountMinor"
           FROM settlement.trade_allocation WHERE trade_id = ANY($1::text[]) ORDER BY trade_id, n`,
        [ids],
      ),
    );
  }

  async versions(tx: Tx, ids: readonly string[]): Promise<Map<string, VersionRow[]>> {
    return grouped(
      await tx.rows<VersionRow>(
        `SELECT trade_id AS "tradeId", version, action, origin, recorded_at AS "recordedAt", recorded_by AS "recordedBy"
           FROM settlement.trade_version WHERE trade_id = ANY($1::text[]) ORDER BY trade_id, version`,
        [ids],
      ),
    );
  }

  async history(tx: Tx, ids: readonly string[]): Promise<Map<string, StateChangeRow[]>> {
    return grouped(
      await tx.rows<StateChangeRow>(
        `SELECT trade_id AS "tradeId", from_state AS "fromState", to_state AS "toState", version, reason, at
           FROM settlement.trade_state_history WHERE trade_id = ANY($1::text[]) ORDER BY trade_id, sequence`,
        [ids],
      ),
    );
  }
}
