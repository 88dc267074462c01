import { type Ask, type Broken, type Invariant } from '../accounting.invariants.js';

const listed = async (ask: Ask, sql: string): Promise<Broken[]> =>
  ask<Broken>(`SELECT "where", detail FROM (${sql}) AS found ("where", detail) ORDER BY 1 LIMIT 100`);

const counted = async (ask: Ask, sql: string): Promise<number> =>
  Number((await ask<{ checked: string }>(`SELECT (${sql})::text AS checked`))[0]?.checked ?? 0);

const shiftsOfEntries = `
  SELECT a.book_id, g.ledger_account_id, g.business_date, a.accounting_date, a.period, a.purpose,
         sum(greatest(g.units, 0)) AS debit, sum(greatest(-g.units, 0)) AS credit
    FROM accounting.entry_accounting_date a JOIN accounting.posting g USING (entry_id) GROUP BY 1, 2, 3, 4, 5, 6`;

/** Reports are daily buckets and shifts, so these are held against the postings as those are. */
export const shiftsInvariant: Invariant = {
  number: 3,
  name: 'What entries move to an earlier accounting date is the sum of their postings, and is zero per asset',
  check: async (ask: Ask) => ({
    checked: await counted(ask, 'SELECT count(*) FROM accounting.entry_accounting_date'),
    broken: [
      ...(await listed(
        ask,
        `SELECT l.number || ' in ' || l.asset || ' of ' || coalesce(s.accounting_date, p.accounting_date),
                'shift ' || coalesce(s.debit, 0) || '/' || coalesce(s.credit, 0) || ', postings ' || coalesce(p.debit, 0) || '/' || coalesce(p.credit, 0)
           FROM accounting.accounting_shift s
           FULL JOIN (${shiftsOfEntries}) p USING (book_id, ledger_account_id, business_date, accounting_date, period, purpose)
           JOIN accounting.ledger_account l USING (ledger_account_id)
          WHERE s.debit IS DISTINCT FROM p.debit OR s.credit IS DISTINCT FROM p.credit`,
      )),
      ...(await listed(
        ask,
        `SELECT s.book_id || ' ' || l.asset || ' of ' || s.accounting_date, 'debits ' || sum(s.debit) || ', credits ' || sum(s.credit)
           FROM accounting.accounting_shift s JOIN accounting.ledger_account l USING (ledger_account_id)
          GROUP BY s.book_id, l.asset, s.accounting_date, s.business_date HAVING sum(s.debit) <> sum(s.credit)`,
      )),
    ],
  }),
};

/** Whatever came into a hard closed period after all, by whichever way, changes its trial balance. */
export const closedPeriodsInvariant: Invariant = {
  number: 3,
  name: 'A hard closed period still has the trial balance it was closed with, and no date of a closed period is worked',
  check: async (ask: Ask) => ({
    checked: await counted(ask, `SELECT count(*) FROM accounting.period`),
    broken: [
      ...(await listed(
        ask,
        `SELECT p.book_id || ' ' || p.period, 'closed with ' || p.snapshot_hash || ', is now ' || accounting.period_snapshot(p.book_id, p.period)
           FROM accounting.period p WHERE p.state = 'HARD_CLOSED' AND p.snapshot_hash <> accounting.period_snapshot(p.book_id, p.period)`,
      )),
      ...(await listed(
        ask,
        `SELECT d.book_id || ' ' || d.business_date, 'is ' || d.state || ' in a period that is ' || coalesce(p.state, 'not there')
           FROM accounting.business_day d LEFT JOIN accounting.period p ON p.book_id = d.book_id AND p.period = to_char(d.business_date, 'YYYY-MM')
          WHERE coalesce(p.state, '') <> 'OPEN' AND (p.state IS NULL OR d.state NOT IN ('CLOSED','SKIPPED'))`,
      )),
    ],
  }),
};
