import { describe, expect, it } from '@jest/globals';
import { describeError, normalisedMessage, topFrame } from './error-fingerprint.js';

const thrownAt = (message: string) => new Error(message);

describe('the fingerprint of an error', () => {
  it.each([
    ['trade trd_8f3a2 is missing', 'trade trd_11b00 is missing'],
    ['balance 10.50 is below 11,000', 'balance 9 is below 2'],
    ['key "a" is there', 'key "b" is there'],
    ['run 6f1e8a52-1111-4222-8333-444455556666 ended', 'run 00000000-1111-4222-8333-444455556666 ended'],
    ['at 2026-11-02T07:00:00.000Z', 'at 2026-11-03T08:10:00.000Z'],
  ])('is the same for %s and %s', (one, other) => {
    expect(normalisedMessage(one)).toBe(normalisedMessage(other));
    expect(describeError(thrownAt(one)).fingerprint).toBe(describeError(thrownAt(other)).fingerprint);
  });

  it('differs by code, text and place', () => {
    const one = describeError(thrownAt('no account'));
    expect(describeError(thrownAt('no price')).fingerprint).not.toBe(one.fingerprint);
    expect(describeError(Object.assign(thrownAt('no account'), { code: '23505' })).fingerprint).not.toBe(
      one.fingerprint,
    );
    expect(describeError(new Error('no account')).fingerprint).not.toBe(one.fingerprint);
  });

  it('does not change when lines move', () => {
    expect(topFrame('Error: x\n    at post (/srv/app/apps/accounting/src/post.ts:10:5)')).toBe(
      topFrame('Error: x\n    at post (/home/b/apps/accounting/src/post.ts:99:1)'),
    );
  });

  it('describes what is no error', () => {
    expect(describeError('text')).toMatchObject({ code: 'Error', message: 'text' });
  });
});
