import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ChartsRepository } from '../chart/charts.repository.js';
import { type Bench, createBench, day } from '../testing/bench.js';
import { costCentre } from './dimensions.js';
import { DimensionsRepository, type DimensionValueRow } from './dimensions.repository.js';
import { Dimensions } from './dimensions.service.js';

let bench: Bench;
let dimensions: Dimensions;
const owner = async (sql: string, parameters: unknown[] = []) => {
  const client = await bench.database.pool('owner').connect();
  try {
    await client.query(`SELECT set_config('app.books', '*', false)`);
    return (await client.query(sql, parameters)).rows as unknown[];
  } finally {
    client.release();
  }
};
const set = (value: string, more: Partial<DimensionValueRow> = {}) =>
  bench.run((tx) =>
    dimensions.set(
      tx,
      {
        book: 'NGEU',
        dimension: costCentre,
        value,
        name: `Centre ${value}`,
        validFrom: '2026-01-01',
        validTo: null,
        ...more,
      },
      'person:controller',
    ),
  );
const codes = (problems: readonly { code: string }[]) => problems.map(({ code }) => code);
/** Cost of 5500 and 5600 out of the nostro; the first posting is told by the centre, the second by the other. */
const cost = (key: string, units: [number, number], centres: readonly (string | undefined)[]) =>
  bench.run(async (tx) => {
    const item = bench.move(key, '5500', 'NOSTRO-EUR', 1, {
      postings: [
        { account: '5500', asset: 'EUR', side: 'DEBIT', units: String(units[0]) },
        { account: '5600', asset: 'EUR', side: 'DEBIT', units: String(units[1]) },
        { account: 'NOSTRO-EUR', asset: 'EUR', side: 'CREDIT', units: String(units[0] + units[1]) },
      ],
    });
    const [result] = await bench.posting.post(tx, { items: [item], requestedBy: 'test' });
    const entryId = result?.id ?? '';
    await dimensions.keep(
      tx,
      'NGEU',
      centres.flatMap((value, n) => (value === undefined ? [] : [{ entryId, n: n + 1, dimension: costCentre, value }])),
    );
    return entryId;
  });
const shown = async (from = day, to = day) =>
  (await bench.run((tx) => dimensions.costByCentre(tx, { book: 'NGEU', from, to, dimension: costCentre }))).map(
    ({ code, units, centres, undistributedUnits }) =>
      `${code} ${units} = ${[...centres.map((one) => `${one.value} ${one.units}`), `rest ${undistributedUnits}`].join(' + ')}`,
  );

beforeAll(async () => {
  bench = await createBench();
  dimensions = new Dimensions(new DimensionsRepository(), bench.audit);
  await bench.run((tx) => new ChartsRepository().openDirect(tx, 'NGEU', ['5500', '5600']));
});
afterAll(async () => {
  await bench.drop();
});

describe('the cost of a book by its centres', () => {
  it('allows values from a date to a date', async () => {
    expect((await set('IT')).problems).toEqual([]);
    expect((await set('LEGAL', { validTo: '2026-12-31' })).problems).toEqual([]);
    expect((await set('OLD', { validTo: '2026-06-30' })).problems).toEqual([]);
    expect((await set('IT', { name: 'Technology' })).problems).toEqual([]);
    expect(codes((await set('IT', { validFrom: '2026-02-01' })).problems)).toEqual(['DIMENSION_VALUE_STAYS']);
    expect(codes((await set('NEW', { validTo: '2025-12-31' })).problems)).toEqual(['DATES_OUT_OF_ORDER']);
    expect(codes((await set('IT', { book: 'NGXX' })).problems)).toEqual(['BOOK_NOT_FOUND']);
    const asked = ['IT', 'OLD', 'NOWHERE'].map((value, n) => ({ dimension: costCentre, value, path: ['lines', n] }));
    const problems = await bench.run((tx) => dimensions.check(tx, 'NGEU', day, asked));
    expect(problems.map(({ code, path }) => [code, path])).toEqual([
      ['DIMENSION_VALUE_NOT_VALID', ['lines', 1]],
      ['DIMENSION_VALUE_NOT_FOUND', ['lines', 2]],
    ]);
  });

  it('ties to the accounts, what no centre has is shown, and a reversal takes from the centre that had it', async () => {
    await cost('one', [1000, 300], ['IT', 'LEGAL']);
    await cost('two', [500, 40], ['IT']);
    await cost('three', [7, 9], []);
    expect(await shown()).toEqual(['5500 1507 = IT 1500 + rest 7', '5600 349 = LEGAL 300 + rest 49']);
    const wrong = await cost('wrong', [60, 20], ['LEGAL', 'LEGAL']);
    const half = await cost('half', [60, 20], ['LEGAL', 'LEGAL']);
    const back = { kind: 'CORRECTION', op: 'REVERSAL', postings: undefined } as const;
    await bench.one(bench.move('back', '', '', 1, { ...back, reverses: wrong }));
    await bench.one(
      bench.move('half-back', '', '', 1, {
        ...back,
        reverses: half,
        part: [
          { n: 1, units: '50' },
          { n: 3, units: '50' },
        ],
      }),
    );
    expect(await shown()).toEqual(['5500 1517 = IT 1500 + LEGAL 10 + rest 7', '5600 369 = LEGAL 320 + rest 49']);
    expect(await shown('2026-11-01', '2026-11-24')).toEqual([]);
    expect(codes((await set('LEGAL', { validTo: '2026-11-24' })).problems)).toEqual(['DIMENSION_VALUE_IN_USE']);
  });

  it('is told with the entry or never, and by what the book allows: also for whoever writes SQL', async () => {
    const entry = await cost('later', [1, 1], []);
    const insert = `INSERT INTO accounting.posting_dimension (entry_id, n, book_id, dimension, value) VALUES ($1, 1, $2, 'COST_CENTRE', $3)`;
    await expect(owner(insert, [entry, 'NGEU', 'IT'])).rejects.toThrow('comes with the entry or never');
    await expect(owner(insert, [entry, 'NGUS', 'IT'])).rejects.toThrow('of no entry of its book');
    await expect(cost('ended', [1, 1], ['OLD'])).rejects.toThrow('is not used on');
    await expect(cost('unknown', [1, 1], ['NOWHERE'])).rejects.toThrow('is not used on');
    await expect(owner(`UPDATE accounting.posting_dimension SET value = 'LEGAL'`)).rejects.toThrow();
    await expect(owner(`DELETE FROM accounting.posting_dimension`)).rejects.toThrow();
    await expect(owner(`DELETE FROM accounting.dimension_value WHERE value = 'OLD'`)).rejects.toThrow('end it by');
    await expect(
      owner(`UPDATE accounting.dimension_value SET valid_to = '2026-11-24' WHERE value = 'IT'`),
    ).rejects.toThrow('is used after');
    await expect(bench.run((tx) => tx.execute(insert, [entry, 'NGEU', 'IT']))).rejects.toThrow('permission denied');
  });
});
