import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { type Bench, accountOf, createBench, day, isin } from '../testing/bench.js';
import { fold } from './fold.js';
import { type PostingItem, type ResultCode, resultCodes, transferOf } from './posting.js';

/** Items with the fault of the earlier code and that of the later one, and the same with the later alone: the last item answers. */
interface Both {
  readonly both: readonly PostingItem[];
  readonly laterAlone: readonly PostingItem[];
}
interface Never {
  readonly never: string;
}

let bench: Bench;
const reached = new Set<string>();
const told = new Set<string>();
const most = 2n ** 128n - 1n;
const unregistered = 'DE0005140008';
const closedDay = '2026-11-24';
const comingDay = '2026-11-26';

let made = 0;
const nextKey = () => `precedence-${(made += 1)}`;
const move = (debit: string, credit: string, units: bigint | number, more: object = {}) =>
  bench.move(nextKey(), debit, credit, units, more);
const line = (account: string, side: 'DEBIT' | 'CREDIT', units: bigint | number | string, asset = 'EUR') => ({
  account,
  asset,
  side,
  units: String(units),
});
const lines = (...postings: ReturnType<typeof line>[]) => move('', '', 0, { postings });
const reversal = (reverses: string, more: object = {}) =>
  ({
    ...move('', '', 1, more),
    op: 'REVERSAL',
    kind: 'CORRECTION',
    reverses,
    postings: undefined,
  }) as unknown as PostingItem;
const part = (reverses: string, units: number) =>
  ({ ...reversal(reverses), part: [1, 2].map((n) => ({ n, units: String(units) })) }) as unknown as PostingItem;
const hold = (debitAccount: string, units: number, expiresAt = '2026-12-01T00:00:00Z') =>
  ({
    op: 'HOLD',
    key: nextKey(),
    book: 'NGEU',
    hold: { debitAccount, creditAccount: 'SUSPENSE', asset: 'EUR', units: String(units), expiresAt, reason: 'card' },
  }) as PostingItem;
const capture = (holdId: string, units: bigint | number, more: object = {}) =>
  ({
    ...move('', '', 1, more),
    op: 'CAPTURE',
    kind: 'WITHDRAWAL',
    postings: undefined,
    hold: { holdId, units: String(units), final: false },
  }) as unknown as PostingItem;
const close = (account: string, empty = true): PostingItem => ({
  op: 'CLOSE',
  key: nextKey(),
  book: 'NGEU',
  close: { account, empty },
});
/** Behind an item that is refused, in its group. */
const inRefusedGroup = (item: PostingItem): PostingItem[] => {
  const group = nextKey();
  return [move('NOBODY', 'B-CASH', 1, { group }), { ...item, group }];
};
const posted = async (item: PostingItem): Promise<string> => {
  const { outcome, id, code } = await bench.one(item);
  expect([item.op, code ?? outcome]).toEqual([item.op, 'POSTED']);
  return id ?? '';
};

/** What the cases are made of, as it stands before the first of them. */
const known = {
  used: 'precedence-used',
  reversed: '',
  ofOne: '',
  ofReversed: '',
  reversal: '',
  ofClosedSince: '',
  reversalOfClosedSince: '',
  holdDone: '',
  holdRunOut: '',
  holdRunOutAndDone: '',
  holdRunOutOfClosed: '',
  holdDoneOfClosed: '',
  holdOfClosed: '',
  hold: '',
};

