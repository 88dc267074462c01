import { describe, expect, it } from '@jest/globals';
import { connectionFault, isTransientFault } from './connection-fault.js';

const url = 'postgres://owner:hun%2Fter2@db.example:6543/back_office';
const failing = (code: string | undefined, message = '') => Object.assign(new Error(message), code ? { code } : {});

describe('what is said of a database that cannot be used', () => {
  it.each([
    [failing('ECONNREFUSED'), url, 'Nothing answers at db.example:6543'],
    [failing('ENOTFOUND'), url, 'There is no host db.example'],
    [failing('28P01'), url, 'refuses the user owner or the password'],
    [failing('3D000'), url, 'CREATE DATABASE "back_office"'],
    [failing('53300'), url, 'max_connections'],
    [failing('57P03'), url, 'Try again when it is up'],
    [failing(undefined, 'SASL: client password must be a string'), url, 'asks for a password'],
    [failing(undefined, 'timeout expired'), url, 'does not answer in time'],
    [failing('X'), 'localhost:5432/back_office', 'This is no Postgres address'],
    [failing('X'), 'mysql://a:b@c/d', 'This is no Postgres address'],
  ])('%s', (error, address, said) => {
    const text = connectionFault(error, address) ?? '';
    expect(text).toContain(said);
    expect(text).not.toMatch(/hun.?ter2|hun%2Fter2/);
  });

  it('is silent about everything else', () => {
    expect(connectionFault(failing('42P01', 'relation "x" does not exist'), url)).toBeUndefined();
    expect(connectionFault(new Error('a bug'), url)).toBeUndefined();
  });
});

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
