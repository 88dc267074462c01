import { Args, Mutation, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { CurrentPrincipal, type Principal } from '#libs/auth/index.js';
import { type Tx } from '#libs/database/index.js';
import {
  ConnectionArgs,
  DateScalar,
  GraphqlContext,
  keyset,
  keysetPage,
  Operation,
  ReadTx,
  RequiresScopes,
  validateInput,
} from '#libs/graphql/index.js';
import { problem } from '#libs/kernel/index.js';
import { Mutations } from '../mutations.js';
import { termsOfBook } from './books.js';
import {
  BusinessDayConnection,
  BusinessDayPayload,
  BusinessDayType,
  ExtendCutOffInput,
  ExtendCutOffPayload,
  OpenBusinessDayInput,
  PhaseRunPayload,
  PhaseRunType,
  RunBusinessDayPhaseInput,
} from './business-days.graphql.js';
import { BusinessDaysRepository, type DayRow, type PhaseRunRow } from './business-days.repository.js';
import { BusinessDays } from './business-days.service.js';

const idOf = (row: { book: string; businessDate: string }) => `${row.book}/${row.businessDate}`;
const toDay = (row: DayRow): BusinessDayType => ({ ...row, id: idOf(row), ...termsOfBook(row.book) });
const toRun = (row: PhaseRunRow): PhaseRunType => ({
  ...row,
  id: row.phaseRunId,
  problems: row.problems.map(({ code, message }) => problem(code, message)),
});
const unseen = [problem('BOOK_NOT_FOUND', 'There is no such book', ['book'])];

@Resolver(() => BusinessDayType)
export class BusinessDaysResolver {
  constructor(
    private readonly days: BusinessDaysRepository,
    private readonly businessDays: BusinessDays,
    private readonly mutations: Mutations,
  ) {}

  @Query(() => BusinessDayType, {
    nullable: true,
    description: 'The given day; without a date the one being worked, or the last one.',
  })
  @RequiresScopes('days:read')
  async businessDay(
    @Args('book', { type: () => String }) book: string,
    @Args('businessDate', { type: () => DateScalar, nullable: true }) businessDate: string | null,
    @ReadTx() tx: Tx,
  ): Promise<BusinessDayType | null> {
    const row = businessDate ? await this.days.day(tx, book, businessDate) : await this.days.latestWorked(tx, book);
    return row ? toDay(row) : null;
  }

  @Query(() => BusinessDayConnection, { name: 'businessDays', description: 'The newest first.' })
  @RequiresScopes('days:read')
  async list(
    @Args() page: ConnectionArgs,
    @Args('book', { type: () => String, nullable: true }) book: string | null,
    @ReadTx() tx: Tx,
  ): Promise<BusinessDayConnection> {
    const cursor = keyset<DayRow>({ list: 'businessDays', book }, (row) => [row.businessDate, row.book]);
    const rows = await this.days.list(tx, book ?? null, page.first, cursor.after(page.after));
    return keysetPage(rows, page.first, cursor.cursorOf, toDay);
  }

  @ResolveField(() => [PhaseRunType], { description: 'In the order they were asked for.' })
  async phaseRuns(@Parent() day: BusinessDayType, @Operation() operation: GraphqlContext): Promise<PhaseRunType[]> {
    const runs = operation.loader<string, PhaseRunType[]>('phase-runs', async (ids, tx) => {
      const keys = ids.map((id) => ({
        book: id.slice(0, id.indexOf('/')),
        businessDate: id.slice(id.indexOf('/') + 1),
      }));
      const found = new Map<string, PhaseRunType[]>();
      for (const row of await this.days.runs(tx, keys))
        found.set(idOf(row), [...(found.get(idOf(row)) ?? []), toRun(row)]);
      return found;
    });
    return (await runs.load(day.id)) ?? [];
  }

  @Mutation(() => BusinessDayPayload, {
    description: 'Opens a date for booking. The first one needs a cut-over signed by two people.',
  })
  @RequiresScopes('days:operate')
  async openBusinessDay(
    @Args('input', { type: () => OpenBusinessDayInput }) input: OpenBusinessDayInput,
    @CurrentPrincipal() principal: Principal,
  ): Promise<BusinessDayPayload> {
    const faults = validateInput(OpenBusinessDayInput, input);
    if (faults.length > 0) return { businessDay: null, problems: faults };
    if (!this.mutations.seesBook(principal, input.book)) return { businessDay: null, problems: unseen };
    return this.mutations.plain(principal, async (tx) => {
      const { day, problems } = await this.businessDays.open(tx, input.book, input.businessDate, principal.subject);
      return { businessDay: day ? toDay(day) : null, problems: [...problems] };
    });
  }

  @Mutation(() => ExtendCutOffPayload, {
    description: 'Puts the cut-off of an open date off: its phase, and all that follow, start no earlier.',
  })
  @RequiresScopes('days:operate')
  extendCutOff(
    @Args('input', { type: () => ExtendCutOffInput }) input: ExtendCutOffInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'extendCutOff',
      ExtendCutOffInput,
      input,
      principal,
      async (tx): Promise<ExtendCutOffPayload> => {
        if (!this.mutations.seesBook(principal, input.book)) return this.mutations.faulty(unseen);
        const { day, problems } = await this.businessDays.extendCutOff(tx, input, principal.subject);
        return { businessDay: day ? toDay(day) : null, problems: [...problems], replayed: false };
      },
    );
  }

  @Mutation(() => PhaseRunPayload, {
    description: 'Asks for the next phase of the day; it starts when every service has heard all that came before.',
  })
  @RequiresScopes('days:operate')
  async runBusinessDayPhase(
    @Args('input', { type: () => RunBusinessDayPhaseInput }) input: RunBusinessDayPhaseInput,
    @CurrentPrincipal() principal: Principal,
  ): Promise<PhaseRunPayload> {
    const faults = validateInput(RunBusinessDayPhaseInput, input);
    if (faults.length > 0) return { phaseRun: null, problems: faults };
    if (!this.mutations.seesBook(principal, input.book)) return { phaseRun: null, problems: unseen };
    return this.mutations.plain(principal, async (tx) => {
      const { run, problems } = await this.businessDays.requestPhase(tx, input, principal.subject);
      return { phaseRun: run ? toRun(run) : null, problems: [...problems] };
    });
  }
}
