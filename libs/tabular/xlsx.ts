import { Zip, ZipDeflate } from 'fflate';
import {
  contentTypes,
  coreProperties,
  rootRelationships,
  styles,
  workbook,
  workbookRelationships,
} from './xlsx-parts.js';
import { columnName, escapeXml, Styles, textCell } from './xlsx-cells.js';
import {
  alignOf,
  atPlaces,
  type Bytes,
  checkRow,
  type Column,
  placesOf,
  type Row,
  type Rows,
  significantDigits,
  type Table,
  widthOf,
} from './table.js';

/** What a sheet of the format holds. */
const rowsOfASheetMax = 1_048_576;
/** A number of a spreadsheet is a binary float: up to this many digits come back as they were written (IEEE 754). */
const digitsKept = 15;
const flushAt = 64 * 1024;
/** The first day of a spreadsheet's calendar after the leap day 1900-02-29 that it has and the world had not. */
const firstSafeDate = '1900-03-01';
const dayZero = Date.UTC(1899, 11, 30);

/**
 * A workbook of the Office Open XML standard (ECMA-376), row by row: what stands in memory is a piece of a sheet.
 * A number is written with the digits of its decimal text and only if a spreadsheet keeps every one of them; any other
 * amount is text, right-aligned, so that no reader is shown a figure that differs from ours.
 */
export async function* renderXlsx(table: Table, rows: Rows): Bytes {
  const file = new ZipFile();
  const cellStyles = new Styles();
  const sheets: string[] = [];
  let sheet: Sheet | undefined;
  const begin = (): Sheet => {
    const path = `xl/worksheets/sheet${sheets.length + 1}.xml`;
    sheets.push(sheets.length === 0 ? 'Report' : `Report ${sheets.length + 1}`);
    return new Sheet(file.part(path), table, cellStyles);
  };
  sheet = begin();
  for await (const row of rows) {
    checkRow(table, row);
    if (sheet.rowCount >= rowsOfASheetMax - (table.notes?.length ?? 0) - 1) {
      sheet.end();
      sheet = begin();
    }
    sheet.row(row);
    yield* file.written();
  }
  sheet.notes(table.notes ?? []);
  sheet.end();
  file.whole('xl/styles.xml', styles(cellStyles.all));
  file.whole('xl/workbook.xml', workbook(sheets));
  file.whole('xl/_rels/workbook.xml.rels', workbookRelationships(sheets.length));
  file.whole('docProps/core.xml', coreProperties(table.title, table.createdAt));
  file.whole('_rels/.rels', rootRelationships);
  file.whole('[Content_Types].xml', contentTypes(sheets.length));
  file.end();
  yield* file.written();
}

class Sheet {
  rowCount = 0;
  private waiting: string[] = [];
  private length = 0;

  constructor(
    private readonly part: (piece: string, isLast: boolean) => void,
    private readonly table: Table,
    private readonly styles: Styles,
  ) {
    const { title, subtitles = [], columns } = table;
    const above = [title, `${table.book} · ${table.date}`, ...subtitles];
    const frozen = above.length + 2;
    const widths = columns.map(
      (column, at) => `<col min="${at + 1}" max="${at + 1}" width="${widthOf(column) + 2}" customWidth="1"/>`,
    );
    this.write(
      '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n' +
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetViews><sheetView workbookViewId="0">' +
        `<pane ySplit="${frozen}" topLeftCell="A${frozen + 1}" activePane="bottomLeft" state="frozen"/>` +
        `</sheetView></sheetViews><cols>${widths.join('')}</cols><sheetData>`,
    );
    for (const [at, text] of above.entries())
      this.cells([textCell(text, styles.of({ bold: at === 0, large: at === 0 }))]);
    this.cells([]);
    this.cells(
      columns.map((column) =>
        textCell(column.title, styles.of({ bold: true, align: alignOf(column), line: 'bottom' })),
      ),
    );
  }

  row({ kind = 'line', depth = 0, cells }: Row): void {
    const bold = kind !== 'line';
    const line = kind === 'total' || kind === 'subtotal' ? 'top' : undefined;
    this.cells(
      cells.map((cell, at) => {
        const column = this.table.columns[at];
        if (!column) return undefined;
        const look = { bold, line, align: alignOf(column), indent: at === 0 ? depth : 0 } as const;
        if (cell === null) return line ? { style: this.styles.of(look) } : undefined;
        return this.cell(column, cell, look);
      }),
    );
  }

  private cell(column: Column, cell: string, look: Parameters<Styles['of']>[0]) {
    if (column.kind === 'date' && cell >= firstSafeDate)
      return {
        style: this.styles.of({ ...look, format: 'yyyy-mm-dd' }),
        number: String((Date.parse(`${cell}T00:00:00Z`) - dayZero) / 86_400_000),
      };
    if (column.kind === 'text' || column.kind === 'date') return textCell(cell, this.styles.of(look));
    const shown = column.kind === 'decimal' ? atPlaces(cell, column.decimals ?? 0) : cell;
    if (significantDigits(shown) > digitsKept) return textCell(shown, this.styles.of(look));
    const places = placesOf(shown);
    const format = places === 0 ? '#,##0' : `#,##0.${'0'.repeat(places)}`;
    return { style: this.styles.of({ ...look, format }), number: shown };
  }

  notes(notes: readonly string[]): void {
    if (notes.length > 0) this.cells([]);
    for (const note of notes) this.cells([textCell(note, this.styles.of({}))]);
  }

  end(): void {
    this.write('</sheetData></worksheet>');
    this.flush(true);
  }

  private cells(cells: readonly (undefined | { style: number; number?: string; text?: string })[]): void {
    this.rowCount += 1;
    const written = cells.map((cell, at) => {
      if (cell === undefined) return '';
      const reference = `r="${columnName(at)}${this.rowCount}" s="${cell.style}"`;
      if (cell.number !== undefined) return `<c ${reference}><v>${cell.number}</v></c>`;
      if (cell.text === undefined) return `<c ${reference}/>`;
      return `<c ${reference} t="inlineStr"><is><t xml:space="preserve">${escapeXml(cell.text)}</t></is></c>`;
    });
    this.write(`<row r="${this.rowCount}">${written.join('')}</row>`);
  }

  private write(piece: string): void {
    this.waiting.push(piece);
    this.length += piece.length;
    if (this.length >= flushAt) this.flush(false);
  }

  private flush(isLast: boolean): void {
    this.part(this.waiting.join(''), isLast);
    this.waiting = [];
    this.length = 0;
  }
}

/**
 * A zip whose parts are written one after the other. Its times are the format's first, in every time zone; the time of
 * making stands in the core properties. The compressor is in JavaScript: the same bytes on every machine.
 */
class ZipFile {
  private pieces: Uint8Array[] = [];
  private readonly zip = new Zip((fault, piece) => {
    if (fault) throw fault;
    this.pieces.push(piece);
  });

  part(path: string): (piece: string, isLast: boolean) => void {
    const part = new ZipDeflate(path, { level: 6 });
    part.mtime = new Date(1980, 0, 1);
    this.zip.add(part);
    return (piece, isLast) => {
      part.push(Buffer.from(piece, 'utf8'), isLast);
    };
  }

  whole(path: string, text: string): void {
    this.part(path)(text, true);
  }

  end(): void {
    this.zip.end();
  }

  *written(): Generator<Uint8Array, void, undefined> {
    const { pieces } = this;
    this.pieces = [];
    yield* pieces;
  }
}
