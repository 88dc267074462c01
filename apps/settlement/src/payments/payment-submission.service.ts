import { Injectable } from '@nestjs/common';
import { booksOf, type Principal } from '#libs/auth/index.js';
import { Transactions, type Tx } from '#libs/database/index.js';
import { answerItems, validateItems } from '#libs/graphql/index.js';
import { faultOfInput, Idempotency } from '#libs/idempotency/index.js';
import { type Problem } from '#libs/kernel/index.js';
import { type SubmitPaymentInput, SubmitPaymentsInput } from './payments.graphql.js';
import { PaymentsService } from './payments.service.js';

export interface Submission {
  readonly paymentId: string | null;
  readonly problems: Problem[];
  readonly replayed: boolean;
}

type Kept = { paymentId: string | null; problems: Problem[] };

/** Payments that come by mutation: one idempotency key each, in the transaction of their effect. */
@Injectable()
export class PaymentSubmissionService {
  constructor(
    private readonly transactions: Transactions,
    private readonly idempotency: Idempotency,
    private readonly payments: PaymentsService,
  ) {}

  async submit(
    inputs: readonly SubmitPaymentInput[],
    principal: Principal,
  ): Promise<{ results: Submission[]; problems: Problem[] }> {
    const faults = validateItems(SubmitPaymentsInput, 'payments', { payments: inputs });
    if (faults.problems.length > 0) return { results: [], problems: [...faults.problems] };
    const results = await answerItems(
      inputs,
      faults,
      (sound) => this.transactions.run((tx) => this.run(tx, sound, principal), { books: booksOf(principal) }),
      (problems): Submission => ({ paymentId: null, problems, replayed: false }),
    );
    return { results, problems: [] };
  }

  private async run(tx: Tx, inputs: readonly SubmitPaymentInput[], principal: Principal): Promise<Submission[]> {
    const items = inputs.map(({ idempotencyKey, ...input }) => ({ key: idempotencyKey, input }));
    const answers = await this.idempotency.runMany<Kept>(
      tx,
      { client: principal.subject, operation: 'submitPayment', items },
      async (fresh) => {
        const requests = fresh.map((index) => {
          const input = inputs[index];
          if (input === undefined) throw new Error(`no payment ${index}`);
          const { idempotencyKey: _key, ...request } = input;
          return request;
        });
        const submitted = await this.payments.submit(tx, requests, {
          source: principal.subject,
          submittedBy: principal.subject,
          fileId: null,
        });
        return submitted.map(({ paymentId, problems }) => {
          const kept = { paymentId, problems };
          // No payment came of it: the corrected input may come with the same key.
          return paymentId === null ? faultOfInput(kept) : kept;
        });
      },
    );
    for (const [index, answer] of answers.entries()) {
      const input = inputs[index];
      if (input === undefined) continue;
      if (answer.replayed) await this.payments.recordReplay(tx, 'REPLAY', input, principal.subject);
      else if (answer.problems.some(({ code }) => code === 'IDEMPOTENCY_KEY_REUSED'))
        await this.payments.recordReplay(tx, 'KEY_REUSED', input, principal.subject);
    }
    return answers.map(({ paymentId, problems, replayed }) => ({
      paymentId: (paymentId as string | null | undefined) ?? null,
      problems,
      replayed,
    }));
  }
}
