import { Args, ID, Mutation, Query, Resolver } from '@nestjs/graphql';
import { CurrentPrincipal, type Principal } from '#libs/auth/index.js';
import { type Tx } from '#libs/database/index.js';
import { ConnectionArgs, keyset, keysetPage, ReadTx, RequiresScopes } from '#libs/graphql/index.js';
import { Mutations } from '../mutations.js';
import {
  ListVersionConnection,
  ListVersionType,
  ReceiveSanctionsListInput,
  ReceiveSanctionsListPayload,
  toListVersionType,
} from './lists.graphql.js';
import { ListsRepository, type ListVersionRow } from './lists.repository.js';
import { Lists } from './lists.service.js';

@Resolver(() => ListVersionType)
export class ListsResolver {
  constructor(
    private readonly lists: Lists,
    private readonly repository: ListsRepository,
    private readonly mutations: Mutations,
  ) {}

  @Query(() => ListVersionType, { nullable: true })
  @RequiresScopes('screening:read')
  async listVersion(@Args('id', { type: () => ID }) id: string, @ReadTx() tx: Tx): Promise<ListVersionType | null> {
    return this.read(tx, id);
  }

  @Query(() => ListVersionConnection, { description: 'Newest first.' })
  @RequiresScopes('screening:read')
  async listVersions(
    @Args() page: ConnectionArgs,
    @Args('source', { type: () => String, nullable: true }) source: string | null,
    @ReadTx() tx: Tx,
  ): Promise<ListVersionConnection> {
    const cursor = keyset<ListVersionRow>({ list: 'listVersions', source }, (row) => [row.sequence]);
    const rows = await this.repository.list(tx, source, page.first + 1, cursor.after(page.after)?.[0] ?? undefined);
    return keysetPage(rows, page.first, cursor.cursorOf, toListVersionType);
  }

  @Mutation(() => ReceiveSanctionsListPayload, {
    description:
      'Takes a list as OFAC publishes it. It comes into force by a job; a faulty list is refused whole and the one before stays.',
  })
  @RequiresScopes('lists:write')
  async receiveSanctionsList(
    @Args('input', { type: () => ReceiveSanctionsListInput }) input: ReceiveSanctionsListInput,
    @CurrentPrincipal() principal: Principal,
  ): Promise<ReceiveSanctionsListPayload> {
    const { object, problems, replayed } = await this.mutations.run({
      operation: 'receiveSanctionsList',
      type: ReceiveSanctionsListInput,
      input,
      principal,
      work: async (tx) => {
        const received = await this.lists.receive(tx, input, principal);
        return {
          id: received.listVersion?.listVersionId,
          problems: received.problems,
          isForgotten: received.problems.length > 0,
        };
      },
      read: async (tx, { id }) => (id === null ? null : this.read(tx, id)),
      otherwise: null,
    });
    return { listVersion: object, problems, replayed };
  }

  private async read(tx: Tx, id: string): Promise<ListVersionType | null> {
    const row = await this.repository.find(tx, id);
    return row ? toListVersionType(row) : null;
  }
}
