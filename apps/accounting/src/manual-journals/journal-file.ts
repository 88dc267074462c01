import { CsvError, parse } from 'csv-parse/sync';
import { isPlainDate } from '#libs/calendar/index.js';
import { type ManualJournal } from './manual-journals.js';

/**
 * Journals as CSV: one line a posting, lines of one name in `journal` are one journal. What is said of the whole journal
 * stands on its first line; the others repeat it or leave it blank. A column `dimension:COST_CENTRE` gives a dimension.
 */
export const journalColumns = [
  'journal',
  'account',
  'side',
  'amount',
  'asset',
  'description',
  'reason',
  'evidence',
] as const;
const optionalColumns = ['valueDate', 'accountingDate', 'yearEnd'] as const;
const ofTheWhole = ['description', 'reason', 'evidence', ...optionalColumns] as const;
export const fileLinesMax = 10_000;

export interface LineFault {
  readonly line: number;
  readonly column: string | null;
  readonly code: string;
  readonly message: string;
}

export interface JournalOfFile {
  readonly name: string;
  readonly journal: ManualJournal;
  /** The line of the file that each line of the journal stands on. */
  readonly lines: readonly number[];
}

type Cells = Readonly<Record<string, string>>;
interface Line {
  readonly line: number;
  readonly cells: Cells;
}

export function readJournalFile(
  book: string,
  content: string,
): { journals: JournalOfFile[]; lines: number; faults: LineFault[] } {
  const faults: LineFault[] = [];
  const lines = linesOf(content, faults);
  const byName = new Map<string, Line[]>();
  for (const line of lines) {
    const name = line.cells.journal ?? '';
    if (name === '') faults.push(fault(line.line, 'journal', 'VALUE_MISSING', 'The line names no journal'));
    byName.set(name, [...(byName.get(name) ?? []), line]);
  }
  const journals = [...byName].map(([name, own]) => journalOf(book, name, own, faults));
  return { journals, lines: lines.length, faults };
}

const fault = (line: number, column: string | null, code: string, message: string): LineFault => ({
  line,
  column,
  code,
  message,
});

function linesOf(content: string, faults: LineFault[]): Line[] {
  let records: { record: string[]; info: { lines: number } }[];
  try {
    records = parse(content, {
      bom: true,
      info: true,
      trim: true,
      skip_empty_lines: true,
      relax_column_count: true,
    }) as unknown as typeof records;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    faults.push(
      fault(
        typeof error.lines === 'number' ? error.lines : 1,
        null,
        'FILE_MALFORMED',
        `The file is no CSV: ${error.code}`,
      ),
    );
    return [];
  }
  const [header, ...rest] = records;
  const names = header?.record ?? [];
  const missing = journalColumns.filter((column) => !names.includes(column));
  const known = (name: string) =>
    [...journalColumns, ...optionalColumns].some((one) => one === name) || /^dimension:./.test(name);
  if (missing.length > 0) faults.push(fault(1, null, 'COLUMN_MISSING', `The file has no column ${missing.join(', ')}`));
  names.forEach((name, n) => {
    if (!known(name)) faults.push(fault(1, name, 'COLUMN_UNKNOWN', `${name} is no column of a file of journals`));
    if (names.indexOf(name) < n) faults.push(fault(1, name, 'COLUMN_TWICE', `${name} stands twice`));
  });
  if (rest.length === 0) faults.push(fault(1, null, 'FILE_EMPTY', 'The file has no lines'));
  if (rest.length > fileLinesMax)
    faults.push(fault(1, null, 'TOO_MANY_LINES', `The file has ${rest.length} lines, of ${fileLinesMax} at most`));
  if (faults.length > 0) return [];
  return rest.map(({ record, info }) => {
    if (record.length !== names.length)
      faults.push(
        fault(info.lines, null, 'FILE_MALFORMED', `The line has ${record.length} cells, the header ${names.length}`),
      );
    return { line: info.lines, cells: Object.fromEntries(names.map((name, n) => [name, record[n] ?? ''])) };
  });
}

function journalOf(book: string, name: string, lines: readonly Line[], faults: LineFault[]): JournalOfFile {
  const first = lines[0]?.cells ?? {};
  for (const { line, cells } of lines) {
    for (const column of ofTheWhole)
      if ((cells[column] ?? '') !== '' && cells[column] !== first[column])
        faults.push(fault(line, column, 'JOURNAL_DIFFERS', `${column} of ${name} is another than on its first line`));
    if (cells.side !== 'DEBIT' && cells.side !== 'CREDIT')
      faults.push(fault(line, 'side', 'VALUE_UNKNOWN', `"${cells.side ?? ''}" is neither DEBIT nor CREDIT`));
  }
  const at = lines[0]?.line ?? 1;
  const text = (column: string, least: number, most: number): string => {
    const value = first[column] ?? '';
    if (value.length < least) faults.push(fault(at, column, 'VALUE_MISSING', `${name} has no ${column}`));
    if (value.length > most)
      faults.push(fault(at, column, 'VALUE_TOO_LONG', `${column} has more than ${most} characters`));
    return value;
  };
  const date = (column: string): string | null => {
    const value = first[column] ?? '';
    if (value !== '' && !isPlainDate(value)) faults.push(fault(at, column, 'VALUE_UNKNOWN', `"${value}" is no date`));
    return value === '' ? null : value;
  };
  const yearEnd = first.yearEnd ?? '';
  if (!['', 'yes', 'no'].includes(yearEnd))
    faults.push(fault(at, 'yearEnd', 'VALUE_UNKNOWN', `"${yearEnd}" is neither yes nor no`));
  return {
    name,
    lines: lines.map(({ line }) => line),
    journal: {
      book,
      description: text('description', 1, 140),
      reason: text('reason', 3, 140),
      evidence: text('evidence', 1, 1000),
      valueDate: date('valueDate'),
      accountingDate: date('accountingDate'),
      isYearEnd: yearEnd === 'yes',
      lines: lines.map(({ cells }) => ({
        account: cells.account ?? '',
        side: cells.side === 'CREDIT' ? 'CREDIT' : 'DEBIT',
        amount: cells.amount ?? '',
        asset: cells.asset ?? '',
        dimensions: Object.entries(cells).flatMap(([column, value]) =>
          column.startsWith('dimension:') && value !== ''
            ? [{ dimension: column.slice('dimension:'.length), value }]
            : [],
        ),
      })),
    },
  };
}
