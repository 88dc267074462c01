import { Args, Mutation, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { CurrentPrincipal, type Principal } from '#libs/auth/index.js';
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
import { problem } from '#libs/kernel/index.js';
import { accountIdOf, accountKeyOf } from '../accounts/accounts.js';
import { AccountType } from '../accounts/accounts.graphql.js';
import { Accounts } from '../accounts/accounts.service.js';
import { Mutations } from '../mutations.js';
import {
  AccountBlockConnection,
  AccountBlockFilterInput,
  AccountBlockPayload,
  AccountBlockType,
  LiftBlockInput,
  PlaceBlockInput,
} from './blocks.graphql.js';
import { type BlockRow, BlocksRepository } from './blocks.repository.js';
import { Blocks } from './blocks.service.js';

const toBlock = (row: BlockRow): AccountBlockType => ({ ...row, account: row.number });

@Resolver(() => AccountType)
export class BlocksResolver {
  constructor(
    private readonly repository: BlocksRepository,
    private readonly blocks: Blocks,
    private readonly accounts: Accounts,
    private readonly mutations: Mutations,
  ) {}

  @ResolveField(() => [AccountBlockType], { name: 'blocks', description: 'In the order they were placed.' })
  async blocksOf(
    @Parent() account: AccountType,
    @Args('isStanding', { type: () => Boolean, nullable: true, description: 'True: those not lifted yet.' })
    isStanding: boolean | null,
    @Operation() operation: GraphqlContext,
  ): Promise<AccountBlockType[]> {
    const loader = operation.loader<string, AccountBlockType[]>('account-blocks', async (ids, tx: Tx) => {
      const found = new Map<string, AccountBlockType[]>();
      for (const row of await this.repository.ofAccounts(
        tx,
        ids.flatMap((id) => accountKeyOf(id) ?? []),
      )) {
        const id = accountIdOf(row.book, row.number);
        found.set(id, [...(found.get(id) ?? []), toBlock(row)]);
      }
      return found;
    });
    const all = (await loader.load(account.id)) ?? [];
    return all.filter(({ liftedAt }) => isStanding === null || (liftedAt === null) === isStanding);
  }

  @Query(() => AccountBlockConnection, { description: 'The newest first.' })
  @RequiresScopes('ledger:read')
  async accountBlocks(
    @Args() page: ConnectionArgs,
    @Args('filter', { type: () => AccountBlockFilterInput, nullable: true }) filter: AccountBlockFilterInput | null,
    @ReadTx() tx: Tx,
  ): Promise<AccountBlockConnection> {
    const cursor = keyset<BlockRow>({ list: 'accountBlocks', filter }, (row) => [row.placedAtExact, row.id]);
    const rows = await this.repository.list(tx, filter ?? {}, page.first, cursor.after(page.after));
    return keysetPage(rows, page.first, cursor.cursorOf, toBlock);
  }

  @Mutation(() => AccountBlockPayload, {
    description: 'Stops what goes out, comes in, or both, beside the blocks that stand already. Confirmed facts pass.',
  })
  @RequiresScopes('accounts:write')
  placeBlock(
    @Args('input', { type: () => PlaceBlockInput }) input: PlaceBlockInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'placeBlock',
      PlaceBlockInput,
      input,
      principal,
      async (tx): Promise<AccountBlockPayload> => {
        const { book, account: number, direction, reasonCode, reason } = input;
        const [account] = await this.accounts.byNumber(tx, [{ book, number }]);
        if (!account)
          return this.mutations.faulty([
            problem('ACCOUNT_NOT_FOUND', 'The book has no account of that number', ['account']),
          ]);
        if (account.mode !== 'STRICT')
          return this.mutations.faulty([
            problem('ACCOUNT_NOT_BLOCKABLE', 'Only client accounts are blocked', ['account']),
          ]);
        const placedBy = principal.subject;
        const reference = input.reference ?? null;
        const [id] = await this.blocks.place(tx, [
          { book, number, direction, reasonCode, reason, reference, placedBy },
        ]);
        return this.answer(tx, id ?? '');
      },
    );
  }

  @Mutation(() => AccountBlockPayload, { description: 'Ends one block; the others of the account stand.' })
  @RequiresScopes('accounts:write')
  liftBlock(
    @Args('input', { type: () => LiftBlockInput }) input: LiftBlockInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'liftBlock',
      LiftBlockInput,
      input,
      principal,
      async (tx): Promise<AccountBlockPayload> => {
        const lifted = await this.blocks.lift(tx, [input.blockId], principal.subject, input.reason);
        if (lifted.length > 0) return this.answer(tx, input.blockId);
        const found = await this.repository.find(tx, input.blockId);
        if (!found) return this.mutations.faulty([problem('BLOCK_NOT_FOUND', 'There is no such block', ['blockId'])]);
        return {
          block: toBlock(found),
          problems: [problem('BLOCK_LIFTED', 'The block was lifted before', ['blockId'])],
          replayed: false,
        };
      },
    );
  }

  private async answer(tx: Tx, id: string): Promise<AccountBlockPayload> {
    const row = await this.repository.find(tx, id);
    return { block: row ? toBlock(row) : null, problems: [], replayed: false };
  }
}
