import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type AccountStated } from '#libs/contracts/index.js';
import { transferOf } from '../journal/posting.js';
import { accountOf, type Bench, createBench, day, isin } from '../testing/bench.js';
import { ClientAssets } from './client-assets.service.js';
import { ClientAssetViewsRepository } from './client-asset-views.repository.js';
import { clientAssetsOf } from './for-tests.js';

let bench: Bench;
let feature: ReturnType<typeof clientAssetsOf>;
const next = '2026-11-26';

beforeAll(async () => {
  bench = await createBench();
  feature = clientAssetsOf(bench);
  await bench.run((tx) =>
    feature.accounts.open(tx, [
      accountOf('OWN-CASH-EUR', 'ASSET', { currency: 'EUR' }),
      accountOf('CAPITAL', 'EQUITY'),
    ]),
  );
  await bench.post([
    bench.move('o-0', 'OWN-CASH-EUR', 'CAPITAL', 400_000, { kind: 'OPENING_BALANCE' }),
    bench.move('o-1', 'NOSTRO-EUR', 'MIGRATION', 1_000_000, { kind: 'OPENING_BALANCE' }),
    bench.move('o-2', 'MIGRATION', 'A-CASH', 700_000, { kind: 'OPENING_BALANCE' }),
    bench.move('o-3', 'MIGRATION', 'B-CASH', 300_000, { kind: 'OPENING_BALANCE' }),
    shares('o-4', 'DEPOT-T2S', 'MIGRATION', 1_000, { kind: 'OPENING_BALANCE' }),
    shares('o-5', 'MIGRATION', 'A-SAFE', 600, { kind: 'OPENING_BALANCE' }),
    shares('o-6', 'MIGRATION', 'B-SAFE', 400, { kind: 'OPENING_BALANCE' }),
  ]);
});
afterAll(() => bench.drop());

const shares = (key: string, debit: string, credit: string, units: number, more: object = {}) =>
  bench.move(key, debit, credit, 0, { postings: transferOf(debit, credit, isin, String(units)), ...more });
const payment = (id: string, units: number, more: object = {}) =>
  bench.move(id, 'A-CASH', 'NOSTRO-EUR', units, { kind: 'PAYMENT', subject: { kind: 'PAYMENT', id }, ...more });
const stated = (number: number, date: string, more: Partial<AccountStated>): AccountStated => ({
  statementId: `stm_${more.account ?? 'NOSTRO-EUR'}_${number}`,
  account: 'NOSTRO-EUR',
  book: 'NGEU',
  kind: 'MONEY',
  number,
  statementDate: date,
  part: 1,
  parts: 1,
  balances: [],
  entries: [],
  rates: [],
  ...more,
});
const keep = (...some: AccountStated[]) =>
  bench.run(async (tx) => {
    for (const one of some) await feature.statements.keep(tx, one);
  });
const calculate = (date = day) => bench.run((tx) => feature.clientAssets.calculate(tx, 'NGEU', date, 'test'));
const all = async <T>(sql: string) => (await bench.database.pool('owner').query(sql)).rows as T[];
const lines = (calculationId: string) =>
  all(
    `SELECT asset, requirement_units AS required, resource_units AS resource, difference_units AS difference, cause, worth_minor AS worth
       FROM accounting.client_asset_line WHERE calculation_id = '${calculationId}' ORDER BY pool`,
  );
const items = (calculationId: string) =>
  all<{ said: string }>(
    `SELECT concat_ws(' ', kind, reference, units) AS said FROM accounting.client_asset_item WHERE calculation_id = '${calculationId}' ORDER BY n`,
  ).then((rows) => rows.map(({ said }) => said));
const balances = async () =>
  Object.fromEntries(
    (
      await all<{ number: string; units: string }>(
        `SELECT l.number, b.posted_debit - b.posted_credit AS units FROM accounting.balance_now b JOIN accounting.ledger_account l USING (ledger_account_id)
          WHERE l.number IN ('OWN-CASH-EUR','COVER-EUR')`,
      )
    ).map(({ number, units }) => [number, units]),
  );
const open = () =>
  all(`SELECT f.asset, f.units, f.cause, w.state FROM accounting.shortfall f JOIN accounting.work_item w ON w.key = 'shortfall:' || f.shortfall_id
        WHERE f.state = 'OPEN' ORDER BY f.asset`);

