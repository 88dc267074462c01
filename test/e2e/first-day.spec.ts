import { describe, expect, it } from '@jest/globals';
import { firstDayRows, sumsThatFail } from './first-day.js';

describe('the sums of rows', () => {
  it('hold in the sample day, and are seen to fail at every level', () => {
    expect(sumsThatFail(firstDayRows)).toEqual([]);
    expect(sumsThatFail({ a: { total: 3, b: 1, c: { total: 3, d: 1 } } })).toEqual([
      'a: 4 in parts, 3 in all',
      'a.c: 1 in parts, 3 in all',
    ]);
  });
});
