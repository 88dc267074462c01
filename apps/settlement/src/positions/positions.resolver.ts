import { Args, ObjectType, Query, Resolver } from '@nestjs/graphql';
import { type Tx } from '#libs/database/index.js';
import {
  connection,
  ConnectionArgs,
  DateScalar,
  keyset,
  keysetPage,
  ReadTx,
  RequiresScopes,
} from '#libs/graphql/index.js';
import { PositionType } from '../instructions/instructions.graphql.js';
import { PositionsService } from './positions.service.js';

@ObjectType('PositionConnection')
@RequiresScopes('trades:read')
export class PositionConnection extends connection(PositionType, 'Position') {}

@Resolver(() => PositionType)
export class PositionsResolver {
  constructor(private readonly service: PositionsService) {}

  @Query(() => PositionConnection, { description: 'Positions per account and instrument, as of a business date.' })
  @RequiresScopes('trades:read')
  async positions(
    @Args() page: ConnectionArgs,
    @Args('account', { type: () => String, nullable: true }) account: string | null,
    @Args('isin', { type: () => String, nullable: true }) isin: string | null,
    @Args('asOf', { type: () => DateScalar, nullable: true }) asOf: string | null,
    @ReadTx() tx: Tx,
  ): Promise<PositionConnection> {
    const filter = { account, isin, asOf };
    const cursor = keyset<PositionType>({ list: 'positions', filter }, (row) => [row.account, row.isin]);
    const rows = await this.service.positions(tx, filter, page.first + 1, cursor.after(page.after));
    return keysetPage(rows, page.first, cursor.cursorOf, (row) => row);
  }
}
