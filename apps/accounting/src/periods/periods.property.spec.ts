import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isRefused } from '#libs/kernel/index.js';
import {
  adjustmentOf,
  checkAdjustment,
  checkHardClose,
  checkSoftClose,
  decideReopening,
  type KnownPeriod,
  monthOf,
} from './periods.js';

/**
 * The rules of periods played on a small book: dates are worked one after the other, entries come on their date or of an
 * earlier one, periods close and reopen. Whatever the order, nothing comes into a hard closed period, and what reports say
 * (daily buckets and shifts) is what was posted.
 */
interface Entry {
  readonly businessDate: string;
  readonly accountingDate: string;
  readonly period: string;
  readonly units: bigint;
}

const dates = [
  '2026-11-26',
  '2026-11-27',
  '2026-11-30',
  '2026-12-01',
  '2026-12-30',
  '2026-12-31',
  '2027-01-04',
  '2027-01-29',
  '2027-02-01',
];

/** As expect(…).toBe(…), which takes its time and would be asked half a million times. */
function same<T>(found: T, expected: T): void {
  if (found !== expected) throw new Error(`found ${String(found)}, expected ${String(expected)}`);
}

class Book {
  readonly periods = new Map<string, { state: KnownPeriod['state']; kept?: bigint }>();
  readonly entries: Entry[] = [];
  readonly buckets = new Map<string, bigint>();
  readonly shifts: { from: string; to: string; period: string; units: bigint }[] = [];
  private at = -1;

  get today(): string {
    return dates[this.at] as string;
  }

  private get known(): KnownPeriod[] {
    return [...this.periods].map(([period, { state }]) => ({ period, state }));
  }

  nextDate(): void {
    const next = dates[this.at + 1];
    if (next === undefined) return;
    // The guard of the tables: a date is worked in an open month only. It can never be another, as the rules go.
    same(this.periods.get(monthOf(next))?.state ?? 'OPEN', 'OPEN');
    this.at += 1;
    for (const name of [monthOf(next), ...(monthOf(next).endsWith('-12') ? [`${next.slice(0, 4)}-13`] : [])])
      if (!this.periods.has(name)) this.periods.set(name, { state: 'OPEN' });
  }

  post(units: bigint, back: number, isYearEnd: boolean, mayPostByHand: boolean): boolean {
    const accountingDate = isYearEnd ? '2026-12-31' : (dates[Math.max(0, this.at - back)] as string);
    const adjustment = adjustmentOf(accountingDate, this.today, { isYearEnd });
    if (
      adjustment &&
      checkAdjustment(adjustment, this.today, this.periods.get(adjustment.period)?.state ?? null, mayPostByHand)
        .length > 0
    )
      return false;
    const period = adjustment?.period ?? monthOf(this.today);
    if (this.periods.get(period)?.state === 'HARD_CLOSED') throw new Error(`let into ${period}`);
    this.entries.push({ businessDate: this.today, accountingDate, period, units });
    this.buckets.set(this.today, (this.buckets.get(this.today) ?? 0n) + units);
    if (adjustment) this.shifts.push({ from: this.today, to: accountingDate, period, units });
    return true;
  }

  /** A correction by hand: the entry taken back, as of the date it belongs to when that still goes, else as of today. */
  correct(n: number): void {
    const entry = this.entries[n % Math.max(1, this.entries.length)];
    if (!entry) return;
    const back = this.at - dates.indexOf(entry.accountingDate);
    if (!this.post(-entry.units, back, entry.period.endsWith('-13'), true))
      same(this.post(-entry.units, 0, false, true), true);
  }

  private lastDateOf(period: string): string {
    return period.endsWith('-13') ? `${period.slice(0, 4)}-12-31` : `${period}-31`;
  }

  softClose(n: number): void {
    const period = this.pick(n);
    if (period === undefined) return;
    const last = this.lastDateOf(period.period);
    const openDates = this.today <= last && monthOf(this.today) === monthOf(last) ? [this.today] : [];
    if (checkSoftClose({ ...period, others: this.known }, openDates, this.today > last).length === 0)
      this.periods.set(period.period, { state: 'SOFT_CLOSED' });
  }

