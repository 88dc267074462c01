/**
 * The first business day as the sample promises it, figure by figure, so that a change of the product, of the sample
 * and of the oracle at the same time is still seen.
 */
export const firstDayRows = {
  linesRead: { total: 2350, captured: 1982, rejected: 14, amendments: 4, duplicates: 350 },
  newTrades: {
    total: 1996,
    equity: { total: 1260, eu: 620, us: 470, uk: 140, jp: 30 },
    etf: 400,
    bond: 240,
    fund: 96,
  },
  rejected: {
    total: 14,
    isin: 3,
    decimals: 2,
    quantity: 2,
    tradeDate: 2,
    holiday: 1,
    amount: 2,
    fourFaults: 1,
    nulBytes: 1,
  },
  captured: {
    total: 1982,
    cancelled: 2,
    ready: 1958,
    repair: { total: 10, ssi: 6, instrument: 3, price: 1 },
    unconfirmed: 6,
    held: 6,
  },
  due: {
    total: 1900,
    t2s: 980,
    dtc: 520,
    crest: 180,
    jasdec: 30,
    funds: 60,
    internal: 40,
    freeOfPayment: 24,
    carriedFails: 66,
  },
  dueOutcome: {
    total: 1900,
    settled: 1812,
    partial: 9,
    lack: 22,
    clac: 18,
    mony: 4,
    counterpartyHold: 6,
    noCounterpartyLeg: 14,
    dmon: 5,
    deptOrSafe: 2,
    heldByCompliance: 5,
    suspended: 3,
  },
  payments: {
    total: 600,
    booked: 571,
    held: 6,
    refused: { total: 14, funds: 8, closedAccount: 2, iban: 3, limit: 1 },
    returned: 3,
    nextDate: 6,
  },
  paymentReplays: { total: 41, replays: 40, keyReused: 1 },
  screening: { total: 17, trades: 6, payments: 6, instructions: 5 },
  files: { total: 9, onTime: 8, late: 1 },
  approvals: {
    total: 9,
    approved: 5,
    rejected: 1,
    expired: 1,
    ownApprovalRefused: 1,
    changedPayloadRefused: 1,
  },
  breaks: 'not yet',
  shortfalls: { total: 2, shares: 1, clientMoney: 1 },
  workItems: { total: 118, repairAndUnconfirmed: 16, held: 17, failsAndPartials: 62, unmatched: 21, shortfalls: 2 },
  // Beside what the sample promises: what the ledger made of it.
  entries: {
    total: 2402,
    tradeSettlement: 1797,
    freeDelivery: 24,
    payment: 574,
    paymentReturn: 3,
    transfer: 1,
    correction: 1,
    shortfallCover: 2,
  },
  postings: {
    total: 8398,
    tradeSettlement: 7188,
    freeDelivery: 48,
    payment: 1148,
    paymentReturn: 6,
    transfer: 2,
    correction: 2,
    shortfallCover: 4,
  },
};

const due = { EUR: '27534724.04', GBP: '3596989.05', USD: '14632767.04', JPY: '21784124' };

export const firstDayValues = {
  captured: { EUR: '27827263.13', GBP: '2570429.43', JPY: '22500640', USD: '18011392.04' },
  due,
  dueOutcome: due,
  payments: { EUR: '906954925.23', GBP: '56730.93', USD: '588471.76' },
  shortfalls: { EUR: '48910.39' },
};

type Parts = { [name: string]: number | Parts };

/** Each level whose parts do not add up to its total, by its path. */
export function sumsThatFail(rows: Readonly<Record<string, unknown>>): string[] {
  const fail = (path: string, parts: Parts): string[] => {
    const { total, ...others } = parts;
    const inner = Object.entries(others).flatMap(([name, part]) =>
      typeof part === 'number' ? [] : fail(`${path}.${name}`, part),
    );
    const sum = Object.values(others).reduce<number>(
      (all, part) => all + (typeof part === 'number' ? part : Number(part.total)),
      0,
    );
    return sum === total ? inner : [`${path}: ${sum} in parts, ${JSON.stringify(total)} in all`, ...inner];
  };
  return Object.entries(rows).flatMap(([row, parts]) =>
    typeof parts === 'object' && parts !== null ? fail(row, parts as Parts) : [],
  );
}
