import { Args, Mutation, Parent, Query, ResolveField, ResolveReference, Resolver } from '@nestjs/graphql';
import { booksOf, CurrentPrincipal, type Principal } from '#libs/auth/index.js';
import { Transactions, type Tx } from '#libs/database/index.js';
import {
  answerItems,
  atItems,
  ConnectionArgs,
  GraphqlContext,
  keyset,
  keysetPage,
  Operation,
  ReadTx,
  RequiresScopes,
  validateInput,
  validateItems,
} from '#libs/graphql/index.js';
import { faultOfInput, Idempotency } from '#libs/idempotency/index.js';
import { type Problem, problem } from '#libs/kernel/index.js';
import { currencyExponent, formatDecimal } from '#libs/money/index.js';
import { type LineOutcome, tradeIdOf } from './capture.js';
import { type RawTradeLine } from './trade-line.js';
import { type AllocationRow, type StateChangeRow, TradeQueries, type VersionRow } from './trade-queries.repository.js';
import {
  AmendTradeInput,
  CaptureTradeInput,
  CaptureTradesInput,
  PartyReference,
  toTradeType,
  TradeAllocationType,
  TradeConnection,
  TradeFilter,
  TradePayload,
  TradesPayload,
  TradeStateChangeType,
  TradeType,
  TradeVersionType,
} from './trades.graphql.js';
import { type TradeRow } from './trades.repository.js';
import { TradesService } from './trades.service.js';

export { toTradeType };

interface Kept {
  tradeId: string | null;
  outcome: string;
  problems: Problem[];
}

const rawOf = (input: CaptureTradeInput): RawTradeLine => ({
  source: input.source,
  executionId: input.executionId,
  version: String(input.version),
  action: input.action,
  tradeTime: input.tradeTime ? new Date(input.tradeTime).toISOString() : '',
  tradeDate: input.tradeDate,
  settlementDate: input.settlementDate ?? '',
  side: input.side,
  assetClass: input.assetClass,
  market: input.market,
  isin: input.isin,
  quantity: input.quantity,
  price: input.price ?? '',
  currency: input.currency,
  amount: input.amount ?? '',
  clientAccount: input.clientAccount,
  counterparty: input.counterparty ?? '',
  counterpartyName: input.counterpartyName ?? '',
  place: input.place ?? '',
  block: input.block ? 'Y' : '',
  kind: input.kind === 'FOP' ? 'FOP' : 'DVP',
});

const nothing = Object.fromEntries(
  [
    'tradeTime',
    'tradeDate',
    'settlementDate',
    'side',
    'assetClass',
    'market',
    'isin',
    'quantity',
    'price',
    'currency',
    'amount',
    'clientAccount',
    'counterparty',
    'counterpartyName',
    'place',
    'block',
  ].map((column) => [column, '']),
) as Omit<RawTradeLine, 'source' | 'executionId' | 'version' | 'action' | 'kind'>;

@Resolver(() => TradeType)
export class TradesResolver {
  constructor(
    private readonly trades: TradesService,
    private readonly queries: TradeQueries,
    private readonly idempotency: Idempotency,
    private readonly transactions: Transactions,
  ) {}

  @Query(() => TradeType, { nullable: true })
  @RequiresScopes('trades:read')
  async trade(@Args('id') id: string, @ReadTx() tx: Tx): Promise<TradeType | null> {
    const row = (await this.queries.byIds(tx, [id])).get(id);
    return row ? toTradeType(row) : null;
  }

  @Query(() => TradeType, { nullable: true })
  @RequiresScopes('trades:read')
  tradeByExecution(
    @Args('source') source: string,
    @Args('executionId') executionId: string,
    @ReadTx() tx: Tx,
  ): Promise<TradeType | null> {
    return this.trade(tradeIdOf(source, executionId), tx);
  }

  @Query(() => TradeConnection, { name: 'trades', description: 'By id; every filter narrows.' })
  @RequiresScopes('trades:read')
  async list(
    @Args() page: ConnectionArgs,
    @Args('filter', { type: () => TradeFilter, nullable: true }) filter: TradeFilter | null,
    @ReadTx() tx: Tx,
  ): Promise<TradeConnection> {
    const cursor = keyset<TradeRow>({ list: 'trades', filter }, (row) => [row.tradeId]);
    const rows = await this.queries.page(tx, filter ?? {}, cursor.after(page.after), page.first + 1);
    return keysetPage(rows, page.first, cursor.cursorOf, toTradeType);
  }

  @ResolveReference()
  async resolveReference(
    @Parent() reference: { id: string },
    @Operation() operation: GraphqlContext,
  ): Promise<TradeType | null> {
    return this.load(operation, reference.id);
  }

  private async load(operation: GraphqlContext, id: string): Promise<TradeType | null> {
    const row = await operation.loader<string, TradeRow>('trades', (ids, tx) => this.queries.byIds(tx, ids)).load(id);
    return row ? toTradeType(row) : null;
  }

  @ResolveField(() => [TradeAllocationType])
  async allocations(
    @Parent() trade: TradeType,
    @Operation() operation: GraphqlContext,
  ): Promise<TradeAllocationType[]> {
    const rows = await operation
      .loader<string, AllocationRow[]>('trade-allocations', (ids, tx) => this.queries.allocations(tx, ids))
      .load(trade.id);
    const scale = trade.quantity.split('.')[1]?.length ?? 0;
    const { currency } = trade.amount;
    return (rows ?? []).map((row) => ({
      allocation: row.n,
      clientAccount: row.clientAccount,
      quantity: formatDecimal(BigInt(row.quantityUnits), scale),
      amount: { amount: formatDecimal(BigInt(row.amountMinor), currencyExponent(currency)), currency },
    }));
  }

