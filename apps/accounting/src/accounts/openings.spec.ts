import { describe, expect, it } from '@jest/globals';
import { decideOpenings, type OpeningTerms } from './openings.js';

const terms: OpeningTerms = { kind: 'CLIENT_CASH', currency: 'EUR', normalSide: 'CREDIT', mode: 'STRICT' };
const decide = (asked: Parameters<typeof decideOpenings>[0], standing: [string, OpeningTerms][] = []) =>
  decideOpenings(asked, new Map(standing), (asset) => asset === 'EUR').map((one) =>
    one.outcome === 'DIFFERS' ? `DIFFERS ${one.field}` : one.outcome,
  );

describe('opening accounts', () => {
  it('opens once, and tells another account of the same number by what differs', () => {
    expect(
      decide([
        { number: 'A', terms },
        { number: 'A', terms },
        { number: 'A', terms: { ...terms, mode: 'ROLLUP' } },
        { number: 'A', terms: { ...terms, kind: 'NOSTRO' } },
        { number: 'B', terms: { ...terms, currency: 'XXX' } },
        { number: 'B', terms: { currency: 'EUR' } },
        { number: 'B', terms: { ...terms, currency: null } },
      ]),
    ).toEqual(['OPENED', 'EXISTS', 'DIFFERS mode', 'DIFFERS kind', 'ASSET_NOT_FOUND', 'KIND_REQUIRED', 'OPENED']);
  });

  it('opens a group whole or not at all', () => {
    expect(
      decide(
        [
          { number: 'A', terms, group: 'one' },
          { number: 'B', terms, group: 'one' },
          { number: 'A', terms, group: 'one' },
          { number: 'C', terms, group: 'one' },
          { number: 'A', terms, group: 'two' },
          { number: 'C', terms, group: 'two' },
          { number: 'B', terms },
        ],
        [['Z', terms]],
      ),
    ).toEqual([
      'LINKED_ITEM_REFUSED',
      'LINKED_ITEM_REFUSED',
      'EXISTS',
      'LINKED_ITEM_REFUSED',
      'OPENED',
      'OPENED',
      'OPENED',
    ]);
  });
});
