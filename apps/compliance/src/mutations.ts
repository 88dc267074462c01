import { Injectable, type Type } from '@nestjs/common';
import { booksOf, type Principal } from '#libs/auth/index.js';
import { Transactions, type Tx } from '#libs/database/index.js';
import { validateInput } from '#libs/graphql/index.js';
import { faultOfInput, Idempotency } from '#libs/idempotency/index.js';
import { type Problem } from '#libs/kernel/index.js';

/** What is remembered of a mutation: the id of its object and what was wrong. The object itself is read again. */
export interface Outcome {
  readonly id?: string | undefined;
  /** A second object that the mutation made. */
  readonly otherId?: string | undefined;
  readonly problems: readonly Problem[];
  /** The same key may be used again with a better input, or later. */
  readonly isForgotten?: boolean;
}

export interface MutationAnswer<T> {
  readonly object: T;
  readonly problems: Problem[];
  readonly replayed: boolean;
}

interface Kept {
  id: string | null;
  otherId: string | null;
  problems: Problem[];
}

/** Validates, then works once per idempotency key in one transaction, then reads what there is now. */
@Injectable()
export class Mutations {
  constructor(
    private readonly transactions: Transactions,
    private readonly idempotency: Idempotency,
  ) {}

  async run<Input extends { idempotencyKey: string }, T>(call: {
    operation: string;
    type: Type<Input>;
    input: Input;
    principal: Principal;
    work: (tx: Tx) => Promise<Outcome>;
    read: (tx: Tx, outcome: { id: string | null; otherId: string | null; replayed: boolean }) => Promise<T>;
    otherwise: T;
  }): Promise<MutationAnswer<T>> {
    const faults = validateInput(call.type, call.input);
    if (faults.length > 0) return { object: call.otherwise, problems: faults, replayed: false };
    return this.transactions.run(
      async (tx) => {
        const { operation, input, principal } = call;
        const kept = await this.idempotency.run(
          tx,
          { client: principal.subject, key: input.idempotencyKey, operation, input },
          async () => {
            const outcome = await call.work(tx);
            const payload: Kept = {
              id: outcome.id ?? null,
              otherId: outcome.otherId ?? null,
              problems: [...outcome.problems],
            };
            return outcome.isForgotten ? faultOfInput(payload) : payload;
          },
        );
        const id = (kept as Partial<Kept>).id ?? null;
        const otherId = (kept as Partial<Kept>).otherId ?? null;
        const object = await call.read(tx, { id, otherId, replayed: kept.replayed });
        return { object, problems: kept.problems, replayed: kept.replayed };
      },
      { books: booksOf(call.principal) },
    );
  }
}
