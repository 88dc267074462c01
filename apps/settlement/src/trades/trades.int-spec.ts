import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Transactions } from '#libs/database/index.js';
import { createTestDatabase, type TestDatabase } from '#libs/testing/index.js';
import { tradeIdOf } from './capture.js';
import { goodLine, intakeForTests, seedStaticData } from './for-tests.js';
import { type RawTradeLine } from './trade-line.js';

let database: TestDatabase;
let transactions: Transactions;
const { trades, affirmation, bookDays, staticRepository, days } = intakeForTests();
const origin = { fileId: null, capturedBy: 'tester' };

beforeAll(async () => {
  database = await createTestDatabase({ startsAt: '2026-11-25T09:00:00Z' });
  transactions = database.transactions('settlement');
  await seedStaticData(transactions);
});
afterAll(() => database.drop());

const empty = () =>
  database.pool('owner').query(`
    TRUNCATE settlement.trade, settlement.trade_version, settlement.trade_allocation, settlement.trade_confirmation,
      settlement.trade_state_history, settlement.work_item CASCADE`);
beforeEach(empty);

const capture = (...lines: RawTradeLine[]) => transactions.run((tx) => trades.capture(tx, lines, origin));
const stored = () =>
  database
    .pool('owner')
    .query<Record<string, unknown>>(
      `SELECT execution_id, version, state, repair_reason, hold_state, quantity_units, amount_minor, settlement_date, counterparty_ssi_id
         FROM settlement.trade ORDER BY execution_id`,
    )
    .then(({ rows }) => rows);
const sum = async (sql: string) => (await database.pool('owner').query<{ n: string }>(sql)).rows[0]?.n;

describe('versions and duplicates', () => {
  it('takes the same execution in once, however often it comes', async () => {
    expect((await capture(goodLine())).map(({ outcome }) => outcome)).toEqual(['CAPTURED']);
    expect(
      (await capture(goodLine(), goodLine({ quantity: '10.0', amount: '1015' }))).map(({ outcome }) => outcome),
    ).toEqual(['DUPLICATE', 'DUPLICATE']);
    expect(await stored()).toHaveLength(1);
  });

  it('names the conflict when a version comes back with other facts, and keeps the first', async () => {
    await capture(goodLine());
    const [outcome] = await capture(goodLine({ quantity: '11' }));
    expect(outcome).toMatchObject({ outcome: 'CONFLICT', problems: [{ code: 'EXECUTION_VERSION_REUSED' }] });
    expect(await stored()).toMatchObject([{ quantity_units: '10' }]);
  });

  it('corrects and cancels as versions, and refuses what comes after a cancellation', async () => {
    await capture(goodLine());
    await capture(goodLine({ version: '2', action: 'CORRECT', quantity: '20', amount: '2030.00' }));
    expect(await stored()).toMatchObject([
      { version: 2, state: 'ENRICHED', quantity_units: '20', amount_minor: '203000' },
    ]);
    await capture(goodLine({ version: '3', action: 'CANCEL' }));
    expect(await stored()).toMatchObject([{ version: 3, state: 'CANCELLED' }]);
    const [late] = await capture(goodLine({ version: '4', action: 'CORRECT' }));
    expect(late).toMatchObject({ outcome: 'REJECTED', problems: [{ code: 'TRADE_ALREADY_CANCELLED' }] });
    expect(await sum(`SELECT count(*) AS n FROM settlement.trade_version`)).toBe('3');
  });

  it('keeps three pairs that look alike as six trades', async () => {
    const pairs = [1, 2, 3].flatMap((pair) =>
      ['a', 'b'].map((half) =>
        goodLine({ executionId: `L-${pair}${half}`, quantity: String(pair), amount: `${pair * 100}.00`, price: '100' }),
      ),
    );
    expect((await capture(...pairs)).every(({ outcome }) => outcome === 'CAPTURED')).toBe(true);
    expect(await stored()).toHaveLength(6);
  });

  it('takes one of two that arrive at the same moment', async () => {
    const outcomes = await Promise.all(Array.from({ length: 6 }, () => capture(goodLine())));
    expect(outcomes.flat().filter(({ outcome }) => outcome === 'CAPTURED')).toHaveLength(1);
    expect(outcomes.flat().filter(({ outcome }) => outcome === 'DUPLICATE')).toHaveLength(5);
  });

  it('gives the same trades for any order and repetition of the lines', async () => {
    const lines = [
      goodLine({ executionId: 'P-1' }),
      goodLine({ executionId: 'P-2' }),
      goodLine({ executionId: 'P-2', version: '2', action: 'CORRECT', quantity: '30', amount: '3045.00' }),
      goodLine({ executionId: 'P-3' }),
      goodLine({ executionId: 'P-3', version: '2', action: 'CANCEL' }),
      goodLine({
        executionId: 'P-4',
        counterparty: 'NGCP24',
        market: 'UK',
        place: 'CREST',
        isin: 'GB0002634946',
        currency: 'GBP',
        price: '5',
        amount: '50.00',
      }),
      goodLine({ executionId: 'P-5', quantity: '0' }),
    ];
    await capture(...lines);
    const wanted = await stored();
    expect(wanted.map(({ state }) => state)).toEqual(['ENRICHED', 'ENRICHED', 'CANCELLED', 'REPAIR']);
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray([...lines, ...lines], { minLength: lines.length * 2 }),
        fc.integer({ min: 1, max: 6 }),
        async (order, size) => {
          await empty();
          for (let at = 0; at < order.length; at += size) await capture(...order.slice(at, at + size));
          expect(await stored()).toEqual(wanted);
        },
      ),
      { numRuns: 25, seed: 20261125 },
    );
  });
});

