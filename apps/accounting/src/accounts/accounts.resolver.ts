import { Args, Mutation, Parent, Query, ResolveField, ResolveReference, Resolver } from '@nestjs/graphql';
import { AuditTrail } from '#libs/audit/index.js';
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
import { isRefused, type Problem, problem } from '#libs/kernel/index.js';
import { parseDecimal } from '#libs/money/index.js';
import { Assets } from '../assets/assets.service.js';
import { Blocks } from '../blocks/blocks.service.js';
import { Mutations } from '../mutations.js';
import {
  accountLoader,
  balancesLoader,
  limitsLoader,
  partyAccountsLoader,
  toAccount,
  toBalance,
  toLimitChange,
} from './account-types.js';
import { wantedStates } from './accounts.js';
import {
  AccountConnection,
  AccountFilterInput,
  AccountLimitType,
  AccountPayload,
  AccountType,
  BalanceConnection,
  BalanceFilterInput,
  BalanceType,
  ChangeAccountStateInput,
  ChangeLimitProposalInput,
  LimitChangePayload,
  LimitChangeType,
  PartyReference,
  ProposeLimitChangeInput,
} from './accounts.graphql.js';
import { type AccountRow, AccountsRepository, type BalanceRow } from './accounts.repository.js';
import { Accounts } from './accounts.service.js';
import { LimitChanges } from './limit-changes.service.js';

type Limits = { overdraftUnits: string; paymentLimitUnits: string | null };

@Resolver(() => AccountType)
export class AccountsResolver {
  constructor(
    private readonly accounts: AccountsRepository,
    private readonly states: Accounts,
    private readonly blocks: Blocks,
    private readonly assets: Assets,
    private readonly limitChanges: LimitChanges,
    private readonly mutations: Mutations,
    private readonly audit: AuditTrail,
  ) {}

  @Query(() => AccountType, { nullable: true })
  @RequiresScopes('ledger:read')
  async account(
    @Args('book', { type: () => String }) book: string,
    @Args('number', { type: () => String }) number: string,
    @ReadTx() tx: Tx,
  ): Promise<AccountType | null> {
    const row = await this.accounts.find(tx, book, number);
    return row ? toAccount(row) : null;
  }

  @Query(() => AccountConnection, { name: 'accounts' })
  @RequiresScopes('ledger:read')
  async list(
    @Args() page: ConnectionArgs,
    @Args('filter', { type: () => AccountFilterInput, nullable: true }) filter: AccountFilterInput | null,
    @ReadTx() tx: Tx,
  ): Promise<AccountConnection> {
    const cursor = keyset<AccountRow>({ list: 'accounts', filter }, (row) => [row.book, row.number]);
    const rows = await this.accounts.list(tx, filter ?? {}, page.first, cursor.after(page.after));
    return keysetPage(rows, page.first, cursor.cursorOf, toAccount);
  }

  @Query(() => BalanceType, { nullable: true, description: 'Null when the account never held the asset.' })
  @RequiresScopes('ledger:read')
  async balance(
    @Args('book', { type: () => String }) book: string,
    @Args('account', { type: () => String }) account: string,
    @Args('asset', { type: () => String }) asset: string,
    @ReadTx() tx: Tx,
  ): Promise<BalanceType | null> {
    const [row] = await this.accounts.balances(tx, { book, account, asset }, 1);
    return row ? toBalance(row) : null;
  }

  @Query(() => BalanceConnection)
  @RequiresScopes('ledger:read')
  async balances(
    @Args() page: ConnectionArgs,
    @Args('filter', { type: () => BalanceFilterInput, nullable: true }) filter: BalanceFilterInput | null,
    @ReadTx() tx: Tx,
  ): Promise<BalanceConnection> {
    const cursor = keyset<BalanceRow>({ list: 'balances', filter }, (row) => [row.ledgerAccountId]);
    const rows = await this.accounts.balances(tx, filter ?? {}, page.first, cursor.after(page.after));
    return keysetPage(rows, page.first, cursor.cursorOf, toBalance);
  }

  @ResolveReference()
  async resolveReference(
    @Parent() reference: { id: string },
    @Operation() operation: GraphqlContext,
  ): Promise<AccountType | null> {
    return accountLoader(operation, this.accounts).load(reference.id);
  }

  @ResolveField(() => [BalanceType], { name: 'balances', description: 'One for each asset it ever held.' })
  async balancesOf(@Parent() account: AccountType, @Operation() operation: GraphqlContext): Promise<BalanceType[]> {
    return (await balancesLoader(operation, this.accounts).load(account.id)) ?? [];
  }

