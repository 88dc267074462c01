import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { accountingInvariants } from '../accounting.invariants.js';
import { Accounts } from '../accounts/accounts.service.js';
import { AssetsRepository } from '../assets/assets.repository.js';
import { accountOf, isin } from '../testing/bench.js';
import { type ServiceUnderTest, startService } from '../testing/service.js';

let service: ServiceUnderTest;

beforeAll(async () => {
  service = await startService();
  await service.run(async (tx) => {
    const assets = service.app.get(AssetsRepository, { strict: false });
    await assets.ensureCurrencies(tx, ['EUR', 'USD']);
    await assets.register(tx, [{ asset: isin, kind: 'INSTRUMENT', scale: 0, name: 'A share' }]);
    await service.app
      .get(Accounts, { strict: false })
      .open(tx, [
        accountOf('A-CASH', 'CLIENT_CASH'),
        accountOf('B-CASH', 'CLIENT_CASH'),
        accountOf('CLOSED-CASH', 'CLIENT_CASH', { state: 'CLOSED' }),
        accountOf('BLOCKED-CASH', 'CLIENT_CASH', { state: 'BLOCKED' }),
        accountOf('A-SAFE', 'CLIENT_CUSTODY'),
        accountOf('B-SAFE', 'CLIENT_CUSTODY'),
        accountOf('NOSTRO-EUR', 'NOSTRO', { currency: 'EUR' }),
        accountOf('DEPOT-T2S', 'DEPOT'),
        accountOf('OTHER-BOOK', 'CLIENT_CASH', { book: 'NGUS' }),
      ]);
    await tx.execute(
      `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date)
       VALUES ('NGEU', '2026-11-24', 'CLOSED', '2026-11-25'), ('NGEU', '2026-11-25', 'OPEN', '2026-11-26'), ('NGUS', '2026-11-24', 'CLOSED', '2026-11-25')`,
    );
  });
});
afterAll(async () => {
  await service.stop();
});

interface Booked {
  entry: { id: string; kind: string; valueDate: string } | null;
  replayed: boolean;
}
type Name = 'postDeposit' | 'postWithdrawal' | 'postTransfer' | 'postEntry' | 'placeHold';
const inputTypes: Record<Name, string> = {
  postDeposit: 'PostDepositInput',
  postWithdrawal: 'PostWithdrawalInput',
  postTransfer: 'PostTransferInput',
  postEntry: 'PostEntryInput',
  placeHold: 'PlaceHoldInput',
};
const ask = (name: Name, input: object) =>
  service.mutate<Booked>(
    name,
    inputTypes[name],
    input,
    name === 'placeHold' ? 'replayed' : 'entry { id kind valueDate } replayed',
  );
const codes = ({ problems }: { problems: { code: string; path: string | null }[] }) =>
  problems.map(({ code, path }) => `${code} ${path ?? ''}`.trim()).sort();

const cents = (text: string) => BigInt(text.replace('.', ''));
let keys = 0;
const freshKey = () => `key-${(keys += 1)}`;
const cash = (amount: string, currency = 'EUR') => ({ amount, currency });
const base = () => ({ book: 'NGEU', description: 'x', idempotencyKey: freshKey() });
const deposit = (more: object = {}) => ({ ...base(), account: 'A-CASH', amount: cash('10.00'), ...more });
const transfer = (more: object = {}) => ({
  ...base(),
  debitAccount: 'A-CASH',
  creditAccount: 'B-CASH',
  amount: cash('1.00'),
  ...more,
});
const line = (account: string, side: 'DEBIT' | 'CREDIT', amount = '1.00', asset = 'EUR') => ({
  account,
  asset,
  side,
  amount,
});
const entry = (more: object = {}) => ({
  ...base(),
  kind: 'FEE',
  postings: [line('A-CASH', 'DEBIT'), line('B-CASH', 'CREDIT')],
  ...more,
});

