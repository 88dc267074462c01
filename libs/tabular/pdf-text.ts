/** What we use of pdfkit's embedded font and page, and its types leave out. */
interface EmbeddedFont {
  readonly id: string;
  readonly ascender: number;
  readonly font: { hasGlyphForCodePoint(codePoint: number): boolean };
  encode(text: string): [codes: string[], positions: { advanceWidth: number }[]];
  ref(): unknown;
}

interface Page {
  readonly height: number;
  readonly fonts: Record<string, unknown>;
  readonly xobjects: Record<string, unknown>;
  write(text: string): void;
}

export const pageOf = (document: PDFKit.PDFDocument): Page => (document as unknown as { page: Page }).page;

/**
 * One of the two fonts of a document. A character is looked up once and set by its own width: pdfkit would shape each
 * word anew and keep it, and of a long report hardly two amounts are alike.
 */
export class Typeface {
  private readonly font: EmbeddedFont;
  private readonly characters = new Map<string, { code: string; width: number }>();

  constructor(
    private readonly document: PDFKit.PDFDocument,
    source: Buffer,
    name: string,
  ) {
    document.registerFont(name, source).font(name);
    this.font = (document as unknown as { _font: EmbeddedFont })._font;
  }

  widthOf(text: string, size: number): number {
    let width = 0;
    for (const character of text.normalize()) width += this.character(character).width;
    return (width * size) / 1000;
  }

  write(text: string, x: number, y: number, size: number): void {
    const page = pageOf(this.document);
    page.fonts[this.font.id] ??= this.font.ref();
    const baseline = page.height - y - (this.font.ascender * size) / 1000;
    // The document draws from the top down: text is turned back.
    page.write(`q 1 0 0 -1 0 ${page.height} cm ${this.content(text, x, baseline, size)} Q`);
  }

  /** The operators that show a text (ISO 32000-1, 9.4.3). */
  content(text: string, x: number, baseline: number, size: number): string {
    let codes = '';
    for (const character of text.normalize()) codes += this.character(character).code;
    return `BT /${this.font.id} ${size.toFixed(2)} Tf 1 0 0 1 ${x.toFixed(2)} ${baseline.toFixed(2)} Tm <${codes}> Tj ET`;
  }

  get resources(): Record<string, unknown> {
    return { [this.font.id]: this.font.ref() };
  }

  private character(character: string): { code: string; width: number } {
    const known = this.characters.get(character);
    if (known) return known;
    const [codes, positions] = this.font.encode(this.showable(character));
    const found = { code: codes.join(''), width: positions.reduce((sum, { advanceWidth }) => sum + advanceWidth, 0) };
    this.characters.set(character, found);
    return found;
  }

  /** What the font cannot show is named; what is not printed at all becomes a blank. */
  private showable(character: string): string {
    const codePoint = character.codePointAt(0) ?? 0;
    if (codePoint < 32 || (codePoint >= 0x7f && codePoint < 0xa0)) return ' ';
    if (this.font.font.hasGlyphForCodePoint(codePoint)) return character;
    return `[U+${codePoint.toString(16).toUpperCase().padStart(4, '0')}]`;
  }
}

/** Text in lines that fit: at blanks where there are any, within a word where it alone is too long. */
export function wrapped(face: Typeface, text: string, size: number, room: number): string[] {
  return text.split(/\r\n|\r|\n/).flatMap((paragraph) => {
    if (face.widthOf(paragraph, size) <= room) return [paragraph];
    const lines: string[] = [];
    let line = '';
    for (const word of paragraph.split(' ').flatMap((whole) => pieces(face, whole, size, room))) {
      const longer = line === '' ? word : `${line} ${word}`;
      if (line !== '' && face.widthOf(longer, size) > room) {
        lines.push(line);
        line = word;
      } else line = longer;
    }
    return [...lines, line];
  });
}

function pieces(face: Typeface, word: string, size: number, room: number): string[] {
  if (face.widthOf(word, size) <= room) return [word];
  const found: string[] = [];
  let piece = '';
  for (const character of word) {
    if (piece !== '' && face.widthOf(piece + character, size) > room) {
      found.push(piece);
      piece = character;
    } else piece += character;
  }
  return [...found, piece];
}
