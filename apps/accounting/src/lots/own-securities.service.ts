import { Injectable } from '@nestjs/common';
import { type PlainDate } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import { isRefused, newId, type Problem, problem } from '#libs/kernel/index.js';
import { currencyExponent, isCurrency, Rational } from '#libs/money/index.js';
import { Accounts } from '../accounts/accounts.service.js';
import { type Asset } from '../assets/assets.repository.js';
import { Assets } from '../assets/assets.service.js';
import { termsOfBook } from '../business-days/books.js';
import { Charts } from '../chart/charts.service.js';
import { type Asked, entryOf, type Outcome, ValuationRefused } from '../foreign-exchange/foreign-exchange.service.js';
import { refusalText } from '../journal/posting.js';
import { PostingService } from '../journal/posting.service.js';
import { namedFigures } from '../rates/rates.js';
import { type AmortisationMethod } from './amortisation.js';
import { type Lot, type Pick, type PriceTerms, quantityOf, traded, worthAt } from './lots.js';
import { asLot, type LotRow, LotsRepository, type NewMovement } from './lots.repository.js';
import { OwnSecuritiesRepository, type OwnTradeRow, type ValuationRow } from './own-securities.repository.js';
import {
  accounts,
  accruedOn,
  type BondTerms,
  carriedAt,
  couponPaid,
  faultsOfBond,
  faultsOfTrade,
  type Leg,
  type OwnTrade,
  recognition,
  settlement,
  valuationOf,
} from './own-securities.js';

export interface TradeAsked {
  readonly book: string;
  readonly businessDate: PlainDate;
  readonly key: string;
  readonly trade: OwnTrade;
  readonly picks?: readonly Pick[];
  /** Of a bond, with the first trade in it. */
  readonly bond?: { annualRate: string; dayCount: string; boundaries: PlainDate[]; method: AmortisationMethod };
}

/** The firm's own holdings: each trade is an entry with its lots, each valuation an entry with what it remembers. */
@Injectable()
export class OwnSecurities {
  constructor(
    private readonly lots: LotsRepository,
    private readonly repository: OwnSecuritiesRepository,
    private readonly accounts: Accounts,
    private readonly assets: Assets,
    private readonly charts: Charts,
    private readonly posting: PostingService,
  ) {}

  /** Books a trade of the house: the entry, its lots and what it realised together, or nothing. */
  async book(tx: Tx, asked: TradeAsked, by: string): Promise<{ trade?: OwnTradeRow; problems: Problem[] }> {
    const { book, businessDate: date, key, trade, picks } = asked;
    await this.lock(tx, book);
    const known = (await this.assets.find(tx, [trade.instrument])).get(trade.instrument);
    const problems = [
      ...faultsOfTrade(trade),
      ...(asked.bond ? faultsOfBond(asked.bond) : []),
      ...(await this.faultsOfAccounts(tx, book, trade)),
    ];
    if (!known) problems.push(problem('ASSET_NOT_FOUND', `${trade.instrument} is not registered`, ['instrument']));
    else if (known.currency && known.currency !== trade.currency)
      problems.push(problem('CURRENCY_MISMATCH', `${trade.instrument} is priced in ${known.currency}`, ['currency']));
    if (problems.length > 0) return { problems };
    const rows = await this.lots.open(tx, [{ book, number: trade.holding, asset: trade.instrument }]);
    const { lotMethod: method = 'FIFO', recognition: policy = 'SETTLEMENT_DATE' } = termsOfBook(book);
    const lotId = newId('lot');
    const decision = traded(
      { method, lots: rows.map(asLot) },
      {
        direction: trade.direction,
        lotId,
        date: trade.tradeDate,
        quantity: trade.quantity,
        amount: trade.amount,
        ...(picks ? { picks } : {}),
      },
    );
    if (isRefused(decision)) return { problems: [...decision.problems] };
    const { closed, opened } = decision.value;
    const side = trade.direction === 'BUY' ? 1n : -1n;
    const cost = side * (opened?.cost ?? 0n) + side * closed.reduce((sum, one) => sum + one.cost, 0n);
    const legs = recognition(trade, policy, cost);
    const posted = await this.post(
      tx,
      { book, date, legs },
      key,
      'OWN_TRADE',
      `${trade.direction === 'BUY' ? 'Purchase' : 'Sale'} of ${trade.instrument}`,
      by,
    );
    if (posted.problems.length > 0) return { problems: posted.problems };
    const entryId = posted.entryId;
    const movement = { book, entryId, businessDate: date };
    const isNew = opened !== null && opened.lotId === lotId;
    await this.lots.add(
      tx,
      isNew
        ? [
            {
              lotId,
              book,
              number: trade.holding,
              asset: trade.instrument,
              owner: 'OWN',
              side: opened.side,
              openedOn: trade.tradeDate,
              currency: trade.currency,
              openedBy: entryId,
            },
          ]
        : [],
      [
        ...closed.map((piece): NewMovement => ({
          ...movement,
          lotId: piece.lotId,
          kind: 'CLOSED',
          quantity: String(-piece.quantity),
          cost: String(-piece.cost),
          amount: String(piece.amount),
          realised: String(piece.realised),
        })),
        ...(opened
          ? [
              {
                ...movement,
                lotId: opened.lotId,
                kind: isNew ? ('OPENED' as const) : ('ADDED' as const),
                quantity: String(opened.quantity),
                cost: String(opened.cost),
              },
            ]
          : []),
      ],
    );
    if (asked.bond && !(await this.repository.bond(tx, book, trade.instrument)))
      await this.repository.addBond(tx, { book, asset: trade.instrument, ...asked.bond, by });
    const tradeId = newId('own');
    await this.repository.addTrade(tx, {
      tradeId,
      book,
      businessDate: date,
      trade,
      policy,
      entryId,
      settledBy: policy === 'SETTLEMENT_DATE' ? entryId : null,
      by,
    });
    return { trade: await this.repository.trade(tx, tradeId), problems: [] };
  }

