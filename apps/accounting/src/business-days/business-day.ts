import { type DayPhase, dayPhases } from '#libs/contracts/index.js';
import { accepted, type Decision, type Problem, problem, refused } from '#libs/kernel/index.js';

/** SKIPPED: announced, and closed by its calendar before it was opened. */
export type DayState = 'NEXT' | 'OPEN' | 'CLOSING' | 'CLOSED' | 'SKIPPED';
/** STOPPED: it ran and found what must be put right first; it may be asked for again. */
export type PhaseState = 'WAITING' | 'RUNNING' | 'COMPLETED' | 'STOPPED';

export interface KnownRun {
  readonly phase: DayPhase;
  readonly cycle: number;
  readonly state: PhaseState;
}

/** Accounting does these itself; settlement does the others. */
export const ownPhases: readonly DayPhase[] = ['CONTROL_TOTALS', 'TRIAL_BALANCE', 'SEAL', 'ROLL'];
/** Runs several times a day. */
export const repeatedPhase: DayPhase = 'SETTLE';

export type PhaseStart = 'START' | 'AGAIN' | 'KNOWN';

/**
 * One phase at a time, in the declared order; the settlement cycle may repeat. What ran already is simply told
 * again, so that asking twice does no harm.
 */
export function decidePhase(
  runs: readonly KnownRun[],
  asked: { phase: DayPhase; cycle: number },
): Decision<PhaseStart> {
  const { phase, cycle } = asked;
  const same = runs.find((run) => run.phase === phase && run.cycle === cycle);
  if (same && same.state !== 'STOPPED') return accepted('KNOWN');
  const busy = runs.find((run) => run.state === 'WAITING' || run.state === 'RUNNING');
  if (busy) return refused(problem('PHASE_RUNNING', `${busy.phase} is under way; wait for its end`, ['phase'], true));
  if (same) return accepted('AGAIN');
  const stopped = runs.find((run) => run.state === 'STOPPED');
  if (stopped)
    return refused(
      problem('PHASE_STOPPED', `${stopped.phase} stopped; put right what it names and run it again`, ['phase']),
    );
  if (cycle > 1 && phase !== repeatedPhase)
    return refused(problem('NOT_REPEATED', `${phase} runs once a day`, ['cycle']));

  const place = (one: DayPhase) => dayPhases.indexOf(one);
  const last = runs.reduce((found, run) => Math.max(found, place(run.phase)), -1);
  const lastCycle = runs.filter((run) => run.phase === phase).reduce((found, run) => Math.max(found, run.cycle), 0);
  if (cycle !== lastCycle + 1)
    return refused(problem('CYCLE_OUT_OF_ORDER', `The next cycle of ${phase} is ${lastCycle + 1}`, ['cycle']));
  const repeats = cycle > 1 && place(phase) === last;
  if (!repeats && place(phase) !== last + 1) {
    const next = dayPhases[last + 1];
    return refused(
      problem('PHASE_OUT_OF_ORDER', next === undefined ? 'The day is over' : `The next phase is ${next}`, ['phase']),
    );
  }
  return accepted('START');
}

export interface DayToOpen {
  readonly businessDate: string;
  readonly isWorkingDay: boolean;
  /** The latest day the book had, if any. */
  readonly latest?: { readonly businessDate: string; readonly state: DayState; readonly nextBusinessDate: string };
  readonly isSigned: boolean;
  /** The latest business date of any entry of the book, e.g. of the opening balances. */
  readonly latestEntryDate?: string;
  /** Assets whose migration account is not at zero. */
  readonly migrationOpen: readonly string[];
}

export function decideOpening(day: DayToOpen): Decision<'OPEN' | 'KNOWN'> {
  const { latest, businessDate } = day;
  if (latest?.businessDate === businessDate && latest.state !== 'NEXT') {
    return latest.state === 'OPEN' || latest.state === 'CLOSING'
      ? accepted('KNOWN')
      : refused(problem('DAY_CLOSED', `${businessDate} is closed`, ['businessDate']));
  }
  if (!day.isWorkingDay)
    return refused(problem('NOT_A_BUSINESS_DAY', `The book does not work on ${businessDate}`, ['businessDate']));
  if (latest && (latest.state === 'OPEN' || latest.state === 'CLOSING')) {
    return refused(problem('DAY_STILL_OPEN', `${latest.businessDate} is still open; close it first`, ['businessDate']));
  }
  if (latest) {
    const due = latest.state === 'NEXT' ? latest.businessDate : latest.nextBusinessDate;
    if (due !== businessDate)
      return refused(problem('NOT_THE_NEXT_DAY', `The next date of the book is ${due}`, ['businessDate']));
    return accepted('OPEN');
  }
  if (!day.isSigned)
    return refused(
      problem('CUT_OVER_NOT_SIGNED', 'The first day opens when the cut-over is signed by two people', ['book'], true),
    );
  if (day.migrationOpen.length > 0) {
    return refused(
      problem(
        'MIGRATION_NOT_ZERO',
        `The migration account is not at zero in ${day.migrationOpen.slice(0, 5).join(', ')}`,
        ['book'],
      ),
    );
  }
  if (day.latestEntryDate !== undefined && day.latestEntryDate > businessDate) {
    return refused(
      problem(
        'OPENING_IS_LATER',
        `The opening balances are of ${day.latestEntryDate}; a day before them cannot be worked`,
        ['businessDate'],
      ),
    );
  }
  return accepted('OPEN');
}

