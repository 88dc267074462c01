import { addDays, type PlainDate } from '#libs/calendar/index.js';

/** The date of a book as settlement knows it; CUT_OFF is still being worked. */
export interface WorkedDay {
  readonly businessDate: PlainDate;
  readonly state: 'OPEN' | 'CUT_OFF' | 'CLOSED';
}

/** What the ledger says of a date that takes nothing any more, or nothing yet. Nothing is wrong with the entry. */
const dateRefusals: readonly string[] = ['PERIOD_CLOSED', 'PERIOD_NOT_OPEN'];

export const isDateRefusal = (code: string): boolean => dateRefusals.includes(code);

/** The first date that is worth asking for after such a refusal: never again the one that is closed. */
export const firstDateAfter = (code: string, refusedDate: PlainDate): PlainDate =>
  code === 'PERIOD_NOT_OPEN' ? refusedDate : addDays(refusedDate, 1);

/**
 * The date a fact is booked on: the one its book works, also after the cut-off. Null while the book works none that
 * would take it; it waits then, and is booked when the next date opens.
 */
export function dateOfFact(day: WorkedDay, notBefore: PlainDate | null): PlainDate | null {
  if (day.state === 'CLOSED') return null;
  return notBefore === null || day.businessDate >= notBefore ? day.businessDate : null;
}

/**
 * The key that an entry is booked under. The ledger remembers a refusal for good: a refused key never books anything,
 * so the next date needs a key of its own, and nothing can be booked twice.
 */
export const ledgerKey = (entryKey: string, missedDates: number): string =>
  missedDates === 0 ? entryKey : `${entryKey}:${missedDates + 1}`;