/** All that a posting could have left: nothing of it may differ after a refusal of the input. */
async function everything(): Promise<unknown> {
  const count = (table: string) => `(SELECT count(*) FROM ${table}) AS "${table}"`;
  return service.run((tx) =>
    tx.row(
      `SELECT ${['journal_entry', 'posting', 'hold', 'ledger_account', 'posting_key', 'posting_refusal', 'idempotency', 'audit_leaf'].map((name) => count(`accounting.${name}`)).join(', ')},
              (SELECT sum(posted_debit) || '/' || sum(posted_credit) || '/' || sum(pending_debit) FROM accounting.balance_now) AS sums`,
    ),
  );
}
const balanceOf = async (account: string, asset = 'EUR') => {
  const { data } = await service.ask(
    `{ balance(book: "NGEU", account: "${account}", asset: "${asset}") { balance available } }`,
  );
  return (data?.balance as { balance: string; available: string } | null)?.balance ?? '0';
};

describe('deposits, withdrawals and transfers', () => {
  it('book once per key: a repetition has the same answer, another input the differing path', async () => {
    for (const [name, input, differing, path] of [
      ['postDeposit', deposit({ amount: cash('100.00') }), { amount: cash('100.01') }, 'amount.amount'],
      ['postWithdrawal', deposit({ amount: cash('5.00') }), { account: 'B-CASH' }, 'account'],
      ['postTransfer', transfer({ amount: cash('20.00') }), { creditAccount: 'BLOCKED-CASH' }, 'creditAccount'],
      ['postEntry', entry(), { valueDate: '2026-11-26' }, 'valueDate'],
    ] as const) {
      const first = await ask(name, input);
      expect({ name, codes: codes(first) }).toEqual({ name, codes: [] });
      const after = await everything();
      expect(await ask(name, input)).toMatchObject({ replayed: true, entry: { id: first.entry?.id } });
      expect(codes(await ask(name, { ...input, ...differing }))).toEqual([`IDEMPOTENCY_KEY_REUSED ${path}`]);
      expect(await everything()).toEqual(after);
    }
    expect(await balanceOf('A-CASH')).toBe('74.00');
    expect(await balanceOf('B-CASH')).toBe('21.00');
    expect(await balanceOf('NOSTRO-EUR')).toBe('95.00');
  });

  it('keeps keys apart by client, and one key from serving two operations', async () => {
    const input = deposit();
    expect(codes(await ask('postDeposit', input))).toEqual([]);
    const other = await service.mutate<Booked>(
      'postDeposit',
      'PostDepositInput',
      input,
      'entry { id kind valueDate } replayed',
      { subject: 'person:another' },
    );
    expect(other).toMatchObject({ replayed: false, problems: [] });
    expect(codes(await ask('postWithdrawal', input))).toEqual(['IDEMPOTENCY_KEY_REUSED idempotencyKey']);
  });

  it('are refused without cover, and the refusal stands also after a top-up', async () => {
    const poor = transfer({ amount: cash('100000.00') });
    expect(codes(await ask('postTransfer', poor))).toEqual(['INSUFFICIENT_FUNDS amount.amount']);
    await ask('postDeposit', deposit({ amount: cash('100000.00') }));
    expect(await ask('postTransfer', poor)).toMatchObject({ replayed: true, entry: null });
    const shares = { securities: { isin, quantity: '3' }, amount: null };
    expect(
      codes(await ask('postTransfer', transfer({ debitAccount: 'A-SAFE', creditAccount: 'B-SAFE', ...shares }))),
    ).toEqual(['INSUFFICIENT_SECURITIES securities.quantity']);
    const withdrawn = await ask('postWithdrawal', deposit({ amount: cash('100000.00'), valueDate: '2026-11-27' }));
    expect(withdrawn.entry).toMatchObject({ kind: 'WITHDRAWAL', valueDate: '2026-11-27' });
  });

  it('go by the state of the account', async () => {
    const of = (account: string) => deposit({ account });
    expect(codes(await ask('postDeposit', of('CLOSED-CASH')))).toEqual(['ACCOUNT_CLOSED account']);
    expect(codes(await ask('postWithdrawal', of('CLOSED-CASH')))).toEqual(['ACCOUNT_CLOSED account']);
    // A block stops what goes out.
    expect(codes(await ask('postDeposit', of('BLOCKED-CASH')))).toEqual([]);
    expect(codes(await ask('postWithdrawal', of('BLOCKED-CASH')))).toEqual(['ACCOUNT_BLOCKED account']);
    expect(codes(await ask('postTransfer', transfer({ debitAccount: 'BLOCKED-CASH' })))).toEqual([
      'ACCOUNT_BLOCKED debitAccount',
    ]);
    expect(codes(await ask('postTransfer', transfer({ creditAccount: 'CLOSED-CASH' })))).toEqual([
      'ACCOUNT_CLOSED creditAccount',
    ]);
  });
});

