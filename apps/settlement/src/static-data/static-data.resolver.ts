import { Args, Query, Resolver } from '@nestjs/graphql';
import { type Tx } from '#libs/database/index.js';
import {
  ConnectionArgs,
  DateScalar,
  DateTimeScalar,
  keyset,
  keysetPage,
  ReadTx,
  RequiresScopes,
} from '#libs/graphql/index.js';
import { CalendarsService } from '../calendars/calendars.service.js';
import { placeCutOffsOn } from '../calendars/due-times.js';
import {
  CalendarType,
  CounterpartyConnection,
  CounterpartyType,
  InstrumentConnection,
  InstrumentFilter,
  InstrumentType,
  LastGoodPriceType,
  PlaceCutOffsType,
  PlaceType,
  PriceType,
  SsiConnection,
  SsiFilter,
  SsiType,
} from './static-data.graphql.js';
import { type Counterparty, type Instrument, isValidOn, type Ssi } from './static-data.js';
import { StaticDataRepository } from './static-data.repository.js';
import { StaticDataService } from './static-data.service.js';

const onArgument = {
  name: 'on',
  type: () => DateScalar,
  nullable: true,
  description: 'Valid on this date; left out, the latest.',
} as const;
const knownArgument = {
  name: 'knownAt',
  type: () => DateTimeScalar,
  nullable: true,
  description: 'As it was known at this moment.',
} as const;

@Resolver()
export class StaticDataResolver {
  constructor(
    private readonly repository: StaticDataRepository,
    private readonly service: StaticDataService,
    private readonly calendars: CalendarsService,
  ) {}

  @Query(() => InstrumentType, { nullable: true })
  @RequiresScopes('static:read')
  async instrument(
    @Args('isin') isin: string,
    @Args(onArgument) on: string | null,
    @Args(knownArgument) knownAt: Date | null,
    @ReadTx() tx: Tx,
  ): Promise<Instrument | null> {
    return newest(await this.repository.instruments(tx, [isin], { knownAt: knownAt ?? undefined }), on);
  }

  @Query(() => InstrumentConnection)
  @RequiresScopes('static:read')
  async instruments(
    @Args() page: ConnectionArgs,
    @Args('filter', { type: () => InstrumentFilter, nullable: true }) filter: InstrumentFilter | null,
    @Args(onArgument) on: string | null,
    @ReadTx() tx: Tx,
  ): Promise<InstrumentConnection> {
    const cursor = keyset<Instrument>({ list: 'instruments', filter, on }, (row) => [row.isin, row.versionId]);
    const columns = {
      market: filter?.market,
      asset_class: filter?.assetClass,
      status: filter?.status,
      currency: filter?.currency,
    };
    const rows = await this.repository.page<Instrument>(
      tx,
      'instrument',
      columns,
      on,
      pairOf(cursor.after(page.after)),
      page.first + 1,
    );
    return keysetPage(rows, page.first, cursor.cursorOf);
  }

  @Query(() => CounterpartyType, { nullable: true })
  @RequiresScopes('static:read')
  async counterparty(
    @Args('id') id: string,
    @Args(onArgument) on: string | null,
    @Args(knownArgument) knownAt: Date | null,
    @ReadTx() tx: Tx,
  ): Promise<Counterparty | null> {
    return newest(await this.repository.counterparties(tx, [id], { knownAt: knownAt ?? undefined }), on);
  }

  @Query(() => CounterpartyConnection)
  @RequiresScopes('static:read')
  async counterparties(
    @Args() page: ConnectionArgs,
    @Args('kind', { nullable: true, type: () => String }) kind: string | null,
    @ReadTx() tx: Tx,
  ): Promise<CounterpartyConnection> {
    const cursor = keyset<Counterparty>({ list: 'counterparties', kind }, (row) => [row.counterpartyId, row.versionId]);
    const rows = await this.repository.page<Counterparty>(
      tx,
      'counterparty',
      { kind },
      null,
      pairOf(cursor.after(page.after)),
      page.first + 1,
    );
    return keysetPage(rows, page.first, cursor.cursorOf);
  }

