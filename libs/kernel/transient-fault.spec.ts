import { describe, expect, it } from '@jest/globals';
import { isTransientFault } from './index.js';

const failing = (code: string | undefined, message = '') => Object.assign(new Error(message), code ? { code } : {});

describe('what may succeed when it is done again', () => {
  it.each([
    ['57014', 'canceling statement due to statement timeout'],
    ['57P01', 'terminating connection due to administrator command'],
    ['40001', 'could not serialize access'],
    ['08006', 'connection failure'],
    ['53300', 'too many clients'],
    ['55P03', 'lock not available'],
    ['ECONNRESET', 'read ECONNRESET'],
    ['EPOOLEXHAUSTED', 'none of the 2 connections of the pool came free in 15 s'],
    [undefined, 'Connection terminated unexpectedly'],
    [undefined, 'timeout exceeded when trying to connect'],
  ])('%s %s', (code, message) => {
    const error = failing(code, message);
    expect(isTransientFault(error)).toBe(true);
    expect(isTransientFault(Object.assign(new Error('query failed'), { driverError: error }))).toBe(true);
    expect(isTransientFault(new Error('work failed', { cause: error }))).toBe(true);
  });

  it.each([
    ['23505', 'duplicate key value'],
    ['23001', 'undeclared change of a payment'],
    ['42P01', 'relation does not exist'],
    ['P0001', 'raised'],
    [undefined, 'a bug'],
  ])('not %s %s', (code, message) => {
    expect(isTransientFault(failing(code, message))).toBe(false);
  });

  it('nor what is no error', () => {
    expect([undefined, null, 'ECONNRESET', { code: '57014' }].map(isTransientFault)).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });
});
