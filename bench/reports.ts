import { AuditOwner, AuditTrail } from '#libs/audit/index.js';
import { type Transactions, type Tx } from '#libs/database/index.js';
import { isRefused, seededRandom } from '#libs/kernel/index.js';
import { ChartsRepository } from '../apps/accounting/src/chart/charts.repository.js';
import { Charts } from '../apps/accounting/src/chart/charts.service.js';
import { type Interbook } from '../apps/accounting/src/interbook/interbook.service.js';
import { type Rates } from '../apps/accounting/src/rates/rates.service.js';
import { RatesOfDate } from '../apps/accounting/src/rates/rates.js';
import { ReportsRepository } from '../apps/accounting/src/reports/reports.repository.js';
import { Reports } from '../apps/accounting/src/reports/reports.service.js';
import { withDatabase } from './database.js';
import { book, type FilledLedger, fillLedger } from './filled-ledger.js';
import { type BenchArguments, median, progress, round, timed } from './harness.js';

interface Figure {
  /** Medians, in milliseconds. */
  median_ms: number;
  least_ms: number;
  most_ms: number;
}

export interface ReportFigures {
  compared: string;
  postings: number;
  entries: number;
  accounts: number;
  rounds: number;
  fill_seconds: number;
  /** Statements up to the date that is open. */
  reports: Record<string, Figure>;
  /** The same statements at the end of a closed date, and one account at a value date as known at a moment. */
  as_of: Record<string, Figure>;
  /** The sums of all postings by code and asset, written as one writes them first. */
  group_by: Figure;
  /** Median of the slowest statement by that of the GROUP BY. */
  ratio: number;
}

const firstDay = '2026-11-02';
const scope = { knownOn: null, currency: null };

/** Of one book, so nothing is between books. */
const noPairs = { positions: () => Promise.resolve([]) } as unknown as Interbook;

/** All in one currency, so no rate is asked for. */
const noRates = { ofDate: (_: Tx, date: string) => Promise.resolve(new RatesOfDate([], date)) } as unknown as Rates;

/** What each statement is made of, once more from all postings: it also says that both come to the same. */
const groupBy = `
  SELECT a.gl_code AS code, p.asset, sum(greatest(p.units, 0)) AS debit, sum(greatest(-p.units, 0)) AS credit
    FROM accounting.posting p JOIN accounting.ledger_account l USING (ledger_account_id)
    JOIN accounting.account a ON a.book_id = l.book_id AND a.number = l.number
   WHERE p.book_id = $1 AND p.business_date <= $2 GROUP BY 1, 2`;

/** A service gives up after half a minute; the sum of all postings may take longer than that. */
const patient = (tx: Tx) => tx.execute('SET LOCAL statement_timeout = 0');

