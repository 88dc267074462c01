import { type Type } from '@nestjs/common';
import { Args, Mutation, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { AuditTrail } from '#libs/audit/index.js';
import { CurrentPrincipal, type Principal, booksOf } from '#libs/auth/index.js';
import { type Service } from '#libs/contracts/index.js';
import { Transactions, type Tx } from '#libs/database/index.js';
import {
  ConnectionArgs,
  GraphqlContext,
  keyset,
  keysetPage,
  Operation,
  ReadTx,
  RequiresScopes,
  validateInput,
} from '#libs/graphql/index.js';
import { Idempotency } from '#libs/idempotency/index.js';
import { type Problem, problem } from '#libs/kernel/index.js';
import { currencyExponent, formatDecimal } from '#libs/money/index.js';
import {
  AssignWorkItemInput,
  CloseWorkItemInput,
  EscalateWorkItemInput,
  SnoozeWorkItemInput,
  WorkItemChangeType,
  WorkItemConnection,
  WorkItemFilterInput,
  WorkItemPayload,
  WorkItemType,
} from './work-item.graphql.js';
import { endingWithTheirObject, type WorkItemChangeRow, type WorkItemRow, WorkItems } from './work-items.js';

type Kept = { workItemId: string | null; problems: Problem[] };

/** The fields a service adds for its work items: their names start with the service's, so that three subgraphs compose. */
export function workItemResolver(service: Service): Type {
  const named = service.charAt(0).toUpperCase() + service.slice(1);

  const toType = (row: WorkItemRow): WorkItemType => ({
    ...row,
    id: row.workItemId,
    service,
    book: row.bookId,
    valueAtRisk:
      row.valueMinor === null || row.valueCurrency === null
        ? null
        : {
            amount: formatDecimal(BigInt(row.valueMinor), currencyExponent(row.valueCurrency)),
            currency: row.valueCurrency,
          },
    history: [],
  });

  @Resolver(() => WorkItemType)
  class WorkItemResolver {
    constructor(
      private readonly workItems: WorkItems,
      private readonly idempotency: Idempotency,
      private readonly audit: AuditTrail,
      private readonly transactions: Transactions,
    ) {}

    @Query(() => WorkItemConnection, {
      name: `${service}WorkItems`,
      description: 'By due time; open and snoozed ones unless a state is asked for.',
    })
    @RequiresScopes('work:read')
    async list(
      @Args() page: ConnectionArgs,
      @Args('filter', { type: () => WorkItemFilterInput, nullable: true }) filter: WorkItemFilterInput | null,
      @ReadTx() tx: Tx,
    ): Promise<WorkItemConnection> {
      const cursor = keyset<WorkItemRow>({ list: `${service}WorkItems`, filter }, (row) => [
        row.dueAtExact,
        row.workItemId,
      ]);
      const rows = await this.workItems.list(tx, filter ?? {}, page.first, cursor.after(page.after));
      return keysetPage(rows, page.first, cursor.cursorOf, toType);
    }

    @ResolveField('history', () => [WorkItemChangeType])
    async history(@Parent() item: WorkItemType, @Operation() operation: GraphqlContext): Promise<WorkItemChangeRow[]> {
      const changes = operation.loader<string, WorkItemChangeRow[]>('work-item-history', (ids, tx) =>
        this.workItems.history(tx, ids),
      );
      return (await changes.load(item.id)) ?? [];
    }

    @Mutation(() => WorkItemPayload, { name: `close${named}WorkItem` })
    @RequiresScopes('work:operate')
    close(
      @Args('input', { type: () => CloseWorkItemInput }) input: CloseWorkItemInput,
      @CurrentPrincipal() principal: Principal,
    ) {
      return this.change('close', CloseWorkItemInput, input, principal, async (tx) => {
        const item = await this.workItems.find(tx, input.id);
        if (item && item.state !== 'CLOSED' && endingWithTheirObject.has(item.category)) {
          const what = `${item.objectKind.toLowerCase()} ${item.reference}`;
          return problem('WORK_ITEM_ENDS_WITH_ITS_OBJECT', `it ends with what is decided on ${what}`, ['id']);
        }
        return this.workItems.closeById(tx, input.id, input.reason, principal.subject);
      });
    }

    @Mutation(() => WorkItemPayload, { name: `assign${named}WorkItem` })
    @RequiresScopes('work:operate')
    assign(
      @Args('input', { type: () => AssignWorkItemInput }) input: AssignWorkItemInput,
      @CurrentPrincipal() principal: Principal,
    ) {
      return this.change('assign', AssignWorkItemInput, input, principal, (tx) =>
        this.workItems.assign(tx, input.id, input.assignee, input.reason, principal.subject),
      );
    }

    @Mutation(() => WorkItemPayload, { name: `snooze${named}WorkItem` })
    @RequiresScopes('work:operate')
    snooze(
      @Args('input', { type: () => SnoozeWorkItemInput }) input: SnoozeWorkItemInput,
      @CurrentPrincipal() principal: Principal,
    ) {
      return this.change('snooze', SnoozeWorkItemInput, input, principal, async (tx) => {
        const clock = await tx.row<{ now: Date }>('SELECT kernel.now() AS now');
        if (clock && input.until <= clock.now) {
          return problem('SNOOZE_NOT_AHEAD', 'the time until which it is snoozed has passed', ['until']);
        }
        return this.workItems.snooze(tx, input.id, input.until, input.reason, principal.subject);
      });
    }

    @Mutation(() => WorkItemPayload, { name: `escalate${named}WorkItem` })
    @RequiresScopes('work:operate')
    escalate(
      @Args('input', { type: () => EscalateWorkItemInput }) input: EscalateWorkItemInput,
      @CurrentPrincipal() principal: Principal,
    ) {
      return this.change('escalate', EscalateWorkItemInput, input, principal, (tx) =>
        this.workItems.escalate(tx, input.id, input.toTeam, input.reason, principal.subject),
      );
    }

    private async change<Input extends { id: string; reason: string; idempotencyKey: string }>(
      action: string,
      type: Type<Input>,
      input: Input,
      principal: Principal,
      work: (tx: Tx) => Promise<boolean | Problem>,
    ): Promise<WorkItemPayload> {
      const faults = validateInput(type, input);
      if (faults.length > 0) return { workItem: null, problems: faults, replayed: false };
      return this.transactions.run(
        async (tx) => {
          const call = {
            client: principal.subject,
            key: input.idempotencyKey,
            operation: `${action}${named}WorkItem`,
            input,
          };
          const answer = await this.idempotency.run(tx, call, async (): Promise<Kept> => {
            const before = await this.workItems.find(tx, input.id);
            const done = before ? await work(tx) : false;
            if (done === true && before) {
              await this.record(tx, `work-item.${action}`, before, input.reason, principal);
              return { workItemId: input.id, problems: [] };
            }
            if (typeof done === 'object') return { workItemId: null, problems: [done] };
            const refusal = before
              ? problem('WORK_ITEM_CLOSED', 'it is closed', ['id'])
              : problem('NOT_FOUND', 'no such work item', ['id']);
            return { workItemId: null, problems: [refusal] };
          });
          const row = answer.workItemId ? await this.workItems.find(tx, answer.workItemId) : undefined;
          return { workItem: row ? toType(row) : null, problems: answer.problems, replayed: answer.replayed };
        },
        { books: booksOf(principal) },
      );
    }

    private async record(
      tx: Tx,
      action: string,
      before: WorkItemRow,
      reason: string,
      principal: Principal,
    ): Promise<void> {
      const told = ({ state, ownerTeam, assignee, snoozedUntil, escalationLevel }: WorkItemRow) => ({
        state,
        ownerTeam,
        assignee,
        snoozedUntil: snoozedUntil?.toISOString() ?? null,
        escalationLevel,
      });
      const after = await this.workItems.find(tx, before.workItemId);
      await this.audit.append(tx, {
        action,
        objectKind: 'WorkItem',
        objectId: before.workItemId,
        bookId: before.bookId,
        principal,
        reason,
        before: told(before),
        after: told(after ?? before),
      });
    }
  }
  return WorkItemResolver;
}