beforeAll(async () => {
  Logger.overrideLogger(false);
  bench = await createBench();
  await bench.run(async (tx) => {
    await bench.accounts.open(
      tx,
      ['E-CASH', 'F-CASH', 'G-CASH', 'FULL'].map((number) => accountOf(number, 'CLIENT_CASH')),
    );
    for (const number of ['A-CASH', 'D-CASH'])
      await bench.accounts.setLimit(tx, {
        book: 'NGEU',
        number,
        asset: 'EUR',
        overdraftUnits: '0',
        paymentLimitUnits: '500',
      });
    await tx.execute(
      `INSERT INTO accounting.business_day (book_id, business_date, state, next_business_date) VALUES ('NGEU', $1, 'CLOSED', $2)`,
      [closedDay, day],
    );
  });
  const deposit = (account: string, units: number) => posted(move('NOSTRO-EUR', account, units, { kind: 'DEPOSIT' }));
  for (const account of ['A-CASH', 'E-CASH', 'F-CASH', 'G-CASH']) await deposit(account, 1_000);
  await posted(bench.move(known.used, 'A-CASH', 'B-CASH', 1));
  known.reversed = await posted(move('NOSTRO-EUR', 'A-CASH', 10));
  known.ofOne = await posted(move('A-CASH', 'B-CASH', 1));
  known.reversal = await posted(reversal(known.reversed));

  known.ofClosedSince = await deposit('G-CASH', 10);
  known.reversalOfClosedSince = await posted(reversal(known.ofClosedSince));
  const soon = '2026-11-25T07:00:00Z';
  known.hold = await posted(hold('A-CASH', 100));
  known.holdRunOut = await posted(hold('A-CASH', 10, soon));
  const done = async (account: string, expiresAt?: string) => {
    const id = await posted(hold(account, 10, expiresAt));
    await posted(capture(id, 10));
    return id;
  };
  known.holdDone = await done('A-CASH');
  known.holdRunOutAndDone = await done('A-CASH', soon);
  known.holdDoneOfClosed = await done('E-CASH');
  known.holdOfClosed = await posted(hold('E-CASH', 10));
  known.holdRunOutOfClosed = await posted(hold('E-CASH', 10, soon));
  for (const account of ['E-CASH', 'G-CASH']) await posted(close(account, false));
  // No more than twice the largest amount fits on one side of an account.
  for (let times = 0; times < 2; times += 1) await posted(move('SUSPENSE', 'FULL', most));
  await posted(move('SUSPENSE', 'FULL', 10n ** 39n - 2n * most - 1n));
  await bench.database.setClock(soon);
});
afterAll(async () => {
  await bench.drop();
});

