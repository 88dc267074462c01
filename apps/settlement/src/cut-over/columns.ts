import { isCalendarId, isPlainDate } from '#libs/calendar/index.js';
import { isBic, isIban, isIsin, isLei } from '#libs/identifiers/index.js';
import { isCurrency } from '#libs/money/index.js';
import { type CutOverKind } from '#libs/contracts/index.js';

/** What a cell must be. `fault` is the code of the problem when it is not. */
export interface CellRule {
  readonly code: string;
  readonly says: string;
  readonly accepts: (text: string) => boolean;
  readonly isOptional: boolean;
}

const rule = (code: string, says: string, accepts: (text: string) => boolean): CellRule => ({
  code,
  says,
  accepts,
  isOptional: false,
});
const optional = (one: CellRule): CellRule => ({ ...one, isOptional: true });
const oneOf = (...names: string[]) =>
  rule('NOT_ALLOWED', `is one of ${names.join(', ')}`, (text) => names.includes(text));

const id = rule('INVALID_IDENTIFIER', 'has 1 to 52 letters, digits or . _ : / -', (text) =>
  /^[A-Za-z0-9._:/-]{1,52}$/.test(text),
);
const name = rule('INVALID_TEXT', 'has 1 to 140 characters', (text) => text.length <= 140 && !/\p{Cc}/u.test(text));
const day = rule('INVALID_DATE', 'is a date, YYYY-MM-DD', isPlainDate);
const instant = rule(
  'INVALID_INSTANT',
  'is an instant with its offset',
  (text) => /^\d{4}-\d{2}-\d{2}T[\d:.]+(Z|[+-]\d{2}:\d{2})$/.test(text) && !Number.isNaN(Date.parse(text)),
);
const decimal = rule('INVALID_DECIMAL', 'is a decimal not below zero', (text) =>
  /^(0|[1-9]\d{0,30})(\.\d{1,12})?$/.test(text),
);
const signed = rule('INVALID_DECIMAL', 'is a decimal', (text) => /^-?(0|[1-9]\d{0,30})(\.\d{1,12})?$/.test(text));
const positive = rule(
  'INVALID_DECIMAL',
  'is a decimal above zero',
  (text) => decimal.accepts(text) && /[1-9]/.test(text),
);
const currency = rule('INVALID_CURRENCY', 'is a code of ISO 4217', isCurrency);
const isin = rule('INVALID_ISIN', 'is an ISIN (ISO 6166)', isIsin);
const bic = rule('INVALID_BIC', 'is a BIC (ISO 9362)', isBic);
const iban = rule('INVALID_IBAN', 'is an IBAN (ISO 13616)', isIban);
const lei = rule('INVALID_LEI', 'is an LEI (ISO 17442)', isLei);
const country = rule('INVALID_COUNTRY', 'has two capitals (ISO 3166)', (text) => /^[A-Z]{2}$/.test(text));
const book = rule('INVALID_BOOK', 'has 2 to 12 capitals or digits', (text) => /^[A-Z0-9]{2,12}$/.test(text));
const time = rule('INVALID_TIME', 'is a time, HH:MM', (text) => /^([01]\d|2[0-3]):[0-5]\d$/.test(text));
const whole = rule('INVALID_NUMBER', 'is a whole number up to 30', (text) => /^([0-9]|[12][0-9]|30)$/.test(text));
const calendar = rule('UNKNOWN_CALENDAR', 'is a calendar this system knows', isCalendarId);
const zone = rule('INVALID_ZONE', 'is an IANA time zone', (text) => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    return true;
  } catch {
    return false;
  }
});

const market = oneOf('EU', 'US', 'UK', 'JP', 'FUND');
const assetClass = oneOf('EQUITY', 'ETF', 'BOND', 'FUND');

