import { Injectable } from '@nestjs/common';
import { type PlainDate } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import { amountScaleOf, type KnownTrade, type NewTrade, type NewVersion } from './capture.js';
import { type Enrichment } from './enrichment.js';
import { type TradeForInstruction, type TradeState } from './trade.js';

/** A trade as stored; what leaves this feature is shaped from it. */
export interface TradeRow {
  tradeId: string;
  bookId: string;
  source: string;
  executionId: string;
  version: number;
  state: TradeState;
  repairReason: string | null;
  isConfirmed: boolean;
  holdState: 'NONE' | 'SCREENING' | 'HELD';
  heldReason: string | null;
  side: 'BUY' | 'SELL';
  kind: 'DVP' | 'FOP';
  assetClass: string;
  market: string;
  isin: string;
  quantityUnits: string;
  quantityScale: number;
  price: string | null;
  amountMinor: string;
  amountScale: number;
  currency: string;
  tradedAt: Date | null;
  tradeDate: PlainDate;
  settlementDate: PlainDate;
  placeId: string;
  clientAccount: string;
  clientPartyId: string | null;
  counterpartyId: string | null;
  counterpartyAccount: string | null;
  counterpartySealed: string | null;
  counterpartyPartyId: string | null;
  counterpartySsiId: string | null;
  isBlock: boolean;
  carriedFail: boolean;
  carriedFailSince: PlainDate | null;
  importId: string | null;
  fileId: string | null;
  businessDate: PlainDate;
  capturedAt: Date;
  capturedBy: string;
}

const storedColumns = [
  'trade_id',
  'book_id',
  'source',
  'execution_id',
  'version',
  'state',
  'repair_reason',
  'is_confirmed',
  'hold_state',
  'held_reason',
  'side',
  'kind',
  'asset_class',
  'market',
  'isin',
  'quantity_units',
  'quantity_scale',
  'price',
  'amount_minor',
  'amount_scale',
  'currency',
  'traded_at',
  'trade_date',
  'settlement_date',
  'place_id',
  'client_account',
  'client_party_id',
  'counterparty_id',
  'counterparty_account',
  'counterparty_sealed',
  'counterparty_party_id',
  'counterparty_ssi_id',
  'is_block',
  'carried_fail',
  'carried_fail_since',
  'import_id',
  'file_id',
  'business_date',
  'captured_at',
  'captured_by',
] as const;
const camel = (column: string) => column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
const columnsOf = (alias: string) =>
  storedColumns
    .map((column) =>
      column === 'price' ? `trim_scale(${alias}.price)::text AS price` : `${alias}.${column} AS "${camel(column)}"`,
    )
    .join(', ');
export const tradeColumnsSql = columnsOf('trade');

/** Somebody took in the same execution at the same moment: the transaction runs again and sees it. */
export class CapturedMeanwhile extends Error {
  readonly code = '40001';
}

export interface TradeToStore extends NewTrade {
  readonly counterpartySealed: string | null;
  readonly fileId: string | null;
  readonly importId: string | null;
  readonly carriedFail: boolean;
  readonly carriedFailSince: PlainDate | null;
  readonly isConfirmed: boolean;
  readonly capturedBy: string;
  readonly isScreeningSent: boolean;
}

const recordSql = `jsonb_to_recordset($1::jsonb) AS r(
  "tradeId" text, "bookId" text, source text, "executionId" text, version int, state text, "repairReason" text, "isConfirmed" boolean,
  "holdState" text, "isScreeningSent" boolean, side text, kind text, "assetClass" text, market text, isin text, "quantityUnits" numeric,
  "quantityScale" int, price numeric, "amountMinor" numeric, "amountScale" int, currency text, "tradedAt" timestamptz, "tradeDate" date,
  "settlementDate" date, "placeId" text, "clientAccount" text, "clientPartyId" text, "counterpartyId" text, "counterpartyAccount" text,
  "counterpartySealed" text, "counterpartyPartyId" text, "counterpartySsiId" text, "isBlock" boolean, "carriedFail" boolean,
  "carriedFailSince" date, "importId" text, "fileId" text, "businessDate" date, "capturedBy" text, "staticVersions" jsonb)`;

