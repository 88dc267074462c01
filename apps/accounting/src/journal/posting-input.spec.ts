import { describe, expect, it } from '@jest/globals';
import { idOf, inputFault, jsonbText, requestHash } from './posting-input.js';
import { type PostingItem, transferOf } from './posting.js';

const entry = (more: object = {}): PostingItem => ({
  op: 'ENTRY',
  key: 'k',
  book: 'NGEU',
  kind: 'TRANSFER',
  businessDate: '2026-11-25',
  valueDate: '2026-11-25',
  description: 'test',
  subject: { kind: 'TEST', id: 't' },
  postings: transferOf('A-CASH', 'B-CASH', 'EUR', '100'),
  ...more,
});
const line = (side: string, units: unknown, asset = 'EUR') => ({ account: `A-${side}`, asset, side, units });
const hold = {
  debitAccount: 'A',
  creditAccount: 'B',
  asset: 'EUR',
  units: '1',
  expiresAt: '2026-11-25T12:00:00Z',
  reason: 'card',
};

describe('a fault of the input', () => {
  it.each<[string, object, string | undefined]>([
    ['none', {}, undefined],
    ['an operation nobody knows', { op: 'ERASE' }, 'MALFORMED_ITEM'],
    ['no key', { key: '' }, 'MALFORMED_ITEM'],
    ['no book', { book: undefined }, 'MALFORMED_ITEM'],
    ['no kind', { kind: '' }, 'MALFORMED_ITEM'],
    ['a day that does not exist', { valueDate: '2026-02-30' }, 'MALFORMED_ITEM'],
    ['no subject', { subject: null }, 'MALFORMED_ITEM'],
    ['a NUL', { description: 'a\0b' }, 'MALFORMED_ITEM'],
    ['half a character', { description: 'a\ud800b' }, 'MALFORMED_ITEM'],
    ['a fact without a reason', { forced: { reason: '' } }, 'MALFORMED_ITEM'],
    ['postings that are no list', { postings: 'all' }, 'MALFORMED_ITEM'],
    ['part of a unit', { postings: [line('DEBIT', '1.5'), line('CREDIT', '1.5')] }, 'MALFORMED_ITEM'],
    ['an amount as a number', { postings: [line('DEBIT', 1), line('CREDIT', 1)] }, 'MALFORMED_ITEM'],
    ['one posting', { postings: [line('DEBIT', '1')] }, 'TOO_FEW_POSTINGS'],
    ['nothing', { postings: [line('DEBIT', '0'), line('CREDIT', '0')] }, 'AMOUNT_NOT_POSITIVE'],
    ['less than nothing', { postings: [line('DEBIT', '-1'), line('CREDIT', '-1')] }, 'AMOUNT_NOT_POSITIVE'],
    ['too much', { postings: transferOf('A', 'B', 'EUR', (2n ** 128n).toString()) }, 'AMOUNT_TOO_LARGE'],
    ['the most there is', { postings: transferOf('A', 'B', 'EUR', (2n ** 128n - 1n).toString()) }, undefined],
    ['sides that differ', { postings: [line('DEBIT', '1'), line('CREDIT', '2')] }, 'NOT_BALANCED'],
    [
      'assets that do not balance each',
      { postings: [line('DEBIT', '1', 'EUR'), line('CREDIT', '1', 'USD')] },
      'NOT_BALANCED',
    ],
    [
      'a sweep of three lines',
      { upTo: 'DEBIT', postings: [line('DEBIT', '2'), line('CREDIT', '1'), line('CREDIT', '1')] },
      'MALFORMED_ITEM',
    ],
    ['a forced sweep', { upTo: 'DEBIT', forced: { reason: 'fact' } }, 'MALFORMED_ITEM'],
    ['a hold between one account', { op: 'HOLD', hold: { ...hold, creditAccount: 'A' } }, 'MALFORMED_ITEM'],
    ['a hold until some time', { op: 'HOLD', hold: { ...hold, expiresAt: 'soon' } }, 'MALFORMED_ITEM'],
    ['a hold of nothing', { op: 'HOLD', hold: { ...hold, units: '0' } }, 'AMOUNT_NOT_POSITIVE'],
    ['a release of all', { op: 'RELEASE', hold: { holdId: 'hld_1' } }, undefined],
    ['a closing of nothing', { op: 'CLOSE', close: {} }, 'MALFORMED_ITEM'],
  ])('%s', (_, more, code) => {
    expect(inputFault(entry(more))?.code).toBe(code);
  });

  it('is the first in the published order, and names the first asset of the alphabet', () => {
    const postings = [line('DEBIT', '0', 'USD'), line('CREDIT', '1', 'EUR'), line('DEBIT', '-1', 'EUR')];
    expect(inputFault(entry({ postings }))).toEqual({ code: 'AMOUNT_NOT_POSITIVE', asset: 'EUR' });
  });
});

describe('the hash of a request', () => {
  it('does not depend on the order of its members, nor on those that are not there', () => {
    const turned = Object.fromEntries(Object.entries(entry()).reverse()) as unknown as PostingItem;
    expect(requestHash(turned)).toEqual(requestHash(entry({ forced: undefined })));
    expect(requestHash(entry({ description: 'other' }))).not.toEqual(requestHash(entry()));
  });

  it('is made of the text that Postgres gives a jsonb', () => {
    expect(jsonbText({ bb: 1, a: { c: [true, null, 'x"\n\u001fé'] }, ab: undefined, aa: '' })).toBe(
      '{"a": {"c": [true, null, "x\\"\\n\\u001fé"]}, "aa": "", "bb": 1}',
    );
  });
});

it('the id of an entry follows from its book and key', () => {
  expect(idOf(entry())).toBe(idOf(entry({ description: 'other' })));
  expect(idOf(entry())).not.toBe(idOf(entry({ book: 'NGUS' })));
  expect(idOf({ op: 'HOLD', book: 'NGEU', key: 'k' })).toMatch(/^hld_[0-9a-f]{32}$/);
});
