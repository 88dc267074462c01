import { isPlainDate } from '#libs/calendar/index.js';
import { sha256, sha256Hex } from '#libs/kernel/index.js';
import { type PostingItem, type ResultCode } from './posting.js';

/** 2^128 - 1: what the reference ledgers take as the largest amount. */
const unitsMax = 340282366920938463463374607431768211455n;
const unitsShape = /^-?[0-9]{1,60}$/;
const operations = new Set(['ENTRY', 'REVERSAL', 'HOLD', 'CAPTURE', 'RELEASE', 'CLOSE', 'REOPEN']);
const datedOperations = new Set(['ENTRY', 'REVERSAL', 'CAPTURE']);
const sweepSides = new Set(['DEBIT', 'CREDIT', 'BOTH']);

export interface InputFault {
  readonly code: ResultCode;
  readonly asset?: string;
}

type Loose = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Loose => typeof value === 'object' && value !== null;
const isText = (value: unknown): value is string => typeof value === 'string';
const isNamed = (value: unknown): value is string => isText(value) && value !== '';
const unitsOf = (value: unknown): bigint | undefined =>
  isText(value) && unitsShape.test(value) ? BigInt(value) : undefined;

/**
 * A fault that the input has by itself, whatever the ledger holds: the first in the published order. Nothing of it is
 * remembered, so the corrected input may come with the same key. An item is looked at as if nobody had checked it.
 */
export function inputFault(item: PostingItem): InputFault | undefined {
  const given = item as unknown as Loose;
  if (!isStorable(given) || !hasItsFields(given)) return { code: 'MALFORMED_ITEM' };
  const amounts = amountsOf(given);
  const unread = amounts.find(({ units }) => units === undefined);
  if (unread) return { code: 'MALFORMED_ITEM', asset: unread.asset };
  if (item.op === 'ENTRY' && item.postings.length < 2) return { code: 'TOO_FEW_POSTINGS' };
  const first = (isWrong: (units: bigint) => boolean, code: ResultCode): InputFault | undefined => {
    const assets = amounts.filter(({ units }) => isWrong(units ?? 0n)).map(({ asset }) => asset);
    return assets.length > 0 ? { code, asset: assets.sort()[0] } : undefined;
  };
  return (
    first((units) => units <= 0n, 'AMOUNT_NOT_POSITIVE') ??
    first((units) => units > unitsMax, 'AMOUNT_TOO_LARGE') ??
    (item.op === 'ENTRY' ? notBalanced(item) : undefined)
  );
}

function notBalanced(item: Extract<PostingItem, { op: 'ENTRY' }>): InputFault | undefined {
  const sums = new Map<string, bigint>();
  for (const { asset, side, units } of item.postings)
    sums.set(asset, (sums.get(asset) ?? 0n) + (side === 'DEBIT' ? BigInt(units) : -BigInt(units)));
  const assets = [...sums].filter(([, sum]) => sum !== 0n).map(([asset]) => asset);
  return assets.length > 0 ? { code: 'NOT_BALANCED', asset: assets.sort()[0] } : undefined;
}

function amountsOf(item: Loose): { asset: string; units: bigint | undefined }[] {
  const asset = (value: unknown) => (isText(value) ? value : '');
  if (item.op === 'ENTRY')
    return (item.postings as readonly Loose[]).map((line) => ({
      asset: asset(line.asset),
      units: unitsOf(line.units),
    }));
  if (item.op === 'REVERSAL' && Array.isArray(item.part))
    return (item.part as readonly Loose[]).map(({ units }) => ({ asset: '', units: unitsOf(units) }));
  if (!isObject(item.hold) || (item.op === 'RELEASE' && item.hold.units === undefined)) return [];
  return [{ asset: asset(item.hold.asset), units: unitsOf(item.hold.units) }];
}

function hasItsFields(item: Loose): boolean {
  const { op, hold, close, postings, upTo, subject } = item;
  if (!isText(op) || !operations.has(op) || !isNamed(item.key) || !isNamed(item.book)) return false;
  if (upTo !== undefined) {
    if (!isText(upTo) || !sweepSides.has(upTo) || (op !== 'ENTRY' && op !== 'HOLD') || item.forced !== undefined)
      return false;
  }
  if (datedOperations.has(op)) {
    if (!isNamed(item.kind) || !isDate(item.businessDate) || !isDate(item.valueDate) || !isText(item.description))
      return false;
    if (!isObject(subject) || !isText(subject.kind) || !isText(subject.id)) return false;
    if (item.forced !== undefined && !(isObject(item.forced) && isNamed(item.forced.reason))) return false;
  }
  switch (op) {
    case 'ENTRY':
      return Array.isArray(postings) && postings.every(isLine) && (upTo === undefined || isPair(postings as Loose[]));
    case 'REVERSAL':
      return isNamed(item.reverses) && (item.part === undefined || areParts(item.part));
    case 'HOLD':
      return (
        isObject(hold) &&
        [hold.debitAccount, hold.creditAccount, hold.asset].every(isNamed) &&
        hold.debitAccount !== hold.creditAccount &&
        isText(hold.reason) &&
        isText(hold.expiresAt) &&
        !Number.isNaN(Date.parse(hold.expiresAt))
      );
    case 'CAPTURE':
    case 'RELEASE':
      return isObject(hold) && isNamed(hold.holdId);
    default:
      return isObject(close) && isNamed(close.account);
  }
}

/** Each names another posting. */
const areParts = (part: unknown): boolean =>
  Array.isArray(part) &&
  part.length > 0 &&
  part.every((one) => isObject(one) && Number.isSafeInteger(one.n)) &&
  new Set((part as readonly Loose[]).map(({ n }) => n)).size === part.length;

const isDate = (value: unknown): boolean => isText(value) && isPlainDate(value);

const isLine = (line: unknown): boolean =>
  isObject(line) && isNamed(line.account) && isNamed(line.asset) && (line.side === 'DEBIT' || line.side === 'CREDIT');

const isPair = (postings: readonly Loose[]): boolean =>
  postings.length === 2 && postings[0]?.account !== postings[1]?.account;

/** No text that Postgres cannot keep: NUL, or half of a pair of surrogates. */
export const isStorableText = (text: string): boolean => !/\0|\p{Surrogate}/u.test(text);

function isStorable(value: unknown): boolean {
  if (isText(value)) return isStorableText(value);
  if (!isObject(value)) return true;
  return Object.values(value).every(isStorable);
}

/**
 * The item as Postgres writes a jsonb: members by the length of their names, then by their bytes. Keys that were taken
 * when the database did the hashing keep their meaning.
 */
export function jsonbText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((one) => jsonbText(one ?? null)).join(', ')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const names = Object.keys(value).filter((name) => value[name] !== undefined);
  names.sort((one, other) => one.length - other.length || (one < other ? -1 : 1));
  return `{${names.map((name) => `${JSON.stringify(name)}: ${jsonbText(value[name])}`).join(', ')}}`;
}

/**
 * Of the whole input: the same key with another hash is another request. The event an entry came of is told by its
 * postings; without it, keys that were taken before there were events keep their meaning.
 */
export const requestHash = (item: PostingItem): Buffer =>
  sha256(jsonbText('event' in item ? { ...item, event: undefined } : item));

/** Id of what comes of an item: of its book and key, so a repetition has the same. */
export function idOf({ op, book, key }: Pick<PostingItem, 'op' | 'book' | 'key'>): string {
  const digest = sha256Hex(`${book}\u001f${key}`);
  return `${op === 'HOLD' ? 'hld' : 'ent'}_${digest.slice(0, 32)}`;
}