function recordOf(trade: TradeToStore): Record<string, unknown> {
  const { line, enrichment } = trade;
  const waitsForScreening = trade.isProcessed && enrichment.needsScreening;
  return {
    tradeId: trade.tradeId,
    bookId: line.bookId,
    source: line.source,
    executionId: line.executionId,
    version: line.version,
    state: trade.state,
    repairReason: trade.state === 'REPAIR' ? enrichment.repairReason : null,
    isConfirmed: trade.isConfirmed,
    holdState: waitsForScreening ? 'SCREENING' : 'NONE',
    isScreeningSent: trade.isScreeningSent,
    side: line.side,
    kind: line.kind,
    assetClass: line.assetClass,
    market: line.market,
    isin: line.isin,
    quantityUnits: String(line.quantityUnits),
    quantityScale: line.quantityScale,
    price: line.price,
    amountMinor: String(line.amountMinor),
    amountScale: amountScaleOf(line.currency),
    currency: line.currency,
    tradedAt: line.tradedAt,
    tradeDate: line.tradeDate,
    settlementDate: line.settlementDate,
    placeId: line.placeId,
    clientAccount: line.clientAccount,
    clientPartyId: enrichment.clientPartyId,
    counterpartyId: line.counterpartyId,
    counterpartyAccount: line.counterpartyAccount,
    counterpartySealed: trade.counterpartySealed,
    counterpartyPartyId: enrichment.counterpartyPartyId,
    counterpartySsiId: enrichment.counterpartySsiId,
    isBlock: line.isBlock,
    carriedFail: trade.carriedFail,
    carriedFailSince: trade.carriedFailSince,
    importId: trade.importId,
    fileId: trade.fileId,
    businessDate: trade.businessDate,
    capturedBy: trade.capturedBy,
    staticVersions: enrichment.staticVersions,
  };
}

export interface MovedTrade {
  readonly tradeId: string;
  readonly bookId: string;
}

@Injectable()
export class TradesRepository {
  /** Locked in the order of their ids, which is everybody's order. */
  async lockKnown(tx: Tx, tradeIds: readonly string[]): Promise<Map<string, KnownTrade>> {
    const rows = await tx.rows<KnownTrade>(
      `SELECT trade_id AS "tradeId", book_id AS "bookId", version, state, business_date AS "businessDate",
              counterparty_sealed AS "counterpartySealed", settlement_date AS "settlementDate", currency
         FROM settlement.trade WHERE trade_id = ANY($1::text[]) ORDER BY trade_id FOR UPDATE`,
      [[...new Set(tradeIds)]],
    );
    return new Map(rows.map((row) => [row.tradeId, row]));
  }

  async versionHashes(tx: Tx, tradeIds: readonly string[]): Promise<Map<string, string>> {
    const rows = await tx.rows<{ key: string; hash: string }>(
      `SELECT source || '|' || execution_id || '|' || version AS key, payload_hash AS hash
         FROM settlement.trade_version WHERE trade_id = ANY($1::text[])`,
      [[...new Set(tradeIds)]],
    );
    return new Map(rows.map((row) => [row.key, row.hash]));
  }

  async insertVersions(tx: Tx, versions: readonly NewVersion[], origin: string, recordedBy: string): Promise<void> {
    if (versions.length === 0) return;
    const sorted = [...versions].sort((a, b) =>
      a.tradeId === b.tradeId ? a.version - b.version : a.tradeId < b.tradeId ? -1 : 1,
    );
    const inserted = await tx.execute(
      `INSERT INTO settlement.trade_version (source, execution_id, version, trade_id, book_id, action, payload, payload_hash, origin, recorded_by)
       SELECT source, "executionId", version, "tradeId", "bookId", action, payload, "payloadHash", $2, $3
         FROM jsonb_to_recordset($1::jsonb) AS r(source text, "executionId" text, version int, "tradeId" text, "bookId" text, action text,
           payload jsonb, "payloadHash" text)
       ON CONFLICT DO NOTHING`,
      [JSON.stringify(sorted), origin, recordedBy],
    );
    if (inserted !== versions.length) throw new CapturedMeanwhile('a version was taken in by somebody else');
  }

