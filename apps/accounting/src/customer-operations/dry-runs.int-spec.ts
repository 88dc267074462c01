import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Accounts } from '../accounts/accounts.service.js';
import { AssetsRepository } from '../assets/assets.repository.js';
import { accountOf, day } from '../testing/bench.js';
import { type ServiceUnderTest, startService } from '../testing/service.js';

let service: ServiceUnderTest;
beforeAll(async () => {
  service = await startService();
  await service.run(async (tx) => {
    await service.app.get(AssetsRepository, { strict: false }).ensureCurrencies(tx, ['EUR', 'USD']);
    await service.app
      .get(Accounts, { strict: false })
      .open(
        tx,
        [
          accountOf('A-CASH', 'CLIENT_CASH'),
          accountOf('B-CASH', 'CLIENT_CASH'),
          accountOf('CLOSED-CASH', 'CLIENT_CASH', { state: 'CLOSED' }),
          accountOf('BLOCKED-CASH', 'CLIENT_CASH', { state: 'BLOCKED' }),
          accountOf('LIMITED-CASH', 'CLIENT_CASH'),
          accountOf('NOSTRO-EUR', 'NOSTRO', { currency: 'EUR' }),
          accountOf('SUSPENSE', 'SUSPENSE'),
        ],
        [{ book: 'NGEU', number: 'LIMITED-CASH', asset: 'EUR', overdraftUnits: '500', paymentLimitUnits: '100' }],
      );
    await tx.execute(
      `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ('NGEU', $1, 'OPEN', '2026-11-26')`,
      [day],
    );
  });
  expect((await ask('postDeposit', { account: 'A-CASH', amount: cash('100.00') })).problems).toEqual([]);
});
afterAll(async () => {
  await service.stop();
});

interface Preview {
  postings: { account: string; side: string; amount: string; asset: string }[];
  balances: {
    account: string;
    balance: string;
    available: string;
    pendingDebit: string;
    pendingCredit: string;
    limit: string;
  }[];
  refusal: {
    code: string;
    account: string | null;
    asset: string | null;
    available: string | null;
    path: string;
  } | null;
}
interface Answer {
  entry?: { id: string } | null;
  hold?: { id: string } | null;
  moved: string | null;
  preview: Preview | null;
  replayed: boolean;
  problems: { code: string; path: string | null }[];
}
const selection = `moved replayed preview { postings { account asset side amount } balances { account balance available pendingDebit pendingCredit limit }
  refusal { code account asset available path } }`;
let keys = 0;
const freshKey = () => `k-${(keys += 1)}`;
const cash = (amount: string, currency = 'EUR') => ({ amount, currency });
const ask = (name: string, input: object) => {
  const isHold = name.endsWith('Hold');
  const type = `${name[0]?.toUpperCase()}${name.slice(1)}Input`;
  const base = isHold ? {} : { book: 'NGEU', description: 'x' };
  return service.mutate<Answer>(
    name,
    type,
    { ...base, idempotencyKey: freshKey(), ...input },
    `${isHold ? 'hold { id } entry { id }' : 'entry { id }'} ${selection}`,
  );
};
const dry = (name: string, input: object) => ask(name, { validateOnly: true, ...input });
const standing = (account: string, balance: string, available = balance, more: object = {}) => ({
  account,
  balance,
  available,
  pendingDebit: '0.00',
  pendingCredit: '0.00',
  limit: '0.00',
  ...more,
});
/** All that a posting could leave. */
const everything = () =>
  service.run((tx) =>
    tx.row(
      `SELECT ${[
        'journal_entry',
        'posting',
        'hold',
        'hold_movement',
        'ledger_account',
        'balance',
        'posting_key',
        'posting_refusal',
        'sweep',
        'idempotency',
        'audit_leaf',
        'account_state_change',
      ]
        .map((name) => `(SELECT count(*) FROM accounting.${name}) AS ${name}`)
        .join(
          ', ',
        )}, (SELECT sum(posted_debit + posted_credit + pending_debit + pending_credit) FROM accounting.balance_now) AS sums`,
    ),
  );
const transfer = (debitAccount: string, creditAccount: string, amount: string, more: object = {}) => ({
  debitAccount,
  creditAccount,
  amount: cash(amount),
  ...more,
});

