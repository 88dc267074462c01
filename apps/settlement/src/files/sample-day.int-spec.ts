import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { cutOverKinds } from '#libs/contracts/index.js';
import { type Transactions } from '#libs/database/index.js';
import { createTestDatabase, type TestDatabase } from '#libs/testing/index.js';
import { makeSample } from '#tools/sample/sample.js';
import { CutOverApplyService } from '../cut-over/cut-over-apply.service.js';
import { CutOverProcessor } from '../cut-over/cut-over.processor.js';
import { CutOverRepository } from '../cut-over/cut-over.repository.js';
import { CutOverService } from '../cut-over/cut-over.service.js';
import { type DayFigure } from '../figures/day-figures.js';
import { TradeFigures } from '../figures/trade.figures.js';
import { PositionsService } from '../positions/positions.service.js';
import { settlementInvariants } from '../settlement.invariants.js';
import { StatementsService } from '../statements/statements.service.js';
import { intakeForTests, jobForTests } from '../trades/for-tests.js';

let database: TestDatabase;
let transactions: Transactions;
const sample = makeSample({ days: 1, scale: 1 });
const parts = intakeForTests();
const { files, importFile, trades, expected, days } = parts;
const repository = new CutOverRepository();
// Both keep rows of their own and need nothing to take in an opening balance or holding.
const positions = Object.create(PositionsService.prototype) as PositionsService;
const statements = Object.create(StatementsService.prototype) as StatementsService;
const own = new CutOverApplyService(repository, parts.staticData, parts.imported, expected, positions, statements);
const cutOver = new CutOverService(repository, own, parts.outbox, parts.audit);
const processor = new CutOverProcessor(repository, cutOver, own);
const figures = new TradeFigures();

beforeAll(async () => {
  database = await createTestDatabase({ startsAt: '2026-11-25T05:00:00Z' });
  transactions = database.transactions('settlement');
});
afterAll(() => database.drop());

const count = async (sql: string) => Number((await database.pool('owner').query<{ n: string }>(sql)).rows[0]?.n);

async function start(isDryRun: boolean, change: (kind: string, content: string) => string = (_, content) => content) {
  const { cutOver: started, problems } = await transactions.run((tx) =>
    cutOver.start(
      tx,
      {
        name: 'Northgate moves in',
        isDryRun,
        files: cutOverKinds.map((kind) => ({ kind, content: change(kind, sample.get(`cut-over/${kind}.csv`) ?? '') })),
        controlTotals: JSON.parse(sample.get('cut-over/control-totals.json') ?? ''),
      },
      'demo-operations',
    ),
  );
  expect(problems).toEqual([]);
  await processor.run({ importId: started!.importId }, jobForTests(transactions));
  return started!.importId;
}
const state = async (importId: string) => (await transactions.run((tx) => repository.find(tx, importId)))!;

/** Answers as accounting and compliance do, until nothing is left to send. */
async function answerAll(importId: string): Promise<string[]> {
  const order: string[] = [];
  for (;;) {
    const open = (await transactions.run((tx) => repository.chunks(tx, importId))).filter(
      ({ appliedAt }) => appliedAt === null,
    );
    if (open.length === 0) return order;
    for (const { consumer, kind, chunk, rowCount } of open) {
      if (order.at(-1) !== kind) order.push(kind);
      await transactions.run((tx) =>
        cutOver.chunkApplied(tx, consumer as 'accounting', { importId, kind, chunk, applied: rowCount, refused: [] }),
      );
    }
  }
}

async function receive(at: string, kind: string, name: string, path: string) {
  await database.setClock(`2026-11-25T${at}:00+01:00`);
  const { file } = await transactions.run((tx) =>
    files.receive(tx, { kind, name, content: sample.get(`days/2026-11-25/${path}`) ?? '' }, 'demo-front-office'),
  );
  await importFile.importFile({ fileId: file!.fileId }, jobForTests(transactions));
  return (await transactions.run((tx) => parts.filesRepository.find(tx, file!.fileId)))!;
}

