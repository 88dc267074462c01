import { describe, expect, it } from '@jest/globals';
import { type DayPhase, dayPhases } from '#libs/contracts/index.js';
import { builtInDays, cutOffOfBook, type DayCalendars, isDateOfBook, nextDateOfBook } from './books.js';
import {
  checkCutOffPhase,
  checkExtension,
  type CountedDay,
  type CutOffToExtend,
  type DayToOpen,
  decideOpening,
  decidePhase,
  type KnownDay,
  type KnownRun,
  revisionOf,
} from './business-day.js';

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

describe('the cut-off of a day that its calendar closes early', () => {
  const closing = (early: Record<string, string>, zone: string | null): DayCalendars => ({
    of: (id) => ({ ...builtInDays.of(id), earlyClose: (day) => (id === 'TARGET' ? early[day] : undefined), zone }),
  });
  it.each([
    ['before the hour of a half day', '12:00', 'Europe/Berlin', '12:00', '2026-11-26T11:00:00.000Z'],
    ['after it', '16:30', 'Europe/Berlin', '15:00', '2026-11-26T14:00:00.000Z'],
    ['on the clock of the book, when it has none', '12:00', null, '12:00', '2026-11-26T11:00:00.000Z'],
    ['on another clock', '12:00', 'Europe/London', '13:00', '2026-11-26T12:00:00.000Z'],
    [
      'on a clock where the book is still in the day before',
      '07:00',
      'Asia/Tokyo',
      '00:00',
      '2026-11-25T23:00:00.000Z',
    ],
  ])('comes with the close, never after it: %s', (_, close, zone, localTime, instant) => {
    const cutOff = cutOffOfBook('NGEU', '2026-11-26', closing({ '2026-11-26': close }, zone));
    expect(cutOff).toMatchObject({ localTime, isHalfDay: true, zone: 'Europe/Berlin' });
    expect(cutOff.plannedAt.toISOString()).toBe(instant);
  });
});

describe('a cut-off that is put off', () => {
  const at = (time: string) => new Date(`2026-11-${time}:00Z`);
  const day = {
    ...{ state: 'OPEN' as const, plannedCutOffAt: at('25T17:00'), revisedCutOffAt: null, effectiveCutOffAt: null },
    ...{ isAskedFor: false, now: at('25T10:00'), nextCutOffAt: at('26T17:00') },
  };
  it.each<[string, Partial<CutOffToExtend>, string, string[]]>([
    ['an hour later', {}, '25T18:00', []],
    ['back to less, while it stays after the planned hour', { revisedCutOffAt: at('25T20:00') }, '25T18:00', []],
    ['to the planned hour', {}, '25T17:00', ['NOT_AN_EXTENSION']],
    ['to what is past', { now: at('25T19:00') }, '25T18:00', ['CUT_OFF_IN_THE_PAST']],
    ['to that of the next date', {}, '26T17:00', ['CUT_OFF_OUT_OF_ORDER']],
    ['once its phase was asked for', { isAskedFor: true }, '25T18:00', ['CUT_OFF_REACHED']],
    ['once it was reached', { effectiveCutOffAt: at('25T17:01') }, '25T18:00', ['CUT_OFF_REACHED']],
    ['of a closed date', { state: 'CLOSED' }, '25T18:00', ['DAY_NOT_OPEN']],
    ['of a date to come', { state: 'NEXT' }, '25T18:00', ['DAY_NOT_OPEN']],
    [
      'wrong in every way',
      { effectiveCutOffAt: at('25T17:01') },
      '25T09:00',
      ['CUT_OFF_REACHED', 'NOT_AN_EXTENSION', 'CUT_OFF_IN_THE_PAST'],
    ],
  ])('%s', (_, change, to, codes) => {
    expect(checkExtension({ ...day, ...change }, at(to)).map(({ code }) => code)).toEqual(codes);
  });

  it('holds its own phase back, and no other', () => {
    expect(checkCutOffPhase('CUT_OFF', at('25T18:00'), at('25T17:59')).map(({ code }) => code)).toEqual([
      'CUT_OFF_EXTENDED',
    ]);
    expect(checkCutOffPhase('CUT_OFF', at('25T18:00'), at('25T18:00'))).toEqual([]);
    expect(checkCutOffPhase('CUT_OFF', null, at('25T17:59'))).toEqual([]);
    expect(checkCutOffPhase('SETTLE', at('25T18:00'), at('25T17:59'))).toEqual([]);
  });
});

describe('a calendar that changes', () => {
  const plannedAt = new Date('2026-11-25T17:00:00Z');
  const known: KnownDay = {
    ...{ businessDate: '2026-11-25', state: 'OPEN', nextBusinessDate: '2026-11-26', isHalfDay: false },
    ...{ plannedCutOffAt: plannedAt, effectiveCutOffAt: null },
  };
  const counted: CountedDay = {
    ...{ date: '2026-11-25', isWorkingDay: true, nextBusinessDate: '2026-11-26' },
    cutOff: { isHalfDay: false, plannedAt },
  };
  const early = { isHalfDay: true, plannedAt: new Date('2026-11-25T14:00:00Z') };
  const nothing = { isReplaced: false, isChanged: false };
  it.each<[string, Partial<KnownDay>, Partial<CountedDay>, object]>([
    ['elsewhere changes nothing', {}, {}, nothing],
    ['moves what follows an open date', {}, { nextBusinessDate: '2026-11-27' }, { isReplaced: false, isChanged: true }],
    ['does not close an open date', {}, { isWorkingDay: false }, { ...nothing, trouble: 'CLOSED_WHILE_WORKED' }],
    ['does not bring its cut-off forward', {}, { cutOff: early }, { ...nothing, trouble: 'CLOSES_EARLY_WHILE_WORKED' }],
    ['says nothing of a cut-off that was reached', { effectiveCutOffAt: plannedAt }, { cutOff: early }, nothing],
    [
      'leaves a date the early hour it was opened with',
      {},
      { cutOff: { isHalfDay: false, plannedAt: new Date('2026-11-25T18:00:00Z') } },
      nothing,
    ],
    ['replaces a date to come', { state: 'NEXT' }, { date: '2026-11-26' }, { isReplaced: true, isChanged: false }],
    [
      'moves the cut-off of a date to come',
      { state: 'NEXT' },
      { cutOff: early },
      { isReplaced: false, isChanged: true },
    ],
    ['leaves a closed date', { state: 'CLOSED' }, { isWorkingDay: false, nextBusinessDate: '2026-11-30' }, nothing],
  ])('%s', (_, of, counts, expected) => {
    expect(revisionOf({ ...known, ...of }, { ...counted, ...counts })).toEqual(expected);
  });
});
