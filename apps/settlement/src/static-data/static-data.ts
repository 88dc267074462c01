import { type PlainDate } from '#libs/calendar/index.js';

/** When a version is true, and when we knew it. `supersededAt` null: it is what we know now. */
export interface TwoAxes {
  readonly versionId: string;
  readonly validFrom: PlainDate;
  readonly validTo: PlainDate | null;
  readonly recordedAt: Date;
  readonly supersededAt: Date | null;
  readonly source: string;
}

export interface Instrument extends TwoAxes {
  readonly isin: string;
  readonly name: string;
  readonly assetClass: string;
  readonly market: string;
  readonly currency: string;
  readonly quantityScale: number;
  readonly priceFactor: string;
  readonly cfi: string | null;
  readonly placeId: string;
  readonly status: string;
  readonly tradingCalendar: string | null;
  readonly settlementCycleDays: number;
}

export interface Counterparty extends TwoAxes {
  readonly counterpartyId: string;
  readonly partyId: string;
  readonly name: string;
  readonly bic: string;
  readonly kind: string;
}

export interface Place extends TwoAxes {
  readonly placeId: string;
  readonly kind: 'EXTERNAL' | 'INTERNAL';
  readonly bic: string | null;
  readonly name: string;
  readonly zone: string;
  readonly calendarId: string;
  readonly dvpCutOff: string;
  readonly fopCutOff: string;
  readonly depotAccount: string | null;
  readonly cashAccount: string | null;
  readonly bookId: string;
}

export interface Ssi extends TwoAxes {
  readonly ssiId: string;
  readonly counterpartyId: string;
  readonly market: string;
  readonly placeId: string;
  readonly agentBic: string;
  readonly safekeepingAccount: string;
  readonly cashAccount: string | null;
}

export interface ClientAccount extends TwoAxes {
  readonly account: string;
  readonly partyId: string;
  readonly bookId: string;
  readonly kind: string;
  readonly currency: string | null;
  readonly state: string;
}

export interface Price {
  readonly versionId: string;
  readonly isin: string;
  readonly priceDate: PlainDate;
  readonly price: string;
  readonly currency: string;
  readonly source: string;
  readonly recordedAt: Date;
  readonly supersededAt: Date | null;
}

export interface Rate {
  readonly versionId: string;
  readonly base: string;
  readonly quote: string;
  readonly rateDate: PlainDate;
  readonly rate: string;
  readonly source: string;
  readonly recordedAt: Date;
  readonly supersededAt: Date | null;
}

/** What two people decided wins over every vendor's figure of the same date. */
export const overrideSource = 'OVERRIDE';

/** Calendar days after which a price is still used and said to be stale: a long weekend and a day. */
export const priceStaleAfterDays = 5;

export const isValidOn = (version: { validFrom: PlainDate; validTo: PlainDate | null }, day: PlainDate): boolean =>
  version.validFrom <= day && (version.validTo === null || day < version.validTo);

const dayNumber = (day: PlainDate) => Math.floor(Date.parse(`${day}T00:00:00Z`) / 86_400_000);

/** The last good price up to a date, flagged when it is old; undefined when there never was one: never zero. */
export function lastGoodPrice(
  prices: readonly Price[],
  onDate: PlainDate,
): (Price & { readonly isStale: boolean }) | undefined {
  let best: Price | undefined;
  for (const price of prices) {
    if (price.priceDate > onDate) continue;
    if (!best || price.priceDate > best.priceDate) best = price;
    else if (price.priceDate === best.priceDate && rank(price) > rank(best)) best = price;
  }
  return best && { ...best, isStale: dayNumber(onDate) - dayNumber(best.priceDate) > priceStaleAfterDays };
}

const rank = (price: Price) => (price.source === overrideSource ? 1 : 0);

/** The SSI of a counterparty for a market and place on a day: the one in force last, then by its id. */
export function chooseSsi(candidates: readonly Ssi[], onDate: PlainDate): Ssi | undefined {
  return candidates
    .filter((ssi) => isValidOn(ssi, onDate))
    .sort((a, b) =>
      a.validFrom === b.validFrom ? a.ssiId.localeCompare(b.ssiId) : a.validFrom < b.validFrom ? 1 : -1,
    )[0];
}

/** A trade names the client (`C000123`); accounting's accounts are `C000123-CASH` and `C000123-SAFE`. */
export const clientOf = (account: string): string => account.replace(/-(CASH|SAFE)$/, '');