describe('a fault of the input', () => {
  let before: unknown;
  beforeAll(async () => {
    before = await everything();
  });
  afterEach(async () => {
    expect(await everything()).toEqual(before);
  });
  const long = 'x'.repeat(1_000_000);

  it.each<[string, Name, object, string[]]>([
    ['excess scale', 'postDeposit', deposit({ amount: cash('1.005') }), ['EXCESS_SCALE amount.amount']],
    ['zero', 'postDeposit', deposit({ amount: cash('0.00') }), ['AMOUNT_NOT_POSITIVE amount.amount']],
    ['minus zero', 'postDeposit', deposit({ amount: cash('-0') }), ['AMOUNT_NOT_POSITIVE amount.amount']],
    ['a negative amount', 'postWithdrawal', deposit({ amount: cash('-5.00') }), ['AMOUNT_NOT_POSITIVE amount.amount']],
    [
      'more digits than a column has',
      'postTransfer',
      transfer({ amount: cash(`${'9'.repeat(39)}.00`) }),
      ['OUT_OF_RANGE amount.amount'],
    ],
    [
      'no asset of ours',
      'postTransfer',
      transfer({ amount: cash('1.00', 'XXX') }),
      ['ASSET_NOT_FOUND amount.currency'],
    ],
    ['no nostro', 'postDeposit', deposit({ amount: cash('1.00', 'USD') }), ['NOSTRO_NOT_FOUND amount.currency']],
    ['neither cash nor securities', 'postTransfer', transfer({ amount: null }), ['REQUIRED amount']],
    [
      'half a share',
      'postTransfer',
      transfer({ amount: null, securities: { isin, quantity: '0.5' } }),
      ['EXCESS_SCALE securities.quantity'],
    ],
    ['a million characters', 'postDeposit', deposit({ description: long }), ['INVALID_LENGTH description']],
    ['no description', 'postDeposit', deposit({ description: '' }), ['INVALID_LENGTH description']],
    ['a NUL byte', 'postDeposit', deposit({ description: 'a\0b' }), ['INVALID_TEXT description']],
    ['half a surrogate pair', 'postDeposit', deposit({ description: 'a\ud800' }), ['INVALID_TEXT description']],
    ['a NUL byte in the account', 'postTransfer', transfer({ debitAccount: 'A\0' }), ['INVALID_TEXT debitAccount']],
    ['a NUL byte in the key', 'postDeposit', deposit({ idempotencyKey: '\0' }), ['INVALID_TEXT idempotencyKey']],
    [
      'a NUL byte deep in a list',
      'postEntry',
      entry({ postings: [line('A-CASH', 'DEBIT'), line('B\0', 'CREDIT')] }),
      ['INVALID_TEXT postings.1.account'],
    ],
    ['one posting', 'postEntry', entry({ postings: [line('A-CASH', 'DEBIT')] }), ['TOO_FEW_ITEMS postings']],
    [
      '401 postings',
      'postEntry',
      entry({ postings: Array.from({ length: 401 }, () => line('A-CASH', 'DEBIT')) }),
      ['TOO_MANY_ITEMS postings'],
    ],
    [
      'debits without credits',
      'postEntry',
      entry({ postings: [line('A-CASH', 'DEBIT'), line('B-CASH', 'CREDIT', '1.01')] }),
      ['NOT_BALANCED postings'],
    ],
    ['a kind that does not exist', 'postEntry', entry({ kind: 'GIFT' }), ['NOT_ALLOWED kind']],
    [
      'a book without an open day',
      'postDeposit',
      deposit({ book: 'NGUS', nostro: 'OTHER-BOOK' }),
      ['PERIOD_NOT_OPEN book'],
    ],
    ['a book that does not exist', 'postTransfer', transfer({ book: 'NOWHERE' }), ['PERIOD_NOT_OPEN book']],
    [
      'everything at once',
      'postEntry',
      entry({
        book: '',
        kind: 'GIFT',
        description: long,
        idempotencyKey: '\0',
        postings: [line('', 'DEBIT'), line('A-CASH', 'CREDIT', '1.00', 'E')],
      }),
      [
        'INVALID_LENGTH book',
        'INVALID_LENGTH description',
        'INVALID_LENGTH postings.0.account',
        'INVALID_LENGTH postings.1.asset',
        'INVALID_TEXT idempotencyKey',
        'NOT_ALLOWED kind',
      ],
    ],
    [
      'every amount at once, on a day that is not open',
      'postEntry',
      entry({
        book: 'NGUS',
        postings: [line('A', 'DEBIT', '1.001'), line('B', 'CREDIT', '0'), line('C', 'CREDIT', '1.00', 'XXX')],
      }),
      ['ASSET_NOT_FOUND postings.2.asset', 'EXCESS_SCALE postings.0.amount', 'PERIOD_NOT_OPEN book'],
    ],
    [
      'a hold of nothing',
      'placeHold',
      {
        book: 'NGEU',
        debitAccount: 'A-CASH',
        creditAccount: 'B-CASH',
        asset: 'EUR',
        amount: '0',
        expiresAt: '2026-12-01T00:00:00Z',
        reason: 'r',
        idempotencyKey: 'h',
      },
      ['AMOUNT_NOT_POSITIVE amount'],
    ],
    [
      'a hold with a NUL byte',
      'placeHold',
      {
        book: 'NGEU',
        debitAccount: 'A-CASH',
        creditAccount: 'B-CASH',
        asset: 'EUR',
        amount: '1',
        expiresAt: '2026-12-01T00:00:00Z',
        reason: '\0',
        idempotencyKey: 'h',
      },
      ['INVALID_TEXT reason'],
    ],
  ])('%s is told with its path, and nothing is written', async (_what, name, input, expected) => {
    expect(codes(await ask(name, input))).toEqual(expected);
  });

  it.each([
    ['a float', 12.5],
    ['a whole number', 12],
    ['an exponent', '1e3'],
    ['a separator', '1,000.00'],
    ['nothing', ''],
    ['not a number', 'NaN'],
  ])('%s for an amount is refused by the scalar', async (_what, amount) => {
    const { data, errors } = await service.ask(
      'mutation($input: PostDepositInput!) { postDeposit(input: $input) { problems { code } } }',
      { input: deposit({ amount: { amount, currency: 'EUR' } }) },
    );
    expect(data).toBeUndefined();
    expect(errors?.map(({ extensions }) => extensions?.code)).toEqual(['BAD_USER_INPUT']);
    expect(errors?.[0]?.message).toContain('input.amount.amount');
  });

  it('a NUL byte in an argument of a query is the fault of who asks', async () => {
    const { errors } = await service.ask('query($n: String!) { account(book: "NGEU", number: $n) { id } }', {
      n: 'A\0',
    });
    expect(errors?.map(({ extensions }) => extensions?.code)).toEqual(['BAD_USER_INPUT']);
  });

  it('1,001 entries are refused whole', async () => {
    const many = (entries: object[]) =>
      service.mutate<{ items: object[] }>('postEntries', 'PostEntriesInput', { entries }, 'items { replayed }');
    const tooMany = await many(Array.from({ length: 1_001 }, () => entry()));
    expect([codes(tooMany), tooMany.items]).toEqual([['TOO_MANY_ITEMS entries'], []]);
    expect(codes(await many([]))).toEqual(['TOO_FEW_ITEMS entries']);
  });

  it('is not remembered: the corrected input comes with the same key', async () => {
    const input = transfer({ amount: cash('-1.00') });
    expect(codes(await ask('postTransfer', input))).toEqual(['AMOUNT_NOT_POSITIVE amount.amount']);
    expect(codes(await ask('postTransfer', { ...input, amount: cash('1.00'), validateOnly: true }))).toEqual([]);
  });
});

