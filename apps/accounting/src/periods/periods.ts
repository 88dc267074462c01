import {
  accepted,
  canonicalJson,
  type Decision,
  type Problem,
  problem,
  refused,
  sha256Hex,
} from '#libs/kernel/index.js';

/**
 * A book's year has twelve months and a thirteenth period on its last day, which takes adjusting and closing entries only.
 * Each goes from open to soft closed (its dates are over; only who may post by hand still adjusts it) and from there to
 * hard closed (nobody does). They close in the order of the calendar and reopen from the last one back.
 */
export const periodStates = ['OPEN', 'SOFT_CLOSED', 'HARD_CLOSED'] as const;
export type PeriodState = (typeof periodStates)[number];
export type PeriodKind = 'MONTH' | 'ADJUSTMENT';

/** Why an entry belongs to an earlier date than the one it is booked on. Profit and loss leaves closing entries out. */
export const purposes = ['ADJUSTMENT', 'CLOSING'] as const;
export type Purpose = (typeof purposes)[number];

export interface KnownPeriod {
  readonly period: string;
  readonly state: PeriodState;
}

/** A period as it stands. */
export interface PeriodRow {
  readonly book: string;
  readonly period: string;
  readonly kind: PeriodKind;
  readonly firstDate: string;
  readonly lastDate: string;
  readonly state: PeriodState;
  readonly version: number;
  readonly closings: number;
  readonly snapshotHash: string | null;
  readonly changedBy: string | null;
  readonly changedAt: Date;
}

/** The month a date falls into, e.g. 2026-11. */
export const monthOf = (date: string): string => date.slice(0, 7);
/** The thirteenth period of the year of a date. */
export const adjustmentPeriodOf = (date: string): string => `${date.slice(0, 4)}-13`;

interface ToClose extends KnownPeriod {
  /** All periods of the book. */
  readonly others: readonly KnownPeriod[];
}

const alreadyClosed = (state: string): Problem =>
  problem('PERIOD_ALREADY_CLOSED', `The period is ${state === 'HARD_CLOSED' ? 'hard' : 'soft'} closed already`, [
    'period',
  ]);

/** All that stands against a soft close, at once. */
export function checkSoftClose(
  { period, state, others }: ToClose,
  openDates: readonly string[],
  isFollowed: boolean,
): Problem[] {
  if (state !== 'OPEN') return [alreadyClosed(state)];
  const problems = others
    .filter((one) => one.period < period && one.state === 'OPEN')
    .map((one) => problem('EARLIER_PERIOD_OPEN', `${one.period} is open; close it first`, ['period']));
  for (const date of openDates)
    problems.push(problem('DATE_NOT_CLOSED', `The business date ${date} is not closed`, ['period'], true));
  if (!isFollowed)
    problems.push(problem('PERIOD_NOT_OVER', 'The book has no business date after the period yet', ['period'], true));
  return problems;
}

export function checkHardClose({ period, state, others }: ToClose): Problem[] {
  if (state === 'HARD_CLOSED') return [alreadyClosed(state)];
  if (state === 'OPEN') return [problem('PERIOD_NOT_SOFT_CLOSED', 'The period is soft closed first', ['period'])];
  return others
    .filter((one) => one.period < period && one.state !== 'HARD_CLOSED')
    .map((one) => problem('EARLIER_PERIOD_OPEN', `${one.period} is not hard closed; close it first`, ['period']));
}

/** Hard closed goes back to soft closed, soft closed to open; the last one first. */
export function decideReopening({ period, state, others }: ToClose): Decision<'SOFT_CLOSED' | 'OPEN'> {
  if (state === 'OPEN') return refused(problem('PERIOD_NOT_CLOSED', 'The period is open', ['period']));
  const to = state === 'HARD_CLOSED' ? 'SOFT_CLOSED' : 'OPEN';
  const later = others.filter(
    (one) => one.period > period && (one.state === 'HARD_CLOSED' || (to === 'OPEN' && one.state === 'SOFT_CLOSED')),
  );
  if (later.length === 0) return accepted(to);
  return refused(
    later.map((one) =>
      problem('LATER_PERIOD_CLOSED', `${one.period} is closed; the last period is reopened first`, ['period']),
    ),
  );
}

export interface Adjustment {
  readonly accountingDate: string;
  readonly period: string;
  readonly purpose: Purpose;
}

/** Where an entry booked on the business date belongs, when it does not belong to that date itself. */
export function adjustmentOf(
  accountingDate: string,
  businessDate: string,
  { purpose = 'ADJUSTMENT', isYearEnd = false }: { purpose?: Purpose; isYearEnd?: boolean } = {},
): Adjustment | undefined {
  if (accountingDate === businessDate) return undefined;
  return { accountingDate, period: isYearEnd ? adjustmentPeriodOf(accountingDate) : monthOf(accountingDate), purpose };
}

/** Whether an entry may still come into a period, and by whom. */
export function checkAdjustment(
  { accountingDate, period }: Adjustment,
  businessDate: string,
  state: PeriodState | null,
  mayPostByHand: boolean,
): Problem[] {
  const path = ['accountingDate'];
  if (accountingDate > businessDate)
    return [
      problem(
        'ACCOUNTING_DATE_LATER',
        `The book works ${businessDate}; an entry belongs to it or to a date before`,
        path,
      ),
    ];
  if (state === null) return [problem('PERIOD_NOT_FOUND', `The book has no period ${period}`, path)];
  if (period.endsWith('-13') && accountingDate !== `${period.slice(0, 4)}-12-31`)
    return [problem('NOT_THE_YEAR_END', 'Adjustments of the year are of its last day', path)];
  if (state === 'HARD_CLOSED') return [problem('PERIOD_CLOSED', `${period} is hard closed`, path)];
  if (state === 'SOFT_CLOSED' && !mayPostByHand)
    return [problem('PERIOD_CLOSED', `${period} is soft closed: only who posts by hand adjusts it`, path)];
  return [];
}

/** What a second person approves. */
export const hashOfReopening = (asked: {
  readonly book: string;
  readonly period: string;
  readonly version: number;
  readonly reason: string;
}): string =>
  sha256Hex(canonicalJson({ book: asked.book, period: asked.period, version: asked.version, reason: asked.reason }));
