import { Args, Mutation, Resolver } from '@nestjs/graphql';
import { CurrentPrincipal, type Principal } from '#libs/auth/index.js';
import { RequiresScopes } from '#libs/graphql/index.js';
import { problem } from '#libs/kernel/index.js';
import { Accounts } from '../accounts/accounts.service.js';
import {
  EntryPayload,
  PostDepositInput,
  PostEntryInput,
  PostTransferInput,
  PostWithdrawalInput,
} from '../journal/journal.graphql.js';
import { Mutations } from '../mutations.js';
import { CustomerOperations, type Line, type Operation } from './customer-operations.service.js';

const bothSides = (debit: string, credit: string, asset: string, amount: string, path: string[]): Line[] => [
  { account: debit, asset, side: 'DEBIT', amount, path },
  { account: credit, asset, side: 'CREDIT', amount, path },
];

interface Asked {
  book: string;
  valueDate?: string | null;
  description: string;
  validateOnly?: boolean | null;
  idempotencyKey: string;
}

const asked = (
  { book, valueDate, description, validateOnly, idempotencyKey }: Asked,
  kind: string,
  lines: Line[],
): Operation => ({
  book,
  kind,
  valueDate,
  description,
  validateOnly,
  idempotencyKey,
  lines,
});

@Resolver()
export class CustomerOperationsResolver {
  constructor(
    private readonly operations: CustomerOperations,
    private readonly accounts: Accounts,
    private readonly mutations: Mutations,
  ) {}

  @Mutation(() => EntryPayload, { description: 'Debits the nostro, credits the account.' })
  @RequiresScopes('ledger:post')
  postDeposit(
    @Args('input', { type: () => PostDepositInput }) input: PostDepositInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.throughNostro('postDeposit', PostDepositInput, 'DEPOSIT', input, principal);
  }

  @Mutation(() => EntryPayload, { description: 'Debits the account, credits the nostro.' })
  @RequiresScopes('ledger:post')
  postWithdrawal(
    @Args('input', { type: () => PostWithdrawalInput }) input: PostWithdrawalInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.throughNostro('postWithdrawal', PostWithdrawalInput, 'WITHDRAWAL', input, principal);
  }

  @Mutation(() => EntryPayload)
  @RequiresScopes('ledger:post')
  postTransfer(
    @Args('input', { type: () => PostTransferInput }) input: PostTransferInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'postTransfer',
      PostTransferInput,
      input,
      principal,
      async (tx): Promise<EntryPayload> => {
        const { amount, securities, debitAccount, creditAccount } = input;
        if (!amount === !securities) {
          return this.mutations.faulty([
            problem('REQUIRED', 'Either an amount or securities are transferred', ['amount']),
          ]);
        }
        const lines = amount
          ? bothSides(debitAccount, creditAccount, amount.currency, amount.amount, ['amount', 'amount'])
          : bothSides(debitAccount, creditAccount, securities?.isin ?? '', securities?.quantity ?? '', [
              'securities',
              'quantity',
            ]);
        return this.operations.post(tx, asked(input, 'TRANSFER', lines), principal);
      },
    );
  }

  @Mutation(() => EntryPayload, { description: 'Any entry; debits equal credits in each asset.' })
  @RequiresScopes('ledger:post')
  postEntry(
    @Args('input', { type: () => PostEntryInput }) input: PostEntryInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run('postEntry', PostEntryInput, input, principal, (tx) =>
      this.operations.post(
        tx,
        asked(
          input,
          input.kind,
          input.postings.map(({ account, asset, side, amount }, n) => ({
            account,
            asset,
            side,
            amount,
            path: ['postings', n, 'amount'],
          })),
        ),
        principal,
      ),
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
      const { amount, currency } = input.amount;
      const nostro = input.nostro ?? (await this.accounts.nostroOf(tx, input.book, currency));
      if (nostro === undefined) {
        return this.mutations.faulty([
          problem('NOSTRO_NOT_FOUND', `The book has no nostro in ${currency}`, ['amount', 'currency']),
        ]);
      }
      const lines =
        kind === 'DEPOSIT'
          ? bothSides(nostro, input.account, currency, amount, ['amount', 'amount'])
          : bothSides(input.account, nostro, currency, amount, ['amount', 'amount']);
      return this.operations.post(tx, asked(input, kind, lines), principal);
    });
  }
}
