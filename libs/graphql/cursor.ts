import { createHmac, timingSafeEqual } from 'node:crypto';
import { GraphQLError } from 'graphql';

/**
 * The last row's sort values; null only for columns that may be null. An instant is the database's own text of it
 * (`due_at::text`): a Date ends at the millisecond and Postgres goes on to the microsecond, so that rows of one
 * millisecond would be skipped or shown twice.
 */
export type CursorValues = readonly (string | null)[];

const macBytes = 12;

/** What Date.toISOString makes. */
const roundedInstant = /^[+-]?\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Cursors are checked with a key of their own, derived so that one secret in the environment is enough. */
function keyOf(): string {
  const secret = process.env.CURSOR_SECRET ?? process.env.INTERNAL_TOKEN_SECRET?.split(',')[0];
  if (!secret) throw new Error('INTERNAL_TOKEN_SECRET is not set: cursors cannot be signed');
  return `cursor:${secret}`;
}

/** Same filter, same text, whatever the order of its keys. */
function stableText(value: unknown): string {
  if (value === undefined || value === null) return 'null';
  if (value instanceof Date) return JSON.stringify(value.toISOString());
  if (Array.isArray(value)) return `[${value.map(stableText).join(',')}]`;
  if (typeof value === 'object') {
    const present = Object.entries(value).filter(([, part]) => part !== undefined && part !== null);
    return `{${present
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, part]) => `${JSON.stringify(name)}:${stableText(part)}`)
      .join(',')}}`;
  }
  return typeof value === 'bigint' ? `"${value}"` : JSON.stringify(value);
}

const mac = (body: string, filter: unknown) =>
  createHmac('sha256', keyOf())
    .update(`${body}\n${stableText(filter)}`)
    .digest()
    .subarray(0, macBytes);

/** Opaque, unforgeable, and bound to the filter it was made for (name the list in it too). */
export function encodeCursor(values: CursorValues, filter: unknown): string {
  const rounded = values.find((value) => value !== null && roundedInstant.test(value));
  if (rounded) throw new Error(`${rounded} has lost its microseconds: a cursor carries the text of the database`);
  const body = Buffer.from(JSON.stringify(values)).toString('base64url');
  return `${body}.${mac(body, filter).toString('base64url')}`;
}

export function decodeCursor(cursor: string, filter: unknown): (string | null)[] {
  const [body, signature, ...more] = cursor.split('.');
  const given = Buffer.from(signature ?? '', 'base64url');
  if (!body || more.length > 0 || given.length !== macBytes || !timingSafeEqual(given, mac(body, filter))) {
    throw new GraphQLError('this cursor is not of this list and filter', { extensions: { code: 'INVALID_CURSOR' } });
  }
  return JSON.parse(Buffer.from(body, 'base64url').toString()) as (string | null)[];
}
