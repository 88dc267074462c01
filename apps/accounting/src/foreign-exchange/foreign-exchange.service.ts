import { Injectable } from '@nestjs/common';
import { type PlainDate } from '#libs/calendar/index.js';
import { type Tx } from '#libs/database/index.js';
import { isRefused, type Problem, problem } from '#libs/kernel/index.js';
import { type Rational } from '#libs/money/index.js';
import { functionalCurrencyOf } from '../business-days/books.js';
import { Charts } from '../chart/charts.service.js';
import { type PostingItem, type PostingResult, refusalText } from '../journal/posting.js';
import { PostingService } from '../journal/posting.service.js';
import { namedFigures, type RatesOfDate, type Worth } from '../rates/rates.js';
import {
  accounts,
  afterDeal,
  conversionOf,
  type CurrencyPosition,
  type Deal,
  type DealEntry,
  dealsOf,
  type Leg,
  nothingOpen,
  nothingPosted,
  ofSmallestUnits,
  revaluationOf,
  toPost,
  undone,
  valued,
} from './foreign-exchange.js';
import {
  type ConversionRow,
  type DealRow,
  ForeignExchangeRepository,
  type RevaluationRow,
} from './foreign-exchange.repository.js';

export interface Asked {
  readonly book: string;
  readonly date: PlainDate;
  readonly rates: RatesOfDate;
  /** A figure that is old is used all the same. */
  readonly acceptStale: boolean;
  readonly by: string;
}

export interface Outcome {
  readonly posted: number;
  readonly unchanged: number;
  readonly problems: readonly Problem[];
}

/** The ledger would not take what a valuation posts: nothing of the step is kept. */
export class ValuationRefused extends Error {
  constructor(readonly problems: readonly Problem[]) {
    super(problems.map(({ code, message }) => `${code}: ${message}`).join('; '));
  }
}

const smallest = (worth: Worth, currency: string, functional: string): Rational =>
  ofSmallestUnits(worth.rate, currency, functional);

/** The amounts of a book in foreign currencies: income and expense converted, positions revalued. One transaction each. */
@Injectable()
export class ForeignExchange {
  constructor(
    private readonly repository: ForeignExchangeRepository,
    private readonly charts: Charts,
    private readonly posting: PostingService,
  ) {}

  /** Empties income and expense in foreign currencies at the rate of the date. Without a rate of one of them nothing is posted. */
  async convert(tx: Tx, asked: Asked): Promise<Outcome> {
    const { book, date, rates, by } = asked;
    const functional = functionalCurrencyOf(book);
    const results = await this.repository.foreignResults(tx, book, functional);
    const currencies = [...new Set(results.map(({ currency }) => currency))];
    const problems = rateProblems(currencies, functional, asked);
    if (problems.length > 0 || currencies.length === 0) return { posted: 0, unchanged: 0, problems };
    const before = await this.repository.conversionsBefore(tx, book, date);
    const planned = currencies.map((currency) => {
      const worth = rates.between(currency, functional) as Worth;
      const rate = smallest(worth, currency, functional);
      const legs = conversionOf(
        results
          .filter((one) => one.currency === currency)
          .map(({ account, units }) => ({ account, units: BigInt(units) })),
        currency,
        functional,
        rate,
      );
      const n = (before.get(currency) ?? 0) + 1;
      const item = entryOf(
        { book, date, legs },
        `conversion:${date}:${currency}:${n}`,
        'CURRENCY_CONVERSION',
        `Income and expense in ${currency} (${namedFigures(worth.figures)})`,
      );
      return { currency, worth, rate, item };
    });
    const posted = await this.post(
      tx,
      book,
      planned.map(({ item }) => item),
      by,
    );
    await this.repository.addConversions(
      tx,
      planned.map(({ currency, worth, rate }, n) => ({
        entryId: posted[n]?.id ?? '',
        book,
        businessDate: date,
        currency,
        rateNumerator: String(rate.numerator),
        rateDenominator: String(rate.denominator),
        figures: namedFigures(worth.figures),
        isStale: worth.isStale,
      })),
    );
    return { posted: posted.length, unchanged: 0, problems: [] };
  }

  /** What the job will refuse, told before it begins. */
  async check(tx: Tx, asked: Omit<Asked, 'by'>): Promise<Problem[]> {
    const functional = functionalCurrencyOf(asked.book);
    const open = await this.openCurrencies(tx, asked.book, functional);
    const results = await this.repository.foreignResults(tx, asked.book, functional);
    return rateProblems([...new Set([...open, ...results.map(({ currency }) => currency)])].sort(), functional, asked);
  }

  private async openCurrencies(tx: Tx, book: string, functional: string): Promise<string[]> {
    const open = new Map(
      (await this.repository.latest(tx, book)).map(({ currency, position }) => [currency, BigInt(position)]),
    );
    for (const { positions } of await this.repository.undealt(tx, book, functional))
      for (const { currency, units } of positions) open.set(currency, (open.get(currency) ?? 0n) - BigInt(units));
    return [...open].flatMap(([currency, position]) => (position === 0n ? [] : [currency]));
  }

