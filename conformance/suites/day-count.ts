import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { countDays, type DayCount, dayCounts, type DayCountTerms, yearFraction } from '#libs/interest/index.js';
import { filesIn, type Result, type Suite, Tally } from '../suite.js';

const folder = 'ledger/daycount';
const tolerance = 1e-12;

/** What others call our conventions, letters and digits alone. */
const otherNames: Readonly<Record<string, DayCount>> = {
  ONEONE: '1/1',
  ACTACT: 'ACT/ACT ISDA',
  ACTACTHISTORICAL: 'ACT/ACT ISDA',
  ACTACTACTUAL365: 'ACT/ACT ISDA',
  ACTACTISMA: 'ACT/ACT ICMA',
  ACTACTBOND: 'ACT/ACT ICMA',
  ACTACTEURO: 'ACT/ACT AFB',
  ACT365: 'ACT/365F',
  ACT365FIXED: 'ACT/365F',
  '30360': '30/360 ISDA',
  '30360BONDBASIS': '30/360 ISDA',
  '30360ISMA': '30/360 ISDA',
  '30360EUROPEAN': '30E/360',
  '30360EUROBONDBASIS': '30E/360',
  '30E360EUROBONDBASIS': '30E/360',
  '30360GERMAN': '30E/360 ISDA',
  '30360USA': '30U/360',
  '30EPLUS360': '30E+/360',
};
const squashed = (name: string) => name.toUpperCase().replace(/[^A-Z0-9]/g, '');
const ourNames = new Map<string, DayCount>([
  ...dayCounts.filter((name) => name !== '30E+/360').map((name): [string, DayCount] => [squashed(name), name]),
  ...Object.entries(otherNames),
]);

type Row = Record<string, string | undefined>;

/** A row that contradicts another of its own source. It counts as skipped. */
const contradictions: readonly {
  convention: string;
  start: string;
  end: string;
  expected_days: string;
  why: string;
}[] = [
  {
    convention: 'THIRTY_E_365',
    start: '2012-02-29',
    end: '2016-02-29',
    expected_days: '0',
    why: 'its working has 2012 as the year of the end; the same dates have 3.9452 years, which are 1440 days, in the table of year fractions',
  },
];
const contradictionOf = (row: Row) =>
  contradictions.find(
    (one) =>
      one.convention === row['convention'] &&
      one.start === row['start'] &&
      one.end === row['end'] &&
      one.expected_days === row['expected_days'],
  );

function conventionOf({ convention = '', termination_date }: Row): DayCount | undefined {
  const name = squashed(convention)
    .replace(/ACTUAL/g, 'ACT')
    .replace(/^ACT365ACT$/, 'ACT365ACTUAL')
    .replace('THIRTY', '30');
  // One source calls the eurobond basis with a termination date so, another the bond basis without.
  if (name === '30360ISDA' && termination_date) return '30E/360 ISDA';
  return ourNames.get(name);
}

/** `P6M` twice a year. */
function couponsPerYear(frequency: string): number {
  const match = /^P?(\d+)([MY])$/.exec(frequency);
  if (!match) throw new RangeError(`no such frequency is known: ${frequency}`);
  return 12 / (Number(match[1]) * (match[2] === 'Y' ? 12 : 1));
}

function termsOf({ frequency, period_end, ref_start, ref_end, termination_date, flag = '', end }: Row): DayCountTerms {
  const periodEnd = period_end || ref_end;
  return {
    ...(ref_start ? { periodStart: ref_start } : {}),
    ...(periodEnd ? { periodEnd } : {}),
    ...(frequency ? { couponsPerYear: couponsPerYear(frequency) } : {}),
    isEndOfMonth: /endOfMonth=true/i.test(flag),
    isMaturity: /isMaturity=true/i.test(flag) || termination_date === end,
  };
}

async function run(root: string): Promise<Result> {
  const tally = new Tally();
  const used = new Set<DayCount>();
  let [fractions, days] = [0, 0];
  for (const path of await filesIn(join(root, folder), (file) => file.endsWith('.csv'))) {
    const rows = parse<Row>(await readFile(path, 'utf8'), { columns: true, skip_empty_lines: true, trim: true });
    for (const [n, row] of rows.entries()) {
      const { convention = '', start = '', end = '', expected_year_fraction, expected_days } = row;
      const what = `${basename(path)} line ${n + 2}: ${convention} ${start} to ${end}`;
      const contradiction = contradictionOf(row);
      if (contradiction) {
        tally.skip(`${what}: expected ${contradiction.expected_days} days, but ${contradiction.why}`);
        continue;
      }
      try {
        const name = conventionOf(row);
        if (!name) throw new RangeError('the convention is unknown');
        used.add(name);
        const differs: string[] = [];
        if (expected_year_fraction) {
          fractions += 1;
          const ours = yearFraction(name, start, end, termsOf(row)).toDecimal();
          if (ours.minus(expected_year_fraction).abs().greaterThan(tolerance))
            differs.push(`expected ${expected_year_fraction} of a year, got ${ours.toString()}`);
        }
        if (expected_days) {
          days += 1;
          const ours = countDays(name, start, end, termsOf(row));
          if (ours !== Number(expected_days)) differs.push(`expected ${expected_days} days, got ${ours}`);
        }
        if (!expected_year_fraction && !expected_days) differs.push('nothing is expected');
        if (differs.length > 0) tally.fail(`${what}: ${differs.join('; ')}`);
        else tally.pass();
      } catch (error) {
        tally.fail(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
  return tally.result({ conventions: used.size, fractions, days });
}

export default { name: 'day-count', folder, run } satisfies Suite;
