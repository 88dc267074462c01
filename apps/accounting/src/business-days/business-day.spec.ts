import { describe, expect, it } from '@jest/globals';
import { type DayPhase, dayPhases } from '#libs/contracts/index.js';
import { cutOffOfBook, isDateOfBook, nextDateOfBook } from './books.js';
import { type DayToOpen, decideOpening, decidePhase, type KnownRun } from './business-day.js';

const done = (...phases: (DayPhase | [DayPhase, number])[]): KnownRun[] =>
  phases.map((one) =>
    Array.isArray(one)
      ? { phase: one[0], cycle: one[1], state: 'COMPLETED' }
      : { phase: one, cycle: 1, state: 'COMPLETED' },
  );
const code = (decision: ReturnType<typeof decidePhase>) => (decision.ok ? decision.value : decision.problems[0]?.code);

describe('the order of phases', () => {
  it('is the declared one', () => {
    const ran: DayPhase[] = [];
    for (const phase of dayPhases) {
      for (const other of dayPhases) {
        const expected = ran.includes(other) ? 'KNOWN' : other === phase ? 'START' : 'PHASE_OUT_OF_ORDER';
        expect(code(decidePhase(done(...ran), { phase: other, cycle: 1 }))).toBe(expected);
      }
      ran.push(phase);
    }
  });

  const upToSettle: DayPhase[] = ['START_OF_DAY', 'GATE', 'AFFIRM', 'INSTRUCT', 'SETTLE'];
  it.each<[string, KnownRun[], DayPhase, number, string]>([
    ['settlement repeats', done(...upToSettle), 'SETTLE', 2, 'START'],
    ['and again', done(...upToSettle, ['SETTLE', 2]), 'SETTLE', 3, 'START'],
    ['not a cycle too far', done(...upToSettle), 'SETTLE', 3, 'CYCLE_OUT_OF_ORDER'],
    ['not after the cut-off', done(...upToSettle, 'CUT_OFF'), 'SETTLE', 2, 'PHASE_OUT_OF_ORDER'],
    ['nothing else repeats', done(...upToSettle), 'GATE', 2, 'NOT_REPEATED'],
    ['the cut-off follows the last cycle', done(...upToSettle, ['SETTLE', 2]), 'CUT_OFF', 1, 'START'],
    [
      'one at a time',
      [...done('START_OF_DAY'), { phase: 'GATE', cycle: 1, state: 'RUNNING' }],
      'AFFIRM',
      1,
      'PHASE_RUNNING',
    ],
    [
      'what runs is told again',
      [...done('START_OF_DAY'), { phase: 'GATE', cycle: 1, state: 'RUNNING' }],
      'GATE',
      1,
      'KNOWN',
    ],
    [
      'what stopped may run again',
      [...done('START_OF_DAY'), { phase: 'GATE', cycle: 1, state: 'STOPPED' }],
      'GATE',
      1,
      'AGAIN',
    ],
    [
      'and stops what follows',
      [...done('START_OF_DAY'), { phase: 'GATE', cycle: 1, state: 'STOPPED' }],
      'AFFIRM',
      1,
      'PHASE_STOPPED',
    ],
  ])('%s', (_, runs, phase, cycle, expected) => {
    expect(code(decidePhase(runs, { phase, cycle }))).toBe(expected);
  });
});

