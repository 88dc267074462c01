import { Args, ID, Int, Mutation, Query, Resolver } from '@nestjs/graphql';
import { CurrentPrincipal, type Principal } from '#libs/auth/index.js';
import { type Tx } from '#libs/database/index.js';
import { DateScalar, ReadTx, RequiresScopes } from '#libs/graphql/index.js';
import { isRefused, type Problem, problem } from '#libs/kernel/index.js';
import { currencyExponent, formatDecimal, isCurrency, parseDecimal } from '#libs/money/index.js';
import { Assets } from '../assets/assets.service.js';
import { Mutations } from '../mutations.js';
import {
  BookOwnCouponInput,
  BookOwnTradeInput,
  HoldingLotType,
  OwnCouponPayload,
  OwnPositionType,
  OwnTradePayload,
  OwnTradeType,
  RealisedResultType,
  SettleOwnTradeInput,
} from './lots.graphql.js';
import { LotsRepository } from './lots.repository.js';
import { OwnSecuritiesRepository, type OwnTradeRow, type ValuationRow } from './own-securities.repository.js';
import { OwnSecurities } from './own-securities.service.js';

const money = (units: string, currency: string | null): string =>
  formatDecimal(BigInt(units), currency !== null && isCurrency(currency) ? currencyExponent(currency) : 0);

const toTrade = ({ tradeId, number, asset, scale, ...row }: OwnTradeRow): OwnTradeType => ({
  ...row,
  id: tradeId,
  account: number,
  instrument: asset,
  quantity: formatDecimal(BigInt(row.quantity), scale),
  amount: money(row.amount, row.currency),
  accrued: money(row.accrued, row.currency),
});

const toPosition = ({ number, asset, scale, ...row }: ValuationRow): OwnPositionType => ({
  ...row,
  account: number,
  instrument: asset,
  quantity: formatDecimal(BigInt(row.quantity), scale),
  cost: money(row.cost, row.currency),
  fairValue: money(row.fairValue, row.currency),
  unrealised: money(row.adjustment, row.currency),
  amortised: money(row.amortised, row.currency),
  accrued: money(row.accrued, row.currency),
  earned: money(row.earned, row.currency),
});

@Resolver(() => HoldingLotType)
export class LotsResolver {
  constructor(
    private readonly lots: LotsRepository,
    private readonly own: OwnSecuritiesRepository,
    private readonly securities: OwnSecurities,
    private readonly assets: Assets,
    private readonly mutations: Mutations,
  ) {}

  @Query(() => [HoldingLotType], { description: 'The open lots of an account, by instrument and date; at most 500.' })
  @RequiresScopes('ledger:read')
  async lotsOfAccount(
    @Args('book', { type: () => String }) book: string,
    @Args('account', { type: () => String }) account: string,
    @Args('instrument', { type: () => String, nullable: true }) instrument: string | null,
    @ReadTx() tx: Tx,
  ): Promise<HoldingLotType[]> {
    return (await this.lots.openOfAccount(tx, book, account, instrument, 500)).map(
      ({ lotId, number, asset, scale, ...row }) => ({
        ...row,
        id: lotId,
        account: number,
        instrument: asset,
        quantity: formatDecimal(BigInt(row.openQuantity), scale),
        cost: money(row.openCost, row.currency),
      }),
    );
  }

  @Query(() => [RealisedResultType], { description: 'What was closed in a period, in order, at most 100 at once.' })
  @RequiresScopes('ledger:read')
  async realisedResults(
    @Args('book', { type: () => String }) book: string,
    @Args('from', { type: () => DateScalar }) from: string,
    @Args('to', { type: () => DateScalar }) to: string,
    @Args('account', { type: () => String, nullable: true }) account: string | null,
    @Args('after', { type: () => ID, nullable: true }) after: string | null,
    @Args('first', { type: () => Int, defaultValue: 100 }) first: number,
    @ReadTx() tx: Tx,
  ): Promise<RealisedResultType[]> {
    const behind = after !== null && /^\d{1,18}$/.test(after) ? after : null;
    const rows = await this.lots.realised(tx, {
      book,
      number: account,
      from,
      to,
      after: behind,
      limit: Math.min(100, Math.max(1, first)),
    });
    return rows.map(({ movementId, number, asset, scale, ...row }) => ({
      ...row,
      id: movementId,
      account: number,
      instrument: asset,
      quantity: formatDecimal(-BigInt(row.quantity), scale),
      cost: money(String(-BigInt(row.cost)), row.currency),
      amount: money(row.amount ?? '0', row.currency),
      realised: money(row.realised ?? '0', row.currency),
    }));
  }

