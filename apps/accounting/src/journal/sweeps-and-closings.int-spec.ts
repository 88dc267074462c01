import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { accountingInvariants } from '../accounting.invariants.js';
import { accountOf, type Bench, createBench, day } from '../testing/bench.js';
import { type PostingItem, type PostingResult, transferOf } from './posting.js';

let bench: Bench;
beforeAll(async () => {
  bench = await createBench();
  await bench.run((tx) => bench.accounts.open(tx, [accountOf('E-CASH', 'CLIENT_CASH')]));
  await bench.post([deposit('start-a', 'A-CASH', 100), deposit('start-b', 'B-CASH', 40)]);
});
afterAll(async () => {
  const verify = bench.database.pool('verify');
  for (const one of accountingInvariants) {
    const { broken } = await one.check(async (sql, parameters) => (await verify.query(sql, parameters)).rows as never);
    expect({ number: one.number, broken }).toEqual({ number: one.number, broken: [] });
  }
  await bench.drop();
});

const deposit = (key: string, account: string, units: number) =>
  bench.move(key, 'NOSTRO-EUR', account, units, { kind: 'DEPOSIT' });
const sweep = (key: string, from: string, to: string, units: number | bigint, upTo: string, more = {}) =>
  bench.move(key, from, to, units, { upTo, ...more });
const place = (key: string, units: number, more: object = {}): PostingItem => ({
  op: 'HOLD',
  key,
  book: 'NGEU',
  hold: {
    debitAccount: 'A-CASH',
    creditAccount: 'SUSPENSE',
    asset: 'EUR',
    units: String(units),
    expiresAt: '2026-12-31T00:00:00Z',
    reason: 'card',
  },
  ...more,
});
const holdIdOf = (key: string) => `hld_${createHash('sha256').update(`NGEU\u001f${key}`).digest('hex').slice(0, 32)}`;
const release = (key: string, holdId: string, more: object = {}): PostingItem => ({
  op: 'RELEASE',
  key,
  book: 'NGEU',
  hold: { holdId },
  ...more,
});
const capture = (key: string, holdId: string, units: number, more: object = {}): PostingItem => ({
  op: 'CAPTURE',
  key,
  book: 'NGEU',
  kind: 'WITHDRAWAL',
  businessDate: day,
  valueDate: day,
  description: 'card',
  subject: { kind: 'HOLD', id: holdId },
  hold: { holdId, units: String(units), final: false },
  ...more,
});
const close = (key: string, account: string, more: object = {}): PostingItem => ({
  op: 'CLOSE',
  key,
  book: 'NGEU',
  close: { account, empty: true },
  ...more,
});
const reopen = (key: string, account: string): PostingItem => ({
  op: 'REOPEN',
  key,
  book: 'NGEU',
  close: { account },
});
const told = (results: readonly PostingResult[]) =>
  results.map(({ outcome, code, units, replayed }) => [code ?? outcome, units, replayed]);
const available = async (number: string) =>
  (await bench.run((tx) => bench.accounts.balances(tx, { book: 'NGEU', account: number, asset: 'EUR' }, 1)))[0]
    ?.available;
const count = async (table: string) =>
  Number((await bench.run((tx) => tx.row<{ n: string }>(`SELECT count(*) AS n FROM accounting.${table}`)))?.n);

