import pg from 'pg';

const dateOid = 1082;
const dateArrayOid = 1182;
const numericArrayOid = 1231;
const textArrayOid = 1009;

/** The declaration names the scalar types alone; there are parsers for arrays too. */
const parserOf = pg.types.getTypeParser as (oid: number, format?: 'text' | 'binary') => (text: string) => unknown;

/**
 * How values come back: a date is its text (a day has no time zone), int8 and numeric are text (no float touches an
 * amount), alone and in arrays; the rest is as pg does it.
 */
export const typeParsers: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (format !== 'binary') {
      if (oid === dateOid) return (text: string) => text;
      if (oid === dateArrayOid || oid === numericArrayOid) return parserOf(textArrayOid, 'text');
    }
    return parserOf(oid, format);
  },
};
