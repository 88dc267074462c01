import { Args, Query, Resolver } from '@nestjs/graphql';
import { type Tx } from '#libs/database/index.js';
import {
  ConnectionArgs,
  DateScalar,
  keyset,
  keysetPage,
  ReadTx,
  RequiresScopes,
  validateInput,
} from '#libs/graphql/index.js';
import { type Decision, isRefused } from '#libs/kernel/index.js';
import { formatDecimal } from '#libs/money/index.js';
import { type TrialTotal } from './reports.js';
import {
  BalanceSheetInput,
  FinancialStatementResult,
  FinancialStatementType,
  GeneralLedgerAccountType,
  GeneralLedgerConnection,
  LedgerTrialBalanceInput,
  LedgerTrialBalanceResult,
  PeriodReportInput,
} from './reports.graphql.js';
import { type LedgerLineRow, ReportsRepository } from './reports.repository.js';
import { type Basis, type Report, Reports, type ReportScope, type Told } from './reports.service.js';

@Resolver()
export class ReportsResolver {
  constructor(
    private readonly reports: Reports,
    private readonly repository: ReportsRepository,
  ) {}

  @Query(() => LedgerTrialBalanceResult, { description: 'By codes of the chart and assets, over a period.' })
  @RequiresScopes('ledger:read')
  async ledgerTrialBalance(
    @Args('input', { type: () => LedgerTrialBalanceInput }) input: LedgerTrialBalanceInput,
    @ReadTx() tx: Tx,
  ): Promise<LedgerTrialBalanceResult> {
    const { book, period, knownOn = null, currency = null } = input;
    const report = await this.reports.trialBalance(tx, book, period, { knownOn, currency });
    if (isRefused(report)) return { trialBalance: null, problems: [...report.problems] };
    const { value, ...basis } = report.value;
    const scales = await this.scalesOf(
      tx,
      value.lines.map(({ asset }) => asset),
    );
    const text = (asset: string, units: bigint) => formatDecimal(units, scales.get(asset) ?? 0);
    const total = ({ asset, debit, credit }: TrialTotal) => ({
      asset,
      debit: text(asset, debit),
      credit: text(asset, credit),
    });
    return {
      problems: [],
      trialBalance: {
        ...basisOf(basis),
        book,
        from: period.from,
        to: period.to,
        lines: value.lines.map(({ account, asset, opening, debit, credit, closing, translated }) => ({
          code: account.code,
          name: account.name,
          type: account.type,
          asset,
          opening: text(asset, opening),
          debit: text(asset, debit),
          credit: text(asset, credit),
          closing: text(asset, closing),
          translated: translated === null ? null : formatDecimal(translated, basis.scale),
        })),
        totals: value.totals.map(total),
        translated: {
          asset: basis.currency,
          debit: formatDecimal(value.translated.debit, basis.scale),
          credit: formatDecimal(value.translated.credit, basis.scale),
        },
      },
    };
  }

  @Query(() => FinancialStatementResult, { description: 'What is owned, owed and left at the end of a date.' })
  @RequiresScopes('ledger:read')
  async balanceSheet(
    @Args('input', { type: () => BalanceSheetInput }) input: BalanceSheetInput,
    @ReadTx() tx: Tx,
  ): Promise<FinancialStatementResult> {
    const problems = validateInput(BalanceSheetInput, input);
    if (problems.length > 0) return { statement: null, problems };
    const scope = scopeOf(input);
    const beside = input.comparedWith ? await this.reports.balanceSheet(tx, input.comparedWith, scope) : undefined;
    return told(
      input.books,
      { from: null, to: input.at },
      await this.reports.balanceSheet(tx, input.at, scope),
      beside,
    );
  }

  @Query(() => FinancialStatementResult, {
    description: 'Income and expenses of a period. What closing entries move does not count.',
  })
  @RequiresScopes('ledger:read')
  profitAndLoss(
    @Args('input', { type: () => PeriodReportInput }) input: PeriodReportInput,
    @ReadTx() tx: Tx,
  ): Promise<FinancialStatementResult> {
    return this.ofPeriod(input, (span, scope) => this.reports.profitAndLoss(tx, span, scope));
  }

  @Query(() => FinancialStatementResult, { description: 'Why cash at the end of a period is what it is.' })
  @RequiresScopes('ledger:read')
  cashFlow(
    @Args('input', { type: () => PeriodReportInput }) input: PeriodReportInput,
    @ReadTx() tx: Tx,
  ): Promise<FinancialStatementResult> {
    return this.ofPeriod(input, (span, scope) => this.reports.cashFlow(tx, span, scope));
  }

