import { type PlainDate } from '#libs/calendar/index.js';
import { type HoldingsStatement, repeatedHoldings } from '#libs/iso20022/index.js';
import { problem, type Problem } from '#libs/kernel/index.js';

/** The last statement of a depot that was used; none when it was never stated. */
export interface LastDepotStatement {
  readonly reportNumber: number | null;
  readonly date: PlainDate;
}

/**
 * Whether a statement of a depot may be used: all that is in it, as settled, and next after the last one. All reasons
 * against it are told.
 */
export function depotStatementProblems(statement: HoldingsStatement, last: LastDepotStatement | undefined): Problem[] {
  const problems = [...repeatedHoldings(statement)];
  if (!statement.isWhole)
    problems.push(
      problem('STATEMENT_NOT_WHOLE', 'A statement of all holdings in one message is needed: not changes, nor a page.', [
        'SctiesBalCtdyRpt',
        'Pgntn',
      ]),
    );
  if (statement.basis !== 'SETT')
    problems.push(
      problem('STATEMENT_NOT_SETTLED', `What has settled is needed, not the basis ${statement.basis || '(none)'}.`, [
        'SctiesBalCtdyRpt',
        'StmtGnlDtls',
        'StmtBsis',
      ]),
    );
  if (last === undefined) return problems;
  if (statement.date < last.date)
    problems.push(
      problem('STATEMENT_OUT_OF_ORDER', `The statement is of ${statement.date}, the last one of ${last.date}.`, [
        'SctiesBalCtdyRpt',
        'StmtGnlDtls',
        'StmtDtTm',
      ]),
    );
  if (statement.number !== undefined && last.reportNumber !== null && statement.number !== last.reportNumber + 1)
    problems.push(
      problem(
        'STATEMENT_DOES_NOT_CONTINUE',
        `Report ${statement.number} does not follow report ${last.reportNumber}.`,
        ['SctiesBalCtdyRpt', 'StmtGnlDtls', 'RptNb'],
      ),
    );
  return problems;
}
