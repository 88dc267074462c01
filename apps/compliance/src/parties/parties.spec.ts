import { describe, expect, it } from '@jest/globals';
import { readParty } from './parties.js';

const row = {
  partyId: 'P-1',
  kind: 'CLIENT',
  name: 'Zoë Becker',
  legalForm: 'NATURAL',
  country: 'DE',
  birthDate: '1980-02-29',
  lei: '',
  book: 'NGEU',
  status: '',
};

describe('a row of the file of parties', () => {
  it('is a party; blank book and status have their meaning', () => {
    expect(readParty({ ...row, book: '' })).toEqual({
      ok: true,
      value: {
        partyId: 'P-1',
        kind: 'CLIENT',
        legalForm: 'NATURAL',
        name: 'Zoë Becker',
        country: 'DE',
        birthDate: '1980-02-29',
        lei: null,
        book: '*',
        status: 'ACTIVE',
      },
    });
  });

  it.each([
    [{ partyId: 'x' }, ['INVALID_PARTY_ID']],
    [{ kind: 'FRIEND' }, ['NOT_ALLOWED']],
    [{ name: ' ' }, ['REQUIRED']],
    [{ name: 'a\tb' }, ['CONTROL_CHARACTER']],
    [{ country: 'Germany' }, ['INVALID_COUNTRY']],
    [{ birthDate: '1981-02-29' }, ['INVALID_DATE']],
    [{ legalForm: 'LEGAL' }, ['NOT_ALLOWED']],
    [{ lei: '529900T8BM49AURSDO56' }, ['INVALID_LEI']],
    [{ book: 'eu' }, ['INVALID_BOOK']],
    [{ status: 'WITHDRAWN' }, ['NOT_ALLOWED']],
    [{ kind: '', country: '1', book: '?' }, ['NOT_ALLOWED', 'INVALID_COUNTRY', 'INVALID_BOOK']],
  ])('%j is refused with all its faults', (change, codes) => {
    const read = readParty({ ...row, ...change });
    expect(read.ok ? [] : read.problems.map(({ code }) => code)).toEqual(codes);
  });
});
