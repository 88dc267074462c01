import { Args, ID, Int, Mutation, Query, Resolver } from '@nestjs/graphql';
import { CurrentPrincipal, type Principal } from '#libs/auth/index.js';
import { type Tx } from '#libs/database/index.js';
import { DateScalar, ReadTx, RequiresScopes } from '#libs/graphql/index.js';
import { functionalCurrencyOf } from '../business-days/books.js';
import { Mutations } from '../mutations.js';
import {
  BookRateType,
  FigureKindEnum,
  MarketFigureReleasePayload,
  MarketFigureReleaseType,
  MarketFigureType,
  ReleaseMarketFigureInput,
} from './rates.graphql.js';
import { type FigureKind } from './rates.js';
import { RatesRepository } from './rates.repository.js';
import { Rates } from './rates.service.js';

@Resolver(() => MarketFigureType)
export class RatesResolver {
  constructor(
    private readonly rates: Rates,
    private readonly repository: RatesRepository,
    private readonly mutations: Mutations,
  ) {}

  @Query(() => [BookRateType], {
    name: 'rates',
    description:
      'The rates that the amounts of a book are valued by on a date: the last good ones, each with its versions. A currency without one is absent.',
  })
  @RequiresScopes('ledger:read')
  async ofBook(
    @Args('book', { type: () => String }) book: string,
    @Args('date', { type: () => DateScalar }) date: string,
    @ReadTx() tx: Tx,
  ): Promise<BookRateType[]> {
    const functionalCurrency = functionalCurrencyOf(book);
    const rows = await this.repository.ratesOf(tx, date);
    const rates = await this.rates.ofDate(tx, date);
    const held = (await this.repository.held(tx, date, 500)).filter(({ kind }) => kind === 'RATE');
    const byVersion = new Map(rows.map((row) => [row.version, row]));
    return [...new Set(rows.flatMap(({ base, quote }) => [base, quote]))].sort().flatMap((currency) => {
      const worth = rates.between(currency, functionalCurrency);
      if (!worth || worth.figures.length === 0) return [];
      const pairs = new Set(worth.figures.map((one) => `${one.base}/${one.quote}`));
      return [
        {
          currency,
          functionalCurrency,
          date,
          rate: worth.rate.toDecimal().toDecimalPlaces(12).toFixed(),
          exactRate: String(worth.rate),
          isStale: worth.isStale,
          figures: worth.figures.flatMap(({ version }) => byVersion.get(String(version)) ?? []),
          held: held.filter((one) => pairs.has(`${one.base}/${one.quote}`)),
        },
      ];
    });
  }

  @Query(() => MarketFigureType, {
    nullable: true,
    description: 'What a figure was valued by: one version of a rate or a price.',
  })
  @RequiresScopes('ledger:read')
  async marketFigure(
    @Args('kind', { type: () => FigureKindEnum }) kind: FigureKind,
    @Args('version', { type: () => ID }) version: string,
    @ReadTx() tx: Tx,
  ): Promise<MarketFigureType | null> {
    return /^[1-9]\d{0,17}$/.test(version) ? ((await this.repository.find(tx, kind, version)) ?? null) : null;
  }

  @Query(() => [MarketFigureType], {
    description: 'Rates and prices that wait for two people, the oldest first; the last good ones are used meanwhile.',
  })
  @RequiresScopes('ledger:read')
  async heldMarketFigures(
    @Args('first', { type: () => Int, defaultValue: 100 }) first: number,
    @ReadTx() tx: Tx,
  ): Promise<MarketFigureType[]> {
    return this.repository.held(tx, null, Math.min(100, Math.max(1, first)));
  }

  @Query(() => MarketFigureReleaseType, { nullable: true })
  @RequiresScopes('ledger:read')
  async marketFigureRelease(
    @Args('approvalId', { type: () => ID }) approvalId: string,
    @ReadTx() tx: Tx,
  ): Promise<MarketFigureReleaseType | null> {
    return (await this.repository.release(tx, approvalId)) ?? null;
  }

  @Mutation(() => MarketFigureReleasePayload, {
    description: 'Asks a second person to agree that a held rate or price is right; it is used when that person has.',
  })
  @RequiresScopes('ledger:post')
  releaseMarketFigure(
    @Args('input', { type: () => ReleaseMarketFigureInput }) input: ReleaseMarketFigureInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'releaseMarketFigure',
      ReleaseMarketFigureInput,
      input,
      principal,
      async (tx): Promise<MarketFigureReleasePayload> => {
        const { release, problems } = await this.rates.proposeRelease(tx, input, principal.subject);
        if (!release) return this.mutations.faulty(problems);
        return { release, problems, replayed: false };
      },
    );
  }
}