  @Query(() => SsiConnection)
  @RequiresScopes('static:read')
  async ssis(
    @Args() page: ConnectionArgs,
    @Args('filter', { type: () => SsiFilter, nullable: true }) filter: SsiFilter | null,
    @Args(onArgument) on: string | null,
    @ReadTx() tx: Tx,
  ): Promise<SsiConnection> {
    const cursor = keyset<Ssi>({ list: 'ssis', filter, on }, (row) => [row.ssiId, row.versionId]);
    const columns = { counterparty_id: filter?.counterparty, market: filter?.market, place_id: filter?.place };
    const rows = await this.repository.page<Ssi>(
      tx,
      'ssi',
      columns,
      on,
      pairOf(cursor.after(page.after)),
      page.first + 1,
    );
    return keysetPage(rows, page.first, cursor.cursorOf);
  }

  @Query(() => [SsiType], { description: 'Every version of an SSI, also those superseded, oldest first.' })
  @RequiresScopes('static:read')
  ssiHistory(@Args('id') id: string, @ReadTx() tx: Tx): Promise<Ssi[]> {
    return this.repository.history<Ssi>(tx, 'ssi', id);
  }

  @Query(() => [PlaceType])
  @RequiresScopes('static:read')
  places(@ReadTx() tx: Tx): Promise<PlaceType[]> {
    return this.repository.places(tx);
  }

  @Query(() => [PlaceCutOffsType], {
    description: 'Of every place on one day, by the calendars as they are known now.',
  })
  @RequiresScopes('static:read')
  async placeCutOffs(
    @Args('on', { type: () => DateScalar }) on: string,
    @ReadTx() tx: Tx,
  ): Promise<PlaceCutOffsType[]> {
    const calendars = await this.calendars.current(tx);
    const places = (await this.repository.places(tx)).filter((place) => isValidOn(place, on));
    return places.map((place) => ({
      placeId: place.placeId,
      ...(placeCutOffsOn(place, on, calendars) ?? { dvpAt: null, fopAt: null }),
    }));
  }

  @Query(() => CalendarType, { nullable: true })
  @RequiresScopes('static:read')
  async calendar(
    @Args('id') id: string,
    @Args('from', { type: () => DateScalar }) from: string,
    @Args('to', { type: () => DateScalar }) to: string,
    @Args(knownArgument) knownAt: Date | null,
    @ReadTx() tx: Tx,
  ): Promise<CalendarType | null> {
    return (await this.calendars.version(tx, id, knownAt, from, to)) ?? null;
  }

  @Query(() => [PriceType], { description: 'Newest first, at most a hundred.' })
  @RequiresScopes('static:read')
  async prices(
    @Args('isin') isin: string,
    @Args('from', { type: () => DateScalar, nullable: true }) from: string | null,
    @Args('to', { type: () => DateScalar, nullable: true }) to: string | null,
    @Args(knownArgument) knownAt: Date | null,
    @ReadTx() tx: Tx,
  ): Promise<PriceType[]> {
    return (await this.repository.prices(tx, [isin], { from, to, knownAt: knownAt ?? undefined })).slice(0, 100);
  }

  @Query(() => LastGoodPriceType, { nullable: true })
  @RequiresScopes('static:read')
  async lastGoodPrice(
    @Args('isin') isin: string,
    @Args('on', { type: () => DateScalar }) on: string,
    @ReadTx() tx: Tx,
  ): Promise<LastGoodPriceType | null> {
    return (await this.service.pricesOf(tx, [isin], on)).get(isin) ?? null;
  }
}

const pairOf = (values: readonly (string | null)[] | undefined): readonly [string, string] | null =>
  values ? [values[0] ?? '', values[1] ?? '0'] : null;

function newest<T extends { validFrom: string; validTo: string | null }>(
  versions: readonly T[],
  on: string | null,
): T | null {
  return (on === null ? versions.at(-1) : versions.find((version) => isValidOn(version, on))) ?? null;
}