export interface CutOffToExtend {
  readonly state: DayState;
  readonly plannedCutOffAt: Date | null;
  readonly revisedCutOffAt: Date | null;
  readonly effectiveCutOffAt: Date | null;
  /** The phase of the cut-off was asked for: it may be at its barrier already. */
  readonly isAskedFor: boolean;
  readonly now: Date;
  /** The planned cut-off of the date after it: the order of the dates stays. */
  readonly nextCutOffAt: Date;
}

/** A cut-off is only ever put off, while it is still to come; whatever follows it waits for it. */
export function checkExtension(day: CutOffToExtend, revisedAt: Date): Problem[] {
  const problems: Problem[] = [];
  const path = ['revisedCutOffAt'];
  if (day.state !== 'OPEN' || day.plannedCutOffAt === null)
    problems.push(problem('DAY_NOT_OPEN', 'The book has no open business day of that date', ['businessDate']));
  else {
    if (day.effectiveCutOffAt !== null || day.isAskedFor)
      problems.push(problem('CUT_OFF_REACHED', 'The cut-off of the date has been reached', ['businessDate']));
    if (revisedAt <= day.plannedCutOffAt)
      problems.push(
        problem(
          'NOT_AN_EXTENSION',
          `The cut-off is planned for ${day.plannedCutOffAt.toISOString()}; it only moves on`,
          path,
        ),
      );
  }
  if (revisedAt <= day.now)
    problems.push(problem('CUT_OFF_IN_THE_PAST', `It is ${day.now.toISOString()} already`, path));
  if (revisedAt >= day.nextCutOffAt)
    problems.push(
      problem('CUT_OFF_OUT_OF_ORDER', `The next date is cut off at ${day.nextCutOffAt.toISOString()}`, path),
    );
  return problems;
}

/** The phase of the cut-off starts no earlier than the hour it was put off to. */
export function checkCutOffPhase(phase: DayPhase, revisedAt: Date | null, now: Date): Problem[] {
  if (phase !== 'CUT_OFF' || revisedAt === null || now >= revisedAt) return [];
  return [problem('CUT_OFF_EXTENDED', `The cut-off was put off to ${revisedAt.toISOString()}`, ['phase'], true)];
}

export interface KnownDay {
  readonly businessDate: string;
  readonly state: DayState;
  readonly nextBusinessDate: string;
  readonly isHalfDay: boolean;
  readonly plannedCutOffAt: Date | null;
  readonly effectiveCutOffAt: Date | null;
}

/** The same day as the calendars say it now; `date` is another one when the announced date is closed. */
export interface CountedDay {
  readonly date: string;
  readonly isWorkingDay: boolean;
  readonly nextBusinessDate: string;
  readonly cutOff: { readonly isHalfDay: boolean; readonly plannedAt: Date };
}

export type DayTrouble = 'CLOSED_WHILE_WORKED' | 'CLOSES_EARLY_WHILE_WORKED';

export interface DayRevision {
  /** Another date comes in place of the announced one. */
  readonly isReplaced: boolean;
  readonly isChanged: boolean;
  /** What a person must see to, as a date that is open keeps the terms it was opened with. */
  readonly trouble?: DayTrouble;
}

/** What a calendar that changed makes of the latest date of a book. Only what is to come moves. */
export function revisionOf(known: KnownDay, counted: CountedDay): DayRevision {
  const isNextMoved = known.nextBusinessDate !== counted.nextBusinessDate;
  if (known.state === 'NEXT') {
    const isReplaced = known.businessDate !== counted.date;
    const isCutOffMoved =
      known.plannedCutOffAt?.getTime() !== counted.cutOff.plannedAt.getTime() ||
      known.isHalfDay !== counted.cutOff.isHalfDay;
    return { isReplaced, isChanged: !isReplaced && (isNextMoved || isCutOffMoved) };
  }
  if (known.state !== 'OPEN' && known.state !== 'CLOSING') return { isReplaced: false, isChanged: false };
  const moved = { isReplaced: false, isChanged: isNextMoved };
  if (!counted.isWorkingDay) return { ...moved, trouble: 'CLOSED_WHILE_WORKED' };
  // Against the planned hour: one that was put off is later than the calendar says because somebody wanted it so.
  const { plannedCutOffAt: plannedAt, effectiveCutOffAt: reachedAt } = known;
  const isTooLate = reachedAt === null && plannedAt !== null && plannedAt > counted.cutOff.plannedAt;
  return isTooLate ? { ...moved, trouble: 'CLOSES_EARLY_WHILE_WORKED' } : moved;
}