describe('enrichment and repair', () => {
  it('sends to repair what lacks an SSI, an instrument or a believable price, each with an owner and a due time', async () => {
    await capture(
      goodLine({
        executionId: 'R-1',
        counterparty: 'NGCP24',
        market: 'UK',
        place: 'CREST',
        isin: 'GB0002634946',
        currency: 'GBP',
      }),
      goodLine({ executionId: 'R-2', isin: 'DE000A1EWWW0' }),
      goodLine({ executionId: 'R-3', price: '138.00', amount: '1380.00' }),
      goodLine({ executionId: 'R-4', settlementDate: '' }),
    );
    expect((await stored()).map((row) => row.repair_reason)).toEqual([
      'MISSING_SSI',
      'UNKNOWN_INSTRUMENT',
      'PRICE_OUT_OF_TOLERANCE',
      null,
    ]);
    expect((await stored())[3]).toMatchObject({ settlement_date: '2026-11-27', counterparty_ssi_id: 'NGCP01-EU' });
    const items = await database
      .pool('owner')
      .query('SELECT category, reason_code, owner_team FROM settlement.work_item ORDER BY reference');
    expect(items.rows).toMatchObject([
      { category: 'REPAIR', reason_code: 'MISSING_SSI', owner_team: 'settlement-operations' },
      { category: 'REPAIR', reason_code: 'UNKNOWN_INSTRUMENT' },
      { category: 'REPAIR', reason_code: 'PRICE_OUT_OF_TOLERANCE' },
    ]);
  });

  it('lets a trade out of repair when its SSI is there, and closes the work item', async () => {
    await capture(
      goodLine({
        counterparty: 'NGCP24',
        market: 'JP',
        place: 'JASDEC',
        isin: 'JP3633400001',
        currency: 'JPY',
        amount: '1015',
        settlementDate: '2026-11-27',
      }),
    );
    await transactions.run(async (tx) => {
      await staticRepository.saveVersions(
        tx,
        'ssi',
        [
          {
            validFrom: '2026-11-25',
            ssiId: 'NGCP24-JP',
            counterpartyId: 'NGCP24',
            market: 'JP',
            placeId: 'JASDEC',
            agentBic: 'NGSADEFFXXX',
            safekeepingAccount: 'S',
            cashAccount: null,
          },
        ],
        { source: 'TEST', originId: null },
      );
      expect(await trades.retryRepairs(tx, { counterpartyIds: ['NGCP24'] })).toBe(1);
    });
    expect(await stored()).toMatchObject([
      { state: 'ENRICHED', repair_reason: null, counterparty_ssi_id: 'NGCP24-JP' },
    ]);
    expect(await sum(`SELECT count(*) AS n FROM settlement.work_item WHERE state <> 'CLOSED'`)).toBe('0');
  });

  it('screens free text sealed, holds a hit and lets a clear name go on', async () => {
    await capture(
      goodLine({ executionId: 'S-1', counterpartyName: 'Ordinary Trading GmbH' }),
      goodLine({ executionId: 'S-2', counterpartyName: 'Somebody Listed' }),
    );
    const message = await database
      .pool('owner')
      .query<{ payload: { items: { names: { sealedName: string }[] }[] } }>(
        `SELECT payload FROM messaging.message WHERE name = 'compliance.screen-objects.v1'`,
      );
    expect(JSON.stringify(message.rows)).not.toContain('Listed');
    expect(message.rows[0]?.payload.items).toHaveLength(2);
    const outcome = (execution: string, hit: 'CLEAR' | 'HIT') => ({
      objectKind: 'TRADE' as const,
      objectId: tradeIdOf('OMS-EU', execution),
      outcome: hit,
      screeningId: 'scr_1',
      listVersionId: 'lst_1',
      alertId: 'alr_1',
    });
    await transactions.run((tx) => trades.applyScreening(tx, [outcome('S-1', 'CLEAR'), outcome('S-2', 'HIT')]));
    expect((await stored()).map((row) => row.hold_state)).toEqual(['NONE', 'HELD']);
    await transactions.run((tx) =>
      trades.applyHoldDecision(tx, {
        objectId: tradeIdOf('OMS-EU', 'S-2'),
        decision: 'RELEASED',
        alertId: 'alr_1',
        decidedBy: 'ann',
      }),
    );
    expect((await stored()).map((row) => row.hold_state)).toEqual(['NONE', 'NONE']);
  });
});

