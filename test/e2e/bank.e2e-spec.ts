import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '#libs/testing/index.js';
import { type BankDatabase, type BankOutcome, Books, compare, playBank } from '../faults/bank.js';
import { built } from './built.js';

let test: TestDatabase;
let database: BankDatabase;
let bank: BankOutcome;
beforeAll(async () => {
  test = await createTestDatabase({ startsAt: '2026-11-25T09:00:00Z' });
  database = {
    owner: test.pool('owner'),
    urls: { accounting: test.urlFor('accounting'), queue: test.urlFor('queue'), verify: test.urlFor('verify') },
  };
  bank = await playBank(database, {
    seed: process.env.LEDGER_SEED ?? 'bank-1',
    callers: 10,
    pieces: 10,
    kills: 2,
    entry: built('apps/accounting/src/main.js'),
  });
}, 300_000);
afterAll(async () => {
  await test.drop();
});

describe('a bank whose ledger is killed in the thick of its work', () => {
  it('loses nothing that was acknowledged, books nothing twice, and stands where it must', () => {
    const { lost, doubled, wrong, broken, kills } = bank;
    expect({ lost, doubled, wrong, broken, kills }).toEqual({ lost: [], doubled: [], wrong: [], broken: 0, kills: 2 });
    expect(bank.unanswered).toBeGreaterThan(0);
    expect(bank.acknowledged).toBeGreaterThan(200);
    expect(bank.checked).toBeGreaterThan(300);
  });

  it('would be seen to lose an entry, to have one twice, and to stand elsewhere', async () => {
    const [first = '', ...others] = bank.books.entries;
    const books = new Books();
    books.entries.push(...others, 'ent_lost');
    for (const [account, units] of bank.books.moved) books.moved.set(account, units);
    books.moved.set('C1', (bank.books.moved.get('C1') ?? 0n) + 1n);
    const wrong: string[] = [];
    expect(await compare(database, books, wrong)).toEqual({ lost: ['ent_lost'], doubled: [first] });
    expect(wrong).toHaveLength(1);
    expect(wrong[0]).toMatch(/^C1 stands at/);
  });
});
