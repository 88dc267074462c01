import { parse } from 'csv-parse/sync';
import { isPlainDate } from '#libs/calendar/index.js';
import { accepted, type Decision, type Problem, problem, refused } from '#libs/kernel/index.js';

/** A file of bills: one line for each line of a bill; lines with the supplier and number of the line before are of the same. */
const columns = [
  'supplier',
  'number',
  'billDate',
  'dueDate',
  'currency',
  'kind',
  'code',
  'costCentre',
  'amount',
  'description',
] as const;
type Line = Readonly<Record<(typeof columns)[number], string>>;

const linesMax = 5_000;
const needed = ['supplier', 'number', 'currency', 'amount', 'description'] as const;

export interface BillOfFile {
  /** The place of its first line, counted without the header. */
  readonly at: number;
  readonly supplier: string;
  readonly number: string;
  readonly billDate: string;
  readonly dueDate: string;
  readonly currency: string;
  readonly lines: readonly {
    readonly kind: 'NET' | 'TAX';
    readonly code: string | null;
    readonly costCentre: string | null;
    readonly amount: string;
    readonly description: string;
  }[];
}

export function readBills(text: string): Decision<BillOfFile[]> {
  let lines: Line[];
  try {
    lines = parse<Line>(text, { columns: true, bom: true, trim: true, skip_empty_lines: true });
  } catch (error) {
    return refused(problem('FILE_UNREADABLE', error instanceof Error ? error.message : String(error), ['file']));
  }
  const [first] = lines;
  if (!first) return refused(problem('FILE_EMPTY', 'The file has no lines', ['file']));
  if (lines.length > linesMax) return refused(problem('FILE_TOO_LONG', `More than ${linesMax} lines`, ['file']));
  const missing = columns.filter((column) => !(column in first));
  if (missing.length > 0)
    return refused(problem('COLUMN_MISSING', `The file has no column ${missing.join(', ')}`, ['file']));
  const problems = lines.flatMap(faultsOfLine);
  const bills: (Omit<BillOfFile, 'lines'> & { lines: BillOfFile['lines'][number][] })[] = [];
  lines.forEach((line, at) => {
    const { supplier, number, billDate, dueDate, currency } = line;
    let bill = bills.at(-1);
    if (!bill || bill.supplier !== supplier || bill.number !== number) {
      bill = { at, supplier, number, billDate, dueDate, currency, lines: [] };
      bills.push(bill);
    } else if (bill.billDate !== billDate || bill.dueDate !== dueDate || bill.currency !== currency)
      problems.push(
        problem('BILL_HEAD_DIFFERS', `${number} has other dates or another currency on the line before`, [
          'file',
          at,
          'number',
        ]),
      );
    bill.lines.push({
      kind: line.kind === 'TAX' ? 'TAX' : 'NET',
      code: line.code || null,
      costCentre: line.costCentre || null,
      amount: line.amount,
      description: line.description,
    });
  });
  return problems.length > 0 ? refused(problems) : accepted(bills);
}

function faultsOfLine(line: Line, n: number): Problem[] {
  const at = (column: string) => ['file', n, column];
  return [
    ...(['billDate', 'dueDate'] as const)
      .filter((column) => !isPlainDate(line[column]))
      .map((column) => problem('INVALID_DATE', `"${line[column].slice(0, 40)}" is no date`, at(column))),
    ...(['NET', 'TAX'].includes(line.kind) ? [] : [problem('INVALID_KIND', 'NET or TAX', at('kind'))]),
    ...needed
      .filter((column) => line[column] === '')
      .map((column) => problem('FIELD_MISSING', `${column} is empty`, at(column))),
  ];
}
