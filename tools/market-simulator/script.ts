import { readFileSync } from 'node:fs';

/** What the market does, written beforehand. Whatever has no line here settles in full on its date. */
export interface MarketScript {
  places: { placeId: string; bic: string; depotAccount: string; cashAccount: string; closedOn: string[] }[];
  agents: {
    account: string;
    currency: string;
    bic: string;
    channel: string;
    openingBalance: string;
    closedOn: string[];
  }[];
  depots: { account: string; holdings: Record<string, string> }[];
  instruments: Record<string, { quantityScale: number; currency: string; isNominal?: boolean }>;
  settlementTimes: string[];
  outcomes: Outcome[];
  returnedPayments: Record<string, string>;
  statements: { accounts: string[]; at: string; exceptions: StatementException[] };
  statementDifferences: StatementDifference[];
  depotDifferences: DepotDifference[];
}

export interface Outcome {
  executionId: string;
  kind:
    | 'LACK'
    | 'CLAC'
    | 'MONY'
    | 'PRCY'
    | 'NO_COUNTERPARTY_LEG'
    | 'DMON'
    | 'SAFE'
    | 'DEPT'
    | 'SUSPENDED'
    | 'PARTIAL'
    | 'TOLERANCE';
  curedOn?: string;
  partialUnits?: string;
  amountMinor?: string;
}

export type StatementException = { date: string; account: string } & (
  | { kind: 'SENT_TWICE'; at: string }
  | { kind: 'WRONG_OPENING'; by: string; correctedAt: string }
  | { kind: 'LATE'; at: string }
);

export type StatementDifference = { date: string; account: string } & (
  | { kind: 'UNKNOWN_CREDIT' | 'FEE'; amount: string }
  | { kind: 'NOT_EXECUTED' | 'DOUBLE_DEBIT'; endToEndId: string }
  | { kind: 'VALUE_DATE'; endToEndId: string; valueDate: string }
  | { kind: 'WRONG_AMOUNT'; endToEndId: string; amount: string }
);

/** What a place does with our securities and tells nobody of, but by what its next statement holds. */
export interface DepotDifference {
  date: string;
  account: string;
  isin: string;
  kind: 'DELIVERED_BY_MISTAKE' | 'PUT_RIGHT';
  quantity: string;
}

export const readScript = (path: string): MarketScript => JSON.parse(readFileSync(path, 'utf8')) as MarketScript;

export const isWeekend = (date: string): boolean => [0, 6].includes(new Date(`${date}T00:00:00Z`).getUTCDay());
export const isOpen = (one: { closedOn: string[] }, date: string): boolean =>
  !isWeekend(date) && !one.closedOn.includes(date);

export function nextDay(date: string): string {
  const day = new Date(`${date}T00:00:00Z`);
  day.setUTCDate(day.getUTCDate() + 1);
  return day.toISOString().slice(0, 10);
}
