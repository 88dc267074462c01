import { type Type } from '@nestjs/common';
import { Args, Mutation, Resolver } from '@nestjs/graphql';
import { CurrentPrincipal, type Principal } from '#libs/auth/index.js';
import { answerItems, atItems, RequiresScopes, validateInput, validateItems } from '#libs/graphql/index.js';
import { type Problem, problem } from '#libs/kernel/index.js';
import {
  EntriesPayload,
  EntryPayload,
  PostDepositInput,
  PostEntriesInput,
  PostEntryInput,
  PostTransferInput,
  PostWithdrawalInput,
} from '../journal/journal.graphql.js';
import { bothSides, type InputPath, type Line, linkedToRefused, type Operation } from './customer-operations.js';
import { CustomerOperations } from './customer-operations.service.js';

const ofCash = { amount: ['amount', 'amount'], asset: ['amount', 'currency'] };
const ofSecurities = { amount: ['securities', 'quantity'], asset: ['securities', 'isin'] };

interface Asked {
  book: string;
  valueDate?: string | null;
  description: string;
  validateOnly?: boolean | null;
  group?: string | null;
  upTo?: Operation['upTo'];
  idempotencyKey: string;
}

function operationOf(name: string, kind: string, asked: Asked, lines: readonly Line[]): Operation {
  const { idempotencyKey, ...input } = asked;
  const { book, valueDate, description, validateOnly, group, upTo } = asked;
  return { name, input, idempotencyKey, book, kind, valueDate, description, validateOnly, group, upTo, lines };
}

function linesOfTransfer(input: PostTransferInput): Line[] | Problem {
  const { amount, securities, debitAccount, creditAccount, upTo } = input;
  if (upTo && debitAccount === creditAccount)
    return problem('SAME_ACCOUNT', 'A sweep goes from one account to another', ['creditAccount']);
  const debit = { account: debitAccount, field: 'debitAccount' };
  const credit = { account: creditAccount, field: 'creditAccount' };
  if (amount && !securities) return bothSides(debit, credit, amount.currency, amount.amount, ofCash);
  if (securities && !amount) return bothSides(debit, credit, securities.isin, securities.quantity, ofSecurities);
  return problem('REQUIRED', 'Either an amount or securities are transferred', ['amount']);
}

const linesOfEntry = ({ postings }: PostEntryInput): Line[] =>
  postings.map(({ account, asset, side, amount }, n) => {
    const at = (field: string): InputPath => ['postings', n, field];
    return { account, asset, side, amount, at: { account: at('account'), asset: at('asset'), amount: at('amount') } };
  });

const entryOf = (entry: PostEntryInput): Operation => operationOf('postEntry', entry.kind, entry, linesOfEntry(entry));

/** The nostro that was named, or the one of the book. */
const sidesOf = ({ nostro, account }: PostDepositInput) => ({
  ours: { account: nostro ?? undefined, field: 'nostro' },
  theirs: { account, field: 'account' },
});

const refused = (problems: Problem[]): EntryPayload => ({ entry: null, problems, replayed: false });

@Resolver()
export class CustomerOperationsResolver {
  constructor(private readonly operations: CustomerOperations) {}

  @Mutation(() => EntryPayload, { description: 'Debits the nostro, credits the account.' })
  @RequiresScopes('ledger:post')
  postDeposit(
    @Args('input', { type: () => PostDepositInput }) input: PostDepositInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    const { ours, theirs } = sidesOf(input);
    const { currency, amount } = input.amount;
    return this.book(PostDepositInput, input, principal, () =>
      operationOf('postDeposit', 'DEPOSIT', input, bothSides(ours, theirs, currency, amount, ofCash)),
    );
  }

  @Mutation(() => EntryPayload, { description: 'Debits the account, credits the nostro.' })
  @RequiresScopes('ledger:post')
  postWithdrawal(
    @Args('input', { type: () => PostWithdrawalInput }) input: PostWithdrawalInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    const { ours, theirs } = sidesOf(input);
    const { currency, amount } = input.amount;
    return this.book(PostWithdrawalInput, input, principal, () =>
      operationOf('postWithdrawal', 'WITHDRAWAL', input, bothSides(theirs, ours, currency, amount, ofCash)),
    );
  }

  @Mutation(() => EntryPayload)
  @RequiresScopes('ledger:post')
  postTransfer(
    @Args('input', { type: () => PostTransferInput }) input: PostTransferInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.book(PostTransferInput, input, principal, () => {
      const lines = linesOfTransfer(input);
      return Array.isArray(lines) ? operationOf('postTransfer', 'TRANSFER', input, lines) : lines;
    });
  }

  @Mutation(() => EntryPayload, { description: 'Any entry; debits equal credits in each asset.' })
  @RequiresScopes('ledger:post')
  postEntry(
    @Args('input', { type: () => PostEntryInput }) input: PostEntryInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.book(PostEntryInput, input, principal, () => entryOf(input));
  }

  @Mutation(() => EntriesPayload, {
    description: 'Up to 1,000 entries in one transaction, an answer for each: what is refused stops only its group.',
  })
  @RequiresScopes('ledger:post')
  async postEntries(
    @Args('input', { type: () => PostEntriesInput }) input: PostEntriesInput,
    @CurrentPrincipal() principal: Principal,
  ): Promise<EntriesPayload> {
    const faults = validateItems(PostEntriesInput, 'entries', input);
    if (faults.problems.length > 0) return { items: [], problems: [...faults.problems] };
    const faultyGroups = new Set([...faults.ofItems.keys()].map((n) => input.entries[n]?.group));
    const linked = input.entries.flatMap(({ group }, n): [number, Problem[]][] =>
      group && faultyGroups.has(group) && !faults.ofItems.has(n) ? [[n, [linkedToRefused()]]] : [],
    );
    const items = await answerItems<PostEntryInput, EntryPayload>(
      input.entries,
      { ...faults, ofItems: new Map([...faults.ofItems, ...linked]) },
      (sound) => this.operations.book({ operations: sound.map(entryOf), principal }),
      refused,
    );
    return { items: atItems('entries', items), problems: [] };
  }

  private async book<Input extends object>(
    type: Type<Input>,
    input: Input,
    principal: Principal,
    read: () => Operation | Problem,
  ): Promise<EntryPayload> {
    const problems = validateInput(type, input);
    if (problems.length > 0) return refused(problems);
    const operation = read();
    if (!('lines' in operation)) return refused([operation]);
    const [answer] = await this.operations.book({ operations: [operation], principal });
    return answer ?? refused([]);
  }
}
