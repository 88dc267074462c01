import { Args, ID, Mutation, Parent, Query, ResolveField, ResolveReference, Resolver } from '@nestjs/graphql';
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
import { toApprovalType } from '../approvals/approvals.graphql.js';
import { Approvals } from '../approvals/approvals.service.js';
import { Mutations } from '../mutations.js';
import { PartyType, toPartyType } from '../parties/parties.graphql.js';
import { PartyRegister } from '../parties/party-register.service.js';
import {
  InstructionStub,
  PaymentStub,
  ScreeningType,
  toScreeningType,
  TradeStub,
} from '../screening/screening.graphql.js';
import { Screening } from '../screening/screening.service.js';
import {
  AlertConnection,
  AlertFilterInput,
  AlertType,
  ConfirmHitInput,
  ConfirmHitPayload,
  ProposeReleaseInput,
  ProposeReleasePayload,
  toAlertType,
} from './alerts.graphql.js';
import { type AlertRow, AlertsRepository } from './alerts.repository.js';
import { Alerts } from './alerts.service.js';

@Resolver(() => AlertType)
export class AlertsResolver {
  constructor(
    private readonly alerts: Alerts,
    private readonly repository: AlertsRepository,
    private readonly approvals: Approvals,
    private readonly screenings: Screening,
    private readonly parties: PartyRegister,
    private readonly mutations: Mutations,
  ) {}

  @Query(() => AlertType, { nullable: true })
  @RequiresScopes('alerts:read')
  async alert(@Args('id', { type: () => ID }) id: string, @ReadTx() tx: Tx): Promise<AlertType | null> {
    return this.read(tx, id);
  }

  @Query(() => AlertConnection, { name: 'alerts', description: 'By due time.' })
  @RequiresScopes('alerts:read')
  async list(
    @Args() page: ConnectionArgs,
    @Args('filter', { type: () => AlertFilterInput, nullable: true }) filter: AlertFilterInput | null,
    @ReadTx() tx: Tx,
  ): Promise<AlertConnection> {
    const cursor = keyset<AlertRow>({ list: 'alerts', filter }, (row) => [row.dueAtExact, row.alertId]);
    const rows = await this.repository.list(tx, filter ?? {}, page.first + 1, cursor.after(page.after));
    return keysetPage(rows, page.first, cursor.cursorOf, toAlertType);
  }

  @ResolveReference()
  async resolveReference(
    @Parent() reference: { id: string },
    @Operation() operation: GraphqlContext,
  ): Promise<AlertType | null> {
    const loader = operation.loader<string, AlertType>('alert', async (ids, tx) => {
      const rows = await this.repository.find(tx, ids);
      return new Map(rows.map((row) => [row.alertId, toAlertType(row)]));
    });
    return loader.load(reference.id);
  }

  @ResolveField('screening', () => ScreeningType, { nullable: true })
  @RequiresScopes('screening:read')
  async screening(@Parent() alert: AlertType, @Operation() operation: GraphqlContext): Promise<ScreeningType | null> {
    const loader = operation.loader<string, ScreeningType>('screening', async (ids, tx) => {
      const rows = await this.screenings.find(tx, ids);
      return new Map(rows.map((row) => [row.screeningId, toScreeningType(row)]));
    });
    return loader.load(alert.screeningId);
  }

  @ResolveField('party', () => PartyType, { nullable: true })
  @RequiresScopes('parties:read')
  async party(@Parent() alert: AlertType, @Operation() operation: GraphqlContext): Promise<PartyType | null> {
    if (alert.partyId === null) return null;
    const loader = operation.loader<string, PartyType>('party', async (ids, tx) => {
      const rows = await this.parties.find(tx, ids);
      return new Map(rows.map((row) => [row.partyId, toPartyType(row)]));
    });
    return loader.load(alert.partyId);
  }

  @ResolveField('trade', () => TradeStub, { nullable: true })
  @RequiresScopes('trades:read')
  trade(@Parent() alert: AlertType): TradeStub | null {
    return alert.objectKind === 'TRADE' ? { id: alert.objectId } : null;
  }

  @ResolveField('payment', () => PaymentStub, { nullable: true })
  @RequiresScopes('payments:read')
  payment(@Parent() alert: AlertType): PaymentStub | null {
    return alert.objectKind === 'PAYMENT' ? { id: alert.objectId } : null;
  }

  @ResolveField('instruction', () => InstructionStub, { nullable: true })
  @RequiresScopes('trades:read')
  instruction(@Parent() alert: AlertType): InstructionStub | null {
    return alert.objectKind === 'INSTRUCTION' ? { id: alert.objectId } : null;
  }

  @Mutation(() => ProposeReleasePayload, {
    description: 'The first of two people: somebody else decides on the approval it returns.',
  })
  @RequiresScopes('alerts:decide')
  async proposeRelease(
    @Args('input', { type: () => ProposeReleaseInput }) input: ProposeReleaseInput,
    @CurrentPrincipal() principal: Principal,
  ): Promise<ProposeReleasePayload> {
    const { object, problems, replayed } = await this.mutations.run({
      operation: 'proposeRelease',
      type: ProposeReleaseInput,
      input,
      principal,
      work: async (tx) => {
        const proposed = await this.alerts.proposeRelease(tx, input.alertId, input.reason, principal);
        return {
          id: proposed.alert?.alertId,
          otherId: proposed.approval?.approvalId,
          problems: proposed.problems,
          isForgotten: !proposed.alert,
        };
      },
      read: async (tx, { id, otherId }) => {
        const approval = otherId === null ? undefined : await this.approvals.find(tx, otherId);
        return {
          alert: id === null ? null : await this.read(tx, id),
          approval: approval ? toApprovalType(approval) : null,
        };
      },
      otherwise: { alert: null, approval: null },
    });
    return { ...object, problems, replayed };
  }

  @Mutation(() => ConfirmHitPayload, { description: 'The object stays stopped for good.' })
  @RequiresScopes('alerts:decide')
  async confirmHit(
    @Args('input', { type: () => ConfirmHitInput }) input: ConfirmHitInput,
    @CurrentPrincipal() principal: Principal,
  ): Promise<ConfirmHitPayload> {
    const { object, problems, replayed } = await this.mutations.run({
      operation: 'confirmHit',
      type: ConfirmHitInput,
      input,
      principal,
      work: async (tx) => {
        const confirmed = await this.alerts.confirmHit(tx, input.alertId, input.reason, principal);
        return { id: confirmed.alert?.alertId, problems: confirmed.problems, isForgotten: !confirmed.alert };
      },
      read: async (tx, { id }) => (id === null ? null : this.read(tx, id)),
      otherwise: null,
    });
    return { alert: object, problems, replayed };
  }

  private async read(tx: Tx, id: string): Promise<AlertType | null> {
    const [row] = await this.repository.find(tx, [id]);
    return row ? toAlertType(row) : null;
  }
}
