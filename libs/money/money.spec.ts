import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import {
  addMoney,
  allocate,
  currencyExponent,
  Decimal,
  formatDecimal,
  formatMoney,
  grossAmountMinor,
  isCurrency,
  negate,
  parseDecimal,
  parseMoney,
  type RoundingMode,
  roundToMinor,
  subtractMoney,
  sumMinor,
} from './index.js';

const codeOf = (decision: ReturnType<typeof parseDecimal>) =>
  decision.ok ? decision.value : decision.problems[0]?.code;

describe('decimal text', () => {
  it.each<[string, number, bigint | string]>([
    ['12.30', 2, 1230n],
    ['12.3', 2, 1230n],
    ['12.300', 2, 1230n], // zeros beyond the scale say nothing
    ['-0.01', 2, -1n],
    ['-0', 2, 0n],
    ['007', 0, 7n],
    ['12.345', 2, 'EXCESS_SCALE'],
    ['0.5', 0, 'EXCESS_SCALE'],
    ['1e3', 2, 'INVALID_DECIMAL'],
    ['1,000.00', 2, 'INVALID_DECIMAL'],
    ['.5', 2, 'INVALID_DECIMAL'],
    ['5.', 2, 'INVALID_DECIMAL'],
    ['+5', 2, 'INVALID_DECIMAL'],
    [' 5', 2, 'INVALID_DECIMAL'],
    ['5\n', 2, 'INVALID_DECIMAL'],
    ['', 2, 'INVALID_DECIMAL'],
    ['NaN', 2, 'INVALID_DECIMAL'],
    ['٣', 2, 'INVALID_DECIMAL'],
    ['9'.repeat(39), 0, BigInt('9'.repeat(39))],
    ['9'.repeat(40), 0, 'OUT_OF_RANGE'],
    ['9'.repeat(38), 2, 'OUT_OF_RANGE'],
    [`${'0'.repeat(50)}1`, 2, 100n],
  ])('"%s" at scale %s is %s', (text, scale, expected) => {
    expect(codeOf(parseDecimal(text, scale))).toBe(expected);
  });

  it('is read back as it was written', () => {
    const units = fc.bigInt({ min: -(10n ** 39n) + 1n, max: 10n ** 39n - 1n });
    fc.assert(
      fc.property(units, fc.integer({ min: 0, max: 18 }), (value, scale) => {
        expect(parseDecimal(formatDecimal(value, scale), scale)).toEqual({ ok: true, value });
      }),
    );
  });
});

describe('currencies', () => {
  it.each([
    ['EUR', 2],
    ['JPY', 0],
    ['KWD', 3],
    ['CLF', 4],
    ['XCG', 2],
  ])('%s has %s decimals', (code, exponent) => {
    expect(currencyExponent(code)).toBe(exponent);
  });
  it.each(['EURO', 'eur', 'XAU', 'XXX', 'XTS', ''])('"%s" is none', (code) => {
    expect(isCurrency(code)).toBe(false);
    expect(() => currencyExponent(code)).toThrow(RangeError);
  });
});

describe('money', () => {
  it('is parsed at the exponent of its currency', () => {
    expect(parseMoney('12.30', 'EUR')).toEqual({ ok: true, value: { currency: 'EUR', amountMinor: 1230n } });
    expect(parseMoney('12.5', 'JPY')).toMatchObject({ ok: false, problems: [{ code: 'EXCESS_SCALE' }] });
    expect(parseMoney('1', 'ABC')).toMatchObject({ ok: false, problems: [{ code: 'UNKNOWN_CURRENCY' }] });
    expect(formatMoney({ currency: 'KWD', amountMinor: -5n })).toBe('-0.005');
  });

  it('adds in one currency only', () => {
    const [ten, three] = [
      { currency: 'EUR', amountMinor: 10n },
      { currency: 'EUR', amountMinor: 3n },
    ];
    expect(addMoney(ten, three).amountMinor).toBe(13n);
    expect(subtractMoney(three, ten)).toEqual(negate({ currency: 'EUR', amountMinor: 7n }));
    expect(() => addMoney(ten, { currency: 'USD', amountMinor: 1n })).toThrow('EUR and USD');
  });
});

describe('rounding', () => {
  it.each<[string, RoundingMode, bigint]>([
    ['0.125', 'HALF_EVEN', 12n],
    ['0.135', 'HALF_EVEN', 14n],
    ['-0.125', 'HALF_EVEN', -12n],
    ['0.125', 'HALF_UP', 13n],
    ['-0.125', 'HALF_UP', -13n],
    ['0.1201', 'UP', 13n],
    ['-0.1201', 'UP', -13n],
    ['0.129', 'DOWN', 12n],
  ])('%s by %s is %s cents', (value, mode, expected) => {
    expect(roundToMinor(new Decimal(value), 2, mode)).toBe(expected);
  });
});

describe('gross amount', () => {
  it.each<[string, Parameters<typeof grossAmountMinor>[0], bigint]>([
    [
      '100 shares at 187.335',
      { quantityUnits: 100n, quantityScale: 0, price: new Decimal('187.335'), currency: 'USD' },
      1_873_350n,
    ],
    [
      '1.2345 fund units at 10.01',
      { quantityUnits: 12_345n, quantityScale: 4, price: new Decimal('10.01'), currency: 'EUR' },
      1236n,
    ],
    [
      'EUR 50,000 of a bond at 98.765 %',
      {
        quantityUnits: 5_000_000n,
        quantityScale: 2,
        price: new Decimal('98.765'),
        priceFactor: new Decimal('0.01'),
        currency: 'EUR',
      },
      4_938_250n,
    ],
    [
      '300 shares at 2,501.5 yen',
      { quantityUnits: 300n, quantityScale: 0, price: new Decimal('2501.5'), currency: 'JPY' },
      750_450n,
    ],
    [
      'half a yen goes to the even one',
      { quantityUnits: 1n, quantityScale: 0, price: new Decimal('2501.5'), currency: 'JPY' },
      2502n,
    ],
  ])('%s', (_what, trade, expected) => {
    expect(grossAmountMinor(trade)).toBe(expected);
  });
});

describe('allocation', () => {
  it.each<[bigint, bigint[], bigint[]]>([
    [100n, [1n, 1n, 1n], [34n, 33n, 33n]],
    [100n, [1n, 1n, 4n], [17n, 17n, 66n]],
    [-100n, [1n, 1n, 1n], [-34n, -33n, -33n]],
    [5n, [0n, 1n], [0n, 5n]],
    [0n, [1n, 2n], [0n, 0n]],
  ])('%s by %s', (total, weights, expected) => {
    expect(allocate(total, weights)).toEqual(expected);
  });

  it('parts sum to the whole, and none is more than one unit from its share', () => {
    const weights = fc
      .array(fc.bigInt({ min: 0n, max: 10n ** 20n }), { minLength: 1, maxLength: 30 })
      .filter((all) => sumMinor(all) > 0n);
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 38n), max: 10n ** 38n }), weights, (total, all) => {
        const parts = allocate(total, all);
        expect(sumMinor(parts)).toBe(total);
        const sum = sumMinor(all);
        parts.forEach((part, index) => {
          const distance = part * sum - total * (all[index] ?? 0n);
          expect(distance < sum && distance > -sum).toBe(true);
        });
      }),
    );
  });

  it('refuses weights that share nothing out', () => {
    expect(() => allocate(1n, [])).toThrow(RangeError);
    expect(() => allocate(1n, [0n, 0n])).toThrow(RangeError);
    expect(() => allocate(1n, [2n, -1n])).toThrow(RangeError);
  });
});
