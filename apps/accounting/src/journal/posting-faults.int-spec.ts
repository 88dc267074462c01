import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { type Outbox } from '#libs/messaging/index.js';
import { accountingInvariants } from '../accounting.invariants.js';
import { bookPostings } from '../database/posting-engine.js';
import { type Bench, createBench } from '../testing/bench.js';
import { fold } from './fold.js';
import { PostingRulesRepository } from '../posting-rules/posting-rules.repository.js';
import { PostingRules } from '../posting-rules/posting-rules.service.js';
import { PostingProcessor } from './posting.processor.js';
import { type PostingItem } from './posting.js';
import { type PostingRule } from './posting.service.js';

let bench: Bench;
beforeAll(async () => {
  // Every refusal of the database is logged as an error: here they are the point.
  Logger.overrideLogger(false);
  bench = await createBench();
});
afterAll(async () => {
  await bench.drop();
});

/** The function as it would be with a fault in it. */
async function becomes(find: string, replace: string): Promise<void> {
  expect(bookPostings.split(find)).toHaveLength(2);
  await bench.database.pool('owner').query(bookPostings.replace(find, replace));
}
afterEach(async () => {
  bench.posting.rule = fold;
  await bench.database.pool('owner').query(bookPostings);
});

const standing = async (number: string) =>
  (await bench.run((tx) => bench.accounts.balances(tx, { book: 'NGEU' }, 1_000))).find(
    (row) => row.number === number && row.asset === 'EUR',
  );
const count = async (table: string) =>
  Number((await bench.run((tx) => tx.row<{ n: string }>(`SELECT count(*) AS n FROM accounting.${table}`)))?.n);
async function expectWhole(): Promise<void> {
  const verify = bench.database.pool('verify');
  for (const one of accountingInvariants) {
    const { broken } = await one.check(async (sql, parameters) => (await verify.query(sql, parameters)).rows as never);
    expect({ number: one.number, broken }).toEqual({ number: one.number, broken: [] });
  }
}

/** A rule that overlooks limits. */
const careless: PostingRule = (candidates, state) =>
  fold(candidates, { ...state, accounts: state.accounts.map((account) => ({ ...account, limit: 10n ** 30n })) });
/** A rule that takes everything for a fact. */
const credulous: PostingRule = (candidates, state) =>
  fold(
    candidates.map((one) => ({ ...one, item: { ...one.item, forced: { reason: 'fact' } } as PostingItem })),
    state,
  );
const huge = (2n ** 128n - 1n).toString();
const deposit = (key: string, units: bigint | number | string, more = {}) =>
  bench.move(key, 'NOSTRO-EUR', 'A-CASH', units as bigint, { kind: 'DEPOSIT', ...more });

describe('a rule of posting with a fault in it', () => {
  it('cannot overdraw an account: the CHECK stands behind the fold, for the guilty item alone', async () => {
    await bench.post([deposit('m-1', 100)]);
    bench.posting.rule = careless;
    const items = [
      bench.move('m-2', 'A-CASH', 'B-CASH', 40),
      bench.move('m-3', 'A-CASH', 'B-CASH', 500),
      bench.move('m-4', 'B-CASH', 'A-CASH', 30),
      bench.move('m-3', 'A-CASH', 'B-CASH', 500),
    ];
    const results = await bench.post(items);
    expect(results.map(({ outcome, code, replayed }) => [outcome, code, replayed])).toEqual([
      ['POSTED', undefined, false],
      ['REFUSED', 'LEDGER_CHECK_FAILED', false],
      ['POSTED', undefined, false],
      ['REFUSED', 'LEDGER_CHECK_FAILED', true],
    ]);
    expect(results[1]?.fault).toMatch(/^23514 available_within_limit/);
    expect(await standing('A-CASH')).toMatchObject({ available: '90', forcedExcess: '0' });
    expect((await bench.post(items)).map(({ replayed }) => replayed)).toEqual([true, true, true, true]);
    const alarms = await bench.run((tx) => bench.workItems.list(tx, { kind: 'LEDGER_CHECK_FAILED' }, 10));
    expect(alarms.map(({ reference, ownerTeam }) => [reference, ownerTeam])).toEqual([['m-3', 'operations']]);
    await expectWhole();
  });

  it('cannot hide an overdraw behind a forced item of the same batch, nor behind an older excess', async () => {
    await bench.post([deposit('n-0', 10)]);
    bench.posting.rule = credulous;
    const results = await bench.post([
      bench.move('n-1', 'A-CASH', 'NOSTRO-EUR', 150, { kind: 'PAYMENT_RETURN', forced: { reason: 'fact' } }),
      bench.move('n-2', 'A-CASH', 'B-CASH', 1),
    ]);
    expect(results.map(({ code, outcome }) => code ?? outcome)).toEqual(['POSTED', 'LEDGER_CHECK_FAILED']);
    expect(await standing('A-CASH')).toMatchObject({ available: '-50', forcedExcess: '50' });
    expect(await bench.one(bench.move('n-3', 'A-CASH', 'B-CASH', 1))).toMatchObject({ code: 'LEDGER_CHECK_FAILED' });
    await bench.post([deposit('n-4', 20)]);
    expect(await standing('A-CASH')).toMatchObject({ available: '-30', forcedExcess: '30' });
    expect(await bench.one(bench.move('n-5', 'A-CASH', 'B-CASH', 1))).toMatchObject({ code: 'LEDGER_CHECK_FAILED' });
    await bench.post([deposit('n-6', 100)]);
    expect(await standing('A-CASH')).toMatchObject({ available: '70', forcedExcess: '0' });
    await expectWhole();
  });

  it('cannot book what does not follow: sequence, running balance, balance', async () => {
    for (const [n, [find, replace]] of [
      ['p.units, e_business[p.e], e_value[p.e], p.sequence', 'p.units, e_business[p.e], e_value[p.e], p.sequence + 1'],
      ['p.sequence, p.balance\n', 'p.sequence, p.balance + 1\n'],
      ['posted_debit = n.debit', 'posted_debit = n.debit + 1'],
    ].entries()) {
      await becomes(find!, replace!);
      expect(await bench.one(deposit(`o-${n}`, 5))).toMatchObject({ code: 'LEDGER_CHECK_FAILED' });
    }
    await expectWhole();
  });
});

