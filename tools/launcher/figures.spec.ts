import { describe, expect, it } from '@jest/globals';
import { addDecimals, type DayFigure, rowsOf, valuesOf } from './figures.js';

const figure = (
  row: string,
  part: string,
  count: number,
  currency: string | null = null,
  value: string | null = null,
): DayFigure => ({ row, part, count, currency, value, references: [] });

describe('rows of a day', () => {
  it('puts each part at its path and totals every level', () => {
    const rows = rowsOf([
      figure('newTrades', 'equity.eu', 620),
      figure('newTrades', 'equity.us', 470),
      figure('newTrades', 'etf', 400),
    ]);
    expect(rows.newTrades).toEqual({ total: 1490, equity: { total: 1090, eu: 620, us: 470 }, etf: 400 });
  });

  it('adds figures of several currencies to one count and keeps the values apart', () => {
    const figures = [
      figure('due', 't2s', 2, 'EUR', '100.10'),
      figure('due', 't2s', 1, 'JPY', '500'),
      figure('due', 'dtc', 1, 'EUR', '0.95'),
    ];
    expect(rowsOf(figures).due).toEqual({ total: 4, t2s: 3, dtc: 1 });
    expect(valuesOf(figures).due).toEqual({ EUR: '101.05', JPY: '500' });
  });

  it('names the rows whose feature is not built', () => {
    expect(rowsOf([])).toEqual({ breaks: 'not yet' });
  });
});

describe('adding decimal texts', () => {
  it.each([
    ['0', '1.05', '1.05'],
    ['0.95', '0.05', '1.00'],
    ['-1.5', '0.25', '-1.25'],
    ['9007199254740993', '0.01', '9007199254740993.01'],
  ])('%s + %s = %s', (a, b, sum) => {
    expect(addDecimals(a, b)).toBe(sum);
  });
});
