import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { accepted, type Decision, isRefused, type Problem, problem, refused } from '#libs/kernel/index.js';
import { functionalCurrencyOf } from '../business-days/books.js';
import { type Chart } from '../chart/chart.js';
import { Charts } from '../chart/charts.service.js';
import { type Figure, namedFigures } from '../rates/rates.js';
import { Rates } from '../rates/rates.service.js';
import { consolidate, type Eliminated, eliminate, type Elimination, lineOfKind } from './consolidation.js';
import { Interbook } from '../interbook/interbook.service.js';
import {
  balanceSheet,
  cashFlowStatement,
  profitAndLoss,
  type Standing,
  type Statement,
  trialBalance,
  type TrialBalance,
} from './reports.js';
import { ReportsRepository } from './reports.repository.js';
import { type Currency } from './translation.js';

/** Of which books, as known when, and in which currency: that of the first book unless another is named. */
export interface ReportScope {
  readonly books: readonly string[];
  readonly knownOn: string | null;
  readonly currency: string | null;
  /** Of a report that was issued: the charts and the rates of then. */
  readonly chartVersions?: Readonly<Record<string, number>>;
  readonly rates?: readonly string[];
}

export interface Span {
  readonly from: string;
  readonly to: string;
}

/** What a report was made with, so that it can be made again. */
export interface Basis {
  readonly currency: string;
  readonly scale: number;
  readonly chartVersions: Readonly<Record<string, number>>;
  /** The rates it used, by their versions: `RATE:41@2026-11-24`. */
  readonly rates: readonly string[];
  /** Every date in it is closed, so that nothing changes it but entries that are known later. */
  readonly isFinal: boolean;
}

export interface Report<T> extends Basis {
  readonly value: T;
}

/** A statement with what its kind has beside its sections. */
export type Told = Statement & {
  readonly result?: bigint;
  readonly opening?: bigint;
  readonly effectOfRates?: bigint;
  readonly closing?: bigint;
  readonly eliminated?: readonly Eliminated[];
};

export interface CashFlow extends Statement {
  readonly opening: bigint;
  readonly effectOfRates: bigint;
  readonly closing: bigint;
}

interface BookAt {
  readonly chart: Chart;
  readonly version: number;
}

/** The day before, as the calendar of everybody counts. */
const dayBefore = (date: string): string =>
  new Date(Date.parse(`${date}T00:00:00Z`) - 86_400_000).toISOString().slice(0, 10);

/** Statements of books, made of what their codes have. All of them are refused rather than told when they do not tie. */
@Injectable()
export class Reports {
  constructor(
    private readonly repository: ReportsRepository,
    private readonly charts: Charts,
    private readonly rates: Rates,
    private readonly interbook: Interbook,
  ) {}

  /** Of one book, per code and asset, over a period. */
  async trialBalance(
    tx: Tx,
    book: string,
    span: Span,
    scope: Omit<ReportScope, 'books'>,
  ): Promise<Decision<Report<TrialBalance>>> {
    return this.report(tx, { ...scope, books: [book] }, [span.from, span.to], async (world) => {
      const [before, after] = await this.ends(tx, book, span, scope.knownOn);
      const to = await world.currency(span.to, [before, after]);
      return trialBalance(world.chart(book), before, after, to);
    });
  }

  /** Of several books together: what they owe each other is taken off as far as both agree on it. */
  async balanceSheet(
    tx: Tx,
    at: string,
    scope: ReportScope,
  ): Promise<Decision<Report<Statement & { readonly eliminated: readonly Eliminated[] }>>> {
    return this.report(tx, scope, [at], async (world) => {
      const { books, knownOn } = scope;
      const dues =
        books.length < 2
          ? []
          : (await this.interbook.positions(tx, at, null, knownOn)).filter(
              ({ creditor, debtor }) => books.includes(creditor) && books.includes(debtor),
            );
      const eliminated = eliminate(dues, await world.currency(at, [dues.map(nothingOf)]));
      if (isRefused(eliminated)) return eliminated;
      const taken = eliminated.value.flatMap(({ creditor, debtor, amount }): Elimination[] => [
        { line: lineOfKind(world.chart(creditor), 'DUE_FROM_BOOK') ?? '', amount },
        { line: lineOfKind(world.chart(debtor), 'DUE_TO_BOOK') ?? '', amount },
      ]);
      const statement = await this.together(
        books,
        async (book) => {
          const standing = await this.repository.standing(tx, book, at, knownOn);
          return balanceSheet(world.chart(book), standing, await world.currency(at, [standing]));
        },
        taken,
      );
      return isRefused(statement) ? statement : accepted({ ...statement.value, eliminated: eliminated.value });
    });
  }

  async profitAndLoss(
    tx: Tx,
    span: Span,
    scope: ReportScope,
  ): Promise<Decision<Report<Statement & { readonly result: bigint }>>> {
    return this.report(tx, scope, [span.from, span.to], async (world) => {
      const statement = await this.together(scope.books, async (book) => {
        const [before, after] = await this.ends(tx, book, span, scope.knownOn);
        return profitAndLoss(world.chart(book), before, after, await world.currency(span.to, [before, after]));
      });
      if (isRefused(statement)) return statement;
      const total = (name: string) => statement.value.sections.find(({ section }) => section === name)?.total ?? 0n;
      return accepted({ ...statement.value, result: total('INCOME') - total('EXPENSES') });
    });
  }

