import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { accountingInvariants } from '../accounting.invariants.js';
import { type Bench, createBench, day, isin } from '../testing/bench.js';
import { type PostingItem, type PostingResult, transferOf } from './posting.js';

let bench: Bench;
let keys = 0;
const nextKey = () => `k-${(keys += 1)}`;
beforeAll(async () => {
  bench = await createBench();
  await bench.post([
    bench.move('cash', 'NOSTRO-EUR', 'A-CASH', 1_000_000, { kind: 'DEPOSIT' }),
    bench.move('shares', 'NOSTRO-EUR', 'A-SAFE', 0, { postings: transferOf('DEPOT-T2S', 'A-SAFE', isin, '1000') }),
  ]);
});
afterAll(async () => {
  const verify = bench.database.pool('verify');
  for (const one of accountingInvariants) {
    const { broken } = await one.check(async (sql, parameters) => (await verify.query(sql, parameters)).rows as never);
    expect({ number: one.number, broken }).toEqual({ number: one.number, broken: [] });
  }
  await bench.drop();
});

const reversal = (reverses: string, part?: Readonly<Record<number, number>>): PostingItem => ({
  op: 'REVERSAL',
  key: nextKey(),
  book: 'NGEU',
  kind: 'CORRECTION',
  businessDate: day,
  valueDate: day,
  description: 'x',
  subject: { kind: 'T', id: 't' },
  reverses,
  ...(part ? { part: Object.entries(part).map(([n, units]) => ({ n: Number(n), units: String(units) })) } : {}),
});
const booked = async (debit: string, credit: string, units: number) =>
  (await bench.one(bench.move(nextKey(), debit, credit, units))).id ?? '';
const codeOf = ({ code, outcome }: PostingResult) => code ?? outcome;
const answer = async (item: PostingItem) => codeOf(await bench.one(item));
const balance = async (number: string, asset = 'EUR') =>
  Number(
    (
      await bench.run((tx) =>
        tx.row<{ units: string }>(
          `SELECT posted_debit - posted_credit AS units FROM accounting.balance_now JOIN accounting.ledger_account l USING (ledger_account_id)
            WHERE l.number = $1 AND l.asset = $2`,
          [number, asset],
        ),
      )
    )?.units ?? 0,
  );