  /** Revalues every currency of the book at the rates of the date and posts what is not posted yet. Run again, it posts nothing. */
  async revalue(tx: Tx, asked: Asked): Promise<Outcome> {
    const { book, date, rates, by } = asked;
    const functional = functionalCurrencyOf(book);
    const latest = new Map((await this.repository.latest(tx, book)).map((row) => [row.currency, row]));
    const rows = await this.repository.undealt(tx, book, functional);
    const entries = rows.map((row): DealEntry => ({
      entryId: row.entryId,
      reverses: row.reverses,
      positions: new Map(row.positions.map(({ currency, units }) => [currency, -BigInt(units)])),
      equivalent: BigInt(row.equivalent),
    }));
    const worthOf = (currency: string) => rates.between(currency, functional);
    const problems: Problem[] = [];
    const dealt = new Map<string, { entryId: string; deal: Deal }[]>();
    for (const entry of entries) {
      const deals = dealsOf(entry, (currency) => {
        const worth = worthOf(currency);
        return worth && smallest(worth, currency, functional);
      });
      if (isRefused(deals)) problems.push(...deals.problems.map((one) => ({ ...one, path: ['rates', ...one.path] })));
      else
        for (const [currency, deal] of deals.value)
          dealt.set(currency, [...(dealt.get(currency) ?? []), { entryId: entry.entryId, deal }]);
    }
    const gone = undone(entries);
    const plans = [...new Set([...latest.keys(), ...dealt.keys()])]
      .sort()
      .map((currency) => planOf(currency, latest.get(currency), dealt.get(currency) ?? [], gone, date));
    const late = plans.find(({ before }) => before && before.businessDate > date);
    if (late)
      problems.push(problem('REVALUED_LATER', `${late.currency} was revalued on a later date`, ['businessDate']));
    const needed = plans.filter(({ state }) => state.position !== 0n).map(({ currency }) => currency);
    problems.push(...rateProblems(needed, functional, asked));
    if (problems.length > 0) return { posted: 0, unchanged: 0, problems: distinct(problems) };

    const lines: RevaluationRow[] = [];
    const items: (PostingItem | null)[] = [];
    for (const plan of plans) {
      const { currency, before, state, version } = plan;
      const worth = state.position === 0n ? undefined : worthOf(currency);
      const line = lineOf(plan, worth && smallest(worth, currency, functional), worth, {
        book,
        date,
        functional,
        place: placeOf(rows, currency),
      });
      if (plan.deals.length === 0 && before && isSame(line, before)) continue;
      const post = { realised: BigInt(line.realisedPosted), unrealised: BigInt(line.unrealisedPosted) };
      const legs = revaluationOf(post, functional);
      lines.push(line);
      items.push(
        legs.length === 0
          ? null
          : entryOf(
              { book, date, legs },
              `revaluation:${date}:${currency}:${version}`,
              'REVALUATION',
              `${currency} at ${line.figures || 'no open position'}`,
            ),
      );
    }
    const posted = await this.post(
      tx,
      book,
      items.filter((item) => item !== null),
      by,
    );
    let n = 0;
    const kept = lines.map((line, at) => ({ ...line, entryId: items[at] === null ? null : (posted[n++]?.id ?? null) }));
    await this.repository.addDeals(
      tx,
      plans.flatMap(({ currency, version, deals }) =>
        deals.map(({ entryId, deal, realised }, at): DealRow => ({
          entryId,
          book,
          currency,
          businessDate: date,
          version,
          n: at + 1,
          position: String(deal.position),
          equivalent: String(deal.equivalent),
          realised: String(realised),
        })),
      ),
    );
    await this.repository.addRevaluations(tx, kept);
    return { posted: posted.length, unchanged: plans.length - posted.length, problems: [] };
  }

  revaluations(tx: Tx, book: string, date: PlainDate, only: 'OF_THE_DATE' | 'LAST'): Promise<RevaluationRow[]> {
    return this.repository.list(tx, book, date, only);
  }

  conversions(tx: Tx, book: string, date: PlainDate): Promise<ConversionRow[]> {
    return this.repository.conversions(tx, book, date);
  }

  deals(tx: Tx, of: { book: string; currency: string; businessDate: PlainDate; version: number }): Promise<DealRow[]> {
    return this.repository.dealsOf(tx, of);
  }

  async unexplained(tx: Tx, book: string): Promise<bigint> {
    return this.repository.unexplained(tx, book, functionalCurrencyOf(book));
  }

  private async post(tx: Tx, book: string, items: readonly PostingItem[], by: string): Promise<PostingResult[]> {
    if (items.length === 0) return [];
    await this.charts.openDirect(tx, book, Object.values(accounts));
    const results = await this.posting.post(tx, { items, requestedBy: by });
    const refused = results.filter(({ outcome }) => outcome === 'REFUSED');
    if (refused.length > 0)
      throw new ValuationRefused(
        refused.map((one) => problem(one.code ?? 'LEDGER_CHECK_FAILED', refusalText(one), [one.key])),
      );
    return results;
  }
}

