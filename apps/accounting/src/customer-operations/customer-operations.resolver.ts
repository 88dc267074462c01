import { Args, Mutation, Resolver } from '@nestjs/graphql';
import { CurrentPrincipal, type Principal } from '#libs/auth/index.js';
import { answerItems, atItems, RequiresScopes, validateItems } from '#libs/graphql/index.js';
import { problem } from '#libs/kernel/index.js';
import { Accounts } from '../accounts/accounts.service.js';
import {
  EntriesPayload,
  EntryPayload,
  PostDepositInput,
  PostEntriesInput,
  PostEntryInput,
  PostTransferInput,
  PostWithdrawalInput,
} from '../journal/journal.graphql.js';
import { Mutations } from '../mutations.js';
import { bothSides, type InputPath, type Line } from './customer-operations.js';
import { CustomerOperations, type Operation } from './customer-operations.service.js';

const ofCash = { amount: ['amount', 'amount'], asset: ['amount', 'currency'] };
const ofSecurities = { amount: ['securities', 'quantity'], asset: ['securities', 'isin'] };

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

const linesOfEntry = ({ postings }: PostEntryInput): Line[] =>
  postings.map(({ account, asset, side, amount }, n) => {
    const at = (field: string): InputPath => ['postings', n, field];
    return { account, asset, side, amount, at: { account: at('account'), asset: at('asset'), amount: at('amount') } };
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
        const debit = { account: debitAccount, field: 'debitAccount' };
        const credit = { account: creditAccount, field: 'creditAccount' };
        const lines = amount
          ? bothSides(debit, credit, amount.currency, amount.amount, ofCash)
          : bothSides(debit, credit, securities?.isin ?? '', securities?.quantity ?? '', ofSecurities);
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
      this.operations.post(tx, asked(input, input.kind, linesOfEntry(input)), principal),
    );
  }

  @Mutation(() => EntriesPayload, {
    description:
      'Up to 1,000 entries in one transaction, an answer for each: what is refused does not stop the others.',
  })
  @RequiresScopes('ledger:post')
  async postEntries(
    @Args('input', { type: () => PostEntriesInput }) input: PostEntriesInput,
    @CurrentPrincipal() principal: Principal,
  ): Promise<EntriesPayload> {
    const faults = validateItems(PostEntriesInput, 'entries', input);
    if (faults.problems.length > 0) return { items: [], problems: [...faults.problems] };
    const items = await answerItems<PostEntryInput, EntryPayload>(
      input.entries,
      faults,
      (sound) =>
        this.mutations.runMany<PostEntryInput, EntryPayload>('postEntry', sound, principal, (tx, fresh) =>
          this.operations.postMany(
            tx,
            fresh.map((entry) => asked(entry, entry.kind, linesOfEntry(entry))),
            principal,
          ),
        ),
      (problems) => ({ problems, replayed: false }),
    );
    return { items: atItems('entries', items), problems: [] };
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
      const ours = { account: nostro, field: 'nostro' };
      const theirs = { account: input.account, field: 'account' };
      const lines =
        kind === 'DEPOSIT'
          ? bothSides(ours, theirs, currency, amount, ofCash)
          : bothSides(theirs, ours, currency, amount, ofCash);
      return this.operations.post(tx, asked(input, kind, lines), principal);
    });
  }
}