  /** The settlement of a trade that was recognised on its trade date. */
  async settle(
    tx: Tx,
    asked: { book: string; tradeId: string; businessDate: PlainDate },
    by: string,
  ): Promise<{ trade?: OwnTradeRow; problems: Problem[] }> {
    await this.lock(tx, asked.book);
    const row = await this.repository.trade(tx, asked.tradeId);
    if (row?.book !== asked.book)
      return { problems: [problem('TRADE_NOT_FOUND', 'There is no such trade', ['tradeId'])] };
    if (row.settledBy !== null) return { problems: [problem('TRADE_SETTLED', 'The trade is settled', ['tradeId'])] };
    const posted = await this.post(
      tx,
      { book: row.book, date: asked.businessDate, legs: settlement(asTrade(row)) },
      `settlement:${row.tradeId}`,
      'OWN_TRADE_SETTLEMENT',
      `Settlement of ${row.asset}`,
      by,
    );
    if (posted.problems.length > 0) return { problems: posted.problems };
    await this.repository.settled(tx, row.tradeId, posted.entryId);
    return { trade: await this.repository.trade(tx, row.tradeId), problems: [] };
  }

  async coupon(
    tx: Tx,
    asked: {
      book: string;
      businessDate: PlainDate;
      key: string;
      holding: string;
      instrument: string;
      nostro: string;
      currency: string;
      amount: bigint;
    },
    by: string,
  ): Promise<{ entryId?: string; problems: Problem[] }> {
    const { book, businessDate: date, amount, currency } = asked;
    await this.lock(tx, book);
    if (amount <= 0n) return { problems: [problem('AMOUNT_NOT_POSITIVE', 'A coupon is above zero', ['amount'])] };
    if (!(await this.repository.bond(tx, book, asked.instrument)))
      return { problems: [problem('NOT_A_BOND', 'Of this instrument the book knows no coupons', ['instrument'])] };
    const posted = await this.post(
      tx,
      { book, date, legs: couponPaid(asked.nostro, currency, amount) },
      asked.key,
      'OWN_COUPON',
      `Coupon of ${asked.instrument}`,
      by,
    );
    if (posted.problems.length > 0) return { problems: posted.problems };
    await this.repository.addCoupon(tx, {
      entryId: posted.entryId,
      book,
      number: asked.holding,
      asset: asked.instrument,
      currency,
      businessDate: date,
      amount: String(amount),
    });
    return { entryId: posted.entryId, problems: [] };
  }

  /** Instruments that the valuation of a book needs a price of. */
  async instruments(tx: Tx, book: string): Promise<string[]> {
    return [...new Set((await this.lots.openOwn(tx, book)).map(({ asset }) => asset))];
  }

  /** What the job will refuse, told before it begins. */
  async check(tx: Tx, asked: Omit<Asked, 'by'>): Promise<Problem[]> {
    const rows = await this.lots.openOwn(tx, asked.book);
    const known = await this.assets.find(
      tx,
      rows.map(({ asset }) => asset),
    );
    return priceProblems(
      [...new Map(rows.map(({ asset, currency }) => [asset, currency ?? ''])).entries()],
      known,
      asked,
    );
  }

