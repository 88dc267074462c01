import { type PlainDate } from '#libs/calendar/index.js';
import { closingOf, integrityProblems, openingOf, type Statement } from '#libs/iso20022/index.js';
import { problem, type Problem } from '#libs/kernel/index.js';

/** Where the last statement of an account ended; a first one continues what we moved in with. */
export interface ContinuesFrom {
  readonly account: string;
  readonly currency: string;
  readonly closingMinor: bigint;
  /** The date of that closing balance. */
  readonly closingDate: PlainDate;
  readonly number: number;
}

/**
 * Whether a statement may be used: it must add up, be of the account's currency, and begin where the
 * last accepted one ended. All reasons against it are told.
 */
export function continuityProblems(statement: Statement, last: ContinuesFrom): Problem[] {
  const problems = [...integrityProblems(statement)];
  const opening = openingOf(statement);
  const closing = closingOf(statement);
  if (opening === undefined || closing === undefined) {
    return [
      ...problems,
      problem('MISSING_BALANCE', 'A statement needs its opening and its closing booked balance.', ['Stmt', 'Bal']),
    ];
  }
  if (opening.currency !== last.currency) {
    problems.push(
      problem('OTHER_CURRENCY', `${last.account} is in ${last.currency}, the statement in ${opening.currency}.`, [
        'Stmt',
        'Bal',
      ]),
    );
  } else if (opening.signedMinor !== last.closingMinor) {
    problems.push(
      problem(
        'STATEMENT_DOES_NOT_CONTINUE',
        `Statement ${last.number + 1} opens with ${opening.signedMinor} where statement ${last.number} closed with ${last.closingMinor} (minor units).`,
        ['Stmt', 'Bal', 'OPBD'],
      ),
    );
  }
  if (closing.date < last.closingDate)
    problems.push(
      problem(
        'STATEMENT_OUT_OF_ORDER',
        `The statement is of ${closing.date}, and ${last.account} has been stated up to ${last.closingDate}.`,
        ['Stmt', 'Bal', 'CLBD'],
      ),
    );
  return problems;
}
