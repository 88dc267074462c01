import { type Invariant, proof } from '../invariant.js';

/** What must always hold of the statements of our accounts at agents. */
export const statementInvariants: readonly Invariant[] = [
  {
    number: 11,
    name: 'Each statement of a nostro opens where the one before it closed, on no earlier date, and none is missing between them',
    check: proof(
      'nostro_statement',
      `
      SELECT s.account || ' ' || s.statement_id AS "where",
             CASE WHEN s.number <> s.before_number + 1 THEN format('number %s follows number %s', s.number, s.before_number)
                  WHEN s.opening_minor <> s.before_minor THEN format('opens with %s, the one before closed with %s', s.opening_minor, s.before_minor)
                  ELSE format('is of %s, the one before of %s', s.statement_date, s.before_date) END AS detail
        FROM (SELECT t.*, coalesce(lag(t.number) OVER w, 0) AS before_number, coalesce(lag(t.closing_minor) OVER w, n.opening_minor) AS before_minor,
                     coalesce(lag(t.statement_date) OVER w, n.opening_date) AS before_date
                FROM settlement.nostro_statement t LEFT JOIN settlement.nostro n USING (account)
               WHERE t.state = 'ACCEPTED' WINDOW w AS (PARTITION BY t.account ORDER BY t.number)) s
       WHERE s.number <> s.before_number + 1 OR s.opening_minor IS DISTINCT FROM s.before_minor OR s.statement_date < s.before_date`,
    ),
  },
  {
    number: 11,
    name: 'Each statement of a depot follows the one before it, and holds what was stored of it',
    check: proof(
      'depot_statement',
      `
      SELECT s.account || ' ' || s.statement_id AS "where",
             CASE WHEN s.number <> s.before_number + 1 THEN format('number %s follows number %s', s.number, s.before_number)
                  WHEN s.report_number <> s.before_report + 1 THEN format('report %s follows report %s', s.report_number, s.before_report)
                  WHEN s.statement_date < s.before_date THEN format('is of %s, the one before of %s', s.statement_date, s.before_date)
                  ELSE format('%s of its %s holdings are there', s.holdings, s.holding_count) END AS detail
        FROM (SELECT t.*, coalesce(lag(t.number) OVER w, 0) AS before_number, lag(t.report_number) OVER w AS before_report,
                     lag(t.statement_date) OVER w AS before_date,
                     (SELECT count(*) FROM settlement.depot_statement_holding h WHERE h.statement_id = t.statement_id) AS holdings
                FROM settlement.depot_statement t WHERE t.state = 'ACCEPTED' WINDOW w AS (PARTITION BY t.account ORDER BY t.number)) s
       WHERE s.number <> s.before_number + 1 OR s.report_number <> s.before_report + 1 OR s.statement_date < s.before_date
          OR s.holdings <> s.holding_count`,
    ),
  },
];
