import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { accountingInvariants } from '../accounting.invariants.js';
import { Accounts } from '../accounts/accounts.service.js';
import { AssetsRepository } from '../assets/assets.repository.js';
import { accountOf, day, isin } from '../testing/bench.js';
import { type ServiceUnderTest, startService } from '../testing/service.js';

let service: ServiceUnderTest;
beforeAll(async () => {
  service = await startService();
  await service.run(async (tx) => {
    const assets = service.app.get(AssetsRepository, { strict: false });
    await assets.ensureCurrencies(tx, ['EUR', 'USD']);
    await assets.register(tx, [{ asset: isin, kind: 'INSTRUMENT', scale: 0, name: 'A share' }]);
    const cash = ['A', 'B', 'C', 'D', 'E', 'F', 'LIMITED', 'HEIR'].map((name) =>
      accountOf(`${name}-CASH`, 'CLIENT_CASH'),
    );
    await service.app
      .get(Accounts, { strict: false })
      .open(
        tx,
        [
          ...cash,
          accountOf('NOSTRO-EUR', 'NOSTRO', { currency: 'EUR' }),
          accountOf('MIGRATION', 'MIGRATION'),
          accountOf('OTHER', 'CLIENT_CASH', { book: 'NGUS' }),
        ],
        [{ book: 'NGEU', number: 'LIMITED-CASH', asset: 'EUR', overdraftUnits: '0', paymentLimitUnits: '1000' }],
      );
    await tx.execute(
      `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ('NGEU', $1, 'OPEN', '2026-11-26')`,
      [day],
    );
  });
});
afterAll(async () => {
  const verify = service.database.pool('verify');
  for (const one of accountingInvariants) {
    const { broken } = await one.check(async (sql, parameters) => (await verify.query(sql, parameters)).rows as never);
    expect({ number: one.number, broken }).toEqual({ number: one.number, broken: [] });
  }
  await service.stop();
});

interface Problems {
  problems: { code: string; path: string | null }[];
  replayed: boolean;
}
interface Closed extends Problems {
  account: { state: string } | null;
  entries: { id: string; postings: { accountNumber: string; side: string; amount: string; asset: string }[] }[] | null;
  left: { asset: string; balance: string; pendingDebit: string }[] | null;
}
let keys = 0;
const freshKey = () => `k-${(keys += 1)}`;
const codes = ({ problems }: Problems) => problems.map(({ code, path }) => `${code} ${path ?? ''}`.trim()).sort();
const close = (account: string, more: object = {}) =>
  service.mutate<Closed>(
    'closeAccount',
    'CloseAccountInput',
    { book: 'NGEU', account, reason: 'the client leaves', idempotencyKey: freshKey(), ...more },
    'account { state } entries { id postings { accountNumber side amount asset } } left { asset balance pendingDebit } replayed',
  );
const reopen = (account: string, more: object = {}) =>
  service.mutate<Problems & { account: { state: string } | null }>(
    'reopenAccount',
    'ReopenAccountInput',
    { book: 'NGEU', account, reason: 'the client stays', idempotencyKey: freshKey(), ...more },
    'account { state } replayed',
  );
const transfer = (debitAccount: string, creditAccount: string, amount: string, more: object = {}) =>
  service.mutate<Problems & { entry: { id: string } | null; moved: string | null }>(
    'postTransfer',
    'PostTransferInput',
    {
      ...{ book: 'NGEU', debitAccount, creditAccount, description: 'x', idempotencyKey: freshKey() },
      ...{ amount: { amount, currency: 'EUR' }, ...more },
    },
    'entry { id } moved replayed',
  );
const fund = async (account: string, amount: string, currency = 'EUR') => {
  const input = { amount: { amount, currency } };
  expect(codes(await transfer('MIGRATION', account, amount, input))).toEqual([]);
};
const hold = (debitAccount: string, amount: string, more: object = {}) =>
  service.mutate<Problems & { hold: { id: string; amount: string } | null; moved: string | null }>(
    'placeHold',
    'PlaceHoldInput',
    {
      ...{ book: 'NGEU', debitAccount, creditAccount: 'MIGRATION', asset: 'EUR', amount, reason: 'card' },
      ...{ expiresAt: '2026-12-31T00:00:00Z', idempotencyKey: freshKey(), ...more },
    },
    'hold { id amount } moved replayed',
  );
const release = (holdId: string) =>
  service.mutate<Problems>('releaseHold', 'ReleaseHoldInput', { holdId, idempotencyKey: freshKey() }, 'replayed');
const read = async (number: string) => {
  const { data } = await service.ask(
    `{ account(book: "NGEU", number: "${number}") { state balances { asset balance available } } }`,
  );
  return data?.account as { state: string; balances: { asset: string; balance: string; available: string }[] };
};
const balanceOf = async (number: string, asset = 'EUR') =>
  (await read(number)).balances.find((one) => one.asset === asset)?.balance;

