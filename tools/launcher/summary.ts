import { join } from 'node:path';
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
  closedAccount: 'from a closed account',
  funds: 'without cover',
  iban: 'to an IBAN with a wrong check digit',
  limit: "above the account's limit",
  trades: 'trades',
  repairAndUnconfirmed: 'trades to repair or not confirmed',
  unmatched: 'instructions not matched',
  failsAndPartials: 'fails and partial settlements',
  held: 'held for compliance',
};

const list = (parts: RowParts | undefined, without: string[] = [], times = ' × '): string =>
  Object.keys(parts ?? {})
    .filter((name) => name !== 'total' && !without.includes(name) && numberOf(parts, name) > 0)
    .map((name) => `${numberOf(parts, name)}${times}${words[name] ?? name}`)
    .join(', ');

const labelWidth = 14;
const lineWidth = 110;

/** A label and its text, wrapped between words and indented under itself. */
function paragraph(label: string, text: string): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + word.length + 1 <= lineWidth - labelWidth)
      lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines.map((line, index) => `  ${(index === 0 ? label : '').padEnd(labelWidth - 2)}${line}`).join('\n');
}

const plural = (count: number, one: string, more = `${one}s`) => `${count} ${count === 1 ? one : more}`;

/** What a stranger understands after one look. */
export function summaryText(report: DayReport): string {
  const { rows, trades, due } = report;
  const dates = Object.entries(report.businessDates)
    .map(([book, date]) => `${book} ${date}`)
    .join(', ');
  const payments = partsOf(rows, 'payments');
  const refused = payments?.refused;
  const because = (reasons: string) => (reasons ? ` (${reasons})` : '');
  const amounts = Object.entries(report.values.due ?? {})
    .map(([currency, value]) => `${currency} ${value}`)
    .join(', ');
  const rejected = list(partsOf(rows, 'rejected'));
  const notSettled = list(partsOf(rows, 'dueOutcome'), ['settled']);
  const held = list(partsOf(rows, 'screening'), [], ' ');
  const seconds = Object.entries(report.seconds);
  const [slowest, slowestSeconds] = seconds.reduce((most, one) => (one[1] > most[1] ? one : most), ['', 0]);
  return [
    '',
    `Business day ${dates}`,
    '',
    paragraph(
      'Came in',
      `${plural(trades.received, 'new trade')} in ${plural(partsOf(rows, 'linesRead')?.total ?? 0, 'line')} of files: ${trades.captured} captured, ${trades.rejected} rejected${because(rejected)}.`,
    ),
    paragraph(
      '',
      `${plural(payments?.total ?? 0, 'payment')}: ${numberOf(payments, 'booked')} booked, ${numberOf(payments, 'held')} held, ${numberOf(payments, 'returned')} returned by the other bank, ${numberOf(payments, 'nextDate')} after the cut-off for the next date, ${numberOf(payments, 'refused')} refused${because(typeof refused === 'object' ? list(refused) : '')}.`,
    ),
    paragraph(
      'Settled',
      `${due.settled} of ${plural(due.total, 'delivery', 'deliveries')} due today${amounts ? ` (due in all: ${amounts})` : ''}.`,
    ),
    paragraph('Not settled', notSettled ? `${notSettled}.` : 'nothing.'),
    paragraph(
      'Held',
      held ? `${held}, because a name resembles one on the sanctions list; a second person decides.` : 'nothing.',
    ),
    paragraph(
      'To do',
      `${plural(report.workItems, 'open work item')}, each with owner and due time${because(list(partsOf(rows, 'workItems'), [], ' '))}.`,
    ),
    paragraph('Ledger', ledgerText(report.ledger)),
    paragraph(
      'Proven',
      `${report.verify.checked} facts held against the invariants, ${report.verify.broken === 0 ? 'none' : report.verify.broken} broken.`,
    ),
    paragraph(
      'Time',
      `${seconds.reduce((sum, [, one]) => sum + one, 0).toFixed(0)} s in all, the longest part ${slowest} with ${slowestSeconds.toFixed(0)} s; ${report.peakMemoryMb} MB of memory at the peak, all processes together.`,
    ),
    '',
  ].join('\n');
}

/** Debits and credits per asset: a currency has three letters, the others are securities. */
function ledgerText({ entries, postings, sums }: DayReport['ledger']): string {
  const all = Object.entries(sums);
  const notZero = all.filter(([, sum]) => /[1-9]/.test(sum));
  const currencies = all.filter(([asset]) => asset.length === 3).map(([asset, sum]) => `${asset} ${sum}`);
  const others = all.length - currencies.length;
  return (
    `${entries} journal entries with ${postings} postings. Debits less credits: ${currencies.join(', ')}, ` +
    (notZero.length === 0
      ? `and 0 in each of ${plural(others, 'security', 'securities')}.`
      : `NOT ZERO: ${notZero.map(([asset, sum]) => `${asset} ${sum}`).join(', ')}.`)
  );
}

/** One query through three services, for whoever looks around. */
export const firstQuery =
  '{ trades(first: 3) { edges { node { executionId state counterpartyParty { name } instruction { settlementStatus journalEntry { id } } } } } }';

/** Where to go next. */
export function welcomeText(port: number, keys: Record<DemoRole, string>, dataDirectory: string): string {
  const base = `http://127.0.0.1:${port}`;
  return [
    `  GraphiQL     ${base}/graphql      ready-made queries; as headers paste {"authorization": "Bearer <key>"}`,
    `  Job monitor  ${base}/ops/queues   any name, and the key of operations as the password`,
    `  Health       ${base}/health/ready`,
    `  Logs         ${join(dataDirectory, 'logs')}`,
    '',
    `  A demo key for each role (kept in ${join(dataDirectory, 'access.json')}):`,
    ...Object.entries(keys).map(([role, key]) => `    ${role.padEnd(20)} ${key}`),
    '',
    '  One query to paste:',
    `    curl -s ${base}/graphql -H 'content-type: application/json' -H 'authorization: Bearer ${keys.operations}' \\`,
    `      -d '{"query":"${firstQuery}"}'`,
    '',
  ].join('\n');
}
