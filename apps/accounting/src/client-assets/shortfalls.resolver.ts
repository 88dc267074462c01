import { Args, Mutation, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { CurrentPrincipal, type Principal } from '#libs/auth/index.js';
import { type Tx } from '#libs/database/index.js';
import {
  ConnectionArgs,
  GraphqlContext,
  keyset,
  keysetPage,
  MoneyType,
  Operation,
  ReadTx,
  RequiresScopes,
} from '#libs/graphql/index.js';
import { currencyExponent, formatDecimal } from '#libs/money/index.js';
import { Mutations } from '../mutations.js';
import {
  ProposeShortfallCoverInput,
  ShortfallConnection,
  ShortfallCoverPayload,
  ShortfallCoverType,
  ShortfallStateEnum,
  ShortfallType,
} from './client-assets.graphql.js';
import { leftOf, neededFor } from './shortfall-covers.js';
import { type CoverRow, ShortfallCoversRepository } from './shortfall-covers.repository.js';
import { ShortfallCovers, toCover } from './shortfall-covers.service.js';
import { type ShortfallRow, ShortfallsRepository } from './shortfalls.repository.js';

const money = (amountMinor: bigint, currency: string): MoneyType => ({
  amount: formatDecimal(amountMinor, currencyExponent(currency)),
  currency,
});

const toCoverType = (row: CoverRow): ShortfallCoverType => ({
  ...row,
  id: row.approvalId,
  amount: money(BigInt(row.amountMinor), row.currency),
});

/** With the row it was made of, which its fields are computed from. */
type Shown = ShortfallType & { readonly row: ShortfallRow };

const toShortfall = (row: ShortfallRow): Shown => ({
  ...row,
  id: row.shortfallId,
  quantity: formatDecimal(BigInt(row.units), row.scale),
  worth: row.worthMinor === null ? null : money(BigInt(row.worthMinor), row.functionalCurrency),
  row,
});

@Resolver(() => ShortfallType)
export class ShortfallsResolver {
  constructor(
    private readonly rows: ShortfallsRepository,
    private readonly coverRows: ShortfallCoversRepository,
    private readonly shortfallCovers: ShortfallCovers,
    private readonly mutations: Mutations,
  ) {}

  @Query(() => ShortfallConnection, { description: 'What clients are, or were, short of; the newest first.' })
  @RequiresScopes('days:read')
  async shortfalls(
    @Args() page: ConnectionArgs,
    @Args('book', { type: () => String, nullable: true }) book: string | null,
    @Args('state', { type: () => ShortfallStateEnum, nullable: true }) state: 'OPEN' | 'CURED' | null,
    @ReadTx() tx: Tx,
  ): Promise<ShortfallConnection> {
    const filter = { book: book ?? null, state: state ?? null };
    const cursor = keyset<ShortfallRow>({ list: 'shortfalls', filter }, (row) => [row.openedOn, row.shortfallId]);
    const after = cursor.after(page.after) as [string, string] | undefined;
    const rows = await this.rows.page(tx, filter, after ?? null, page.first + 1);
    return keysetPage(rows, page.first, cursor.cursorOf, toShortfall);
  }

  @ResolveField(() => [ShortfallCoverType], { description: 'In the order they were proposed.' })
  async covers(@Parent() { row }: Shown, @Operation() operation: GraphqlContext): Promise<ShortfallCoverType[]> {
    return (await this.coversOf(row, operation)).map(toCoverType);
  }

  @ResolveField(() => MoneyType, {
    nullable: true,
    description: 'Set aside for it; null while nobody knows its worth.',
  })
  async covered(@Parent() { row }: Shown, @Operation() operation: GraphqlContext): Promise<MoneyType | null> {
    const shortfall = toCover(row, await this.coversOf(row, operation));
    const needed = neededFor(shortfall);
    return needed ? money(shortfall.coveredMinor, needed.currency) : null;
  }

  @ResolveField(() => MoneyType, {
    nullable: true,
    description: 'To be covered yet: zero when enough is set aside, null while nobody knows its worth.',
  })
  async uncovered(@Parent() { row }: Shown, @Operation() operation: GraphqlContext): Promise<MoneyType | null> {
    const shortfall = toCover(row, await this.coversOf(row, operation));
    const left = leftOf(shortfall);
    const needed = neededFor(shortfall);
    return needed && left !== undefined ? money(left > 0n ? left : 0n, needed.currency) : null;
  }

  @Mutation(() => ShortfallCoverPayload, {
    description: 'Asks a second person to set aside own money of the firm for what clients are short of.',
  })
  @RequiresScopes('ledger:post')
  proposeShortfallCover(
    @Args('input', { type: () => ProposeShortfallCoverInput }) input: ProposeShortfallCoverInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'proposeShortfallCover',
      ProposeShortfallCoverInput,
      input,
      principal,
      async (tx): Promise<ShortfallCoverPayload> => {
        const { cover, problems } = await this.shortfallCovers.propose(tx, input, principal.subject);
        if (!cover) return this.mutations.faulty(problems);
        return { cover: toCoverType(cover), problems: [], replayed: false };
      },
    );
  }

  private async coversOf(row: ShortfallRow, operation: GraphqlContext): Promise<CoverRow[]> {
    const loader = operation.loader<string, CoverRow[]>('shortfall-covers', async (ids, tx) => {
      const found = new Map<string, CoverRow[]>();
      for (const one of await this.coverRows.of(tx, ids))
        found.set(one.shortfallId, [...(found.get(one.shortfallId) ?? []), one]);
      return found;
    });
    return (await loader.load(row.shortfallId)) ?? [];
  }
}
