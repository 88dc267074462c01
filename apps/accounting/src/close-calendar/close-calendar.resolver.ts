import { Args, Mutation, Query, Resolver } from '@nestjs/graphql';
import { CurrentPrincipal, type Principal } from '#libs/auth/index.js';
import { type Tx } from '#libs/database/index.js';
import { ReadTx, RequiresScopes } from '#libs/graphql/index.js';
import { problem } from '#libs/kernel/index.js';
import { Mutations } from '../mutations.js';
import { noPeriod } from '../periods/periods.service.js';
import { type TemplateTask } from './close-calendar.js';
import {
  CloseTaskInput,
  CloseTaskPayload,
  CloseTaskType,
  CloseTemplatePayload,
  type CloseTemplateTaskInput,
  CloseTemplateType,
  StoreCloseTemplateInput,
} from './close-calendar.graphql.js';
import { CloseCalendarRepository } from './close-calendar.repository.js';
import { CloseCalendar } from './close-calendar.service.js';

@Resolver(() => CloseTaskType)
export class CloseCalendarResolver {
  constructor(
    private readonly repository: CloseCalendarRepository,
    private readonly calendar: CloseCalendar,
    private readonly mutations: Mutations,
  ) {}

  @Query(() => CloseTemplateType, { nullable: true, description: 'The newest version; closes under way keep theirs.' })
  @RequiresScopes('ledger:read')
  async closeTemplate(
    @Args('book', { type: () => String }) book: string,
    @ReadTx() tx: Tx,
  ): Promise<CloseTemplateType | null> {
    return (await this.repository.template(tx, book)) ?? null;
  }

  @Query(() => [CloseTaskType], {
    description: 'The close calendar of a period, by due time; empty before its soft close.',
  })
  @RequiresScopes('ledger:read')
  async closeTasks(
    @Args('book', { type: () => String }) book: string,
    @Args('period', { type: () => String }) period: string,
    @ReadTx() tx: Tx,
  ): Promise<CloseTaskType[]> {
    return this.tasksOf(tx, book, period);
  }

  private async tasksOf(tx: Tx, book: string, period: string): Promise<CloseTaskType[]> {
    const changes = await this.repository.changes(tx, book, period);
    return (await this.repository.tasks(tx, book, period)).map((task) => ({
      ...task,
      id: `${book}/${period}/${task.code}`,
      changes: changes.filter(({ code }) => code === task.code),
    }));
  }

  @Mutation(() => CloseTemplatePayload, {
    description: 'The next version: for periods that are soft closed from now on.',
  })
  @RequiresScopes('ledger:post')
  storeCloseTemplate(
    @Args('input', { type: () => StoreCloseTemplateInput }) input: StoreCloseTemplateInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'storeCloseTemplate',
      StoreCloseTemplateInput,
      input,
      principal,
      async (tx): Promise<CloseTemplatePayload> => {
        if (!this.mutations.seesBook(principal, input.book))
          return this.mutations.faulty([problem('BOOK_NOT_FOUND', `There is no book ${input.book}`, ['book'])]);
        const { book, reason } = input;
        const tasks = input.tasks.map(taskOf);
        const { version, problems } = await this.calendar.storeTemplate(tx, { book, reason, tasks }, principal.subject);
        if (version === undefined) return this.mutations.faulty(problems);
        return { template: (await this.repository.template(tx, input.book)) ?? null, problems, replayed: false };
      },
    );
  }

  @Mutation(() => CloseTaskPayload, { description: 'Done, with what shows it; for another person to sign off.' })
  @RequiresScopes('ledger:post')
  prepareCloseTask(
    @Args('input', { type: () => CloseTaskInput }) input: CloseTaskInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.step('prepareCloseTask', input, principal);
  }

  @Mutation(() => CloseTaskPayload, { description: 'Signed off by its owner.' })
  @RequiresScopes('ledger:post')
  signOffCloseTask(
    @Args('input', { type: () => CloseTaskInput }) input: CloseTaskInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.step('signOffCloseTask', input, principal);
  }

  private step(operation: 'prepareCloseTask' | 'signOffCloseTask', input: CloseTaskInput, principal: Principal) {
    return this.mutations.run(operation, CloseTaskInput, input, principal, async (tx): Promise<CloseTaskPayload> => {
      if (!this.mutations.seesBook(principal, input.book))
        return this.mutations.faulty([noPeriod(input.book, input.period)]);
      const step = operation === 'prepareCloseTask' ? 'PREPARE' : 'SIGN_OFF';
      const { task, problems } = await this.calendar.step(tx, input, step, principal.subject);
      if (!task) return this.mutations.faulty(problems);
      const shown = (await this.tasksOf(tx, input.book, input.period)).find(({ code }) => code === task.code);
      return { task: shown ?? null, problems: [], replayed: false };
    });
  }
}

const taskOf = (given: CloseTemplateTaskInput): TemplateTask => {
  const { code, name, check = null, appliesTo, ownerTeam, owner = null, dueDay, dependsOn } = given;
  const { isMandatory, needsEvidence, needsReview } = given;
  return { code, name, check, appliesTo, ownerTeam, owner, dueDay, dependsOn, isMandatory, needsEvidence, needsReview };
};
