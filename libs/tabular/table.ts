/**
 * One table, written once and shown in three ways: CSV for programs, XLSX for whoever reckons on, PDF for whoever signs.
 * Amounts are decimal text from end to end; no float is made of them anywhere.
 */
export type ColumnKind = 'text' | 'date' | 'decimal' | 'integer';

export interface Column {
  readonly title: string;
  /** `date` cells are ISO dates, `decimal` and `integer` cells are decimal text such as `-1234.50`. */
  readonly kind: ColumnKind;
  /** By default numbers stand right, all else left. */
  readonly align?: 'left' | 'right';
  /** About how many characters fit in a line. */
  readonly width?: number;
  /** Decimal places shown in a `decimal` column; without it each cell keeps the places it is written with. */
  readonly decimals?: number;
}

/** What a row is: a program can leave totals out, a person sees them in bold. */
export type RowKind = 'heading' | 'line' | 'subtotal' | 'total';

export interface Row {
  readonly kind?: RowKind;
  /** How far the first cell is indented: 0 for none. */
  readonly depth?: number;
  /** One for each column; null is empty. */
  readonly cells: readonly (string | null)[];
}

export interface Table {
  readonly title: string;
  /** Lines under the title: what was asked for, as known when, what was left out. */
  readonly subtitles?: readonly string[];
  /** Whose books; at the head of each page. */
  readonly book: string;
  /** The date or period that the figures are of; at the head of each page. */
  readonly date: string;
  readonly columns: readonly Column[];
  /** Lines under the last row. */
  readonly notes?: readonly string[];
  /** Written into the file as the time of its making: the same table at the same time gives the same bytes. */
  readonly createdAt: Date;
}

/** Rows may come from a cursor: none of the three formats keeps more than a page of them. */
export type Rows = Iterable<Row> | AsyncIterable<Row>;

export type Bytes = AsyncGenerator<Uint8Array, void, undefined>;

const decimalText = /^-?\d+(\.\d+)?$/;
const dateText = /^\d{4}-\d{2}-\d{2}$/;

/** A row that does not fit its table is a mistake of the program: nothing is guessed, nothing is cut. */
export function checkRow({ columns }: Table, { cells, depth = 0 }: Row): void {
  if (cells.length !== columns.length)
    throw new RangeError(`the row has ${cells.length} cells, the table ${columns.length} columns`);
  if (!Number.isInteger(depth) || depth < 0 || depth > depthMax) throw new RangeError(`no row is indented by ${depth}`);
  for (const [at, cell] of cells.entries()) {
    if (cell === null) continue;
    const { kind, title, decimals } = columns[at] ?? { kind: 'text', title: '' };
    if (kind === 'text') continue;
    const fits =
      kind === 'date'
        ? dateText.test(cell)
        : decimalText.test(cell) && (kind === 'decimal' ? placesOf(cell) <= (decimals ?? 30) : !cell.includes('.'));
    if (!fits) throw new RangeError(`"${cell.slice(0, 40)}" is no ${kind} for the column ${title}`);
  }
}

export const depthMax = 15;

/** Places behind the point as the text has them: 2 for `1.50`. */
export const placesOf = (decimal: string): number =>
  decimal.includes('.') ? decimal.length - decimal.indexOf('.') - 1 : 0;

/** `1.5` at two places is `1.50`; nothing is ever rounded. */
export function atPlaces(decimal: string, places: number): string {
  const missing = places - placesOf(decimal);
  if (missing <= 0) return decimal;
  return `${decimal}${decimal.includes('.') ? '' : '.'}${'0'.repeat(missing)}`;
}

/** Digits from the first that is not zero to the last that is not: what a spreadsheet has to keep. */
export function significantDigits(decimal: string): number {
  return decimal.replace(/[-.]/g, '').replace(/^0+/, '').replace(/0+$/, '').length;
}

/** `-1234567.50` is `-1,234,567.50`. */
export function grouped(decimal: string): string {
  const [whole = '', fraction] = decimal.split('.');
  const groups = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  return fraction === undefined ? groups : `${groups}.${fraction}`;
}

export const isNumeric = (kind: ColumnKind): boolean => kind === 'decimal' || kind === 'integer';

export const alignOf = ({ align, kind }: Column): 'left' | 'right' => align ?? (isNumeric(kind) ? 'right' : 'left');

const usualWidths: Record<ColumnKind, number> = { text: 30, date: 11, decimal: 20, integer: 10 };
export const widthOf = ({ width, kind }: Column): number => width ?? usualWidths[kind];