  @Query(() => [OwnPositionType], {
    description:
      'The own holdings of a book as they were last valued up to a date, each with the version of its price.',
  })
  @RequiresScopes('ledger:read')
  async ownPositions(
    @Args('book', { type: () => String }) book: string,
    @Args('date', { type: () => DateScalar }) date: string,
    @ReadTx() tx: Tx,
  ): Promise<OwnPositionType[]> {
    return (await this.own.latest(tx, book, date)).map(toPosition);
  }

  @Mutation(() => OwnTradePayload, {
    description: 'Books a purchase or sale of the house: the entry, its lots and what it realised together.',
  })
  @RequiresScopes('ledger:post')
  bookOwnTrade(
    @Args('input', { type: () => BookOwnTradeInput }) input: BookOwnTradeInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'bookOwnTrade',
      BookOwnTradeInput,
      input,
      principal,
      async (tx): Promise<OwnTradePayload> => {
        const scale = (await this.assets.find(tx, [input.instrument])).get(input.instrument)?.scale ?? 0;
        const read = readerOf();
        const trade = {
          direction: input.direction,
          holding: input.holding,
          instrument: input.instrument,
          quantity: read.units(input.quantity, scale, ['quantity']),
          currency: input.currency,
          amount: read.money(input.amount, input.currency, ['amount']),
          accrued: read.money(input.accrued, input.currency, ['accrued']),
          tradeDate: input.tradeDate,
          settlementDate: input.settlementDate,
          depot: input.depot,
          nostro: input.nostro,
        };
        const picks = input.picks?.map(({ lotId, quantity }, n) => ({
          lotId,
          quantity: read.units(quantity, scale, ['picks', n, 'quantity']),
        }));
        if (read.problems.length > 0) return this.mutations.faulty(read.problems);
        const { trade: booked, problems } = await this.securities.book(
          tx,
          {
            book: input.book,
            businessDate: input.businessDate,
            key: `own-trade:${principal.subject}:${input.idempotencyKey}`.slice(0, 128),
            trade,
            ...(picks ? { picks } : {}),
            ...(input.bond ? { bond: input.bond } : {}),
          },
          principal.subject,
        );
        if (!booked) return this.mutations.faulty(problems);
        return { trade: toTrade(booked), problems, replayed: false };
      },
    );
  }

  @Mutation(() => OwnTradePayload, {
    description: 'Settles a trade of the house that was recognised on its trade date.',
  })
  @RequiresScopes('ledger:post')
  settleOwnTrade(
    @Args('input', { type: () => SettleOwnTradeInput }) input: SettleOwnTradeInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'settleOwnTrade',
      SettleOwnTradeInput,
      input,
      principal,
      async (tx): Promise<OwnTradePayload> => {
        const { trade, problems } = await this.securities.settle(tx, input, principal.subject);
        if (!trade) return this.mutations.faulty(problems);
        return { trade: toTrade(trade), problems, replayed: false };
      },
    );
  }

  @Mutation(() => OwnCouponPayload, {
    description: 'Books a coupon that was paid to the house: what was earned of it stands as accrued.',
  })
  @RequiresScopes('ledger:post')
  bookOwnCoupon(
    @Args('input', { type: () => BookOwnCouponInput }) input: BookOwnCouponInput,
    @CurrentPrincipal() principal: Principal,
  ) {
    return this.mutations.run(
      'bookOwnCoupon',
      BookOwnCouponInput,
      input,
      principal,
      async (tx): Promise<OwnCouponPayload> => {
        const read = readerOf();
        const amount = read.money(input.amount, input.currency, ['amount']);
        if (read.problems.length > 0) return this.mutations.faulty(read.problems);
        const { entryId, problems } = await this.securities.coupon(
          tx,
          {
            book: input.book,
            businessDate: input.businessDate,
            holding: input.holding,
            instrument: input.instrument,
            nostro: input.nostro,
            currency: input.currency,
            key: `own-coupon:${principal.subject}:${input.idempotencyKey}`.slice(0, 128),
            amount,
          },
          principal.subject,
        );
        if (entryId === undefined) return this.mutations.faulty(problems);
        return { entryId, problems, replayed: false };
      },
    );
  }
}

/** Reads decimals and remembers every fault with its path. */
function readerOf() {
  const problems: Problem[] = [];
  const units = (text: string, scale: number, path: (string | number)[]): bigint => {
    const read = parseDecimal(text, scale);
    if (!isRefused(read)) return read.value;
    problems.push(...read.problems.map((one) => ({ ...one, path })));
    return 0n;
  };
  const moneyOf = (text: string, currency: string, path: (string | number)[]): bigint => {
    if (isCurrency(currency)) return units(text, currencyExponent(currency), path);
    problems.push(problem('UNKNOWN_CURRENCY', `${currency} is no ISO 4217 currency`, ['currency']));
    return 0n;
  };
  return { problems, units, money: moneyOf };
}