/** Of each code and the next one. */
const neighbours: Record<string, () => Both | Never> = {
  'IDEMPOTENCY_KEY_REUSED before MALFORMED_ITEM': () => ({
    both: [bench.move(known.used, 'A-CASH', 'B-CASH', 1, { kind: '' })],
    laterAlone: [move('A-CASH', 'B-CASH', 1, { kind: '' })],
  }),
  'MALFORMED_ITEM before TOO_FEW_POSTINGS': () => ({
    both: [lines(line('A-CASH', 'DEBIT', '1.5'))],
    laterAlone: [lines(line('A-CASH', 'DEBIT', 1))],
  }),
  'TOO_FEW_POSTINGS before AMOUNT_NOT_POSITIVE': () => ({
    both: [lines(line('A-CASH', 'DEBIT', 0))],
    laterAlone: [lines(line('A-CASH', 'DEBIT', 0), line('B-CASH', 'CREDIT', 0))],
  }),
  'AMOUNT_NOT_POSITIVE before AMOUNT_TOO_LARGE': () => ({
    both: [lines(line('A-CASH', 'DEBIT', most + 1n), line('B-CASH', 'CREDIT', 0))],
    laterAlone: [lines(line('A-CASH', 'DEBIT', most + 1n), line('B-CASH', 'CREDIT', most + 1n))],
  }),
  'AMOUNT_TOO_LARGE before NOT_BALANCED': () => ({
    both: [lines(line('A-CASH', 'DEBIT', most + 1n), line('B-CASH', 'CREDIT', 1))],
    laterAlone: [lines(line('A-CASH', 'DEBIT', 2), line('B-CASH', 'CREDIT', 1))],
  }),
  'NOT_BALANCED before ACCOUNT_NOT_FOUND': () => ({
    both: [lines(line('NOBODY', 'DEBIT', 2), line('B-CASH', 'CREDIT', 1))],
    laterAlone: [move('NOBODY', 'B-CASH', 1)],
  }),
  'ACCOUNT_NOT_FOUND before ASSET_NOT_FOUND': () => ({
    both: [move('', '', 0, { postings: transferOf('NOBODY', 'B-CASH', unregistered, '1') })],
    laterAlone: [move('', '', 0, { postings: transferOf('A-CASH', 'B-CASH', unregistered, '1') })],
  }),
  'ASSET_NOT_FOUND before ASSET_MISMATCH': () => {
    const mismatch = transferOf('A-CASH', 'B-CASH', isin, '1');
    return {
      both: [move('', '', 0, { postings: [...mismatch, ...transferOf('A-CASH', 'B-CASH', unregistered, '1')] })],
      laterAlone: [move('', '', 0, { postings: mismatch })],
    };
  },
  'ASSET_MISMATCH before PERIOD_NOT_OPEN': () => ({
    both: [move('', '', 0, { businessDate: comingDay, postings: transferOf('A-CASH', 'B-CASH', isin, '1') })],
    laterAlone: [move('A-CASH', 'B-CASH', 1, { businessDate: comingDay })],
  }),
  'PERIOD_NOT_OPEN before PERIOD_CLOSED': () => ({ never: 'a business date has one state' }),
  'PERIOD_CLOSED before ENTRY_NOT_FOUND': () => ({
    both: [reversal('ent_none', { businessDate: closedDay })],
    laterAlone: [reversal('ent_none')],
  }),
  'ENTRY_NOT_FOUND before NOT_REVERSIBLE': () => ({ never: 'what is not there is no reversal' }),
  // The rule by itself: fold.spec.ts.
  'NOT_REVERSIBLE before ALREADY_REVERSED': () => ({ never: 'a reversal was never reversed' }),
  'ALREADY_REVERSED before REVERSAL_EXCEEDED': () => ({
    both: [part(known.reversed, 11)],
    laterAlone: [part(known.ofOne, 2)],
  }),
  'REVERSAL_EXCEEDED before HOLD_NOT_FOUND': () => ({ never: 'an item reverses an entry or uses a hold' }),
  'HOLD_NOT_FOUND before HOLD_EXPIRED': () => ({ never: 'what is not there has not run out' }),
  'HOLD_EXPIRED before HOLD_CLOSED': () => ({
    both: [capture(known.holdRunOutAndDone, 1)],
    laterAlone: [capture(known.holdDone, 1)],
  }),
  'HOLD_CLOSED before ACCOUNT_CLOSED': () => ({
    both: [capture(known.holdDoneOfClosed, 1)],
    laterAlone: [capture(known.holdOfClosed, 1)],
  }),
  'ACCOUNT_CLOSED before ACCOUNT_BLOCKED': () => ({
    both: [move('D-CASH', 'C-CASH', 1)],
    laterAlone: [move('D-CASH', 'B-CASH', 1)],
  }),
  'ACCOUNT_BLOCKED before LIMIT_EXCEEDED': () => ({
    both: [move('D-CASH', 'B-CASH', 501)],
    laterAlone: [move('A-CASH', 'B-CASH', 501)],
  }),
  'LIMIT_EXCEEDED before LINKED_ITEM_REFUSED': () => ({
    both: inRefusedGroup(move('A-CASH', 'B-CASH', 501)),
    laterAlone: inRefusedGroup(move('A-CASH', 'B-CASH', 1)),
  }),
  'LINKED_ITEM_REFUSED before ACCOUNT_NOT_EMPTY': () => ({
    both: inRefusedGroup(close('F-CASH')),
    laterAlone: [close('F-CASH')],
  }),
  'ACCOUNT_NOT_EMPTY before HOLD_EXCEEDED': () => ({ never: 'a closing uses no hold' }),
  'HOLD_EXCEEDED before INSUFFICIENT_FUNDS': () => ({ never: 'what is held is there: a capture asks for no cover' }),
  'INSUFFICIENT_FUNDS before INSUFFICIENT_SECURITIES': () => {
    const securities = transferOf('A-SAFE', 'B-SAFE', isin, '1');
    return {
      both: [
        move('', '', 0, { kind: 'FEE', postings: [...securities, ...transferOf('B-CASH', 'A-CASH', 'EUR', '90000')] }),
      ],
      laterAlone: [
        move('', '', 0, { kind: 'FEE', postings: [...securities, ...transferOf('B-CASH', 'A-CASH', 'EUR', '1')] }),
      ],
    };
  },
  'INSUFFICIENT_SECURITIES before BALANCE_OUT_OF_RANGE': () => {
    const tooFull = transferOf('SUSPENSE', 'FULL', 'EUR', '1');
    return {
      both: [move('', '', 0, { postings: [...tooFull, ...transferOf('A-SAFE', 'B-SAFE', isin, '1')] })],
      laterAlone: [move('', '', 0, { postings: tooFull })],
    };
  },
  'BALANCE_OUT_OF_RANGE before LEDGER_CHECK_FAILED': () => ({ never: 'what the rule refuses is not written' }),
};

