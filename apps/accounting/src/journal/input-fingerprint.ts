import { crc32 } from 'node:zlib';
import { jsonbText, requestHash } from './posting-input.js';
import { type PostingItem } from './posting.js';

export type InputPath = readonly (string | number)[];

const dated = ['kind', 'businessDate', 'valueDate', 'description', 'subject', 'forced'];
/** What an item of each operation is made of, in the order in which a difference is told. */
const partsOf: Readonly<Record<PostingItem['op'], readonly string[]>> = {
  ENTRY: ['op', 'group', ...dated, 'upTo', 'postings'],
  REVERSAL: ['op', 'group', ...dated, 'reverses'],
  CAPTURE: ['op', 'group', ...dated, 'hold.holdId', 'hold.units', 'hold.final'],
  HOLD: [
    ...['op', 'group', 'upTo', 'hold.debitAccount', 'hold.creditAccount'],
    ...['hold.asset', 'hold.units', 'hold.expiresAt', 'hold.reason'],
  ],
  RELEASE: ['op', 'group', 'hold.holdId', 'hold.units'],
  CLOSE: ['op', 'group', 'close.account', 'close.empty'],
  REOPEN: ['op', 'group', 'close.account'],
};
const hashBytes = 16;
const printBytes = 2;
/** Keys that were taken before have a whole SHA-256 of the input and no prints. */
const olderBytes = 32;

function valueAt(item: unknown, path: string): unknown {
  let value = item;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/** Of an operation that nobody knows only that is told: its input is at fault anyhow. */
const partsOfItem = ({ op }: PostingItem): readonly string[] =>
  (partsOf as Readonly<Record<string, readonly string[] | undefined>>)[op] ?? ['op'];

function printsOf(item: PostingItem): Buffer {
  const parts = partsOfItem(item);
  const prints = Buffer.alloc(parts.length * printBytes);
  parts.forEach((path, place) => {
    const value = valueAt(item, path);
    const text = value === undefined ? '' : typeof value === 'string' ? value : jsonbText(value);
    prints.writeUInt16BE(crc32(text) & 0xffff, place * printBytes);
  });
  return prints;
}

/**
 * What is kept of an input under its key: half of its SHA-256, which tells another input from a repetition, and two bytes
 * for each of its parts, which tell where the two differ. No longer than the whole hash was, but for a few bytes.
 */
export const fingerprintOf = (item: PostingItem): Buffer =>
  Buffer.concat([requestHash(item).subarray(0, hashBytes), printsOf(item)]);

/** `fingerprint` is the item's own. */
export const isSameInput = (kept: Buffer, item: PostingItem, fingerprint: Buffer): boolean =>
  kept.equals(fingerprint) || (kept.length === olderBytes && kept.equals(requestHash(item)));

/**
 * The first part in which an item differs from the input that was kept; the whole of it (an empty path) when no print tells,
 * which of 65,536 differences happens to one, and to the keys of an older day. What is told differs in any case.
 */
export function differingPath(kept: Buffer, item: PostingItem): InputPath {
  if (kept.length === olderBytes) return [];
  const prints = printsOf(item);
  const keptPrints = kept.subarray(hashBytes);
  const place = partsOfItem(item).findIndex(
    (_, n) => prints.readUInt16BE(n * printBytes) !== readPrint(keptPrints, n * printBytes),
  );
  return place < 0 ? [] : (partsOfItem(item)[place] as string).split('.');
}

const readPrint = (prints: Buffer, at: number): number | undefined =>
  at + printBytes <= prints.length ? prints.readUInt16BE(at) : undefined;

/** A line as it was booked. */
export interface BookedLine {
  readonly n: number;
  readonly account: string;
  readonly asset: string;
  readonly units: bigint;
}

/** Within the postings of an entry that was booked: the first line, and what of it, that differs. */
export function differingPosting(
  { postings }: Extract<PostingItem, { op: 'ENTRY' }>,
  booked: readonly BookedLine[],
): InputPath {
  if (postings.length !== booked.length) return ['postings'];
  for (const { n, account, asset, units } of booked) {
    const line = postings[n - 1];
    if (line?.account !== account) return ['postings', n - 1, 'account'];
    if (line.asset !== asset) return ['postings', n - 1, 'asset'];
    if ((line.side === 'DEBIT') !== units > 0n) return ['postings', n - 1, 'side'];
    if (BigInt(line.units) !== (units < 0n ? -units : units)) return ['postings', n - 1, 'units'];
  }
  return ['postings'];
}
