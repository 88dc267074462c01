import { Injectable } from '@nestjs/common';
import { type PlainDate } from '#libs/calendar/index.js';
import { itemsPerCommandMax } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { chunk } from '#libs/kernel/index.js';
import { Outbox } from '#libs/messaging/index.js';
import { type Calendars } from '../calendars/calendars.js';
import { CalendarsService } from '../calendars/calendars.service.js';
import {
  type Counterparty,
  isValidOn,
  type Instrument,
  lastGoodPrice,
  type Place,
  type Price,
  type Rate,
  type Ssi,
} from './static-data.js';
import {
  type NewPrice,
  type NewRate,
  type NewVersion,
  type Provenance,
  StaticDataRepository,
  type VersionedKind,
} from './static-data.repository.js';
import { StaticFacts } from './static-facts.js';

/** What other features ask of static data. */
@Injectable()
export class StaticDataService {
  constructor(
    private readonly repository: StaticDataRepository,
    private readonly calendars: CalendarsService,
    private readonly outbox: Outbox,
  ) {}

  /** Everything the rules need for many trades, in a handful of statements; the calendars stay as they are until the dates are stored. */
  async factsFor(
    tx: Tx,
    wanted: {
      isins: readonly string[];
      counterpartyIds: readonly string[];
      accounts: readonly string[];
      upTo?: PlainDate;
    },
  ): Promise<StaticFacts> {
    await this.calendars.hold(tx);
    const clock = await tx.row<{ now: Date }>('SELECT kernel.now() AS now');
    const now = clock?.now ?? new Date(0);
    const isins = [...new Set(wanted.isins)];
    const counterpartyIds = [...new Set(wanted.counterpartyIds)];
    const accounts = [...new Set(wanted.accounts)].flatMap((account) => [
      account,
      `${account}-CASH`,
      `${account}-SAFE`,
    ]);
    return new StaticFacts({
      now,
      places: await this.repository.places(tx),
      instruments: await this.repository.instruments(tx, isins),
      counterparties: await this.repository.counterparties(tx, counterpartyIds),
      ssis: await this.repository.ssisOf(tx, counterpartyIds),
      accounts: await this.repository.clientAccounts(tx, accounts),
      prices: await this.repository.latestPrices(tx, isins, wanted.upTo ?? '9999-12-31'),
      cycles: await this.repository.cycles(tx),
      calendars: await this.calendars.current(tx),
    });
  }

  /** The calendars, which no closure changes before the end of this transaction. */
  async calendarsHeld(tx: Tx): Promise<Calendars> {
    await this.calendars.hold(tx);
    return this.calendars.current(tx);
  }

  async places(tx: Tx): Promise<Place[]> {
    return this.repository.places(tx);
  }

  async counterparty(tx: Tx, counterpartyId: string): Promise<Counterparty | undefined> {
    const [found] = await this.repository.counterparties(tx, [counterpartyId]);
    return found;
  }

  async instrument(tx: Tx, isin: string): Promise<Instrument | undefined> {
    const [found] = await this.repository.instruments(tx, [isin]);
    return found;
  }

  async ssisOf(tx: Tx, counterpartyId: string): Promise<Ssi[]> {
    return this.repository.ssisOf(tx, [counterpartyId]);
  }

  async saveVersions(
    tx: Tx,
    kind: VersionedKind,
    versions: readonly NewVersion[],
    provenance: Provenance,
  ): Promise<void> {
    await this.repository.saveVersions(tx, kind, versions, provenance);
  }

  async savePrices(tx: Tx, prices: readonly NewPrice[], originId: string | null): Promise<void> {
    await this.tell(tx, { prices: await this.repository.savePrices(tx, prices, originId), rates: [] });
  }

  async saveRates(tx: Tx, rates: readonly NewRate[], originId: string | null): Promise<void> {
    await this.tell(tx, { prices: [], rates: await this.repository.saveRates(tx, rates, originId) });
  }

  async supersedeOrigin(tx: Tx, originId: string): Promise<void> {
    await this.tell(tx, await this.repository.supersedeOrigin(tx, originId));
  }

  /** Whoever values with them keeps a copy: every version is told, in the order of the versions, and so is what is withdrawn. */
  private async tell(tx: Tx, { prices, rates }: { prices: readonly Price[]; rates: readonly Rate[] }): Promise<void> {
    await this.outbox.addAll(tx, [
      ...chunk(inOrder(prices), itemsPerCommandMax).map((some) => ({
        name: 'settlement.prices-versioned.v1' as const,
        payload: {
          items: some.map(({ isin, currency, priceDate, price, ...one }) => ({
            isin,
            currency,
            ...toldOf(one),
            date: priceDate,
            value: price,
          })),
        },
      })),
      ...chunk(inOrder(rates), itemsPerCommandMax).map((some) => ({
        name: 'settlement.rates-versioned.v1' as const,
        payload: {
          items: some.map(({ base, quote, rateDate, rate, ...one }) => ({
            base,
            quote,
            ...toldOf(one),
            date: rateDate,
            value: rate,
          })),
        },
      })),
    ]);
  }

  async instrumentsOf(tx: Tx, isins: readonly string[], onDate: PlainDate): Promise<Map<string, Instrument>> {
    const found = await this.repository.instruments(tx, isins);
    return new Map(found.filter((one) => isValidOn(one, onDate)).map((one) => [one.isin, one]));
  }

  /** The last good prices up to a date, each flagged when stale; an instrument without any is absent, never zero. */
  async pricesOf(
    tx: Tx,
    isins: readonly string[],
    onDate: PlainDate,
  ): Promise<Map<string, Price & { isStale: boolean }>> {
    const all = await this.repository.latestPrices(tx, isins, onDate);
    const found = new Map<string, Price & { isStale: boolean }>();
    for (const isin of isins) {
      const best = lastGoodPrice(
        all.filter((price) => price.isin === isin),
        onDate,
      );
      if (best) found.set(isin, best);
    }
    return found;
  }

  async ratesOn(tx: Tx, onDate: PlainDate): ReturnType<StaticDataRepository['ratesOn']> {
    return this.repository.ratesOn(tx, onDate);
  }

  async rateOf(tx: Tx, base: string, quote: string, onDate: PlainDate): Promise<Rate | undefined> {
    const [latest] = await this.repository.rates(tx, base, quote, onDate);
    return latest;
  }
}

interface Version {
  readonly versionId: string;
  readonly source: string;
  readonly recordedAt: Date;
  readonly supersededAt: Date | null;
}

const inOrder = <T extends Version>(versions: readonly T[]): T[] =>
  [...versions].sort((one, other) => (BigInt(one.versionId) < BigInt(other.versionId) ? -1 : 1));

const toldOf = ({ versionId, source, recordedAt, supersededAt }: Version) => ({
  version: versionId,
  source,
  recordedAt: recordedAt.toISOString(),
  state: supersededAt === null ? ('KNOWN' as const) : ('WITHDRAWN' as const),
});
