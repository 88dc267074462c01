/** How a cell looks; each look in use becomes one line of the workbook's styles. */
export interface Look {
  readonly bold?: boolean;
  readonly large?: boolean;
  readonly align?: 'left' | 'right';
  readonly indent?: number;
  readonly line?: 'top' | 'bottom' | undefined;
  readonly format?: string;
}

/** Looks in the order of their first use, which the rows decide: the same rows give the same numbers. */
export class Styles {
  private readonly numbers = new Map<string, number>();
  readonly all: Look[] = [{}];

  of({ bold = false, large = false, align = 'left', indent = 0, line, format }: Look): number {
    const key = `${bold} ${large} ${align} ${indent} ${line ?? ''} ${format ?? ''}`;
    const known = this.numbers.get(key);
    if (known !== undefined) return known;
    this.all.push({ bold, large, align, indent, line, format });
    this.numbers.set(key, this.all.length - 1);
    return this.all.length - 1;
  }
}

/** What one cell of a sheet holds. */
const charactersMax = 32_767;

export function textCell(text: string, style: number): { style: number; text: string } {
  if (text.length > charactersMax) throw new RangeError(`a cell of a spreadsheet holds no ${text.length} characters`);
  return { style, text };
}

/** 0 is A, 26 is AA. */
export function columnName(at: number): string {
  const letter = String.fromCharCode(65 + (at % 26));
  return at < 26 ? letter : columnName(Math.floor(at / 26) - 1) + letter;
}

const inXml: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/**
 * Text as the format wants it (ECMA-376 part 1, 22.9.2.19): a character that XML cannot carry is written as `_x0007_`, and
 * what looks like such a mark already gets its underscore marked.
 */
export function escapeXml(text: string): string {
  return text
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .replace(/_(?=x[0-9a-fA-F]{4}_)/g, '_x005F_')
    .replace(/[&<>"]/g, (character) => inXml[character] ?? character)
    .replace(
      // eslint-disable-next-line no-control-regex
      /[\u0000-\u0008\u000b\u000c\u000d\u000e-\u001f\ufffe\uffff]/g,
      (character) => `_x${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}_`,
    );
}
