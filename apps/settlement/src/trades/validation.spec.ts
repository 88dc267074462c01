import { describe, expect, it } from '@jest/globals';
import { calendarOf, combine, isBusinessDay } from '#libs/calendar/index.js';
import { builtInCalendars } from '../calendars/calendars.js';
import { cycleDaysOf } from '../calendars/settlement-date.js';
import { readUnits } from './decimal-text.js';
import { isWithinTolerance } from './enrichment.js';
import { goodLine } from './for-tests.js';
import { type RawTradeLine } from './trade-line.js';
import { type LineFacts, validateLine } from './validation.js';

const places: Record<string, { bookId: string; kind: 'EXTERNAL' | 'INTERNAL'; calendarId: string }> = {
  T2S: { bookId: 'NGEU', kind: 'EXTERNAL', calendarId: 'T2S' },
  DTC: { bookId: 'NGUS', kind: 'EXTERNAL', calendarId: 'DTC' },
  CREST: { bookId: 'NGEU', kind: 'EXTERNAL', calendarId: 'CREST' },
  JASDEC: { bookId: 'NGEU', kind: 'EXTERNAL', calendarId: 'JASDEC' },
  FUND: { bookId: 'NGEU', kind: 'EXTERNAL', calendarId: 'TARGET' },
  INTERNAL: { bookId: '*', kind: 'INTERNAL', calendarId: 'TARGET' },
};
const calendars = builtInCalendars();
const facts: LineFacts = {
  instrument: (isin) =>
    ({
      DE0007164600: { currency: 'EUR', quantityScale: 0 },
      LU0323578657: { currency: 'EUR', quantityScale: 4 },
      JP3633400001: { currency: 'JPY', quantityScale: 0 },
      US0378331005: { currency: 'USD', quantityScale: 0 },
    })[isin],
  place: (placeId) => places[placeId],
  hasClientAccount: (account, book) =>
    book === 'NGUS' ? account === 'C000801' : ['C000001', 'C000002'].includes(account),
  today: () => '2026-11-25',
  settlesOn: (placeId, currency, day) => calendars.settlesOn(places[placeId]!.calendarId, currency, day),
  intendedDate: (market, assetClass, placeId, currency, _, tradeDate) =>
    calendars.intendedSettlementDate(
      places[placeId]!.calendarId,
      currency,
      tradeDate,
      cycleDaysOf(
        [{ market: 'EU', assetClass: '*', cycleDays: 2, validFrom: '2014-10-06' }],
        market,
        assetClass,
        tradeDate,
        2,
      ),
    ),
};
const us = { market: 'US', place: 'DTC', isin: 'US0378331005', currency: 'USD', clientAccount: 'C000801' };
const codes = (change: Partial<RawTradeLine>) =>
  validateLine(goodLine(change), facts).problems.map(({ code, path }) => `${code} ${path.join('.')}`);

