import { type Invariant, invariant } from '../invariant.js';

/** By the entries themselves, without the guards that let them in. */
export const interbookInvariant: Invariant = invariant(
  3,
  'Both sides of an entry between books are equal and opposite, and are taken back together',
  'SELECT count(*) FROM accounting.interbook_pair',
  [
    `SELECT t.pair_id, t.entry_id || ' moves ' || t.moved || ' of ' || t.number || ', the pair says ' || t.units
       FROM (SELECT i.pair_id, s.entry_id, s.number, s.units, accounting.entry_units(s.entry_id, s.book_id, s.number, i.asset) AS moved
               FROM accounting.interbook_pair i
               CROSS JOIN LATERAL (VALUES (i.creditor_entry_id, i.book_id, 'DUE-FROM-' || i.debtor_book_id, i.units),
                                          (i.debtor_entry_id, i.debtor_book_id, 'DUE-TO-' || i.book_id, -i.units)) AS s (entry_id, book_id, number, units)
              WHERE s.entry_id IS NOT NULL) t WHERE t.moved <> t.units`,
    `SELECT i.pair_id, 'is ' || i.state || ', and entry ' || s.entry_id || CASE WHEN e.entry_id IS NULL THEN ' stands' ELSE ' is taken back by ' || e.entry_id END
       FROM accounting.interbook_pair i CROSS JOIN LATERAL (VALUES (i.creditor_entry_id), (i.debtor_entry_id)) AS s (entry_id)
       LEFT JOIN accounting.journal_entry e ON e.reverses_entry_id = s.entry_id
      WHERE s.entry_id IS NOT NULL AND (i.state = 'REVERSED') <> (e.entry_id IS NOT NULL)`,
  ],
);
