import { Args, Parent, Query, ResolveField, ResolveReference, Resolver } from '@nestjs/graphql';
import { type Tx } from '#libs/database/index.js';
import {
  ConnectionArgs,
  GraphqlContext,
  keyset,
  keysetPage,
  Operation,
  ReadTx,
  RequiresScopes,
} from '#libs/graphql/index.js';
import { TradeType } from '../trades/trades.graphql.js';
import { type TradeRow } from '../trades/trades.repository.js';
import { toTradeType } from '../trades/trades.resolver.js';
import { TradesService } from '../trades/trades.service.js';
import { InstructionViewsRepository } from './instruction-views.repository.js';
import {
  InstructionConnection,
  InstructionFilterInput,
  InstructionSettlementType,
  InstructionStatusChangeType,
  InstructionType,
  type InstructionViewRow,
  toInstructionType,
} from './instructions.graphql.js';

@Resolver(() => InstructionType)
export class InstructionsResolver {
  constructor(private readonly views: InstructionViewsRepository) {}

  @Query(() => InstructionType, { nullable: true })
  @RequiresScopes('trades:read')
  async instruction(@Args('id', { type: () => String }) id: string, @ReadTx() tx: Tx): Promise<InstructionType | null> {
    const row = (await this.views.find(tx, [id])).get(id);
    return row === undefined ? null : toInstructionType(row);
  }

  @Query(() => InstructionConnection, { description: 'By settlement date.' })
  @RequiresScopes('trades:read')
  async instructions(
    @Args() page: ConnectionArgs,
    @Args('filter', { type: () => InstructionFilterInput, nullable: true }) filter: InstructionFilterInput | null,
    @ReadTx() tx: Tx,
  ): Promise<InstructionConnection> {
    const cursor = keyset<InstructionViewRow>({ list: 'instructions', filter }, (row) => [row.settlementDate, row.id]);
    const rows = await this.views.list(tx, filter ?? {}, page.first + 1, cursor.after(page.after));
    return keysetPage(rows, page.first, cursor.cursorOf, toInstructionType);
  }

  @ResolveReference()
  async resolveReference(
    @Parent() reference: { id: string },
    @Operation() operation: GraphqlContext,
  ): Promise<InstructionType | null> {
    const row = await operation
      .loader<string, InstructionViewRow>('instruction', (ids, tx) => this.views.find(tx, ids))
      .load(reference.id);
    return row === null ? null : toInstructionType(row);
  }
}

@Resolver(() => InstructionType)
export class InstructionResolver {
  constructor(private readonly views: InstructionViewsRepository) {}

  @ResolveField('history', () => [InstructionStatusChangeType])
  @RequiresScopes('trades:read')
  async history(
    @Parent() instruction: InstructionType,
    @Operation() operation: GraphqlContext,
  ): Promise<InstructionStatusChangeType[]> {
    return (
      (await operation
        .loader<string, InstructionStatusChangeType[]>('instructionHistory', (ids, tx) => this.views.history(tx, ids))
        .load(instruction.id)) ?? []
    );
  }

  @ResolveField('settlements', () => [InstructionSettlementType])
  @RequiresScopes('trades:read')
  async settlements(
    @Parent() instruction: InstructionType,
    @Operation() operation: GraphqlContext,
  ): Promise<InstructionSettlementType[]> {
    return (
      (await operation
        .loader<string, InstructionSettlementType[]>('instructionSettlements', (ids, tx) =>
          this.views.settlements(tx, ids),
        )
        .load(instruction.id)) ?? []
    );
  }
}

/** A trade leads to its instruction; the trade itself belongs to another feature. */
@Resolver(() => TradeType)
export class TradeInstructionResolver {
  constructor(private readonly views: InstructionViewsRepository) {}

  @ResolveField('instruction', () => InstructionType, {
    nullable: true,
    description: 'Absent until the trade is instructed.',
  })
  @RequiresScopes('trades:read')
  async instruction(
    @Parent() trade: { id: string },
    @Operation() operation: GraphqlContext,
  ): Promise<InstructionType | null> {
    const row = await operation
      .loader<string, InstructionViewRow>('instructionOfTrade', (ids, tx) => this.views.ofTrades(tx, ids))
      .load(trade.id);
    return row === null ? null : toInstructionType(row);
  }
}

@Resolver(() => InstructionType)
export class InstructionTradeResolver {
  constructor(private readonly trades: TradesService) {}

  @ResolveField('trade', () => TradeType, { nullable: true })
  @RequiresScopes('trades:read')
  async trade(
    @Parent() instruction: InstructionType,
    @Operation() operation: GraphqlContext,
  ): Promise<TradeType | null> {
    const row = await operation
      .loader<string, TradeRow>('trades', (ids, tx) => this.trades.rowsOf(tx, ids))
      .load(instruction.tradeId);
    return row === null ? null : toTradeType(row);
  }
}
