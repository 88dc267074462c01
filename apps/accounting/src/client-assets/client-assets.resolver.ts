import { Args, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { type Tx } from '#libs/database/index.js';
import {
  ConnectionArgs,
  DateScalar,
  GraphqlContext,
  keyset,
  keysetPage,
  type MoneyType,
  Operation,
  ReadTx,
  RequiresScopes,
} from '#libs/graphql/index.js';
import { currencyExponent, formatDecimal } from '#libs/money/index.js';
import { type Pool } from './client-assets.js';
import {
  ClientAssetCalculationConnection,
  ClientAssetCalculationType,
  ClientAssetItemType,
  ClientAssetLineConnection,
  ClientAssetLineType,
  ClientAssetSourceType,
  ClientEntitlementConnection,
  PoolEnum,
  StockRecordConnection,
  StockRecordType,
} from './client-assets.graphql.js';
import {
  type CalculationRow,
  ClientAssetViewsRepository,
  type LineRow,
  type StockRow,
} from './client-asset-views.repository.js';

/** What is told of one line without asking for more pages. */
const itemsShown = 100;

const text = (units: string, scale: number): string => formatDecimal(BigInt(units), scale);
const lineIdOf = (row: LineRow): string => `${row.calculationId}/${row.pool}/${row.asset}`;
const worthOf = (row: { worthMinor: string | null; functionalCurrency: string }): MoneyType | null =>
  row.worthMinor === null
    ? null
    : {
        amount: text(row.worthMinor, currencyExponent(row.functionalCurrency)),
        currency: row.functionalCurrency,
      };

@Resolver(() => ClientAssetCalculationType)
export class ClientAssetsResolver {
  constructor(private readonly views: ClientAssetViewsRepository) {}

  @Query(() => ClientAssetCalculationConnection, {
    description: 'The proofs of client assets of a book, the newest first; of one business date with all its versions.',
  })
  @RequiresScopes('days:read')
  async clientAssetCalculations(
    @Args() page: ConnectionArgs,
    @Args('book', { type: () => String }) book: string,
    @Args('businessDate', { type: () => DateScalar, nullable: true }) businessDate: string | null,
    @ReadTx() tx: Tx,
  ): Promise<ClientAssetCalculationConnection> {
    const filter = { book, businessDate: businessDate ?? null };
    const cursor = keyset<CalculationRow>({ list: 'clientAssetCalculations', filter }, (row) => [
      row.businessDate,
      String(row.version),
    ]);
    const after = cursor.after(page.after) as [string, string] | undefined;
    const rows = await this.views.calculations(tx, filter, after ?? null, page.first + 1);
    return keysetPage(rows, page.first, cursor.cursorOf);
  }

  @ResolveField(() => ClientAssetLineConnection)
  async lines(
    @Parent() { id }: ClientAssetCalculationType,
    @Args() page: ConnectionArgs,
    @Args('pool', { type: () => PoolEnum, nullable: true }) pool: Pool | null,
    @Args('isShort', { type: () => Boolean, defaultValue: false, description: 'Those alone that lack something.' })
    isShort: boolean,
    @ReadTx() tx: Tx,
  ): Promise<ClientAssetLineConnection> {
    const filter = { pool: pool ?? null, isShort };
    const cursor = keyset<LineRow>({ list: 'clientAssetLines', filter: { id, ...filter } }, (row) => [
      row.pool,
      row.asset,
    ]);
    const after = cursor.after(page.after) as [string, string] | undefined;
    const rows = await this.views.lines(tx, id, filter, after ?? null, page.first + 1);
    return keysetPage(rows, page.first, cursor.cursorOf, (row) => ({
      ...row,
      id: lineIdOf(row),
      entitled: text(row.entitled, row.scale),
      unallocated: text(row.unallocated, row.scale),
      requirement: text(row.requirement, row.scale),
      resource: text(row.resource, row.scale),
      difference: text(row.difference, row.scale),
      worth: worthOf(row),
    }));
  }
}

@Resolver(() => ClientAssetLineType)
export class ClientAssetLineResolver {
  constructor(private readonly views: ClientAssetViewsRepository) {}

  @ResolveField(() => [ClientAssetSourceType], { description: 'The statements it was proved by.' })
  async sources(
    @Parent() { id }: ClientAssetLineType,
    @Operation() operation: GraphqlContext,
  ): Promise<ClientAssetSourceType[]> {
    const loader = operation.loader<string, ClientAssetSourceType[]>('client-asset-sources', async (ids, tx) =>
      grouped(await this.views.sources(tx, ids), (row) => ({
        ...row,
        stated: text(row.stated, row.scale),
        booked: text(row.booked, row.scale),
      })),
    );
    return (await loader.load(id)) ?? [];
  }

  @ResolveField(() => [ClientAssetItemType], { description: `At most ${itemsShown}, causes of a shortfall first.` })
  async items(
    @Parent() { id }: ClientAssetLineType,
    @Operation() operation: GraphqlContext,
  ): Promise<ClientAssetItemType[]> {
    const loader = operation.loader<string, ClientAssetItemType[]>('client-asset-items', async (ids, tx) =>
      grouped(await this.views.items(tx, ids, itemsShown), (row) => ({
        ...row,
        quantity: text(row.units, row.scale),
      })),
    );
    return (await loader.load(id)) ?? [];
  }

  @ResolveField(() => ClientEntitlementConnection, { description: 'Each client account behind the requirement.' })
  async clients(
    @Parent() { id, asset }: ClientAssetLineType,
    @Args() page: ConnectionArgs,
    @ReadTx() tx: Tx,
  ): Promise<ClientEntitlementConnection> {
    const calculation = await this.views.calculation(tx, id.split('/')[0] ?? '');
    const cursor = keyset<{ account: string }>({ list: 'clientEntitlements', filter: { id } }, (row) => [row.account]);
    const after = cursor.after(page.after)?.[0] ?? null;
    const rows = calculation ? await this.views.entitlements(tx, { ...calculation, asset }, after, page.first + 1) : [];
    return keysetPage(rows, page.first, cursor.cursorOf, ({ account, units, scale }) => ({
      account,
      quantity: text(units, scale),
    }));
  }
}

@Resolver(() => StockRecordType)
export class StockRecordResolver {
  constructor(private readonly views: ClientAssetViewsRepository) {}

  @Query(() => StockRecordConnection, {
    description:
      'Instrument by instrument where it lies and whose it is, at the end of a business date; absent: as it is now.',
  })
  @RequiresScopes('days:read')
  async stockRecord(
    @Args() page: ConnectionArgs,
    @Args('book', { type: () => String }) book: string,
    @Args('instrument', { type: () => String, nullable: true }) instrument: string | null,
    @Args('businessDate', { type: () => DateScalar, nullable: true }) businessDate: string | null,
    @ReadTx() tx: Tx,
  ): Promise<StockRecordConnection> {
    const date = businessDate ?? (await this.views.lastDate(tx, book));
    const filter = { book, instrument: instrument ?? null, businessDate: date };
    const cursor = keyset<{ instrument: string }>({ list: 'stockRecord', filter }, (row) => [row.instrument]);
    const rows = await this.views.stockRecord(tx, filter, cursor.after(page.after)?.[0] ?? null, page.first + 1);
    return keysetPage(stockRecords(book, date, rows), page.first, cursor.cursorOf);
  }
}

function stockRecords(book: string, businessDate: string, rows: readonly StockRow[]): StockRecordType[] {
  const byAsset = new Map<string, StockRow[]>();
  for (const row of rows) byAsset.set(row.asset, [...(byAsset.get(row.asset) ?? []), row]);
  return [...byAsset].map(([instrument, some]) => {
    const scale = some[0]?.scale ?? 0;
    const sum = (units: (row: StockRow) => string) => some.reduce((total, row) => total + BigInt(units(row)), 0n);
    const [long, short] = [sum((row) => row.longUnits), sum((row) => row.shortUnits)];
    return {
      book,
      instrument,
      businessDate,
      long: formatDecimal(long, scale),
      short: formatDecimal(short, scale),
      isBalanced: long === short,
      lines: some.map((row) => ({ ...row, long: text(row.longUnits, scale), short: text(row.shortUnits, scale) })),
    };
  });
}

function grouped<Row extends { lineId: string }, T>(rows: readonly Row[], of: (row: Row) => T): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const row of rows) found.set(row.lineId, [...(found.get(row.lineId) ?? []), of(row)]);
  return found;
}
