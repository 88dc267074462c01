import { type Marks } from './amounts.js';
import { Cursor, type JournalFault } from './cursor.js';
import { readDate } from './dates.js';
import { readDirective } from './directives.js';
import { type JournalItem } from './journal.js';
import { checkComment, type FileState, type Open, type OpenPosting, readStatus } from './lines.js';
import { readPosting } from './postings.js';

export type { JournalFault } from './cursor.js';

/** Where an item and its postings stand in the file. */
export interface Located<T> {
  readonly item: T;
  readonly line: number;
  /** Of a transaction, one for each posting. */
  readonly postingLines: readonly number[];
}

export interface ParsedJournal {
  readonly items: readonly Located<JournalItem>[];
  /** Empty, or the journal is not to be used: every fault of the file, in its order. */
  readonly faults: readonly JournalFault[];
}

/**
 * A journal as people write it by hand. Whatever is not understood is a fault with its line and column: nothing is passed
 * over, because a line that is ignored is money that is not booked.
 */
export function parseJournal(text: string): ParsedJournal {
  const faults: JournalFault[] = [];
  const items: Located<JournalItem>[] = [];
  const marks: Marks = { ofCommodity: new Map() };
  const state: FileState = { marks, year: undefined };
  let open: Open | undefined;
  let blockSince: number | undefined;
  const close = () => {
    const item = open?.close();
    if (open && item) items.push({ item, line: open.line, postingLines: open.postings?.map(({ line }) => line) ?? [] });
    open = undefined;
  };

  const lines = text.replace(/^\ufeff/, '').split(/\r\n|\n|\r/);
  for (const [index, raw] of lines.entries()) {
    const line = index + 1;
    const cursor = new Cursor(raw.trimEnd(), line, faults);
    if (blockSince !== undefined) {
      if (cursor.text === 'end comment') blockSince = undefined;
      else if (cursor.text !== '') items.push(comment(cursor.text.trim(), line));
      continue;
    }
    // eslint-disable-next-line no-control-regex
    const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/.exec(raw);
    if (control) {
      cursor.fault('CONTROL_CHARACTER', 'The line has a character that is none of a text', control.index);
      continue;
    }
    if (cursor.text === '') {
      close();
      continue;
    }
    if (/^[ \t]/.test(cursor.text)) {
      readIndented(cursor, open, state, items);
      continue;
    }
    close();
    const [first = ''] = cursor.text;
    if (/[;#*]/.test(first)) items.push(comment(cursor.text.slice(1).trim(), line));
    else if (/\d/.test(first)) open = readTransaction(cursor, state);
    else if (cursor.text === 'comment') blockSince = line;
    else open = readDirective(cursor, state);
  }
  close();
  if (blockSince !== undefined)
    faults.push({ code: 'COMMENT_NOT_ENDED', message: '"comment" has no "end comment"', line: blockSince, column: 1 });
  return { items, faults: [...faults].sort((a, b) => a.line - b.line || a.column - b.column) };
}

const comment = (text: string, line: number): Located<JournalItem> => ({
  item: { kind: 'COMMENT', text },
  line,
  postingLines: [],
});

function readIndented(cursor: Cursor, open: Open | undefined, state: FileState, items: Located<JournalItem>[]): void {
  cursor.blanks();
  const isComment = cursor.text[cursor.at] === ';';
  if (!open) {
    if (isComment) items.push(comment(cursor.text.slice(cursor.at + 1).trim(), cursor.line));
    else cursor.fault('UNEXPECTED_INDENT', 'The line is indented and stands under nothing');
    return;
  }
  if (isComment) {
    const text = cursor.text.slice(cursor.at + 1).trim();
    checkComment(cursor, text);
    (open.postings?.at(-1)?.comments ?? open.comments).push(text);
    return;
  }
  if (open.postings) {
    const posting = readPosting(cursor, state.marks);
    if (posting) open.postings.push(posting);
    return;
  }
  if (!open.takesLine?.(cursor))
    cursor.fault('UNKNOWN_DIRECTIVE', `"${cursor.rest(cursor.at)}" is not known under this directive`);
}

function readTransaction(cursor: Cursor, state: FileState): Open {
  const { line } = cursor;
  const comments: string[] = [];
  const postings: OpenPosting[] = [];
  const date = readDate(cursor, state.year);
  let secondaryDate: string | undefined | null = null;
  if (date !== undefined && cursor.takes('=')) secondaryDate = readDate(cursor, date.slice(0, 4));
  const isDated = date !== undefined && secondaryDate !== undefined;
  if (isDated && !cursor.isAtEnd && cursor.blanks() === 0 && !/[;*!(]/.test(cursor.text[cursor.at] ?? ''))
    cursor.fault('INVALID_DATE', `"${cursor.rest(0)}": a blank follows the date`);
  const status = readStatus(cursor);
  cursor.blanks();
  const code = cursor.match(/\(([^()]*)\)/y)?.[1]?.trim() ?? '';
  cursor.blanks();
  const semicolon = cursor.text.indexOf(';', cursor.at);
  const description = cursor.text.slice(cursor.at, semicolon < 0 ? undefined : semicolon).trim();
  if (semicolon >= 0) {
    const text = cursor.text.slice(semicolon + 1).trim();
    checkComment(cursor, text);
    comments.push(text);
  }
  return {
    line,
    comments,
    postings,
    close: () =>
      date === undefined || secondaryDate === undefined
        ? undefined
        : {
            kind: 'TRANSACTION',
            date,
            secondaryDate,
            status,
            code,
            description,
            comments,
            postings: postings.map(({ line: _line, ...posting }) => posting),
          },
  };
}