  /** Every own holding: coupons accrued, bonds brought towards par, the rest to fair value. Posts what is not posted yet. */
  async value(tx: Tx, asked: Asked): Promise<Outcome> {
    const { book, date, rates, by } = asked;
    const rows = await this.lots.openOwn(tx, book);
    const latest = await this.repository.latest(tx, book, null);
    const holdings = new Map<
      string,
      { number: string; asset: string; currency: string; lots: LotRow[]; before: ValuationRow | undefined }
    >();
    for (const before of latest)
      holdings.set(`${before.number}/${before.asset}`, {
        number: before.number,
        asset: before.asset,
        currency: before.currency,
        lots: [],
        before,
      });
    for (const row of rows) {
      const key = `${row.number}/${row.asset}`;
      const holding = holdings.get(key) ?? {
        number: row.number,
        asset: row.asset,
        currency: row.currency ?? '',
        lots: [],
        before: undefined,
      };
      holding.lots.push(row);
      holdings.set(key, holding);
    }
    const all = [...holdings.values()];
    const known = await this.assets.find(
      tx,
      all.map(({ asset }) => asset),
    );
    const problems = priceProblems(
      all.filter(({ lots }) => lots.length > 0).map(({ asset, currency }) => [asset, currency]),
      known,
      asked,
    );
    const late = all.find(({ before }) => before && before.businessDate > date);
    if (late) problems.push(problem('REVALUED_LATER', `${late.asset} was valued on a later date`, ['businessDate']));
    if (problems.length > 0) return { posted: 0, unchanged: 0, problems };
    const bonds = await this.repository.bonds(tx, book);
    const flows = await this.repository.accruedFlows(tx, book);
    let posted = 0;
    for (const holding of all) {
      const terms = termsOf(known.get(holding.asset), holding.currency);
      const bond = bonds.get(holding.asset);
      const worth = holding.lots.length === 0 ? undefined : rates.priceOf(holding.asset, holding.currency);
      const amortised = bond && terms ? amortisations(bond, terms, holding.lots, date) : new Map<string, bigint>();
      const carried = holding.lots.map((row): Lot => ({
        ...asLot(row),
        cost: BigInt(row.openCost) + (amortised.get(row.lotId) ?? 0n),
      }));
      const isLong = carried[0]?.side !== 'SHORT';
      const quantity = isLong ? quantityOf(carried) : -quantityOf(carried);
      const cost = carried.reduce((sum, one) => sum + (isLong ? one.cost : -one.cost), 0n);
      const fairValue = worth && terms ? worthAt(quantity, worth.rate, terms) : 0n;
      const accrued = bond && terms && isLong && quantity > 0n ? accruedOn(bond, parOf(quantity, terms), date) : 0n;
      const { before } = holding;
      const earned = accrued - (flows.get(`${holding.number}/${holding.asset}`) ?? 0n);
      const change = [...amortised.values()].reduce((sum, one) => sum + one, 0n);
      const line: ValuationRow = {
        book,
        number: holding.number,
        asset: holding.asset,
        businessDate: date,
        version: before?.businessDate === date ? before.version + 1 : 1,
        currency: holding.currency,
        quantity: String(quantity),
        cost: String(cost),
        figures: worth ? namedFigures(worth.figures) : '',
        isStale: worth?.isStale ?? false,
        fairValue: String(fairValue),
        adjustment: String(fairValue - cost),
        adjustmentPosted: String(fairValue - cost - BigInt(before?.adjustment ?? 0)),
        amortised: String(BigInt(before?.amortised ?? 0) + change),
        amortisedPosted: String(change),
        accrued: String(accrued),
        earned: String(earned),
        earnedPosted: String(earned - BigInt(before?.earned ?? 0)),
        entryId: null,
        scale: 0,
      };
      const legs = valuationOf(holding.currency, {
        adjustment: BigInt(line.adjustmentPosted),
        amortised: change,
        accrued: BigInt(line.earnedPosted),
      });
      if (
        legs.length === 0 &&
        before &&
        (before.businessDate === date || quantity === 0n) &&
        before.figures === line.figures &&
        before.quantity === line.quantity
      )
        continue;
      const result =
        legs.length === 0
          ? { entryId: null, problems: [] }
          : await this.post(
              tx,
              { book, date, legs },
              `valuation:${date}:${holding.number}:${holding.asset}:${line.version}`,
              'VALUATION',
              `${holding.asset} at ${line.figures || 'nothing held'}`,
              by,
            );
      if (result.problems.length > 0) throw new ValuationRefused(result.problems);
      const entryId = result.entryId;
      if (entryId !== null && change !== 0n)
        await this.lots.add(
          tx,
          [],
          [...amortised]
            .filter(([, units]) => units !== 0n)
            .map(([lotId, units]) => ({
              lotId,
              book,
              entryId,
              kind: 'AMORTISED',
              businessDate: date,
              quantity: '0',
              cost: String(units),
            })),
        );
      await this.repository.addValuation(tx, { ...line, entryId });
      posted += legs.length === 0 ? 0 : 1;
    }
    return { posted, unchanged: all.length - posted, problems: [] };
  }

