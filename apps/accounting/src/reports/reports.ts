import { accepted, type Decision, isRefused, problem, refused } from '#libs/kernel/index.js';
import { cashFlow, type Chart, financialStatements, type GlAccount, type ReturnLine } from '../chart/chart.js';
import { type Currency, translate, type Units } from './translation.js';

/** What a code has of an asset at a date: debits less credits in all, and what closing entries moved of it. Debit positive. */
export interface Standing {
  readonly code: string;
  readonly asset: string;
  readonly debit: bigint;
  readonly credit: bigint;
  readonly closed: bigint;
}

export const balanceOf = ({ debit, credit }: Standing): bigint => debit - credit;

// --- Trial balance -----------------------------------------------------------------------------------------------

/** A code in one asset over a period. Debit positive; in the currency of the report only where the asset is a currency. */
export interface TrialLine {
  readonly account: GlAccount;
  readonly asset: string;
  readonly opening: bigint;
  readonly debit: bigint;
  readonly credit: bigint;
  readonly closing: bigint;
  readonly translated: bigint | null;
}

/** Per asset, or of all in the currency of the report: what stands on the debit side equals what stands on the credit side. */
export interface TrialTotal {
  readonly asset: string;
  readonly debit: bigint;
  readonly credit: bigint;
}

export interface TrialBalance {
  readonly lines: readonly TrialLine[];
  readonly totals: readonly TrialTotal[];
  /** In the currency of the report. */
  readonly translated: TrialTotal;
}

/**
 * Opening, movement and closing of each code and asset. `before`: what stood at the end of the day before the period.
 * TRIAL_BALANCE_BROKEN when debits are not credits in some asset; RATE_MISSING.
 */
export function trialBalance(
  chart: Chart,
  before: readonly Standing[],
  after: readonly Standing[],
  to: Currency,
): Decision<TrialBalance> {
  const accounts = accountsOf(chart);
  const plain = paired(before, after)
    .map(({ is, was }) => ({ one: is, was, account: accountOf(accounts, is.code) }))
    .sort(
      (one, other) => compareText(one.account.code, other.account.code) || compareText(one.one.asset, other.one.asset),
    );
  const money = plain.filter(({ one }) => to.isCurrency(one.asset));
  const translated = translate(
    money.map(({ one }) => ({ asset: one.asset, units: balanceOf(one) })),
    to,
  );
  if (isRefused(translated)) return translated;
  const inCurrency = new Map(money.map(({ one }, n) => [keyOf(one), translated.value[n] ?? 0n]));
  const lines = plain.map(({ one, was, account }): TrialLine => ({
    account,
    asset: one.asset,
    opening: balanceOf(was),
    debit: one.debit - was.debit,
    credit: one.credit - was.credit,
    closing: balanceOf(one),
    translated: inCurrency.get(keyOf(one)) ?? null,
  }));
  const byAsset = new Map<string, TrialTotal>();
  for (const { asset, closing } of lines) byAsset.set(asset, sided(byAsset.get(asset), asset, closing));
  const totals = [...byAsset.values()].sort((one, other) => compareText(one.asset, other.asset));
  const all = lines.reduce<TrialTotal>((sum, one) => sided(sum, to.code, one.translated ?? 0n), {
    asset: to.code,
    debit: 0n,
    credit: 0n,
  });
  const broken = [...totals, all].filter(({ debit, credit }) => debit !== credit);
  if (broken.length > 0)
    return refused(
      broken.map(({ asset, debit, credit }) =>
        problem('TRIAL_BALANCE_BROKEN', `${asset}: debits ${debit}, credits ${credit}`, ['assets', asset]),
      ),
    );
  return accepted({ lines, totals, translated: all });
}

const sided = (sum: TrialTotal | undefined, asset: string, balance: bigint): TrialTotal => ({
  asset,
  debit: (sum?.debit ?? 0n) + (balance > 0n ? balance : 0n),
  credit: (sum?.credit ?? 0n) - (balance < 0n ? balance : 0n),
});

// --- Statements by lines -----------------------------------------------------------------------------------------

/** A line of a statement, in the currency of the report and on the side on which people read it. */
export interface StatementLine {
  readonly code: string;
  readonly title: string;
  readonly amount: bigint;
  /** The codes of the chart behind it. */
  readonly accounts: readonly string[];
}

