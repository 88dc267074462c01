import { isPlainDate, lastBuiltInYear, type PlainDate, yearOf } from '#libs/calendar/index.js';
import { isIsin } from '#libs/identifiers/index.js';
import { type Problem, problem } from '#libs/kernel/index.js';
import { currencyExponent, isCurrency } from '#libs/money/index.js';
import { type DecimalRead, plainDecimal, readUnits } from './decimal-text.js';
import { homePlace, type RawTradeLine, tradeColumns, type TradeLine, usualScale } from './trade-line.js';
import { assetClasses, type AssetClass, type Market, markets, sides, tradeActions } from './trade.js';

/** What the rules ask of static data; the service looks it up for all lines of a chunk at once. */
export interface LineFacts {
  instrument(isin: string): { currency: string; quantityScale: number } | undefined;
  place(placeId: string): { bookId: string; kind: 'EXTERNAL' | 'INTERNAL' } | undefined;
  hasClientAccount(account: string, bookId: string): boolean;
  /** The date at the venue of the market, now. */
  today(market: Market): PlainDate;
  /** Both the place and, when cash moves, the currency's system work on that day. */
  settlesOn(placeId: string, currency: string | null, day: PlainDate): boolean;
  intendedDate(
    market: Market,
    assetClass: AssetClass,
    placeId: string,
    currency: string | null,
    isin: string,
    tradeDate: PlainDate,
  ): PlainDate;
}

export type LineVerdict =
  | { readonly line: TradeLine; readonly problems: readonly [] }
  | { readonly line: null; readonly problems: readonly Problem[] };

const instant = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;
const identifier = /^[A-Za-z0-9._:/-]{1,52}$/;
const accountNumber = /^[A-Z0-9-]{1,32}$/;

const oneOf = <T extends string>(list: readonly T[], text: string): T | null =>
  list.find((name) => name === text) ?? null;

