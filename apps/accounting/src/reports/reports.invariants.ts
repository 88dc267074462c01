import { invariant, type Invariant } from '../invariant.js';

const storedUntil = '(SELECT book_id, max(business_date) AS until FROM accounting.gl_total_day GROUP BY 1)';
const where = `t.book_id || ' ' || t.gl_code || ' in ' || t.asset || ' of ' || t.business_date`;

/** What reports are made of: the totals of the codes, and the lines they stand on. */
export const reportsInvariants: readonly Invariant[] = [
  invariant(
    3,
    'The total of a code of the chart is the sum of the accounts that stand under it, each date',
    'SELECT count(*) FROM accounting.gl_total',
    [
      `SELECT ${where}, 'total ' || coalesce(t.debit, 0) || '/' || coalesce(t.credit, 0) || ', accounts ' || coalesce(t.of_accounts_debit, 0) || '/' || coalesce(t.of_accounts_credit, 0)
         FROM (SELECT book_id, gl_code, asset, business_date, g.debit, g.credit, b.debit AS of_accounts_debit, b.credit AS of_accounts_credit
                 FROM accounting.gl_total g
                 FULL JOIN (SELECT l.book_id, a.gl_code, l.asset, d.business_date, sum(d.debit) AS debit, sum(d.credit) AS credit
                              FROM (SELECT b.ledger_account_id, b.business_date, sum(b.debit) AS debit, sum(b.credit) AS credit
                                      FROM accounting.bucket_now b JOIN ${storedUntil} s ON s.book_id = b.book_id AND b.business_date <= s.until GROUP BY 1, 2) d
                              JOIN accounting.ledger_account l USING (ledger_account_id)
                              JOIN accounting.account a ON a.book_id = l.book_id AND a.number = l.number
                             GROUP BY 1, 2, 3, 4) b USING (book_id, gl_code, asset, business_date)
                WHERE (g.debit, g.credit) IS DISTINCT FROM (b.debit, b.credit)) t`,
      `SELECT ${where}, 'up to the date ' || t.debit_total || '/' || t.credit_total || ', its dates sum to ' || t.debits || '/' || t.credits
         FROM (SELECT g.*, sum(g.debit) OVER w AS debits, sum(g.credit) OVER w AS credits FROM accounting.gl_total g
               WINDOW w AS (PARTITION BY g.book_id, g.gl_code, g.asset ORDER BY g.business_date)) t
        WHERE t.debit_total <> t.debits OR t.credit_total <> t.credits`,
      `SELECT t.book_id || ' ' || t.asset || ' of ' || t.business_date, 'debits ' || sum(t.debit) || ', credits ' || sum(t.credit)
         FROM accounting.gl_total t GROUP BY t.book_id, t.asset, t.business_date HAVING sum(t.debit) <> sum(t.credit)`,
    ],
  ),
  invariant(
    3,
    'Every account stands under a code of the chart, and every code with accounts on exactly one line of each return',
    'SELECT count(*) FROM accounting.account',
    [
      `SELECT a.book_id || ' ' || a.number, 'stands under ' || coalesce(a.gl_code, 'nothing') FROM accounting.account a
         LEFT JOIN accounting.gl_account g ON g.book_id = a.book_id AND g.code = a.gl_code WHERE g.code IS NULL OR g.role = 'HEADING'`,
      `SELECT g.book_id || ' ' || g.code, 'is on ' || count(m.line_code) || ' lines of ' || r.return_code
         FROM accounting.gl_account g JOIN (SELECT DISTINCT book_id, return_code FROM accounting.return_line) r USING (book_id)
         LEFT JOIN accounting.return_mapping m ON m.book_id = g.book_id AND m.return_code = r.return_code AND m.gl_code = g.code
        WHERE g.role <> 'HEADING' GROUP BY g.book_id, g.code, r.return_code HAVING count(m.line_code) <> 1`,
    ],
  ),
];
