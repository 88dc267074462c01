import { type PlainDate } from '#libs/calendar/index.js';
import { Decimal } from '#libs/money/index.js';
import { type TradeLine } from './trade-line.js';
import { type RepairReason } from './trade.js';

/** How far a price may lie from the last good one before somebody looks at it. */
export const priceToleranceFraction = '0.25';

export interface SsiFact {
  readonly ssiId: string;
  readonly versionId: string;
}
export interface PriceFact {
  readonly price: string;
  readonly priceDate: PlainDate;
  readonly versionId: string;
  /** Older than the staleness rule allows: used, and said so. */
  readonly isStale: boolean;
}

/** What enrichment asks of static data, looked up for all lines at once. */
export interface EnrichmentFacts {
  instrument(isin: string): { versionId: string } | undefined;
  counterpartyParty(counterpartyId: string): string | undefined;
  clientParty(account: string): string | undefined;
  ssi(counterpartyId: string, market: string, placeId: string, onDate: PlainDate): SsiFact | undefined;
  lastGoodPrice(isin: string, onDate: PlainDate): PriceFact | undefined;
}

export interface Enrichment {
  readonly state: 'ENRICHED' | 'REPAIR';
  readonly repairReason: RepairReason | null;
  readonly clientPartyId: string | null;
  readonly counterpartyPartyId: string | null;
  readonly counterpartySsiId: string | null;
  /** A name that nobody has looked at yet: the trade waits for the screening. */
  readonly needsScreening: boolean;
  /** Which versions of static data decided, so that the answer can be explained later. */
  readonly staticVersions: Record<string, string | boolean>;
}

export type EnrichmentInput = Pick<
  TradeLine,
  | 'isin'
  | 'market'
  | 'placeId'
  | 'settlementDate'
  | 'tradeDate'
  | 'price'
  | 'clientAccount'
  | 'counterpartyId'
  | 'counterpartyAccount'
> & { readonly hasFreeText: boolean };

/** The reasons in the order in which people work on them: without the instrument nothing else can be judged. */
export function enrich(line: EnrichmentInput, facts: EnrichmentFacts): Enrichment {
  const instrument = facts.instrument(line.isin);
  const ssi =
    line.counterpartyId === null
      ? undefined
      : facts.ssi(line.counterpartyId, line.market, line.placeId, line.settlementDate);
  const lastGood = facts.lastGoodPrice(line.isin, line.tradeDate);
  const counterpartyPartyId =
    line.counterpartyId === null ? null : (facts.counterpartyParty(line.counterpartyId) ?? null);

  const repairReason: RepairReason | null = !instrument
    ? 'UNKNOWN_INSTRUMENT'
    : line.counterpartyId !== null && !ssi
      ? 'MISSING_SSI'
      : lastGood && line.price !== null && !isWithinTolerance(line.price, lastGood.price)
        ? 'PRICE_OUT_OF_TOLERANCE'
        : null;

  return {
    state: repairReason === null ? 'ENRICHED' : 'REPAIR',
    repairReason,
    clientPartyId: facts.clientParty(line.clientAccount) ?? null,
    counterpartyPartyId,
    counterpartySsiId: ssi?.ssiId ?? null,
    needsScreening: line.hasFreeText,
    staticVersions: {
      ...(instrument ? { instrument: instrument.versionId } : {}),
      ...(ssi ? { ssi: ssi.versionId } : {}),
      ...(lastGood
        ? { price: lastGood.versionId, priceDate: lastGood.priceDate, priceIsStale: lastGood.isStale }
        : { priceIsMissing: true }),
    },
  };
}

/** |price / last good − 1| ≤ tolerance, in exact decimals. A last good price is never zero. */
export function isWithinTolerance(price: string, lastGood: string): boolean {
  const deviation = new Decimal(price).minus(lastGood).abs();
  return deviation.lessThanOrEqualTo(new Decimal(lastGood).times(priceToleranceFraction));
}