  @ResolveField(() => BalanceType, {
    name: 'balance',
    nullable: true,
    description: 'Of one asset; without one, of the only or first it holds.',
  })
  async balanceOf(
    @Parent() account: AccountType,
    @Args('asset', { type: () => String, nullable: true }) asset: string | null,
    @Operation() operation: GraphqlContext,
  ): Promise<BalanceType | null> {
    const all = (await balancesLoader(operation, this.accounts).load(account.id)) ?? [];
    return (asset ? all.find((one) => one.asset === asset) : all[0]) ?? null;
  }

  @ResolveField(() => [AccountLimitType])
  async limits(@Parent() account: AccountType, @Operation() operation: GraphqlContext): Promise<AccountLimitType[]> {
    return (await limitsLoader(operation, this.accounts).load(account.id)) ?? [];
  }

  @ResolveField(() => PartyReference, { nullable: true })
  party(@Parent() account: AccountType): PartyReference | null {
    return account.partyId === null ? null : { id: account.partyId };
  }

  @Query(() => LimitChangeType, { nullable: true })
  @RequiresScopes('ledger:read')
  async limitChange(
    @Args('id', { type: () => String }) approvalId: string,
    @ReadTx() tx: Tx,
  ): Promise<LimitChangeType | null> {
    const row = await this.limitChanges.find(tx, approvalId);
    return row ? toLimitChange(row) : null;
  }

