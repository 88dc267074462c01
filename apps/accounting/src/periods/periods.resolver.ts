import { Args, Mutation, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { CurrentPrincipal, type Principal } from '#libs/auth/index.js';
import { type Tx } from '#libs/database/index.js';
import { GraphqlContext, Operation, ReadTx, RequiresScopes } from '#libs/graphql/index.js';
import { JournalEntryType } from '../journal/journal.graphql.js';
import { Mutations } from '../mutations.js';
import {
  AccountingDateType,
  ClosePeriodInput,
  PeriodChangeType,
  PeriodPayload,
  PeriodType,
  ProposePeriodReopeningInput,
  ReopeningPayload,
  ReopeningType,
} from './periods.graphql.js';
import { type PeriodRow } from './periods.js';
import { type AccountingDateRow, PeriodsRepository } from './periods.repository.js';
import { noPeriod, Periods } from './periods.service.js';
import { Reopenings } from './reopenings.service.js';

const idOf = ({ book, period }: { book: string; period: string }): string => `${book}/${period}`;
export const toPeriod = (row: PeriodRow): PeriodType => ({ ...row, id: idOf(row) });

@Resolver(() => PeriodType)
export class PeriodsResolver {
  constructor(
    private readonly periods: Periods,
    private readonly repository: PeriodsRepository,
    private readonly reopenings: Reopenings,
    private readonly mutations: Mutations,
  ) {}

  @Query(() => [PeriodType], { name: 'periods', description: 'Of a book, the newest first.' })
  @RequiresScopes('ledger:read')
  async list(@Args('book', { type: () => String }) book: string, @ReadTx() tx: Tx): Promise<PeriodType[]> {
    return (await this.repository.list(tx, book)).map(toPeriod);
  }

  @Query(() => PeriodType, { nullable: true })
  @RequiresScopes('ledger:read')
  async period(
    @Args('book', { type: () => String }) book: string,
    @Args('period', { type: () => String }) period: string,
    @ReadTx() tx: Tx,
  ): Promise<PeriodType | null> {
    const row = await this.repository.find(tx, book, period);
    return row ? toPeriod(row) : null;
  }

  @Query(() => ReopeningType, { nullable: true })
  @RequiresScopes('ledger:read')
  async periodReopening(
    @Args('id', { type: () => String }) id: string,
    @ReadTx() tx: Tx,
  ): Promise<ReopeningType | null> {
    const row = await this.repository.reopening(tx, id);
    return row ? { ...row, id } : null;
  }

  @ResolveField(() => [PeriodChangeType], { description: 'In the order of its versions.' })
  async changes(@Parent() { id }: PeriodType, @Operation() operation: GraphqlContext): Promise<PeriodChangeType[]> {
    const loader = operation.loader<string, PeriodChangeType[]>('period-changes', async (ids, tx) => {
      const keys = ids.map((one) => {
        const [book = '', period = ''] = one.split('/');
        return { book, period };
      });
      const found = new Map<string, PeriodChangeType[]>();
      for (const row of await this.repository.changes(tx, keys))
        found.set(idOf(row), [...(found.get(idOf(row)) ?? []), row]);
      return found;
    });
    return (await loader.load(id)) ?? [];
  }

  @Mutation(() => PeriodPayload, {
    description: 'The dates of the period are over; from now on only who posts by hand adjusts it.',
  })
  @RequiresScopes('ledger:post')
  softClosePeriod(
    @Args('input', { type: () => ClosePeriodInput }) input: ClosePeriodInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.close('softClosePeriod', input, principal);
  }

  @Mutation(() => PeriodPayload, {
    description: 'Nothing comes into the period any more; its trial balance is kept as a hash.',
  })
  @RequiresScopes('ledger:post')
  hardClosePeriod(
    @Args('input', { type: () => ClosePeriodInput }) input: ClosePeriodInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.close('hardClosePeriod', input, principal);
  }

  private close(operation: 'softClosePeriod' | 'hardClosePeriod', input: ClosePeriodInput, principal: Principal) {
    return this.mutations.run(operation, ClosePeriodInput, input, principal, async (tx): Promise<PeriodPayload> => {
      if (!this.mutations.seesBook(principal, input.book))
        return this.mutations.faulty([noPeriod(input.book, input.period)]);
      const { period, problems } =
        operation === 'softClosePeriod'
          ? await this.periods.softClose(tx, input, principal.subject)
          : await this.periods.hardClose(tx, input, principal.subject);
      if (!period) return this.mutations.faulty(problems);
      return { period: toPeriod(period), problems: [], replayed: false };
    });
  }

  @Mutation(() => ReopeningPayload, {
    description: 'Asks a second person to agree that the last closed period is opened again.',
  })
  @RequiresScopes('ledger:post')
  proposePeriodReopening(
    @Args('input', { type: () => ProposePeriodReopeningInput }) input: ProposePeriodReopeningInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'proposePeriodReopening',
      ProposePeriodReopeningInput,
      input,
      principal,
      async (tx): Promise<ReopeningPayload> => {
        const { reopening, problems } = await this.reopenings.propose(tx, input, principal.subject);
        if (!reopening) return this.mutations.faulty(problems);
        return { reopening: { ...reopening, id: reopening.approvalId }, problems: [], replayed: false };
      },
    );
  }
}

/** What the periods add to an entry. */
@Resolver(() => JournalEntryType)
export class EntryAccountingDateResolver {
  constructor(private readonly periods: PeriodsRepository) {}

  @ResolveField('accountingDate', () => AccountingDateType, {
    nullable: true,
    description: 'Where it belongs, when not to its business date.',
  })
  async accountingDateOf(
    @Parent() entry: JournalEntryType,
    @Operation() operation: GraphqlContext,
  ): Promise<AccountingDateType | null> {
    const loader = operation.loader<string, AccountingDateRow>(
      'accounting-date',
      async (ids, tx) => new Map((await this.periods.accountingDates(tx, ids)).map((row) => [row.entryId, row])),
    );
    return loader.load(entry.id);
  }
}
