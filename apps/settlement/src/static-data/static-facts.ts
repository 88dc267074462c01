import { localDateOf, type PlainDate } from '#libs/calendar/index.js';
import { type Calendars } from '../calendars/calendars.js';
import { type CycleRule, cycleDaysOf } from '../calendars/settlement-date.js';
import { type EnrichmentFacts, type PriceFact, type SsiFact } from '../trades/enrichment.js';
import { venueZone } from '../trades/trade-line.js';
import { type AssetClass, type Market } from '../trades/trade.js';
import { type LineFacts } from '../trades/validation.js';
import {
  chooseSsi,
  type ClientAccount,
  clientOf,
  type Counterparty,
  type Instrument,
  isValidOn,
  lastGoodPrice,
  type Place,
  type Price,
  type Ssi,
} from './static-data.js';

export interface StaticRows {
  readonly now: Date;
  readonly places: readonly Place[];
  readonly instruments: readonly Instrument[];
  readonly counterparties: readonly Counterparty[];
  readonly ssis: readonly Ssi[];
  readonly accounts: readonly ClientAccount[];
  readonly prices: readonly Price[];
  readonly cycles: readonly CycleRule[];
  readonly calendars: Calendars;
}

const grouped = <T>(rows: readonly T[], keyOf: (row: T) => string): Map<string, T[]> => {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const group = groups.get(keyOf(row));
    if (group) group.push(row);
    else groups.set(keyOf(row), [row]);
  }
  return groups;
};

/** The static data of one chunk of lines, read once and asked many times. */
export class StaticFacts implements LineFacts, EnrichmentFacts {
  private readonly instruments: Map<string, Instrument[]>;
  private readonly places: Map<string, Place[]>;
  private readonly counterparties: Map<string, Counterparty[]>;
  private readonly ssis: Map<string, Ssi[]>;
  private readonly prices: Map<string, Price[]>;
  private readonly parties = new Map<string, string>();
  private readonly clients = new Set<string>();
  private readonly dates = new Map<Market, PlainDate>();
  private readonly joint = new Map<string, boolean>();
  private readonly intended = new Map<string, PlainDate>();
  private readonly today_: PlainDate;

  constructor(private readonly rows: StaticRows) {
    this.today_ = rows.now.toISOString().slice(0, 10);
    this.instruments = grouped(rows.instruments, ({ isin }) => isin);
    this.places = grouped(rows.places, ({ placeId }) => placeId);
    this.counterparties = grouped(rows.counterparties, ({ counterpartyId }) => counterpartyId);
    this.ssis = grouped(rows.ssis, ({ counterpartyId, market, placeId }) => `${counterpartyId}|${market}|${placeId}`);
    this.prices = grouped(rows.prices, ({ isin }) => isin);
    for (const { account, bookId, partyId } of rows.accounts) {
      this.clients.add(`${clientOf(account)}|${bookId}`);
      this.parties.set(clientOf(account), partyId);
    }
  }

  instrument(isin: string): Instrument | undefined {
    const versions = this.instruments.get(isin);
    return versions?.find((one) => isValidOn(one, this.today_)) ?? versions?.at(-1);
  }

  place(placeId: string): Place | undefined {
    const versions = this.places.get(placeId);
    return versions?.find((one) => isValidOn(one, this.today_)) ?? versions?.at(-1);
  }

  hasClientAccount(account: string, bookId: string): boolean {
    return this.clients.has(`${account}|${bookId}`);
  }

  today(market: Market): PlainDate {
    let date = this.dates.get(market);
    if (date === undefined) this.dates.set(market, (date = localDateOf(this.rows.now, venueZone[market])));
    return date;
  }

  settlesOn(placeId: string, currency: string | null, day: PlainDate): boolean {
    const key = `${placeId}|${currency ?? ''}|${day}`;
    let works = this.joint.get(key);
    if (works === undefined) {
      const place = this.place(placeId);
      this.joint.set(
        key,
        (works = place !== undefined && this.rows.calendars.settlesOn(place.calendarId, currency, day)),
      );
    }
    return works;
  }

  intendedDate(
    market: Market,
    assetClass: AssetClass,
    placeId: string,
    currency: string | null,
    isin: string,
    tradeDate: PlainDate,
  ): PlainDate {
    const days = cycleDaysOf(
      this.rows.cycles,
      market,
      assetClass,
      tradeDate,
      this.instrument(isin)?.settlementCycleDays,
    );
    const key = `${placeId}|${currency ?? ''}|${tradeDate}|${days}`;
    let date = this.intended.get(key);
    if (date === undefined) {
      const place = this.place(placeId);
      if (!place) throw new Error(`no place ${placeId}`);
      this.intended.set(
        key,
        (date = this.rows.calendars.intendedSettlementDate(place.calendarId, currency, tradeDate, days)),
      );
    }
    return date;
  }

  counterpartyParty(counterpartyId: string): string | undefined {
    return this.counterparties.get(counterpartyId)?.find((one) => isValidOn(one, this.today_))?.partyId;
  }

  clientParty(account: string): string | undefined {
    return this.parties.get(account);
  }

  ssi(counterpartyId: string, market: string, placeId: string, onDate: PlainDate): SsiFact | undefined {
    return chooseSsi(this.ssis.get(`${counterpartyId}|${market}|${placeId}`) ?? [], onDate);
  }

  lastGoodPrice(isin: string, onDate: PlainDate): PriceFact | undefined {
    return lastGoodPrice(this.prices.get(isin) ?? [], onDate);
  }
}
