import { Optional, type Type } from '@nestjs/common';
import { Args, ID, Int, Mutation, Parent, Query, ResolveField, Resolver, Subscription } from '@nestjs/graphql';
import { AuditTrail } from '#libs/audit/index.js';
import { CurrentPrincipal, type Principal } from '#libs/auth/index.js';
import { type Service } from '#libs/contracts/index.js';
import { Transactions, type Tx } from '#libs/database/index.js';
import { ConnectionArgs, keyset, keysetPage, ReadTx, RequiresScopes, validateInput } from '#libs/graphql/index.js';
import { problem } from '#libs/kernel/index.js';
import { type DeadLetterEnd, DeadLetterSink, messageIdOf } from './dead-letter.js';
import {
  ChangeJobInput,
  ChangeQueueInput,
  JobAttemptType,
  JobFailureGroupType,
  JobQueuePayload,
  JobQueueType,
  JobRunConnection,
  JobRunFilterInput,
  JobRunPayload,
  JobRunType,
} from './job-run.graphql.js';
import { type JobChange, type JobRunRow, JobRuns } from './job-runs.js';
import { watchJob } from './watch-job.js';

const toType = (row: JobRunRow): JobRunType => ({ ...row, attempts: [] });
const failureGroupsMost = 100;

/** The fields a service adds for its jobs; their names carry the service's, so that three subgraphs compose. */
export function jobRunResolver(service: Service): Type {
  const named = service.charAt(0).toUpperCase() + service.slice(1);

  @Resolver(() => JobRunType)
  class JobRunResolver {
    constructor(
      private readonly jobRuns: JobRuns,
      private readonly transactions: Transactions,
      private readonly audit: AuditTrail,
      @Optional() private readonly deadLetters?: DeadLetterSink,
    ) {}

    @Query(() => JobRunConnection, { name: `${service}JobRuns`, description: 'Newest first.' })
    @RequiresScopes('jobs:read')
    async list(
      @Args() page: ConnectionArgs,
      @Args('filter', { type: () => JobRunFilterInput, nullable: true }) filter: JobRunFilterInput | null,
      @ReadTx() tx: Tx,
    ): Promise<JobRunConnection> {
      const cursor = keyset<JobRunRow>({ list: `${service}JobRuns`, filter }, (row) => [row.sequence]);
      const rows = await this.jobRuns.list(tx, filter ?? {}, page.first + 1, cursor.after(page.after)?.[0] ?? null);
      return keysetPage(rows, page.first, cursor.cursorOf, toType);
    }

    @Query(() => JobRunType, { name: `${service}JobRun`, nullable: true })
    @RequiresScopes('jobs:read')
    async one(@Args('id', { type: () => ID }) id: string, @ReadTx() tx: Tx): Promise<JobRunType | null> {
      const row = await this.jobRuns.find(tx, id);
      return row ? toType(row) : null;
    }

    @Query(() => [JobFailureGroupType], { name: `${service}JobFailureGroups`, description: 'Largest first.' })
    @RequiresScopes('jobs:read')
    failureGroups(
      @Args('first', { type: () => Int, defaultValue: 50 }) first: number,
      @ReadTx() tx: Tx,
    ): Promise<JobFailureGroupType[]> {
      return this.jobRuns.failureGroups(tx, Math.min(Math.max(first, 1), failureGroupsMost));
    }

    @Query(() => [JobQueueType], { name: `${service}JobQueues` })
    @RequiresScopes('jobs:read')
    queues(@ReadTx() tx: Tx): Promise<JobQueueType[]> {
      return this.jobRuns.queues(tx);
    }

    @ResolveField('attempts', () => [JobAttemptType])
    attempts(@Parent() run: JobRunType, @ReadTx() tx: Tx): Promise<JobAttemptType[]> {
      return this.jobRuns.attempts(tx, run.id);
    }

    @Mutation(() => JobRunPayload, {
      name: `retry${named}Job`,
      description: 'A failed job, or one that waits for its next attempt, starts afresh from its checkpoint.',
    })
    @RequiresScopes('jobs:operate')
    retry(
      @Args('input', { type: () => ChangeJobInput }) input: ChangeJobInput,
      @CurrentPrincipal() principal: Principal,
    ): Promise<JobRunPayload> {
      return this.changeJob('RETRIED', input, principal, (tx) => this.jobRuns.retry(tx, input.id));
    }

    @Mutation(() => JobRunPayload, {
      name: `discard${named}Job`,
      description: 'The job is not run again; what its finished steps did stays.',
    })
    @RequiresScopes('jobs:operate')
    discard(
      @Args('input', { type: () => ChangeJobInput }) input: ChangeJobInput,
      @CurrentPrincipal() principal: Principal,
    ): Promise<JobRunPayload> {
      return this.changeJob('DISCARDED', input, principal, (tx) => this.jobRuns.discard(tx, input.id));
    }

    @Mutation(() => JobQueuePayload, {
      name: `pause${named}Queue`,
      description: 'Messages are accepted and wait; jobs that run go on.',
    })
    @RequiresScopes('jobs:operate')
    pause(
      @Args('input', { type: () => ChangeQueueInput }) input: ChangeQueueInput,
      @CurrentPrincipal() principal: Principal,
    ): Promise<JobQueuePayload> {
      return this.changeQueue('QUEUE_PAUSED', input, principal, (tx) =>
        this.jobRuns.pause(tx, input.queue, input.reason, principal.subject),
      );
    }

    @Mutation(() => JobQueuePayload, { name: `resume${named}Queue` })
    @RequiresScopes('jobs:operate')
    resume(
      @Args('input', { type: () => ChangeQueueInput }) input: ChangeQueueInput,
      @CurrentPrincipal() principal: Principal,
    ): Promise<JobQueuePayload> {
      return this.changeQueue('QUEUE_RESUMED', input, principal, (tx) => this.jobRuns.resume(tx, input.queue));
    }

    @Subscription(() => JobRunType, {
      name: `${service}JobProgress`,
      resolve: (run: JobRunType) => run,
      description: 'The job whenever it changes, until it has ended.',
    })
    @RequiresScopes('jobs:read')
    progress(@Args('id', { type: () => ID }) id: string): AsyncIterableIterator<JobRunType> {
      return watchJob(async () => {
        const row = await this.transactions.run((tx) => this.jobRuns.find(tx, id), { readOnly: true });
        return row ? { run: toType(row), changedAt: row.updatedAt } : undefined;
      });
    }

    private async changeJob(
      how: DeadLetterEnd['how'],
      input: ChangeJobInput,
      principal: Principal,
      work: (tx: Tx) => Promise<JobChange | undefined>,
    ): Promise<JobRunPayload> {
      const faults = validateInput(ChangeJobInput, input);
      if (faults.length > 0) return { jobRun: null, problems: faults };
      return this.transactions.run(async (tx) => {
        const change = await work(tx);
        const row = await this.jobRuns.find(tx, input.id);
        if (change === undefined) {
          const refusal = row
            ? problem('JOB_STATE', `the job is ${row.state}`, ['id'])
            : problem('NOT_FOUND', 'no such job', ['id']);
          return { jobRun: row ? toType(row) : null, problems: [refusal] };
        }
        if (row) {
          await this.deadLetters?.ended(tx, {
            messageId: messageIdOf(row.sequence),
            how,
            reason: input.reason,
            by: principal.subject,
          });
        }
        await this.audit.append(tx, {
          action: `JOB_${how}`,
          objectKind: 'JOB_RUN',
          objectId: input.id,
          principal,
          reason: input.reason,
          before: change.before,
          after: change.after,
        });
        return { jobRun: row ? toType(row) : null, problems: [] };
      });
    }

    private async changeQueue(
      action: string,
      input: ChangeQueueInput,
      principal: Principal,
      work: (tx: Tx) => Promise<boolean>,
    ): Promise<JobQueuePayload> {
      const faults = validateInput(ChangeQueueInput, input);
      if (faults.length > 0) return { queue: null, problems: faults };
      return this.transactions.run(async (tx) => {
        const hasChanged = await work(tx);
        if (hasChanged) {
          const isPaused = action === 'QUEUE_PAUSED';
          await this.audit.append(tx, {
            action,
            objectKind: 'QUEUE',
            objectId: `${service}-${input.queue}`,
            principal,
            reason: input.reason,
            before: { isPaused: !isPaused },
            after: { isPaused },
          });
        }
        const queue = (await this.jobRuns.queues(tx)).find((one) => one.name === input.queue) ?? null;
        return { queue, problems: [] };
      });
    }
  }
  return JobRunResolver;
}
