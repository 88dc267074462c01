import { Args, Mutation, Resolver } from '@nestjs/graphql';
import { CurrentPrincipal, type Principal } from '#libs/auth/index.js';
import { RequiresScopes } from '#libs/graphql/index.js';
import { problem } from '#libs/kernel/index.js';
import { EntryPayload, PostDepositInput, PostEntryInput, PostTransferInput, PostWithdrawalInput } from '../journal/journal.graphql.js';
import { Mutations } from '../journal/mutations.js';
import { CustomerOperations, type Line } from './customer-operations.service.js';

const bothSides = (debit: string, credit: string, asset: string, amount: string): Line[] => [
  { account: debit, asset, side: 'DEBIT', amount, path: ['amount'] },
  { account: credit, asset, side: 'CREDIT', amount, path: ['amount'] },
];

@Resolver()
export class CustomerOperationsResolver {
  constructor(
    private readonly operations: CustomerOperations,
    private readonly mutations: Mutations,
  ) {}

  @Mutation(() => EntryPayload, { description: 'Debits the nostro, credits the account.' })
  @RequiresScopes('ledger:post')
  postDeposit(@Args('input', { type: () => PostDepositInput }) input: PostDepositInput, @CurrentPrincipal() principal: Principal) {
    return this.throughNostro('postDeposit', PostDepositInput, 'DEPOSIT', input, principal);
  }

  @Mutation(() => EntryPayload, { description: 'Debits the account, credits the nostro.' })
  @RequiresScopes('ledger:post')
  postWithdrawal(@Args('input', { type: () => PostWithdrawalInput }) input: PostWithdrawalInput, @CurrentPrincipal() principal: Principal) {
    return this.throughNostro('postWithdrawal', PostWithdrawalInput, 'WITHDRAWAL', input, principal);
  }

  @Mutation(() => EntryPayload)
  @RequiresScopes('ledger:post')
  postTransfer(@Args('input', { type: () => PostTransferInput }) input: PostTransferInput, @CurrentPrincipal() principal: Principal) {
    return this.mutations.run('postTransfer', PostTransferInput, input, principal, (tx) =>
      this.operations.post(tx, { ...input, kind: 'TRANSFER', lines: bothSides(input.from, input.to, input.asset, input.amount) }, principal),
    );
  }

  @Mutation(() => EntryPayload, { description: 'Any entry; debits equal credits in each asset.' })
  @RequiresScopes('ledger:post')
  postEntry(@Args('input', { type: () => PostEntryInput }) input: PostEntryInput, @CurrentPrincipal() principal: Principal) {
    return this.mutations.run('postEntry', PostEntryInput, input, principal, (tx) =>
      this.operations.post(tx, { ...input, lines: input.postings.map((line, n) => ({ ...line, path: ['postings', n, 'amount'] })) }, principal),
    );
  }

  private throughNostro(
    name: string,
    type: typeof PostDepositInput,
    kind: 'DEPOSIT' | 'WITHDRAWAL',
    input: PostDepositInput,
    principal: Principal,
  ) {
    return this.mutations.run(name, type, input, principal, async (tx): Promise<EntryPayload> => {
      const nostro = input.nostro ?? (await this.operations.nostroOf(tx, input.book, input.currency));
      if (nostro === undefined) {
        return this.mutations.faulty([problem('NOSTRO_NOT_FOUND', `The book has no nostro in ${input.currency}`, ['currency'])]);
      }
      const lines =
        kind === 'DEPOSIT'
          ? bothSides(nostro, input.account, input.currency, input.amount)
          : bothSides(input.account, nostro, input.currency, input.amount);
      return this.operations.post(tx, { ...input, kind, lines }, principal);
    });
  }
}
