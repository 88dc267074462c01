import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { differingPath, differingPosting, fingerprintOf, isSameInput } from './input-fingerprint.js';
import { jsonbText } from './posting-input.js';
import { type PostingItem, refusalText, transferOf } from './posting.js';

const base = { key: 'k', book: 'NGEU' };
const dated = {
  ...base,
  kind: 'TRANSFER',
  businessDate: '2026-11-25',
  valueDate: '2026-11-25',
  description: 'test',
  subject: { kind: 'TEST', id: 't' },
};
const entry = { ...dated, op: 'ENTRY', postings: transferOf('A', 'B', 'EUR', '100') };
const reversal = { ...dated, op: 'REVERSAL', reverses: 'ent_1' };
const capture = { ...dated, op: 'CAPTURE', hold: { holdId: 'hld_1', units: '5', final: false } };
const release = { ...base, op: 'RELEASE', hold: { holdId: 'hld_1' } };
const held = {
  debitAccount: 'A',
  creditAccount: 'B',
  asset: 'EUR',
  units: '1',
  expiresAt: '2026-12-01',
  reason: 'card',
};
const hold = { ...base, op: 'HOLD', hold: held };
const close = { ...base, op: 'CLOSE', close: { account: 'A', empty: true } };
const reopen = { ...base, op: 'REOPEN', close: { account: 'A' } };
const of = (item: object) => fingerprintOf(item as PostingItem);
const told = (kept: object, now: object) => differingPath(of(kept), now as PostingItem).join('.');

describe('what is kept of an input', () => {
  it.each<[string, object, object]>([
    ['op', entry, { op: 'REVERSAL' }],
    ['group', entry, { group: 'g' }],
    ['kind', entry, { kind: 'FEE' }],
    ['businessDate', entry, { businessDate: '2026-11-26' }],
    ['valueDate', entry, { valueDate: '2026-11-26' }],
    ['description', entry, { description: '' }],
    ['subject', entry, { subject: { kind: 'TEST', id: 'u' } }],
    ['forced', entry, { forced: { reason: 'fact' } }],
    ['upTo', entry, { upTo: 'DEBIT' }],
    ['postings', entry, { postings: transferOf('A', 'B', 'EUR', '101') }],
    ['reverses', reversal, { reverses: 'ent_2' }],
    ['hold.holdId', capture, { hold: { ...capture.hold, holdId: 'hld_2' } }],
    ['hold.units', capture, { hold: { ...capture.hold, units: '6' } }],
    ['hold.final', capture, { hold: { ...capture.hold, final: true } }],
    ['hold.units', release, { hold: { holdId: 'hld_1', units: '1' } }],
    ...Object.keys(held).map((name): [string, object, object] => [
      `hold.${name}`,
      hold,
      { hold: { ...held, [name]: 'other' } },
    ]),
    ['close.account', close, { close: { account: 'B', empty: true } }],
    ['close.empty', close, { close: { account: 'A', empty: false } }],
    ['close.account', reopen, { close: { account: 'B' } }],
  ])('names %s', (path, item, more) => {
    const now = { ...item, ...more } as PostingItem;
    expect(isSameInput(of(item), now, fingerprintOf(now))).toBe(false);
    expect(told(item, now)).toBe(path);
  });

  it('is a few bytes, and the same for the same input', () => {
    const sizes = [entry, reversal, capture, hold, release, close, reopen].map((item) => of(item).length);
    expect(sizes).toEqual([36, 34, 38, 34, 24, 24, 22]);
    const turned = Object.fromEntries(Object.entries(entry).reverse());
    expect(of({ ...turned, group: undefined })).toEqual(of(entry));
  });

  it('tells another input also where two bytes do not, and then names no part', () => {
    const kept = of(entry);
    const now = { ...entry, description: 'test 110701' } as PostingItem;
    expect(fingerprintOf(now).subarray(16)).toEqual(kept.subarray(16));
    expect(isSameInput(kept, now, fingerprintOf(now))).toBe(false);
    expect(differingPath(kept, now)).toEqual([]);
  });

  it('of an older day is the whole hash: it tells another input, and no part', () => {
    const older = createHash('sha256').update(jsonbText(entry)).digest();
    const other = { ...entry, description: 'other' } as PostingItem;
    expect(isSameInput(older, entry as PostingItem, of(entry))).toBe(true);
    expect(isSameInput(older, other, fingerprintOf(other))).toBe(false);
    expect(differingPath(older, other)).toEqual([]);
  });

  it('is made of whatever comes', () => {
    for (const item of [{}, { op: 'ERASE' }, { op: 'HOLD', hold: null }, { op: 'ENTRY', postings: 'all', subject: 5 }])
      expect(of(item).length).toBeGreaterThanOrEqual(16);
    expect(told(entry, { ...base, op: 'ERASE' })).toBe('op');
  });
});

describe('of the postings of an entry that was booked', () => {
  const booked = [
    { n: 1, account: 'A', asset: 'EUR', units: 100n },
    { n: 2, account: 'B', asset: 'EUR', units: -100n },
  ];
  const path = (postings: object[]) => differingPosting({ ...entry, postings } as never, booked).join('.');
  const [first, second] = entry.postings as [object, object];
  it.each<[string, object[]]>([
    ['postings', [first]],
    ['postings.0.account', [{ ...first, account: 'C' }, second]],
    ['postings.1.asset', [first, { ...second, asset: 'USD' }]],
    ['postings.0.side', [{ ...first, side: 'CREDIT' }, second]],
    ['postings.1.units', [first, { ...second, units: '99' }]],
    ['postings', [first, second]],
  ])('%s is named', (expected, postings) => {
    expect(path(postings)).toBe(expected);
  });
});

it('a refusal says where the inputs differ', () => {
  const result = {
    outcome: 'REFUSED',
    code: 'IDEMPOTENCY_KEY_REUSED',
    key: 'k',
    book: 'NGEU',
    op: 'ENTRY',
    replayed: false,
  } as const;
  expect(refusalText({ ...result, path: ['postings', 1, 'units'] })).toBe(
    'The key was used before with another input. (postings.1.units)',
  );
  expect(refusalText({ ...result, path: [] })).toBe('The key was used before with another input.');
});
