import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Tx } from '#libs/database/index.js';
import { isRefused, seededRandom } from '#libs/kernel/index.js';
import { termsOf } from '../accounts/accounts.js';
import { ChartsRepository } from '../chart/charts.repository.js';
import { Charts } from '../chart/charts.service.js';
import { judgePosition } from '../interbook/interbook.js';
import { InterbookRepository } from '../interbook/interbook.repository.js';
import { type Interbook } from '../interbook/interbook.service.js';
import { PeriodsRepository } from '../periods/periods.repository.js';
import { Periods } from '../periods/periods.service.js';
import { type Rates } from '../rates/rates.service.js';
import { RatesOfDate } from '../rates/rates.js';
import { type Bench, createBench, isin } from '../testing/bench.js';
import { transferOf } from '../journal/posting.js';
import { type Standing } from './reports.js';
import { ReportsRepository } from './reports.repository.js';
import { Reports } from './reports.service.js';

const days = ['2026-11-25', '2026-11-26', '2026-11-27', '2026-11-30', '2026-12-01'] as const;
const repository = new ReportsRepository();
/** One dollar is worth 0.92 euro, always. */
const rates = {
  ofDate: (_: Tx, date: string) =>
    Promise.resolve(
      new RatesOfDate(
        [{ kind: 'RATE', version: 7n, base: 'USD', quote: 'EUR', date: '2026-11-01', value: '0.92', source: 'TEST' }],
        date,
      ),
    ),
} as unknown as Rates;

let bench: Bench;
let reports: Reports;
let periods: Periods;
let count = 0;

beforeAll(async () => {
  bench = await createBench();
  // Of the service that books pairs only what it reads.
  const positions: Interbook['positions'] = async (tx, ...asked) =>
    (await new InterbookRepository().positions(tx, ...asked)).map((row) => ({
      ...judgePosition(row),
      scale: row.scale,
    }));
  const charts = new Charts(new ChartsRepository(), bench.audit);
  reports = new Reports(repository, charts, rates, { positions } as unknown as Interbook);
  periods = new Periods(new PeriodsRepository(), bench.posting, bench.audit);
  await bench.run((tx) => tx.execute(`SELECT accounting.open_direct_accounts('NGEU', '{5500,2300,1910,1920}')`));
});
afterAll(async () => {
  await bench.drop();
});

/** The sums of postings by the date they belong to, written without any of what reports are made of. */
const fromPostings = async (tx: Tx, at: string, knownOn: string | null): Promise<Standing[]> => {
  const rows = await tx.rows<{ code: string; asset: string; debit: string; credit: string }>(
    `SELECT a.gl_code AS code, p.asset, sum(greatest(p.units, 0)) AS debit, sum(greatest(-p.units, 0)) AS credit
       FROM accounting.posting p JOIN accounting.ledger_account l USING (ledger_account_id)
       JOIN accounting.account a ON a.book_id = l.book_id AND a.number = l.number
       LEFT JOIN accounting.entry_accounting_date d USING (entry_id)
      WHERE p.book_id = 'NGEU' AND coalesce(d.accounting_date, p.business_date) <= $1 AND ($2::date IS NULL OR p.business_date <= $2)
      GROUP BY 1, 2`,
    [at, knownOn],
  );
  return rows.map(({ code, asset, debit, credit }) => ({
    code,
    asset,
    debit: BigInt(debit),
    credit: BigInt(credit),
    closed: 0n,
  }));
};
const sorted = (standings: readonly Standing[]) =>
  standings.map(({ code, asset, debit, credit }) => `${code} ${asset} ${debit} ${credit}`).sort();

const open = (tx: Tx, date: string, next: string) =>
  tx.execute(
    `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ('NGEU', $1, 'OPEN', $2)`,
    [date, next],
  );
const close = async (tx: Tx, date: string) => {
  await tx.execute(
    `UPDATE accounting.business_day SET state = 'CLOSED' WHERE book_id = 'NGEU' AND business_date = $1`,
    [date],
  );
  await tx.execute(`SELECT accounting.store_gl_totals('NGEU', $1)`, [date]);
};