  private async faultsOfAccounts(tx: Tx, book: string, trade: OwnTrade): Promise<Problem[]> {
    const found = new Map(
      (
        await this.accounts.byNumber(
          tx,
          [trade.holding, trade.depot, trade.nostro].map((number) => ({ book, number })),
        )
      ).map((row) => [row.number, row]),
    );
    const problems: Problem[] = [];
    for (const [field, kind] of [
      ['holding', 'OWN_CUSTODY'],
      ['depot', 'DEPOT'],
      ['nostro', 'NOSTRO'],
    ] as const) {
      const account = found.get(trade[field]);
      if (!account) problems.push(problem('ACCOUNT_NOT_FOUND', 'The book has no account of that number', [field]));
      else if (account.kind !== kind)
        problems.push(problem('ACCOUNT_OF_ANOTHER_KIND', `The account is no ${kind}`, [field]));
    }
    return problems;
  }

  private async lock(tx: Tx, book: string): Promise<void> {
    await tx.execute(`SELECT pg_advisory_xact_lock(hashtextextended('valuation:' || $1, 0))`, [book]);
  }

  private async post(
    tx: Tx,
    entry: { book: string; date: PlainDate; legs: readonly Leg[] },
    key: string,
    kind: string,
    description: string,
    by: string,
  ): Promise<{ entryId: string; problems: Problem[] }> {
    await this.charts.openDirect(tx, entry.book, Object.values(accounts));
    const [result] = await this.posting.post(tx, { items: [entryOf(entry, key, kind, description)], requestedBy: by });
    if (result?.outcome === 'POSTED' && !result.replayed) return { entryId: result.id ?? '', problems: [] };
    if (result?.replayed)
      return {
        entryId: '',
        problems: [problem('IDEMPOTENCY_KEY_REUSED', 'The key was used before', ['idempotencyKey'])],
      };
    const code = result?.code ?? 'LEDGER_CHECK_FAILED';
    return { entryId: '', problems: [problem(code, result ? refusalText(result) : code, [])] };
  }
}

export const asTrade = (row: OwnTradeRow): OwnTrade => ({
  direction: row.direction,
  holding: row.number,
  instrument: row.asset,
  quantity: BigInt(row.quantity),
  currency: row.currency,
  amount: BigInt(row.amount),
  accrued: BigInt(row.accrued),
  tradeDate: row.tradeDate,
  settlementDate: row.settlementDate,
  depot: row.depot,
  nostro: row.nostro,
});

function termsOf(asset: Asset | undefined, currency: string): PriceTerms | undefined {
  if (!asset?.priceFactor || !isCurrency(currency)) return undefined;
  return {
    quantityScale: asset.scale,
    currencyExponent: currencyExponent(currency),
    factor: Rational.parse(asset.priceFactor),
  };
}

/** What is repaid for a nominal: the price of par is the inverse of the factor. */
const parOf = (quantity: bigint, terms: PriceTerms): bigint =>
  worthAt(quantity, Rational.one.dividedBy(terms.factor), terms);

/** By lot, what its cost changes by so that it stands where its way to par has brought it. */
function amortisations(
  bond: BondTerms,
  terms: PriceTerms,
  lots: readonly LotRow[],
  date: PlainDate,
): Map<string, bigint> {
  return new Map(
    lots.flatMap((row): [string, bigint][] => {
      if (row.side === 'SHORT') return [];
      const carried = carriedAt(
        bond,
        {
          openedOn: row.openedOn,
          firstQuantity: BigInt(row.firstQuantity),
          firstCost: BigInt(row.firstCost),
          openQuantity: BigInt(row.openQuantity),
        },
        (quantity) => parOf(quantity, terms),
        date,
      );
      return carried === undefined ? [] : [[row.lotId, carried - BigInt(row.openCost)]];
    }),
  );
}

function priceProblems(
  held: readonly (readonly [asset: string, currency: string])[],
  known: ReadonlyMap<string, Asset>,
  { rates, acceptStale, date }: Omit<Asked, 'by'>,
): Problem[] {
  return held.flatMap(([asset, currency]) => {
    if (!known.get(asset)?.priceFactor)
      return [problem('PRICE_TERMS_MISSING', `Nobody told how ${asset} is priced`, ['prices', asset])];
    const worth = rates.priceOf(asset, currency);
    if (!worth)
      return [
        problem(
          'PRICE_MISSING',
          `There is no price of ${asset} in ${currency} that can be used on ${date}`,
          ['prices', asset],
          true,
        ),
      ];
    return worth.isStale && !acceptStale
      ? [
          problem(
            'PRICE_STALE',
            `The last price of ${asset} is of ${worth.figures[0]?.date ?? ''}; accept it, or have a new one`,
            ['prices', asset],
            true,
          ),
        ]
      : [];
  });
}