describe('a batch that the database refuses', () => {
  it('books what is good, refuses what is not, and says the same again', async () => {
    const [entries, before] = [await count('journal_entry'), BigInt((await standing('B-CASH'))?.available ?? 0)];
    const good = Array.from({ length: 200 }, (_, n) =>
      bench.move(`p-${n}`, 'NOSTRO-EUR', 'B-CASH', 1, { kind: 'DEPOSIT' }),
    );
    const items: PostingItem[] = [...good];
    items.splice(17, 0, deposit('p-date', 1, { valueDate: '2026-02-30' }));
    items.splice(90, 0, deposit('p-null', 1, { description: undefined }));
    items.splice(91, 0, deposit('p-full-1', huge), deposit('p-full-2', huge), deposit('p-full-3', huge));
    items.push(bench.move('p-poor', 'B-CASH', 'A-CASH', 10_000));
    const results = await bench.post(items);
    const refused = (all: typeof results) =>
      all.filter(({ outcome }) => outcome === 'REFUSED').map(({ key, code }) => [key, code]);
    expect(results.map(({ key }) => key)).toEqual(items.map(({ key }) => key));
    expect(refused(results)).toEqual([
      ['p-date', 'MALFORMED_ITEM'],
      ['p-null', 'MALFORMED_ITEM'],
      ['p-full-3', 'BALANCE_OUT_OF_RANGE'],
      ['p-poor', 'INSUFFICIENT_FUNDS'],
    ]);
    expect(BigInt((await standing('B-CASH'))!.available)).toBe(before + 200n);
    expect(await count('journal_entry')).toBe(entries + 202);

    const again = await bench.post(items);
    expect(refused(again)).toEqual(refused(results));
    expect(again.filter(({ replayed }) => !replayed).map(({ key }) => key)).toEqual(['p-date', 'p-null']);
    expect(await count('journal_entry')).toBe(entries + 202);
    // What could not be read is not remembered; a fault of the ledger is, whatever comes later.
    expect(await bench.one(deposit('p-date', 1))).toMatchObject({ outcome: 'POSTED' });
    expect(await bench.one(deposit('p-full-3', 1))).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    expect(await bench.one(deposit('p-1', 1, { valueDate: 'soon' }))).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    await expectWhole();
  });

  it('keeps groups whole while it looks for the item at fault', async () => {
    const results = await bench.post([
      bench.move('q-1', 'NOSTRO-EUR', 'B-CASH', 5, { kind: 'DEPOSIT', group: 'bad' }),
      bench.move('q-2', 'NOSTRO-EUR', 'B-CASH', 5, { kind: 'DEPOSIT', group: 'good' }),
      deposit('q-3', huge, { group: 'bad' }),
      bench.move('q-4', 'B-CASH', 'FEES', 2, { group: 'good' }),
      bench.move('q-5', 'NOSTRO-EUR', 'B-CASH', 5, { kind: 'DEPOSIT' }),
    ]);
    expect(results.map(({ key, code, outcome }) => [key, code ?? outcome])).toEqual([
      ['q-1', 'LINKED_ITEM_REFUSED'],
      ['q-2', 'POSTED'],
      ['q-3', 'BALANCE_OUT_OF_RANGE'],
      ['q-4', 'POSTED'],
      ['q-5', 'POSTED'],
    ]);
    await expectWhole();
  });

  it('says so in a dry run too, and books nothing', async () => {
    const before = [await count('journal_entry'), await count('posting_key'), await count('posting_refusal')];
    const results = await bench.post([deposit('r-1', huge), deposit('r-2', huge), deposit('r-3', 1)], true);
    expect(results.map(({ code, outcome }) => code ?? outcome)).toEqual([
      'BALANCE_OUT_OF_RANGE',
      'BALANCE_OUT_OF_RANGE',
      'POSTED',
    ]);
    expect([await count('journal_entry'), await count('posting_key'), await count('posting_refusal')]).toEqual(before);
  });

  it('answers a command of 500 with one result each, and a second delivery of it the same, with one effect', async () => {
    const answers: unknown[] = [];
    const outbox = { add: (_: unknown, __: unknown, payload: unknown) => Promise.resolve(answers.push(payload)) };
    const processor = new PostingProcessor(
      bench.posting,
      new PostingRules(new PostingRulesRepository()),
      outbox as unknown as Outbox,
    );
    const items = Array.from({ length: 500 }, (_, n) => {
      const { op: _op, ...entry } = deposit(`s-${n}`, n === 250 ? huge : 1) as Extract<PostingItem, { op: 'ENTRY' }>;
      return { ...entry, postings: [...entry.postings] };
    });
    const entries = await count('journal_entry');
    const deliver = () =>
      bench.run((tx) =>
        processor.postEntries(tx, { batchId: 'bat_1', items } as never, { producer: 'settlement' } as never),
      );
    await deliver();
    await deliver();
    expect(answers).toHaveLength(2);
    expect(answers[1]).toEqual(answers[0]);
    const outcomes = (answers[0] as { items: { outcome: string; key: string; code?: string }[] }).items;
    expect(outcomes.filter(({ outcome }) => outcome === 'POSTED')).toHaveLength(499);
    expect(outcomes[250]).toMatchObject({ outcome: 'REFUSED', key: 's-250', code: 'BALANCE_OUT_OF_RANGE' });
    expect(JSON.stringify(outcomes)).not.toContain('22003');
    expect(await count('journal_entry')).toBe(entries + 499);
    await expectWhole();
  });
});