describe('a sweep', () => {
  it('moves what is there and no more, says how much, and says the same again', async () => {
    await fund('A-CASH', '12.34');
    const input = { upTo: 'DEBIT', idempotencyKey: freshKey() };
    const swept = await transfer('A-CASH', 'B-CASH', '1000000.00', input);
    expect(swept).toMatchObject({ moved: '12.34', problems: [], replayed: false });
    expect(await transfer('A-CASH', 'B-CASH', '1000000.00', input)).toEqual({ ...swept, replayed: true });
    expect(codes(await transfer('A-CASH', 'B-CASH', '1000000.00', { ...input, upTo: 'BOTH' }))).toEqual([
      'IDEMPOTENCY_KEY_REUSED upTo',
    ]);
    expect(await transfer('A-CASH', 'B-CASH', '5.00', { upTo: 'DEBIT' })).toMatchObject({
      entry: null,
      moved: '0.00',
      problems: [],
    });
    expect(await transfer('B-CASH', 'A-CASH', '2.00', { upTo: 'DEBIT' })).toMatchObject({
      moved: '2.00',
      problems: [],
    });
    expect(await transfer('B-CASH', 'A-CASH', '2.00')).toMatchObject({ moved: null, problems: [] });
    expect([await balanceOf('A-CASH'), await balanceOf('B-CASH')]).toEqual(['4.00', '8.34']);
  });

  it('may be a hold', async () => {
    expect(await hold('B-CASH', '500.00', { upTo: 'DEBIT' })).toMatchObject({
      moved: '8.34',
      hold: { amount: '8.34' },
      problems: [],
    });
    expect(await hold('B-CASH', '500.00', { upTo: 'DEBIT' })).toMatchObject({
      moved: '0.00',
      hold: null,
      problems: [],
    });
  });

  it('tells its faults with their places', async () => {
    expect(codes(await transfer('A-CASH', 'A-CASH', '1.00', { upTo: 'DEBIT' }))).toEqual([
      'SAME_ACCOUNT creditAccount',
    ]);
    const twice = { creditAccount: 'A-CASH', upTo: 'DEBIT' };
    expect(codes(await hold('A-CASH', '-1.00', twice))).toEqual([
      'AMOUNT_NOT_POSITIVE amount',
      'SAME_ACCOUNT creditAccount',
    ]);
    expect(codes(await transfer('A-CASH', 'B-CASH', '0.00', { upTo: 'DEBIT' }))).toEqual([
      'AMOUNT_NOT_POSITIVE amount.amount',
    ]);
  });
});