describe('a sweep', () => {
  it('takes what is there and no more, says how much, and says the same again', async () => {
    const items = [
      sweep('s-1', 'A-CASH', 'B-CASH', 30, 'DEBIT'),
      sweep('s-2', 'A-CASH', 'B-CASH', 2n ** 128n - 1n, 'DEBIT'),
      sweep('s-3', 'A-CASH', 'B-CASH', 1, 'DEBIT'),
    ];
    const entries = await count('journal_entry');
    const results = await bench.post(items);
    expect(told(results)).toEqual([
      ['POSTED', '30', false],
      ['POSTED', '70', false],
      ['POSTED', '0', false],
    ]);
    expect(results.map(({ id }) => id !== undefined)).toEqual([true, true, false]);
    expect(await count('journal_entry')).toBe(entries + 2);
    expect([await available('A-CASH'), await available('B-CASH')]).toEqual(['0', '140']);
    expect(told(await bench.post([...items, sweep('s-2', 'A-CASH', 'B-CASH', 71, 'DEBIT')]))).toEqual([
      ['POSTED', '30', true],
      ['POSTED', '70', true],
      ['POSTED', '0', true],
      ['IDEMPOTENCY_KEY_REUSED', undefined, false],
    ]);
    expect(await count('journal_entry')).toBe(entries + 2);
  });

  it('goes by what the credited account owes, and leaves to the limits what they forbid', async () => {
    const owed = await bench.one(bench.move('s-4', 'SUSPENSE', 'B-CASH', 25));
    expect(owed.outcome).toBe('POSTED');
    expect(
      told(
        await bench.post([
          sweep('s-5', 'A-CASH', 'SUSPENSE', 100, 'CREDIT'),
          sweep('s-6', 'B-CASH', 'SUSPENSE', 100, 'CREDIT'),
          sweep('s-7', 'B-CASH', 'SUSPENSE', 100, 'BOTH'),
        ]),
      ),
    ).toEqual([
      ['INSUFFICIENT_FUNDS', undefined, false],
      ['POSTED', '25', false],
      ['POSTED', '0', false],
    ]);
  });

  it('may be a hold, and leaves out what others hold', async () => {
    await bench.post([deposit('s-8', 'A-CASH', 50), place('s-9', 20)]);
    const results = await bench.post([place('s-10', 500, { upTo: 'DEBIT' }), place('s-11', 500, { upTo: 'DEBIT' })]);
    expect(told(results)).toEqual([
      ['POSTED', '30', false],
      ['POSTED', '0', false],
    ]);
    expect(await available('A-CASH')).toBe('0');
    await bench.post([release('s-12', holdIdOf('s-9')), release('s-13', results[0]!.id!)]);
    expect(await available('A-CASH')).toBe('50');
  });

  it('of a refused group has not been', async () => {
    const results = await bench.post([
      sweep('s-14', 'A-CASH', 'B-CASH', 999, 'DEBIT', { group: 'g' }),
      bench.move('s-15', 'A-CASH', 'B-CASH', 1, { group: 'g' }),
    ]);
    expect(told(results)).toEqual([
      ['LINKED_ITEM_REFUSED', undefined, false],
      ['INSUFFICIENT_FUNDS', undefined, false],
    ]);
    expect(await available('A-CASH')).toBe('50');
  });

  it.each([
    ['forced', { forced: { reason: 'fact' } }],
    ['of a direction that is none', { upTo: 'UP' }],
    [
      'within one account',
      {
        postings: [
          { account: 'A-CASH', asset: 'EUR', side: 'DEBIT', units: '1' },
          { account: 'A-CASH', asset: 'EUR', side: 'CREDIT', units: '1' },
        ],
      },
    ],
    ['without a kind', { kind: '' }],
  ])('cannot be %s', async (what, more) => {
    const result = await bench.one(sweep(`bad-${what}`, 'A-CASH', 'B-CASH', 1, 'DEBIT', more));
    expect(result).toMatchObject({ code: 'MALFORMED_ITEM' });
  });

  it('cannot be written by the service, nor changed by its owner', async () => {
    const insert = `INSERT INTO accounting.sweep (book_id, key, asked_units, moved_units) VALUES ('NGEU', 's-8', 5, 0)`;
    await expect(bench.run((tx) => tx.execute(insert))).rejects.toThrow(/permission denied/);
    const owner = bench.database.pool('owner');
    await expect(
      owner.query(`SELECT set_config('app.books', '*', false); UPDATE accounting.sweep SET moved_units = 1`),
    ).rejects.toThrow(/not allowed/);
    await expect(
      owner.query(
        insert.replace('5, 0', '5, 6').replace('INSERT', `SELECT set_config('app.books', '*', false); INSERT`),
      ),
    ).rejects.toThrow(/sweep_check|violates check/);
  });
});

describe('a hold and its end in one batch', () => {
  it('is placed, captured and released in order, and not before it is there', async () => {
    const before = await available('A-CASH');
    const id = holdIdOf('b-2');
    expect(
      told(
        await bench.post([
          release('b-1', id),
          place('b-2', 10),
          capture('b-3', id, 4),
          capture('b-4', id, 7),
          release('b-5', id),
          capture('b-6', id, 1),
        ]),
      ).map(([code]) => code),
    ).toEqual(['HOLD_NOT_FOUND', 'POSTED', 'POSTED', 'HOLD_EXCEEDED', 'POSTED', 'HOLD_CLOSED']);
    expect(BigInt((await available('A-CASH'))!)).toBe(BigInt(before!) - 4n);
  });

  it('of a refused group is not there for whoever comes next', async () => {
    const id = holdIdOf('b-7');
    expect(
      told(
        await bench.post([
          place('b-7', 10, { group: 'g' }),
          bench.move('b-8', 'A-CASH', 'B-CASH', 1_000_000, { group: 'g' }),
          capture('b-9', id, 1),
        ]),
      ).map(([code]) => code),
    ).toEqual(['LINKED_ITEM_REFUSED', 'INSUFFICIENT_FUNDS', 'HOLD_NOT_FOUND']);
  });
});