describe('what the function could do silently before', () => {
  it.each<[string, object]>([
    ['an operation it does not know', { op: 'ERASE' }],
    [
      'a side it does not know',
      {
        postings: [
          { account: 'A-CASH', asset: 'EUR', side: 'debit', units: '1' },
          { account: 'B-CASH', asset: 'EUR', side: 'CREDIT', units: '1' },
        ],
      },
    ],
    [
      'a part of a unit',
      {
        postings: [
          { account: 'A-CASH', asset: 'EUR', side: 'DEBIT', units: '1.5' },
          { account: 'B-CASH', asset: 'EUR', side: 'CREDIT', units: '1.5' },
        ],
      },
    ],
    [
      'no number',
      {
        postings: [
          { account: 'A-CASH', asset: 'EUR', side: 'DEBIT', units: 'NaN' },
          { account: 'B-CASH', asset: 'EUR', side: 'CREDIT', units: 'NaN' },
        ],
      },
    ],
    ['no key', { key: '' }],
    ['postings that are no list', { postings: 'all' }],
    ['a date that is none', { businessDate: '2026-13-01' }],
    [
      'a subject that no index takes',
      { subject: { kind: 'T', id: Array.from({ length: 9_000 }, (_, n) => n.toString(36)).join('') } },
    ],
  ])('refuses %s, beside an item that is booked', async (name, more) => {
    const entries = await count('journal_entry');
    const bad = bench.move(`bad ${name}`, 'A-CASH', 'B-CASH', 1, more);
    const results = await bench.post([bad, deposit(`good ${name}`, 1)]);
    expect(results.map(({ code, outcome }) => code ?? outcome)).toEqual(['MALFORMED_ITEM', 'POSTED']);
    expect(await count('journal_entry')).toBe(entries + 1);
  });

  it('keeps the excess of an account exact when a hold on it runs out', async () => {
    await bench.post([
      bench.move('t-1', 'NOSTRO-EUR', 'B-CASH', 1_000, { kind: 'DEPOSIT' }),
      {
        op: 'HOLD',
        key: 't-2',
        book: 'NGEU',
        hold: {
          debitAccount: 'B-CASH',
          creditAccount: 'SUSPENSE',
          asset: 'EUR',
          units: '700',
          expiresAt: '2026-11-25T07:00:00Z',
          reason: 'card',
        },
      },
    ]);
    const { available } = (await standing('B-CASH'))!;
    const units = BigInt(available) + 400n;
    await bench.post([
      bench.move('t-3', 'B-CASH', 'NOSTRO-EUR', units, { kind: 'PAYMENT_RETURN', forced: { reason: 'fact' } }),
    ]);
    expect(await standing('B-CASH')).toMatchObject({ available: '-400', forcedExcess: '400' });
    await bench.database.setClock('2026-11-25T07:00:00Z');
    // A refused item releases what ran out, and moves nothing else.
    expect(await bench.one(bench.move('t-4', 'B-CASH', 'A-CASH', 10_000))).toMatchObject({
      code: 'INSUFFICIENT_FUNDS',
    });
    expect(await standing('B-CASH')).toMatchObject({ available: '300', forcedExcess: '0', pendingDebit: '0' });
    await expectWhole();
  });
});