describe('closing an account', () => {
  it('sweeps each asset to its target and closes, all of it or nothing', async () => {
    await fund('C-CASH', '100.00');
    await fund('C-CASH', '7.00', 'USD');
    const refused = await close('C-CASH', { sweepTo: [{ asset: 'EUR', account: 'HEIR-CASH' }] });
    expect([codes(refused), refused.account?.state, refused.entries]).toEqual([
      ['ACCOUNT_NOT_EMPTY account'],
      'OPEN',
      null,
    ]);
    expect(refused.left).toEqual([
      { asset: 'EUR', balance: '100.00', pendingDebit: '0.00' },
      { asset: 'USD', balance: '7.00', pendingDebit: '0.00' },
    ]);
    expect([await balanceOf('C-CASH'), await balanceOf('HEIR-CASH')]).toEqual(['100.00', '0.00']);
    const input = {
      idempotencyKey: freshKey(),
      sweepTo: ['USD', 'EUR'].map((asset) => ({ asset, account: 'HEIR-CASH' })),
    };
    const closed = await close('C-CASH', input);
    expect([codes(closed), closed.account?.state, closed.left]).toEqual([[], 'CLOSED', null]);
    expect(closed.entries?.map(({ postings }) => postings[0])).toEqual([
      { accountNumber: 'C-CASH', side: 'DEBIT', amount: '7.00', asset: 'USD' },
      { accountNumber: 'C-CASH', side: 'DEBIT', amount: '100.00', asset: 'EUR' },
    ]);
    expect(await close('C-CASH', input)).toEqual({ ...closed, replayed: true });
    expect((await read('C-CASH')).state).toBe('CLOSED');
    expect([await balanceOf('HEIR-CASH'), await balanceOf('HEIR-CASH', 'USD')]).toEqual(['100.00', '7.00']);
    expect(codes(await transfer('HEIR-CASH', 'C-CASH', '1.00'))).toEqual(['ACCOUNT_CLOSED creditAccount']);
    expect(codes(await close('C-CASH'))).toEqual(['ACCOUNT_CLOSED account']);
  });

  it('leaves what is held, and what is blocked', async () => {
    await fund('D-CASH', '10.00');
    const held = await hold('D-CASH', '3.00');
    const sweepTo = [{ asset: 'EUR', account: 'HEIR-CASH' }];
    const refused = await close('D-CASH', { sweepTo });
    expect([codes(refused), refused.left]).toEqual([
      ['ACCOUNT_NOT_EMPTY account'],
      [{ asset: 'EUR', balance: '10.00', pendingDebit: '3.00' }],
    ]);
    await release(held.hold?.id ?? '');
    const block = await service.mutate<{ block: { id: string } }>(
      'placeBlock',
      'PlaceBlockInput',
      {
        book: 'NGEU',
        account: 'D-CASH',
        direction: 'OUT',
        reasonCode: 'COURT_ORDER',
        reason: 'seized',
        idempotencyKey: freshKey(),
      },
      'block { id }',
    );
    expect(codes(await close('D-CASH', { sweepTo }))).toEqual(['ACCOUNT_BLOCKED account']);
    await service.mutate(
      'liftBlock',
      'LiftBlockInput',
      { blockId: block.block.id, reason: 'is over', idempotencyKey: freshKey() },
      'replayed',
    );
    expect(codes(await close('D-CASH', { sweepTo }))).toEqual([]);
  });

  it('keeps to the limit of a single payment', async () => {
    await fund('LIMITED-CASH', '10.01');
    const sweepTo = [{ asset: 'EUR', account: 'HEIR-CASH' }];
    expect(codes(await close('LIMITED-CASH', { sweepTo }))).toEqual(['LIMIT_EXCEEDED account']);
    expect(codes(await transfer('LIMITED-CASH', 'HEIR-CASH', '1.00'))).toEqual([]);
    expect(codes(await close('LIMITED-CASH', { sweepTo }))).toEqual([]);
  });

  it('tells every fault of the input at once, and leaves nothing of it', async () => {
    const input = {
      idempotencyKey: freshKey(),
      sweepTo: [
        { asset: 'EUR', account: 'E-CASH' },
        { asset: 'XXX', account: 'HEIR-CASH' },
      ],
    };
    expect(codes(await close('E-CASH', input))).toEqual([
      'ASSET_NOT_FOUND sweepTo.1.asset',
      'SAME_ACCOUNT sweepTo.0.account',
    ]);
    expect(codes(await close('NOBODY', { ...input, sweepTo: [] }))).toEqual(['ACCOUNT_NOT_FOUND account']);
    const nobody = [{ asset: 'EUR', account: 'NOBODY' }];
    expect(codes(await close('E-CASH', { ...input, sweepTo: nobody }))).toEqual([
      'ACCOUNT_NOT_FOUND sweepTo.0.account',
    ]);
    expect((await read('E-CASH')).state).toBe('OPEN');
  });

  it('and opening it again say why in the log', async () => {
    expect(codes(await reopen('E-CASH'))).toEqual(['ACCOUNT_NOT_CLOSED account']);
    expect(codes(await reopen('NOBODY'))).toEqual(['ACCOUNT_NOT_FOUND account']);
    expect(codes(await close('E-CASH'))).toEqual([]);
    const input = { idempotencyKey: freshKey() };
    expect(await reopen('E-CASH', input)).toMatchObject({ account: { state: 'OPEN' }, problems: [], replayed: false });
    expect(await reopen('E-CASH', input)).toMatchObject({ account: { state: 'OPEN' }, problems: [], replayed: true });
    await fund('E-CASH', '1.00');
    const leaves = await service.run((tx) =>
      tx.rows<{ reason: string }>(
        `SELECT reason FROM accounting.audit_leaf WHERE object_id = 'NGEU/E-CASH' AND action = 'ACCOUNT_STATE_CHANGED' ORDER BY sequence`,
      ),
    );
    expect(leaves.map(({ reason }) => reason)).toEqual(['the client leaves', 'the client stays']);
  });

  it('while others pay in leaves nothing on a closed account', async () => {
    await fund('F-CASH', '50.00');
    const sweepTo = [{ asset: 'EUR', account: 'HEIR-CASH' }];
    const answers = await Promise.all([
      ...Array.from({ length: 6 }, () => transfer('HEIR-CASH', 'F-CASH', '1.00')),
      close('F-CASH', { sweepTo }),
      ...Array.from({ length: 6 }, () => transfer('HEIR-CASH', 'F-CASH', '1.00')),
    ]);
    expect(codes(answers[6] as Problems)).toEqual([]);
    const { state, balances } = await read('F-CASH');
    expect([state, balances]).toEqual(['CLOSED', [{ asset: 'EUR', balance: '0.00', available: '0.00' }]]);
    for (const answer of answers.filter((_, n) => n !== 6))
      expect([[], ['ACCOUNT_CLOSED creditAccount']]).toContainEqual(codes(answer));
  });
});
