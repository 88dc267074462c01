import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CutOverKind, cutOverKinds } from '#libs/contracts/index.js';
import { type Transactions, type Tx } from '#libs/database/index.js';
import { createTestDatabase, type TestDatabase } from '#libs/testing/index.js';
import { makeSample } from '#tools/sample/sample.js';
import { PositionsService } from '../positions/positions.service.js';
import { StatementsService } from '../statements/statements.service.js';
import { tradeIdOf } from '../trades/capture.js';
import { intakeForTests, jobForTests } from '../trades/for-tests.js';
import { CutOverApplyService } from './cut-over-apply.service.js';
import { CutOverProcessor } from './cut-over.processor.js';
import { CutOverRepository } from './cut-over.repository.js';
import { CutOverService } from './cut-over.service.js';

const sample = makeSample({ days: 1, scale: 1 });
const parts = intakeForTests();
const repository = new CutOverRepository();
const positions = Object.create(PositionsService.prototype) as PositionsService;
const statements = Object.create(StatementsService.prototype) as StatementsService;
const own = new CutOverApplyService(
  repository,
  parts.staticData,
  parts.imported,
  parts.expected,
  positions,
  statements,
);
const cutOver = new CutOverService(repository, own, parts.outbox, parts.audit);
const processor = new CutOverProcessor(repository, cutOver, own);
const control = JSON.parse(sample.get('cut-over/control-totals.json') ?? '') as object;

let database: TestDatabase;
let transactions: Transactions;
beforeAll(async () => {
  database = await createTestDatabase({ startsAt: '2026-11-25T05:00:00Z' });
  transactions = database.transactions('settlement');
});
afterAll(() => database.drop());

const count = async (from: string) =>
  Number((await database.pool('owner').query<{ n: string }>(`SELECT count(*) AS n FROM ${from}`)).rows[0]?.n);
const find = async (importId: string) => (await transactions.run((tx) => repository.find(tx, importId)))!;

async function receive(change: (kind: CutOverKind, content: string) => string = (_, content) => content) {
  const { cutOver: started } = await transactions.run((tx) =>
    cutOver.start(
      tx,
      {
        name: 'Northgate moves in',
        isDryRun: false,
        files: cutOverKinds.map((kind) => ({ kind, content: change(kind, sample.get(`cut-over/${kind}.csv`) ?? '') })),
        controlTotals: control,
      },
      'demo-operations',
    ),
  );
  return started!.importId;
}

/** Its process is killed after some steps: the step it is in is not committed. */
function dyingJob(steps: number) {
  let left = steps;
  const step = <T>(work: (tx: Tx) => Promise<T>): Promise<T> =>
    transactions.run(async (tx) => {
      const done = await work(tx);
      left -= 1;
      if (left < 0) throw new Error('killed');
      return done;
    });
  return { step, finish: step, progress: () => undefined, checkpoint: () => undefined } as never;
}

async function answerAll(importId: string): Promise<void> {
  for (;;) {
    const open = (await transactions.run((tx) => repository.chunks(tx, importId))).filter(
      ({ appliedAt }) => appliedAt === null,
    );
    if (open.length === 0) return;
    for (const { consumer, kind, chunk, rowCount } of open) {
      const answer = { importId, kind, chunk, applied: rowCount, refused: [] };
      // Each answer comes twice: the second changes nothing.
      for (let times = 0; times < 2; times += 1)
        await transactions.run((tx) => cutOver.chunkApplied(tx, consumer as 'accounting', answer));
    }
  }
}

const replaceIn = (content: string, line: number, from: string | RegExp, to: string): string => {
  const lines = content.split('\n');
  const changed = (lines[line - 1] ?? '').replace(from, to);
  expect(changed).not.toBe(lines[line - 1]);
  lines[line - 1] = changed;
  return lines.join('\n');
};

