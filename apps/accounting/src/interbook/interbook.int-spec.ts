import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Accounts } from '../accounts/accounts.service.js';
import { AssetsRepository } from '../assets/assets.repository.js';
import { BusinessDays } from '../business-days/business-days.service.js';
import { EndOfDay } from '../business-days/end-of-day.service.js';
import { type PostingItem, transferOf } from '../journal/posting.js';
import { PostingService } from '../journal/posting.service.js';
import { Reversals } from '../journal/reversals.service.js';
import { accountOf } from '../testing/bench.js';
import { type ServiceUnderTest, startService } from '../testing/service.js';

let service: ServiceUnderTest;
const get = <T>(type: abstract new (...parameters: never[]) => T) => service.app.get<T>(type, { strict: false });
const owner = async (sql: string, parameters: unknown[] = []) => {
  const client = await service.database.pool('owner').connect();
  try {
    await client.query(`SELECT set_config('app.books', '*', false)`);
    return (await client.query(sql, parameters)).rows as Record<string, unknown>[];
  } finally {
    client.release();
  }
};
beforeAll(async () => {
  service = await startService();
  await service.run(async (tx) => {
    await get(AssetsRepository).ensureCurrencies(tx, ['EUR', 'USD']);
    await get(Accounts).open(
      tx,
      ['NGEU', 'NGUS'].map((book) => accountOf('NOSTRO-EUR', 'NOSTRO', { book, currency: 'EUR' })),
    );
    await get(Accounts).open(tx, [accountOf('C-CASH', 'CLIENT_CASH', { book: 'NGUS', state: 'CLOSED' })]);
    for (const book of ['NGEU', 'NGUS'])
      await tx.execute(
        `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ($1, '2026-11-25', 'OPEN', '2026-11-27')`,
        [book],
      );
  });
});
afterAll(async () => {
  await service.stop();
});

interface Pair {
  pair: Record<string, string> | null;
}
const selection =
  'pair { id state fromDate amount creditorEntryId debtorEntryId creditorReversalId debtorReversalId refusalCode }';
const post = (key: string, more: object = {}, as: object = {}) =>
  service.mutate<Pair>(
    'postInterbookEntry',
    'PostInterbookEntryInput',
    {
      dueFrom: { book: 'NGEU', account: 'NOSTRO-EUR' },
      dueTo: { book: 'NGUS', account: '5200' },
      asset: 'EUR',
      amount: '120.50',
      description: 'custody fee paid for the other',
      idempotencyKey: key,
      ...more,
    },
    selection,
    as,
  );
const change = (name: string, type: string, pairId: string, key: string, more: object = {}) =>
  service.mutate<Pair>(name, type, { pairId, idempotencyKey: key, ...more }, selection);
const reverse = (pairId: string, key: string) =>
  change('reverseInterbookPair', 'ReverseInterbookPairInput', pairId, key, { reason: 'paid by the other itself' });
const positions = async (asOf?: string) =>
  (
    (
      await service.ask(
        `{ interbookPositions${asOf ? `(asOf: "${asOf}")` : ''} { creditor debtor asset dueFrom dueTo difference inTransit state } }`,
      )
    ).data?.interbookPositions as Record<string, string>[]
  ).map(
    (one) =>
      `${one.creditor}/${one.debtor} ${one.dueFrom} - ${one.dueTo} = ${one.difference} (${one.inTransit}) ${one.state}`,
  );
const balances = () =>
  owner(
    `SELECT l.book_id || ' ' || l.number || ' ' || sum(p.units) AS line FROM accounting.posting p JOIN accounting.ledger_account l USING (ledger_account_id)
      GROUP BY l.book_id, l.number ORDER BY 1`,
  ).then((rows) => rows.map(({ line }) => line));
const work = () =>
  owner(
    `SELECT reason_code AS code, state, value_minor::text AS value, owner_team AS owner FROM accounting.work_item WHERE kind = 'INTERBOOK_DIFFERENCE' ORDER BY key`,
  );