describe('client assets of a book', () => {
  it('stand by what their places were opened with and all that was booked, until those are stated', async () => {
    await bench.post([payment('pay_0', 1_000)]);
    const { calculationId, version, shortfalls } = await calculate();
    expect([version, shortfalls]).toEqual([1, 0]);
    expect(await lines(calculationId)).toEqual([
      { asset: isin, required: '1000', resource: '1000', difference: '0', cause: null, worth: null },
      { asset: 'EUR', required: '999000', resource: '999000', difference: '0', cause: null, worth: null },
    ]);
    expect(await items(calculationId)).toEqual(['BOOKED_WITHOUT_STATEMENT -1000']);
  });

  it('use a statement once all of it has come, and name what stands between it and our books', async () => {
    await bench.post([payment('pay_1', 10_000), payment('pay_2', 20_000)]);
    const first = stated(1, day, {
      parts: 2,
      balances: [{ asset: 'EUR', units: '1077500' }],
      entries: [
        { n: 1, asset: 'EUR', units: '-1000', reference: 'pay_0' },
        { n: 2, asset: 'EUR', units: '-20000', reference: 'pay_1' },
        { n: 3, asset: 'EUR', units: '-1500', code: 'PMNT/MCOP/CHRG' },
      ],
    });
    const price = { amount: '10.5', factor: '1', currency: 'EUR', date: day };
    const depot = { account: 'DEPOT-T2S', kind: 'CUSTODY' as const, balances: [{ asset: isin, units: '700', price }] };
    await keep(first, stated(1, day, depot));
    expect((await items((await calculate()).calculationId)).filter((said) => !said.startsWith('MISSING'))).toEqual([
      'BOOKED_WITHOUT_STATEMENT -31000',
    ]);
    await keep({ ...first, part: 2, balances: [], entries: [{ n: 4, asset: 'EUR', units: '100000' }] });
    const { calculationId, version, shortfalls } = await calculate();
    expect([version, shortfalls]).toEqual([3, 2]);
    // 10,000.00 less what was paid is what clients have; the agent took 100.00 and 15.00 more, and has 1,000.00 of somebody.
    expect(await lines(calculationId)).toEqual([
      {
        asset: isin,
        required: '1000',
        resource: '700',
        difference: '-300',
        cause: 'MISSING_AT_DEPOT',
        worth: '315000',
      },
      {
        asset: 'EUR',
        required: '969000',
        resource: '957500',
        difference: '-11500',
        cause: 'DEBITED_TWICE',
        worth: '11500',
      },
    ]);
    expect(await items(calculationId)).toEqual([
      'MISSING_AT_DEPOT 300',
      'DEBITED_TWICE pay_1 10000',
      'UNDER_WAY pay_2 -20000',
      'CHARGED_BY_AGENT stm_NOSTRO-EUR_1#3 1500',
      'UNIDENTIFIED_RECEIPT stm_NOSTRO-EUR_1#4 -100000',
    ]);
    expect(await open()).toEqual([
      { asset: isin, units: '300', cause: 'MISSING_AT_DEPOT', state: 'OPEN' },
      { asset: 'EUR', units: '11500', cause: 'DEBITED_TWICE', state: 'OPEN' },
    ]);
    expect(
      await all(
        `SELECT DISTINCT category, owner_team, (due_at AT TIME ZONE 'Europe/Berlin')::text AS due FROM accounting.work_item WHERE kind = 'CLIENT_ASSET_SHORTFALL'`,
      ),
    ).toEqual([{ category: 'SHORTFALL', owner_team: 'controllers', due: '2026-11-25 23:59:00' }]);
  });

  it('calculated again are a version more and no shortfall more', async () => {
    expect(await calculate()).toMatchObject({ version: 4, shortfalls: 2 });
    expect(await open()).toHaveLength(2);
    expect(await all(`SELECT count(*)::int AS n FROM accounting.shortfall`)).toEqual([{ n: 2 }]);
  });

  it('are covered by two people with own money of the firm, and stay open', async () => {
    const found = await bench.run((tx) => feature.shortfalls.open(tx, 'NGEU'));
    const idOf = (asset: string) => found.find((one) => one.asset === asset)?.shortfallId ?? '';
    const propose = (shortfallId: string, amount: string, more: object = {}) =>
      bench.run((tx) =>
        feature.covers.propose(tx, { shortfallId, amount, reason: 'until it is put right', ...more }, 'carla'),
      );
    const codes = async (...asked: Parameters<typeof propose>) =>
      (await propose(...asked)).problems.map(({ code, path }) => `${code} ${path.join('.')}`);
    expect(await codes('sho_none', '1')).toEqual(['NOT_FOUND shortfallId']);
    expect(await codes(idOf('EUR'), '1.234')).toEqual(['EXCESS_SCALE amount']);
    expect(await codes(idOf('EUR'), '114.99', { fromAccount: 'A-CASH' })).toEqual([
      'COVER_NOT_ENOUGH amount',
      'NOT_OWN_MONEY fromAccount',
    ]);
    expect(await codes(idOf(isin), '4000.01')).toEqual(['OWN_MONEY_NOT_ENOUGH amount']);
    const decide = async (approvalId: string, by: string, payloadHash?: string) => {
      await bench.run(async (tx) => {
        const [row] = await tx.rows<{ hash: string }>(
          'SELECT payload_hash AS hash FROM accounting.shortfall_cover WHERE approval_id = $1',
          [approvalId],
        );
        await feature.covers.decided(tx, {
          approvalId,
          outcome: 'APPROVED',
          payloadHash: payloadHash ?? row?.hash,
          decidedBy: by,
          reason: 'seen',
        } as never);
      });
      const [row] = await all<{ state: string; refusal_code: string | null }>(
        `SELECT state, refusal_code FROM accounting.shortfall_cover WHERE approval_id = '${approvalId}'`,
      );
      return [row?.state, row?.refusal_code];
    };
    const own = (await propose(idOf('EUR'), '115')).cover;
    expect(await codes(idOf('EUR'), '115')).toEqual(['COVER_PENDING shortfallId']);
    expect(await decide(own?.approvalId ?? '', 'carla')).toEqual(['REFUSED', 'SECOND_PERSON_NEEDED']);
    const other = (await propose(idOf('EUR'), '115')).cover;
    expect(await decide(other?.approvalId ?? '', 'otto', '0'.repeat(64))).toEqual(['STALE', null]);
    for (const [asset, amount] of [
      ['EUR', '115'],
      [isin, '3150.00'],
    ] as const) {
      const { cover, problems } = await propose(idOf(asset), amount);
      expect(problems).toEqual([]);
      expect(await decide(cover?.approvalId ?? '', 'otto')).toEqual(['BOOKED', null]);
      // What was decided stays decided, however often it is told.
      expect(await decide(cover?.approvalId ?? '', 'otto')).toEqual(['BOOKED', null]);
      expect(await codes(idOf(asset), amount)).toContain('ALREADY_COVERED shortfallId');
    }
    expect(await balances()).toEqual({ 'COVER-EUR': '326500', 'OWN-CASH-EUR': '73500' });
    expect(await calculate()).toMatchObject({ shortfalls: 2 });
    expect(await open()).toHaveLength(2);
    expect(
      await all(
        `SELECT payload->>'kind' AS kind, count(*)::int AS n FROM messaging.message WHERE name = 'compliance.request-approval.v1' GROUP BY 1`,
      ),
    ).toEqual([{ kind: 'SHORTFALL_COVER', n: 4 }]);
  });

  it('a client who owes makes up for nobody, and what waits in suspense is required', async () => {
    await bench.post([
      shares('s-1', 'B-SAFE', 'A-SAFE', 450, { forced: { reason: 'confirmed' } }),
      shares('s-2', 'A-SAFE', 'SUSPENSE', 10),
    ]);
    const { calculationId } = await calculate();
    expect((await lines(calculationId))[0]).toMatchObject({ required: '1050', resource: '700', difference: '-350' });
    expect((await items(calculationId)).slice(0, 2)).toEqual(['MISSING_AT_DEPOT 300', 'CLIENT_OWES 50']);
    await bench.post([shares('s-3', 'A-SAFE', 'B-SAFE', 450), shares('s-4', 'SUSPENSE', 'A-SAFE', 10)]);
    await calculate();
  });

  it('are cured by what the next statements have, and what is under way to them is named', async () => {
    await bench.run(async (tx) => {
      await tx.execute(`UPDATE accounting.business_day SET state = 'CLOSED' WHERE business_date = $1`, [day]);
      await tx.execute(
        `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ('NGEU', $1, 'OPEN', '2026-11-27')`,
        [next],
      );
    });
    const on = { businessDate: next, valueDate: next };
    const delivered = { ...on, kind: 'FREE_DELIVERY', subject: { kind: 'INSTRUCTION', id: 'ins_1' } };
    const booked = await bench.post([
      // The fee is the firm's, and is still out of what is the clients'.
      bench.move('fee', 'FEES', 'NOSTRO-EUR', 1_500, on),
      payment('pay_3', 2_000, { ...on, valueDate: '2026-11-27' }),
      shares('d-1', 'B-SAFE', 'DEPOT-T2S', 40, { ...delivered, valueDate: '2026-11-27' }),
    ]);
    expect(booked.map(({ outcome }) => outcome)).toEqual(['POSTED', 'POSTED', 'POSTED']);
    await keep(
      stated(2, next, {
        balances: [{ asset: 'EUR', units: '1067500' }],
        entries: [
          { n: 1, asset: 'EUR', units: '10000', reference: 'pay_1' },
          { n: 2, asset: 'EUR', units: '-20000', reference: 'pay_2' },
        ],
      }),
      stated(2, next, { account: 'DEPOT-T2S', kind: 'CUSTODY', balances: [{ asset: isin, units: '1000' }] }),
    );
    const { calculationId } = await calculate(next);
    expect(await items(calculationId)).toEqual([
      'BOOKED_AFTER_STATEMENT ins_1 -40',
      'BOOKED_AFTER_STATEMENT pay_3 -2000',
      'UNIDENTIFIED_RECEIPT stm_NOSTRO-EUR_1#4 -100000',
      'USED_BY_FIRM 1500',
    ]);
    expect(await open()).toEqual([{ asset: 'EUR', units: '1500', cause: 'USED_BY_FIRM', state: 'OPEN' }]);
    // What was set aside for the shares is the firm's again.
    expect(await balances()).toEqual({ 'COVER-EUR': '11500', 'OWN-CASH-EUR': '388500' });
    expect(await all(`SELECT state, count(*)::int AS n FROM accounting.shortfall_cover GROUP BY 1 ORDER BY 1`)).toEqual(
      [
        { state: 'BOOKED', n: 1 },
        { state: 'REFUSED', n: 1 },
        { state: 'RELEASED', n: 1 },
        { state: 'STALE', n: 1 },
      ],
    );
    expect(await all(`SELECT asset, cured_on::text AS cured FROM accounting.shortfall WHERE state = 'CURED'`)).toEqual([
      { asset: isin, cured: next },
    ]);
    expect(
      await all(`SELECT reference, state FROM accounting.work_item WHERE kind = 'CLIENT_ASSET_SHORTFALL' ORDER BY 1`),
    ).toEqual([
      { reference: isin, state: 'CLOSED' },
      { reference: 'EUR', state: 'OPEN' },
    ]);
  });

  it('stay as they were found on any date, down to each client, and the stock record tells where it lies', async () => {
    const views = new ClientAssetViewsRepository();
    const [latest] = await bench.run((tx) => views.calculations(tx, { book: 'NGEU', businessDate: day }, null, 1));
    expect(latest).toMatchObject({ businessDate: day, shortfallCount: 2, lineCount: 2 });
    const clients = (date: string) =>
      bench.run((tx) => views.entitlements(tx, { book: 'NGEU', businessDate: date, asset: isin }, null, 10));
    expect((await clients(day)).map(({ account, units }) => `${account} ${units}`)).toEqual([
      'A-SAFE 600',
      'B-SAFE 400',
    ]);
    expect((await clients(next)).map(({ account, units }) => `${account} ${units}`)).toEqual([
      'A-SAFE 600',
      'B-SAFE 360',
    ]);
    const stock = await bench.run((tx) =>
      views.stockRecord(tx, { book: 'NGEU', businessDate: next, instrument: null }, null, 10),
    );
    expect(stock.map(({ location, longUnits, shortUnits }) => [location, longUnits, shortUnits])).toEqual([
      ['CLIENT_CUSTODY', '0', '960'],
      ['DEPOT-T2S', '960', '0'],
      ['MIGRATION', '0', '0'],
      ['SUSPENSE', '0', '0'],
    ]);
  });

  it('that cannot be calculated hold up no date: somebody has it to do', async () => {
    const broken = new ClientAssets(
      { lock: () => Promise.resolve(), positions: () => Promise.reject(new Error('out of reach')) } as never,
      feature.shortfalls,
      bench.workItems,
      bench.audit,
      feature.covers,
    );
    await bench.run((tx) => broken.calculateBeside(tx, 'NGEU', next, 'test'));
    expect(
      await all(
        `SELECT reason_code, next_action FROM accounting.work_item WHERE kind = 'CLIENT_ASSETS_NOT_CALCULATED'`,
      ),
    ).toEqual([
      {
        reason_code: 'CALCULATION_FAILED',
        next_action: 'Calculate the client assets of 2026-11-26 again: out of reach',
      },
    ]);
  });
});

