import { addDays, dayOfWeek, endOfMonth, type PlainDate } from '#libs/calendar/index.js';
import { accepted, canonicalJson, type Decision, isRefused, problem, refused, sha256Hex } from '#libs/kernel/index.js';
import { formatDecimal } from '#libs/money/index.js';
import { type NormalSide, towardsNormalSide } from '../accounts/accounts.js';
import { proveStatement, type StatementLine, type StatementTotals } from './statement.js';

export const frequencies = ['DAILY', 'WEEKLY', 'MONTHLY', 'NONE'] as const;
export type Frequency = (typeof frequencies)[number];

/** Clients are told monthly unless they asked for another rhythm; our own accounts only when somebody asked. */
export const usualFrequency = (kind: string): Frequency => (kind.startsWith('CLIENT_') ? 'MONTHLY' : 'NONE');

/** Where the period begins that ends on a date; undefined when none ends there. Weeks end on Sunday. */
export function periodStart(frequency: Frequency, to: PlainDate): PlainDate | undefined {
  switch (frequency) {
    case 'DAILY':
      return to;
    case 'WEEKLY':
      return dayOfWeek(to) === 7 ? addDays(to, -6) : undefined;
    case 'MONTHLY':
      return endOfMonth(to) === to ? `${to.slice(0, 8)}01` : undefined;
    case 'NONE':
      return undefined;
  }
}

/** The periods that are over when a business date is closed and the next one is known. */
export function periodsOver(closed: PlainDate, next: PlainDate): { frequency: Frequency; to: PlainDate }[] {
  const sunday = addDays(closed, 7 - dayOfWeek(closed));
  const monthEnd = endOfMonth(closed);
  return [
    { frequency: 'DAILY' as const, to: closed },
    ...(next > sunday ? [{ frequency: 'WEEKLY' as const, to: sunday }] : []),
    ...(next > monthEnd ? [{ frequency: 'MONTHLY' as const, to: monthEnd }] : []),
  ];
}

/** The statement before: the newest version of the last number. */
export interface LastStatement {
  readonly number: number;
  readonly to: PlainDate;
  readonly lastSequence: bigint;
  /** Debit positive. */
  readonly closing: bigint;
}

/** Whose statement: what stands on its head. */
export interface StatementHead {
  readonly book: string;
  readonly account: string;
  readonly asset: string;
  readonly scale: number;
  readonly normalSide: NormalSide;
}

export interface IssuedLine extends StatementLine {
  readonly entryId: string;
  readonly kind: string;
  readonly description: string;
  readonly businessDate: PlainDate;
  readonly valueDate: PlainDate;
}

export interface Issued extends StatementTotals {
  readonly number: number;
  readonly version: number;
  readonly from: PlainDate;
  readonly to: PlainDate;
  readonly firstSequence: bigint;
  readonly lastSequence: bigint;
  readonly entries: number;
  readonly contentHash: string;
}

/** The next statement of an account begins the day after the last one ended, with its balance and the number after its own. */
export function followsLast(
  last: LastStatement | undefined,
  period: { from: PlainDate; to: PlainDate },
): Decision<{ number: number }> {
  const { from, to } = period;
  if (last && to <= last.to)
    return refused(problem('STATEMENT_ISSUED_ALREADY', `Statement ${last.number} goes to ${last.to} already`, ['to']));
  if (to < from) return refused(problem('INVALID_PERIOD', 'The period ends before it begins', ['to']));
  if (!last) return accepted({ number: 1 });
  if (from !== addDays(last.to, 1))
    return refused(
      problem(
        'STATEMENT_NOT_CONTINUING',
        `Statement ${last.number} ended on ${last.to}: the next begins the day after`,
        ['from'],
      ),
    );
  return accepted({ number: last.number + 1 });
}

/**
 * Issues the next statement, or says why there is none. `opening` is what stood on the account before the first posting;
 * it is the closing balance of the last statement, or nothing is issued.
 */
export function issue(
  head: StatementHead,
  period: { from: PlainDate; to: PlainDate },
  last: LastStatement | undefined,
  before: { sequence: bigint; balanceAfter: bigint },
  lines: readonly IssuedLine[],
): Decision<Issued> {
  const follows = followsLast(last, period);
  if (isRefused(follows)) return follows;
  if (last && (before.sequence !== last.lastSequence || before.balanceAfter !== last.closing))
    return refused(
      problem(
        'STATEMENT_NOT_CONTINUING',
        `It would open with ${before.balanceAfter} after posting ${before.sequence}, statement ${last.number} closed with ${last.closing} after ${last.lastSequence}`,
      ),
    );
  const stray = lines.find(({ businessDate }) => businessDate < period.from || businessDate > period.to);
  if (stray)
    return refused(
      problem(
        'STATEMENT_NOT_CONTIGUOUS',
        `Posting ${stray.sequence} stands among them and is of ${stray.businessDate}`,
      ),
    );
  const proved = proveStatement(before, lines);
  if (isRefused(proved)) return proved;
  const issued = {
    ...proved.value,
    ...period,
    number: follows.value.number,
    version: 1,
    firstSequence: before.sequence + 1n,
    lastSequence: before.sequence + BigInt(lines.length),
    entries: lines.length,
  };
  return accepted({ ...issued, contentHash: sha256Hex(contentOf(head, issued, lines)) });
}

/**
 * The statement as one text, the same whenever it is made: canonical JSON, amounts as exact decimals, balances positive on
 * the normal side of the account. Every rendering is made of this.
 */
export function contentOf(
  { book, account, asset, scale, normalSide }: StatementHead,
  statement: Omit<Issued, 'contentHash' | 'firstSequence' | 'lastSequence' | 'entries'> & { reason?: string | null },
  lines: readonly IssuedLine[],
): string {
  const text = (units: bigint) => formatDecimal(units, scale);
  const balance = (units: bigint) => text(towardsNormalSide(units, normalSide));
  return canonicalJson({
    model: 'statement-of-account/1',
    book,
    account,
    asset,
    normalSide,
    number: statement.number,
    version: statement.version,
    ...(statement.reason ? { reason: statement.reason } : {}),
    from: statement.from,
    to: statement.to,
    opening: balance(statement.opening),
    debits: text(statement.debits),
    credits: text(statement.credits),
    closing: balance(statement.closing),
    entries: lines.map((line) => ({
      sequence: line.sequence.toString(),
      entryId: line.entryId,
      kind: line.kind,
      description: line.description,
      businessDate: line.businessDate,
      valueDate: line.valueDate,
      side: line.units > 0n ? 'DEBIT' : 'CREDIT',
      amount: text(line.units < 0n ? -line.units : line.units),
      balance: balance(line.balanceAfter),
    })),
  });
}