const endOfDay = (book: string) =>
  service.run(async (tx) => {
    for (const one of get(EndOfDay).work) await one.step(tx, book, '2026-11-25', undefined);
  });
const byHand = (key: string, more: Partial<PostingItem> = {}): PostingItem =>
  ({
    op: 'ENTRY',
    key,
    book: 'NGEU',
    kind: 'MANUAL',
    businessDate: '2026-11-25',
    valueDate: '2026-11-25',
    description: 'by hand',
    subject: { kind: 'TEST', id: key },
    postings: transferOf('DUE-FROM-NGUS', 'NOSTRO-EUR', 'EUR', '700'),
    ...more,
  }) as PostingItem;
const book = (item: PostingItem) =>
  service.run(async (tx) => (await get(PostingService).post(tx, { items: [item], requestedBy: 'test' }))[0]);
const codes = (problems: readonly { code: string; path: string | null }[]) =>
  problems.map((one) => `${one.code} ${one.path}`);

describe('an entry between two books', () => {
  it('books one entry in each, once for its key, on due accounts opened for it', async () => {
    const { pair, problems } = await post('one');
    expect(problems).toEqual([]);
    expect(pair).toMatchObject({ state: 'BOOKED', fromDate: '2026-11-25', amount: '120.50' });
    expect((await post('one')).pair).toEqual(pair);
    expect(await balances()).toEqual([
      'NGEU DUE-FROM-NGUS 12050',
      'NGEU NOSTRO-EUR -12050',
      'NGUS 5200 12050',
      'NGUS DUE-TO-NGEU -12050',
    ]);
    expect(
      await owner(`SELECT number, gl_code AS code FROM accounting.account WHERE number LIKE 'DUE-%' ORDER BY 1`),
    ).toEqual([
      { number: 'DUE-FROM-NGUS', code: '1340' },
      { number: 'DUE-TO-NGEU', code: '2240' },
    ]);
    expect(await positions()).toEqual(['NGEU/NGUS 120.50 - 120.50 = 0.00 (0.00) AGREED']);
    expect(await work()).toEqual([]);
  });

  it('tells every fault with its path, and books nothing when one side is refused', async () => {
    const wrong = await post('wrong', {
      dueFrom: { book: 'NGEU', account: 'DUE-FROM-NGUS' },
      dueTo: { book: 'NGEU', account: 'NOWHERE' },
      amount: '-1.005',
    });
    expect(codes(wrong.problems)).toEqual([
      'SAME_BOOK dueTo.book',
      'EXCESS_SCALE amount',
      'ACCOUNT_IS_DUE dueFrom.account',
      'ACCOUNT_NOT_FOUND dueTo.account',
    ]);
    expect(codes((await post('zero', { amount: '0.00' })).problems)).toEqual(['AMOUNT_NOT_POSITIVE amount']);
    const before = await balances();
    const closed = await post('closed', { dueTo: { book: 'NGUS', account: 'C-CASH' } });
    expect([closed.pair, codes(closed.problems)]).toEqual([null, ['ACCOUNT_CLOSED dueTo']]);
    expect(codes((await post('unseen', {}, { books: ['NGEU'] })).problems)).toEqual(['BOOK_NOT_FOUND dueTo.book']);
    expect(await balances()).toEqual(before);
    expect(await owner('SELECT count(*)::int AS n FROM accounting.interbook_pair')).toEqual([{ n: 1 }]);
  });

  it('is reversed whole: no side alone, neither by hand nor by SQL', async () => {
    const { pair } = await post('two', { amount: '10.00' });
    const entry = pair?.creditorEntryId ?? '';
    const proposal = await service.run((tx) =>
      get(Reversals).propose(tx, { entryId: entry, reason: 'alone' }, 'person:a'),
    );
    expect(proposal.problems.map(({ code }) => code)).toEqual(['ENTRY_OF_PAIR']);
    const reversal = {
      op: 'REVERSAL',
      kind: 'CORRECTION',
      postings: undefined,
      reverses: entry,
    } as Partial<PostingItem>;
    expect(await book(byHand('alone', reversal))).toMatchObject({ outcome: 'REFUSED', code: 'LEDGER_CHECK_FAILED' });
    const part = [1, 2].map((n) => ({ n, units: '5' }));
    expect(await book(byHand('part', { ...reversal, part }))).toMatchObject({ outcome: 'REFUSED' });
    const done = await reverse(pair?.id ?? '', 'two-back');
    expect(done.problems).toEqual([]);
    expect(done.pair).toMatchObject({ state: 'REVERSED' });
    expect([done.pair?.creditorReversalId, done.pair?.debtorReversalId].every(Boolean)).toBe(true);
    expect(codes((await reverse(pair?.id ?? '', 'two-again')).problems)).toEqual(['ALREADY_REVERSED pairId']);
    expect(await positions()).toEqual(['NGEU/NGUS 120.50 - 120.50 = 0.00 (0.00) AGREED']);
  });

  it('is held equal and opposite by the tables', async () => {
    const [pair] = await owner(
      `SELECT pair_id AS id, creditor_entry_id AS entry FROM accounting.interbook_pair WHERE state = 'BOOKED'`,
    );
    const made = await book(byHand('a side', { subject: { kind: 'TEST', id: 'a' } }));
    const insert = (units: number, creditor: unknown, debtor: unknown, books = ['NGEU', 'NGUS']) =>
      owner(
        `INSERT INTO accounting.interbook_pair (pair_id, book_id, debtor_book_id, asset, units, creditor_account, debtor_account, from_date, value_date, description,
           requested_by, creditor_entry_id, debtor_entry_id) VALUES ('x', $4, $5, 'EUR', $1, 'A', 'B', '2026-11-25', '2026-11-25', 'x', 'x', $2, $3)`,
        [units, creditor, debtor, ...books],
      );
    await expect(insert(701, made?.id, null)).rejects.toThrow('does not book what NGEU is owed');
    await expect(insert(700, null, made?.id)).rejects.toThrow('does not book what NGUS owes');
    await expect(insert(700, made?.id, null, ['NGEU', 'NGEU'])).rejects.toThrow();
    await expect(insert(700, null, null)).rejects.toThrow('a_side_is_booked');
    await expect(insert(12050, pair?.entry, null)).rejects.toThrow('interbook_pair_creditor_entry_id_key');
    const update = (set: string) => owner(`UPDATE accounting.interbook_pair SET ${set} WHERE pair_id = $1`, [pair?.id]);
    await expect(update('units = units + 1')).rejects.toThrow('keeps what it says');
    await expect(update('debtor_entry_id = NULL')).rejects.toThrow('keeps what it says');
    const reversedBy = `reversed_by = 'x', reversal_reason = 'x', reversed_at = now()`;
    await expect(update(`${reversedBy}, creditor_reversal_id = creditor_entry_id`)).rejects.toThrow(
      'reversed_both_or_none',
    );
    await expect(
      update(`${reversedBy}, creditor_reversal_id = creditor_entry_id, debtor_reversal_id = debtor_entry_id`),
    ).rejects.toThrow('does not take back its entry');
    await expect(owner('DELETE FROM accounting.interbook_pair')).rejects.toThrow('reverse it');
    await expect(service.run((tx) => get(Accounts).open(tx, [accountOf('OTHER', 'DUE_TO_BOOK')]))).rejects.toThrow(
      'due_account_names_its_book',
    );
  });

  it('a side booked by hand is a difference that somebody owns, until the books agree', async () => {
    await endOfDay('NGEU');
    expect(await positions()).toEqual(['NGEU/NGUS 127.50 - 120.50 = 7.00 (0.00) DIFFERENT']);
    expect(await work()).toEqual([{ code: 'INTERBOOK_DIFFERENT', state: 'OPEN', value: '700', owner: 'finance' }]);
    await book(byHand('other side', { book: 'NGUS', postings: transferOf('5200', 'DUE-TO-NGEU', 'EUR', '700') }));
    await endOfDay('NGUS');
    expect(await positions()).toEqual(['NGEU/NGUS 127.50 - 127.50 = 0.00 (0.00) AGREED']);
    expect(await work()).toMatchObject([{ state: 'CLOSED' }]);
  });

  it('is in transit while one book is behind, and whole when its date opens', async () => {
    await owner(`UPDATE accounting.business_day SET state = 'CLOSED' WHERE book_id = 'NGUS'`);
    await owner(
      `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ('NGUS', '2026-11-27', 'NEXT', '2026-11-30')`,
    );
    const { pair } = await post('late', { amount: '30.00' });
    expect(pair).toMatchObject({ state: 'IN_TRANSIT', debtorEntryId: null });
    const blocked = await post('late and refused', { amount: '5.00', dueTo: { book: 'NGUS', account: 'C-CASH' } });
    const gone = await post('late and taken back', { amount: '2.00' });
    expect((await reverse(gone.pair?.id ?? '', 'gone')).pair).toMatchObject({
      state: 'REVERSED',
      debtorReversalId: null,
    });
    expect(await positions()).toEqual(['NGEU/NGUS 162.50 - 127.50 = 35.00 (35.00) IN_TRANSIT']);
    expect(await work()).toMatchObject([{ code: 'INTERBOOK_DIFFERENT', state: 'OPEN' }]);
    const early = await change('bookInterbookSide', 'BookInterbookSideInput', pair?.id ?? '', 'early');
    expect(codes(early.problems)).toEqual(['DAY_NOT_OPEN pairId']);
    // Who opens the date sees his own book only.
    const opened = await service.ask(
      `mutation { openBusinessDay(input: { book: "NGUS", businessDate: "2026-11-27" }) { businessDay { state } problems { code } } }`,
      {},
      { role: 'operations', books: ['NGUS'] },
    );
    expect(opened.errors).toBeUndefined();
    expect(opened.data?.openBusinessDay).toEqual({ businessDay: { state: 'OPEN' }, problems: [] });
    const state = async (id = '') =>
      (await service.ask(`{ interbookPair(id: "${id}") { state refusalCode attempts } }`)).data?.interbookPair;
    expect(await state(pair?.id)).toEqual({ state: 'BOOKED', refusalCode: null, attempts: 1 });
    expect(await state(blocked.pair?.id)).toEqual({ state: 'IN_TRANSIT', refusalCode: 'ACCOUNT_CLOSED', attempts: 1 });
    expect(await positions()).toEqual(['NGEU/NGUS 162.50 - 157.50 = 5.00 (5.00) IN_TRANSIT']);
    expect(await positions('2026-11-25')).toEqual(['NGEU/NGUS 162.50 - 127.50 = 35.00 (35.00) IN_TRANSIT']);
    await service.run((tx) => get(BusinessDays).open(tx, 'NGUS', '2026-11-27', 'again'));
    await service.run((tx) =>
      get(Accounts).setStates(
        tx,
        [{ book: 'NGUS', number: 'C-CASH', state: 'OPEN', reason: 'for a test', reference: null }],
        'test',
      ),
    );
    const again = await change('bookInterbookSide', 'BookInterbookSideInput', blocked.pair?.id ?? '', 'again');
    expect(codes(again.problems)).toEqual(['INSUFFICIENT_FUNDS pairId']);
    expect((await reverse(blocked.pair?.id ?? '', 'blocked')).pair).toMatchObject({ state: 'REVERSED' });
    expect(await positions()).toEqual(['NGEU/NGUS 157.50 - 157.50 = 0.00 (0.00) AGREED']);
    expect(await work()).toMatchObject([{ state: 'CLOSED' }]);
  });
});
