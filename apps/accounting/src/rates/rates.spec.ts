import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Rational } from '#libs/money/index.js';
import { type Figure, judge, lastGoodOf, namedFigures, RatesOfDate } from './rates.js';

const figure = (base: string, quote: string, value: string, more: Partial<Figure> = {}): Figure => ({
  kind: 'RATE',
  version: 1n,
  base,
  quote,
  date: '2026-11-24',
  value,
  source: 'ECB',
  ...more,
});

describe('a figure as it comes', () => {
  it.each<[value: string, lastGood: string | undefined, source: string, state: string, fault: string | null]>([
    ['1.0842', undefined, 'ECB', 'GOOD', null],
    ['1.09', '1.0842', 'ECB', 'GOOD', null],
    ['0', '1.0842', 'ECB', 'REFUSED', 'RATE_NOT_POSITIVE'],
    ['0.000', undefined, 'ECB', 'REFUSED', 'RATE_NOT_POSITIVE'],
    ['-1.0842', '1.0842', 'ECB', 'REFUSED', 'RATE_NOT_POSITIVE'],
    ['0', '1.0842', 'OVERRIDE', 'REFUSED', 'RATE_NOT_POSITIVE'], // no number of people makes it worth nothing
    ['10.842', '1.0842', 'ECB', 'HELD', 'RATE_JUMPED'], // exactly ten times
    ['10.8419999', '1.0842', 'ECB', 'GOOD', null],
    ['0.10842', '1.0842', 'ECB', 'HELD', 'RATE_JUMPED'],
    ['0.1084200001', '1.0842', 'ECB', 'GOOD', null],
    ['16327', '163.27', 'ECB', 'HELD', 'RATE_JUMPED'], // the decimals of a yen
    ['18.70', '187', 'OVERRIDE', 'GOOD', null], // two people decided, e.g. after a split
  ])('%s after %s from %s is %s', (value, lastGood, source, state, fault) => {
    expect(judge({ value, source }, lastGood)).toEqual({ state, fault });
  });
});

describe('the last good figure', () => {
  const figures = [
    figure('EUR', 'USD', '1.08', { version: 1n, date: '2026-11-20' }),
    figure('EUR', 'USD', '1.09', { version: 4n, date: '2026-11-24' }),
    figure('EUR', 'USD', '1.10', { version: 2n, date: '2026-11-24', source: 'OVERRIDE' }),
    figure('EUR', 'USD', '1.07', { version: 3n, date: '2026-11-23' }),
  ];
  it.each([
    ['2026-11-19', undefined],
    ['2026-11-22', '1.08'],
    ['2026-11-23', '1.07'],
    ['2026-11-24', '1.10'], // an override wins over a later version of its date
    ['2026-12-24', '1.10'],
  ])('of %s is %s', (date, value) => {
    expect(lastGoodOf(figures, date)?.value).toBe(value);
  });
});

describe('the rates of a date', () => {
  const rates = new RatesOfDate(
    [
      figure('EUR', 'USD', '1.0842', { version: 41n }),
      figure('EUR', 'GBP', '0.8431', { version: 42n, date: '2026-11-10' }),
      figure('EUR', 'JPY', '163.27', { version: 43n }),
      figure('CHF', 'SEK', '12.1', { version: 44n }),
      figure('US0378331005', 'USD', '187.335', { kind: 'PRICE', version: 7n }),
    ],
    '2026-11-25',
  );
  it.each<[string, string, string | undefined, string | undefined, boolean | undefined]>([
    ['EUR', 'EUR', '1', '', false],
    ['EUR', 'USD', '5421/5000', 'RATE:41@2026-11-24', false],
    ['USD', 'EUR', '5000/5421', 'RATE:41@2026-11-24', false],
    ['USD', 'JPY', '816350/5421', 'RATE:41@2026-11-24+RATE:43@2026-11-24', false], // 163.27 / 1.0842
    ['GBP', 'USD', '10842/8431', 'RATE:42@2026-11-10+RATE:41@2026-11-24', true],
    ['USD', 'SEK', undefined, undefined, undefined], // nothing leads there: never zero
    ['EUR', 'CHF', undefined, undefined, undefined],
  ])('from %s to %s is %s by %s', (from, to, rate, versions, isStale) => {
    const worth = rates.between(from, to);
    expect(worth && String(worth.rate)).toBe(rate);
    expect(worth && namedFigures(worth.figures)).toBe(versions);
    expect(worth?.isStale).toBe(isStale);
  });

  it('price an instrument in the currency of its price only', () => {
    expect(rates.priceOf('US0378331005', 'USD')?.rate.equals(Rational.parse('187.335'))).toBe(true);
    expect(rates.priceOf('US0378331005', 'EUR')).toBeUndefined();
  });

  it('lead there and back to exactly what was there', () => {
    const decimal = fc
      .integer({ min: 1, max: 10 ** 9 })
      .map((n) => `${Math.floor(n / 10_000)}.${String(n % 10_000).padStart(4, '0')}1`);
    fc.assert(
      fc.property(decimal, decimal, (usd, jpy) => {
        const some = new RatesOfDate([figure('EUR', 'USD', usd), figure('EUR', 'JPY', jpy)], '2026-11-24');
        const there = some.between('USD', 'JPY');
        const back = some.between('JPY', 'USD');
        expect(there && back && String(there.rate.times(back.rate))).toBe('1');
        // Over EUR in two steps or in one, it is the same.
        const [first, second] = [some.between('USD', 'EUR'), some.between('EUR', 'JPY')];
        expect(String(first!.rate.times(second!.rate))).toBe(String(there!.rate));
      }),
      { seed: 31, numRuns: 200 },
    );
  });

  it('take the later of what is quoted both ways', () => {
    const both = [
      figure('EUR', 'USD', '1.08', { version: 1n }),
      figure('USD', 'EUR', '0.9', { version: 2n, date: '2026-11-25' }),
    ];
    expect(String(new RatesOfDate(both, '2026-11-25').between('EUR', 'USD')?.rate)).toBe('10/9');
    expect(String(new RatesOfDate(both, '2026-11-24').between('EUR', 'USD')?.rate)).toBe('27/25');
  });
});