describe('moving in', () => {
  it('refuses a set with faults, writing nothing', async () => {
    const importId = await start(false, (kind, content) =>
      kind === 'accounts' ? content.replace('P000001', 'P999999') : content,
    );
    expect(await state(importId)).toMatchObject({
      state: 'REFUSED',
      report: { problems: expect.arrayContaining([expect.objectContaining({ code: 'UNKNOWN_PARTY' })]) },
    });
    expect(await count('SELECT count(*) AS n FROM settlement.trade')).toBe(0);
  });

  it('passes a dry run, writing nothing', async () => {
    expect((await state(await start(true))).state).toBe('DRY_RUN_PASSED');
    expect(await count('SELECT count(*) AS n FROM settlement.instrument')).toBe(0);
  });

  it('is rolled back as a whole, and can be done again', async () => {
    const importId = await start(false);
    expect(await count('SELECT count(*) AS n FROM settlement.trade')).toBe(2_030);
    expect(await answerAll(importId)).toEqual([
      'parties',
      'accounts',
      'nostros',
      'balances',
      'holdings',
      'holds',
      'standing-orders',
      'accrued-interest',
    ]);
    expect((await state(importId)).state).toBe('AWAITING_SIGNATURES');
    await transactions.run((tx) => cutOver.rollBack(tx, importId, 'tried out', 'demo-operations'));
    for (const consumer of ['accounting', 'compliance'] as const)
      await transactions.run((tx) => cutOver.rolledBack(tx, consumer, importId));
    expect((await state(importId)).state).toBe('ROLLED_BACK');
    expect(await count('SELECT count(*) AS n FROM settlement.trade')).toBe(0);
    expect(await count('SELECT count(*) AS n FROM settlement.instrument WHERE superseded_at IS NULL')).toBe(0);
  });

  it('is final when two different people have signed', async () => {
    const importId = await start(false);
    await answerAll(importId);
    const sign = (by: string) => transactions.run((tx) => cutOver.sign(tx, importId, by));
    expect((await sign('demo-operations')).cutOver?.state).toBe('AWAITING_SIGNATURES');
    expect((await sign('demo-operations')).problems).toMatchObject([{ code: 'SECOND_PERSON_NEEDED' }]);
    await expect(
      database
        .pool('owner')
        .query(`INSERT INTO settlement.cut_over_signature VALUES ($1, 2, 'demo-operations')`, [importId]),
    ).rejects.toThrow();
    expect((await sign('demo-controller')).cutOver?.state).toBe('SIGNED');
    expect((await transactions.run((tx) => cutOver.rollBack(tx, importId, 'too late', 'x'))).problems).toMatchObject([
      { code: 'CUT_OVER_NOT_OPEN' },
    ]);
    const signed = await database
      .pool('owner')
      .query(`SELECT payload FROM messaging.message WHERE name = 'settlement.cut-over-signed.v1'`);
    expect(signed.rows).toMatchObject([
      { payload: { books: ['NGEU', 'NGUS'], signedBy: ['demo-operations', 'demo-controller'] } },
    ]);
  });

  it('never sends a name or an IBAN readable, nor keeps one', async () => {
    const messages = await database
      .pool('owner')
      .query<{ text: string }>(`SELECT payload::text AS text FROM messaging.message`);
    const [iban = ''] = /DE\d{20}/.exec(sample.get('cut-over/accounts.csv') ?? '') ?? [];
    expect(iban).not.toBe('');
    expect(messages.rows.some(({ text }) => text.includes(iban))).toBe(false);
    expect(
      await count(
        `SELECT count(*) AS n FROM settlement.cut_over_file f JOIN settlement.cut_over c USING (import_id) WHERE c.state = 'SIGNED' AND sealed_content IS NOT NULL`,
      ),
    ).toBe(0);
  });
});