describe('a dry run', () => {
  it('tells what would be booked and what it leaves, and leaves nothing itself, not even the key', async () => {
    const before = await everything();
    const input = { ...transfer('A-CASH', 'B-CASH', '30.00'), idempotencyKey: freshKey() };
    const told = await dry('postTransfer', input);
    expect(told).toEqual({
      entry: null,
      moved: null,
      replayed: false,
      problems: [],
      preview: {
        postings: [
          { account: 'A-CASH', asset: 'EUR', side: 'DEBIT', amount: '30.00' },
          { account: 'B-CASH', asset: 'EUR', side: 'CREDIT', amount: '30.00' },
        ],
        balances: [standing('A-CASH', '70.00'), standing('B-CASH', '30.00')],
        refusal: null,
      },
    });
    expect(await everything()).toEqual(before);
    expect(await dry('postTransfer', input)).toEqual(told);
    const booked = await ask('postTransfer', input);
    expect([booked.problems, booked.preview, booked.replayed, booked.entry === null]).toEqual([[], null, false, false]);
    // The key is the booking's now.
    expect((await dry('postTransfer', input)).problems).toMatchObject([
      { code: 'IDEMPOTENCY_KEY_REUSED', path: 'validateOnly' },
    ]);
    expect((await ask('postTransfer', transfer('B-CASH', 'A-CASH', '30.00'))).problems).toEqual([]);
  });

  it.each<[string, string, () => object, Partial<Preview['refusal']>, object[]]>([
    [
      'want of cover',
      'postTransfer',
      () => transfer('A-CASH', 'B-CASH', '100.01'),
      { code: 'INSUFFICIENT_FUNDS', account: 'A-CASH', asset: 'EUR', available: '100.00', path: 'amount.amount' },
      [standing('A-CASH', '100.00'), standing('B-CASH', '0.00')],
    ],
    [
      'an account that is closed',
      'postTransfer',
      () => transfer('A-CASH', 'CLOSED-CASH', '1.00'),
      { code: 'ACCOUNT_CLOSED', account: 'CLOSED-CASH', path: 'creditAccount' },
      [standing('A-CASH', '100.00'), standing('CLOSED-CASH', '0.00')],
    ],
    [
      'a block',
      'postWithdrawal',
      () => ({ account: 'BLOCKED-CASH', amount: cash('1.00') }),
      { code: 'ACCOUNT_BLOCKED', account: 'BLOCKED-CASH', path: 'account' },
      [standing('NOSTRO-EUR', '100.00'), standing('BLOCKED-CASH', '0.00')],
    ],
    [
      'a limit',
      'postTransfer',
      () => transfer('LIMITED-CASH', 'A-CASH', '1.01'),
      { code: 'LIMIT_EXCEEDED', account: 'LIMITED-CASH', path: 'amount.amount' },
      [standing('A-CASH', '100.00'), standing('LIMITED-CASH', '0.00', '0.00', { limit: '5.00' })],
    ],
    [
      'an account that is none',
      'postDeposit',
      () => ({ account: 'NOBODY', amount: cash('1.00') }),
      { code: 'ACCOUNT_NOT_FOUND', account: 'NOBODY', path: 'account' },
      [standing('NOSTRO-EUR', '100.00')],
    ],
  ])('tells the rule that would refuse: %s', async (_, name, input, refusal, balances) => {
    const before = await everything();
    const { preview, problems } = await dry(name, input());
    expect(preview?.refusal).toMatchObject(refusal ?? {});
    expect(preview?.postings).toEqual([]);
    expect(preview?.balances).toEqual(expect.arrayContaining(balances));
    expect(preview?.balances).toHaveLength(balances.length);
    expect(problems.map(({ code, path }) => [code, path])).toEqual([[refusal?.code, refusal?.path]]);
    expect(await everything()).toEqual(before);
  });

  it('of a sweep tells what it would move', async () => {
    const { preview, moved } = await dry('postTransfer', transfer('A-CASH', 'B-CASH', '500.00', { upTo: 'DEBIT' }));
    expect([moved, preview?.postings[0]?.amount, preview?.balances[0]]).toEqual([
      '100.00',
      '100.00',
      standing('A-CASH', '0.00'),
    ]);
    const none = await dry('postTransfer', transfer('B-CASH', 'A-CASH', '500.00', { upTo: 'DEBIT' }));
    expect([none.moved, none.preview?.postings]).toEqual(['0.00', []]);
  });

  it('of many tells each on what the ones before it leave, a group as one, and stays among its own', async () => {
    const before = await everything();
    const entry = (debit: string, credit: string, amount: string, more: object = {}) => ({
      ...{ book: 'NGEU', kind: 'FEE', description: 'x', idempotencyKey: freshKey(), validateOnly: true },
      postings: [
        { account: debit, asset: 'EUR', side: 'DEBIT', amount },
        { account: credit, asset: 'EUR', side: 'CREDIT', amount },
      ],
      ...more,
    });
    const many = async (...entries: object[]) => {
      const answer = await service.mutate<{ items: Answer[] }>(
        'postEntries',
        'PostEntriesInput',
        { entries },
        `items { entry { id } ${selection} problems { code path } }`,
      );
      return answer.items.map(
        ({ preview }) =>
          preview?.refusal?.code ??
          preview?.balances.map(({ account, available }) => `${account} ${available}`).join(', '),
      );
    };
    // Two callers at the same moment: neither sees what the other's dry run would take.
    const [one, two] = await Promise.all([
      many(entry('A-CASH', 'B-CASH', '60.00'), entry('A-CASH', 'B-CASH', '60.00'), entry('B-CASH', 'A-CASH', '10.00')),
      many(
        entry('A-CASH', 'B-CASH', '100.00', { group: 'g' }),
        entry('B-CASH', 'A-CASH', '1.00', { group: 'g' }),
        entry('A-CASH', 'B-CASH', '1.00', { group: 'h' }),
        entry('A-CASH', 'B-CASH', '1.00', { group: 'h' }),
      ),
    ]);
    expect(one).toEqual(['A-CASH 40.00, B-CASH 60.00', 'INSUFFICIENT_FUNDS', 'B-CASH 50.00, A-CASH 50.00']);
    expect(two).toEqual([
      'A-CASH 1.00, B-CASH 99.00',
      'B-CASH 99.00, A-CASH 1.00',
      'LINKED_ITEM_REFUSED',
      'INSUFFICIENT_FUNDS',
    ]);
    expect(await everything()).toEqual(before);
  });

  it('of an input with a fault has nothing to tell but the fault', async () => {
    expect(await dry('postTransfer', transfer('A-CASH', 'B-CASH', '1.001'))).toMatchObject({
      preview: null,
      problems: [{ code: 'EXCESS_SCALE', path: 'amount.amount' }],
    });
  });
});

