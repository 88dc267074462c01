import { type Invariant, invariant } from '../invariant.js';

/** The control account of suppliers and its sub-ledger, bill by bill. */
export const payablesInvariant: Invariant = invariant(
  3,
  'What the account of suppliers has is what the bills have that are not paid, bill by bill',
  'SELECT count(*) FROM accounting.bill',
  [
    `SELECT coalesce(b.bill_id, e.entry_id), 'the account of suppliers has ' || coalesce(-e.units, 0) || ' ' || coalesce(e.asset, b.asset) || ', the bill ' || coalesce(b.open, 0)
       FROM (SELECT b.bill_id, b.book_id, b.asset, CASE WHEN b.state IN ('POSTED','PAID') THEN b.total_units - accounting.bill_paid(b.bill_id) ELSE 0 END AS open FROM accounting.bill b) b
       FULL JOIN (SELECT l.book_id, l.asset, CASE e.subject_kind WHEN 'SUPPLIER_BILL' THEN e.subject_id END AS bill_id, min(e.entry_id) AS entry_id, sum(p.units) AS units
                    FROM accounting.ledger_account l JOIN accounting.posting p USING (ledger_account_id) JOIN accounting.journal_entry e USING (entry_id)
                   WHERE l.number = '2230' GROUP BY 1, 2, 3) e ON e.bill_id = b.bill_id AND e.book_id = b.book_id AND e.asset = b.asset
      WHERE coalesce(-e.units, 0) <> coalesce(b.open, 0)`,
    `SELECT b.bill_id, 'is ' || b.state || ', of ' || b.total_units || ' its lines have ' || coalesce(l.units, 0) || ' and its payments ' || accounting.bill_paid(b.bill_id)
       FROM accounting.bill b LEFT JOIN (SELECT bill_id, sum(units) AS units FROM accounting.bill_line GROUP BY 1) l USING (bill_id)
      WHERE b.total_units IS DISTINCT FROM l.units OR (b.state = 'PAID') <> (accounting.bill_paid(b.bill_id) = b.total_units)`,
  ],
);