export interface StatementSection {
  readonly section: string;
  readonly lines: readonly StatementLine[];
  readonly total: bigint;
}

/** Read from the sections. */
export interface Statement {
  readonly sections: readonly StatementSection[];
}

/** Sections whose lines grow on the credit side. */
const creditSections = ['LIABILITIES', 'EQUITY', 'INCOME'];

export const resultLine = 'RESULT';

/**
 * What is owned, owed and left at a date. The result that no closing entry has brought to equity yet is a line of equity, so
 * that assets = liabilities + equity. BALANCE_SHEET_BROKEN says by how much they differ; RATE_MISSING.
 */
export function balanceSheet(chart: Chart, at: readonly Standing[], to: Currency): Decision<Statement> {
  const translated = byAccount(chart, at, balanceOf, to);
  if (isRefused(translated)) return translated;
  const amounts = translated.value;
  const sections = sectionsOf(chart, financialStatements, ['ASSETS', 'LIABILITIES', 'EQUITY'], amounts);
  const results = chart.accounts.filter(({ type, role }) => isResult(type) && role !== 'HEADING');
  const result = -results.reduce((sum, { code }) => sum + (amounts.get(code) ?? 0n), 0n);
  const withResult = sections.map((section) =>
    section.section === 'EQUITY'
      ? {
          ...section,
          lines: [
            ...section.lines,
            {
              code: resultLine,
              title: 'Result not appropriated yet',
              amount: result,
              accounts: results.map(({ code }) => code),
            },
          ],
          total: section.total + result,
        }
      : section,
  );
  const total = (name: string) => withResult.find(({ section }) => section === name)?.total ?? 0n;
  const difference = total('ASSETS') - total('LIABILITIES') - total('EQUITY');
  if (difference !== 0n)
    return refused(
      problem(
        'BALANCE_SHEET_BROKEN',
        `Assets less liabilities and equity are ${difference} in the least unit of ${to.code}`,
      ),
    );
  return accepted({ sections: withResult });
}

export interface ProfitAndLoss extends Statement {
  /** Income less expenses. */
  readonly result: bigint;
}

/** Income and expenses of a period; what closing entries moved does not count. RATE_MISSING. */
export function profitAndLoss(
  chart: Chart,
  before: readonly Standing[],
  after: readonly Standing[],
  to: Currency,
): Decision<ProfitAndLoss> {
  const translated = byAccount(chart, moved(before, after), (one) => balanceOf(one) - one.closed, to);
  if (isRefused(translated)) return translated;
  const sections = sectionsOf(chart, financialStatements, ['INCOME', 'EXPENSES'], translated.value);
  const [income, expenses] = sections;
  return accepted({ sections, result: (income?.total ?? 0n) - (expenses?.total ?? 0n) });
}

export interface CashFlowStatement extends Statement {
  readonly opening: bigint;
  /** What the rates made of the cash that was there at the beginning. */
  readonly effectOfRates: bigint;
  readonly closing: bigint;
}

/**
 * Why cash is what it is: opening + flows + effect of rates = closing. A flow is what a line other than cash moved, the
 * other way round, at the rates of the end. `from`: the currency at the rates of the beginning. CASH_FLOW_BROKEN, RATE_MISSING.
 */
export function cashFlowStatement(
  chart: Chart,
  before: readonly Standing[],
  after: readonly Standing[],
  from: Currency,
  to: Currency,
): Decision<CashFlowStatement> {
  const flows = byAccount(chart, moved(before, after), balanceOf, to);
  if (isRefused(flows)) return flows;
  const [opened, closed] = [byAccount(chart, before, balanceOf, from), byAccount(chart, after, balanceOf, to)];
  if (isRefused(opened)) return opened;
  if (isRefused(closed)) return closed;
  const turned = new Map([...flows.value].map(([code, amount]) => [code, -amount]));
  const sections = sectionsOf(chart, cashFlow, ['OPERATING', 'INVESTING', 'FINANCING'], turned);
  const cashOf = (amounts: ReadonlyMap<string, bigint>) =>
    sectionsOf(chart, cashFlow, ['CASH'], amounts).reduce((sum, { total }) => sum + total, 0n);
  const [opening, closing, ofFlows] = [cashOf(opened.value), cashOf(closed.value), cashOf(flows.value)];
  const explained = sections.reduce((sum, { total }) => sum + total, 0n);
  if (explained !== ofFlows)
    return refused(
      problem(
        'CASH_FLOW_BROKEN',
        `Cash moved by ${ofFlows}, its flows say ${explained} in the least unit of ${to.code}`,
      ),
    );
  return accepted({ sections, opening, effectOfRates: closing - opening - ofFlows, closing });
}

