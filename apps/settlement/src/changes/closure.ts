import { isPlainDate, lastBuiltInYear, type PlainDate, yearOf } from '#libs/calendar/index.js';
import { type Problem, problem } from '#libs/kernel/index.js';

/** An ad-hoc closure of one day of a calendar; with a time, the day closes early then. */
export interface CalendarClosure {
  readonly calendarId: string;
  readonly day: PlainDate;
  readonly closesAt: string | null;
}

export interface KnownDay {
  readonly hasCalendar: boolean;
  readonly isOpen: boolean;
  /** The time at which the day closes early already. */
  readonly earlyClose: string | undefined;
  /** The business date being worked: what was before it is history. */
  readonly today: PlainDate;
}

const isWallTime = (text: string) => /^([01]\d|2[0-3]):[0-5]\d$/.test(text);

export function checkClosure(closure: CalendarClosure, known: KnownDay): Problem[] {
  const problems: Problem[] = [];
  const { calendarId, day, closesAt } = closure;
  if (!known.hasCalendar)
    problems.push(problem('UNKNOWN_CALENDAR', `there is no calendar ${calendarId}`, ['calendar']));
  if (!isPlainDate(day)) problems.push(problem('INVALID_DATE', 'day is a date', ['day']));
  else {
    if (day < known.today)
      problems.push(problem('CLOSURE_IN_THE_PAST', `${day} is before ${known.today}, which is being worked`, ['day']));
    if (yearOf(day) > lastBuiltInYear)
      problems.push(problem('CALENDAR_ENDS', `the calendars end with ${lastBuiltInYear}`, ['day']));
    if (known.hasCalendar && !known.isOpen)
      problems.push(problem('ALREADY_CLOSED', `${calendarId} is closed on ${day} already`, ['day']));
  }
  if (closesAt !== null && !isWallTime(closesAt))
    problems.push(problem('INVALID_TIME', 'closesAt is wall time, HH:MM', ['closesAt']));
  else if (closesAt !== null && known.earlyClose !== undefined && known.earlyClose <= closesAt)
    problems.push(problem('CLOSES_EARLIER_ALREADY', `the day closes at ${known.earlyClose} already`, ['closesAt']));
  return problems;
}