/** The files an institution moves in with, column by column. */
export const cutOverColumns = {
  parties: {
    partyId: id,
    kind: oneOf('CLIENT', 'COUNTERPARTY', 'CCP', 'CUSTODIAN', 'INSTITUTION'),
    name,
    legalForm: oneOf('NATURAL', 'LEGAL'),
    country,
    birthDate: optional(day),
    lei: optional(lei),
    book: optional(book),
    status: name,
  },
  places: {
    placeId: id,
    kind: oneOf('EXTERNAL', 'INTERNAL'),
    bic: optional(bic),
    name,
    zone,
    calendar,
    dvpCutOff: time,
    fopCutOff: time,
    depotAccount: optional(id),
    cashAccount: optional(id),
    book: optional(book),
  },
  instruments: {
    isin,
    name,
    assetClass,
    market,
    currency,
    quantityScale: rule('INVALID_NUMBER', 'is a whole number up to 12', (text) => /^([0-9]|1[0-2])$/.test(text)),
    priceFactor: oneOf('1', '0.01'),
    cfi: optional(rule('INVALID_CFI', 'has six capitals (ISO 10962)', (text) => /^[A-Z]{6}$/.test(text))),
    place: id,
    status: oneOf('ACTIVE', 'SUSPENDED', 'MATURED'),
    tradingCalendar: optional(calendar),
    settlementCycleDays: whole,
  },
  counterparties: { counterpartyId: id, partyId: id, name, bic, kind: oneOf('STREET', 'CCP') },
  ssis: {
    ssiId: id,
    counterpartyId: id,
    market,
    place: id,
    agentBic: bic,
    safekeepingAccount: id,
    cashAccount: optional(id),
    validFrom: day,
  },
  prices: { isin, priceDate: day, price: positive, currency, source: id },
  rates: { base: currency, quote: currency, rateDate: day, rate: positive, source: id },
  accounts: {
    account: id,
    partyId: id,
    book,
    kind: oneOf('CLIENT_CASH', 'CLIENT_CUSTODY'),
    currency: optional(currency),
    overdraftLimit: optional(decimal),
    paymentLimit: optional(decimal),
    state: oneOf('OPEN', 'BLOCKED', 'CLOSED'),
    iban: optional(iban),
  },
  nostros: {
    account: id,
    book,
    kind: oneOf('NOSTRO', 'DEPOT', 'SUSPENSE', 'MIGRATION', 'FEES', 'EQUITY', 'ASSET', 'LIABILITY', 'OWN_CUSTODY'),
    currency: optional(currency),
    agentBic: optional(bic),
    statementChannel: optional(id),
  },
  balances: { account: id, book, currency, amount: signed },
  holdings: { account: id, book, isin, quantity: positive, lotDate: optional(day), lotPrice: optional(decimal) },
  holds: { account: id, book, currency, amount: positive, reason: name, expiresAt: optional(instant) },
  trades: {
    source: id,
    executionId: id,
    state: oneOf('AFFIRMED', 'FAILING'),
    carriedFailSince: optional(day),
    kind: oneOf('DVP', 'FOP'),
    tradeDate: day,
    settlementDate: day,
    side: oneOf('BUY', 'SELL'),
    assetClass,
    market,
    isin,
    quantity: positive,
    price: optional(positive),
    currency,
    amount: optional(positive),
    clientAccount: id,
    counterparty: id,
    place: id,
  },
  breaks: { breakId: id, account: id, valueDate: day, currency, amount: signed, description: name },
  'standing-orders': {
    orderId: id,
    account: id,
    creditorIban: iban,
    creditorName: name,
    currency,
    amount: positive,
    frequency: oneOf('DAILY', 'WEEKLY', 'MONTHLY', 'QUARTERLY', 'YEARLY'),
    nextDue: day,
  },
  'accrued-interest': { account: id, currency, fromDate: day, toDate: day, accrued: signed },
} as const satisfies Record<CutOverKind, Readonly<Record<string, CellRule>>>;

/** The columns whose values together are a row's identity. */
export const cutOverKeys: Readonly<Record<CutOverKind, readonly string[]>> = {
  parties: ['partyId'],
  places: ['placeId'],
  instruments: ['isin'],
  counterparties: ['counterpartyId'],
  ssis: ['ssiId'],
  prices: ['isin', 'priceDate', 'source'],
  rates: ['base', 'quote', 'rateDate', 'source'],
  accounts: ['account', 'currency'],
  nostros: ['account', 'book'],
  balances: ['account', 'book', 'currency'],
  holdings: ['account', 'book', 'isin', 'lotDate', 'lotPrice'],
  holds: ['account', 'currency', 'amount', 'reason', 'expiresAt'],
  trades: ['source', 'executionId'],
  breaks: ['breakId'],
  'standing-orders': ['orderId'],
  'accrued-interest': ['account', 'currency', 'fromDate'],
};

/** The column by which the system before knew a row; kinds without one have no id of their own. */
export const oldIdColumns: Readonly<Partial<Record<CutOverKind, string>>> = {
  parties: 'partyId',
  places: 'placeId',
  instruments: 'isin',
  counterparties: 'counterpartyId',
  ssis: 'ssiId',
  accounts: 'account',
  nostros: 'account',
  holdings: 'account',
  holds: 'account',
  trades: 'executionId',
  breaks: 'breakId',
  'standing-orders': 'orderId',
  'accrued-interest': 'account',
};
