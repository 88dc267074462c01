import { type Amount } from './journal.js';
import { type Cursor } from './cursor.js';

/** What was said about decimal marks so far. */
export interface Marks {
  /** By `decimal-mark`. */
  general?: '.' | ',';
  /** By the commodity's own directive. */
  readonly ofCommodity: Map<string, '.' | ','>;
}

const commodityShape = /[\p{L}\p{Sc}]+/uy;
const quotedShape = /"([^"]*)"/y;
const numberShape = /(?:\d+(?:[\u0020\u00a0\u202f.,]\d+)*[.,]?|[.,]\d+)/y;

/**
 * An amount at the cursor: `EUR 1,000.00`, `1.000,00 €`, `-$5`, `$-5`, `10 "DE0007164600"`. Undefined when there is none or
 * it is at fault, which is then told. A number that could be read in two ways is not read in either.
 */
export function readAmount(cursor: Cursor, marks: Marks): Amount | undefined {
  const began = cursor.at;
  let sign = readSign(cursor);
  let commodity = readCommodity(cursor);
  if (commodity !== undefined) {
    cursor.blanks();
    const second = readSign(cursor);
    if (sign !== undefined && second !== undefined) {
      cursor.fault('INVALID_AMOUNT', 'An amount has one sign', began);
      return;
    }
    sign ??= second;
  }
  cursor.blanks();
  const numberAt = cursor.at;
  const number = cursor.match(numberShape)?.[0];
  if (number === undefined) {
    cursor.fault('INVALID_AMOUNT', `"${cursor.rest(began)}" is no amount: a number and its commodity`, began);
    return;
  }
  if (/^[eE][+-]?\d/.test(cursor.text.slice(cursor.at))) {
    cursor.fault('INVALID_AMOUNT', 'Amounts are written without an exponent', numberAt);
    return;
  }
  if (commodity === undefined) {
    const before = cursor.at;
    cursor.blanks();
    commodity = readCommodity(cursor);
    if (commodity === undefined) {
      cursor.at = before;
      cursor.fault('COMMODITY_MISSING', `"${number}" has no commodity: write what it is of, such as EUR`, numberAt);
      return;
    }
  }
  const read = readNumber(number, marks.general ?? marks.ofCommodity.get(commodity));
  if (typeof read === 'object') {
    cursor.fault(read.code, read.message, numberAt);
    return;
  }
  return { commodity, quantity: sign === '-' && /[1-9]/.test(read) ? `-${read}` : read };
}

function readSign(cursor: Cursor): '-' | '+' | undefined {
  const sign = cursor.text[cursor.at];
  if (sign !== '-' && sign !== '+') return undefined;
  cursor.at += 1;
  cursor.blanks();
  return sign;
}

export function readCommodity(cursor: Cursor): string | undefined {
  const quoted = cursor.match(quotedShape)?.[1];
  return quoted === undefined || quoted === '' ? cursor.match(commodityShape)?.[0] : quoted;
}

/** Digits with a point: `1.234,50` is `1234.50`. */
function readNumber(
  written: string,
  known: '.' | ',' | undefined,
): string | { code: 'INVALID_AMOUNT' | 'AMBIGUOUS_NUMBER'; message: string } {
  const text = written.replace(/[\u0020\u00a0\u202f]/g, '');
  const hasBlanks = text !== written;
  const marks = text.replace(/\d/g, '');
  const mark = known ?? decimalMarkOf(text, marks, hasBlanks);
  if (mark === undefined)
    return {
      code: 'AMBIGUOUS_NUMBER',
      message: `"${written}" may be thousands or decimals: say "decimal-mark ." or "decimal-mark ," before it`,
    };
  const parts = mark === '' ? [text] : text.split(mark);
  const [whole = '', fraction = ''] = parts;
  if (parts.length > 2 || /[.,]/.test(fraction))
    return { code: 'INVALID_AMOUNT', message: `"${written}" has digits grouped behind its decimal mark` };
  const digits = whole.replace(/[.,]/g, '').replace(/^0+(?=\d)/, '') || '0';
  return fraction === '' ? digits : `${digits}.${fraction}`;
}

/** Empty: the number has none; undefined: nobody can tell. */
function decimalMarkOf(text: string, marks: string, hasBlanks: boolean): '.' | ',' | '' | undefined {
  const last = marks.at(-1);
  if (last !== '.' && last !== ',') return '';
  if (marks.length === 1) return !hasBlanks && /^[1-9]\d{0,2}[.,]\d{3}$/.test(text) ? undefined : last;
  // Several of one kind group digits; of two kinds the last one is the decimal mark.
  return new Set(marks).size === 1 ? '' : last;
}
