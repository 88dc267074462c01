import { type PlainDate } from '#libs/calendar/index.js';

/** CREDITOR: the book that is owed, and has the due-from account. DEBTOR: the book that owes, and has the due-to account. */
export type InterbookSide = 'CREDITOR' | 'DEBTOR';

export const dueFrom = (debtorBook: string): string => `DUE-FROM-${debtorBook}`;
export const dueTo = (creditorBook: string): string => `DUE-TO-${creditorBook}`;

/**
 * A pair is of the later of the two dates that are worked: nothing is booked into a date that its book has left, nor into
 * one that it has not reached. A book that is not there yet, or has no open date, books its side when it is.
 */
export function placeSides(
  open: Readonly<Record<InterbookSide, PlainDate | undefined>>,
): { readonly fromDate: PlainDate; readonly now: readonly InterbookSide[] } | undefined {
  const dates = [open.CREDITOR, open.DEBTOR].filter((date) => date !== undefined).sort();
  const fromDate = dates.at(-1);
  if (fromDate === undefined) return undefined;
  return { fromDate, now: (['CREDITOR', 'DEBTOR'] as const).filter((side) => open[side] === fromDate) };
}

export interface Position {
  readonly creditor: string;
  readonly debtor: string;
  readonly asset: string;
  readonly dueFromUnits: bigint;
  readonly dueToUnits: bigint;
  /** Of pairs of which one side only is booked: the part of the difference that is explained. */
  readonly inTransitUnits: bigint;
}

export interface JudgedPosition extends Position {
  /** What the creditor has above what the debtor has. */
  readonly differenceUnits: bigint;
  readonly state: 'AGREED' | 'IN_TRANSIT' | 'DIFFERENT';
}

/** Two books agree when what is due from one is what is due to the other. */
export function judgePosition(position: Position): JudgedPosition {
  const differenceUnits = position.dueFromUnits - position.dueToUnits;
  const isExplained = differenceUnits === position.inTransitUnits;
  return {
    ...position,
    differenceUnits,
    // Two pairs in transit, one each way, may leave no difference: they are open all the same as pairs, not here.
    state: differenceUnits === 0n ? 'AGREED' : isExplained ? 'IN_TRANSIT' : 'DIFFERENT',
  };
}