describe('what the state of things refuses', () => {
  it.each<[string, Name, object, string[]]>([
    ['an account that is none', 'postDeposit', deposit({ account: 'NOBODY' }), ['ACCOUNT_NOT_FOUND account']],
    [
      'an account of another book',
      'postTransfer',
      transfer({ creditAccount: 'OTHER-BOOK' }),
      ['ACCOUNT_NOT_FOUND creditAccount'],
    ],
    [
      'cash for a custody account',
      'postTransfer',
      transfer({ creditAccount: 'A-SAFE' }),
      ['ASSET_MISMATCH creditAccount'],
    ],
    [
      'securities for a cash account',
      'postEntry',
      entry({ postings: [line('DEPOT-T2S', 'DEBIT', '1', isin), line('A-CASH', 'CREDIT', '1', isin)] }),
      ['ASSET_MISMATCH postings.1.account'],
    ],
  ])('%s is told with its path', async (_what, name, input, expected) => {
    expect(codes(await ask(name, input))).toEqual(expected);
  });

  it('a closed period: the day ends between the asking and the booking', async () => {
    await service.run((tx) =>
      tx.execute(`UPDATE accounting.business_day SET state = 'CLOSING' WHERE book_id = 'NGEU' AND state = 'OPEN'`),
    );
    const before = await balanceOf('A-CASH');
    expect(codes(await ask('postDeposit', deposit()))).toEqual(['PERIOD_CLOSED book']);
    expect(await balanceOf('A-CASH')).toBe(before);
    await service.run((tx) =>
      tx.execute(`UPDATE accounting.business_day SET state = 'OPEN' WHERE book_id = 'NGEU' AND state = 'CLOSING'`),
    );
  });
});