  hardClose(n: number): void {
    const period = this.pick(n);
    if (period !== undefined && checkHardClose({ ...period, others: this.known }).length === 0)
      this.periods.set(period.period, { state: 'HARD_CLOSED', kept: this.upTo(period.period) });
  }

  reopen(n: number): void {
    const period = this.pick(n);
    if (period === undefined) return;
    const decision = decideReopening({ ...period, others: this.known });
    if (!isRefused(decision)) this.periods.set(period.period, { state: decision.value });
  }

  private pick(n: number): KnownPeriod | undefined {
    return this.known[n % Math.max(1, this.periods.size)];
  }

  /** As the database adds it up (`accounting.period_totals`). */
  upTo(period: string): bigint {
    const last = this.lastDateOf(period);
    const booked = [...this.buckets].filter(([date]) => date <= last).reduce((sum, [, units]) => sum + units, 0n);
    const away = this.shifts.filter(({ from }) => from <= last).reduce((sum, { units }) => sum + units, 0n);
    const here = this.shifts.filter((one) => one.period <= period).reduce((sum, { units }) => sum + units, 0n);
    return booked - away + here;
  }

  check(): void {
    for (const [name, { state, kept }] of this.periods) {
      same(
        this.upTo(name),
        this.entries.filter(({ period }) => period <= name).reduce((sum, { units }) => sum + units, 0n),
      );
      if (state === 'HARD_CLOSED') same(this.upTo(name), kept);
    }
    // By accounting date, over all dates: the postings, each where it belongs.
    for (const date of dates) {
      const told =
        (this.buckets.get(date) ?? 0n) +
        this.shifts.reduce(
          (sum, { from, to, units }) => sum + (to === date ? units : 0n) - (from === date ? units : 0n),
          0n,
        );
      same(
        told,
        this.entries
          .filter(({ accountingDate }) => accountingDate === date)
          .reduce((sum, { units }) => sum + units, 0n),
      );
    }
    const states = this.known.sort((one, other) => (one.period < other.period ? -1 : 1)).map(({ state }) => state);
    const order = { HARD_CLOSED: 0, SOFT_CLOSED: 1, OPEN: 2 };
    for (let n = 1; n < states.length; n += 1)
      if (order[states[n]!] < order[states[n - 1]!]) throw new Error('an earlier period is open');
  }
}

type Step = (book: Book) => void;
const place = fc.nat({ max: 5 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constant<Step>((book) => {
      book.nextDate();
    }),
  },
  {
    weight: 5,
    arbitrary: fc.tuple(fc.bigInt({ min: -50n, max: 50n }), fc.nat({ max: 8 }), fc.boolean(), fc.boolean()).map(
      ([units, back, isYearEnd, mayPostByHand]): Step =>
        (book) =>
          void book.post(units, back, isYearEnd, mayPostByHand),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.nat({ max: 30 }).map((n): Step => (book) => {
      book.correct(n);
    }),
  },
  {
    weight: 3,
    arbitrary: place.map((n): Step => (book) => {
      book.softClose(n);
    }),
  },
  {
    weight: 3,
    arbitrary: place.map((n): Step => (book) => {
      book.hardClose(n);
    }),
  },
  {
    weight: 1,
    arbitrary: place.map((n): Step => (book) => {
      book.reopen(n);
    }),
  },
);

describe('periods, in any order of posting, back-dating, closing, reopening and correction', () => {
  it('let nothing into a hard closed one, and buckets and shifts are the postings', () => {
    const seen = { hardClosed: 0, shifts: 0 };
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 80 }), (steps) => {
        const book = new Book();
        book.nextDate();
        for (const one of steps) {
          one(book);
          book.check();
        }
        seen.hardClosed += [...book.periods.values()].filter(({ state }) => state === 'HARD_CLOSED').length;
        seen.shifts += book.shifts.length;
      }),
      { seed: 20261201, numRuns: 200 },
    );
    // The steps reach what they are to prove.
    expect(seen.hardClosed).toBeGreaterThan(40);
    expect(seen.shifts).toBeGreaterThan(400);
  });
});