describe('a part of an entry is taken back', () => {
  it('bit by bit until nothing is left, on the accounts of the entry', async () => {
    const before = [await balance('A-CASH'), await balance('B-CASH')];
    const entry = await booked('A-CASH', 'B-CASH', 100);
    expect(await answer(reversal(entry, { 1: 40, 2: 40 }))).toBe('POSTED');
    expect([await balance('A-CASH'), await balance('B-CASH')]).toEqual([before[0]! + 60, before[1]! - 60]);
    expect(await answer(reversal(entry, { 1: 61, 2: 61 }))).toBe('REVERSAL_EXCEEDED');
    expect(await answer(reversal(entry))).toBe('REVERSAL_EXCEEDED');
    expect(await answer(reversal(entry, { 2: 60, 1: 60 }))).toBe('POSTED');
    expect([await balance('A-CASH'), await balance('B-CASH')]).toEqual(before);
    expect(await answer(reversal(entry, { 1: 1, 2: 1 }))).toBe('REVERSAL_EXCEEDED');
  });

  it('of a delivery against payment in its own proportion, and of cash alone', async () => {
    const [cash, shares] = [await balance('A-CASH'), await balance('A-SAFE', isin)];
    const { id = '' } = await bench.one(
      bench.move(nextKey(), '', '', 0, {
        postings: [
          ...transferOf('A-CASH', 'NOSTRO-EUR', 'EUR', '1000'),
          ...transferOf('DEPOT-T2S', 'A-SAFE', isin, '10'),
        ],
      }),
    );
    expect(await answer(reversal(id, { 1: 400, 2: 400, 3: 4, 4: 4 }))).toBe('POSTED');
    expect([await balance('A-CASH'), await balance('A-SAFE', isin)]).toEqual([cash + 600, shares - 6]);
    expect(await answer(reversal(id, { 1: 100, 2: 100 }))).toBe('POSTED');
    expect([await balance('A-CASH'), await balance('A-SAFE', isin)]).toEqual([cash + 500, shares - 6]);
    expect(await answer(reversal(id, { 1: 1, 2: 1, 3: 1 }))).toBe('NOT_BALANCED');
  });

  it('but not of what was reversed whole, nor of a reversal, whole or of a part', async () => {
    const entry = await booked('A-CASH', 'B-CASH', 10);
    const whole = (await bench.one(reversal(entry))).id ?? '';
    expect(await answer(reversal(entry, { 1: 1, 2: 1 }))).toBe('ALREADY_REVERSED');
    expect(await answer(reversal(whole, { 1: 1, 2: 1 }))).toBe('NOT_REVERSIBLE');
    const other = await booked('A-CASH', 'B-CASH', 10);
    const part = (await bench.one(reversal(other, { 1: 4, 2: 4 }))).id ?? '';
    expect(await answer(reversal(part))).toBe('NOT_REVERSIBLE');
    expect(await answer(reversal(part, { 1: 1, 2: 1 }))).toBe('NOT_REVERSIBLE');
  });

  it('in one batch no more than there is, and not again when its group falls', async () => {
    const entry = await booked('A-CASH', 'B-CASH', 100);
    const group = 'g';
    const results = await bench.post([
      { ...reversal(entry, { 1: 50, 2: 50 }), group },
      { ...bench.move(nextKey(), 'NOBODY', 'B-CASH', 1), group },
      reversal(entry, { 1: 60, 2: 60 }),
      reversal(entry, { 1: 50, 2: 50 }),
      reversal(entry, { 1: 40, 2: 40 }),
    ]);
    expect(results.map(codeOf)).toEqual([
      'LINKED_ITEM_REFUSED',
      'ACCOUNT_NOT_FOUND',
      'POSTED',
      'REVERSAL_EXCEEDED',
      'POSTED',
    ]);
  });

  it('by two at the same time no more than there is, also where no account is locked', async () => {
    const entry = await booked('SUSPENSE', 'FEES', 100);
    const codes = await Promise.all([1, 2, 3].map(() => answer(reversal(entry, { 1: 45, 2: 45 }))));
    expect(codes.sort()).toEqual(['POSTED', 'POSTED', 'REVERSAL_EXCEEDED']);
    const another = await booked('SUSPENSE', 'FEES', 100);
    const mixed = await Promise.all([answer(reversal(another, { 1: 1, 2: 1 })), answer(reversal(another))]);
    expect(mixed.filter((code) => code === 'POSTED')).toHaveLength(1);
  });

  it.each<[string, object, string]>([
    ['no part at all', { part: [] }, 'MALFORMED_ITEM'],
    [
      'one posting twice',
      {
        part: [
          { n: 1, units: '1' },
          { n: 1, units: '1' },
        ],
      },
      'MALFORMED_ITEM',
    ],
    ['half a posting', { part: [{ n: 1.5, units: '1' }] }, 'MALFORMED_ITEM'],
    ['half a unit', { part: [{ n: 1, units: '0.5' }] }, 'MALFORMED_ITEM'],
    [
      'nothing of a posting',
      {
        part: [
          { n: 1, units: '0' },
          { n: 2, units: '0' },
        ],
      },
      'AMOUNT_NOT_POSITIVE',
    ],
    [
      'a posting that is not there',
      {
        part: [
          { n: 1, units: '1' },
          { n: 3, units: '1' },
        ],
      },
      'REVERSAL_EXCEEDED',
    ],
    ['one side only', { part: [{ n: 1, units: '1' }] }, 'NOT_BALANCED'],
  ])('not as %s', async (_, more, code) => {
    const entry = await booked('A-CASH', 'B-CASH', 10);
    expect(await answer({ ...reversal(entry), ...more })).toBe(code);
  });

  it('whatever is asked, never more than was booked, and what stands is what was not taken back', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 8 }),
        async (units, parts) => {
          const before = await balance('B-CASH');
          const entry = await booked('A-CASH', 'B-CASH', units);
          let left = units;
          for (const part of parts) {
            const code = await answer(reversal(entry, { 1: part, 2: part }));
            expect(code).toBe(part > left ? 'REVERSAL_EXCEEDED' : 'POSTED');
            if (code === 'POSTED') left -= part;
          }
          expect(await balance('B-CASH')).toBe(before - left);
        },
      ),
      { numRuns: 15, seed: Number(process.env.PROPERTY_SEED ?? 20261202) },
    );
  });
});