describe('closing', () => {
  it('needs the account to be empty: swept and closed, all or nothing', async () => {
    const swept = (key: string) => [
      sweep(`${key}-1`, 'A-CASH', 'B-CASH', 2n ** 128n - 1n, 'DEBIT', { group: key }),
      close(`${key}-2`, 'A-CASH', { group: key }),
    ];
    expect(told([await bench.one(close('c-0', 'A-CASH'))])[0]?.[0]).toBe('ACCOUNT_NOT_EMPTY');
    await bench.post([place('c-1', 1)]);
    expect(told(await bench.post(swept('c-2'))).map(([code]) => code)).toEqual([
      'LINKED_ITEM_REFUSED',
      'ACCOUNT_NOT_EMPTY',
    ]);
    await bench.post([release('c-3', holdIdOf('c-1'))]);
    const before = BigInt((await available('A-CASH'))!);
    const results = await bench.post([
      ...swept('c-4'),
      deposit('c-5', 'A-CASH', 1),
      bench.move('c-6', 'B-CASH', 'FEES', 1),
      place('c-7', 1),
    ]);
    expect(told(results).map(([code, units]) => [code, units])).toEqual([
      ['POSTED', String(before)],
      ['POSTED', undefined],
      ['ACCOUNT_CLOSED', undefined],
      ['POSTED', undefined],
      ['ACCOUNT_CLOSED', undefined],
    ]);
    expect(told(await bench.post(swept('c-4'))).map(([, , replayed]) => replayed)).toEqual([true, true]);
    expect(await bench.one(deposit('c-8', 'A-CASH', 1))).toMatchObject({ code: 'ACCOUNT_CLOSED', account: 'A-CASH' });
    const state = () =>
      bench.run((tx) => tx.row(`SELECT state FROM accounting.account WHERE book_id = 'NGEU' AND number = 'A-CASH'`));
    expect(await state()).toEqual({ state: 'CLOSED' });
    expect(told(await bench.post([reopen('c-9', 'A-CASH'), deposit('c-10', 'A-CASH', 60)])).map(([c]) => c)).toEqual([
      'POSTED',
      'POSTED',
    ]);
    expect(await state()).toEqual({ state: 'OPEN' });
  });

  it('stops captures and lets releases through', async () => {
    await bench.post([place('c-11', 9), close('c-12', 'A-CASH', { close: { account: 'A-CASH', empty: false } })]);
    expect(
      told(
        await bench.post([
          capture('c-13', holdIdOf('c-11'), 1),
          release('c-14', holdIdOf('c-11')),
          reopen('c-15', 'A-CASH'),
        ]),
      ).map(([code]) => code),
    ).toEqual(['ACCOUNT_CLOSED', 'POSTED', 'POSTED']);
  });

  it('of a number that holds nothing yet, or of none', async () => {
    expect(told(await bench.post([close('c-16', 'B-SAFE'), close('c-17', 'NOBODY')])).map(([code]) => code)).toEqual([
      'POSTED',
      'ACCOUNT_NOT_FOUND',
    ]);
  });

  it('once, and also of what the same batch has just opened', async () => {
    const results = await bench.post([
      bench.move('d-1', 'NOSTRO-USD', 'B-CASH', 7, { postings: transferOf('MIGRATION', 'E-CASH', 'USD', '7') }),
      close('d-2', 'E-CASH', { close: { account: 'E-CASH', empty: false } }),
      bench.move('d-3', 'NOSTRO-USD', 'B-CASH', 7, { postings: transferOf('MIGRATION', 'E-CASH', 'USD', '7') }),
      close('d-4', 'E-CASH'),
    ]);
    expect(told(results).map(([code]) => code)).toEqual(['POSTED', 'POSTED', 'ACCOUNT_CLOSED', 'ACCOUNT_CLOSED']);
    expect(await bench.one(close('d-5', 'E-CASH'))).toMatchObject({ code: 'ACCOUNT_CLOSED' });
    expect(told(await bench.post([reopen('d-6', 'E-CASH'), close('d-7', 'E-CASH')])).map(([code]) => code)).toEqual([
      'POSTED',
      'ACCOUNT_NOT_EMPTY',
    ]);
  });

  it('and booking at the same time leave nothing on a closed account', async () => {
    const calls = Array.from({ length: 8 }, (_, n) =>
      n === 4
        ? bench.post([
            sweep('c-18', 'A-CASH', 'B-CASH', 2n ** 100n, 'DEBIT', { group: 'end' }),
            close('c-19', 'A-CASH', { group: 'end' }),
          ])
        : bench.post([deposit(`c-20-${n}`, 'A-CASH', 5)]),
    );
    const results = await Promise.all(calls);
    expect(results[4]?.map(({ outcome }) => outcome)).toEqual(['POSTED', 'POSTED']);
    expect(await available('A-CASH')).toBe('0');
  });
});