describe('what the codes of a book have', () => {
  it('is what its postings say, at each date and as known on each, while dates are worked, closed and corrected', async () => {
    const random = seededRandom('reports');
    const moves = [
      ['NOSTRO-EUR', 'A-CASH', 'EUR'],
      ['NOSTRO-EUR', 'B-CASH', 'EUR'],
      ['5500', '2300', 'EUR'],
      ['NOSTRO-EUR', 'FEES', 'EUR'],
      ['SUSPENSE', 'FEES', 'USD'],
      ['DEPOT-T2S', 'A-SAFE', isin],
    ] as const;
    for (const [n, date] of days.entries()) {
      if (n > 0) await bench.run((tx) => open(tx, date, days[n + 1] ?? '2026-12-02'));
      for (let k = 0; k < 12; k += 1) {
        const [debit, credit, asset] = random.pick(moves);
        const units = random.integer(1, 5_000).toString();
        const item = bench.move(`r-${(count += 1)}`, debit, credit, 0, {
          businessDate: date,
          valueDate: date,
          postings: transferOf(debit, credit, asset, units),
        });
        const earlier = days.slice(0, n);
        if (earlier.length > 0 && k % 4 === 0) {
          const accountingDate = random.pick(earlier);
          const { problems } = await bench.run((tx) =>
            periods.postInto(
              tx,
              { items: [item], requestedBy: 'test' },
              { accountingDate, period: accountingDate.slice(0, 7), purpose: 'ADJUSTMENT' },
              false,
            ),
          );
          expect(problems).toEqual([]);
        } else expect(await bench.one(item)).toMatchObject({ outcome: 'POSTED' });
      }
      // Half of the dates are asked about before and after they are closed.
      for (const isClosed of [false, true]) {
        if (isClosed) await bench.run((tx) => close(tx, date));
        await bench.run(async (tx) => {
          for (const at of days.slice(0, n + 1))
            for (const knownOn of [null, ...days.slice(0, n + 1)])
              expect([at, knownOn, ...sorted(await repository.standing(tx, 'NGEU', at, knownOn))]).toEqual([
                at,
                knownOn,
                ...sorted(await fromPostings(tx, at, knownOn)),
              ]);
        });
      }
    }
  });

  it('tells statements that tie, and the accounts behind each of their codes', async () => {
    await bench.run(async (tx) => {
      const scope = { knownOn: null, currency: null, books: ['NGEU'] };
      const span = { from: '2026-11-26', to: '2026-11-30' };
      const sheet = await reports.balanceSheet(tx, span.to, scope);
      const result = await reports.profitAndLoss(tx, { from: '2026-01-01', to: span.to }, scope);
      const flow = await reports.cashFlow(tx, span, scope);
      const trial = await reports.trialBalance(tx, 'NGEU', span, scope);
      if (isRefused(sheet) || isRefused(result) || isRefused(flow) || isRefused(trial)) throw new Error('refused');
      const line = (code: string) =>
        sheet.value.value.sections.flatMap(({ lines }) => lines).find((one) => one.code === code)?.amount;
      expect(line('RESULT')).toBe(result.value.value.result);
      expect(line('A10')).toBe(flow.value.value.closing);
      expect(sheet.value).toMatchObject({
        currency: 'EUR',
        rates: ['RATE:7@2026-11-01'],
        isFinal: true,
        chartVersions: { NGEU: 1 },
      });
      for (const { account, asset, opening, debit, credit } of trial.value.value.lines) {
        const rows = await repository.ledger(tx, { book: 'NGEU', code: account.code, asset, ...span }, 100);
        const sum = (field: 'opening' | 'debit' | 'credit') => rows.reduce((all, row) => all + BigInt(row[field]), 0n);
        expect([account.code, asset, sum('opening'), sum('debit'), sum('credit')]).toEqual([
          account.code,
          asset,
          opening,
          debit,
          credit,
        ]);
      }
    });
  });

  it('is told again as it was known: what came later changes neither amounts nor rates', async () => {
    const ask = (knownOn: string | null) =>
      bench.run((tx) => reports.balanceSheet(tx, '2026-11-26', { knownOn, currency: null, books: ['NGEU'] }));
    const text = (value: unknown) =>
      JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? one.toString() : one));
    expect(text(await ask('2026-11-26'))).not.toBe(text(await ask(null)));
    expect(text(await ask('2026-12-01'))).toBe(text(await ask(null)));
  });

  it('has no report of a book, period or currency that is not there', async () => {
    const problems = async (
      span: { from: string; to: string },
      scope: { books: string[]; currency: string | null },
    ) => {
      const report = await bench.run((tx) => reports.profitAndLoss(tx, span, { knownOn: null, ...scope }));
      return isRefused(report) ? report.problems.map(({ code, path }) => `${code} ${path.join('.')}`) : [];
    };
    expect(
      await problems({ from: '2026-12-01', to: '2026-11-01' }, { books: ['NGEU', 'NGEU', 'NONE'], currency: 'XXX' }),
    ).toEqual(['INVALID_PERIOD to', 'BOOK_TWICE books.1', 'BOOK_NOT_FOUND books.2', 'UNKNOWN_CURRENCY currency']);
    expect(await problems({ from: '2026-11-01', to: '2026-11-30' }, { books: [], currency: 'EUR' })).toEqual([
      'BOOK_NEEDED books',
    ]);
  });
});