/** Every fault of the line at once, each with its code and column. Nothing is stored of a line that has one. */
export function validateLine(raw: RawTradeLine, facts: LineFacts): LineVerdict {
  const problems: Problem[] = [];
  const fault = (code: string, message: string, column: string) => problems.push(problem(code, message, [column]));

  const broken = tradeColumns.filter((column) => raw[column].includes('\u0000'));
  for (const column of broken) fault('NUL_BYTE', `${column} holds a NUL byte`, column);
  const text = (column: (typeof tradeColumns)[number]) => raw[column].replaceAll('\u0000', '').trim();

  if (!identifier.test(text('source')))
    fault('INVALID_IDENTIFIER', 'source has 1 to 52 letters, digits or . _ : / -', 'source');
  if (!identifier.test(text('executionId')))
    fault('INVALID_IDENTIFIER', 'executionId has 1 to 52 letters, digits or . _ : / -', 'executionId');
  const version = /^[1-9]\d{0,5}$/.test(text('version')) ? Number(text('version')) : 0;
  if (version === 0) fault('INVALID_VERSION', 'version is a whole number from 1', 'version');
  const action = oneOf(tradeActions, text('action'));
  if (action === null) fault('INVALID_ACTION', `action is one of ${tradeActions.join(', ')}`, 'action');
  if (action === 'CORRECT' && version === 1) fault('INVALID_VERSION', 'a correction has a version above 1', 'version');

  const side = oneOf(sides, text('side'));
  if (side === null) fault('INVALID_SIDE', 'side is BUY or SELL', 'side');
  const assetClass = oneOf(assetClasses, text('assetClass'));
  if (assetClass === null)
    fault('INVALID_ASSET_CLASS', `assetClass is one of ${assetClasses.join(', ')}`, 'assetClass');
  const market = oneOf(markets, text('market'));
  if (market === null) fault('INVALID_MARKET', `market is one of ${markets.join(', ')}`, 'market');
  const kind = raw.kind ?? 'DVP';

  const isin = text('isin');
  const isinIsGood = isIsin(isin);
  if (!isinIsGood)
    fault('INVALID_ISIN', 'isin is no ISIN: twelve characters with a right check digit (ISO 6166)', 'isin');
  const instrument = isinIsGood ? facts.instrument(isin) : undefined;

  const currency = text('currency');
  const currencyIsGood = isCurrency(currency);
  if (!currencyIsGood) fault('INVALID_CURRENCY', 'currency is a code of ISO 4217', 'currency');
  else if (instrument && instrument.currency !== currency) {
    fault('CURRENCY_MISMATCH', `the instrument trades in ${instrument.currency}`, 'currency');
  }

  const scale = instrument?.quantityScale ?? (assetClass === null ? 4 : usualScale[assetClass]);
  const quantity = readUnits(text('quantity'), scale);
  if (quantity.fault === 'EXCESS_SCALE') fault('INVALID_QUANTITY', `the instrument has ${scale} decimals`, 'quantity');
  else if (quantity.fault || quantity.units <= 0n)
    fault('INVALID_QUANTITY', 'quantity is a decimal above zero', 'quantity');

  const amount = readAmount(text('amount'), kind, currencyIsGood ? currencyExponent(currency) : 4);
  if (amount.fault === 'EXCESS_SCALE') {
    fault('EXCESS_SCALE', `${currencyIsGood ? currency : 'the currency'} has fewer decimals than amount`, 'amount');
  } else if (amount.fault || (kind === 'DVP' ? amount.units <= 0n : amount.units < 0n)) {
    fault('INVALID_AMOUNT', 'amount is a decimal above zero', 'amount');
  }
  const price = text('price') === '' && kind === 'FOP' ? null : plainDecimal(text('price'));
  if (price === null ? kind === 'DVP' : price === '0' || price.startsWith('-')) {
    fault('INVALID_PRICE', 'price is a decimal above zero', 'price');
  }

  const tradedAt = text('tradeTime');
  if (tradedAt !== '' && (!instant.test(tradedAt) || Number.isNaN(Date.parse(tradedAt)))) {
    fault('INVALID_TRADE_TIME', 'tradeTime is an instant with its offset', 'tradeTime');
  }
  const tradeDate = isPlainDate(text('tradeDate')) ? text('tradeDate') : null;
  if (tradeDate === null) fault('INVALID_TRADE_DATE', 'tradeDate is a date, YYYY-MM-DD', 'tradeDate');
  else if (market !== null && tradeDate > facts.today(market))
    fault('TRADE_DATE_IN_FUTURE', `${tradeDate} has not come yet at the venue`, 'tradeDate');

  const statedPlace = text('place');
  const placeId = statedPlace !== '' ? statedPlace : market === null ? '' : homePlace[market];
  const place = facts.place(placeId);
  if (!place && (statedPlace !== '' || market !== null))
    fault('UNKNOWN_PLACE', `no place of settlement ${placeId.slice(0, 32)}`, 'place');
  const homeBook = market === null ? undefined : facts.place(homePlace[market])?.bookId;
  const bookId = place?.kind === 'EXTERNAL' ? place.bookId : homeBook;

  const cash = kind === 'DVP' ? currency : null;
  const stated = text('settlementDate');
  let settlementDate: PlainDate | null = null;
  if (stated !== '') {
    if (!isPlainDate(stated))
      fault('INVALID_SETTLEMENT_DATE', 'settlementDate is a date, YYYY-MM-DD', 'settlementDate');
    else if (yearOf(stated) > lastBuiltInYear)
      fault('INVALID_SETTLEMENT_DATE', `the calendars end with ${lastBuiltInYear}`, 'settlementDate');
    else if (tradeDate !== null && stated < tradeDate)
      fault('SETTLEMENT_BEFORE_TRADE', 'settlementDate is before tradeDate', 'settlementDate');
    else if (place && currencyIsGood && !facts.settlesOn(placeId, cash, stated)) {
      fault('SETTLEMENT_ON_HOLIDAY', `${placeId} does not settle on ${stated}`, 'settlementDate');
    } else settlementDate = stated;
  } else if (tradeDate !== null && place && market !== null && assetClass !== null && currencyIsGood) {
    settlementDate = facts.intendedDate(market, assetClass, placeId, cash, isin, tradeDate);
  }

  const clientAccount = text('clientAccount');
  if (!accountNumber.test(clientAccount))
    fault('INVALID_ACCOUNT', 'clientAccount has 1 to 32 capitals, digits or -', 'clientAccount');
  else if (bookId !== undefined && !facts.hasClientAccount(clientAccount, bookId)) {
    fault('UNKNOWN_CLIENT_ACCOUNT', `no client account ${clientAccount} in book ${bookId}`, 'clientAccount');
  }
  const counterparty = text('counterparty');
  const counterpartyName = text('counterpartyName');
  const internal = place?.kind === 'INTERNAL';
  if (
    internal &&
    (counterparty === clientAccount || (bookId !== undefined && !facts.hasClientAccount(counterparty, bookId)))
  ) {
    fault(
      'UNKNOWN_COUNTERPARTY_ACCOUNT',
      'an internal trade names another client account of the book as counterparty',
      'counterparty',
    );
  }
  if (!internal && counterparty === '' && counterpartyName === '')
    fault('COUNTERPARTY_MISSING', 'counterparty or counterpartyName is needed', 'counterparty');
  if (counterparty !== '' && !identifier.test(counterparty))
    fault('INVALID_IDENTIFIER', 'counterparty is a code', 'counterparty');
  if (counterpartyName.length > 140)
    fault('TOO_LONG', 'counterpartyName has at most 140 characters', 'counterpartyName');
  const block = text('block');
  if (block !== '' && block !== 'Y') fault('INVALID_BLOCK', 'block is Y or empty', 'block');

  if (
    problems.length > 0 ||
    action === null ||
    side === null ||
    assetClass === null ||
    market === null ||
    tradeDate === null ||
    settlementDate === null ||
    bookId === undefined ||
    quantity.fault ||
    amount.fault
  ) {
    return { line: null, problems };
  }
  return {
    problems: [],
    line: {
      source: text('source'),
      executionId: text('executionId'),
      version,
      action,
      tradedAt: tradedAt === '' ? null : new Date(tradedAt).toISOString(),
      tradeDate,
      settlementDate,
      side,
      kind,
      assetClass,
      market,
      isin,
      quantityUnits: quantity.units,
      quantityScale: scale,
      price,
      currency,
      amountMinor: amount.units,
      clientAccount,
      counterpartyId: internal || counterparty === '' ? null : counterparty,
      counterpartyAccount: internal ? counterparty : null,
      counterpartyName: counterpartyName === '' ? null : counterpartyName,
      placeId,
      bookId,
      isBlock: block === 'Y',
    },
  };
}

const readAmount = (text: string, kind: 'DVP' | 'FOP', scale: number): DecimalRead =>
  text === '' && kind === 'FOP' ? { units: 0n, fault: null } : readUnits(text, scale);
