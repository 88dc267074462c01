import { describe, expect, it } from '@jest/globals';
import { type PostingResult } from '../journal/posting.js';
import { type Closing, itemsOf, refusalOf, targetFaults } from './closings.js';

const closing = (more: Partial<Closing> = {}): Closing => ({
  book: 'NGEU',
  account: 'A',
  normalSide: 'CREDIT',
  sweepTo: [
    { asset: 'EUR', account: 'B' },
    { asset: 'USD', account: 'C' },
  ],
  reason: 'the client leaves',
  key: 'k',
  subjectId: 'NGEU/A',
  businessDate: '2026-11-25',
  ...more,
});

describe('closing an account', () => {
  it('sweeps each asset to its target and closes, in one group', () => {
    const items = itemsOf(closing());
    expect(items.map(({ op, key, group }) => [op, key, group])).toEqual([
      ['ENTRY', 'k#EUR', 'closing'],
      ['ENTRY', 'k#USD', 'closing'],
      ['CLOSE', 'k', 'closing'],
    ]);
    expect(items[0]).toMatchObject({
      upTo: 'DEBIT',
      postings: [
        { account: 'A', asset: 'EUR', side: 'DEBIT' },
        { account: 'B', asset: 'EUR', side: 'CREDIT' },
      ],
    });
    expect(itemsOf(closing({ sweepTo: [] }))).toEqual([
      { op: 'CLOSE', key: 'k', book: 'NGEU', close: { account: 'A', empty: true } },
    ]);
  });

  it('draws an account with a debit balance by a credit', () => {
    expect(itemsOf(closing({ normalSide: 'DEBIT' }))[0]).toMatchObject({
      upTo: 'CREDIT',
      postings: [
        { account: 'B', side: 'DEBIT' },
        { account: 'A', side: 'CREDIT' },
      ],
    });
  });

  it('tells every fault of the targets with its place', () => {
    const targets = [
      { asset: 'EUR', account: 'A' },
      { asset: 'EUR', account: 'B' },
      { asset: 'XXX', account: 'A' },
    ];
    const faults = targetFaults('A', targets, (asset) => asset === 'EUR');
    expect(faults.map(({ code, path }) => `${code} ${path.join('.')}`)).toEqual([
      'SAME_ACCOUNT sweepTo.0.account',
      'ASSET_REPEATED sweepTo.1.asset',
      'ASSET_NOT_FOUND sweepTo.2.asset',
      'SAME_ACCOUNT sweepTo.2.account',
    ]);
  });

  it.each<[PostingResult['code'], number, string | undefined, string]>([
    ['IDEMPOTENCY_KEY_REUSED', 0, undefined, 'idempotencyKey'],
    ['PERIOD_CLOSED', 1, undefined, 'book'],
    ['ACCOUNT_CLOSED', 1, 'A', 'account'],
    ['ACCOUNT_NOT_FOUND', 1, 'C', 'sweepTo.1.account'],
    ['ASSET_MISMATCH', 1, 'C', 'sweepTo.1.asset'],
    ['ACCOUNT_NOT_EMPTY', 2, 'A', 'account'],
  ])('%s of item %d is told at its place', (code, n, account, path) => {
    const results = [0, 1, 2].map((at): PostingResult => ({
      outcome: 'REFUSED',
      key: String(at),
      book: 'NGEU',
      op: 'ENTRY',
      code: at === n ? code : 'LINKED_ITEM_REFUSED',
      ...(account === undefined ? {} : { account }),
      replayed: false,
    }));
    expect(refusalOf(results, closing())?.path.join('.')).toBe(path);
  });
});
