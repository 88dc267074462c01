/* eslint-disable @typescript-eslint/no-explicit-any, @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-argument -- what comes over the wire has no types here */
import { createHash } from 'node:crypto';
import { askHledger, hledgerBalances, waitFor, withoutEndingZeros } from '#libs/testing/index.js';
import { type GatewayClient } from './gateway-client.js';

export const inception = '2026-01-01';

/** Name and asset → quantity without zeros at its end; what is zero is left out. */
export type Quantities = Record<string, string>;

const sorted = (all: Iterable<readonly [string, string]>): Quantities =>
  Object.fromEntries(
    [...all]
      .filter(([, quantity]) => /[1-9]/.test(quantity))
      .map(([name, quantity]): [string, string] => [name, withoutEndingZeros(quantity)])
      .sort(([one], [other]) => (one < other ? -1 : 1)),
  );
const negated = (quantity: string) => (quantity.startsWith('-') ? quantity.slice(1) : `-${quantity}`);

/** The journal of a book as a controller takes it out at the door, and every byte of it. */
export async function exportedJournal(client: GatewayClient, book: string, to: string): Promise<string> {
  const asked = await client.ask(
    'controller',
    'mutation X($input: ExportPlainTextJournalInput!) { exportPlainTextJournal(input: $input) { file { id } problems { code } } }',
    { input: { book, from: inception, to, idempotencyKey: `hledger-${book}-${to}` } },
  );
  const id = asked.data?.exportPlainTextJournal?.file?.id as string | undefined;
  if (id === undefined) throw new Error(asked.text);
  const file = await waitFor(
    async () => {
      const { data } = await client.ask('controller', `{ reportFile(id: "${id}") { state chunkCount sha256 } }`);
      return data?.reportFile?.state === 'READY'
        ? (data.reportFile as { chunkCount: number; sha256: string })
        : undefined;
    },
    { timeoutMs: 120_000, intervalMs: 200, what: `the journal of ${book}` },
  );
  const pieces: Buffer[] = [];
  for (let n = 1; n <= file.chunkCount; n += 1) {
    const { data } = await client.ask('controller', `{ reportFile(id: "${id}") { chunk(n: ${n}) { base64 } } }`);
    pieces.push(Buffer.from(data.reportFile.chunk.base64, 'base64'));
  }
  const bytes = Buffer.concat(pieces);
  if (createHash('sha256').update(bytes).digest('hex') !== file.sha256) throw new Error('the bytes are others');
  return bytes.toString('utf8');
}

/** `assets:1210 Accounts with agents:NOSTRO-EUR` is account NOSTRO-EUR under code 1210. */
const partsOf = (name: string) => {
  const [, ofCode = '', number] = name.split(':');
  const code = ofCode.split(' ')[0] ?? '';
  return { code, number: number === undefined ? code : decodeURIComponent(number) };
};

export interface ByHledger {
  /** By account. */
  readonly balances: Quantities;
  /** By code, of the statements that hledger makes. */
  readonly balanceSheet: Quantities;
  readonly incomeStatement: Quantities;
}

export async function toldByHledger(journal: string): Promise<ByHledger> {
  // Strict: every account and commodity is declared.
  const [balances, balanceSheet, incomeStatement] = await Promise.all([
    hledgerBalances(journal, '--strict'),
    statementBy(journal, 'balancesheetequity'),
    statementBy(journal, 'incomestatement'),
  ]);
  return {
    balances: sorted(
      [...balances].map(([name, quantity]): [string, string] => {
        const cut = name.lastIndexOf(' ');
        return [`${partsOf(name.slice(0, cut)).number} ${name.slice(cut + 1)}`, quantity];
      }),
    ),
    balanceSheet,
    incomeStatement,
  };
}

interface HledgerStatement {
  cbrSubreports: [
    title: string,
    {
      prRows: {
        prrName: string;
        prrAmounts: { acommodity: string; aquantity: { decimalMantissa: number; decimalPlaces: number } }[][];
      }[];
    },
    boolean,
  ][];
}

