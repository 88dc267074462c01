import { readAmount, readCommodity } from './amounts.js';
import { type Cursor } from './cursor.js';
import { readDate } from './dates.js';
import { accountTypes, type JournalItem, tagOf } from './journal.js';
import { checkComment, type FileState, type Open } from './lines.js';
import { isAccountName } from './write.js';

type Reader = (cursor: Cursor, state: FileState) => Open | undefined;

/** Known to hledger and not read here, each with its reason. */
const refused: Readonly<Record<string, { code: string; message: string }>> = {
  include: { code: 'INCLUDE_REFUSED', message: 'A journal comes whole: another file is not read' },
  alias: { code: 'ALIAS_REFUSED', message: 'An alias would rename accounts unseen: write their names' },
  'end aliases': { code: 'ALIAS_REFUSED', message: 'An alias would rename accounts unseen: write their names' },
  'apply account': { code: 'ALIAS_REFUSED', message: 'A prefix would rename accounts unseen: write their whole names' },
  'end apply account': {
    code: 'ALIAS_REFUSED',
    message: 'A prefix would rename accounts unseen: write their whole names',
  },
  D: { code: 'DEFAULT_COMMODITY_REFUSED', message: 'Each amount names its commodity' },
  '~': { code: 'PERIODIC_REFUSED', message: 'A periodic rule books nothing: write the transactions' },
  '=': { code: 'AUTOMATED_REFUSED', message: 'A rule for automated postings is not read: write the postings' },
};

const directives: Readonly<Record<string, Reader>> = {
  account: readAccount,
  commodity: readCommodityDirective,
  P: readPrice,
  Y: readYear,
  year: readYear,
  'decimal-mark': readDecimalMark,
};

export function readDirective(cursor: Cursor, state: FileState): Open | undefined {
  const word = /^!?(end aliases|end apply account|apply account|apply year|[\w-]+|[~=])/.exec(cursor.text)?.[1] ?? '';
  const reader = Object.hasOwn(directives, word) ? directives[word] : undefined;
  if (reader && !cursor.text.startsWith('!')) {
    cursor.at = word.length;
    // `Y2026` is written without a blank, too.
    if (cursor.blanks() > 0 || word === 'Y') return reader(cursor, state);
  }
  const { code, message } = (Object.hasOwn(refused, word) ? refused[word] : undefined) ?? {
    code: 'UNKNOWN_DIRECTIVE',
    message: `"${cursor.rest(0)}" is neither a transaction nor a directive that is read here`,
  };
  cursor.fault(code, message, 0);
  // What is indented under it is part of the same fault.
  return { line: cursor.line, comments: [], takesLine: () => true, close: () => undefined };
}

/** What follows may be a comment and nothing else. */
function readEnd(cursor: Cursor, comments: string[]): boolean {
  cursor.blanks();
  if (cursor.takes(';')) {
    const text = cursor.text.slice(cursor.at).trim();
    checkComment(cursor, text);
    comments.push(text);
    return true;
  }
  if (cursor.isAtEnd) return true;
  cursor.fault('UNEXPECTED_TEXT', `"${cursor.rest(cursor.at)}" is too much on this line`);
  return false;
}

const opened = (line: number, comments: string[], close: () => JournalItem | undefined): Open => ({
  line,
  comments,
  close,
});

function readAccount(cursor: Cursor): Open {
  const comments: string[] = [];
  const at = cursor.at;
  const name = (cursor.match(/(?:(?! {2}|\t).)+/y)?.[0] ?? '').trimEnd();
  const isNamed = isAccountName(name);
  if (!isNamed) cursor.fault('INVALID_ACCOUNT', `"${name}" is no name of an account`, at);
  const isWhole = readEnd(cursor, comments);
  return opened(cursor.line, comments, () => {
    const type = tagOf(comments, 'type');
    if (type !== undefined && !isAccountType(type))
      cursor.fault('INVALID_ACCOUNT_TYPE', `"${type}" is no type: ${Object.keys(accountTypes).join(', ')}`, at);
    return isNamed && isWhole ? { kind: 'ACCOUNT', name, comments } : undefined;
  });
}