describe('the day', () => {
  it('stores what comes after the cut-off for the next date and works it when that opens', async () => {
    await transactions.run((tx) => trades.closeIntake(tx, 'NGEU', '2026-11-25'));
    const [outcome] = await capture(goodLine({ counterpartyName: 'Late Trading GmbH' }));
    expect(outcome).toMatchObject({ outcome: 'CAPTURED', businessDate: '2026-11-26' });
    expect(await stored()).toMatchObject([{ state: 'RECEIVED', hold_state: 'NONE' }]);
    await transactions.run((tx) =>
      days.businessDayChanged(tx, {
        book: 'NGEU',
        businessDate: '2026-11-26',
        state: 'OPEN',
        nextBusinessDate: '2026-11-27',
      }),
    );
    expect(await stored()).toMatchObject([{ state: 'ENRICHED', hold_state: 'SCREENING' }]);
    await database
      .pool('owner')
      .query(
        `UPDATE settlement.book_day SET business_date = '2026-11-25', state = 'OPEN', next_business_date = '2026-11-26' WHERE book_id = 'NGEU'`,
      );
    expect(await transactions.run((tx) => bookDays.intakeDate(tx, 'NGEU'))).toBe('2026-11-25');
  });

  it('affirms what the counterparty confirms in every term, and asks for the rest at the end of the day', async () => {
    const confirmation = (executionId: string, amount: string) => ({
      source: 'OMS-EU',
      executionId,
      counterparty: 'NGCP01',
      isin: 'DE0007164600',
      quantity: '10.0',
      amount,
      currency: 'EUR',
      settlementDate: '2026-11-27',
      status: 'AFFIRMED',
    });
    await capture(goodLine({ executionId: 'A-1' }), goodLine({ executionId: 'A-2' }), goodLine({ executionId: 'A-3' }));
    await transactions.run((tx) =>
      affirmation.confirm(
        tx,
        [confirmation('A-1', '1015'), confirmation('A-2', '1015.01'), confirmation('A-9', '1015')],
        null,
      ),
    );
    expect(await transactions.run((tx) => trades.affirm(tx, 'NGEU'))).toEqual({ affirmed: 1, unconfirmed: 2 });
    expect(await transactions.run((tx) => trades.affirm(tx, 'NGEU'))).toEqual({ affirmed: 0, unconfirmed: 2 });
    expect(await transactions.run((tx) => trades.endOfDay(tx, 'NGEU', '2026-11-25'))).toBe(2);
    expect(await transactions.run((tx) => trades.endOfDay(tx, 'NGEU', '2026-11-25'))).toBe(0);
    const ready = await transactions.run((tx) => trades.readyToInstruct(tx, 'NGEU', '2026-11-25', null, 10));
    expect(ready).toMatchObject([
      {
        executionId: 'A-1',
        quantityUnits: 10n,
        amountMinor: 101500n,
        ssi: { ssiId: 'NGCP01-EU', agentBic: 'NGSADEFFXXX' },
        counterpartyBic: 'NGSADEFFXXX',
        place: { kind: 'EXTERNAL', zone: 'Europe/Berlin' },
      },
    ]);
    await transactions.run((tx) => trades.markInstructed(tx, [ready[0]!.tradeId]));
    await transactions.run((tx) => trades.markSettled(tx, [ready[0]!.tradeId]));
    const [refused] = await capture(goodLine({ executionId: 'A-1', version: '2', action: 'CANCEL' }));
    expect(refused).toMatchObject({ outcome: 'REJECTED', problems: [{ code: 'TRADE_ALREADY_SETTLED' }] });
  });

  it('allocates a block only when the parts are the whole, in quantity and in cash', async () => {
    const part = (allocation: string, clientAccount: string, quantity: string, amount: string) => ({
      source: 'OMS-EU',
      executionId: 'B-1',
      allocation,
      clientAccount,
      quantity,
      amount,
    });
    await capture(goodLine({ executionId: 'B-1', block: 'Y' }), goodLine({ executionId: 'B-2', block: 'Y' }));
    await transactions.run(async (tx) => {
      const lines = await affirmation.allocate(
        tx,
        [
          part('1', 'C000001', '3', '304.50'),
          part('2', 'C000002', '7', '710.50'),
          { ...part('1', 'C000003', '9', '1015.00'), executionId: 'B-2' },
          part('1', 'C000001', '3', '304.50'),
        ],
        'fil_1',
      );
      expect(lines.map(({ outcome }) => outcome)).toEqual(['ACCEPTED', 'ACCEPTED', 'ACCEPTED', 'DUPLICATE']);
      expect(await affirmation.completeBlocks(tx, 'fil_1')).toEqual([tradeIdOf('OMS-EU', 'B-2')]);
    });
    expect((await stored()).map((row) => row.state)).toEqual(['ALLOCATED', 'ENRICHED']);
    expect(
      await sum(
        `SELECT sum(a.quantity_units)::text || ' ' || sum(a.amount_minor) AS n FROM settlement.trade_allocation a JOIN settlement.trade t USING (trade_id) WHERE t.state = 'ALLOCATED'`,
      ),
    ).toBe('10 101500');
  });
});

describe('what the database refuses', () => {
  it.each([
    ['an undeclared transition', `UPDATE settlement.trade SET state = 'SETTLED'`],
    ['a removed trade', `DELETE FROM settlement.trade`],
    ['a repair without a reason', `UPDATE settlement.trade SET state = 'REPAIR'`],
    ['a changed version', `UPDATE settlement.trade_version SET version = 9`],
    ['static data changed in place', `UPDATE settlement.instrument SET name = 'x'`],
  ])('%s', async (_, sql) => {
    await capture(goodLine());
    await expect(transactions.run((tx) => tx.execute(sql))).rejects.toThrow();
  });

  it('shows a book only to those who may see it', async () => {
    await capture(goodLine());
    expect(await transactions.run((tx) => tx.rows('SELECT 1 FROM settlement.trade'), { books: ['NGUS'] })).toEqual([]);
    expect(await transactions.run((tx) => tx.rows('SELECT 1 FROM settlement.trade'), { books: ['NGEU'] })).toHaveLength(
      1,
    );
  });
});
