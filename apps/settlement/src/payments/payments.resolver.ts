import { Args, Mutation, Parent, Query, ResolveField, ResolveReference, Resolver } from '@nestjs/graphql';
import { booksOf, CurrentPrincipal, type Principal } from '#libs/auth/index.js';
import { Transactions, type Tx } from '#libs/database/index.js';
import {
  atItems,
  ConnectionArgs,
  GraphqlContext,
  keyset,
  keysetPage,
  Operation,
  ReadTx,
  RequiresScopes,
} from '#libs/graphql/index.js';
import { PaymentSubmissionService, type Submission } from './payment-submission.service.js';
import {
  PaymentConnection,
  PaymentFilterInput,
  PaymentStatusChangeType,
  PaymentType,
  SubmitPaymentInput,
  SubmitPaymentPayload,
  SubmitPaymentsInput,
  SubmitPaymentsPayload,
  toPaymentType,
} from './payments.graphql.js';
import { type PaymentRow, PaymentsRepository } from './payments.repository.js';

@Resolver(() => PaymentType)
export class PaymentsResolver {
  constructor(
    private readonly repository: PaymentsRepository,
    private readonly submission: PaymentSubmissionService,
    private readonly transactions: Transactions,
  ) {}

  @Query(() => PaymentType, { nullable: true })
  @RequiresScopes('payments:read')
  async payment(@Args('id', { type: () => String }) id: string, @ReadTx() tx: Tx): Promise<PaymentType | null> {
    const row = (await this.repository.find(tx, [id])).get(id);
    return row === undefined ? null : toPaymentType(row);
  }

  @Query(() => PaymentConnection)
  @RequiresScopes('payments:read')
  async payments(
    @Args() page: ConnectionArgs,
    @Args('filter', { type: () => PaymentFilterInput, nullable: true }) filter: PaymentFilterInput | null,
    @ReadTx() tx: Tx,
  ): Promise<PaymentConnection> {
    const cursor = keyset<PaymentRow>({ list: 'payments', filter }, (row) => [row.paymentId]);
    const rows = await this.repository.list(tx, filter ?? {}, page.first + 1, cursor.after(page.after));
    return keysetPage(rows, page.first, cursor.cursorOf, toPaymentType);
  }

  @ResolveReference()
  async resolveReference(
    @Parent() reference: { id: string },
    @Operation() operation: GraphqlContext,
  ): Promise<PaymentType | null> {
    const row = await operation
      .loader<string, PaymentRow>('payment', (ids, tx) => this.repository.find(tx, ids))
      .load(reference.id);
    return row === null ? null : toPaymentType(row);
  }

  @Mutation(() => SubmitPaymentPayload, {
    description: 'A payment that cannot be made is kept as refused; its refusal is in the problems too.',
  })
  @RequiresScopes('payments:write')
  async submitPayment(
    @Args('input', { type: () => SubmitPaymentInput }) input: SubmitPaymentInput,
    @CurrentPrincipal() principal: Principal,
  ): Promise<SubmitPaymentPayload> {
    const { results } = await this.submission.submit([input], principal);
    const [first] = await this.answers(results, principal);
    if (first === undefined) throw new Error('a payment has an answer');
    return first;
  }

  @Mutation(() => SubmitPaymentsPayload, {
    description: 'Up to 1,000 payments, each with its own key and its own answer.',
  })
  @RequiresScopes('payments:write')
  async submitPayments(
    @Args('input', { type: () => SubmitPaymentsInput }) input: SubmitPaymentsInput,
    @CurrentPrincipal() principal: Principal,
  ): Promise<SubmitPaymentsPayload> {
    const { results, problems } = await this.submission.submit(input.payments, principal);
    return { results: atItems('payments', await this.answers(results, principal)), problems };
  }

  private async answers(results: readonly Submission[], principal: Principal): Promise<SubmitPaymentPayload[]> {
    if (results.length === 0) return [];
    const ids = results.flatMap(({ paymentId }) => paymentId ?? []);
    const rows = await this.transactions.run((tx) => this.repository.find(tx, ids), {
      readOnly: true,
      books: booksOf(principal),
    });
    return results.map(({ paymentId, problems, replayed }) => {
      const row = paymentId === null ? undefined : rows.get(paymentId);
      return { payment: row ? toPaymentType(row) : null, problems, replayed };
    });
  }
}

@Resolver(() => PaymentType)
export class PaymentResolver {
  constructor(private readonly repository: PaymentsRepository) {}

  @ResolveField('history', () => [PaymentStatusChangeType])
  @RequiresScopes('payments:read')
  async history(
    @Parent() payment: PaymentType,
    @Operation() operation: GraphqlContext,
  ): Promise<PaymentStatusChangeType[]> {
    return (
      (await operation
        .loader<string, PaymentStatusChangeType[]>('paymentHistory', (ids, tx) => this.repository.history(tx, ids))
        .load(payment.id)) ?? []
    );
  }
}
