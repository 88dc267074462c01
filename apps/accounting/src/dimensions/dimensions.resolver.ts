import { Args, Mutation, Query, Resolver } from '@nestjs/graphql';
import { CurrentPrincipal, type Principal } from '#libs/auth/index.js';
import { type Tx } from '#libs/database/index.js';
import { DateScalar, ReadTx, RequiresScopes } from '#libs/graphql/index.js';
import { formatDecimal } from '#libs/money/index.js';
import { Mutations } from '../mutations.js';
import {
  CostOfCodeType,
  DimensionValuePayload,
  DimensionValueType,
  SetDimensionValueInput,
} from './dimensions.graphql.js';
import { costCentre } from './dimensions.js';
import { Dimensions } from './dimensions.service.js';

@Resolver(() => DimensionValueType)
export class DimensionsResolver {
  constructor(
    private readonly dimensions: Dimensions,
    private readonly mutations: Mutations,
  ) {}

  @Query(() => [DimensionValueType], { description: 'What postings of a book may be told by.' })
  @RequiresScopes('ledger:read')
  async dimensionValues(
    @Args('book', { type: () => String }) book: string,
    @Args('dimension', { type: () => String, nullable: true }) dimension: string | null,
    @ReadTx() tx: Tx,
  ): Promise<DimensionValueType[]> {
    return this.dimensions.values(tx, book, dimension);
  }

  @Query(() => [CostOfCodeType], {
    description:
      'The expenses of a book by cost centre, by accounting date; ties to the accounts of expenses, closing entries apart.',
  })
  @RequiresScopes('ledger:read')
  async costByCentre(
    @Args('book', { type: () => String }) book: string,
    @Args('from', { type: () => DateScalar }) from: string,
    @Args('to', { type: () => DateScalar }) to: string,
    @Args('dimension', { type: () => String, defaultValue: costCentre }) dimension: string,
    @ReadTx() tx: Tx,
  ): Promise<CostOfCodeType[]> {
    const costs = await this.dimensions.costByCentre(tx, { book, from, to, dimension });
    const names = new Map((await this.dimensions.values(tx, book, dimension)).map((one) => [one.value, one.name]));
    return costs.map(({ code, name, asset, units, undistributedUnits, centres, scale }) => ({
      code,
      name,
      asset,
      total: formatDecimal(units, scale),
      undistributed: formatDecimal(undistributedUnits, scale),
      centres: centres.map((one) => ({
        value: one.value,
        name: names.get(one.value) ?? one.value,
        amount: formatDecimal(one.units, scale),
      })),
    }));
  }

  @Mutation(() => DimensionValuePayload, {
    description: 'Adds a value postings of a book may be told by, or gives it another name or another end.',
  })
  @RequiresScopes('ledger:post')
  setDimensionValue(
    @Args('input', { type: () => SetDimensionValueInput }) input: SetDimensionValueInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'setDimensionValue',
      SetDimensionValueInput,
      input,
      principal,
      async (tx): Promise<DimensionValuePayload> => {
        const { idempotencyKey: _, validTo = null, ...asked } = input;
        const { value, problems } = await this.dimensions.set(tx, { ...asked, validTo }, principal.subject);
        if (!value) return this.mutations.faulty(problems);
        return { dimensionValue: value, problems, replayed: false };
      },
    );
  }
}
