import { type Marks } from './amounts.js';
import { type Cursor } from './cursor.js';
import { type JournalItem, type Posting, type Status } from './journal.js';

/** What was said so far that later lines are read by. */
export interface FileState {
  readonly marks: Marks;
  year: string | undefined;
}

export interface OpenPosting extends Omit<Posting, 'comments'> {
  readonly comments: string[];
  readonly line: number;
}

/** What the lines that are indented belong to. */
export interface Open {
  readonly line: number;
  readonly comments: string[];
  /** Of a transaction. */
  readonly postings?: OpenPosting[];
  /** Of a commodity, whose `format` stands under it. */
  readonly takesLine?: (cursor: Cursor) => boolean;
  close(): JournalItem | undefined;
}

/** hledger would book a posting on another date for these, unseen. */
export function checkComment(cursor: Cursor, text: string): void {
  if (/(^|[\s,])date2?:/.test(text) || /\[[=\d][\d/.=-]*\]/.test(text))
    cursor.fault('POSTING_DATE_NOT_READ', 'A posting has the date of its transaction: write another transaction');
}

export function readStatus(cursor: Cursor): Status {
  const mark = cursor.text[cursor.at];
  if (mark !== '!' && mark !== '*') return '';
  cursor.at += 1;
  return mark;
}