export async function reports(options: BenchArguments): Promise<ReportFigures> {
  const accounts = options.number('accounts', 100_000);
  return withDatabase(['accounting'], async (database) => {
    let filled: FilledLedger | undefined;
    progress('Filling a ledger …');
    const fillSeconds = await timed(async () => {
      filled = await fillLedger(database, { postings: options.number('postings', 10_000_000), accounts });
    });
    if (!filled) throw new Error('nothing was filled');
    const { day } = filled;
    const transactions = database.transactions('accounting', 1);
    const repository = new ReportsRepository();
    const made = new Reports(
      repository,
      new Charts(new ChartsRepository(), new AuditTrail(new AuditOwner('accounting'))),
      noRates,
      noPairs,
    );
    await sameAsPostings(transactions, repository, day);
    const random = seededRandom('as of');
    const closedDay = () => `2026-11-${String(random.integer(2, 20)).padStart(2, '0')}`;
    const period = { from: firstDay, to: day };
    const subjects: [string, 'reports' | 'as_of' | 'group_by', (tx: Tx) => Promise<unknown>][] = [
      ['trial balance', 'reports', async (tx) => right(await made.trialBalance(tx, book, period, scope))],
      ['balance sheet', 'reports', async (tx) => right(await made.balanceSheet(tx, day, { ...scope, books: [book] }))],
      [
        'profit and loss',
        'reports',
        async (tx) => right(await made.profitAndLoss(tx, period, { ...scope, books: [book] })),
      ],
      ['cash flow', 'reports', async (tx) => right(await made.cashFlow(tx, period, { ...scope, books: [book] }))],
      [
        'trial balance',
        'as_of',
        async (tx) => right(await made.trialBalance(tx, book, { from: firstDay, to: closedDay() }, scope)),
      ],
      [
        'balance sheet',
        'as_of',
        async (tx) => right(await made.balanceSheet(tx, closedDay(), { ...scope, books: [book] })),
      ],
      [
        'account',
        'as_of',
        (tx) =>
          tx.rows(
            `SELECT b.* FROM accounting.ledger_account l, accounting.balance_at(l.ledger_account_id, $3::date, ($3 || 'T23:59:00Z')::timestamptz) b
              WHERE l.book_id = $1 AND l.number = $2 AND l.asset = 'EUR'`,
            [book, `C${random.integer(1, filled?.cashAccounts ?? 1)}`, closedDay()],
          ),
      ],
      [
        '',
        'group_by',
        async (tx) => {
          await patient(tx);
          return tx.rows(groupBy, [book, day]);
        },
      ],
    ];
    const seconds = new Map<string, number[]>();
    for (let n = 0; n <= options.rounds; n += 1) {
      progress(n === 0 ? 'Once to warm up …' : `Round ${n} of ${options.rounds} …`);
      for (const [name, group, ask] of subjects) {
        const taken = await timed(() => transactions.run(ask));
        if (n > 0) seconds.set(`${group}/${name}`, [...(seconds.get(`${group}/${name}`) ?? []), taken * 1000]);
      }
    }
    const figure = (key: string): Figure => {
      const all = seconds.get(key) ?? [];
      return {
        median_ms: round(median(all), 1),
        least_ms: round(Math.min(...all), 1),
        most_ms: round(Math.max(...all), 1),
      };
    };
    const figuresOf = (group: string) =>
      Object.fromEntries(
        subjects.filter(([, one]) => one === group).map(([name]) => [name, figure(`${group}/${name}`)]),
      );
    const statements = figuresOf('reports');
    const plain = figure('group_by/');
    const slowest = Math.max(...Object.values(statements).map((one) => one.median_ms));
    return {
      compared: 'milliseconds of a statement from the ledger to its lines, by turns with a GROUP BY of all postings',
      postings: filled.postings,
      entries: filled.entries,
      accounts,
      rounds: options.rounds,
      fill_seconds: round(fillSeconds, 1),
      reports: statements,
      as_of: figuresOf('as_of'),
      group_by: plain,
      ratio: round(slowest / plain.median_ms, 4),
    };
  });
}

/** A statement that is fast and wrong is none. */
async function sameAsPostings(transactions: Transactions, repository: ReportsRepository, day: string): Promise<void> {
  await transactions.run(async (tx) => {
    const standing = await repository.standing(tx, book, day, null);
    await patient(tx);
    const plain = await tx.rows<{ code: string; asset: string; debit: string; credit: string }>(groupBy, [book, day]);
    const text = (rows: readonly { code: string; asset: string; debit: bigint | string; credit: bigint | string }[]) =>
      rows
        .map(({ code, asset, debit, credit }) => `${code} ${asset} ${debit} ${credit}`)
        .sort()
        .join('\n');
    if (text(standing) !== text(plain)) throw new Error('the totals of the codes are not the sums of the postings');
  });
}

function right<T>(decision: T): T {
  if (isRefused(decision as never)) throw new Error(JSON.stringify(decision));
  return decision;
}

export function printReports({
  compared,
  postings,
  reports: statements,
  as_of: asOf,
  group_by: plain,
  ratio,
}: ReportFigures): void {
  console.log(`${compared}, ${postings} postings`);
  const line = (name: string, figure: Figure) => {
    console.log(
      `  ${name.padEnd(34)} ${figure.median_ms.toFixed(1).padStart(9)} ms (${figure.least_ms} to ${figure.most_ms})`,
    );
  };
  for (const [name, figure] of Object.entries(statements)) line(name, figure);
  for (const [name, figure] of Object.entries(asOf)) line(`${name} as of a closed date`, figure);
  line('GROUP BY of the postings', plain);
  console.log(`  the slowest statement by the GROUP BY ${ratio}`);
}
