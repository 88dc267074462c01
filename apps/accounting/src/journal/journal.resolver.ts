import { Args, Mutation, Parent, Query, ResolveField, ResolveReference, Resolver } from '@nestjs/graphql';
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
import { accountLoader } from '../accounts/account-types.js';
import { accountIdOf } from '../accounts/accounts.js';
import { AccountType } from '../accounts/accounts.graphql.js';
import { Accounts } from '../accounts/accounts.service.js';
import { Mutations } from '../mutations.js';
import { entryLoader, postingsLoader, toEntry } from './journal-types.js';
import {
  JournalEntryConnection,
  JournalEntryFilterInput,
  JournalEntryType,
  LedgerSummaryType,
  PostingResultCodeType,
  PostingType,
  ProposeReversalInput,
  ReversalPayload,
  ReversalType,
} from './journal.graphql.js';
import { type EntryRow, JournalRepository } from './journal.repository.js';
import { resultCodes } from './posting.js';
import { Reversals } from './reversals.service.js';

@Resolver(() => JournalEntryType)
export class JournalResolver {
  constructor(
    private readonly journal: JournalRepository,
    private readonly reversals: Reversals,
    private readonly mutations: Mutations,
  ) {}

  @Query(() => JournalEntryType, { nullable: true })
  @RequiresScopes('ledger:read')
  async journalEntry(
    @Args('id', { type: () => String }) id: string,
    @ReadTx() tx: Tx,
  ): Promise<JournalEntryType | null> {
    const row = await this.journal.entry(tx, id);
    return row ? toEntry(row) : null;
  }

  @Query(() => JournalEntryConnection, { description: 'The newest first.' })
  @RequiresScopes('ledger:read')
  async journalEntries(
    @Args() page: ConnectionArgs,
    @Args('filter', { type: () => JournalEntryFilterInput, nullable: true }) filter: JournalEntryFilterInput | null,
    @ReadTx() tx: Tx,
  ): Promise<JournalEntryConnection> {
    const cursor = keyset<EntryRow>({ list: 'journalEntries', filter }, (row) => [row.sequence]);
    const rows = await this.journal.list(tx, filter ?? {}, page.first, cursor.after(page.after));
    return keysetPage(rows, page.first, cursor.cursorOf, toEntry);
  }

  @Query(() => LedgerSummaryType, { description: 'Over the books that the caller sees.' })
  @RequiresScopes('ledger:read')
  async ledgerSummary(@ReadTx() tx: Tx): Promise<LedgerSummaryType> {
    const { entries, postings, sums } = await this.journal.summary(tx);
    return { entries: Number(entries), postings: Number(postings), sums };
  }

  @Query(() => [PostingResultCodeType], {
    description: 'Why a posting may be refused: the first that applies is the answer.',
  })
  @RequiresScopes('ledger:read')
  postingResultCodes(): PostingResultCodeType[] {
    return resultCodes.map(({ code, meaning }) => ({ code, meaning }));
  }

  @ResolveReference()
  async resolveReference(
    @Parent() reference: { id: string },
    @Operation() operation: GraphqlContext,
  ): Promise<JournalEntryType | null> {
    return entryLoader(operation, this.journal).load(reference.id);
  }

  @ResolveField(() => [PostingType])
  async postings(@Parent() entry: JournalEntryType, @Operation() operation: GraphqlContext): Promise<PostingType[]> {
    return (await postingsLoader(operation, this.journal).load(entry.id)) ?? [];
  }

  @ResolveField(() => JournalEntryType, { nullable: true })
  async reverses(
    @Parent() entry: JournalEntryType,
    @Operation() operation: GraphqlContext,
  ): Promise<JournalEntryType | null> {
    return entry.reversesEntryId === null ? null : entryLoader(operation, this.journal).load(entry.reversesEntryId);
  }

  @ResolveField(() => JournalEntryType, { nullable: true })
  async reversedBy(
    @Parent() entry: JournalEntryType,
    @Operation() operation: GraphqlContext,
  ): Promise<JournalEntryType | null> {
    return entry.reversedByEntryId === null ? null : entryLoader(operation, this.journal).load(entry.reversedByEntryId);
  }

  @ResolveField(() => [JournalEntryType], { description: 'The entries that took parts of it back.' })
  async reversedInParts(
    @Parent() entry: JournalEntryType,
    @Operation() operation: GraphqlContext,
  ): Promise<JournalEntryType[]> {
    const loader = entryLoader(operation, this.journal);
    const parts = await Promise.all(entry.partEntryIds.map((id) => loader.load(id)));
    return parts.filter((part) => part !== null);
  }

  @Query(() => ReversalType, { nullable: true })
  @RequiresScopes('ledger:read')
  async reversal(@Args('id', { type: () => String }) id: string, @ReadTx() tx: Tx): Promise<ReversalType | null> {
    const row = await this.reversals.find(tx, id);
    return row ? { ...row, id } : null;
  }

  @Mutation(() => ReversalPayload, {
    description: 'Asks a second person to agree to a reversal by hand; it is booked when that person has.',
  })
  @RequiresScopes('ledger:post')
  proposeReversal(
    @Args('input', { type: () => ProposeReversalInput }) input: ProposeReversalInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'proposeReversal',
      ProposeReversalInput,
      input,
      principal,
      async (tx): Promise<ReversalPayload> => {
        const { reversal, problems, isFaultOfInput } = await this.reversals.propose(tx, input, principal.subject);
        if (isFaultOfInput) return this.mutations.faulty(problems);
        return { change: reversal ? { ...reversal, id: reversal.approvalId } : null, problems, replayed: false };
      },
    );
  }
}

@Resolver(() => PostingType)
export class PostingsResolver {
  constructor(private readonly accounts: Accounts) {}

  @ResolveField(() => AccountType, { nullable: true })
  async account(@Parent() posting: PostingType, @Operation() operation: GraphqlContext): Promise<AccountType | null> {
    return accountLoader(operation, this.accounts).load(accountIdOf(posting.book, posting.accountNumber));
  }
}

@Resolver(() => ReversalType)
export class ReversalsResolver {
  constructor(private readonly journal: JournalRepository) {}

  @ResolveField(() => JournalEntryType, { nullable: true })
  async entry(
    @Parent() reversal: ReversalType,
    @Operation() operation: GraphqlContext,
  ): Promise<JournalEntryType | null> {
    return entryLoader(operation, this.journal).load(reversal.entryId);
  }

  @ResolveField(() => JournalEntryType, { nullable: true })
  async reversingEntry(
    @Parent() reversal: ReversalType,
    @Operation() operation: GraphqlContext,
  ): Promise<JournalEntryType | null> {
    return reversal.reversingEntryId === null
      ? null
      : entryLoader(operation, this.journal).load(reversal.reversingEntryId);
  }
}