const isResult = (type: GlAccount['type']): boolean => type === 'INCOME' || type === 'EXPENSE';

/** What happened between two moments. */
function moved(before: readonly Standing[], after: readonly Standing[]): Standing[] {
  return paired(before, after).map(({ was, is }) => ({
    ...is,
    debit: is.debit - was.debit,
    credit: is.credit - was.credit,
    closed: is.closed - was.closed,
  }));
}

/** What stands before and after, nothing being zero. */
function paired(before: readonly Standing[], after: readonly Standing[]): { was: Standing; is: Standing }[] {
  const nothing = ({ code, asset }: Standing): Standing => ({ code, asset, debit: 0n, credit: 0n, closed: 0n });
  const was = new Map(before.map((one) => [keyOf(one), one]));
  const is = new Set(after.map(keyOf));
  return [
    ...after.map((one) => ({ was: was.get(keyOf(one)) ?? nothing(one), is: one })),
    ...before.filter((one) => !is.has(keyOf(one))).map((one) => ({ was: one, is: nothing(one) })),
  ];
}

/** Code → its currencies together, in the currency of the report. Debit positive. */
function byAccount(
  chart: Chart,
  standings: readonly Standing[],
  units: (one: Standing) => bigint,
  to: Currency,
): Decision<Map<string, bigint>> {
  const types = new Map(chart.accounts.map(({ code, type }) => [code, type]));
  // What is off the balance sheet is told in pieces, by the stock record; so are pieces in suspense.
  const on = standings.filter(({ code, asset }) => types.get(code) !== 'MEMORANDUM' && to.isCurrency(asset));
  const amounts = on.map((one): Units => ({ asset: one.asset, units: units(one) }));
  const translated = translate(amounts, to);
  if (isRefused(translated)) return translated;
  const sums = new Map<string, bigint>();
  on.forEach(({ code }, n) => sums.set(code, (sums.get(code) ?? 0n) + (translated.value[n] ?? 0n)));
  return accepted(sums);
}

/** The lines of a return in their order, each on its own side, with the codes behind it. */
function sectionsOf(
  chart: Chart,
  returnCode: string,
  names: readonly string[],
  amounts: ReadonlyMap<string, bigint>,
): StatementSection[] {
  const behind = new Map<string, string[]>();
  for (const { code, lines } of chart.accounts) {
    const line = lines[returnCode];
    if (line !== undefined) behind.set(line, [...(behind.get(line) ?? []), code]);
  }
  const all = chart.returns.find(({ code }) => code === returnCode)?.lines ?? [];
  return names.map((section) => {
    const sign = creditSections.includes(section) ? -1n : 1n;
    const lines = all
      .filter((line) => line.section === section)
      .sort((one: ReturnLine, other: ReturnLine) => one.position - other.position)
      .map(({ code, title }): StatementLine => {
        const accounts = behind.get(code) ?? [];
        return {
          code,
          title,
          accounts,
          amount: sign * accounts.reduce((sum, account) => sum + (amounts.get(account) ?? 0n), 0n),
        };
      });
    return { section, lines, total: lines.reduce((sum, { amount }) => sum + amount, 0n) };
  });
}

const keyOf = ({ code, asset }: { readonly code: string; readonly asset: string }): string => `${code} ${asset}`;
const compareText = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);
const accountsOf = (chart: Chart) => new Map(chart.accounts.map((account) => [account.code, account]));

function accountOf(accounts: ReadonlyMap<string, GlAccount>, code: string): GlAccount {
  const found = accounts.get(code);
  if (!found) throw new Error(`the chart has no code ${code}, and accounts stand under it`);
  return found;
}
