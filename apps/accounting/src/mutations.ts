import { Injectable, type Type } from '@nestjs/common';
import { booksOf, type Principal } from '#libs/auth/index.js';
import { Transactions, type Tx } from '#libs/database/index.js';
import { validateInput } from '#libs/graphql/index.js';
import { type Answer, faultOfInput, Idempotency, type Payload } from '#libs/idempotency/index.js';
import { type Problem } from '#libs/kernel/index.js';

/** The shape of every mutation: validate, then one transaction with the caller's books and key. */
@Injectable()
export class Mutations {
  constructor(
    private readonly transactions: Transactions,
    private readonly idempotency: Idempotency,
  ) {}

  async run<I extends { idempotencyKey: string }, P extends Payload>(
    operation: string,
    type: Type<I>,
    input: I,
    principal: Principal,
    work: (tx: Tx) => Promise<P>,
  ): Promise<Answer<P>> {
    const problems = validateInput(type, input);
    if (problems.length > 0) return { problems, replayed: false } as unknown as Answer<P>;
    const { idempotencyKey, ...rest } = input;
    return this.transactions.run(
      (tx) =>
        this.idempotency.run(tx, { client: principal.subject, key: idempotencyKey, operation, input: rest }, () =>
          work(tx),
        ),
      { books: booksOf(principal) },
    );
  }

  /** For what needs no key because asking twice is harmless. */
  async plain<T>(principal: Principal, work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.transactions.run(work, { books: booksOf(principal) });
  }

  /** A book beyond the caller's is as if it were not there. */
  seesBook(principal: Principal, book: string): boolean {
    const books = booksOf(principal);
    return books === 'all' || books.includes(book);
  }

  /** A fault of the input is not remembered: the corrected input may come with the same key. */
  faulty(problems: readonly Problem[]): { problems: Problem[]; replayed: boolean } {
    return faultOfInput({ problems: [...problems], replayed: false });
  }
}
