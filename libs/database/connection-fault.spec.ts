import { describe, expect, it } from '@jest/globals';
import { connectionFault } from './connection-fault.js';

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
