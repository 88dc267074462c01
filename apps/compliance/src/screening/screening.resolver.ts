import { Args, ID, Parent, Query, ResolveField, ResolveReference, Resolver } from '@nestjs/graphql';
import { type Tx } from '#libs/database/index.js';
import { GraphqlContext, Operation, ReadTx, RequiresScopes } from '#libs/graphql/index.js';
import { PaymentStub, ScreenedKindEnum, ScreeningType, toScreeningType, TradeStub } from './screening.graphql.js';
import { type ScreenedKind } from './screening.js';
import { ScreeningRepository } from './screening.repository.js';

async function screeningsOf(
  repository: ScreeningRepository,
  operation: GraphqlContext,
  objectKind: ScreenedKind,
  objectId: string,
): Promise<ScreeningType[]> {
  const loader = operation.loader<string, ScreeningType[]>(`screenings-of-${objectKind}`, async (ids, tx) => {
    const byObject = new Map<string, ScreeningType[]>();
    for (const row of await repository.ofObjects(tx, objectKind, ids)) {
      byObject.set(row.objectId, [...(byObject.get(row.objectId) ?? []), toScreeningType(row)]);
    }
    return byObject;
  });
  return (await loader.load(objectId)) ?? [];
}

@Resolver(() => ScreeningType)
export class ScreeningResolver {
  constructor(private readonly repository: ScreeningRepository) {}

  @Query(() => ScreeningType, { nullable: true })
  @RequiresScopes('screening:read')
  async screening(@Args('id', { type: () => ID }) id: string, @ReadTx() tx: Tx): Promise<ScreeningType | null> {
    const [row] = await this.repository.find(tx, [id]);
    return row ? toScreeningType(row) : null;
  }

  @Query(() => [ScreeningType], { description: 'Of one object, newest first.' })
  @RequiresScopes('screening:read')
  async screenings(
    @Args('objectKind', { type: () => ScreenedKindEnum }) objectKind: ScreenedKind,
    @Args('objectId', { type: () => String }) objectId: string,
    @Operation() operation: GraphqlContext,
  ): Promise<ScreeningType[]> {
    return screeningsOf(this.repository, operation, objectKind, objectId);
  }

  @ResolveReference()
  async resolveReference(
    @Parent() reference: { id: string },
    @Operation() operation: GraphqlContext,
  ): Promise<ScreeningType | null> {
    const loader = operation.loader<string, ScreeningType>('screening', async (ids, tx) => {
      const rows = await this.repository.find(tx, ids);
      return new Map(rows.map((row) => [row.screeningId, toScreeningType(row)]));
    });
    return loader.load(reference.id);
  }
}

@Resolver(() => TradeStub)
export class TradeScreeningsResolver {
  constructor(private readonly repository: ScreeningRepository) {}

  @ResolveReference()
  resolveReference(@Parent() reference: { id: string }): TradeStub {
    return { id: reference.id };
  }

  @ResolveField('screenings', () => [ScreeningType], { nullable: true, description: 'Newest first.' })
  @RequiresScopes('screening:read')
  async screenings(@Parent() trade: TradeStub, @Operation() operation: GraphqlContext): Promise<ScreeningType[]> {
    return screeningsOf(this.repository, operation, 'TRADE', trade.id);
  }
}

@Resolver(() => PaymentStub)
export class PaymentScreeningsResolver {
  constructor(private readonly repository: ScreeningRepository) {}

  @ResolveReference()
  resolveReference(@Parent() reference: { id: string }): PaymentStub {
    return { id: reference.id };
  }

  @ResolveField('screenings', () => [ScreeningType], { nullable: true, description: 'Newest first.' })
  @RequiresScopes('screening:read')
  async screenings(@Parent() payment: PaymentStub, @Operation() operation: GraphqlContext): Promise<ScreeningType[]> {
    return screeningsOf(this.repository, operation, 'PAYMENT', payment.id);
  }
}