  @ResolveField(() => [TradeVersionType])
  async versions(@Parent() trade: TradeType, @Operation() operation: GraphqlContext): Promise<VersionRow[]> {
    return (
      (await operation
        .loader<string, VersionRow[]>('trade-versions', (ids, tx) => this.queries.versions(tx, ids))
        .load(trade.id)) ?? []
    );
  }

  @ResolveField(() => [TradeStateChangeType])
  async history(@Parent() trade: TradeType, @Operation() operation: GraphqlContext): Promise<StateChangeRow[]> {
    return (
      (await operation
        .loader<string, StateChangeRow[]>('trade-history', (ids, tx) => this.queries.history(tx, ids))
        .load(trade.id)) ?? []
    );
  }

  @ResolveField(() => PartyReference, { nullable: true })
  counterpartyParty(@Parent() trade: TradeType): PartyReference | null {
    return trade.counterpartyPartyId === null ? null : { id: trade.counterpartyPartyId };
  }

  @ResolveField(() => PartyReference, { nullable: true })
  clientParty(@Parent() trade: TradeType): PartyReference | null {
    return trade.clientPartyId === null ? null : { id: trade.clientPartyId };
  }

  @Mutation(() => TradePayload)
  @RequiresScopes('trades:write')
  async captureTrade(
    @Args('input', { type: () => CaptureTradeInput }) input: CaptureTradeInput,
    @CurrentPrincipal() principal: Principal,
  ): Promise<TradePayload> {
    const faults = validateInput(CaptureTradeInput, input);
    if (faults.length > 0) return rejected(faults);
    const [item] = await this.capture(
      'captureTrade',
      [{ key: input.idempotencyKey, input, raw: rawOf(input) }],
      principal,
    );
    if (!item) throw new Error('a capture has an answer');
    return item;
  }

  @Mutation(() => TradesPayload)
  @RequiresScopes('trades:write')
  async captureTrades(
    @Args('input', { type: () => CaptureTradesInput }) input: CaptureTradesInput,
    @CurrentPrincipal() principal: Principal,
  ): Promise<TradesPayload> {
    const faults = validateItems(CaptureTradesInput, 'items', input);
    if (faults.problems.length > 0) return { items: [], problems: [...faults.problems] };
    const items = await answerItems(
      input.items,
      faults,
      (sound) =>
        this.capture(
          'captureTrade',
          sound.map((item) => ({ key: item.idempotencyKey, input: item, raw: rawOf(item) })),
          principal,
        ),
      rejected,
    );
    return { items: atItems('items', items), problems: [] };
  }

  @Mutation(() => TradePayload)
  @RequiresScopes('trades:write')
  async amendTrade(
    @Args('input', { type: () => AmendTradeInput }) input: AmendTradeInput,
    @CurrentPrincipal() principal: Principal,
  ): Promise<TradePayload> {
    const faults = validateInput(AmendTradeInput, input);
    if (input.action === 'CORRECT' && !input.trade)
      faults.push(problem('REQUIRED', 'a correction carries the whole trade', ['trade']));
    if (faults.length > 0) return rejected(faults);
    const identity = {
      source: input.source,
      executionId: input.executionId,
      version: String(input.version),
      action: input.action,
    };
    const raw: RawTradeLine = { ...nothing, ...(input.trade ? rawOf(input.trade) : {}), ...identity };
    const [item] = await this.capture('amendTrade', [{ key: input.idempotencyKey, input, raw }], principal);
    if (!item) throw new Error('an amendment has an answer');
    return item;
  }

  private async capture(
    operation: string,
    items: readonly { key: string; input: unknown; raw: RawTradeLine }[],
    principal: Principal,
  ): Promise<TradePayload[]> {
    return this.transactions.run(
      async (tx) => {
        const answers = await this.idempotency.runMany<Kept>(
          tx,
          { client: principal.subject, operation, items },
          async (fresh) => {
            const raws = fresh.flatMap((index) => items[index]?.raw ?? []);
            const outcomes = await this.trades.capture(tx, raws, { fileId: null, capturedBy: principal.subject });
            return outcomes.map(kept);
          },
        );
        const rows = await this.queries.byIds(
          tx,
          answers.flatMap(({ tradeId }) => tradeId ?? []),
        );
        return answers.map(({ tradeId, outcome, problems, replayed }): TradePayload => {
          const row = tradeId ? rows.get(tradeId) : undefined;
          return { trade: row ? toTradeType(row) : null, outcome: outcomeOf(outcome), problems, replayed };
        });
      },
      { books: booksOf(principal) },
    );
  }
}

const rejected = (problems: Problem[]): TradePayload => ({
  trade: null,
  outcome: 'REJECTED',
  problems,
  replayed: false,
});

/** The answer to a key that was used for another input has no outcome of its own. */
const outcomeOf = (outcome: string | undefined) => outcome ?? 'REJECTED';

/** A fault of the line may be put right under the same key; what depends on the state of the trade is remembered. */
function kept(outcome: LineOutcome): Kept {
  const payload: Kept = { tradeId: outcome.tradeId, outcome: outcome.outcome, problems: [...outcome.problems] };
  return outcome.outcome === 'REJECTED' && !outcome.problems.some(({ code }) => code.startsWith('TRADE_ALREADY_'))
    ? faultOfInput(payload)
    : payload;
}
