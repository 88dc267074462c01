import { type Row, type Table } from '#libs/tabular/index.js';
import { formatDecimal } from '#libs/money/index.js';
import { type Basis, type Report, type Told } from './reports.service.js';
import { type TrialBalance } from './reports.js';

/** What stands at the head of a report that is issued. */
export interface Heading {
  readonly books: readonly string[];
  readonly from: string | null;
  readonly to: string;
  readonly comparedWith: string | null;
  readonly knownOn: string | null;
  /** The first is 1; one that says the same dates anew, as they are known later, is the next. */
  readonly version: number;
  readonly issuedAt: Date;
}

export interface ReportTable {
  readonly table: Table;
  readonly rows: readonly Row[];
}

const periodOf = ({ from, to }: Heading): string => (from === null ? to : `${from} to ${to}`);

export function headOf(title: string, heading: Heading, basis: Basis, columns: Table['columns']): Table {
  return {
    title,
    book: heading.books.join(', '),
    date: periodOf(heading),
    subtitles: [
      `Version ${heading.version}${basis.isFinal ? '' : ', provisional: not all of its dates are closed'}`,
      ...(heading.knownOn === null ? [] : [`As known at the end of ${heading.knownOn}`]),
    ],
    columns,
    notes: [
      `Amounts in ${basis.currency}`,
      ...(basis.rates.length > 0 ? [`Rates: ${basis.rates.join(', ')}`] : []),
      `Charts of accounts: ${Object.entries(basis.chartVersions)
        .map(([book, version]) => `${book} version ${version}`)
        .join(', ')}`,
    ],
    createdAt: heading.issuedAt,
  };
}

const text = (title: string, width?: number) => ({ title, kind: 'text' as const, ...(width ? { width } : {}) });
const amount = (title: string, decimals?: number) => ({
  title,
  kind: 'decimal' as const,
  ...(decimals === undefined ? {} : { decimals }),
});

/** Of each code and asset; then per asset, and of all currencies in that of the report, that debits are credits. */
export function trialBalanceTable(
  heading: Heading,
  { value, ...basis }: Report<TrialBalance>,
  scaleOf: (asset: string) => number,
): ReportTable {
  const columns = [
    text('Code', 8),
    text('Name', 34),
    text('Asset', 14),
    amount('Opening'),
    amount('Debit'),
    amount('Credit'),
    amount('Closing'),
    amount(`In ${basis.currency}`, basis.scale),
  ];
  const of = (asset: string, units: bigint) => formatDecimal(units, scaleOf(asset));
  const inCurrency = (units: bigint) => formatDecimal(units, basis.scale);
  const lines = value.lines.map(({ account, asset, opening, debit, credit, closing, translated }): Row => ({
    cells: [
      account.code,
      account.name,
      asset,
      of(asset, opening),
      of(asset, debit),
      of(asset, credit),
      of(asset, closing),
      translated === null ? null : inCurrency(translated),
    ],
  }));
  const totals = value.totals.map(({ asset, debit, credit }): Row => ({
    kind: 'subtotal',
    cells: ['', 'Balances on each side', asset, null, of(asset, debit), of(asset, credit), null, null],
  }));
  const { debit, credit } = value.translated;
  const all: Row = {
    kind: 'total',
    cells: [
      '',
      'Balances of all currencies',
      basis.currency,
      null,
      inCurrency(debit),
      inCurrency(credit),
      null,
      inCurrency(0n),
    ],
  };
  return { table: headOf('Trial balance', heading, basis, columns), rows: [...lines, ...totals, all] };
}

const sectionTitles: Readonly<Record<string, string>> = {
  ASSETS: 'Assets',
  LIABILITIES: 'Liabilities',
  EQUITY: 'Equity',
  INCOME: 'Income',
  EXPENSES: 'Expenses',
  OPERATING: 'Operating activities',
  INVESTING: 'Investing activities',
  FINANCING: 'Financing activities',
};

/** Section by section, with the figures of another date or period beside them when they were asked for. */
export function statementTable(
  title: string,
  heading: Heading,
  report: Report<Told>,
  beside?: Report<Told>,
): ReportTable {
  const { value, ...basis } = report;
  const money = (units: bigint | undefined) => (units === undefined ? null : formatDecimal(units, basis.scale));
  const columns = [
    text('Line', 10),
    text('Title', 60),
    amount(periodOf(heading), basis.scale),
    ...(beside ? [amount(heading.comparedWith ?? '', basis.scale)] : []),
  ];
  const cells = (line: string, name: string, now: bigint | undefined, then: bigint | undefined): Row['cells'] =>
    beside ? [line, name, money(now), money(then)] : [line, name, money(now)];
  const rows: Row[] = [];
  const extra = (name: string, of: (told: Told) => bigint | undefined, kind: Row['kind'] = 'total') => {
    if (of(value) !== undefined) rows.push({ kind, cells: cells('', name, of(value), beside && of(beside.value)) });
  };
  extra('Cash at the beginning', ({ opening }) => opening, 'subtotal');
  for (const { section, lines, total } of value.sections) {
    const was = beside?.value.sections.find((one) => one.section === section);
    const name = sectionTitles[section] ?? section;
    rows.push({ kind: 'heading', cells: cells('', name, undefined, undefined) });
    for (const { code, title: lineTitle, amount: now } of lines)
      rows.push({
        depth: 1,
        cells: cells(code, lineTitle, now, was && (was.lines.find((one) => one.code === code)?.amount ?? 0n)),
      });
    rows.push({ kind: 'subtotal', cells: cells('', `${name}, total`, total, was && was.total) });
  }
  extra('Result', ({ result }) => result);
  extra('Effect of exchange rates', ({ effectOfRates }) => effectOfRates, 'subtotal');
  extra('Cash at the end', ({ closing }) => closing);
  const table = headOf(title, heading, basis, columns);
  const between = (value.eliminated ?? []).map(
    ({ creditor, debtor, asset, scale, amount: taken, unagreedUnits }) =>
      `Between books: ${debtor} owes ${creditor} in ${asset}, ${money(taken) ?? ''} ${basis.currency} taken off both lines` +
      (unagreedUnits === 0n ? '' : `; they differ by ${formatDecimal(unagreedUnits, scale)} ${asset}, which stays`),
  );
  return { table: { ...table, notes: [...(table.notes ?? []), ...between] }, rows };
}

/** The columns of the general ledger; its rows come account by account. */
export const ledgerColumns: Table['columns'] = [
  text('Code', 8),
  text('Account', 20),
  text('Asset', 14),
  { title: 'Date', kind: 'date' },
  { title: 'Value date', kind: 'date' },
  text('Entry', 36),
  text('Description', 40),
  amount('Debit'),
  amount('Credit'),
  amount('Balance'),
];