describe('many entries at once', () => {
  interface Many {
    items: (Booked & { problems: { code: string; path: string | null }[] })[];
  }
  const many = (entries: object[]) =>
    service.mutate<Many>(
      'postEntries',
      'PostEntriesInput',
      { entries },
      'items { entry { id kind valueDate } replayed problems { code path } }',
    );

  it('are answered one by one, also when they come again, alone or elsewhere in another list', async () => {
    const [good, poor, faulty] = [
      entry(),
      entry({ postings: [line('A-CASH', 'DEBIT', '9999999.00'), line('B-CASH', 'CREDIT', '9999999.00')] }),
      entry({ postings: [line('A-CASH', 'DEBIT', '1.001'), line('B-CASH', 'CREDIT', '1.00')] }),
    ];
    const told = ({ items }: Many) => items.map((item) => [item.replayed, ...codes(item)]);
    const first = await many([poor, good, faulty, good]);
    expect(told(first)).toEqual([
      [false, 'INSUFFICIENT_FUNDS entries.0.postings.0.amount'],
      [false],
      [false, 'EXCESS_SCALE entries.2.postings.0.amount'],
      [true],
    ]);
    expect(first.items[3]?.entry?.id).toBe(first.items[1]?.entry?.id);
    const again = await many([good, poor, { ...good, description: 'y' }]);
    expect(told(again)).toEqual([
      [true],
      [true, 'INSUFFICIENT_FUNDS entries.1.postings.0.amount'],
      [false, 'IDEMPOTENCY_KEY_REUSED entries.2.description'],
    ]);
    expect(await ask('postEntry', good)).toMatchObject({ replayed: true, entry: { id: first.items[1]?.entry?.id } });
  });

  it('of one group are booked all or none, whatever stops one of them', async () => {
    const told = ({ items }: Many) =>
      items.map((item) => [item.entry !== null, item.replayed, ...codes(item).map((one) => one.split(' ')[0])]);
    const of = (group: string, more: object = {}) => entry({ group, ...more });
    const poor = { postings: [line('A-CASH', 'DEBIT', '9999999.00'), line('B-CASH', 'CREDIT', '9999999.00')] };
    const unread = { postings: [line('A-CASH', 'DEBIT', '1.001'), line('B-CASH', 'CREDIT', '1.00')] };
    const before = await balanceOf('A-CASH');
    expect(
      told(
        await many([
          of('a'),
          of('b', poor),
          of('c', unread),
          of('d', { kind: 'GIFT' }),
          entry(),
          of('b'),
          of('c'),
          of('d'),
        ]),
      ),
    ).toEqual([
      [true, false],
      [false, false, 'INSUFFICIENT_FUNDS'],
      [false, false, 'EXCESS_SCALE'],
      [false, false, 'NOT_ALLOWED'],
      [true, false],
      [false, false, 'LINKED_ITEM_REFUSED'],
      [false, false, 'LINKED_ITEM_REFUSED'],
      [false, false, 'LINKED_ITEM_REFUSED'],
    ]);
    expect(cents(before) - cents(await balanceOf('A-CASH'))).toBe(200n);
    const [one, two, three] = [of('g'), of('g'), of('g')];
    expect(told(await many([one, two]))).toEqual([
      [true, false],
      [true, false],
    ]);
    expect(told(await many([one, two]))).toEqual([
      [true, true],
      [true, true],
    ]);
    // Of a group that was booked before, no more is booked; of what a faulty one left, the keys are free.
    expect(told(await many([one, three, entry()]))).toEqual([
      [true, true],
      [false, false, 'LINKED_ITEM_REFUSED'],
      [true, false],
    ]);
    expect(told(await many([three, of('g')]))).toEqual([
      [true, false],
      [true, false],
    ]);
    expect(told(await many([of('h'), of('h', { validateOnly: true })])).map((item) => item[2])).toEqual([
      'GROUP_DIFFERS',
      'GROUP_DIFFERS',
    ]);
    expect(codes({ problems: (await many([of('')])).items[0]?.problems ?? [] })).toEqual([
      'INVALID_LENGTH entries.0.group',
    ]);
  });

  it('are none the worse for one that cannot be read, whose key is free afterwards', async () => {
    const [first, second] = [entry(), entry()];
    const hostile = [
      entry({ description: 'a\0', kind: 'GIFT' }),
      entry({ postings: [line('A\ud800', 'DEBIT'), line('B-CASH', 'CREDIT')] }),
    ];
    const answer = await many([hostile[0]!, first, hostile[1]!, second]);
    expect(codes(answer)).toEqual([]);
    expect(answer.items.map((item) => [item.entry !== null, ...codes(item)])).toEqual([
      [false, 'INVALID_TEXT entries.0.description', 'NOT_ALLOWED entries.0.kind'],
      [true],
      [false, 'INVALID_TEXT entries.2.postings.0.account'],
      [true],
    ]);
    const corrected = await many([{ ...hostile[0]!, description: 'a', kind: 'TRANSFER' }, first]);
    expect(corrected.items.map((item) => [item.entry !== null, item.replayed, ...codes(item)])).toEqual([
      [true, false],
      [true, true],
    ]);
  });

  it('are a thousand in one call', async () => {
    const before = await balanceOf('NOSTRO-EUR');
    const postings = [line('NOSTRO-EUR', 'DEBIT', '0.01'), line('B-CASH', 'CREDIT', '0.01')];
    const { items } = await many(Array.from({ length: 1_000 }, () => entry({ postings })));
    expect(items.filter((item) => item.entry !== null && item.problems.length === 0)).toHaveLength(1_000);
    expect(new Set(items.map((item) => item.entry?.id)).size).toBe(1_000);
    expect(cents(await balanceOf('NOSTRO-EUR')) - cents(before)).toBe(1_000n);
  });
});