describe('limits and the first posting of an account', () => {
  const limitOf = (asset: string, overdraftUnits: string) => ({
    book: 'NGEU',
    number: 'B-CASH',
    asset,
    overdraftUnits,
    paymentLimitUnits: null,
  });
  const inUsd = (key: string, units: number) =>
    bench.move(key, '', '', 0, {
      postings: [
        { account: 'B-CASH', asset: 'USD', side: 'DEBIT', units: `${units}` },
        { account: 'FEES', asset: 'USD', side: 'CREDIT', units: `${units}` },
      ],
    });
  const usd = async () =>
    bench.run((tx) =>
      tx.row(`SELECT b.limit_units AS "limit", b.available FROM accounting.balance b JOIN accounting.ledger_account l USING (ledger_account_id)
               WHERE l.number = 'B-CASH' AND l.asset = 'USD'`),
    );
  const pidOf = async (tx: { row: <T>(sql: string) => Promise<T | undefined> }) =>
    (await tx.row<{ pid: number }>('SELECT pg_backend_pid() AS pid'))!.pid;

  it('a posting that opens the account waits for a limit under way and finds it', async () => {
    let pid: (value: number) => void = () => undefined;
    const started = new Promise<number>((resolve) => (pid = resolve));
    let posting: Promise<unknown> = Promise.resolve();
    await bench.run(async (tx) => {
      await bench.accounts.setLimit(tx, limitOf('USD', '100'));
      posting = bench.run(async (other) => {
        pid(await pidOf(other));
        return bench.posting.post(other, { items: [inUsd('u-1', 60)], requestedBy: 'x' });
      });
      await bench.waitsFor(await started);
    });
    expect(await posting).toMatchObject([{ outcome: 'POSTED' }]);
    expect(await usd()).toEqual({ limit: '100', available: '-60' });
  });

  it('a limit waits for the posting that opens the account and reaches its balance', async () => {
    let pid: (value: number) => void = () => undefined;
    const started = new Promise<number>((resolve) => (pid = resolve));
    let limit: Promise<unknown> = Promise.resolve();
    const other = 'A-CASH';
    await bench.run(async (tx) => {
      const item = bench.move('v-1', '', '', 0, {
        postings: [
          { account: 'FEES', asset: 'USD', side: 'DEBIT', units: '5' },
          { account: other, asset: 'USD', side: 'CREDIT', units: '5' },
        ],
      });
      expect(await bench.posting.post(tx, { items: [item], requestedBy: 'x' })).toMatchObject([{ outcome: 'POSTED' }]);
      limit = bench.run(async (second) => {
        pid(await pidOf(second));
        await bench.accounts.setLimit(second, { ...limitOf('USD', '250'), number: other });
      });
      await bench.waitsFor(await started);
    });
    await limit;
    const row = await bench.run((tx) =>
      tx.row(`SELECT b.limit_units AS "limit" FROM accounting.balance b JOIN accounting.ledger_account l USING (ledger_account_id)
               WHERE l.number = '${other}' AND l.asset = 'USD'`),
    );
    expect(row).toEqual({ limit: '250' });
  });

  it('an account that is being closed takes no first posting', async () => {
    let pid: (value: number) => void = () => undefined;
    const started = new Promise<number>((resolve) => (pid = resolve));
    let posting: Promise<unknown> = Promise.resolve();
    await bench.run(async (tx) => {
      await bench.accounts.setStates(tx, [{ book: 'NGEU', number: 'MIGRATION', state: 'CLOSED' }]);
      posting = bench.run(async (other) => {
        pid(await pidOf(other));
        return bench.posting.post(other, {
          items: [bench.move('w-1', 'NOSTRO-EUR', 'MIGRATION', 1)],
          requestedBy: 'x',
        });
      });
      await bench.waitsFor(await started);
    });
    expect(await posting).toMatchObject([{ code: 'ACCOUNT_CLOSED' }]);
    await expectWhole();
  });
});