/** hledger shows each section on the side on which people read it. */
export async function statementBy(journal: string, command: string, ...words: string[]): Promise<Quantities> {
  const told = JSON.parse(
    await askHledger(journal, command, '--flat', '--depth', '2', '-O', 'json', ...words),
  ) as HledgerStatement;
  return sorted(
    told.cbrSubreports.flatMap(([, { prRows }]) =>
      prRows.flatMap(({ prrName, prrAmounts: [amounts = []] }) =>
        amounts.map(({ acommodity, aquantity: { decimalMantissa, decimalPlaces } }): [string, string] => {
          const digits = String(Math.abs(decimalMantissa)).padStart(decimalPlaces + 1, '0');
          const text =
            decimalPlaces === 0 ? digits : `${digits.slice(0, -decimalPlaces)}.${digits.slice(-decimalPlaces)}`;
          return [`${partsOf(prrName).code} ${acommodity}`, decimalMantissa < 0 ? `-${text}` : text];
        }),
      ),
    ),
  );
}

/** Lines of the product's statements in its functional currency, each with what hledger makes of the codes behind it at the same rates. */
export async function inFunctionalCurrency(
  client: GatewayClient,
  book: string,
  date: string,
  journal: string,
  rates: readonly { base: string; quote: string; rate: string }[],
): Promise<{ line: string; ours: number; byHledger: number }[]> {
  const statement = 'statement { currency sections { section lines { code amount accounts } } } problems { code }';
  const { data } = await client.ask(
    'auditor',
    `query Told($sheet: BalanceSheetInput!, $period: PeriodReportInput!) {
       balanceSheet(input: $sheet) { ${statement} } profitAndLoss(input: $period) { ${statement} } }`,
    { sheet: { books: [book], at: date }, period: { books: [book], period: { from: inception, to: date } } },
  );
  const currency = data.balanceSheet.statement.currency as string;
  const prices = rates
    .filter(({ base }) => base === currency)
    .map(({ base, quote, rate }) => `P ${inception} ${base} ${rate} ${quote}\n`);
  const valued = `${journal}\n${prices.join('')}`;
  const [sheet, income] = await Promise.all([
    statementBy(valued, 'balancesheetequity', '-X', currency),
    statementBy(valued, 'incomestatement', '-X', currency),
  ]);
  const cents = { ...sheet, ...income };
  const inCents = (quantity: string | undefined) => Number(quantity ?? '0') * 100;
  type Told = { statement: { sections: { lines: { code: string; amount: string; accounts: string[] }[] }[] } };
  const lines = ([data.balanceSheet, data.profitAndLoss] as Told[]).flatMap(({ statement: { sections } }) =>
    sections.flatMap((section) => section.lines),
  );
  return lines
    .filter(({ code }) => code !== 'RESULT')
    .map(({ code, amount, accounts }) => ({
      line: code,
      ours: inCents(amount),
      byHledger: accounts.reduce((sum, account) => sum + inCents(cents[`${account} ${currency}`]), 0),
    }));
}

/** The same as the product tells it. */
export async function toldByTheProduct(client: GatewayClient, book: string, date: string): Promise<ByHledger> {
  const { data, errors } = await client.ask(
    'auditor',
    `query Told($book: String!, $date: Date!, $trial: LedgerTrialBalanceInput!) {
       trialBalance(book: $book, businessDate: $date) { lines { account asset debit credit } }
       ledgerTrialBalance(input: $trial) { trialBalance { lines { code type asset closing } } problems { code message } }
     }`,
    { book, date, trial: { book, period: { from: inception, to: date } } },
  );
  const codes: { code: string; type: string; asset: string; closing: string }[] | undefined =
    data?.ledgerTrialBalance?.trialBalance?.lines;
  if (errors.length > 0 || !codes) throw new Error(JSON.stringify({ errors, data }));
  const ofTypes = (onDebitSide: string[], onCreditSide: string[]) =>
    sorted(
      codes
        .filter(({ type }) => onDebitSide.includes(type) || onCreditSide.includes(type))
        .map(({ code, type, asset, closing }): [string, string] => [
          `${code} ${asset}`,
          onCreditSide.includes(type) ? negated(closing) : closing,
        ]),
    );
  return {
    balances: sorted(
      data.trialBalance.lines.map(({ account, asset, debit, credit }: any): [string, string] => [
        `${account} ${asset}`,
        /[1-9]/.test(debit) ? debit : negated(credit),
      ]),
    ),
    balanceSheet: ofTypes(['ASSET'], ['LIABILITY', 'EQUITY']),
    incomeStatement: ofTypes(['EXPENSE'], ['INCOME']),
  };
}