describe('a set with faults in several files', () => {
  it('is refused with all of them at once, each by file, line and column, and nothing is written', async () => {
    const importId = await receive((kind, content) => {
      switch (kind) {
        case 'accounts':
          return replaceIn(content, 2, 'P000001', 'P999999');
        case 'prices':
          return replaceIn(content, 3, /^[A-Z0-9]{12}/, 'DE0000000000');
        case 'trades':
          return replaceIn(content, 4, /,(BUY|SELL),/, ',HOLD,');
        case 'breaks':
          return replaceIn(content, 5, /\d{4}-\d{2}-\d{2}/, '2026-02-30');
        // No line of these can be read: that is said once, and nothing is said of what refers to them.
        case 'rates':
          return `${content}EUR,USD\n`;
        case 'instruments':
          return content.replace('isin,', 'identifier,');
        default:
          return content;
      }
    });
    await processor.run({ importId }, jobForTests(transactions));
    const { state, report } = await find(importId);
    expect(state).toBe('REFUSED');
    expect(report.problems?.map(({ code, path }) => `${code} ${path.join('.')}`).sort()).toEqual([
      'INVALID_DATE breaks.5.valueDate',
      'INVALID_ISIN prices.3.isin',
      `MALFORMED_FILE rates.${(sample.get('cut-over/rates.csv') ?? '').split('\n').length}`,
      'MISSING_COLUMNS instruments.1',
      'NOT_ALLOWED trades.4.side',
      'UNKNOWN_PARTY accounts.2.partyId',
    ]);
    expect(await count('settlement.instrument')).toBe(0);
    expect(await count('settlement.trade')).toBe(0);
    expect(await count('settlement.cut_over_reference')).toBe(0);
    expect(await count(`messaging.message WHERE name LIKE '%apply-cut-over%'`)).toBe(0);
  });
});

