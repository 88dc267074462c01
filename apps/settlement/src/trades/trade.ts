import { type PlainDate } from '#libs/calendar/index.js';

export const tradeStates = [
  'RECEIVED',
  'VALIDATED',
  'ENRICHED',
  'ALLOCATED',
  'CONFIRMED',
  'AFFIRMED',
  'INSTRUCTED',
  'SETTLED',
  'REPAIR',
  'REJECTED',
  'CANCELLED',
] as const;
export type TradeState = (typeof tradeStates)[number];

export const sides = ['BUY', 'SELL'] as const;
export type Side = (typeof sides)[number];
export type TradeKind = 'DVP' | 'FOP';
export const assetClasses = ['EQUITY', 'ETF', 'BOND', 'FUND'] as const;
export type AssetClass = (typeof assetClasses)[number];
export const markets = ['EU', 'US', 'UK', 'JP', 'FUND'] as const;
export type Market = (typeof markets)[number];
export const tradeActions = ['NEW', 'CORRECT', 'CANCEL'] as const;
export type TradeAction = (typeof tradeActions)[number];
export type HoldState = 'NONE' | 'SCREENING' | 'HELD';

export const repairReasons = ['MISSING_SSI', 'UNKNOWN_INSTRUMENT', 'PRICE_OUT_OF_TOLERANCE'] as const;
export type RepairReason = (typeof repairReasons)[number];

/** States a trade never leaves. */
export const finalStates: readonly TradeState[] = ['SETTLED', 'CANCELLED', 'REJECTED'];

/** A trade as the instruction needs it: complete, so that no second look-up follows. */
export interface TradeForInstruction {
  readonly tradeId: string;
  readonly bookId: string;
  readonly source: string;
  readonly executionId: string;
  readonly version: number;
  /** As the client sees it. */
  readonly side: Side;
  readonly kind: TradeKind;
  readonly assetClass: AssetClass;
  readonly market: Market;
  readonly isin: string;
  readonly quantityUnits: bigint;
  readonly quantityScale: number;
  readonly price: string | null;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly tradeDate: PlainDate;
  readonly settlementDate: PlainDate;
  readonly placeId: string;
  readonly place: TradePlace;
  readonly clientAccount: string;
  readonly clientPartyId: string | null;
  readonly counterpartyId: string | null;
  readonly counterpartyPartyId: string | null;
  readonly counterpartyBic: string | null;
  /** Our own client on the other side; its place is the internal one. */
  readonly counterpartyAccount: string | null;
  /** Where the counterparty wants to settle; null when the trade is internal. */
  readonly ssi: TradeSsi | null;
  readonly isBlock: boolean;
  readonly carriedFail: boolean;
  readonly allocations: readonly TradeAllocation[];
  readonly businessDate: PlainDate;
}

export interface TradePlace {
  readonly kind: 'EXTERNAL' | 'INTERNAL';
  readonly bic: string | null;
  readonly name: string;
  readonly zone: string;
  readonly dvpCutOff: string;
  readonly fopCutOff: string;
  readonly depotAccount: string | null;
  readonly cashAccount: string | null;
}

export interface TradeSsi {
  readonly ssiId: string;
  readonly versionId: string;
  readonly agentBic: string;
  readonly safekeepingAccount: string;
  readonly cashAccount: string | null;
}

export interface TradeAllocation {
  readonly n: number;
  readonly clientAccount: string;
  readonly quantityUnits: bigint;
  readonly amountMinor: bigint;
}