/** Where neighbours cannot be had together: with the next that can. */
const further: [ResultCode, ResultCode, () => Both][] = [
  [
    'PERIOD_NOT_OPEN',
    'ENTRY_NOT_FOUND',
    () => ({ both: [reversal('ent_none', { businessDate: comingDay })], laterAlone: [reversal('ent_none')] }),
  ],
  [
    'PERIOD_CLOSED',
    'HOLD_NOT_FOUND',
    () => ({ both: [capture('hld_none', 1, { businessDate: closedDay })], laterAlone: [capture('hld_none', 1)] }),
  ],
  [
    'PERIOD_CLOSED',
    'NOT_REVERSIBLE',
    () => ({ both: [reversal(known.reversal, { businessDate: closedDay })], laterAlone: [reversal(known.reversal)] }),
  ],
  [
    'ENTRY_NOT_FOUND',
    'LINKED_ITEM_REFUSED',
    () => ({ both: inRefusedGroup(reversal('ent_none')), laterAlone: inRefusedGroup(move('A-CASH', 'B-CASH', 1)) }),
  ],
  [
    'NOT_REVERSIBLE',
    'ACCOUNT_CLOSED',
    () => ({ both: [reversal(known.reversalOfClosedSince)], laterAlone: [move('G-CASH', 'B-CASH', 1)] }),
  ],
  [
    'ALREADY_REVERSED',
    'ACCOUNT_CLOSED',
    () => ({ both: [reversal(known.ofClosedSince)], laterAlone: [move('NOSTRO-EUR', 'G-CASH', 1)] }),
  ],
  [
    'HOLD_NOT_FOUND',
    'LINKED_ITEM_REFUSED',
    () => ({ both: inRefusedGroup(capture('hld_none', 1)), laterAlone: inRefusedGroup(capture(known.hold, 1)) }),
  ],
  [
    'HOLD_EXPIRED',
    'ACCOUNT_CLOSED',
    () => ({ both: [capture(known.holdRunOutOfClosed, 1)], laterAlone: [capture(known.holdOfClosed, 1)] }),
  ],
  ['ACCOUNT_CLOSED', 'ACCOUNT_NOT_EMPTY', () => ({ both: [close('E-CASH')], laterAlone: [close('F-CASH')] })],
  [
    'ACCOUNT_BLOCKED',
    'INSUFFICIENT_FUNDS',
    () => ({ both: [move('D-CASH', 'B-CASH', 1)], laterAlone: [move('B-CASH', 'A-CASH', 90_000)] }),
  ],
  [
    'LIMIT_EXCEEDED',
    'INSUFFICIENT_FUNDS',
    () => ({
      both: [move('A-CASH', 'B-CASH', 90_000)],
      laterAlone: [move('A-CASH', 'B-CASH', 90_000, { kind: 'FEE' })],
    }),
  ],
  [
    'LINKED_ITEM_REFUSED',
    'HOLD_EXCEEDED',
    () => ({ both: inRefusedGroup(capture(known.hold, 101)), laterAlone: [capture(known.hold, 101)] }),
  ],
  [
    'LINKED_ITEM_REFUSED',
    'INSUFFICIENT_FUNDS',
    () => ({
      both: inRefusedGroup(move('B-CASH', 'A-CASH', 90_000)),
      laterAlone: [move('B-CASH', 'A-CASH', 90_000)],
    }),
  ],
  [
    'INSUFFICIENT_FUNDS',
    'BALANCE_OUT_OF_RANGE',
    () => ({ both: [move('B-CASH', 'FULL', 90_000)], laterAlone: [move('SUSPENSE', 'FULL', 90_000)] }),
  ],
];

const answerOf = async (items: readonly PostingItem[]): Promise<string | undefined> => {
  const results = await bench.post(items);
  const { code } = results.at(-1) ?? {};
  if (code) reached.add(code);
  return code;
};

