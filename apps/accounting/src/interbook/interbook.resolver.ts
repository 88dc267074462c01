import { type Type } from '@nestjs/common';
import { Args, ID, Int, Mutation, Query, Resolver } from '@nestjs/graphql';
import { CurrentPrincipal, type Principal } from '#libs/auth/index.js';
import { type Tx } from '#libs/database/index.js';
import { DateScalar, ReadTx, RequiresScopes } from '#libs/graphql/index.js';
import { type Problem, problem } from '#libs/kernel/index.js';
import { formatDecimal } from '#libs/money/index.js';
import { Mutations } from '../mutations.js';
import {
  BookInterbookSideInput,
  InterbookPairPayload,
  InterbookPairType,
  InterbookPositionType,
  PairStateEnum,
  PostInterbookEntryInput,
  ReverseInterbookPairInput,
} from './interbook.graphql.js';
import { type PairRow } from './interbook.repository.js';
import { Interbook } from './interbook.service.js';

const toPair = ({ pairId, units, scale, ...row }: PairRow): InterbookPairType => ({
  ...row,
  id: pairId,
  amount: formatDecimal(BigInt(units), scale),
});

@Resolver(() => InterbookPairType)
export class InterbookResolver {
  constructor(
    private readonly interbook: Interbook,
    private readonly mutations: Mutations,
  ) {}

  @Query(() => InterbookPairType, { nullable: true })
  @RequiresScopes('ledger:read')
  async interbookPair(@Args('id', { type: () => ID }) id: string, @ReadTx() tx: Tx): Promise<InterbookPairType | null> {
    const row = await this.interbook.find(tx, id);
    return row ? toPair(row) : null;
  }

  @Query(() => [InterbookPairType], { description: 'Pairs a book is a side of, the newest first.' })
  @RequiresScopes('ledger:read')
  async interbookPairs(
    @Args('book', { type: () => String }) book: string,
    @Args('state', { type: () => PairStateEnum, nullable: true }) state: string | null,
    @Args('first', { type: () => Int, defaultValue: 100 }) first: number,
    @ReadTx() tx: Tx,
  ): Promise<InterbookPairType[]> {
    return (await this.interbook.list(tx, book, state, Math.min(500, Math.max(1, first)))).map(toPair);
  }

  @Query(() => [InterbookPositionType], {
    description:
      'What books owe each other: both sides and their difference, by accounting date; as it stands now without a date.',
  })
  @RequiresScopes('ledger:read')
  async interbookPositions(
    @Args('asOf', { type: () => DateScalar, nullable: true }) asOf: string | null,
    @ReadTx() tx: Tx,
  ): Promise<InterbookPositionType[]> {
    return (await this.interbook.positions(tx, asOf)).map((one) => ({
      creditor: one.creditor,
      debtor: one.debtor,
      asset: one.asset,
      dueFrom: formatDecimal(one.dueFromUnits, one.scale),
      dueTo: formatDecimal(one.dueToUnits, one.scale),
      difference: formatDecimal(one.differenceUnits, one.scale),
      inTransit: formatDecimal(one.inTransitUnits, one.scale),
      state: one.state,
    }));
  }

  @Mutation(() => InterbookPairPayload, {
    description:
      'Books an entry in each of two books, both or none. A side whose book is not on the date yet is booked when it is.',
  })
  @RequiresScopes('ledger:post')
  postInterbookEntry(
    @Args('input', { type: () => PostInterbookEntryInput }) input: PostInterbookEntryInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.run('postInterbookEntry', PostInterbookEntryInput, input, principal, (tx) => {
      const unseen = (['dueFrom', 'dueTo'] as const).filter(
        (side) => !this.mutations.seesBook(principal, input[side].book),
      );
      const problems = unseen.map((side) =>
        problem('BOOK_NOT_FOUND', `There is no book ${input[side].book}`, [side, 'book']),
      );
      if (problems.length > 0) return Promise.resolve({ problems });
      const { dueFrom, dueTo, asset, amount, valueDate = null, description } = input;
      return this.interbook.post(tx, { dueFrom, dueTo, asset, amount, valueDate, description }, principal.subject);
    });
  }

  @Mutation(() => InterbookPairPayload, { description: 'Takes back both sides of a pair, or none.' })
  @RequiresScopes('ledger:post')
  reverseInterbookPair(
    @Args('input', { type: () => ReverseInterbookPairInput }) input: ReverseInterbookPairInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.run(
      'reverseInterbookPair',
      ReverseInterbookPairInput,
      input,
      principal,
      async (tx) =>
        (await this.isHidden(tx, input.pairId, principal)) ?? this.interbook.reverse(tx, input, principal.subject),
    );
  }

  @Mutation(() => InterbookPairPayload, {
    description: 'Tries the waiting side of a pair in transit again, after what refused it was put right.',
  })
  @RequiresScopes('ledger:post')
  bookInterbookSide(
    @Args('input', { type: () => BookInterbookSideInput }) input: BookInterbookSideInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.run(
      'bookInterbookSide',
      BookInterbookSideInput,
      input,
      principal,
      async (tx) =>
        (await this.isHidden(tx, input.pairId, principal)) ??
        this.interbook.bookSide(tx, input.pairId, principal.subject),
    );
  }

  /** A pair is changed by who sees both of its books. */
  private async isHidden(tx: Tx, pairId: string, principal: Principal) {
    const pair = await this.interbook.find(tx, pairId);
    if (pair && [pair.creditor, pair.debtor].every((book) => this.mutations.seesBook(principal, book)))
      return undefined;
    return { problems: [problem('PAIR_NOT_FOUND', 'There is no such pair', ['pairId'])] };
  }

  private run<Input extends { idempotencyKey: string }>(
    name: string,
    type: Type<Input>,
    input: Input,
    principal: Principal,
    work: (tx: Tx) => Promise<{ pair?: PairRow; problems: readonly Problem[] }>,
  ) {
    return this.mutations.run(name, type, input, principal, async (tx): Promise<InterbookPairPayload> => {
      const { pair, problems } = await work(tx);
      if (!pair) return this.mutations.faulty(problems);
      return { pair: toPair(pair), problems: [...problems], replayed: false };
    });
  }
}
