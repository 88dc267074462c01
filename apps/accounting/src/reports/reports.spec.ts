import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Rational } from '#libs/money/index.js';
import { type Decision, isRefused } from '#libs/kernel/index.js';
import { type Chart } from '../chart/chart.js';
import { builtInChart } from '../database/built-in-chart-of-20261203.js';
import {
  balanceSheet,
  cashFlowStatement,
  profitAndLoss,
  resultLine,
  type Standing,
  type Statement,
  trialBalance,
} from './reports.js';
import { type Currency, roundTogether, translate } from './translation.js';

const chart = builtInChart as unknown as Chart;
const scales: Record<string, number> = { EUR: 2, USD: 2, JPY: 0 };
const euros = (rates: Record<string, string>): Currency => ({
  code: 'EUR',
  scale: 2,
  isCurrency: (asset) => asset in scales,
  scaleOf: (asset) => scales[asset] ?? 0,
  rateOf: (asset) => (rates[asset] === undefined ? undefined : Rational.parse(rates[asset])),
});
const now = euros({ USD: '0.92', JPY: '0.0061' });
const value = <T>(decision: Decision<T>): T => {
  if (isRefused(decision)) throw new Error(JSON.stringify(decision.problems));
  return decision.value;
};
/** Debit positive. */
const stands = (code: string, asset: string, units: bigint, closed = 0n): Standing => ({
  code,
  asset,
  debit: units > 0n ? units : 0n,
  credit: units < 0n ? -units : 0n,
  closed,
});
const amountOf = ({ sections }: Statement, line: string) =>
  sections.flatMap(({ lines }) => lines).find(({ code }) => code === line)?.amount;

describe('translation', () => {
  it('rounds the amounts of an asset together, so that equal sides stay equal', () => {
    // 33 yen thrice against 99: 0.2013 and 0.6039 each, half a cent lost nowhere.
    expect(
      value(
        translate(
          [33n, 33n, 33n, -99n].map((units) => ({ asset: 'JPY', units })),
          now,
        ),
      ),
    ).toEqual([20n, 20n, 20n, -60n]);
    expect(
      value(
        translate(
          [
            { asset: 'EUR', units: 7n },
            { asset: 'USD', units: 1_000n },
          ],
          now,
        ),
      ),
    ).toEqual([7n, 920n]);
  });
  it('says every rate that is missing', () => {
    const refused = translate(
      [
        { asset: 'CHF', units: 1n },
        { asset: 'GBP', units: 1n },
      ],
      now,
    );
    expect(isRefused(refused) && refused.problems).toMatchObject([
      { code: 'RATE_MISSING', path: ['rates', 'CHF'] },
      { code: 'RATE_MISSING', path: ['rates', 'GBP'] },
    ]);
  });
  it('loses and makes nothing: parts add up to the rounded sum, and none is off by a whole unit', () => {
    const fraction = fc.tuple(fc.bigInt(-(10n ** 12n), 10n ** 12n), fc.bigInt(1n, 9_999n));
    fc.assert(
      fc.property(fc.array(fraction, { minLength: 1, maxLength: 20 }), (all) => {
        const exact = all.map(([above, below]) => Rational.of(above, below));
        const parts = roundTogether(exact);
        expect(parts.reduce((sum, one) => sum + one, 0n)).toBe(
          exact.reduce((sum, one) => sum.plus(one), Rational.zero).round(),
        );
        parts.forEach((part, n) => {
          const off = Rational.of(part).minus(exact[n] as Rational);
          expect(off.compare(Rational.of(-1n)) > 0 && off.compare(Rational.of(1n)) <= 0).toBe(true);
        });
      }),
      { seed: 20261201, numRuns: 200 },
    );
  });
});