export const isAccountType = (type: string): type is keyof typeof accountTypes => Object.hasOwn(accountTypes, type);

/** `commodity 1,000.00 EUR`, or `commodity EUR` with `format 1,000.00 EUR` under it. */
function readCommodityDirective(cursor: Cursor, state: FileState): Open {
  const comments: string[] = [];
  let found = readFormat(cursor, state);
  if (found && !readEnd(cursor, comments)) found = undefined;
  const isAtFault = found === undefined;
  return {
    line: cursor.line,
    comments,
    takesLine: (under) => {
      if (!under.takes('format ')) return false;
      under.blanks();
      const format = readFormat(under, state);
      if (!format || format.places === undefined || (found && format.commodity !== found.commodity))
        under.fault('INVALID_FORMAT', `A format is a number with a decimal mark and the commodity, as in 1000.00 EUR`);
      else if (readEnd(under, [])) found = format;
      return true;
    },
    close: () => {
      if (isAtFault || !found) return undefined;
      if (comments.length > 0) {
        cursor.fault('UNEXPECTED_TEXT', 'A commodity has no comment here');
        return undefined;
      }
      return { kind: 'COMMODITY', commodity: found.commodity, places: found.places ?? 0 };
    },
  };
}

function readFormat(cursor: Cursor, state: FileState): { commodity: string; places?: number } | undefined {
  const began = cursor.at;
  let commodity = readCommodity(cursor);
  cursor.blanks();
  const number = cursor.match(/\d[\d\u0020\u00a0\u202f.,]*(?<![\u0020\u00a0\u202f])/y)?.[0];
  if (commodity === undefined) {
    cursor.blanks();
    commodity = readCommodity(cursor);
  }
  if (commodity === undefined) {
    cursor.fault('INVALID_FORMAT', `"${cursor.rest(began)}" names no commodity`, began);
    return;
  }
  if (number === undefined) return { commodity };
  const mark = /[.,](?=\d*$)/.exec(number)?.[0];
  if (mark !== '.' && mark !== ',') {
    cursor.fault('INVALID_FORMAT', `"${number}" shows no decimal mark: write 1000.00, or 1000. for none`, began);
    return;
  }
  const general = state.marks.general ?? mark;
  if (general !== mark) {
    cursor.fault('INVALID_FORMAT', `The decimal mark of this journal is ${general}`, began);
    return;
  }
  state.marks.ofCommodity.set(commodity, mark);
  return { commodity, places: number.length - number.lastIndexOf(mark) - 1 };
}

function readPrice(cursor: Cursor, state: FileState): Open | undefined {
  const comments: string[] = [];
  const date = readDate(cursor, state.year);
  if (date === undefined) return undefined;
  cursor.blanks();
  const at = cursor.at;
  const commodity = readCommodity(cursor);
  if (commodity === undefined) {
    cursor.fault('INVALID_PRICE', 'A price is of a commodity: P 2026-11-25 USD 0.95 EUR', at);
    return;
  }
  cursor.blanks();
  const price = readAmount(cursor, state.marks);
  const isWhole = price !== undefined && readEnd(cursor, comments);
  return opened(cursor.line, comments, () => {
    if (!price || !isWhole) return undefined;
    if (comments.length > 0) cursor.fault('UNEXPECTED_TEXT', 'A price has no comment here');
    return { kind: 'PRICE', date, commodity, price };
  });
}

function readYear(cursor: Cursor, state: FileState): undefined {
  const at = cursor.at;
  const year = cursor.match(/\d{4}(?!\d)/y)?.[0];
  if (year === undefined) {
    cursor.fault('INVALID_DATE', 'A year has four digits: Y 2026', at);
    return;
  }
  if (readEnd(cursor, [])) state.year = year;
  return undefined;
}

function readDecimalMark(cursor: Cursor, state: FileState): undefined {
  const mark = cursor.text[cursor.at];
  if (mark !== '.' && mark !== ',') {
    cursor.fault('INVALID_FORMAT', 'A decimal mark is a point or a comma');
    return;
  }
  cursor.at += 1;
  if (readEnd(cursor, [])) state.marks.general = mark;
  return undefined;
}
