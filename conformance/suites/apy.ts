import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { annualPercentageYield, growth, postAccrued, Rational } from '#libs/interest/index.js';
import { parseDecimal } from '#libs/money/index.js';
import { filesIn, type Result, type Suite, Tally } from '../suite.js';

const folder = 'ledger/regdd-apy';

type Row = Record<string, string | undefined>;

function hundredths(text: string): bigint {
  const units = parseDecimal(text, 2);
  if (!units.ok) throw new RangeError(units.problems.map(({ message }) => message).join('; '));
  return units.value;
}

/** Interest for the rates one after the other, compounded daily; each for its part of the days where they are told. */
function interestOf(principalUnits: bigint, { rates = '', days = '', kind = '' }: Row): bigint {
  const each = rates.split(/\s*then\s*/).map((rate) => Rational.parse(rate.replace('%', '').trim()));
  const parts = [...kind.matchAll(/(\d+)d\b/g)].map(([, part]) => Number(part));
  const terms = each.length === 1 ? [Number(days)] : parts;
  if (terms.length !== each.length) throw new RangeError(`${each.length} rates for ${terms.length} terms`);
  const grown = each.reduce(
    (sum, percent, n) => sum.times(growth(percent.dividedBy(Rational.of(100)), terms[n] ?? 0)),
    Rational.one,
  );
  return postAccrued(Rational.of(principalUnits).times(grown.minus(Rational.one))).postedUnits;
}

async function run(root: string): Promise<Result> {
  const tally = new Tally();
  for (const path of await filesIn(join(root, folder), (file) => file.endsWith('.csv'))) {
    const rows = parse<Row>(await readFile(path, 'utf8'), { columns: true, skip_empty_lines: true, trim: true });
    for (const [n, row] of rows.entries()) {
      const what = `${basename(path)} line ${n + 2}: ${row['id'] ?? ''}`;
      try {
        const principal = hundredths(row['principal'] ?? '');
        const stated = hundredths(row['expected_interest'] ?? '');
        const interest = row['rates'] ? interestOf(principal, row) : stated;
        const yielded = annualPercentageYield(interest, principal, Number(row['days']));
        tally.equal(
          what,
          { interest: String(interest), yield: String(yielded) },
          { interest: String(stated), yield: String(hundredths(row['expected_apy_percent'] ?? '')) },
        );
      } catch (error) {
        tally.fail(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
  return tally.result();
}

export default { name: 'apy', folder, run } satisfies Suite;