describe('of two faults the earlier code is the answer:', () => {
  const pairs = resultCodes.slice(1).map(({ code }, n): [ResultCode, ResultCode] => [resultCodes[n]!.code, code]);

  it.each(pairs)('%s before %s', async (earlier, later) => {
    const found = neighbours[`${earlier} before ${later}`]?.();
    if (!found) throw new Error('no case of this pair');
    if ('never' in found) return;
    told.add(earlier).add(later);
    expect([await answerOf(found.both), await answerOf(found.laterAlone)]).toEqual([earlier, later]);
  });

  it.each(further)('%s before %s', async (earlier, later, caseOf) => {
    const order = resultCodes.map(({ code }) => code);
    expect(order.indexOf(earlier)).toBeLessThan(order.indexOf(later));
    const found = caseOf();
    told.add(earlier).add(later);
    expect([await answerOf(found.both), await answerOf(found.laterAlone)]).toEqual([earlier, later]);
  });

  it('the ledger itself is the last that refuses', async () => {
    bench.posting.rule = (candidates, state) =>
      fold(candidates, { ...state, accounts: state.accounts.map((account) => ({ ...account, limit: 10n ** 30n })) });
    try {
      expect(await answerOf([move('B-CASH', 'A-CASH', 90_000)])).toBe('LEDGER_CHECK_FAILED');
      expect(await answerOf([move('SUSPENSE', 'FULL', 1)])).toBe('BALANCE_OUT_OF_RANGE');
    } finally {
      bench.posting.rule = fold;
    }
  });

  it('and every code that is published was one, told from another', () => {
    const codes = resultCodes.map(({ code }) => code);
    expect(codes.filter((code) => !reached.has(code))).toEqual([]);
    expect(codes.filter((code) => !told.has(code))).toEqual(['LEDGER_CHECK_FAILED']);
  });
});

describe('a group with an item that is refused before the ledger is asked', () => {
  const outcomes = async (items: readonly PostingItem[]) =>
    (await bench.post(items)).map(({ code, outcome }) => code ?? outcome);
  const available = async () =>
    (await bench.run((tx) => bench.accounts.balances(tx, { book: 'NGEU' }, 1_000))).find(
      ({ number, asset }) => number === 'A-CASH' && asset === 'EUR',
    )?.available;

  it.each<[string, () => object, ResultCode]>([
    ['a fault of its own', () => ({ description: undefined }), 'MALFORMED_ITEM'],
    ['a key of something else', () => ({ key: known.used }), 'IDEMPOTENCY_KEY_REUSED'],
  ])('has none of its items booked: %s', async (_, more, code) => {
    const before = await available();
    const group = nextKey();
    const bad = (): PostingItem => ({ ...move('A-CASH', 'B-CASH', 2, { group }), ...more() });
    const good = () => move('A-CASH', 'B-CASH', 3, { group });
    expect(await outcomes([good(), bad(), good()])).toEqual(['LINKED_ITEM_REFUSED', code, 'LINKED_ITEM_REFUSED']);
    expect(await outcomes([bad(), good()])).toEqual([code, 'LINKED_ITEM_REFUSED']);
    expect(await available()).toBe(before);
  });

  it('has none booked either when one was refused in an earlier call', async () => {
    const before = await available();
    const refused = move('B-CASH', 'A-CASH', 90_000, { group: 'again' });
    expect(await outcomes([refused])).toEqual(['INSUFFICIENT_FUNDS']);
    expect(await outcomes([move('A-CASH', 'B-CASH', 3, { group: 'again' }), refused])).toEqual([
      'LINKED_ITEM_REFUSED',
      'INSUFFICIENT_FUNDS',
    ]);
    expect(await available()).toBe(before);
  });

  it('is as it was when all of it comes again', async () => {
    const group = [move('A-CASH', 'B-CASH', 1, { group: 'twice' }), move('A-CASH', 'B-CASH', 2, { group: 'twice' })];
    expect(await outcomes(group)).toEqual(['POSTED', 'POSTED']);
    expect(await outcomes([...group, move('A-CASH', 'B-CASH', 3, { group: 'twice' })])).toEqual([
      'POSTED',
      'POSTED',
      'POSTED',
    ]);
  });
});