  async insertTrades(tx: Tx, trades: readonly TradeToStore[]): Promise<void> {
    if (trades.length === 0) return;
    const inserted = await tx.execute(
      `INSERT INTO settlement.trade (trade_id, book_id, source, execution_id, version, state, repair_reason, is_confirmed, hold_state,
         screening_sent_at, side, kind, asset_class, market, isin, quantity_units, quantity_scale, price, amount_minor, amount_scale, currency,
         traded_at, trade_date, settlement_date, place_id, client_account, client_party_id, counterparty_id, counterparty_account,
         counterparty_sealed, counterparty_party_id, counterparty_ssi_id, is_block, carried_fail, carried_fail_since, import_id, file_id,
         business_date, captured_by, static_versions)
       SELECT "tradeId", "bookId", source, "executionId", version, state, "repairReason", "isConfirmed", "holdState",
         CASE WHEN "isScreeningSent" THEN kernel.now() END, side, kind, "assetClass", market, isin, "quantityUnits", "quantityScale", price,
         "amountMinor", "amountScale", currency, "tradedAt", "tradeDate", "settlementDate", "placeId", "clientAccount", "clientPartyId",
         "counterpartyId", "counterpartyAccount", "counterpartySealed", "counterpartyPartyId", "counterpartySsiId", "isBlock", "carriedFail",
         "carriedFailSince", "importId", "fileId", "businessDate", "capturedBy", "staticVersions"
         FROM ${recordSql} ORDER BY "tradeId"
       ON CONFLICT DO NOTHING`,
      [JSON.stringify(trades.map(recordOf))],
    );
    if (inserted !== trades.length) throw new CapturedMeanwhile('a trade was taken in by somebody else');
  }

  /** A correction replaces the economics; its confirmation is asked for again. */
  async correctTrades(tx: Tx, trades: readonly TradeToStore[]): Promise<void> {
    if (trades.length === 0) return;
    await tx.execute(
      `UPDATE settlement.trade t SET version = r.version, state = r.state, repair_reason = r."repairReason", is_confirmed = false,
         hold_state = CASE WHEN r."holdState" = 'SCREENING' THEN 'SCREENING' ELSE t.hold_state END,
         screening_sent_at = CASE WHEN r."isScreeningSent" THEN kernel.now() ELSE t.screening_sent_at END,
         side = r.side, kind = r.kind, asset_class = r."assetClass", market = r.market, isin = r.isin, quantity_units = r."quantityUnits",
         quantity_scale = r."quantityScale", price = r.price, amount_minor = r."amountMinor", amount_scale = r."amountScale",
         currency = r.currency, traded_at = r."tradedAt", trade_date = r."tradeDate", settlement_date = r."settlementDate",
         place_id = r."placeId", client_account = r."clientAccount", client_party_id = r."clientPartyId",
         counterparty_id = r."counterpartyId", counterparty_account = r."counterpartyAccount", counterparty_sealed = r."counterpartySealed",
         counterparty_party_id = r."counterpartyPartyId", counterparty_ssi_id = r."counterpartySsiId", is_block = r."isBlock",
         static_versions = r."staticVersions"
        FROM ${recordSql} WHERE t.trade_id = r."tradeId"`,
      [JSON.stringify(trades.map(recordOf))],
    );
  }

  async cancelTrades(
    tx: Tx,
    cancellations: readonly { tradeId: string; version: number | null; reason?: string }[],
  ): Promise<MovedTrade[]> {
    if (cancellations.length === 0) return [];
    return tx.rows<MovedTrade>(
      `UPDATE settlement.trade t SET state = 'CANCELLED', repair_reason = NULL, version = greatest(t.version, coalesce(r.version, t.version)),
              held_reason = coalesce(r.reason, t.held_reason)
         FROM jsonb_to_recordset($1::jsonb) AS r("tradeId" text, version int, reason text)
        WHERE t.trade_id = r."tradeId" AND t.state <> 'CANCELLED'
       RETURNING t.trade_id AS "tradeId", t.book_id AS "bookId"`,
      [JSON.stringify(cancellations)],
    );
  }

