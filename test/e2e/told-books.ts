/* eslint-disable @typescript-eslint/no-explicit-any, @typescript-eslint/no-unsafe-assignment, @typescript-eslint/no-unsafe-member-access, @typescript-eslint/no-unsafe-call, @typescript-eslint/no-unsafe-argument, @typescript-eslint/no-unsafe-return -- what comes over the wire has no types here */
import { type Balances, type BooksAt } from '../oracle/books.js';
import { type GatewayClient } from './gateway-client.js';

const inception = '2026-01-01';
const statement =
  'statement { currency result sections { section total lines { code amount } } } problems { code message }';

/** What the product tells of a book at a date, in the words of the oracle. */
export async function toldBooks(client: GatewayClient, book: string, date: string): Promise<BooksAt> {
  const period = { from: inception, to: date };
  const { data, errors } = await client.ask(
    'auditor',
    `query Books($trial: LedgerTrialBalanceInput!, $sheet: BalanceSheetInput!, $period: PeriodReportInput!) {
       ledgerTrialBalance(input: $trial) { trialBalance { lines { code asset closing } } problems { code message } }
       balanceSheet(input: $sheet) { ${statement} }
       profitAndLoss(input: $period) { ${statement} }
     }`,
    { trial: { book, period }, sheet: { books: [book], at: date }, period: { books: [book], period } },
  );
  const problems = [data?.ledgerTrialBalance, data?.balanceSheet, data?.profitAndLoss].flatMap(
    (one) => one?.problems ?? [],
  );
  if (errors.length > 0 || problems.length > 0) throw new Error(JSON.stringify({ errors, problems }));
  const linesOf = (told: any): Balances =>
    withoutZeros(told.sections.flatMap(({ lines }: any) => lines.map(({ code, amount }: any) => [code, amount])));
  return {
    trialBalance: withoutZeros(
      data.ledgerTrialBalance.trialBalance.lines.map(({ code, asset, closing }: any) => [`${code} ${asset}`, closing]),
    ),
    currency: data.balanceSheet.statement.currency,
    balanceSheet: linesOf(data.balanceSheet.statement),
    profitAndLoss: {
      ...linesOf(data.profitAndLoss.statement),
      ...withoutZeros([['RESULT', data.profitAndLoss.statement.result]]),
    },
  };
}

const withoutZeros = (all: [string, string][]): Balances =>
  Object.fromEntries(all.filter(([, text]) => /[1-9]/.test(text)));
