import { type DayPhase, dayPhases } from '#libs/contracts/index.js';
import { accepted, type Decision, problem, refused } from '#libs/kernel/index.js';

export type DayState = 'NEXT' | 'OPEN' | 'CLOSING' | 'CLOSED';
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
