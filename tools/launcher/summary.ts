import { type DemoRole } from './access.js';
import { type RowParts, type Rows, type Values } from './figures.js';

/** The result of the days run, as the last line of `--json` states it. */
export interface DayReport {
  businessDates: Record<string, string>;
  rows: Rows;
  trades: { received: number; captured: number; rejected: number; held: number };
  due: { total: number; settled: number; partial: number; pending: number; held: number };
  values: Values;
  workItems: number;
  ledger: { entries: number; postings: number; sums: Record<string, string> };
  verify: { checked: number; broken: number };
  seconds: Record<string, number>;
  peakMemoryMb: number;
}

const numberOf = (parts: RowParts | undefined, name: string): number => {
  const value = parts?.[name];
  return typeof value === 'number' ? value : (value?.total ?? 0);
};
const partsOf = (rows: Rows, row: string): RowParts | undefined => (rows[row] === 'not yet' ? undefined : rows[row]);

export function tradesOf(rows: Rows): DayReport['trades'] {
  return {
    received: partsOf(rows, 'newTrades')?.total ?? 0,
    captured: partsOf(rows, 'captured')?.total ?? 0,
    rejected: partsOf(rows, 'rejected')?.total ?? 0,
    held: numberOf(partsOf(rows, 'captured'), 'held'),
  };
}

export function dueOf(rows: Rows): DayReport['due'] {
  const outcome = partsOf(rows, 'dueOutcome');
  const total = outcome?.total ?? 0;
  const [settled, partial, held] = [
    numberOf(outcome, 'settled'),
    numberOf(outcome, 'partial'),
    numberOf(outcome, 'heldByCompliance'),
  ];
  return { total, settled, partial, pending: total - settled - partial - held, held };
}

const words: Record<string, string> = {
  isin: 'ISIN with a wrong check digit',
  decimals: 'decimals in yen',
  quantity: 'quantity not positive',
  tradeDate: 'trade date after today',
  holiday: 'settlement on a holiday',
  amount: 'amount not valid',
  fourFaults: 'four faults at once',
  nulBytes: 'NUL bytes',
  lack: 'we lack the securities',
  clac: 'the counterparty lacks the securities',
  mony: 'the buyer lacks the cash',
  counterpartyHold: 'the counterparty holds its leg',
  noCounterpartyLeg: 'no leg from the counterparty',
  dmon: 'the amounts differ',
  deptOrSafe: 'wrong account or depository',
  heldByCompliance: 'held by compliance',
  suspended: 'instrument suspended',
  partial: 'settled in part',
};

const list = (parts: RowParts | undefined, without: string[] = []): string =>
  Object.keys(parts ?? {})
    .filter((name) => name !== 'total' && !without.includes(name) && numberOf(parts, name) > 0)
    .map((name) => `${numberOf(parts, name)} ${words[name] ?? name}`)
    .join(', ');

/** What a stranger understands after one look. */
export function summaryText(report: DayReport): string {
  const { rows } = report;
  const dates = Object.entries(report.businessDates)
    .map(([book, date]) => `${book} ${date}`)
    .join(', ');
  const payments = partsOf(rows, 'payments');
  const amounts = (row: string) =>
    Object.entries(report.values[row] ?? {})
      .map(([currency, value]) => `${currency} ${value}`)
      .join(', ');
  const sums = Object.entries(report.ledger.sums);
  const notZero = sums.filter(([, sum]) => /[1-9]/.test(sum));
  return [
    '',
    `Business day ${dates}`,
    '',
    `  Came in     ${report.trades.received} new trades in ${partsOf(rows, 'linesRead')?.total ?? 0} lines: ${report.trades.captured} captured, ${report.trades.rejected} rejected (${list(partsOf(rows, 'rejected')) || 'none'})`,
    `              ${payments?.total ?? 0} payments: ${numberOf(payments, 'booked')} booked, ${numberOf(payments, 'refused')} refused, ${numberOf(payments, 'returned')} returned, ${numberOf(payments, 'nextDate')} for the next date`,
    `  Settled     ${report.due.settled} of ${report.due.total} due, ${report.due.partial} in part${amounts('dueOutcome') ? ` (due: ${amounts('due')})` : ''}`,
    `  Not settled ${list(partsOf(rows, 'dueOutcome'), ['settled']) || 'none'}`,
    `  Held        ${partsOf(rows, 'screening')?.total ?? 0} by compliance: ${list(partsOf(rows, 'screening')) || 'none'}`,
    `  To do       ${report.workItems} open work items, each with owner and due time`,
    `  Ledger      ${report.ledger.entries} entries, ${report.ledger.postings} postings; ${sums.length} assets, ${notZero.length === 0 ? 'every one sums to zero' : `NOT ZERO: ${notZero.map(([asset, sum]) => `${asset} ${sum}`).join(', ')}`}`,
    `  Proven      ${report.verify.checked} checks of the invariants, ${report.verify.broken} broken`,
    `  Time        ${Object.entries(report.seconds)
      .map(([phase, seconds]) => `${phase} ${seconds.toFixed(1)} s`)
      .join(', ')}; ${report.peakMemoryMb} MB at the peak`,
    '',
  ].join('\n');
}

/** Where to go next. */
export function welcomeText(port: number, keys: Record<DemoRole, string>, logDirectory: string): string {
  const base = `http://127.0.0.1:${port}`;
  return [
    `  GraphiQL     ${base}/graphql   (ready-made queries; paste a key as {"authorization": "Bearer …"})`,
    `  Job monitor  ${base}/ops/queues`,
    `  Health       ${base}/health/ready`,
    `  Logs         ${logDirectory}`,
    '',
    '  A demo key for each role (kept in .data/access.json):',
    ...Object.entries(keys).map(([role, key]) => `    ${role.padEnd(20)} ${key}`),
    '',
    '  One query to paste:',
    `    curl -s ${base}/graphql -H 'content-type: application/json' -H 'authorization: Bearer ${keys.operations}' \\`,
    `      -d '{"query":"{ trades(first: 3) { edges { node { executionId state counterpartyParty { name } instruction { settlementStatus journalEntry { id } } } } } }"}'`,
    '',
  ].join('\n');
}