  @Query(() => GeneralLedgerConnection, {
    description: 'The accounts under a code over a period: what its total is made of.',
  })
  @RequiresScopes('ledger:read')
  async generalLedger(
    @Args('book', { type: () => String }) book: string,
    @Args('code', { type: () => String }) code: string,
    @Args('from', { type: () => DateScalar }) from: string,
    @Args('to', { type: () => DateScalar }) to: string,
    @Args('asset', { type: () => String, nullable: true }) asset: string | null,
    @Args() page: ConnectionArgs,
    @ReadTx() tx: Tx,
  ): Promise<GeneralLedgerConnection> {
    const cursor = keyset<LedgerLineRow>({ list: 'generalLedger', filter: { book, code, from, to, asset } }, (row) => [
      row.number,
      row.asset,
    ]);
    const rows = await this.repository.ledger(
      tx,
      { book, code, asset, from, to },
      page.first,
      cursor.after(page.after),
    );
    return keysetPage(rows, page.first, cursor.cursorOf, toLedgerAccount);
  }

  private async ofPeriod(
    input: PeriodReportInput,
    make: (span: { from: string; to: string }, scope: ReportScope) => Promise<Decision<Report<Told>>>,
  ): Promise<FinancialStatementResult> {
    const problems = validateInput(PeriodReportInput, input);
    if (problems.length > 0) return { statement: null, problems };
    const scope = scopeOf(input);
    const beside = input.comparedWith ? await make(input.comparedWith, scope) : undefined;
    return told(input.books, input.period, await make(input.period, scope), beside);
  }

  private async scalesOf(tx: Tx, assets: readonly string[]): Promise<Map<string, number>> {
    const rows = await this.repository.assets(tx, [...new Set(assets)]);
    return new Map(rows.map(({ asset, scale }) => [asset, scale]));
  }
}

const scopeOf = ({ books, knownOn = null, currency = null }: BalanceSheetInput | PeriodReportInput): ReportScope => ({
  books,
  knownOn,
  currency,
});

const basisOf = ({ currency, isFinal, rates }: Basis) => ({ currency, isFinal, rates: [...rates] });

function told(
  books: string[],
  span: { from: string | null; to: string },
  report: Decision<Report<Told>>,
  beside: Decision<Report<Told>> | undefined,
): FinancialStatementResult {
  const problems = [report, beside].flatMap((one) => (one && isRefused(one) ? one.problems : []));
  if (isRefused(report) || (beside && isRefused(beside))) return { statement: null, problems };
  const { value, ...basis } = report.value;
  const text = (units: bigint) => formatDecimal(units, basis.scale);
  const orNull = (units: bigint | undefined) => (units === undefined ? null : text(units));
  const other = new Map(beside?.value.value.sections.map((section) => [section.section, section]));
  const statement: FinancialStatementType = {
    ...basisOf(basis),
    books,
    ...span,
    sections: value.sections.map(({ section, lines, total }) => {
      const was = other.get(section);
      const amounts = new Map(was?.lines.map(({ code, amount }) => [code, amount]));
      return {
        section,
        total: text(total),
        compared: orNull(was?.total),
        lines: lines.map(({ code, title, amount, accounts }) => ({
          code,
          title,
          amount: text(amount),
          compared: was ? text(amounts.get(code) ?? 0n) : null,
          accounts: [...accounts],
        })),
      };
    }),
    result: orNull(value.result),
    opening: orNull(value.opening),
    effectOfRates: orNull(value.effectOfRates),
    closing: orNull(value.closing),
    eliminations: (value.eliminated ?? []).map(({ creditor, debtor, asset, scale, amount, unagreedUnits }) => ({
      ...{ creditor, debtor, asset, amount: text(amount) },
      unagreed: formatDecimal(unagreedUnits, scale),
    })),
  };
  return { statement, problems: [] };
}

function toLedgerAccount(row: LedgerLineRow): GeneralLedgerAccountType {
  const text = (units: bigint) => formatDecimal(units, row.scale);
  const [opening, debit, credit] = [BigInt(row.opening), BigInt(row.debit), BigInt(row.credit)];
  return {
    account: row.number,
    kind: row.kind,
    asset: row.asset,
    opening: text(opening),
    debit: text(debit),
    credit: text(credit),
    closing: text(opening + debit - credit),
  };
}