interface Plan {
  readonly currency: string;
  readonly before: RevaluationRow | undefined;
  readonly version: number;
  readonly state: CurrencyPosition;
  readonly deals: readonly { entryId: string; deal: Deal; realised: bigint }[];
}

function planOf(
  currency: string,
  before: RevaluationRow | undefined,
  dealt: readonly { entryId: string; deal: Deal }[],
  gone: ReadonlySet<string>,
  date: PlainDate,
): Plan {
  let state: CurrencyPosition = before
    ? { position: BigInt(before.position), cost: BigInt(before.cost), paid: BigInt(before.paid) }
    : nothingOpen;
  const deals = dealt.map(({ entryId, deal }) => {
    if (gone.has(entryId)) return { entryId, deal, realised: 0n };
    const { realised, ...next } = afterDeal(state, deal);
    state = next;
    return { entryId, deal, realised };
  });
  return { currency, before, state, deals, version: before?.businessDate === date ? before.version + 1 : 1 };
}

function lineOf(
  { currency, before, state, deals, version }: Plan,
  rate: Rational | undefined,
  worth: Worth | undefined,
  { book, date, functional, place }: { book: string; date: PlainDate; functional: string; place: bigint },
): RevaluationRow {
  const now = rate ? valued(state, rate) : { value: 0n, realised: state.cost - state.paid, unrealised: 0n };
  const posted = before ? { realised: BigInt(before.realised), unrealised: BigInt(before.unrealised) } : nothingPosted;
  const post = toPost(now, posted);
  const paid = deals.reduce((sum, { deal }) => sum + deal.equivalent, 0n);
  return {
    book,
    businessDate: date,
    currency,
    version,
    functional,
    position: String(state.position),
    cost: String(state.cost),
    paid: String(state.paid),
    rateNumerator: rate ? String(rate.numerator) : null,
    rateDenominator: rate ? String(rate.denominator) : null,
    figures: worth ? namedFigures(worth.figures) : '',
    isStale: worth?.isStale ?? false,
    equivalentBefore: String(BigInt(before?.equivalentAfter ?? 0) + paid),
    equivalentAfter: String(now.value),
    realised: String(now.realised),
    unrealised: String(now.unrealised),
    realisedPosted: String(post.realised),
    unrealisedPosted: String(post.unrealised),
    entryId: null,
    upToPlace: String(place > BigInt(before?.upToPlace ?? 0) ? place : BigInt(before?.upToPlace ?? 0)),
  };
}

/** Of the same date, by the same figures: nothing to say again. */
const isSame = (line: RevaluationRow, before: RevaluationRow): boolean =>
  (line.businessDate === before.businessDate || line.position === '0') &&
  line.figures === before.figures &&
  line.realised === before.realised &&
  line.unrealised === before.unrealised;

const placeOf = (
  rows: readonly { positions: readonly { currency: string; place: string | null }[] }[],
  currency: string,
): bigint =>
  rows
    .flatMap(({ positions }) => positions)
    .filter((one) => one.currency === currency && one.place !== null)
    .reduce((most, { place }) => (BigInt(place ?? 0) > most ? BigInt(place ?? 0) : most), 0n);

export function rateProblems(
  currencies: readonly string[],
  functional: string,
  { rates, acceptStale, date }: { rates: RatesOfDate; acceptStale: boolean; date: PlainDate },
): Problem[] {
  return currencies.flatMap((currency) => {
    const worth = rates.between(currency, functional);
    if (!worth)
      return [
        problem(
          'RATE_MISSING',
          `There is no rate of ${currency} that can be used on ${date}`,
          ['rates', currency],
          true,
        ),
      ];
    if (worth.isStale && !acceptStale)
      return [
        problem(
          'RATE_STALE',
          `The last rate of ${currency} is of ${worth.figures.map((one) => one.date).sort()[0] ?? ''}; accept it, or have a new one`,
          ['rates', currency],
          true,
        ),
      ];
    return [];
  });
}

const distinct = (problems: readonly Problem[]): Problem[] => [
  ...new Map(problems.map((one) => [`${one.code} ${one.path.join('.')}`, one])).values(),
];

export const entryOf = (
  { book, date, legs }: { book: string; date: PlainDate; legs: readonly Leg[] },
  key: string,
  kind: string,
  description: string,
): PostingItem => ({
  op: 'ENTRY',
  key,
  book,
  kind,
  businessDate: date,
  valueDate: date,
  description: description.slice(0, 140),
  subject: { kind, id: `${book}/${key}`.slice(0, 64) },
  postings: legs.map(({ account, asset, units }) => ({
    account,
    asset,
    side: units > 0n ? ('DEBIT' as const) : ('CREDIT' as const),
    units: String(units < 0n ? -units : units),
  })),
});
