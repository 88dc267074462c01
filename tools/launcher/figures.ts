/** One figure of a day as a service states it, or as the oracle expects it. */
export interface DayFigure {
  row: string;
  /** Dotted path inside the row, e.g. `equity.eu`. */
  part: string;
  currency: string | null;
  count: number;
  /** Decimal text in `currency`. */
  value: string | null;
  references: string[];
}

export type RowParts = { total: number } & { [part: string]: number | RowParts };
export type Rows = Record<string, RowParts | 'not yet'>;
export type Values = Record<string, Record<string, string>>;

/** The rows of the day, in the order that a reader meets them. */
export const rowOrder = [
  'linesRead',
  'newTrades',
  'rejected',
  'captured',
  'due',
  'dueOutcome',
  'payments',
  'paymentReplays',
  'screening',
  'files',
  'approvals',
  'breaks',
  'shortfalls',
  'workItems',
];
/** Rows whose feature is not built. */
const notYet = ['breaks'];

/** Adds the figures up: each part at its path, each level with the total of its parts. */
export function rowsOf(figures: readonly DayFigure[]): Rows {
  const rows: Rows = {};
  for (const { row, part, count } of figures) {
    let level = (rows[row] ??= { total: 0 }) as RowParts;
    level.total += count;
    const names = part.split('.');
    names.forEach((name, depth) => {
      if (depth === names.length - 1) {
        level[name] = ((level[name] as number | undefined) ?? 0) + count;
        return;
      }
      const next = (level[name] ??= { total: 0 }) as RowParts;
      next.total += count;
      level = next;
    });
  }
  for (const row of notYet) rows[row] ??= 'not yet';
  return Object.fromEntries(Object.entries(rows).sort(([a], [b]) => rankOf(a) - rankOf(b)));
}

const rankOf = (row: string) => (rowOrder.indexOf(row) < 0 ? rowOrder.length : rowOrder.indexOf(row));

/** Sums the values of a row per currency, exactly. */
export function valuesOf(figures: readonly DayFigure[]): Values {
  const values: Values = {};
  for (const { row, currency, value } of figures) {
    if (!currency || value === null) continue;
    const sums = (values[row] ??= {});
    sums[currency] = addDecimals(sums[currency] ?? '0', value);
  }
  return values;
}

/** Adds two decimal texts without ever leaving integers. */
export function addDecimals(a: string, b: string): string {
  const scale = Math.max(scaleOf(a), scaleOf(b));
  const sum = unitsAt(a, scale) + unitsAt(b, scale);
  if (scale === 0) return String(sum);
  const digits = String(sum < 0n ? -sum : sum).padStart(scale + 1, '0');
  return `${sum < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

const scaleOf = (text: string) => (text.includes('.') ? text.length - text.indexOf('.') - 1 : 0);
const unitsAt = (text: string, scale: number) => BigInt(text.replace('.', '') + '0'.repeat(scale - scaleOf(text)));