describe('books together', () => {
  it('owe each other nothing, as far as both say the same; what they do not agree on stays', async () => {
    const account = (book: string, number: string, kind: 'DUE_FROM_BOOK' | 'DUE_TO_BOOK' | 'NOSTRO') => ({
      ...{ book, number, kind, ...termsOf(kind), state: 'OPEN' as const, partyId: null, currency: null },
      ...{ iban: null, agentBic: null, statementChannel: null, importId: null },
    });
    const date = '2026-12-01';
    await bench.run(async (tx) => {
      await bench.accounts.open(tx, [
        account('NGEU', 'DUE-FROM-NGUS', 'DUE_FROM_BOOK'),
        account('NGUS', 'DUE-TO-NGEU', 'DUE_TO_BOOK'),
        account('NGUS', 'NOSTRO-USD', 'NOSTRO'),
      ]);
      await tx.execute(
        `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ('NGUS', '2026-12-02', 'OPEN', '2026-12-03')`,
      );
      await open(tx, '2026-12-02', '2026-12-03');
    });
    const sheetOf = async (books: string[], at: string) => {
      const report = await bench.run((tx) => reports.balanceSheet(tx, at, { knownOn: null, currency: 'EUR', books }));
      if (isRefused(report)) throw new Error(JSON.stringify(report.problems));
      const { sections, eliminated } = report.value.value;
      const amount = (code: string) =>
        sections.flatMap(({ lines }) => lines).find((one) => one.code === code)?.amount ?? 0n;
      return { amount, total: sections[0]?.total ?? 0n, eliminated };
    };
    const alone = await sheetOf(['NGEU'], date);
    const later = { businessDate: '2026-12-02', valueDate: '2026-12-02' };
    const dollars = (debit: string, credit: string, units: string) => transferOf(debit, credit, 'USD', units);
    for (const [n, item] of [
      bench.move('due-1', '', '', 0, { ...later, postings: dollars('DUE-FROM-NGUS', 'SUSPENSE', '10000') }),
      bench.move('due-2', '', '', 0, {
        ...later,
        book: 'NGUS',
        postings: dollars('NOSTRO-USD', 'DUE-TO-NGEU', '7000'),
      }),
    ].entries())
      expect([n, await bench.one(item)]).toMatchObject([n, { outcome: 'POSTED' }]);
    const both = await sheetOf(['NGEU', 'NGUS'], '2026-12-02');
    // 100.00 dollars due and 70.00 owed, at 0.92: 64.40 go, 27.60 stay.
    expect(both.eliminated).toEqual([
      {
        creditor: 'NGEU',
        debtor: 'NGUS',
        asset: 'USD',
        scale: 2,
        units: 7_000n,
        amount: 6_440n,
        unagreedUnits: 3_000n,
      },
    ]);
    expect([both.amount('A40'), both.amount('L30')]).toEqual([2_760n, 0n]);
    expect((await sheetOf(['NGEU'], '2026-12-02')).amount('A40')).toBe(9_200n);
    expect((await sheetOf(['NGEU', 'NGUS'], date)).eliminated).toEqual([]);
    expect((await sheetOf(['NGEU'], date)).total).toBe(alone.total);
  });
});

describe('the database', () => {
  it('writes the totals of a date once, when it takes no more postings, and of a book that is seen', async () => {
    const store = (date: string, books: string[] | 'all' = 'all') =>
      bench.transactions.run((tx) => tx.row(`SELECT accounting.store_gl_totals('NGEU', $1) AS written`, [date]), {
        books,
      });
    expect(await store('2026-11-25')).toEqual({ written: 0 });
    expect(await store('2026-12-01')).toEqual({ written: 0 });
    await expect(store('2026-12-02')).rejects.toThrow(/still takes postings/);
    await expect(store('2026-12-01', ['NGUS'])).rejects.toThrow(/is not seen/);
  });
  it.each([
    'UPDATE accounting.gl_total SET debit = 0',
    'DELETE FROM accounting.gl_total_day',
    `INSERT INTO accounting.gl_total SELECT book_id, gl_code, asset, '2026-12-02', 1, 0, 1, 0 FROM accounting.gl_ledger`,
  ])('lets the service write no total: %s', async (sql) => {
    await expect(bench.run((tx) => tx.execute(sql))).rejects.toThrow(/permission denied/);
  });
  it('lets nobody change one', async () => {
    for (const table of ['gl_total', 'gl_ledger', 'gl_total_day'])
      await expect(bench.database.pool('owner').query(`DELETE FROM accounting.${table}`)).rejects.toThrow(
        /not allowed/,
      );
  });
});