describe('the tables keep the parts', () => {
  async function stoppedBy(sql: string, role: 'migrate' | 'accounting' = 'migrate'): Promise<string> {
    const client = await bench.database.pool(role).connect();
    try {
      await client.query(`BEGIN; SELECT set_config('app.books', '*', true)`);
      await client.query(sql);
      return 'let through';
    } catch (error) {
      return (error as Error).message;
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
  }
  let original = '';
  let correction = '';
  let reversed = '';
  let partly = '';
  beforeAll(async () => {
    original = await booked('A-CASH', 'B-CASH', 50);
    // An entry the other way round, that is no reversal yet.
    correction = await booked('B-CASH', 'A-CASH', 50);
    reversed = await booked('A-CASH', 'B-CASH', 50);
    await bench.post([reversal(reversed)]);
    partly = await booked('A-CASH', 'B-CASH', 50);
    await bench.post([reversal(partly, { 1: 30, 2: 30 })]);
  });
  const part = (entry: string, n: number, of: string, ofN: number, units = 50) =>
    `('${entry}', ${n}, 'NGEU', '${of}', ${ofN}, ${units})`;
  const insert = (...rows: string[]) =>
    `INSERT INTO accounting.reversal_part (entry_id, n, book_id, original_entry_id, original_n, units) VALUES ${rows.join(', ')}`;

  it('lets a whole one through, so that the attacks fail for their own reason', async () => {
    expect(await stoppedBy(insert(part(correction, 1, original, 2), part(correction, 2, original, 1)))).toBe(
      'let through',
    );
  });
  it.each<[string, () => string, RegExp]>([
    ['one side of an entry', () => insert(part(correction, 1, original, 2)), /does more than take back/],
    [
      'another amount than is posted',
      () => insert(part(correction, 1, original, 2, 49), part(correction, 2, original, 1, 49)),
      /does not take back what/,
    ],
    [
      'the wrong side',
      () => insert(part(correction, 1, original, 1), part(correction, 2, original, 2)),
      /does not take back what/,
    ],
    [
      'parts of two entries',
      () => insert(part(correction, 1, original, 2), part(correction, 2, reversed, 1)),
      /does more than take back|reversed whole/,
    ],
    [
      'what was reversed whole',
      () => insert(part(correction, 1, reversed, 2), part(correction, 2, reversed, 1)),
      /is a reversal, or was reversed whole/,
    ],
    [
      'more than is left',
      () => insert(part(correction, 1, partly, 2), part(correction, 2, partly, 1)),
      /more is taken back than is left/,
    ],
    ['a part that is changed', () => `UPDATE accounting.reversal_part SET units = 1`, /is not allowed/],
    ['a part that is thrown away', () => `DELETE FROM accounting.reversal_part`, /is not allowed/],
    [
      'what was reversed in part, reversed whole',
      () => `INSERT INTO accounting.journal_entry (entry_id, book_id, kind, business_date, value_date, booked_at, description, subject_kind, subject_id, idempotency_key, requested_by, posting_count, entry_hash, reverses_entry_id)
        VALUES ('x-1', 'NGEU', 'CORRECTION', '${day}', '${day}', now(), 'x', 'T', 't', 'x-1', 'x', 2, sha256('x'), '${partly}')`,
      /was reversed in part|lacks postings/,
    ],
  ])('%s', async (_, sql, reason) => {
    expect(await stoppedBy(sql())).toMatch(reason);
  });
  it('nobody else writes them', async () => {
    expect(await stoppedBy(insert(part(correction, 1, original, 2)), 'accounting')).toMatch(/permission denied/);
  });
});
