import { stringify } from 'csv-stringify/sync';
import { atPlaces, type Bytes, checkRow, type Column, type Rows, type Table } from './table.js';

const rowsAtOnce = 500;
/** What a spreadsheet may take for a formula, also behind blanks and in full width. */
const formulaBeginning = /^[\s\u00a0]*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/;

/**
 * RFC 4180 in UTF-8: one line of names, then the rows, each with its kind and depth before it so that a program can
 * leave totals out. Title and notes belong to the formats for people.
 * Text that a spreadsheet would run as a formula gets an apostrophe before it: such text comes from customers.
 */
export async function* renderCsv(table: Table, rows: Rows): Bytes {
  const lines = (some: readonly (readonly string[])[]) =>
    Buffer.from(stringify(some as string[][], { record_delimiter: '\r\n' }), 'utf8');
  yield lines([['Row', 'Level', ...table.columns.map(({ title }) => harmless(title))]]);
  let waiting: string[][] = [];
  for await (const row of rows) {
    checkRow(table, row);
    const cells = row.cells.map((cell, at) => cellText(table.columns[at], cell));
    waiting.push([row.kind ?? 'line', String(row.depth ?? 0), ...cells]);
    if (waiting.length < rowsAtOnce) continue;
    yield lines(waiting);
    waiting = [];
  }
  if (waiting.length > 0) yield lines(waiting);
}

function cellText(column: Column | undefined, cell: string | null): string {
  if (cell === null || column === undefined) return '';
  if (column.kind === 'text') return harmless(cell);
  return column.kind === 'decimal' ? atPlaces(cell, column.decimals ?? 0) : cell;
}

const harmless = (text: string): string => (formulaBeginning.test(text) ? `'${text}` : text);