describe('a line of a trade file', () => {
  it('is understood exactly when nothing is wrong with it', () => {
    expect(validateLine(goodLine(), facts)).toMatchObject({
      problems: [],
      line: {
        bookId: 'NGEU',
        quantityUnits: 10n,
        amountMinor: 101500n,
        settlementDate: '2026-11-27',
        counterpartyId: 'NGCP01',
      },
    });
  });

  it.each<[string, Partial<RawTradeLine>, string[]]>([
    ['a wrong check digit', { isin: 'DE0007164601' }, ['INVALID_ISIN isin']],
    ['an unknown but valid ISIN', { isin: 'DE000A1EWWW0' }, []],
    [
      'decimals in yen',
      {
        isin: 'JP3633400001',
        market: 'JP',
        place: 'JASDEC',
        currency: 'JPY',
        amount: '1015.50',
        settlementDate: '2026-11-27',
      },
      ['EXCESS_SCALE amount'],
    ],
    ['zeros beyond the scale', { amount: '1015.000' }, []],
    ['no quantity', { quantity: '0' }, ['INVALID_QUANTITY quantity']],
    ['a negative quantity', { quantity: '-25' }, ['INVALID_QUANTITY quantity']],
    ['half a share', { quantity: '0.5' }, ['INVALID_QUANTITY quantity']],
    [
      'a fund unit with four decimals',
      { isin: 'LU0323578657', market: 'FUND', assetClass: 'FUND', place: 'FUND', quantity: '1.2345' },
      [],
    ],
    [
      'a trade of tomorrow',
      { tradeDate: '2026-11-26', settlementDate: '2026-11-30' },
      ['TRADE_DATE_IN_FUTURE tradeDate'],
    ],
    ['settlement on Thanksgiving', { ...us, settlementDate: '2026-11-26' }, ['SETTLEMENT_ON_HOLIDAY settlementDate']],
    ['settlement at the weekend', { settlementDate: '2026-11-28' }, ['SETTLEMENT_ON_HOLIDAY settlementDate']],
    ['settlement before the trade', { settlementDate: '2026-11-24' }, ['SETTLEMENT_BEFORE_TRADE settlementDate']],
    ['an amount of nothing', { amount: '0.00' }, ['INVALID_AMOUNT amount']],
    ['an amount with a thousands separator', { amount: '12,500.00' }, ['INVALID_AMOUNT amount']],
    ['an amount in scientific notation', { amount: '1e3' }, ['INVALID_AMOUNT amount']],
    ['no amount', { amount: '' }, ['INVALID_AMOUNT amount']],
    ['no amount, free of payment', { amount: '', price: '', kind: 'FOP' }, []],
    ['a NUL byte', { counterpartyName: 'Broken\u0000Name' }, ['NUL_BYTE counterpartyName']],
    [
      'four faults at once',
      { isin: 'DE0007164601', quantity: '0', amount: '-1.00', tradeDate: '2026-11-26', settlementDate: '2026-11-30' },
      ['INVALID_ISIN isin', 'INVALID_QUANTITY quantity', 'INVALID_AMOUNT amount', 'TRADE_DATE_IN_FUTURE tradeDate'],
    ],
    ['another currency than the instrument', { currency: 'USD' }, ['CURRENCY_MISMATCH currency']],
    ['a currency that is none', { currency: 'EUX' }, ['INVALID_CURRENCY currency']],
    ['an unknown client', { clientAccount: 'C999999' }, ['UNKNOWN_CLIENT_ACCOUNT clientAccount']],
    [
      'a client of the other book',
      { ...us, settlementDate: '2026-11-27', clientAccount: 'C000001' },
      ['UNKNOWN_CLIENT_ACCOUNT clientAccount'],
    ],
    ['no counterparty', { counterparty: '' }, ['COUNTERPARTY_MISSING counterparty']],
    ['a counterparty by name alone', { counterparty: '', counterpartyName: 'Ordinary Trading GmbH' }, []],
    ['an internal trade', { place: 'INTERNAL', counterparty: 'C000002' }, []],
    [
      'an internal trade with itself',
      { place: 'INTERNAL', counterparty: 'C000001' },
      ['UNKNOWN_COUNTERPARTY_ACCOUNT counterparty'],
    ],
    ['an unknown place', { place: 'MOON' }, ['UNKNOWN_PLACE place']],
    ['an unknown market', { market: 'XX' }, ['INVALID_MARKET market']],
    ['a side that is none', { side: 'buy' }, ['INVALID_SIDE side']],
    ['version nought', { version: '0' }, ['INVALID_VERSION version']],
    ['a correction as first version', { action: 'CORRECT' }, ['INVALID_VERSION version']],
    ['a date that is none', { tradeDate: '2026-02-30' }, ['INVALID_TRADE_DATE tradeDate']],
    ['a price of nothing', { price: '0' }, ['INVALID_PRICE price']],
    ['an identifier with a quote', { executionId: "X'--" }, ['INVALID_IDENTIFIER executionId']],
    ['a block mark that is none', { block: 'yes' }, ['INVALID_BLOCK block']],
  ])('%s', (_, change, wanted) => {
    expect(codes(change)).toEqual(wanted);
  });

  it('computes the date that is not stated, on the calendars of place and currency', () => {
    expect(validateLine(goodLine({ settlementDate: '' }), facts).line?.settlementDate).toBe('2026-11-27');
    expect(validateLine(goodLine({ settlementDate: '', tradeDate: '2026-04-01' }), facts).line?.settlementDate).toBe(
      '2026-04-07',
    );
  });
});

