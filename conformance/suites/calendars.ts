import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  addBusinessDays,
  addDays,
  adjust,
  type BusinessCalendar,
  type BusinessDayConvention,
  calendarData,
  dayOfWeek,
  easterSunday,
  type PlainDate,
} from '#libs/calendar/index.js';
import { filesIn, type Result, type Suite, Tally } from '../suite.js';

const folder = 'settlement/quantlib-strata-dates';

/** Our ids where they differ from those of the cases. */
const ourId: Readonly<Record<string, string>> = { EUTA: 'TARGET', NYSE: 'XNYS' };

/** A day on which we differ from the cases on purpose, with the reason. It counts as skipped. */
const divergences: readonly { calendar: string; date: PlainDate; isHolidayWithUs: boolean; why: string }[] = [
  {
    calendar: 'NYSE',
    date: '2012-10-29',
    isHolidayWithUs: true,
    why: 'the exchange was closed on both days of hurricane Sandy, 29 and 30 October; the cases know only the 30th, the day of the bond market',
  },
  {
    calendar: 'BRBD',
    date: '2024-11-20',
    isHolidayWithUs: true,
    why: 'Lei 14.759 of 21 December 2023 made 20 November a national holiday from 2024; the cases are older',
  },
];

interface Cases {
  /** Easter Sundays. */
  easter?: PlainDate[];
  /** Calendar → year → holidays; every other day from Monday to Friday of that year is a business day. */
  holidays?: Record<string, Record<string, PlainDate[]>>;
  businessDayConventions?: { convention: string; calendar: string; input: PlainDate; expected: PlainDate }[];
  daysAdjustment?: { rule: string; base: PlainDate; expected: PlainDate }[];
  note?: string;
}

const knownTables = ['easter', 'holidays', 'businessDayConventions', 'daysAdjustment', 'note'];

const withWeekend = (id: string, ...weekendOf: PlainDate[]): BusinessCalendar => ({
  id,
  version: 'conformance',
  weekend: weekendOf.map(dayOfWeek),
  holidays: new Set<PlainDate>(),
});
const withoutHolidays: Readonly<Record<string, BusinessCalendar>> = {
  SAT_SUN: withWeekend('SAT_SUN', '2026-11-21', '2026-11-22'),
  'Sat/Sun': withWeekend('SAT_SUN', '2026-11-21', '2026-11-22'),
  'Wed/Thu': withWeekend('WED_THU', '2026-11-25', '2026-11-26'),
};

const conventions: Readonly<Record<string, BusinessDayConvention>> = { NO_ADJUST: 'NONE' };

async function run(root: string): Promise<Result> {
  const tally = new Tally();
  const figures = { holidays: 0, businessDays: 0, adjustments: 0, easters: 0, divergences: 0 };
  for (const path of await filesIn(join(root, folder), (file) => file.endsWith('.json'))) {
    const file = basename(path);
    const cases = JSON.parse(await readFile(path, 'utf8')) as Cases;
    const unknown = Object.keys(cases).filter((table) => !knownTables.includes(table));
    if (unknown.length > 0) tally.skip(`${file}: no such tables are known: ${unknown.join(', ')}`, unknown.length);
    for (const [calendar, years] of Object.entries(cases.holidays ?? {})) {
      for (const [year, expected] of Object.entries(years))
        checkYear(tally, figures, calendar, Number(year), new Set(expected));
    }
    for (const date of cases.easter ?? []) {
      figures.easters += 1;
      tally.equal(`Easter ${date.slice(0, 4)}`, easterSunday(Number(date.slice(0, 4))), date);
    }
    for (const { convention, calendar, input, expected } of cases.businessDayConventions ?? []) {
      figures.adjustments += 1;
      attempt(tally, `${convention} ${calendar} ${input}`, expected, () =>
        adjust(named(calendar), input, conventions[convention] ?? (convention as BusinessDayConvention)),
      );
    }
    for (const { rule, base, expected } of cases.daysAdjustment ?? []) {
      figures.adjustments += 1;
      attempt(tally, `${rule} from ${base}`, expected, () => byRule(rule, base));
    }
  }
  return tally.result(figures);
}

function checkYear(
  tally: Tally,
  figures: { holidays: number; businessDays: number; divergences: number },
  calendar: string,
  year: number,
  expected: ReadonlySet<PlainDate>,
): void {
  let data: { weekend: readonly number[]; holidays: ReadonlySet<PlainDate> };
  try {
    const { weekend, holidays } = calendarData(ourId[calendar] ?? calendar, year, year);
    data = { weekend, holidays: new Set(holidays) };
  } catch (error) {
    tally.fail(`${calendar} ${year}: ${error instanceof Error ? error.message : String(error)}`);
    return;
  }
  for (let date = `${year}-01-01`; date <= `${year}-12-31`; date = addDays(date, 1)) {
    const isClosedWithUs = data.holidays.has(date) || data.weekend.includes(dayOfWeek(date));
    const isClosedThere = expected.has(date);
    // A weekend day that the cases do not list is closed by being on the weekend: no case.
    if (!isClosedThere && data.weekend.includes(dayOfWeek(date))) continue;
    if (isClosedThere) figures.holidays += 1;
    else figures.businessDays += 1;
    const divergence = divergences.find((one) => one.calendar === calendar && one.date === date);
    if (isClosedWithUs === isClosedThere) tally.pass();
    else if (divergence?.isHolidayWithUs === isClosedWithUs) {
      figures.divergences += 1;
      tally.skip(`${calendar} ${date} is ${isClosedWithUs ? 'closed' : 'open'} with us: ${divergence.why}`);
    } else
      tally.fail(
        `${calendar} ${date}: expected ${isClosedThere ? 'closed' : 'open'}, is ${isClosedWithUs ? 'closed' : 'open'}`,
      );
  }
}

function attempt(tally: Tally, what: string, expected: PlainDate, calculate: () => PlainDate): void {
  try {
    tally.equal(what, calculate(), expected);
  } catch (error) {
    tally.fail(`${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function named(calendar: string): BusinessCalendar {
  const found = withoutHolidays[calendar];
  if (!found) throw new Error(`no calendar ${calendar}`);
  return found;
}

/** `2 calendar days`, `2 business days Sat/Sun`, either `then Following Sat/Sun`. */
function byRule(rule: string, base: PlainDate): PlainDate {
  const match = /^(\d+) (calendar|business) days(?: (\w+\/\w+))?(?: \(.*\))?(?: then (\w+) (\w+\/\w+))?$/.exec(rule);
  if (!match) throw new Error('the rule is not understood');
  const [, count, kind, calendar, convention, adjustmentCalendar] = match;
  const days = Number(count);
  const moved = kind === 'business' ? addBusinessDays(named(calendar ?? 'SAT_SUN'), base, days) : addDays(base, days);
  if (convention === undefined || adjustmentCalendar === undefined) return moved;
  return adjust(named(adjustmentCalendar), moved, convention.toUpperCase() as BusinessDayConvention);
}

export default { name: 'calendars', folder, run } satisfies Suite;
