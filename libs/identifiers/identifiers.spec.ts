import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import {
  bicProblem,
  ibanProblem,
  isBic,
  isIban,
  isinProblem,
  isIsin,
  isLei,
  isMic,
  leiProblem,
  makeIban,
  makeIsin,
  makeLei,
} from './index.js';

const text = (alphabet: string, length: number) =>
  fc
    .array(fc.constantFrom(...Array.from(alphabet)), { minLength: length, maxLength: length })
    .map((characters) => characters.join(''));
const lettersAndDigits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';

describe('ISIN', () => {
  it.each(['US0378331005', 'DE0007164600', 'GB0002634946', 'JP3633400001', 'LU0323578657'])('%s is valid', (isin) => {
    expect(isIsin(isin)).toBe(true);
    expect(makeIsin(isin.slice(0, 11))).toBe(isin);
  });
  it.each(['US0378331006', 'US037833100', 'us0378331005', ''])('%s is refused with a code', (isin) => {
    expect(isinProblem(isin, ['isin'])).toMatchObject({ code: 'INVALID_ISIN', path: ['isin'] });
  });
});

describe('LEI', () => {
  it('knows a published one and makes its own', () => {
    expect(isLei('5493001KJTIIGC8Y1R12')).toBe(true);
    expect(isLei(makeLei('NGCLIENT0000000001'))).toBe(true);
    expect(isLei('5493001KJTIIGC8Y1R13')).toBe(false);
  });
});

describe('IBAN', () => {
  it('knows the examples of the registry and makes its own', () => {
    expect(isIban('DE89370400440532013000')).toBe(true);
    expect(makeIban('DE', '370400440532013000')).toBe('DE89370400440532013000');
    expect(isIban('DE88370400440532013000')).toBe(false);
  });
});

describe('BIC', () => {
  it.each([
    ['DEUTDEFF', true],
    ['DEUTDEFFXXX', true],
    ['DEUTDEF', false],
    ['deutdeff', false],
  ])('%s: %s', (bic, valid) => {
    expect(isBic(bic)).toBe(valid);
  });
});

describe('MIC', () => {
  it.each([
    ['XETR', true],
    ['XNYS', true],
    ['XET', false],
    ['xetr', false],
  ])('%s: %s', (mic, valid) => {
    expect(isMic(mic)).toBe(valid);
  });
});

describe('check digits', () => {
  it('of made identifiers hold, and one wrong digit is found', () => {
    fc.assert(
      fc.property(
        text(lettersAndDigits, 9),
        text(lettersAndDigits, 18),
        text('0123456789', 18),
        fc.integer({ min: 1, max: 9 }),
        (nsin, lei, bban, shift) => {
          const made = [makeIsin(`DE${nsin}`), makeLei(lei), makeIban('DE', bban)] as const;
          expect([isIsin(made[0]), isLei(made[1]), isIban(made[2])]).toEqual([true, true, true]);
          const spoilt = made.map((one) => one.slice(0, -1) + String((Number(one.slice(-1)) + shift) % 10)) as [
            string,
            string,
            string,
          ];
          expect([isIsin(spoilt[0]), isLei(spoilt[1]), isIban(spoilt[2])]).toEqual([false, false, false]);
        },
      ),
    );
  });

  it('give problems with stable codes, and none for a valid one', () => {
    const codes = [isinProblem('x'), leiProblem('x'), ibanProblem('x'), bicProblem('x')].map((found) => found?.code);
    expect(codes).toEqual(['INVALID_ISIN', 'INVALID_LEI', 'INVALID_IBAN', 'INVALID_BIC']);
    expect(bicProblem('DEUTDEFF', ['bic'])).toBeUndefined();
  });
});
