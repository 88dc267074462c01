import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import PDFDocument from 'pdfkit';
import { type PageNumbers, pageNumbers } from './pdf-pages.js';
import { Typeface, wrapped } from './pdf-text.js';
import {
  alignOf,
  atPlaces,
  type Bytes,
  checkRow,
  type Column,
  grouped,
  isNumeric,
  type Row,
  type Rows,
  type Table,
  widthOf,
} from './table.js';

const size = { text: 8, title: 14, small: 7 };
const lineHeight = 11;
const margin = 36;
const gap = 6;
const indent = 10;
/** Beyond this many characters in a line the page lies on its side. */
const portraitMax = 110;
/** A page is A4 (ISO 216) in points. */
const [shortSide, longSide] = [595.28, 841.89];

const fontFile = (weight: string) =>
  readFileSync(createRequire(import.meta.url).resolve(`@expo-google-fonts/noto-sans/${weight}/NotoSans_${weight}.ttf`));
let fonts: { regular: Buffer; bold: Buffer } | undefined;

/**
 * A4 pages with title, book and date at the head and "page x of y" at the foot, page by page. The font (Noto Sans, SIL Open
 * Font License) is embedded, as far as it is used: Latin with all accents, Greek, Cyrillic, currency signs. A character
 * that it lacks is shown by its code point, `[U+65E5]`: nothing vanishes.
 * Long text is wrapped; an amount is never cut or wrapped but set smaller when its column is narrow.
 */
export async function* renderPdf(table: Table, rows: Rows): Bytes {
  const page = new Pages(table);
  for await (const row of rows) {
    checkRow(table, row);
    page.row(row);
    yield* page.written();
  }
  page.notes(table.notes ?? []);
  page.end();
  yield* page.written();
}

class Pages {
  private readonly document: PDFKit.PDFDocument;
  private readonly regular: Typeface;
  private readonly bold: Typeface;
  private readonly numbers: PageNumbers;
  private readonly edges: { left: number; width: number }[] = [];
  private readonly width: number;
  private readonly bottom: number;
  private top = 0;
  private y = 0;
  private count = 0;

  constructor(private readonly table: Table) {
    fonts ??= { regular: fontFile('400Regular'), bold: fontFile('700Bold') };
    const characters = table.columns.reduce((sum, column) => sum + widthOf(column), 0);
    const isUpright = characters <= portraitMax;
    const [width, height] = isUpright ? [shortSide, longSide] : [longSide, shortSide];
    this.document = new PDFDocument({
      size: [width, height],
      margin: 0,
      autoFirstPage: false,
      info: {
        Title: table.title,
        Producer: 'Northgate Back Office',
        Creator: 'Northgate Back Office',
        CreationDate: table.createdAt,
      },
    });
    this.width = width - 2 * margin;
    this.bottom = height - margin - lineHeight;
    this.regular = new Typeface(this.document, fonts.regular, 'regular');
    this.bold = new Typeface(this.document, fonts.bold, 'bold');
    const room = this.width - gap * (table.columns.length - 1);
    let left = margin;
    for (const column of table.columns) {
      const share = (room * widthOf(column)) / characters;
      this.edges.push({ left, width: share });
      left += share + gap;
    }
    this.numbers = pageNumbers(this.document, this.regular, size.small);
    this.begin();
  }

  row({ kind = 'line', depth = 0, cells }: Row): void {
    const face = kind === 'line' ? this.regular : this.bold;
    const shown = cells.map((cell, at) => {
      const column = this.table.columns[at];
      if (!column || cell === null) return [];
      const room = (this.edges[at]?.width ?? 0) - (at === 0 ? depth * indent : 0);
      return isNumeric(column.kind) ? [numberText(column, cell)] : wrapped(face, cell, size.text, room);
    });
    const tall = Math.max(1, ...shown.map((lines) => lines.length)) * lineHeight;
    // A row stays together, unless it alone is longer than a page.
    if (this.y + tall > this.bottom && this.y > this.top) this.begin();
    if (kind === 'subtotal' || kind === 'total') this.rule(this.y);
    for (let from = 0; from < Math.max(1, ...shown.map((lines) => lines.length)); from += 1) {
      if (this.y + lineHeight > this.bottom) this.begin();
      for (const [at, lines] of shown.entries()) this.line(face, at, lines[from], at === 0 ? depth * indent : 0);
      this.y += lineHeight;
    }
    if (kind === 'total') {
      this.rule(this.y);
      this.y += 2;
    }
  }

  notes(notes: readonly string[]): void {
    this.y += lineHeight / 2;
    for (const line of notes.flatMap((note) => wrapped(this.regular, note, size.small, this.width))) {
      if (this.y + lineHeight > this.bottom) this.begin();
      this.regular.write(line, margin, this.y, size.small);
      this.y += lineHeight;
    }
  }

  end(): void {
    this.numbers.end(this.count);
    this.document.end();
  }

  /** What the finished pages came to; the document keeps nothing of it. */
  *written(): Generator<Uint8Array, void, undefined> {
    for (;;) {
      const piece = this.document.read() as Uint8Array | null;
      if (piece === null) return;
      yield piece;
    }
  }

  private begin(): void {
    const { title, subtitles = [], book, date, columns } = this.table;
    this.document.addPage();
    this.count += 1;
    this.y = margin;
    this.bold.write(title, margin, this.y, this.count === 1 ? size.title : size.text);
    this.y += this.count === 1 ? 20 : lineHeight;
    this.regular.write(`${book} · ${date}`, margin, this.y, size.text);
    this.y += lineHeight;
    for (const line of subtitles.flatMap((text) => wrapped(this.regular, text, size.text, this.width))) {
      this.regular.write(line, margin, this.y, size.text);
      this.y += lineHeight;
    }
    this.y += 4;
    const titles = columns.map((column, at) => wrapped(this.bold, column.title, size.text, this.edges[at]?.width ?? 0));
    for (let from = 0; from < Math.max(...titles.map((lines) => lines.length)); from += 1) {
      for (const [at, lines] of titles.entries()) this.line(this.bold, at, lines[from], 0);
      this.y += lineHeight;
    }
    this.rule(this.y);
    this.y += 3;
    this.top = this.y;
    this.numbers.at(this.count, margin + this.width, this.bottom + lineHeight / 2);
  }

  private line(face: Typeface, at: number, text: string | undefined, shift: number): void {
    const [column, edge] = [this.table.columns[at], this.edges[at]];
    if (!column || !edge || text === undefined || text === '') return;
    const room = edge.width - shift;
    const natural = face.widthOf(text, size.text);
    const fitting = natural > room ? (size.text * room) / natural : size.text;
    const left = alignOf(column) === 'right' ? edge.left + edge.width - Math.min(natural, room) : edge.left + shift;
    face.write(text, left, this.y + (size.text - fitting), fitting);
  }

  private rule(y: number): void {
    this.document
      .lineWidth(0.5)
      .moveTo(margin, y)
      .lineTo(margin + this.width, y)
      .stroke();
  }
}

const numberText = (column: Column, cell: string): string =>
  grouped(column.kind === 'decimal' ? atPlaces(cell, column.decimals ?? 0) : cell);