describe('the trades of the first day', () => {
  it('reads 2,350 lines to the counts of the sample day', async () => {
    for (const book of ['NGEU', 'NGUS']) {
      await transactions.run((tx) =>
        days.businessDayChanged(tx, {
          book,
          businessDate: '2026-11-25',
          state: 'OPEN',
          nextBusinessDate: book === 'NGEU' ? '2026-11-26' : '2026-11-27',
        }),
      );
    }
    expect(await receive('09:30', 'TRADES', 'trades-a-20261125.csv', 'trades-a-20261125.csv')).toMatchObject({
      state: 'IMPORTED',
      counts: { CAPTURED: 1632, REJECTED: 14, AMENDMENT: 4 },
    });
    expect(await receive('09:35', 'ALLOCATIONS', 'allocations-20261125.csv', 'allocations-20261125.csv')).toMatchObject(
      { counts: { ACCEPTED: 74 }, problems: [] },
    );
    expect(await receive('09:50', 'TRADES', 'trades-b-20261125.csv', 'trades-b-20261125.csv')).toMatchObject({
      counts: { CAPTURED: 350 },
    });
    const before = await count('SELECT count(*) AS n FROM settlement.trade');
    expect(await receive('09:55', 'TRADES', 'trades-b-20261125-resent.csv', 'trades-b-20261125.csv')).toMatchObject({
      counts: { DUPLICATE: 350 },
    });
    expect(await count('SELECT count(*) AS n FROM settlement.trade')).toBe(before);
    expect(
      await receive('10:15', 'CONFIRMATIONS', 'confirmations-20261125.csv', 'confirmations-20261125.csv'),
    ).toMatchObject({ state: 'IMPORTED', counts: { ACCEPTED: 1974 } });
    const again = await transactions.run((tx) =>
      files.receive(
        tx,
        {
          kind: 'TRADES',
          name: 'trades-b-20261125.csv',
          content: sample.get('days/2026-11-25/trades-b-20261125.csv') ?? '',
        },
        'x',
      ),
    );
    expect(again.isAlreadyReceived).toBe(true);
  });

  it('screens the names, affirms what is confirmed and asks for the rest', async () => {
    const held = await database
      .pool('owner')
      .query<{ id: string; n: number }>(
        `SELECT trade_id AS id, row_number() OVER (ORDER BY trade_id)::int AS n FROM settlement.trade WHERE hold_state = 'SCREENING'`,
      );
    expect(held.rows).toHaveLength(26);
    await transactions.run((tx) =>
      trades.applyScreening(
        tx,
        held.rows.map(({ id, n }) => ({
          objectKind: 'TRADE' as const,
          objectId: id,
          outcome: n <= 6 ? ('HIT' as const) : ('CLEAR' as const),
          screeningId: `scr_${n}`,
          alertId: `alr_${n}`,
          listVersionId: 'lst_1',
        })),
      ),
    );
    for (const book of ['NGEU', 'NGUS']) {
      await transactions.run((tx) => trades.affirm(tx, book));
      await transactions.run((tx) => trades.closeIntake(tx, book, '2026-11-25'));
      await transactions.run((tx) => trades.endOfDay(tx, book, '2026-11-25'));
    }
    const rows = await transactions.run((tx) => figures.rows(tx, '2026-11-25'));
    const parts_ = (row: string) => {
      const sums: Record<string, number> = {};
      for (const figure of rows.filter((one: DayFigure) => one.row === row))
        sums[figure.part] = (sums[figure.part] ?? 0) + figure.count;
      return sums;
    };
    expect(parts_('linesRead')).toEqual({ captured: 1982, rejected: 14, amendments: 4, duplicates: 350 });
    expect(parts_('newTrades')).toEqual({
      'equity.eu': 620,
      'equity.us': 470,
      'equity.uk': 140,
      'equity.jp': 30,
      etf: 400,
      bond: 240,
      fund: 96,
    });
    expect(parts_('rejected')).toEqual({
      isin: 3,
      decimals: 2,
      quantity: 2,
      tradeDate: 2,
      holiday: 1,
      amount: 2,
      fourFaults: 1,
      nulBytes: 1,
    });
    expect(parts_('captured')).toEqual({
      cancelled: 2,
      ready: 1958,
      'repair.ssi': 6,
      'repair.instrument': 3,
      'repair.price': 1,
      unconfirmed: 6,
      held: 6,
    });
    expect(
      await count(
        `SELECT count(*) AS n FROM settlement.work_item WHERE category IN ('REPAIR', 'UNCONFIRMED') AND state <> 'CLOSED'`,
      ),
    ).toBe(16);
  });

  it('conserves every block: its allocations are its quantity and its cash', async () => {
    expect(
      await count(`SELECT count(*) AS n FROM settlement.trade t JOIN (SELECT trade_id, sum(quantity_units) AS q, sum(amount_minor) AS a FROM settlement.trade_allocation GROUP BY 1) s USING (trade_id)
                    WHERE t.is_block AND t.quantity_units = s.q AND t.amount_minor = s.a`),
    ).toBe(12);
  });

  it('expects nine files, opens a work item for the late one and closes it when it comes', async () => {
    const arrive = async (at: string, qualifier: string) => {
      await database.setClock(`2026-11-25T${at}:00+01:00`);
      return transactions.run((tx) => expected.arrived(tx, { kind: 'STATEMENT', qualifier, arrivalId: qualifier }));
    };
    await transactions.run((tx) => expected.arrived(tx, { kind: 'SANCTIONS_LIST', qualifier: '', arrivalId: 'lst_1' }));
    await transactions.run((tx) =>
      expected.arrived(tx, { kind: 'PAYMENTS', qualifier: '', arrivalId: 'pay', at: new Date('2026-11-25T08:10:00Z') }),
    );
    expect([await arrive('18:00', 'EUR'), await arrive('18:10', 'USD')]).toEqual([true, true]);
    await database.setClock('2026-11-25T18:30:00+01:00');
    const check = () => transactions.run((tx) => expected.checkExpectedFiles(tx, null));
    expect([await check(), await check()]).toEqual([1, 0]);
    expect(await arrive('19:00', 'GBP')).toBe(true);
    expect(
      await count(`SELECT count(*) AS n FROM settlement.work_item WHERE category = 'LATE_FILE' AND state <> 'CLOSED'`),
    ).toBe(0);
    const rows = await transactions.run((tx) => figures.rows(tx, '2026-11-25'));
    expect(rows.filter(({ row }) => row === 'files').map(({ part, count: n }) => [part, n])).toEqual([
      ['late', 1],
      ['onTime', 8],
    ]);
  });

  it('leaves every invariant of trades whole', async () => {
    const pool = database.pool('verify');
    for (const { name, check } of settlementInvariants) {
      const { broken } = await check(async (sql, parameters) => (await pool.query(sql, parameters)).rows as never);
      expect({ name, broken }).toEqual({ name, broken: [] });
    }
  });
});

describe('a file that is none', () => {
  it.each([
    ['has no header', '', 'EMPTY_FILE'],
    ['misses columns', 'a,b\n1,2\n', 'MISSING_COLUMNS'],
    ['has a ragged line', 'source,executionId,allocation,clientAccount,quantity,amount\nx,y\n', 'MALFORMED_FILE'],
    [
      'has an open quote',
      'source,executionId,allocation,clientAccount,quantity,amount\n"x,1,1,1,1,1\n',
      'MALFORMED_FILE',
    ],
  ])('%s: refused as a whole', async (name, content, code) => {
    const { file, problems } = await transactions.run((tx) =>
      files.receive(tx, { kind: 'ALLOCATIONS', name: `bad-${code}-${name.length}.csv`, content }, 'x'),
    );
    if (!file) {
      expect(problems).toMatchObject([{ code }]);
      return;
    }
    await importFile.importFile({ fileId: file.fileId }, jobForTests(transactions));
    expect(await transactions.run((tx) => parts.filesRepository.find(tx, file.fileId))).toMatchObject({
      state: 'REFUSED',
      problems: [{ code }],
    });
  });
});