describe('a small bank', () => {
  // Capital 1,000.00; a client brought 500.00 USD; a fee of 30.00 and rent of 12.50; the client's dollars lie with an agent.
  const before = [stands('1210', 'EUR', 100_000n), stands('3100', 'EUR', -100_000n)];
  const after = [
    stands('1210', 'EUR', 101_750n),
    stands('1210', 'USD', 50_000n),
    stands('2110', 'USD', -50_000n),
    stands('3100', 'EUR', -100_000n),
    stands('4100', 'EUR', -3_000n),
    stands('5400', 'EUR', 1_250n),
    stands('9100', 'DE0007164600', 10n),
    stands('9200', 'DE0007164600', -10n),
  ];

  it('has a trial balance per asset and in its currency', () => {
    const { lines, totals, translated } = value(trialBalance(chart, before, after, now));
    expect(totals).toEqual([
      { asset: 'DE0007164600', debit: 10n, credit: 10n },
      { asset: 'EUR', debit: 103_000n, credit: 103_000n },
      { asset: 'USD', debit: 50_000n, credit: 50_000n },
    ]);
    expect(translated).toEqual({ asset: 'EUR', debit: 149_000n, credit: 149_000n });
    expect(lines[0]).toMatchObject({
      asset: 'EUR',
      opening: 100_000n,
      debit: 1_750n,
      credit: 0n,
      closing: 101_750n,
      translated: 101_750n,
    });
    expect(lines.find(({ account }) => account.code === '9100')?.translated).toBeNull();
  });
  it('owns what it owes and has left', () => {
    const sheet = value(balanceSheet(chart, after, now));
    expect(sheet.sections.map(({ section, total }) => [section, total])).toEqual([
      ['ASSETS', 147_750n],
      ['LIABILITIES', 46_000n],
      ['EQUITY', 101_750n],
    ]);
    expect(amountOf(sheet, resultLine)).toBe(1_750n);
  });
  it('has a result, which closing entries do not take away', () => {
    expect(value(profitAndLoss(chart, before, after, now))).toMatchObject({ result: 1_750n });
    const closed = [
      ...after.filter(({ code }) => code < '4'),
      stands('3200', 'EUR', -1_750n),
      { code: '4100', asset: 'EUR', debit: 3_000n, credit: 3_000n, closed: 3_000n },
      { code: '5400', asset: 'EUR', debit: 1_250n, credit: 1_250n, closed: -1_250n },
    ];
    expect(value(profitAndLoss(chart, before, closed, now))).toMatchObject({ result: 1_750n });
    const sheet = value(balanceSheet(chart, closed, now));
    expect([amountOf(sheet, resultLine), amountOf(sheet, 'E20')]).toEqual([0n, 1_750n]);
  });
  it('has cash that its flows and the rates explain', () => {
    const flow = value(
      cashFlowStatement(
        chart,
        after,
        [...after.slice(1), stands('1210', 'EUR', 101_000n), stands('2110', 'EUR', 750n)],
        now,
        euros({ USD: '0.95' }),
      ),
    );
    expect([flow.opening, flow.effectOfRates, flow.closing]).toEqual([147_750n, 1_500n, 148_500n]);
    expect(amountOf(flow, 'O10')).toBe(-750n);
  });
  it('has no report that does not tie', () => {
    const torn = [...after, stands('1500', 'EUR', 1n)];
    for (const [decision, code] of [
      [trialBalance(chart, before, torn, now), 'TRIAL_BALANCE_BROKEN'],
      [balanceSheet(chart, torn, now), 'BALANCE_SHEET_BROKEN'],
      [cashFlowStatement(chart, before, torn, now, now), 'CASH_FLOW_BROKEN'],
    ] as const)
      expect(isRefused<unknown>(decision) && decision.problems[0]?.code).toBe(code);
  });
});

describe('whatever is booked', () => {
  const codes = chart.accounts
    .filter(({ role, type }) => role !== 'HEADING' && type !== 'MEMORANDUM')
    .map(({ code }) => code);
  const entry = fc.record({
    from: fc.constantFrom(...codes),
    to: fc.constantFrom(...codes),
    asset: fc.constantFrom('EUR', 'USD', 'JPY'),
    units: fc.bigInt(1n, 10n ** 15n),
    isLate: fc.boolean(),
  });
  const rate = fc.integer({ min: 1, max: 5_000_000 }).map((n) => (n / 1_000_000).toFixed(6));

  it('the reports tie, and one says what the other says', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 40 }), rate, rate, rate, rate, (entries, a, b, c, d) => {
        const sum = (late: boolean) => {
          const found = new Map<string, Standing>();
          for (const { from, to, asset, units, isLate } of entries) {
            if (isLate && !late) continue;
            for (const [code, debit, credit] of [
              [to, units, 0n],
              [from, 0n, units],
            ] as const) {
              const one = found.get(`${code} ${asset}`) ?? { code, asset, debit: 0n, credit: 0n, closed: 0n };
              found.set(`${code} ${asset}`, { ...one, debit: one.debit + debit, credit: one.credit + credit });
            }
          }
          return [...found.values()];
        };
        const [before, after] = [sum(false), sum(true)];
        const [then, later] = [euros({ USD: a, JPY: b }), euros({ USD: c, JPY: d })];
        const trial = value(trialBalance(chart, before, after, later));
        const sheets = [value(balanceSheet(chart, before, then)), value(balanceSheet(chart, after, later))];
        const flow = value(cashFlowStatement(chart, before, after, then, later));
        expect([flow.opening, flow.closing]).toEqual(sheets.map((sheet) => amountOf(sheet, 'A10')));
        expect(flow.opening + flow.effectOfRates + flow.sections.reduce((all, { total }) => all + total, 0n)).toBe(
          flow.closing,
        );
        const assets = trial.lines
          .filter(({ account }) => account.type === 'ASSET')
          .reduce((all, line) => all + (line.translated ?? 0n), 0n);
        expect(assets).toBe(sheets[1]?.sections[0]?.total);
        const since = value(profitAndLoss(chart, [], after, later)).result;
        expect(since).toBe(amountOf(sheets[1] as Statement, resultLine));
      }),
      { seed: 20261202, numRuns: 100 },
    );
  });
});
