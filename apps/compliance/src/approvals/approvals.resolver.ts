import { Args, ID, Mutation, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
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
import { Mutations } from '../mutations.js';
import { ApprovalDecisions } from './approval-decisions.service.js';
import {
  ApprovalAttemptType,
  ApprovalConnection,
  ApprovalFilterInput,
  ApprovalPayload,
  ApprovalType,
  DecideApprovalInput,
  toApprovalType,
  WithdrawApprovalInput,
} from './approvals.graphql.js';
import { ApprovalsRepository, type ApprovalRow } from './approvals.repository.js';
import { Approvals, type DecisionAnswer } from './approvals.service.js';

const outcomeOf = ({ approval, problems }: DecisionAnswer) => ({
  id: approval?.approvalId,
  problems,
  isForgotten: !approval,
});

@Resolver(() => ApprovalType)
export class ApprovalsResolver {
  constructor(
    private readonly approvals: Approvals,
    private readonly decisions: ApprovalDecisions,
    private readonly repository: ApprovalsRepository,
    private readonly mutations: Mutations,
  ) {}

  @Query(() => ApprovalType, { nullable: true })
  @RequiresScopes('approvals:read')
  async approval(@Args('id', { type: () => ID }) id: string, @ReadTx() tx: Tx): Promise<ApprovalType | null> {
    return this.read(tx, id);
  }

  @Query(() => ApprovalConnection, { name: 'approvals', description: 'Newest first.' })
  @RequiresScopes('approvals:read')
  async list(
    @Args() page: ConnectionArgs,
    @Args('filter', { type: () => ApprovalFilterInput, nullable: true }) filter: ApprovalFilterInput | null,
    @ReadTx() tx: Tx,
  ): Promise<ApprovalConnection> {
    const cursor = keyset<ApprovalRow>({ list: 'approvals', filter }, (row) => [row.sequence]);
    const rows = await this.repository.list(
      tx,
      filter ?? {},
      page.first + 1,
      cursor.after(page.after)?.[0] ?? undefined,
    );
    return keysetPage(rows, page.first, cursor.cursorOf, toApprovalType);
  }

  @ResolveField('attempts', () => [ApprovalAttemptType], { description: 'Decisions that were refused, oldest first.' })
  @RequiresScopes('approvals:read')
  async attempts(
    @Parent() approval: ApprovalType,
    @Operation() operation: GraphqlContext,
  ): Promise<ApprovalAttemptType[]> {
    const loader = operation.loader<string, ApprovalAttemptType[]>('approval-attempts', async (ids, tx) => {
      const byApproval = new Map<string, ApprovalAttemptType[]>();
      for (const row of await this.repository.attempts(tx, ids)) {
        byApproval.set(row.approvalId, [...(byApproval.get(row.approvalId) ?? []), row]);
      }
      return byApproval;
    });
    return (await loader.load(approval.id)) ?? [];
  }

  @Mutation(() => ApprovalPayload, {
    description: 'By a second person, on the payload that was read. A refused attempt is kept.',
  })
  @RequiresScopes('approvals:decide')
  async decideApproval(
    @Args('input', { type: () => DecideApprovalInput }) input: DecideApprovalInput,
    @CurrentPrincipal() principal: Principal,
  ): Promise<ApprovalPayload> {
    const { object, problems, replayed } = await this.mutations.run({
      operation: 'decideApproval',
      type: DecideApprovalInput,
      input,
      principal,
      work: async (tx) => outcomeOf(await this.decisions.decide(tx, input, principal)),
      read: async (tx, { id }) => (id === null ? null : this.read(tx, id)),
      otherwise: null,
    });
    return { approval: object, problems, replayed };
  }

  @Mutation(() => ApprovalPayload, { description: 'By who asked for it.' })
  @RequiresScopes('approvals:read')
  async withdrawApproval(
    @Args('input', { type: () => WithdrawApprovalInput }) input: WithdrawApprovalInput,
    @CurrentPrincipal() principal: Principal,
  ): Promise<ApprovalPayload> {
    const { object, problems, replayed } = await this.mutations.run({
      operation: 'withdrawApproval',
      type: WithdrawApprovalInput,
      input,
      principal,
      work: async (tx) => outcomeOf(await this.approvals.withdraw(tx, input.approvalId, input.reason, principal)),
      read: async (tx, { id }) => (id === null ? null : this.read(tx, id)),
      otherwise: null,
    });
    return { approval: object, problems, replayed };
  }

  private async read(tx: Tx, id: string): Promise<ApprovalType | null> {
    const row = await this.repository.find(tx, id);
    return row ? toApprovalType(row) : null;
  }
}
