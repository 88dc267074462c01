import { postingsOfStatement } from '../database/account-statements.js';
import { invariant } from '../invariant.js';

const named = `s.book_id || ' ' || s.account || ' in ' || s.asset || ', number ' || s.number`;
/** In their newest versions. */
const newest = `(SELECT DISTINCT ON (t.ledger_account_id, t.number) t.* FROM accounting.account_statement t ORDER BY t.ledger_account_id, t.number, t.version DESC)`;

export const statementsInvariant = invariant(
  11,
  'Each statement of an account opens with what the one before it closed with, the day after, and is its postings',
  'SELECT count(*) FROM accounting.account_statement',
  [
    `SELECT ${named}, 'opens on ' || s.from_date || ' with ' || s.opening_units || ' at posting ' || s.first_sequence || ', the one before it '
            || coalesce('closed on ' || s.to_before || ' with ' || s.closing_before || ' at posting ' || s.last_before, 'is missing')
       FROM (SELECT n.*, lag(n.number) OVER w AS number_before, lag(n.to_date) OVER w AS to_before, lag(n.closing_units) OVER w AS closing_before, lag(n.last_sequence) OVER w AS last_before
               FROM ${newest} n WINDOW w AS (PARTITION BY n.ledger_account_id ORDER BY n.number)) s
      WHERE s.number > 1 AND (s.number_before, s.to_before + 1, s.closing_before, s.last_before + 1) IS DISTINCT FROM (s.number - 1, s.from_date, s.opening_units, s.first_sequence)`,
    `SELECT ${named}, 'begins with number ' || s.number FROM ${newest} s
      WHERE NOT EXISTS (SELECT FROM accounting.account_statement t WHERE t.ledger_account_id = s.ledger_account_id AND t.number = 1)
        AND NOT EXISTS (SELECT FROM accounting.account_statement t WHERE t.ledger_account_id = s.ledger_account_id AND t.number < s.number)`,
    `SELECT ${named} || ', version ' || s.version, 'opening ' || s.opening_units || ', debits ' || s.debit_units || ', credits ' || s.credit_units || ', closing ' || s.closing_units
            || '; its ' || s.entry_count || ' postings are ' || t.count || ' of ' || t.debit || '/' || t.credit
       FROM accounting.account_statement s
      CROSS JOIN LATERAL (SELECT count(*) AS count, coalesce(sum(greatest(t.units, 0)), 0) AS debit, coalesce(sum(greatest(-t.units, 0)), 0) AS credit
                            FROM (${postingsOfStatement('s')}) t) t
      WHERE (t.count, t.debit, t.credit) IS DISTINCT FROM (s.entry_count::bigint, s.debit_units, s.credit_units)
         OR s.closing_units <> s.opening_units + s.debit_units - s.credit_units`,
    `SELECT ${named}, 'opens with ' || s.opening_units || ', the account had ' || coalesce(p.balance_after, 0)
       FROM accounting.account_statement s
       LEFT JOIN accounting.posting_in_order p ON p.ledger_account_id = s.ledger_account_id AND p.account_sequence = s.first_sequence - 1
      WHERE s.number = 1 AND s.opening_units <> coalesce(p.balance_after, 0)`,
    `SELECT ${named}, 'versions 1 to ' || max(s.version) || ' are ' || count(*) FROM accounting.account_statement s
      GROUP BY s.ledger_account_id, s.book_id, s.account, s.asset, s.number HAVING max(s.version) <> count(*)`,
  ],
);