  /** Trades that wait: for their date to open, or for static data that was missing. */
  async lockWaiting(
    tx: Tx,
    filter: {
      book?: string;
      upTo?: PlainDate;
      tradeIds?: readonly string[];
      isins?: readonly string[];
      counterpartyIds?: readonly string[];
    },
  ): Promise<TradeRow[]> {
    return tx.rows<TradeRow>(
      `SELECT ${tradeColumnsSql} FROM settlement.trade
        WHERE (state = 'RECEIVED' AND $1::text IS NOT NULL AND book_id = $1 AND business_date <= $2::date
            OR state = 'REPAIR' AND ($3::text[] IS NOT NULL AND trade_id = ANY($3) OR $4::text[] IS NOT NULL AND isin = ANY($4)
               OR $5::text[] IS NOT NULL AND counterparty_id = ANY($5)))
        ORDER BY trade_id LIMIT 1000 FOR UPDATE`,
      [
        filter.book ?? null,
        filter.upTo ?? null,
        filter.tradeIds ?? null,
        filter.isins ?? null,
        filter.counterpartyIds ?? null,
      ],
    );
  }

  async saveEnrichment(
    tx: Tx,
    changes: readonly { tradeId: string; enrichment: Enrichment; businessDate: PlainDate; isScreened: boolean }[],
  ): Promise<void> {
    if (changes.length === 0) return;
    await tx.execute(
      `UPDATE settlement.trade t SET state = r.state, repair_reason = r."repairReason", business_date = r."businessDate",
         hold_state = CASE WHEN r."isScreened" THEN 'SCREENING' ELSE t.hold_state END,
         screening_sent_at = CASE WHEN r."isScreened" THEN kernel.now() ELSE t.screening_sent_at END,
         client_party_id = r."clientPartyId", counterparty_party_id = r."counterpartyPartyId", counterparty_ssi_id = r."counterpartySsiId",
         static_versions = r."staticVersions"
        FROM jsonb_to_recordset($1::jsonb) AS r("tradeId" text, state text, "repairReason" text, "businessDate" date, "isScreened" boolean,
          "clientPartyId" text, "counterpartyPartyId" text, "counterpartySsiId" text, "staticVersions" jsonb)
       WHERE t.trade_id = r."tradeId"`,
      [JSON.stringify(changes.map(({ enrichment, ...change }) => ({ ...enrichment, ...change })))],
    );
  }

  async forInstruction(
    tx: Tx,
    filter: {
      book?: string;
      businessDate?: PlainDate;
      after?: string | null;
      limit?: number;
      tradeIds?: readonly string[];
      /** Those alone that may be instructed, locked: no amendment comes between. */
      isReady?: boolean;
    },
  ): Promise<TradeForInstruction[]> {
    const rows = await tx.rows<InstructionRow>(
      `SELECT ${columnsOf('t')},
              p.kind AS "placeKind", p.bic AS "placeBic", p.name AS "placeName", p.zone AS "placeZone", p.dvp_cut_off AS "dvpCutOff",
              p.fop_cut_off AS "fopCutOff", p.depot_account AS "depotAccount", p.cash_account AS "placeCashAccount",
              c.bic AS "counterpartyBic", s.version_id AS "ssiVersionId", s.agent_bic AS "agentBic",
              s.safekeeping_account AS "safekeepingAccount", s.cash_account AS "ssiCashAccount", a.allocations
         FROM (SELECT * FROM settlement.trade
                WHERE ${filter.isReady ? `state = 'AFFIRMED' AND hold_state = 'NONE' AND` : ''}
                      CASE WHEN $5::text[] IS NOT NULL THEN trade_id = ANY($5)
                      ELSE book_id = $1 AND business_date <= $2::date AND ($3::text IS NULL OR trade_id > $3) END
                ORDER BY trade_id LIMIT $4 ${filter.isReady ? 'FOR UPDATE' : ''}) t
         LEFT JOIN settlement.place p ON p.place_id = t.place_id AND p.superseded_at IS NULL AND p.valid_from <= t.settlement_date
               AND (p.valid_to IS NULL OR p.valid_to > t.settlement_date)
         LEFT JOIN settlement.counterparty c ON c.counterparty_id = t.counterparty_id AND c.superseded_at IS NULL AND c.valid_to IS NULL
         LEFT JOIN settlement.ssi s ON s.ssi_id = t.counterparty_ssi_id AND s.superseded_at IS NULL AND s.valid_from <= t.settlement_date
               AND (s.valid_to IS NULL OR s.valid_to > t.settlement_date)
         LEFT JOIN LATERAL (
           SELECT jsonb_agg(jsonb_build_object('n', n, 'clientAccount', client_account, 'quantityUnits', quantity_units::text,
                    'amountMinor', amount_minor::text) ORDER BY n) AS allocations
             FROM settlement.trade_allocation WHERE trade_id = t.trade_id) a ON t.is_block
        ORDER BY t.trade_id`,
      [
        filter.book ?? null,
        filter.businessDate ?? null,
        filter.after ?? null,
        filter.limit ?? null,
        filter.tradeIds ?? null,
      ],
    );
    return rows.map(instructionOf);
  }