describe('settlement dates', () => {
  it.each([
    ['EU before T+1', 'EU', '2027-10-08', 2],
    ['EU from the first day of T+1', 'EU', '2027-10-11', 1],
    ['US', 'US', '2026-11-25', 1],
    ['a market without a rule: the instrument’s own', 'FUND', '2026-11-25', 3],
  ])('%s', (_, market, tradeDate, days) => {
    const rules = [
      { market: 'EU', assetClass: '*', cycleDays: 2, validFrom: '2014-10-06' },
      { market: 'EU', assetClass: '*', cycleDays: 1, validFrom: '2027-10-11' },
      { market: 'US', assetClass: '*', cycleDays: 1, validFrom: '2024-05-28' },
    ];
    expect(cycleDaysOf(rules, market, 'EQUITY', tradeDate, 3)).toBe(days);
  });

  it('skips the Japanese holiday of the 23rd', () => {
    expect(calendars.intendedSettlementDate('JASDEC', 'JPY', '2026-11-20', 2)).toBe('2026-11-25');
  });

  it('is a day on which place and currency both work', () => {
    const joint = combine(calendarOf('DTC'), calendarOf('USNY'));
    for (const day of ['2026-11-11', '2026-11-25', '2026-11-26', '2026-12-25'])
      expect(calendars.settlesOn('DTC', 'USD', day)).toBe(isBusinessDay(joint, day));
  });
});

describe('decimal texts', () => {
  it.each([
    ['10', 2, 1000n],
    ['10.5', 2, 1050n],
    ['10.500', 2, 1050n],
    ['-0.01', 2, -1n],
    ['10.505', 2, 'EXCESS_SCALE'],
    ['01', 2, 'NOT_A_DECIMAL'],
    ['.5', 2, 'NOT_A_DECIMAL'],
    [' 5', 2, 'NOT_A_DECIMAL'],
    ['', 2, 'NOT_A_DECIMAL'],
  ] as const)('%s at scale %i', (text, scale, wanted) => {
    const read = readUnits(text, scale);
    expect(read.fault ?? read.units).toBe(wanted);
  });
});

describe('the price tolerance', () => {
  it.each([
    ['125', '100', true],
    ['125.01', '100', false],
    ['75', '100', true],
    ['74.99', '100', false],
    ['0.3', '0.25', true],
  ])('%s against %s', (price, lastGood, wanted) => {
    expect(isWithinTolerance(price, lastGood)).toBe(wanted);
  });
});

describe('a hostile line', () => {
  const long = '9'.repeat(1_000_000);
  it.each<[string, Partial<RawTradeLine>, string[]]>([
    ['a price with a million decimals', { price: `1.${long}` }, ['INVALID_PRICE price']],
    ['a price of a million digits', { price: long }, ['INVALID_PRICE price']],
    ['an amount of a million digits', { amount: long }, ['INVALID_AMOUNT amount']],
    ['a quantity of a million digits', { quantity: long }, ['INVALID_QUANTITY quantity']],
    ['a place of a million characters', { place: long }, ['UNKNOWN_PLACE place']],
    ['a counterparty of a million characters', { counterparty: long }, ['INVALID_IDENTIFIER counterparty']],
    ['a name of a million characters', { counterparty: '', counterpartyName: long }, ['TOO_LONG counterpartyName']],
    ['a float', { amount: '1e3', quantity: '1.0e1' }, ['INVALID_QUANTITY quantity', 'INVALID_AMOUNT amount']],
    [
      'a negative',
      { amount: '-1', quantity: '-1', price: '-1' },
      ['INVALID_QUANTITY quantity', 'INVALID_AMOUNT amount', 'INVALID_PRICE price'],
    ],
    ['cents of a cent', { amount: '1015.001' }, ['EXCESS_SCALE amount']],
    [
      'a day that does not exist',
      { tradeDate: '2026-02-30', settlementDate: '2026-02-30' },
      ['INVALID_TRADE_DATE tradeDate', 'INVALID_SETTLEMENT_DATE settlementDate'],
    ],
    ['a day beyond the calendars', { settlementDate: '2051-01-02' }, ['INVALID_SETTLEMENT_DATE settlementDate']],
    ['a version beyond all', { version: long }, ['INVALID_VERSION version']],
    ['NUL bytes', { executionId: 'X\u0000', isin: 'DE0007164600\u0000' }, ['NUL_BYTE executionId', 'NUL_BYTE isin']],
  ])('%s has each fault named with its column, in a short answer', (_, change, expected) => {
    expect(codes(change)).toEqual(expected);
    const { problems } = validateLine(goodLine(change), facts);
    expect(JSON.stringify(problems).length).toBeLessThan(1_000);
  });

  it('holds no number that its column cannot', () => {
    expect(readUnits('9'.repeat(31), 8).fault).toBeNull();
    expect(readUnits('9'.repeat(31), 9)).toEqual({ units: null, fault: 'NOT_A_DECIMAL' });
  });
});
