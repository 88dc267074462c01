import { describe, expect, it } from '@jest/globals';
import { sha256Hex } from '#libs/kernel/index.js';
import {
  contentOf,
  followsLast,
  issue,
  type IssuedLine,
  type LastStatement,
  periodsOver,
  periodStart,
} from './issued-statement.js';

const head = { book: 'NGEU', account: 'A-CASH', asset: 'EUR', scale: 2, normalSide: 'CREDIT' as const };
const november = { from: '2026-11-01', to: '2026-11-30' };
const line = (sequence: bigint, units: bigint, balanceAfter: bigint, businessDate = '2026-11-25'): IssuedLine => ({
  sequence,
  units,
  balanceAfter,
  entryId: `ent_${sequence}`,
  kind: 'DEPOSIT',
  description: 'cash',
  businessDate,
  valueDate: businessDate,
});
const october: LastStatement = { number: 4, to: '2026-10-31', lastSequence: 7n, closing: -1_000n };
const codesOf = (decision: { ok: boolean; problems?: readonly { code: string }[] }) =>
  decision.problems?.map(({ code }) => code);

describe('a statement of account', () => {
  it('is issued as the next of its account, with a hash over its text', () => {
    const lines = [line(8n, -500n, -1_500n), line(9n, 200n, -1_300n)];
    const issued = issue(head, november, october, { sequence: 7n, balanceAfter: -1_000n }, lines);
    expect(issued).toMatchObject({
      ok: true,
      value: {
        number: 5,
        version: 1,
        opening: -1_000n,
        debits: 200n,
        credits: 500n,
        closing: -1_300n,
        firstSequence: 8n,
        lastSequence: 9n,
        entries: 2,
      },
    });
    if (!issued.ok) return;
    const content = contentOf(head, issued.value, lines);
    expect(sha256Hex(content)).toBe(issued.value.contentHash);
    expect(JSON.parse(content)).toMatchObject({
      number: 5,
      opening: '10.00',
      closing: '13.00',
      entries: [
        { sequence: '8', side: 'CREDIT', amount: '5.00', balance: '15.00' },
        { side: 'DEBIT', amount: '2.00', balance: '13.00' },
      ],
    });
  });
  it('of an account that did not move says so', () => {
    expect(issue(head, november, october, { sequence: 7n, balanceAfter: -1_000n }, [])).toMatchObject({
      ok: true,
      value: { opening: -1_000n, closing: -1_000n, firstSequence: 8n, lastSequence: 7n, entries: 0 },
    });
  });
  it.each([
    ['opens with another balance', { sequence: 7n, balanceAfter: -999n }, [], 'STATEMENT_NOT_CONTINUING'],
    ['begins behind a gap', { sequence: 8n, balanceAfter: -1_000n }, [], 'STATEMENT_NOT_CONTINUING'],
    ['lacks an entry', { sequence: 7n, balanceAfter: -1_000n }, [line(9n, 1n, -999n)], 'STATEMENT_NOT_CONTIGUOUS'],
    ['does not add up', { sequence: 7n, balanceAfter: -1_000n }, [line(8n, 1n, -998n)], 'STATEMENT_NOT_BALANCED'],
    [
      'has an entry of another date',
      { sequence: 7n, balanceAfter: -1_000n },
      [line(8n, 1n, -999n, '2026-12-01')],
      'STATEMENT_NOT_CONTIGUOUS',
    ],
  ])('is not issued when it %s', (_, before, lines, code) => {
    expect(codesOf(issue(head, november, october, before, lines))).toEqual([code]);
  });
  it.each([
    ['ends before it begins', { from: '2026-11-30', to: '2026-11-01' }, 'INVALID_PERIOD'],
    ['leaves a day out', { from: '2026-11-02', to: '2026-11-30' }, 'STATEMENT_NOT_CONTINUING'],
    ['overlaps the last', { from: '2026-10-31', to: '2026-11-30' }, 'STATEMENT_NOT_CONTINUING'],
    ['was issued', { from: '2026-10-01', to: '2026-10-31' }, 'STATEMENT_ISSUED_ALREADY'],
  ])('is not issued for a period that %s', (_, period, code) => {
    expect(codesOf(followsLast(october, period))).toEqual([code]);
  });
});

describe('how often', () => {
  it.each([
    ['DAILY', '2026-11-25', '2026-11-25'],
    ['WEEKLY', '2026-11-29', '2026-11-23'],
    ['WEEKLY', '2026-11-27', undefined],
    ['MONTHLY', '2026-11-30', '2026-11-01'],
    ['MONTHLY', '2026-11-27', undefined],
    ['NONE', '2026-11-30', undefined],
  ] as const)('%s to %s begins on %s', (frequency, to, from) => {
    expect(periodStart(frequency, to)).toBe(from);
  });
  it('a Friday that is closed ends its week, and its month when the next business date is of another', () => {
    expect(periodsOver('2026-11-27', '2026-11-30')).toEqual([
      { frequency: 'DAILY', to: '2026-11-27' },
      { frequency: 'WEEKLY', to: '2026-11-29' },
    ]);
    expect(periodsOver('2027-01-29', '2027-02-01')).toEqual([
      { frequency: 'DAILY', to: '2027-01-29' },
      { frequency: 'WEEKLY', to: '2027-01-31' },
      { frequency: 'MONTHLY', to: '2027-01-31' },
    ]);
  });
});