  /** Answers those that stood where they were expected. */
  async move(tx: Tx, tradeIds: readonly string[], from: TradeState, to: TradeState): Promise<MovedTrade[]> {
    if (tradeIds.length === 0) return [];
    return tx.rows<MovedTrade>(
      `UPDATE settlement.trade SET state = $3 WHERE trade_id = ANY($1::text[]) AND state = $2
       RETURNING trade_id AS "tradeId", book_id AS "bookId"`,
      [tradeIds, from, to],
    );
  }

  async byIds(tx: Tx, tradeIds: readonly string[]): Promise<Map<string, TradeRow>> {
    const rows = await tx.rows<TradeRow>(
      `SELECT ${tradeColumnsSql} FROM settlement.trade WHERE trade_id = ANY($1::text[])`,
      [tradeIds],
    );
    return new Map(rows.map((row) => [row.tradeId, row]));
  }
}

type InstructionRow = TradeRow & {
  placeKind: 'EXTERNAL' | 'INTERNAL' | null;
  placeBic: string | null;
  placeName: string | null;
  placeZone: string | null;
  dvpCutOff: string | null;
  fopCutOff: string | null;
  depotAccount: string | null;
  placeCashAccount: string | null;
  counterpartyBic: string | null;
  ssiVersionId: string | null;
  agentBic: string | null;
  safekeepingAccount: string | null;
  ssiCashAccount: string | null;
  allocations: { n: number; clientAccount: string; quantityUnits: string; amountMinor: string }[] | null;
};

function instructionOf(row: InstructionRow): TradeForInstruction {
  return {
    tradeId: row.tradeId,
    bookId: row.bookId,
    source: row.source,
    executionId: row.executionId,
    version: row.version,
    side: row.side,
    kind: row.kind,
    assetClass: row.assetClass as TradeForInstruction['assetClass'],
    market: row.market as TradeForInstruction['market'],
    isin: row.isin,
    quantityUnits: BigInt(row.quantityUnits),
    quantityScale: row.quantityScale,
    price: row.price,
    amountMinor: BigInt(row.amountMinor),
    currency: row.currency,
    tradeDate: row.tradeDate,
    settlementDate: row.settlementDate,
    placeId: row.placeId,
    place: {
      kind: row.placeKind ?? 'EXTERNAL',
      bic: row.placeBic,
      name: row.placeName ?? row.placeId,
      zone: row.placeZone ?? 'UTC',
      dvpCutOff: row.dvpCutOff ?? '16:00',
      fopCutOff: row.fopCutOff ?? '18:00',
      depotAccount: row.depotAccount,
      cashAccount: row.placeCashAccount,
    },
    clientAccount: row.clientAccount,
    clientPartyId: row.clientPartyId,
    counterpartyId: row.counterpartyId,
    counterpartyPartyId: row.counterpartyPartyId,
    counterpartyBic: row.counterpartyBic,
    counterpartyAccount: row.counterpartyAccount,
    ssi:
      row.counterpartySsiId !== null &&
      row.ssiVersionId !== null &&
      row.agentBic !== null &&
      row.safekeepingAccount !== null
        ? {
            ssiId: row.counterpartySsiId,
            versionId: row.ssiVersionId,
            agentBic: row.agentBic,
            safekeepingAccount: row.safekeepingAccount,
            cashAccount: row.ssiCashAccount,
          }
        : null,
    isBlock: row.isBlock,
    carriedFail: row.carriedFail,
    allocations: (row.allocations ?? []).map((one) => ({
      n: one.n,
      clientAccount: one.clientAccount,
      quantityUnits: BigInt(one.quantityUnits),
      amountMinor: BigInt(one.amountMinor),
    })),
    businessDate: row.businessDate,
  };
}
