import { type MigrationInterface, type QueryRunner } from 'typeorm';

/**
 * The guards of the journal ask each account for one posting, by its number. Under row-level security only a comparison
 * that cannot leak is given to an index, and `a = b - 1` is none: it read the whole history of every account that moved.
 * So the number is reckoned first, apart, and compared as it is; and what a session plans while the tables are still
 * empty is planned for an index all the same.
 */
export class GuardsByIndex20261126000208 implements MigrationInterface {
  name = 'GuardsByIndex20261126000208';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(guards);
  }

  async down(): Promise<void> {
    // The functions of before refuse the same, and are brought back with what made them.
  }
}

const guards = `
CREATE OR REPLACE FUNCTION accounting.posting_keeps_entry_whole() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE broken text; at_sequence bigint;
BEGIN
  SELECT t.entry_id INTO broken
    FROM (SELECT r.entry_id, count(*) AS count, max(r.n) AS last FROM new_rows r GROUP BY r.entry_id) t
    JOIN accounting.journal_entry e USING (entry_id)
   WHERE e.posting_count <> t.count OR t.last <> t.count LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'journal entry % does not have the postings of its header, or was complete before', broken USING ERRCODE = 'check_violation';
  END IF;
  SELECT r.entry_id INTO broken FROM new_rows r GROUP BY r.entry_id, r.asset HAVING sum(r.units) <> 0 LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'journal entry % does not sum to zero per asset', broken USING ERRCODE = 'check_violation';
  END IF;
  -- Of each account the first posting of the statement is compared with what stood before, the last one with the balance.
  SELECT t.ledger_account_id::text, t.account_sequence INTO broken, at_sequence
    FROM (SELECT w.*, CASE WHEN w.sequence_before IS NULL THEN w.account_sequence - 1 END AS stood_at,
                 CASE WHEN w.next_sequence IS NULL THEN w.ledger_account_id END AS ends_at
            FROM (SELECT r.ledger_account_id, r.account_sequence, r.units, r.balance_after,
                         lag(r.account_sequence) OVER w AS sequence_before, lag(r.balance_after) OVER w AS balance_before,
                         lead(r.account_sequence) OVER w AS next_sequence
                    FROM new_rows r WINDOW w AS (PARTITION BY r.ledger_account_id ORDER BY r.account_sequence)) w
          OFFSET 0) t
    LEFT JOIN accounting.posting p ON p.ledger_account_id = t.ledger_account_id AND p.account_sequence = t.stood_at
    LEFT JOIN accounting.balance b ON b.ledger_account_id = t.ends_at
   WHERE t.account_sequence <> coalesce(t.sequence_before, p.account_sequence, 0) + 1
      OR t.balance_after <> coalesce(t.balance_before, p.balance_after, 0) + t.units
      OR (t.next_sequence IS NULL AND b.last_sequence IS DISTINCT FROM t.account_sequence)
   LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'posting % of ledger account % does not follow the one before it, or its balance does not follow', at_sequence, broken
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION accounting.balance_follows() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE broken bigint;
BEGIN
  SELECT b.ledger_account_id INTO broken
    FROM (SELECT r.*, r.last_sequence + 1 AS next_sequence FROM new_rows r OFFSET 0) b
    LEFT JOIN accounting.posting p ON p.ledger_account_id = b.ledger_account_id AND p.account_sequence = b.last_sequence
   WHERE b.posted_debit - b.posted_credit <> coalesce(p.balance_after, 0)
      OR (b.last_sequence > 0 AND p.entry_id IS NULL)
      -- Asked row by row: an EXISTS could be answered by reading every posting there is.
      OR (SELECT later.n FROM accounting.posting later
           WHERE later.ledger_account_id = b.ledger_account_id AND later.account_sequence = b.next_sequence) IS NOT NULL
      OR b.pending_debit <> (SELECT coalesce(sum(h.open_units), 0) FROM accounting.hold h
                              WHERE h.debit_account_id = b.ledger_account_id AND h.open_units > 0)
      OR b.pending_credit <> (SELECT coalesce(sum(h.open_units), 0) FROM accounting.hold h
                               WHERE h.credit_account_id = b.ledger_account_id AND h.open_units > 0)
   LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'the balance of ledger account % does not follow its postings and holds', broken USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;

ALTER FUNCTION accounting.entry_is_whole() SET enable_seqscan = off;
ALTER FUNCTION accounting.excess_is_explained() SET enable_seqscan = off;
`;
