import { type PlainDate } from '#libs/calendar/index.js';
import { type AssetClass, type Market, type Side, type TradeAction, type TradeKind } from './trade.js';

/** The columns of a trade file, in its order; the mutations have the same fields. */
export const tradeColumns = [
  'source',
  'executionId',
  'version',
  'action',
  'tradeTime',
  'tradeDate',
  'settlementDate',
  'side',
  'assetClass',
  'market',
  'isin',
  'quantity',
  'price',
  'currency',
  'amount',
  'clientAccount',
  'counterparty',
  'counterpartyName',
  'place',
  'block',
] as const;
export type TradeColumn = (typeof tradeColumns)[number];

/** A line as it came: text, nothing believed yet. `kind` is known to the mutations only. */
export type RawTradeLine = Readonly<Record<TradeColumn, string>> & { readonly kind?: TradeKind };

/** A line that was understood. Its money is whole units; its free text is still readable and is sealed before it is stored. */
export interface TradeLine {
  readonly source: string;
  readonly executionId: string;
  readonly version: number;
  readonly action: TradeAction;
  readonly tradedAt: string | null;
  readonly tradeDate: PlainDate;
  /** As stated, or as computed from the cycle when it was left blank. */
  readonly settlementDate: PlainDate;
  readonly side: Side;
  readonly kind: TradeKind;
  readonly assetClass: AssetClass;
  readonly market: Market;
  readonly isin: string;
  readonly quantityUnits: bigint;
  readonly quantityScale: number;
  readonly price: string | null;
  readonly currency: string;
  readonly amountMinor: bigint;
  readonly clientAccount: string;
  readonly counterpartyId: string | null;
  readonly counterpartyAccount: string | null;
  readonly counterpartyName: string | null;
  readonly placeId: string;
  readonly bookId: string;
  readonly isBlock: boolean;
}

/** Where each market settles when the line does not say. */
export const homePlace: Record<Market, string> = { EU: 'T2S', US: 'DTC', UK: 'CREST', JP: 'JASDEC', FUND: 'FUND' };
/** Where a market's trade date is counted. */
export const venueZone: Record<Market, string> = {
  EU: 'Europe/Berlin',
  US: 'America/New_York',
  UK: 'Europe/London',
  JP: 'Asia/Tokyo',
  FUND: 'Europe/Luxembourg',
};
/** Decimal places of a quantity while the instrument is not known. */
export const usualScale: Record<AssetClass, number> = { EQUITY: 0, ETF: 0, BOND: 2, FUND: 4 };

/** What counts when two deliveries of the same version are compared: the facts, not how they were written. */
export function factsOf(line: TradeLine): Record<string, string | number | boolean | null> {
  return {
    source: line.source,
    executionId: line.executionId,
    version: line.version,
    action: line.action,
    tradedAt: line.tradedAt,
    tradeDate: line.tradeDate,
    settlementDate: line.settlementDate,
    side: line.side,
    kind: line.kind,
    assetClass: line.assetClass,
    market: line.market,
    isin: line.isin,
    quantityUnits: String(line.quantityUnits),
    quantityScale: line.quantityScale,
    price: line.price,
    currency: line.currency,
    amountMinor: String(line.amountMinor),
    clientAccount: line.clientAccount,
    counterpartyId: line.counterpartyId,
    counterpartyAccount: line.counterpartyAccount,
    counterpartyName: line.counterpartyName,
    placeId: line.placeId,
    isBlock: line.isBlock,
  };
}
