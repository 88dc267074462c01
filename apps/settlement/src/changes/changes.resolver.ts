import { type Type } from '@nestjs/common';
import { Args, Mutation, Query, Resolver } from '@nestjs/graphql';
import { booksOf, CurrentPrincipal, type Principal } from '#libs/auth/index.js';
import { Transactions, type Tx } from '#libs/database/index.js';
import { ConnectionArgs, keyset, keysetPage, ReadTx, RequiresScopes, validateInput } from '#libs/graphql/index.js';
import { faultOfInput, Idempotency } from '#libs/idempotency/index.js';
import { type Problem } from '#libs/kernel/index.js';
import {
  ChangeProposalInput,
  type CalendarClosureFields,
  ProposeCalendarClosureInput,
  ProposedChangeFields,
  ProposePriceOverrideInput,
  ProposeSsiChangeInput,
  type SsiFields,
  StaticDataChangeConnection,
  StaticDataChangePayload,
  StaticDataChangePreviewType,
  StaticDataChangeType,
} from './changes.graphql.js';
import { type ChangeAnswer, ChangesService, type PendingChange, type SsiChangeInput } from './changes.service.js';
import { type CalendarClosure } from './closure.js';
import { PreviewsService } from './previews.service.js';

interface Kept {
  changeId: string | null;
  problems: Problem[];
}

const toType = (row: PendingChange): StaticDataChangeType => ({ ...row, id: row.changeId, book: row.bookId });
const ssiOf = ({ counterparty, place, ...rest }: SsiFields): SsiChangeInput => ({
  ...rest,
  counterpartyId: counterparty,
  placeId: place,
});
const closureOf = ({ calendar, day, closesAt }: CalendarClosureFields): CalendarClosure => ({
  calendarId: calendar,
  day,
  closesAt: closesAt ?? null,
});
/** Refusals that depend on what is pending are remembered with the key; faults of the input are not. */
const stateful = new Set(['CHANGE_PENDING', 'CHANGE_DECIDED', 'NOT_THE_MAKER']);

@Resolver(() => StaticDataChangeType)
export class ChangesResolver {
  constructor(
    private readonly changes: ChangesService,
    private readonly previews: PreviewsService,
    private readonly idempotency: Idempotency,
    private readonly transactions: Transactions,
  ) {}

  @Query(() => StaticDataChangeType, { nullable: true })
  @RequiresScopes('static:read')
  async staticDataChange(@Args('id') id: string, @ReadTx() tx: Tx): Promise<StaticDataChangeType | null> {
    const row = await this.changes.find(tx, id);
    return row ? toType(row) : null;
  }

  @Query(() => StaticDataChangeConnection, { description: 'Newest first.' })
  @RequiresScopes('static:read')
  async staticDataChanges(
    @Args() page: ConnectionArgs,
    @Args('state', { type: () => String, nullable: true }) state: string | null,
    @Args('kind', { type: () => String, nullable: true }) kind: string | null,
    @ReadTx() tx: Tx,
  ): Promise<StaticDataChangeConnection> {
    const cursor = keyset<PendingChange>({ list: 'staticDataChanges', state, kind }, (row) => [
      row.proposedAtExact,
      row.changeId,
    ]);
    const rows = await this.changes.page(tx, { state, kind }, cursor.after(page.after), page.first + 1);
    return keysetPage(rows, page.first, cursor.cursorOf, toType);
  }

  @Query(() => StaticDataChangePreviewType)
  @RequiresScopes('static:read')
  previewStaticDataChange(
    @Args('change', { type: () => ProposedChangeFields }) change: ProposedChangeFields,
    @ReadTx() tx: Tx,
  ): Promise<StaticDataChangePreviewType> {
    return this.previews.preview(tx, {
      ssi: change.ssi ? ssiOf(change.ssi) : null,
      priceOverride: change.priceOverride ?? null,
      suspendedIsin: change.suspendedIsin ?? null,
      calendarClosure: change.calendarClosure ? closureOf(change.calendarClosure) : null,
    });
  }