  @Mutation(() => LimitChangePayload, {
    description: 'Asks a second person to agree to other limits; they apply when that person has.',
  })
  @RequiresScopes('accounts:write')
  proposeLimitChange(
    @Args('input', { type: () => ProposeLimitChangeInput }) input: ProposeLimitChangeInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'proposeLimitChange',
      ProposeLimitChangeInput,
      input,
      principal,
      async (tx): Promise<LimitChangePayload> => {
        await this.assets.ensureCurrencies(tx, [input.currency]);
        const current = (await this.accounts.limitsOf(tx, [{ book: input.book, number: input.account }])).find(
          (one) => one.asset === input.currency,
        );
        const { limits, problems } = await this.readLimits(
          tx,
          input.currency,
          input,
          current?.paymentLimitUnits ?? null,
        );
        if (!limits) return this.mutations.faulty(problems);
        const answer = await this.limitChanges.propose(
          tx,
          { book: input.book, number: input.account, asset: input.currency, ...limits, reason: input.reason },
          principal.subject,
          input.expiresAt ?? null,
        );
        return {
          change: answer.change ? toLimitChange(answer.change) : null,
          problems: answer.problems,
          replayed: false,
        };
      },
    );
  }

  @Mutation(() => LimitChangePayload, {
    description: 'Changes an open proposal: an approval of what stood there before is then refused.',
  })
  @RequiresScopes('accounts:write')
  changeLimitProposal(
    @Args('input', { type: () => ChangeLimitProposalInput }) input: ChangeLimitProposalInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'changeLimitProposal',
      ChangeLimitProposalInput,
      input,
      principal,
      async (tx): Promise<LimitChangePayload> => {
        const open = await this.limitChanges.find(tx, input.changeId);
        if (!open) return this.mutations.faulty([problem('NOT_FOUND', 'There is no such proposal', ['changeId'])]);
        if (
          (input.book ?? open.book) !== open.book ||
          (input.account ?? open.number) !== open.number ||
          (input.currency ?? open.asset) !== open.asset
        ) {
          return this.mutations.faulty([
            problem('ANOTHER_ACCOUNT', `The proposal is of ${open.number} in ${open.asset}`, ['account']),
          ]);
        }
        const { limits, problems } = await this.readLimits(tx, open.asset, input, open.paymentLimitUnits);
        if (!limits) return this.mutations.faulty(problems);
        const answer = await this.limitChanges.change(
          tx,
          input.changeId,
          { ...limits, reason: input.reason },
          principal.subject,
        );
        return {
          change: answer.change ? toLimitChange(answer.change) : null,
          problems: answer.problems,
          replayed: false,
        };
      },
    );
  }

  @Mutation(() => AccountPayload, {
    description:
      'Opens, blocks or closes an account. Closing needs it to be empty; opening lifts what was blocked this way, not the blocks with a reason code.',
  })
  @RequiresScopes('accounts:write')
  changeAccountState(
    @Args('input', { type: () => ChangeAccountStateInput }) input: ChangeAccountStateInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'changeAccountState',
      ChangeAccountStateInput,
      input,
      principal,
      async (tx): Promise<AccountPayload> => {
        const { book, account: number, reason } = input;
        const before = await this.accounts.find(tx, book, number);
        const state = wantedStates.find((one) => one === input.state);
        if (!before || !state)
          return this.mutations.faulty([
            problem('ACCOUNT_NOT_FOUND', 'The book has no account of that number', ['account']),
          ]);
        if (state === 'BLOCKED' && before.mode !== 'STRICT')
          return this.mutations.faulty([
            problem('ACCOUNT_NOT_BLOCKABLE', 'Only client accounts are blocked', ['account']),
          ]);
        if (state === 'OPEN') {
          const staying = await this.blocks.staying(tx, { book, number });
          if (staying.length > 0) return refusal(before, blocksStand(staying));
        }
        const wanted = { book, number, state, reason, reference: null };
        await this.states.setStates(tx, [wanted], principal.subject);
        const balances = await this.accounts.balancesOf(tx, [{ book, number }]);
        if (
          state === 'CLOSED' &&
          balances.some(
            (one) => one.postedDebit !== one.postedCredit || one.pendingDebit !== '0' || one.pendingCredit !== '0',
          )
        ) {
          if (before.state !== 'CLOSED') await this.accounts.setStates(tx, [{ book, number, state: 'OPEN' }]);
          return refusal(before, problem('ACCOUNT_NOT_EMPTY', 'The account still holds something', ['account']));
        }
        const after = await this.accounts.find(tx, book, number);
        await this.audit.append(tx, {
          action: 'ACCOUNT_STATE_CHANGED',
          objectKind: 'ACCOUNT',
          objectId: `${book}/${number}`,
          bookId: book,
          principal: principal.subject,
          reason,
          before: { state: before.state },
          after: { state: after?.state ?? state },
        });
        return { account: toAccount(after ?? before), problems: [], replayed: false };
      },
    );
  }

  private async readLimits(
    tx: Tx,
    currency: string,
    given: { overdraftLimit: string; paymentLimit?: string | null },
    currentPaymentLimit: string | null,
  ): Promise<{ limits?: Limits; problems: Problem[] }> {
    const asset = (await this.assets.find(tx, [currency])).get(currency);
    if (!asset) return { problems: [problem('UNKNOWN_CURRENCY', `${currency} is no currency`, ['currency'])] };
    const problems: Problem[] = [];
    const units = (text: string, path: string): string | null => {
      const parsed = parseDecimal(text, asset.scale);
      if (isRefused(parsed)) problems.push(...parsed.problems.map((one) => ({ ...one, path: [path] })));
      else if (parsed.value < 0n) problems.push(problem('NEGATIVE_LIMIT', 'A limit is not negative', [path]));
      else return parsed.value.toString();
      return null;
    };
    const overdraftUnits = units(given.overdraftLimit, 'overdraftLimit');
    const { paymentLimit } = given;
    const paymentLimitUnits =
      paymentLimit === undefined
        ? currentPaymentLimit
        : paymentLimit === null
          ? null
          : units(paymentLimit, 'paymentLimit');
    return overdraftUnits === null || problems.length > 0
      ? { problems }
      : { limits: { overdraftUnits, paymentLimitUnits }, problems };
  }
}

const refusal = (account: AccountRow, why: Problem): AccountPayload => ({
  account: toAccount(account),
  problems: [why],
  replayed: false,
});

const blocksStand = (reasons: readonly string[]): Problem =>
  problem('BLOCKS_STAND', `Blocks with a reason stand and are lifted one by one: ${reasons.join(', ')}`, ['state']);

/** What accounting adds to a party of compliance. */
@Resolver(() => PartyReference)
export class PartyAccountsResolver {
  constructor(private readonly accounts: AccountsRepository) {}

  @ResolveReference()
  resolveReference(reference: { id: string }): PartyReference {
    return { id: reference.id };
  }

  @ResolveField('accounts', () => [AccountType], { nullable: true })
  @RequiresScopes('ledger:read')
  async accountsOf(@Parent() party: PartyReference, @Operation() operation: GraphqlContext): Promise<AccountType[]> {
    return (await partyAccountsLoader(operation, this.accounts).load(party.id)) ?? [];
  }
}
