/**
 * What an account had at a value date, as it was known at a moment. Of business dates that were closed by then the daily
 * buckets say all; of the date that was open the account's postings are looked at one by one. They stand together in its
 * sequence, so their first and last are found by halving; what the range gives is held against the buckets of the date,
 * and should it ever differ, every posting of the account is looked at. Debit and credit in units of the asset.
 */
export const balanceAt = `
-- The first place of the account whose posting is of the date or a later one; one past its last, when there is none.
CREATE FUNCTION accounting.first_place_from(account bigint, from_date date) RETURNS bigint LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $fn$
DECLARE low bigint := 1; high bigint; middle bigint; at_middle date;
BEGIN
  SELECT b.last_sequence + 1 INTO high FROM accounting.balance b WHERE b.ledger_account_id = account;
  WHILE low < high LOOP
    middle := (low + high) / 2;
    SELECT p.business_date INTO at_middle FROM accounting.posting p WHERE p.ledger_account_id = account AND p.account_sequence = middle;
    IF NOT FOUND THEN
      SELECT p.business_date INTO at_middle FROM accounting.rollup_place r JOIN accounting.posting p USING (entry_id, n)
       WHERE r.ledger_account_id = account AND r.account_sequence = middle;
    END IF;
    IF at_middle < from_date THEN low := middle + 1; ELSE high := middle; END IF;
  END LOOP;
  RETURN low;
END $fn$;

CREATE FUNCTION accounting.balance_at(account bigint, value_until date, known_until timestamptz, OUT debit numeric, OUT credit numeric)
LANGUAGE plpgsql STABLE SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $fn$
DECLARE open_date record; found_in_range record; first_place bigint; end_place bigint;
BEGIN
  IF known_until IS NULL THEN
    SELECT coalesce(sum(b.debit), 0), coalesce(sum(b.credit), 0) INTO debit, credit
      FROM accounting.bucket_now b WHERE b.ledger_account_id = account AND (value_until IS NULL OR b.value_date <= value_until);
    RETURN;
  END IF;
  SELECT coalesce(sum(b.debit), 0), coalesce(sum(b.credit), 0) INTO debit, credit
    FROM accounting.bucket_now b JOIN accounting.business_day d USING (book_id, business_date)
   WHERE b.ledger_account_id = account AND (value_until IS NULL OR b.value_date <= value_until) AND d.closed_at <= known_until;
  FOR open_date IN
    SELECT b.business_date, sum(b.debit) AS debit, sum(b.credit) AS credit
      FROM accounting.bucket_now b LEFT JOIN accounting.business_day d USING (book_id, business_date)
     WHERE b.ledger_account_id = account AND (d.closed_at IS NULL OR d.closed_at > known_until) AND (d.business_date IS NULL OR d.opened_at <= known_until)
     GROUP BY b.business_date
  LOOP
    first_place := accounting.first_place_from(account, open_date.business_date);
    end_place := accounting.first_place_from(account, open_date.business_date + 1);
    FOR attempt IN 1..2 LOOP
      SELECT coalesce(sum(greatest(p.units, 0)), 0) AS all_debit, coalesce(sum(greatest(-p.units, 0)), 0) AS all_credit,
             coalesce(sum(greatest(p.units, 0)) FILTER (WHERE p.counts), 0) AS debit, coalesce(sum(greatest(-p.units, 0)) FILTER (WHERE p.counts), 0) AS credit
        INTO found_in_range
        FROM (SELECT p.units, (value_until IS NULL OR p.value_date <= value_until) AND e.booked_at <= known_until AS counts
                FROM accounting.posting_in_order p JOIN accounting.journal_entry e USING (entry_id)
               WHERE p.ledger_account_id = account AND p.business_date = open_date.business_date
                 AND (attempt = 2 OR p.account_sequence >= first_place AND p.account_sequence < end_place)
              UNION ALL
              -- What waits for the fold stands behind the last place.
              SELECT p.units, (value_until IS NULL OR p.value_date <= value_until) AND e.booked_at <= known_until
                FROM accounting.rollup_place r JOIN accounting.posting p USING (entry_id, n) JOIN accounting.journal_entry e USING (entry_id)
               WHERE attempt = 1 AND r.ledger_account_id = account AND r.account_sequence IS NULL AND p.business_date = open_date.business_date) p;
      EXIT WHEN (found_in_range.all_debit, found_in_range.all_credit) = (open_date.debit, open_date.credit);
    END LOOP;
    debit := debit + found_in_range.debit; credit := credit + found_in_range.credit;
  END LOOP;
END $fn$;
GRANT EXECUTE ON FUNCTION accounting.first_place_from(bigint, date), accounting.balance_at(bigint, date, timestamptz) TO accounting, verify;
`;
