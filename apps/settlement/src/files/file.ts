import { CsvError, parse } from 'csv-parse/sync';
import { type Problem, problem } from '#libs/kernel/index.js';

export const fileKinds = ['TRADES', 'ALLOCATIONS', 'CONFIRMATIONS', 'PAYMENTS', 'STATEMENT'] as const;
export type FileKind = (typeof fileKinds)[number];
export const isFileKind = (text: string): text is FileKind => (fileKinds as readonly string[]).includes(text);

/** Larger work is split by its sender; a file is read in one piece, so that it is refused as a whole or read as a whole. */
export const fileSizeMaxBytes = 64 * 1024 * 1024;

export interface CsvLine<Column extends string> {
  /** As an editor counts: the header is line 1. */
  readonly line: number;
  readonly cells: Readonly<Record<Column, string>>;
}

export type CsvRead<Column extends string> =
  | { readonly lines: readonly CsvLine<Column>[]; readonly problems: readonly [] }
  | { readonly lines: null; readonly problems: readonly Problem[] };

/** Reads the whole file before anything is done with its first line: a broken file has no effect at all. */
export function readCsv<Column extends string>(content: Buffer, columns: readonly Column[]): CsvRead<Column> {
  const refuse = (code: string, message: string, line?: number): CsvRead<Column> => ({
    lines: null,
    problems: [problem(code, message, line === undefined ? ['content'] : ['content', line])],
  });
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch {
    return refuse('NOT_UTF8', 'the file is not UTF-8 text');
  }
  let records: { record: string[]; info: { lines: number } }[];
  try {
    records = parse(text, {
      bom: true,
      info: true,
      skip_empty_lines: true,
      relax_column_count: true,
    }) as unknown as typeof records;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = typeof error.lines === 'number' ? error.lines : undefined;
    return refuse('MALFORMED_FILE', `the file is no CSV: ${error.code}`, line);
  }
  const [header, ...rest] = records;
  if (!header) return refuse('EMPTY_FILE', 'the file has no header line');
  const names = header.record.map((name) => name.trim());
  const missing = columns.filter((column) => !names.includes(column));
  if (missing.length > 0) return refuse('MISSING_COLUMNS', `these columns are missing: ${missing.join(', ')}`, 1);
  const doubled = names.filter((name, index) => names.indexOf(name) !== index);
  if (doubled.length > 0)
    return refuse('DOUBLED_COLUMNS', `these columns come twice: ${[...new Set(doubled)].join(', ')}`, 1);
  const places = columns.map((column) => [column, names.indexOf(column)] as const);
  const ragged: Problem[] = [];
  const lines = rest.map(({ record, info }): CsvLine<Column> => {
    if (record.length !== names.length) {
      ragged.push(
        problem('MALFORMED_FILE', `the line has ${record.length} cells, the header ${names.length}`, [
          'content',
          info.lines,
        ]),
      );
    }
    return {
      line: info.lines,
      cells: Object.fromEntries(places.map(([column, at]) => [column, record[at] ?? ''])) as Record<Column, string>,
    };
  });
  return ragged.length > 0 ? { lines: null, problems: ragged.slice(0, 100) } : { lines, problems: [] };
}

/** Which of several expected files of a kind an arrival is, by its name: `trades-b-20261125.csv` is B. */
export function qualifierOf(name: string, candidates: readonly string[]): string | null {
  const parts = name.toUpperCase().split(/[^A-Z0-9]+/);
  return (
    candidates.find((candidate) => candidate !== '' && parts.includes(candidate)) ??
    (candidates.includes('') ? '' : null)
  );
}
