import { describe, expect, it } from '@jest/globals';
import { isBic, isIban, isinProblem, isIsin, isLei, makeIban, makeIsin, makeLei } from './index.js';

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
  it.each([['DEUTDEFF', true], ['DEUTDEFFXXX', true], ['DEUTDEF', false], ['deutdeff', false]])('%s: %s', (bic, valid) => {
    expect(isBic(bic)).toBe(valid);
  });
});
