import { type Amount, type JournalItem, type Posting, type Transaction } from './journal.js';

/** Goes first into every journal, so that no reader has to guess what a point is. */
export const journalHead = 'decimal-mark .\n';

/** One item as hledger reads it; a name or text that the format cannot carry is a mistake of the program. */
export function writeItem(item: JournalItem): string {
  switch (item.kind) {
    case 'COMMENT':
      return `; ${oneLine(item.text, 'a comment')}`.trimEnd() + '\n';
    case 'ACCOUNT':
      return `account ${accountName(item.name)}\n${comments(item.comments)}`;
    case 'COMMODITY':
      return `commodity 1000.${'0'.repeat(item.places)} ${commodityName(item.commodity)}\n`;
    case 'PRICE':
      return `P ${item.date} ${commodityName(item.commodity)} ${writeAmount(item.price)}\n`;
    case 'TRANSACTION':
      return writeTransaction(item);
  }
}

export const writeJournal = (items: Iterable<JournalItem>): string => {
  let text = journalHead;
  for (const item of items) text += writeItem(item) + (item.kind === 'TRANSACTION' ? '\n' : '');
  return text;
};

function writeTransaction({ date, secondaryDate, status, code, description, ...rest }: Transaction): string {
  if (/[()]|[\r\n;]/.test(code)) throw new RangeError(`"${code}" is no code of a transaction`);
  if (description.includes(';')) throw new RangeError('a description has no semicolon: it would begin a comment');
  const told = oneLine(description, 'a description');
  // An empty code keeps a description from being read as a status or a code.
  const head = code !== '' || /^[(!*]/.test(told) ? `(${code})` : '';
  const line = [secondaryDate === null ? date : `${date}=${secondaryDate}`, status, head, told].filter(
    (part) => part !== '',
  );
  return `${line.join(' ')}\n${comments(rest.comments)}${rest.postings.map(writePosting).join('')}`;
}

function writePosting({ status, account, amount, cost, assertion, comments: lines }: Posting): string {
  let line = `    ${status === '' ? '' : `${status} `}${accountName(account)}`;
  const said: string[] = [];
  if (amount) said.push(writeAmount(amount));
  if (cost) said.push(cost.per === 'UNIT' ? '@' : '@@', writeAmount(cost.amount));
  if (assertion)
    said.push(`${assertion.isSole ? '==' : '='}${assertion.isInclusive ? '*' : ''}`, writeAmount(assertion.amount));
  if (said.length > 0) line += `  ${said.join(' ')}`;
  return `${line}\n${comments(lines)}`;
}

const comments = (lines: readonly string[]): string =>
  lines.map((line) => `    ; ${oneLine(line, 'a comment')}`.trimEnd() + '\n').join('');

export function writeAmount({ quantity, commodity }: Amount): string {
  if (!/^-?\d+(\.\d+)?$/.test(quantity)) throw new RangeError(`"${quantity}" is no exact decimal`);
  return `${quantity} ${commodityName(commodity)}`;
}

export const plainCommodity = /^[\p{L}\p{Sc}]+$/u;

/** Letters and currency signs stand alone; anything with a digit, a blank or a sign is quoted. */
export function commodityName(commodity: string): string {
  if (plainCommodity.test(commodity)) return commodity;
  // eslint-disable-next-line no-control-regex
  if (commodity === '' || /["\u0000-\u001f]/.test(commodity)) throw new RangeError(`"${commodity}" is no commodity`);
  return `"${commodity}"`;
}

export const isAccountName = (name: string): boolean =>
  // eslint-disable-next-line no-control-regex
  !/^[\s([;!*~=#:]|[\u0000-\u001f\u007f;]| {2}|[\s:]$|::/.test(name) && name !== '' && !/: | :/.test(name);

function accountName(name: string): string {
  if (!isAccountName(name)) throw new RangeError(`"${name}" is no name of an account`);
  return name;
}

function oneLine(text: string, what: string): string {
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(text) || text.trim() !== text)
    throw new RangeError(`${what} is one line without blanks around it`);
  return text;
}

/** Any text, as near as a description can say it: one line, and a comma for what would begin a comment. */
export const describable = (text: string): string =>
  text
    // eslint-disable-next-line no-control-regex
    .replace(/[\s\u0000-\u001f\u007f]+/gu, ' ')
    .replaceAll(';', ',')
    .trim();

/** Any text as one part of an account's name. */
export const nameable = (text: string): string =>
  describable(text)
    .replaceAll(':', '-')
    .replace(/^[([!*~=#\s]+/, '')
    .trim();