describe('a dry run of a hold', () => {
  const place = (amount: string, more: object = {}) => ({
    ...{ book: 'NGEU', debitAccount: 'A-CASH', creditAccount: 'SUSPENSE', asset: 'EUR', amount, reason: 'card' },
    ...{ expiresAt: '2026-12-31T00:00:00Z', ...more },
  });
  it('shows it in what is pending, its capture in what is posted, and its release in what is free', async () => {
    const placed = await ask('placeHold', place('40.00'));
    const holdId = placed.hold?.id ?? '';
    const before = await everything();
    const more = await dry('placeHold', place('20.00'));
    expect([more.hold, more.preview]).toEqual([
      null,
      {
        postings: [],
        balances: [
          standing('A-CASH', '100.00', '40.00', { pendingDebit: '60.00' }),
          standing('SUSPENSE', '0.00', '-60.00', { pendingCredit: '60.00' }),
        ],
        refusal: null,
      },
    ]);
    const tooMuch = await dry('placeHold', place('60.01'));
    expect(tooMuch.preview?.refusal).toEqual({
      code: 'INSUFFICIENT_FUNDS',
      account: 'A-CASH',
      asset: 'EUR',
      available: '60.00',
      path: 'amount',
    });
    expect((await dry('placeHold', place('500.00', { upTo: 'DEBIT' }))).moved).toBe('60.00');
    const captured = await dry('captureHold', { holdId, amount: '30.00', isFinal: true, description: 'x' });
    expect(captured.preview?.postings.map(({ account, side, amount }) => [account, side, amount])).toEqual([
      ['A-CASH', 'DEBIT', '30.00'],
      ['SUSPENSE', 'CREDIT', '30.00'],
    ]);
    expect(captured.preview?.balances[0]).toEqual(standing('A-CASH', '70.00'));
    expect((await dry('captureHold', { holdId, amount: '40.01', description: 'x' })).preview?.refusal).toMatchObject({
      code: 'HOLD_EXCEEDED',
      path: 'amount',
    });
    const released = await dry('releaseHold', { holdId, amount: '15.00' });
    expect(released.preview?.balances[0]).toEqual(standing('A-CASH', '100.00', '75.00', { pendingDebit: '25.00' }));
    expect(await everything()).toEqual(before);
    expect((await ask('releaseHold', { holdId })).problems).toEqual([]);
  });
});
