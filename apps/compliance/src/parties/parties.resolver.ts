import { Args, ID, Parent, Query, ResolveField, ResolveReference, Resolver } from '@nestjs/graphql';
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
import { AlertType, toAlertType } from '../alerts/alerts.graphql.js';
import { Alerts } from '../alerts/alerts.service.js';
import { ScreeningType, toScreeningType } from '../screening/screening.graphql.js';
import { Screening } from '../screening/screening.service.js';
import { PartiesRepository, type PartyRow } from './parties.repository.js';
import { PartyConnection, PartyFilterInput, PartyType, toPartyType } from './parties.graphql.js';

@Resolver(() => PartyType)
export class PartiesResolver {
  constructor(
    private readonly repository: PartiesRepository,
    private readonly screenings: Screening,
    private readonly alerts: Alerts,
  ) {}

  @Query(() => PartyType, { nullable: true })
  @RequiresScopes('parties:read')
  async party(
    @Args('id', { type: () => ID }) id: string,
    @Operation() operation: GraphqlContext,
  ): Promise<PartyType | null> {
    return this.load(operation, id);
  }

  @Query(() => PartyConnection, { description: 'By id.' })
  @RequiresScopes('parties:read')
  async parties(
    @Args() page: ConnectionArgs,
    @Args('filter', { type: () => PartyFilterInput, nullable: true }) filter: PartyFilterInput | null,
    @ReadTx() tx: Tx,
  ): Promise<PartyConnection> {
    const cursor = keyset<PartyRow>({ list: 'parties', filter }, (row) => [row.partyId]);
    const rows = await this.repository.list(
      tx,
      filter ?? {},
      page.first + 1,
      cursor.after(page.after)?.[0] ?? undefined,
    );
    return keysetPage(rows, page.first, cursor.cursorOf, toPartyType);
  }

  @ResolveReference()
  async resolveReference(
    @Parent() reference: { id: string },
    @Operation() operation: GraphqlContext,
  ): Promise<PartyType | null> {
    return this.load(operation, reference.id);
  }

  @ResolveField('screenings', () => [ScreeningType], { description: 'Newest first, of the party itself.' })
  @RequiresScopes('screening:read')
  async screeningsOf(@Parent() party: PartyType, @Operation() operation: GraphqlContext): Promise<ScreeningType[]> {
    const loader = operation.loader<string, ScreeningType[]>('screenings-of-party', async (ids, tx) =>
      grouped(await this.screenings.ofObjects(tx, 'PARTY', ids), (row) => row.objectId, toScreeningType),
    );
    return (await loader.load(party.id)) ?? [];
  }

  @ResolveField('openAlert', () => AlertType, { nullable: true })
  @RequiresScopes('alerts:read')
  async openAlert(@Parent() party: PartyType, @Operation() operation: GraphqlContext): Promise<AlertType | null> {
    const loader = operation.loader<string, AlertType>('open-alert-of-party', async (ids, tx) => {
      const rows = await this.alerts.openOf(
        tx,
        ids.map((objectId) => ({ objectKind: 'PARTY', objectId })),
      );
      return new Map(rows.map((row) => [row.objectId, toAlertType(row)]));
    });
    return loader.load(party.id);
  }

  private load(operation: GraphqlContext, id: string): Promise<PartyType | null> {
    const loader = operation.loader<string, PartyType>('party', async (ids, tx) => {
      const rows = await this.repository.find(tx, ids);
      return new Map(rows.map((row) => [row.partyId, toPartyType(row)]));
    });
    return loader.load(id);
  }
}

function grouped<Row, T>(rows: readonly Row[], keyOf: (row: Row) => string, make: (row: Row) => T): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) groups.set(keyOf(row), [...(groups.get(keyOf(row)) ?? []), make(row)]);
  return groups;
}