  @Mutation(() => StaticDataChangePayload)
  @RequiresScopes('static:write')
  proposeSsiChange(
    @Args('input', { type: () => ProposeSsiChangeInput }) input: ProposeSsiChangeInput,
    @CurrentPrincipal() principal: Principal,
  ): Promise<StaticDataChangePayload> {
    return this.answer('proposeSsiChange', ProposeSsiChangeInput, input, principal, (tx) =>
      this.changes.proposeSsiChange(tx, ssiOf(input.ssi), input.reason, input.expiresAt ?? null, principal.subject),
    );
  }

  @Mutation(() => StaticDataChangePayload)
  @RequiresScopes('static:write')
  proposePriceOverride(
    @Args('input', { type: () => ProposePriceOverrideInput }) input: ProposePriceOverrideInput,
    @CurrentPrincipal() principal: Principal,
  ): Promise<StaticDataChangePayload> {
    return this.answer('proposePriceOverride', ProposePriceOverrideInput, input, principal, (tx) =>
      this.changes.proposePriceOverride(
        tx,
        input.priceOverride,
        input.reason,
        input.expiresAt ?? null,
        principal.subject,
      ),
    );
  }

  @Mutation(() => StaticDataChangePayload, {
    description:
      'Closes a day of a calendar, or lets it close early, once a second person approves: unsent trades and instructions of a closed day move to the next open one, sent ones get a work item.',
  })
  @RequiresScopes('static:write')
  proposeCalendarClosure(
    @Args('input', { type: () => ProposeCalendarClosureInput }) input: ProposeCalendarClosureInput,
    @CurrentPrincipal() principal: Principal,
  ): Promise<StaticDataChangePayload> {
    return this.answer('proposeCalendarClosure', ProposeCalendarClosureInput, input, principal, (tx) =>
      this.changes.proposeClosure(
        tx,
        closureOf(input.closure),
        input.reason,
        input.expiresAt ?? null,
        principal.subject,
      ),
    );
  }

  @Mutation(() => StaticDataChangePayload, {
    description: 'Changes the payload of a pending proposal; an approval of the old one is void.',
  })
  @RequiresScopes('static:write')
  changeProposal(
    @Args('input', { type: () => ChangeProposalInput }) input: ChangeProposalInput,
    @CurrentPrincipal() principal: Principal,
  ): Promise<StaticDataChangePayload> {
    const given = {
      ssi: input.ssi ? ssiOf(input.ssi) : null,
      priceOverride: input.priceOverride ?? null,
      calendarClosure: input.calendarClosure ? closureOf(input.calendarClosure) : null,
    };
    return this.answer('changeProposal', ChangeProposalInput, input, principal, (tx) =>
      this.changes.changeProposal(tx, input.changeId, given, input.reason, principal.subject),
    );
  }

  private async answer<Input extends { idempotencyKey: string }>(
    operation: string,
    type: Type<Input>,
    input: Input,
    principal: Principal,
    work: (tx: Tx) => Promise<ChangeAnswer>,
  ): Promise<StaticDataChangePayload> {
    const faults = validateInput(type, input);
    if (faults.length > 0) return { change: null, problems: faults, replayed: false };
    return this.transactions.run(
      async (tx) => {
        const answer = await this.idempotency.run<Kept>(
          tx,
          { client: principal.subject, key: input.idempotencyKey, operation, input },
          async () => {
            const { change, problems } = await work(tx);
            const payload = { changeId: change?.changeId ?? null, problems: [...problems] };
            return problems.some(({ code }) => !stateful.has(code)) ? faultOfInput(payload) : payload;
          },
        );
        const row = answer.changeId ? await this.changes.find(tx, answer.changeId) : null;
        return { change: row ? toType(row) : null, problems: answer.problems, replayed: answer.replayed };
      },
      { books: booksOf(principal) },
    );
  }
}
