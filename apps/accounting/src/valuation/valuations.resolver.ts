import { Args, ID, Mutation, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { CurrentPrincipal, type Principal } from '#libs/auth/index.js';
import { type Tx } from '#libs/database/index.js';
import { DateScalar, ReadTx, RequiresScopes } from '#libs/graphql/index.js';
import { currencyExponent, formatDecimal } from '#libs/money/index.js';
import { functionalCurrencyOf } from '../business-days/books.js';
import { ForeignExchange } from '../foreign-exchange/foreign-exchange.service.js';
import { type RevaluationRow } from '../foreign-exchange/foreign-exchange.repository.js';
import { Mutations } from '../mutations.js';
import {
  CurrencyConversionType,
  CurrencyDealType,
  CurrencyRevaluationType,
  ValuationPayload,
  ValuationRunType,
  ValueBookInput,
} from './valuations.graphql.js';
import { type ValuationRunRow, Valuations } from './valuations.service.js';

const toRun = ({ runId, ...row }: ValuationRunRow): ValuationRunType => ({ ...row, id: runId });

function toRevaluation(row: RevaluationRow): CurrencyRevaluationType {
  const functional = (units: string) => formatDecimal(BigInt(units), currencyExponent(row.functional));
  return {
    ...row,
    functionalCurrency: row.functional,
    position: formatDecimal(BigInt(row.position), currencyExponent(row.currency)),
    cost: functional(row.cost),
    equivalentBefore: functional(row.equivalentBefore),
    equivalentAfter: functional(row.equivalentAfter),
    realised: functional(row.realised),
    unrealised: functional(row.unrealised),
    realisedPosted: functional(row.realisedPosted),
    unrealisedPosted: functional(row.unrealisedPosted),
  };
}

@Resolver(() => CurrencyRevaluationType)
export class ValuationsResolver {
  constructor(
    private readonly valuations: Valuations,
    private readonly foreignExchange: ForeignExchange,
    private readonly mutations: Mutations,
  ) {}

  @Query(() => ValuationRunType, { nullable: true })
  @RequiresScopes('ledger:read')
  async valuationRun(@Args('id', { type: () => ID }) id: string, @ReadTx() tx: Tx): Promise<ValuationRunType | null> {
    const row = await this.valuations.find(tx, id);
    return row ? toRun(row) : null;
  }

  @Query(() => [CurrencyRevaluationType], { description: 'Every version of a date, by currency.' })
  @RequiresScopes('ledger:read')
  async currencyRevaluations(
    @Args('book', { type: () => String }) book: string,
    @Args('businessDate', { type: () => DateScalar }) businessDate: string,
    @ReadTx() tx: Tx,
  ): Promise<CurrencyRevaluationType[]> {
    return (await this.foreignExchange.revaluations(tx, book, businessDate, 'OF_THE_DATE')).map(toRevaluation);
  }

  @Query(() => [CurrencyRevaluationType], {
    description: 'The positions of a book in foreign currencies as they were last revalued up to a date.',
  })
  @RequiresScopes('ledger:read')
  async currencyPositions(
    @Args('book', { type: () => String }) book: string,
    @Args('date', { type: () => DateScalar }) date: string,
    @ReadTx() tx: Tx,
  ): Promise<CurrencyRevaluationType[]> {
    return (await this.foreignExchange.revaluations(tx, book, date, 'LAST')).map(toRevaluation);
  }

  @Query(() => [CurrencyConversionType], {
    description: 'Income and expense in foreign currencies that became functional on a date.',
  })
  @RequiresScopes('ledger:read')
  async currencyConversions(
    @Args('book', { type: () => String }) book: string,
    @Args('businessDate', { type: () => DateScalar }) businessDate: string,
    @ReadTx() tx: Tx,
  ): Promise<CurrencyConversionType[]> {
    return this.foreignExchange.conversions(tx, book, businessDate);
  }

  @ResolveField(() => [CurrencyDealType], { description: 'What was dealt since the revaluation before, in order.' })
  async deals(@Parent() row: CurrencyRevaluationType, @ReadTx() tx: Tx): Promise<CurrencyDealType[]> {
    const functional = currencyExponent(functionalCurrencyOf(row.book));
    return (await this.foreignExchange.deals(tx, row)).map(({ entryId, position, equivalent, realised }) => ({
      entryId,
      amount: formatDecimal(BigInt(position), currencyExponent(row.currency)),
      equivalent: formatDecimal(BigInt(equivalent), functional),
      realised: formatDecimal(BigInt(realised), functional),
    }));
  }

  @Mutation(() => ValuationPayload, {
    description:
      'Values a book at its open business date, as a job: foreign income and expense, positions in foreign currencies.',
  })
  @RequiresScopes('ledger:post')
  valueBook(
    @Args('input', { type: () => ValueBookInput }) input: ValueBookInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run('valueBook', ValueBookInput, input, principal, async (tx): Promise<ValuationPayload> => {
      const { run, problems } = await this.valuations.start(tx, input, principal.subject);
      if (!run) return this.mutations.faulty(problems);
      return { run: toRun(run), problems, replayed: false };
    });
  }
}