  async cashFlow(tx: Tx, span: Span, scope: ReportScope): Promise<Decision<Report<CashFlow>>> {
    return this.report(tx, scope, [span.from, span.to], async (world) => {
      const sums = { opening: 0n, effectOfRates: 0n, closing: 0n };
      const statement = await this.together(scope.books, async (book) => {
        const [before, after] = await this.ends(tx, book, span, scope.knownOn);
        const [from, to] = [
          await world.currency(dayBefore(span.from), [before]),
          await world.currency(span.to, [before, after]),
        ];
        const flow = cashFlowStatement(world.chart(book), before, after, from, to);
        if (!isRefused(flow)) {
          sums.opening += flow.value.opening;
          sums.effectOfRates += flow.value.effectOfRates;
          sums.closing += flow.value.closing;
        }
        return flow;
      });
      return isRefused(statement) ? statement : accepted({ ...statement.value, ...sums });
    });
  }

  /** What a code had before a period and at its end. */
  private async ends(
    tx: Tx,
    book: string,
    { from, to }: Span,
    knownOn: string | null,
  ): Promise<[Standing[], Standing[]]> {
    return [
      await this.repository.standing(tx, book, dayBefore(from), knownOn),
      await this.repository.standing(tx, book, to, knownOn),
    ];
  }

  private async together(
    books: readonly string[],
    of: (book: string) => Promise<Decision<Statement>>,
    eliminations: readonly Elimination[] = [],
  ): Promise<Decision<Statement>> {
    const statements: Statement[] = [];
    const problems: Problem[] = [];
    for (const book of books) {
      const one = await of(book);
      if (isRefused(one))
        problems.push(...one.problems.map((fault) => ({ ...fault, message: `${book}: ${fault.message}` })));
      else statements.push(one.value);
    }
    const [only] = statements;
    if (problems.length > 0 || !only) return refused(problems);
    return accepted(statements.length === 1 ? only : consolidate(statements, eliminations));
  }

  /** Everything a report needs beside the standings; what is wrong with the question is told before anything is read. */
  private async report<T>(
    tx: Tx,
    { books, currency, chartVersions = {}, rates }: ReportScope,
    dates: readonly string[],
    make: (world: World) => Promise<Decision<T>>,
  ): Promise<Decision<Report<T>>> {
    const [first] = books;
    const problems: Problem[] = [];
    if (first === undefined) problems.push(problem('BOOK_NEEDED', 'A report is of one book at least', ['books']));
    const [from, to] = [dates[0] ?? '', dates.at(-1) ?? ''];
    if (to < from) problems.push(problem('INVALID_PERIOD', 'The period ends before it begins', ['to']));
    const charts = new Map<string, BookAt>();
    for (const [n, book] of books.entries()) {
      if (charts.has(book)) problems.push(problem('BOOK_TWICE', `${book} is named twice`, ['books', n]));
      const row = await this.charts.find(tx, book, chartVersions[book] ?? null);
      if (row) charts.set(book, { chart: row.chart, version: row.version });
      else problems.push(problem('BOOK_NOT_FOUND', `There is no book ${book}`, ['books', n]));
    }
    const code = currency ?? functionalCurrencyOf(first ?? '');
    const [known] = await this.repository.assets(tx, [code]);
    if (known?.kind !== 'CURRENCY')
      problems.push(problem('UNKNOWN_CURRENCY', `${code} is no currency here`, ['currency']));
    if (problems.length > 0 || !known) return refused(problems);
    const world = new World(tx, code, known.scale, charts, this.repository, this.rates, rates);
    const made = await make(world);
    if (isRefused(made)) return made;
    let isFinal = true;
    for (const book of books) isFinal &&= ((await this.repository.closedUntil(tx, book)) ?? '') >= to;
    return accepted({
      value: made.value,
      currency: code,
      scale: known.scale,
      chartVersions: Object.fromEntries([...charts].map(([book, { version }]) => [book, version])),
      rates: world.usedRates(),
      isFinal,
    });
  }
}

/** An asset that is to be known, with nothing of it. */
const nothingOf = ({ asset }: { asset: string }): Standing => ({ code: '', asset, debit: 0n, credit: 0n, closed: 0n });

/** The charts, assets and rates of one report. */
class World {
  private readonly scales = new Map<string, number>();
  private readonly currencies = new Set<string>();
  private readonly used = new Set<Figure>();

  constructor(
    private readonly tx: Tx,
    private readonly code: string,
    private readonly scale: number,
    private readonly charts: ReadonlyMap<string, BookAt>,
    private readonly repository: ReportsRepository,
    private readonly rates: Rates,
    private readonly pinned: readonly string[] | undefined,
  ) {}

  chart(book: string): Chart {
    const found = this.charts.get(book);
    if (!found) throw new Error(`no chart of ${book}`);
    return found.chart;
  }

  usedRates(): string[] {
    return [...new Set([...this.used].map((figure) => namedFigures([figure])))].sort();
  }

  /** The currency of the report at the rates of a date, for all assets of these standings. */
  async currency(date: string, standings: readonly (readonly Standing[])[]): Promise<Currency> {
    const unknown = new Set(
      standings
        .flat()
        .map(({ asset }) => asset)
        .filter((asset) => !this.scales.has(asset)),
    );
    if (unknown.size > 0)
      for (const { asset, kind, scale } of await this.repository.assets(this.tx, [...unknown])) {
        this.scales.set(asset, scale);
        if (kind === 'CURRENCY') this.currencies.add(asset);
      }
    const rates = this.pinned
      ? await this.rates.ofFigures(this.tx, date, this.pinned)
      : await this.rates.ofDate(this.tx, date);
    return {
      code: this.code,
      scale: this.scale,
      isCurrency: (asset) => this.currencies.has(asset),
      scaleOf: (asset) => this.scales.get(asset) ?? 0,
      rateOf: (asset) => {
        const worth = rates.between(asset, this.code);
        worth?.figures.forEach((figure) => this.used.add(figure));
        return worth?.rate;
      },
    };
  }
}
