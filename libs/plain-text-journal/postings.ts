import { type Marks, readAmount } from './amounts.js';
import { type Cursor } from './cursor.js';
import { type Amount, type BalanceAssertion, type Cost } from './journal.js';
import { checkComment, type OpenPosting, readStatus } from './lines.js';
import { isAccountName } from './write.js';

/** `! Assets:Nostro  EUR 10.00 @ USD 1.10 = EUR 20.00  ; comment`: two blanks or a tab end the account. */
export function readPosting(cursor: Cursor, marks: Marks): OpenPosting | undefined {
  const status = readStatus(cursor);
  cursor.blanks();
  const nameAt = cursor.at;
  const account = (cursor.match(/(?:(?! {2}|\t).)+/y)?.[0] ?? '').trimEnd();
  if (/^[([].*[)\]]$/.test(account)) {
    cursor.fault('VIRTUAL_POSTING', `${account} is a virtual posting: it would not balance with the others`, nameAt);
    return;
  }
  if (!isAccountName(account)) {
    cursor.fault('INVALID_ACCOUNT', `"${account}" is no name of an account`, nameAt);
    return;
  }
  cursor.blanks();
  const amount = /[=;]/.test(cursor.text[cursor.at] ?? ';') ? null : readAmount(cursor, marks);
  if (amount === undefined) return undefined;
  const cost = amount === null ? null : readCost(cursor, marks);
  if (cost === undefined) return undefined;
  const assertion = readAssertion(cursor, marks);
  if (assertion === undefined) return undefined;
  cursor.blanks();
  const comments: string[] = [];
  if (cursor.takes(';')) {
    const text = cursor.text.slice(cursor.at).trim();
    checkComment(cursor, text);
    comments.push(text);
  } else if (!cursor.isAtEnd) {
    cursor.fault(
      'UNEXPECTED_TEXT',
      `"${cursor.rest(cursor.at)}" stands behind the amount; a comment begins with a semicolon`,
    );
    return;
  }
  return { status, account, amount, cost, assertion, comments, line: cursor.line };
}

/** Null when there is none, undefined when it is at fault. */
function readCost(cursor: Cursor, marks: Marks): Cost | null | undefined {
  cursor.blanks();
  if (/[{[]/.test(cursor.text[cursor.at] ?? '')) {
    cursor.fault('LOT_NOT_READ', 'Lots and their prices are not read: write the cost behind @ or @@');
    return;
  }
  if (cursor.text.startsWith('(@', cursor.at)) {
    cursor.fault('VIRTUAL_COST', 'A cost in parentheses does not take part in the balance: write @ or @@');
    return;
  }
  if (!cursor.takes('@')) return null;
  const per = cursor.takes('@') ? 'TOTAL' : 'UNIT';
  cursor.blanks();
  const at = cursor.at;
  const amount = readAmount(cursor, marks);
  if (amount?.quantity.startsWith('-')) {
    cursor.fault('INVALID_COST', 'A cost has no sign', at);
    return;
  }
  return amount && { per, amount };
}

function readAssertion(cursor: Cursor, marks: Marks): BalanceAssertion | null | undefined {
  cursor.blanks();
  if (!cursor.takes('=')) return null;
  const isSole = cursor.takes('=');
  const isInclusive = cursor.takes('*');
  cursor.blanks();
  const amount: Amount | undefined = readAmount(cursor, marks);
  if (!amount) return undefined;
  cursor.blanks();
  if (cursor.text[cursor.at] === '@' || cursor.text.startsWith('(@', cursor.at)) {
    cursor.fault('ASSERTED_COST', 'A balance is asserted without a cost');
    return;
  }
  return { amount, isSole, isInclusive };
}
