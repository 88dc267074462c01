import { addBusinessDays, calendarOf, instantOf, type PlainDate } from '#libs/calendar/index.js';
import { makeIsin } from '#libs/identifiers/index.js';
import { seededRandom, type SeededRandom } from '#libs/kernel/index.js';
import {
  type AssetClass,
  type Client,
  type Institution,
  type Instrument,
  type Market,
  markets,
  ordinaryClients,
} from './institution.js';

/** A trade as the files write it. Quantities are in units at the instrument's scale, amounts in minor units. */
export interface SampleTrade {
  source: string;
  executionId: string;
  kind: 'DVP' | 'FOP';
  tradeTime: string;
  tradeDate: PlainDate;
  settlementDate: PlainDate;
  side: 'BUY' | 'SELL';
  assetClass: AssetClass;
  market: Market;
  isin: string;
  quantityUnits: bigint;
  quantityScale: number;
  priceHundredths: bigint;
  priceFactor: '1' | '0.01';
  currency: string;
  amountMinor: bigint;
  clientAccount: string;
  counterparty: string;
  counterpartyName: string;
  place: string;
  isBlock: boolean;
}

/** Settlement cycle in business days: US T+1 since 28 May 2024, EU, UK, JP and these funds T+2. */
export const cycleDays: Record<Market, number> = { EU: 2, US: 1, UK: 2, JP: 2, FUND: 2 };

const zones: Record<Market, string> = {
  EU: 'Europe/Berlin',
  US: 'America/New_York',
  UK: 'Europe/London',
  JP: 'Asia/Tokyo',
  FUND: 'Europe/Luxembourg',
};
/** Early session of each market, so that a file of 09:30 Frankfurt time can hold them all; US: the overnight session. */
const firstHour: Record<Market, number> = { EU: 8, US: 1, UK: 7, JP: 9, FUND: 8 };

export const powerOfTen = (exponent: number): bigint => 10n ** BigInt(exponent);
export const exponentOf = (currency: string): number => (currency === 'JPY' ? 0 : 2);

/** quantity × price × factor, rounded half up to the minor unit; exact integers all the way. */
export function amountOf(
  trade: Pick<SampleTrade, 'quantityUnits' | 'quantityScale' | 'priceHundredths' | 'priceFactor' | 'currency'>,
): bigint {
  const numerator = trade.quantityUnits * trade.priceHundredths * powerOfTen(exponentOf(trade.currency));
  const denominator = powerOfTen(trade.quantityScale + 2 + (trade.priceFactor === '0.01' ? 2 : 0));
  // Half to even, as the product books it.
  const [quotient, remainder] = [numerator / denominator, numerator % denominator];
  const twice = remainder * 2n;
  return twice > denominator || (twice === denominator && quotient % 2n === 1n) ? quotient + 1n : quotient;
}

export const settlementDateOf = (market: Market, tradeDate: PlainDate): PlainDate =>
  addBusinessDays(calendarOf(markets[market].calendar), tradeDate, cycleDays[market]);

/** Draws trades: any client may buy, only the holders of an instrument sell it. */
export class TradeMaker {
  private readonly random: SeededRandom;
  private readonly buyers = new Map<string, Client[]>();
  private readonly instrumentsOf = new Map<string, Instrument[]>();

  constructor(
    private readonly institution: Institution,
    private readonly holders: ReadonlyMap<string, readonly Client[]>,
    seed: string,
  ) {
    this.random = seededRandom(seed);
  }

  instrument(market: Market, assetClass: AssetClass): Instrument {
    const key = `${market}:${assetClass}`;
    let candidates = this.instrumentsOf.get(key);
    if (!candidates) {
      candidates = this.institution.instruments.filter(
        (one) => one.market === market && one.assetClass === assetClass && one !== this.institution.suspendedInstrument,
      );
      this.instrumentsOf.set(key, candidates);
    }
    return this.random.pick(candidates);
  }

  make(options: {
    executionId: string;
    tradeDate: PlainDate;
    instrument: Instrument;
    side?: 'BUY' | 'SELL';
    settlementDate?: PlainDate;
    client?: Client;
    internalWith?: Client;
    kind?: 'DVP' | 'FOP';
  }): SampleTrade {
    const { instrument, tradeDate } = options;
    const { book, currency, place } = markets[instrument.market];
    const side = options.side ?? this.random.pick(['BUY', 'SELL'] as const);
    const sellers = this.holders.get(instrument.isin) ?? [];
    const client = options.client ?? this.random.pick(side === 'SELL' ? [...sellers] : this.clientsOf(book, currency));
    const counterparty = options.internalWith?.account ?? this.counterparty(instrument.market);
    const quantityUnits = this.quantity(instrument);
    const time = `${String(firstHour[instrument.market]).padStart(2, '0')}:${String(this.random.integer(0, 59)).padStart(2, '0')}`;
    const trade = {
      source: book === 'NGEU' ? 'OMS-EU' : 'OMS-US',
      executionId: options.executionId,
      kind: options.kind ?? ('DVP' as const),
      tradeTime: instantOf(tradeDate, time, zones[instrument.market]).toISOString(),
      tradeDate,
      settlementDate: options.settlementDate ?? settlementDateOf(instrument.market, tradeDate),
      side,
      assetClass: instrument.assetClass,
      market: instrument.market,
      isin: instrument.isin,
      quantityUnits,
      quantityScale: instrument.quantityScale,
      // Within five percent of the last price, well inside the tolerance.
      priceHundredths: this.priceNear(instrument),
      priceFactor: instrument.priceFactor,
      currency,
      amountMinor: 0n,
      clientAccount: client.account,
      counterparty,
      counterpartyName: '',
      place: options.internalWith ? 'INTERNAL' : place,
      isBlock: false,
    };
    trade.amountMinor = trade.kind === 'FOP' ? 0n : amountOf(trade);
    return trade;
  }

  seller(isin: string): Client {
    return this.random.pick([...(this.holders.get(isin) ?? [])]);
  }

  buyer(market: Market): Client {
    return this.random.pick(this.clientsOf(markets[market].book, markets[market].currency));
  }

  private clientsOf(book: 'NGEU' | 'NGUS', currency: string): Client[] {
    const key = `${book}:${currency}`;
    let clients = this.buyers.get(key);
    if (!clients) this.buyers.set(key, (clients = ordinaryClients(this.institution, book, currency)));
    return clients;
  }

  private counterparty(market: Market): string {
    const street = this.institution.counterparties.filter(
      (one) => one.kind === 'STREET' && !(market === 'UK' && one === this.institution.counterpartyWithoutSsi),
    );
    return this.random.pick(street).counterpartyId;
  }

  private quantity(instrument: Instrument): bigint {
    switch (instrument.assetClass) {
      case 'BOND':
        return this.random.bigint(1n, 50n) * 100_000n; // nominal 1,000.00 to 50,000.00
      case 'FUND':
        return this.random.bigint(10_000n, 2_000_000n); // 1.0000 to 200.0000 units
      case 'EQUITY':
      case 'ETF':
        return this.random.bigint(5n, 400n);
    }
  }

  private priceNear(instrument: Instrument): bigint {
    const moved = (instrument.priceHundredths * BigInt(this.random.integer(9_500, 10_500))) / 10_000n;
    return instrument.market === 'JP' ? (moved / 100n) * 100n : moved;
  }
}

/** A well-formed ISIN that static data does not know. */
export const unknownIsin = (serial: number): string => makeIsin(`DENX${String(serial).padStart(7, '0')}`);