describe('an import whose process is killed', () => {
  let importId: string;

  it('after every step is taken up again, and comes in once', async () => {
    importId = await receive();
    const attempt = (steps: number) =>
      processor.run({ importId }, dyingJob(steps)).then(
        () => true,
        () => false,
      );
    let steps = 0;
    while (!(await attempt(steps))) steps += 1;
    expect(steps).toBeGreaterThanOrEqual(8);
    await answerAll(importId);
    expect((await find(importId)).state).toBe('AWAITING_SIGNATURES');
    expect(await count('settlement.trade')).toBe(2_030);
    expect(await count('settlement.trade_version')).toBe(2_030);
    expect(await count('settlement.instrument WHERE superseded_at IS NULL')).toBe(260);
    expect(await count(`settlement.cut_over_kept WHERE kind = 'breaks'`)).toBe(9);
    expect(
      await count(`(SELECT payload::text FROM messaging.message WHERE name LIKE '%.apply-cut-over.v1'
      GROUP BY payload::text HAVING count(*) > 1) doubled`),
    ).toBe(0);
  }, 240_000);

  it('knows every id of the system before, in every book, and shows a book only to those who may see it', async () => {
    const of = (oldId: string, books: readonly string[] | 'all' = 'all') =>
      transactions.run((tx) => repository.referencesOf(tx, oldId), { books });
    const [, trade = ''] = /\n[^,]+,([^,]+),/.exec(sample.get('cut-over/trades.csv') ?? '') ?? [];
    const [, source = ''] = /\n([^,]+),/.exec(sample.get('cut-over/trades.csv') ?? '') ?? [];
    expect(await of(trade)).toMatchObject([{ kind: 'trades', line: 2, objectId: tradeIdOf(source, trade) }]);
    const [, order = ''] = /\n([^,]+),/.exec(sample.get('cut-over/standing-orders.csv') ?? '') ?? [];
    expect(await of(order)).toMatchObject([{ kind: 'standing-orders', line: 2, objectId: order }]);
    const [, broken = ''] = /\n([^,]+),/.exec(sample.get('cut-over/breaks.csv') ?? '') ?? [];
    expect(await of(broken)).toMatchObject([{ kind: 'breaks', line: 2 }]);
    expect(await of('P000001')).toMatchObject([{ kind: 'parties', oldId: 'P000001' }]);
    const { rows } = await database
      .pool('owner')
      .query<{ id: string }>(
        `SELECT old_id AS id FROM settlement.cut_over_reference WHERE kind = 'accounts' AND book_id = 'NGUS' LIMIT 1`,
      );
    expect(await of(rows[0]!.id, ['NGUS'])).not.toEqual([]);
    expect(await of(rows[0]!.id, ['NGEU'])).toEqual([]);
    const lines = cutOverKinds.filter((kind) => !['prices', 'rates', 'balances'].includes(kind));
    for (const kind of lines) {
      const rowsOfFile = (sample.get(`cut-over/${kind}.csv`) ?? '').trimEnd().split('\n').length - 1;
      expect({ kind, n: await count(`settlement.cut_over_reference WHERE kind = '${kind}'`) }).toEqual({
        kind,
        n: rowsOfFile,
      });
    }
  });

  it('in the middle of the rollback is as it was; rolled back, it is gone everywhere, however often the answers come', async () => {
    await expect(
      transactions.run(async (tx) => {
        await cutOver.rollBack(tx, importId, 'wrong files', 'demo-operations');
        throw new Error('killed');
      }),
    ).rejects.toThrow('killed');
    expect((await find(importId)).state).toBe('AWAITING_SIGNATURES');
    expect(await count('settlement.trade')).toBe(2_030);
    expect(await count(`messaging.message WHERE name LIKE '%.roll-back-cut-over.v1'`)).toBe(0);

    await expect(transactions.run((tx) => tx.execute('DELETE FROM settlement.cut_over_reference'))).rejects.toThrow(
      /never forgotten/,
    );

    await transactions.run((tx) => cutOver.rollBack(tx, importId, 'wrong files', 'demo-operations'));
    const back = (consumer: 'accounting' | 'compliance') =>
      transactions.run((tx) => cutOver.rolledBack(tx, consumer, importId));
    await back('accounting');
    await back('accounting');
    expect((await find(importId)).state).toBe('ROLLING_BACK');
    // Nothing is signed, rolled back or applied while it goes back.
    const codes = async (answer: Promise<{ problems: readonly { code: string }[] }>) =>
      (await answer).problems.map(({ code }) => code);
    expect(await codes(transactions.run((tx) => cutOver.sign(tx, importId, 'demo-controller')))).toEqual([
      'CUT_OVER_NOT_READY',
    ]);
    expect(await codes(transactions.run((tx) => cutOver.rollBack(tx, importId, 'again', 'x')))).toEqual([
      'CUT_OVER_NOT_OPEN',
    ]);
    await back('compliance');
    await back('compliance');
    expect((await find(importId)).state).toBe('ROLLED_BACK');
    // Every rate and price that was told of is told of again, as withdrawn.
    const toldOf = (state: string) =>
      count(
        `messaging.message m, json_array_elements(m.payload->'items') i WHERE m.name LIKE 'settlement.%s-versioned.v1' AND i->>'state' = '${state}'`,
      );
    expect(await toldOf('KNOWN')).toBe(263);
    expect(await toldOf('WITHDRAWN')).toBe(263);
    for (const table of ['trade', 'trade_version', 'cut_over_kept', 'cut_over_reference'])
      expect({ table, n: await count(`settlement.${table}`) }).toEqual({ table, n: 0 });
    // A job that is delivered once more, after all of it, changes nothing.
    await processor.run({ importId }, jobForTests(transactions));
    expect((await find(importId)).state).toBe('ROLLED_BACK');
    expect(await count('settlement.trade')).toBe(0);
    expect(await count('settlement.cut_over_reference')).toBe(0);
  }, 60_000);
});