describe('the tables of client assets', () => {
  const attack = (...statements: string[]) =>
    bench.run(async (tx) => {
      for (const sql of statements) await tx.execute(sql);
    });
  const calculation = `INSERT INTO accounting.client_asset_calculation (calculation_id, book_id, business_date, version, functional_currency) VALUES ('cac_x', 'NGEU', '${next}', 99, 'EUR')`;
  const line = (resource: number, cause = 'NULL') =>
    `INSERT INTO accounting.client_asset_line (calculation_id, book_id, pool, asset, entitled_units, owed_units, unallocated_units, own_units, client_count, resource_units, cause)
     VALUES ('cac_x', 'NGEU', 'MONEY', 'USD', 10, 0, 0, 0, 1, ${resource}, ${cause})`;
  const source = (units: number) =>
    `INSERT INTO accounting.client_asset_source (calculation_id, book_id, pool, asset, account, stated_units, booked_units) VALUES ('cac_x', 'NGEU', 'MONEY', 'USD', 'N', ${units}, ${units})`;

  it.each<[string, string[], RegExp]>([
    ['a line changed', [`UPDATE accounting.client_asset_line SET resource_units = 1`], /permission denied/],
    ['a statement taken away', [`DELETE FROM accounting.agent_balance`], /permission denied/],
    [
      'a resource that no statement makes',
      [calculation, line(10), source(9)],
      /the resource of USD in NGEU is 10.*make 9/,
    ],
    ['a lack without a cause', [calculation, line(9)], /a_shortfall_has_a_cause/],
    [
      'a lack without an open shortfall',
      [calculation, line(9, `'NOT_BOOKED'`), source(9)],
      /1 of USD are missing.*says 0/,
    ],
    [
      'a shortfall twice',
      [
        `INSERT INTO accounting.shortfall (shortfall_id, book_id, pool, asset, opened_on, units, cause, functional_currency, last_calculation_id)
         SELECT 'sho_x', book_id, pool, asset, opened_on, units, cause, functional_currency, last_calculation_id FROM accounting.shortfall WHERE state = 'OPEN'`,
      ],
      /shortfall_open/,
    ],
    [
      'a shortfall ended that the calculation still finds',
      [`UPDATE accounting.shortfall SET state = 'CURED', cured_on = '${next}' WHERE state = 'OPEN'`],
      /does not cure/,
    ],
    [
      'a cured shortfall opened again',
      [`UPDATE accounting.shortfall SET state = 'OPEN', cured_on = NULL WHERE state = 'CURED'`],
      /is cured and stays/,
    ],
    [
      'a cover that no entry made',
      [
        `INSERT INTO accounting.shortfall_cover (approval_id, shortfall_id, book_id, currency, amount_minor, from_account, cover_account, reason, payload_hash, requested_by, expires_at)
         SELECT 'apr_x', shortfall_id, book_id, 'EUR', 1, 'A', 'B', 'x', repeat('0', 64), 'x', kernel.now() FROM accounting.shortfall WHERE state = 'OPEN'`,
        `UPDATE accounting.shortfall_cover SET state = 'BOOKED', decided_by = 'y', entry_id = (SELECT min(entry_id) FROM accounting.journal_entry) WHERE approval_id = 'apr_x'`,
      ],
      /does not cover 1 EUR/,
    ],
    [
      'a cover by one person',
      [
        `INSERT INTO accounting.shortfall_cover (approval_id, shortfall_id, book_id, currency, amount_minor, from_account, cover_account, reason, payload_hash, requested_by, expires_at, state, decided_by, entry_id)
         SELECT 'apr_x', shortfall_id, book_id, 'EUR', 1, 'A', 'B', 'x', repeat('0', 64), 'x', kernel.now(), 'BOOKED', 'x', (SELECT min(entry_id) FROM accounting.journal_entry)
           FROM accounting.shortfall WHERE state = 'OPEN'`,
      ],
      /two_people/,
    ],
    [
      'a cover taken back while something is missing',
      [`UPDATE accounting.shortfall_cover SET state = 'RELEASED', release_entry_id = entry_id WHERE state = 'BOOKED'`],
      /once its shortfall is cured/,
    ],
    [
      'a statement that skips a number',
      [
        `INSERT INTO accounting.agent_statement (statement_id, book_id, account, kind, number, statement_date, parts) VALUES ('stm_x', 'NGEU', 'NOSTRO-EUR', 'MONEY', 4, '${next}', 1)`,
      ],
      /statement 4 of NOSTRO-EUR .* does not follow statement 2/,
    ],
    [
      'a statement of an earlier date',
      [
        `INSERT INTO accounting.agent_statement (statement_id, book_id, account, kind, number, statement_date, parts) VALUES ('stm_x', 'NGEU', 'NOSTRO-EUR', 'MONEY', 3, '${day}', 1)`,
      ],
      /statement 3 of NOSTRO-EUR/,
    ],
  ])('take no %s', async (_name, statements, expected) => {
    await expect(attack(...statements)).rejects.toThrow(expected);
  });
});