describe('what was booked', () => {
  it('stands in a statement that adds up and has no gap', async () => {
    const { data } = await service.ask(
      `{ statement(book: "NGEU", account: "A-CASH", asset: "EUR", from: "2026-11-01", to: "2026-11-30") {
           problems { code } statement { opening closing debits credits entries { sequence side amount balanceAfter } } } }`,
    );
    const { problems, statement } = data?.statement as {
      problems: unknown[];
      statement: {
        opening: string;
        closing: string;
        debits: string;
        credits: string;
        entries: { sequence: string; side: string; amount: string; balanceAfter: string }[];
      };
    };
    expect(problems).toEqual([]);
    expect(statement.entries.length).toBeGreaterThan(5);
    expect(statement.entries.map(({ sequence }) => sequence)).toEqual(statement.entries.map((_, n) => String(n + 1)));
    let balance = cents(statement.opening);
    for (const { side, amount, balanceAfter } of statement.entries) {
      balance += side === 'CREDIT' ? cents(amount) : -cents(amount);
      expect(cents(balanceAfter)).toBe(balance);
    }
    expect(cents(statement.closing)).toBe(balance);
    expect(cents(statement.opening) + cents(statement.credits) - cents(statement.debits)).toBe(balance);
    expect(statement.closing).toBe(await balanceOf('A-CASH'));
  });

  it('stands in a trial balance equal to the postings, the balances and the daily buckets, zero per asset', async () => {
    const { data } = await service.ask(
      `{ trialBalance(book: "NGEU", businessDate: "2026-11-25") { assets { asset debit credit debitTotal creditTotal accounts } lines { account asset debit credit } } }`,
    );
    const { assets, lines } = data?.trialBalance as {
      assets: { asset: string; debit: string; credit: string; debitTotal: string; creditTotal: string }[];
      lines: { account: string; asset: string; debit: string; credit: string }[];
    };
    expect(assets.map(({ asset }) => asset)).toEqual(['EUR']);
    for (const { debit, credit, debitTotal, creditTotal } of assets) {
      expect(debit).toBe(credit);
      expect(debitTotal).toBe(creditTotal);
      expect(cents(debit)).toBeGreaterThan(0n);
    }
    const sums = await service.run((tx) =>
      tx.rows<{ number: string; postings: string; balance: string; buckets: string }>(
        `SELECT l.number, sum(p.units) AS postings, min(b.posted_debit - b.posted_credit) AS balance,
                (SELECT sum(d.debit - d.credit) FROM accounting.bucket_now d WHERE d.ledger_account_id = l.ledger_account_id) AS buckets
           FROM accounting.posting p JOIN accounting.ledger_account l USING (ledger_account_id) JOIN accounting.balance_now b USING (ledger_account_id)
          GROUP BY l.ledger_account_id, l.number ORDER BY l.number`,
      ),
    );
    for (const { postings, balance, buckets } of sums) expect([balance, buckets]).toEqual([postings, postings]);
    expect(lines.map(({ account, debit, credit }) => [account, String(cents(debit) - cents(credit))])).toEqual(
      sums.map(({ number, postings }) => [number, postings]),
    );
    expect(sums.reduce((sum, { postings }) => sum + BigInt(postings), 0n)).toBe(0n);
  });

  it('breaks no invariant', async () => {
    const verify = service.database.pool('verify');
    for (const one of accountingInvariants) {
      const { broken } = await one.check(
        async (sql, parameters) => (await verify.query(sql, parameters)).rows as never,
      );
      expect({ number: one.number, broken }).toEqual({ number: one.number, broken: [] });
    }
  });
});
