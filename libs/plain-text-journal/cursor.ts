export interface JournalFault {
  /** Stable. */
  readonly code: string;
  readonly message: string;
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
}

/** A place in a line, and the faults that were found on the way. */
export class Cursor {
  at = 0;

  constructor(
    readonly text: string,
    readonly line: number,
    private readonly faults: JournalFault[],
  ) {}

  /** What a sticky pattern finds right here; the cursor goes behind it. */
  match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (!found) return undefined;
    this.at = pattern.lastIndex;
    return found;
  }

  takes(mark: string): boolean {
    if (!this.text.startsWith(mark, this.at)) return false;
    this.at += mark.length;
    return true;
  }

  blanks(): number {
    const began = this.at;
    while (this.text[this.at] === ' ' || this.text[this.at] === '\t') this.at += 1;
    return this.at - began;
  }

  get isAtEnd(): boolean {
    return this.at >= this.text.length;
  }

  rest(from: number): string {
    const text = this.text.slice(from).trim();
    return text.length > 40 ? `${text.slice(0, 40)}…` : text;
  }

  fault(code: string, message: string, at = this.at): void {
    this.faults.push({ code, message, line: this.line, column: at + 1 });
  }
}
