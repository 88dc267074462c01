import { Args, Mutation, Query, Resolver } from '@nestjs/graphql';
import { CurrentPrincipal, type Principal } from '#libs/auth/index.js';
import { type Tx } from '#libs/database/index.js';
import { DateScalar, ReadTx, RequiresScopes } from '#libs/graphql/index.js';
import { problem } from '#libs/kernel/index.js';
import { formatDecimal } from '#libs/money/index.js';
import { Mutations } from '../mutations.js';
import { ageBuckets } from './suspense.js';
import { RaiseSuspenseWorkInput, SuspenseAccountType, SuspenseWorkPayload } from './suspense.graphql.js';
import { type AgedItem, Suspense } from './suspense.service.js';

const magnitude = (units: bigint): bigint => (units < 0n ? -units : units);
const sideOf = (units: bigint): 'DEBIT' | 'CREDIT' => (units > 0n ? 'DEBIT' : 'CREDIT');
const sumOf = (items: readonly AgedItem[]): bigint => items.reduce((sum, { open }) => sum + open, 0n);

@Resolver()
export class SuspenseResolver {
  constructor(
    private readonly suspense: Suspense,
    private readonly mutations: Mutations,
  ) {}

  @Query(() => [SuspenseAccountType], {
    name: 'suspense',
    description:
      'What waits on the suspense accounts of a book, with its age on a business date (the latest unless given).',
  })
  @RequiresScopes('ledger:read')
  async ageing(
    @Args('book', { type: () => String }) book: string,
    @Args('asOf', { type: () => DateScalar, nullable: true }) given: string | null,
    @ReadTx() tx: Tx,
  ): Promise<SuspenseAccountType[]> {
    const asOf = given ?? (await this.suspense.latestDate(tx, book));
    const items = asOf === undefined ? [] : await this.suspense.items(tx, book, asOf);
    const scales = await this.suspense.scales(tx, items);
    const accounts = new Map<string, AgedItem[]>();
    for (const item of items) {
      const key = `${item.account}\u001f${item.asset}`;
      accounts.set(key, [...(accounts.get(key) ?? []), item]);
    }
    return [...accounts]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .flatMap(([, own]) => {
        const [first] = own;
        if (!first) return [];
        const { account, asset } = first;
        const text = (units: bigint) => formatDecimal(magnitude(units), scales.get(asset) ?? 0);
        return [
          {
            account,
            asset,
            side: sideOf(sumOf(own)),
            open: text(sumOf(own)),
            buckets: ageBuckets.flatMap(({ name }) => {
              const aged = own.filter(({ bucket }) => bucket === name);
              return aged.length === 0 ? [] : [{ bucket: name, items: aged.length, open: text(sumOf(aged)) }];
            }),
            items: own.map(({ units, open, ...item }) => ({
              ...item,
              side: sideOf(open),
              open: text(open),
              amount: text(units),
            })),
          },
        ];
      });
  }

  @Mutation(() => SuspenseWorkPayload, {
    description: 'Makes work of every open item that nobody sees to. A soft close does so too.',
  })
  @RequiresScopes('ledger:post')
  raiseSuspenseWork(
    @Args('input', { type: () => RaiseSuspenseWorkInput }) input: RaiseSuspenseWorkInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'raiseSuspenseWork',
      RaiseSuspenseWorkInput,
      input,
      principal,
      async (tx): Promise<SuspenseWorkPayload> => {
        const asOf = this.mutations.seesBook(principal, input.book)
          ? await this.suspense.latestDate(tx, input.book)
          : undefined;
        if (asOf === undefined)
          return {
            raised: 0,
            ...this.mutations.faulty([problem('BOOK_NOT_FOUND', `There is no book ${input.book}`, ['book'])]),
          };
        return {
          raised: await this.suspense.raise(tx, input.book, asOf, principal.subject),
          problems: [],
          replayed: false,
        };
      },
    );
  }
}