describe('opening a day', () => {
  const first: DayToOpen = { businessDate: '2026-11-25', isWorkingDay: true, isSigned: true, migrationOpen: [] };
  const latest = (
    state: 'NEXT' | 'OPEN' | 'CLOSING' | 'CLOSED',
    businessDate = '2026-11-24',
    nextBusinessDate = '2026-11-25',
  ) => ({ state, businessDate, nextBusinessDate });
  it.each<[string, DayToOpen, string]>([
    ['the first', first, 'OPEN'],
    ['unsigned', { ...first, isSigned: false }, 'CUT_OVER_NOT_SIGNED'],
    ['with migration open', { ...first, migrationOpen: ['EUR'] }, 'MIGRATION_NOT_ZERO'],
    ['before its opening balances', { ...first, latestEntryDate: '2026-11-26' }, 'OPENING_IS_LATER'],
    ['a holiday', { ...first, isWorkingDay: false }, 'NOT_A_BUSINESS_DAY'],
    ['that is open', { ...first, latest: latest('OPEN', '2026-11-25', '2026-11-26') }, 'KNOWN'],
    ['that is closed', { ...first, latest: latest('CLOSED', '2026-11-25', '2026-11-26') }, 'DAY_CLOSED'],
    ['while another is open', { ...first, latest: latest('CLOSING') }, 'DAY_STILL_OPEN'],
    ['the next one', { ...first, latest: latest('NEXT', '2026-11-25', '2026-11-26') }, 'OPEN'],
    [
      'one too far',
      { ...first, businessDate: '2026-11-26', latest: latest('NEXT', '2026-11-25', '2026-11-26') },
      'NOT_THE_NEXT_DAY',
    ],
  ])('%s', (_, day, expected) => {
    const decision = decideOpening(day);
    expect(decision.ok ? decision.value : decision.problems[0]?.code).toBe(expected);
  });

  // Wall time stays where it is when the clocks change: Europe on 29 March and 25 October, the United States on 8 March and 1 November.
  it.each([
    ['NGEU', '2026-03-27', '2026-03-27T17:00:00.000Z'],
    ['NGEU', '2026-03-30', '2026-03-30T16:00:00.000Z'],
    ['NGEU', '2026-10-23', '2026-10-23T16:00:00.000Z'],
    ['NGEU', '2026-10-26', '2026-10-26T17:00:00.000Z'],
    ['NGUS', '2026-03-06', '2026-03-06T23:00:00.000Z'],
    ['NGUS', '2026-03-09', '2026-03-09T22:00:00.000Z'],
    ['NGUS', '2026-10-30', '2026-10-30T22:00:00.000Z'],
    ['NGUS', '2026-11-02', '2026-11-02T23:00:00.000Z'],
    // A change on the day itself: the book of a house that works on Sundays.
    ['SUND', '2026-03-29', '2026-03-29T16:00:00.000Z'],
    ['SUND', '2026-10-25', '2026-10-25T17:00:00.000Z'],
  ])('%s is cut off on %s at the same wall time, which is %s', (book, date, instant) => {
    expect(cutOffOfBook(book, date)).toMatchObject({ localTime: '18:00', isHalfDay: false });
    expect(cutOffOfBook(book, date).plannedAt.toISOString()).toBe(instant);
  });

  it.each([
    ['NGUS', '2026-11-27', '2026-11-27T20:00:00.000Z'], // the day after Thanksgiving
    ['NGUS', '2026-12-24', '2026-12-24T20:00:00.000Z'],
    ['NGEU', '2026-12-30', '2026-12-30T14:00:00.000Z'], // the last day of trading in Frankfurt
  ])('%s is cut off earlier on the half day %s', (book, date, instant) => {
    expect(cutOffOfBook(book, date)).toMatchObject({ localTime: '15:00', isHalfDay: true });
    expect(cutOffOfBook(book, date).plannedAt.toISOString()).toBe(instant);
    expect(cutOffOfBook(book === 'NGUS' ? 'NGEU' : 'NGUS', date === '2026-12-24' ? '2026-12-23' : date).isHalfDay).toBe(
      false,
    );
  });

  it('follows the calendar of the book', () => {
    expect(isDateOfBook('NGEU', '2026-11-26')).toBe(true);
    expect(isDateOfBook('NGUS', '2026-11-26')).toBe(false);
    expect(nextDateOfBook('NGUS', '2026-11-25')).toBe('2026-11-27');
    expect(nextDateOfBook('NGEU', '2026-12-24')).toBe('2026-12-28');
  });
});
