/**
 * What the codes of the chart had at the end of each date. A date that is closed takes no more postings, so its totals are
 * written once, when it is closed, and reports read one row for a code and an asset instead of every account's buckets. Of
 * dates that are not closed the buckets are summed. Entries that belong to an earlier date than they were booked on are
 * moved by their shifts.
 */
export const glTotalTables = `
-- Up to which dates the totals of a book are written.
CREATE TABLE accounting.gl_total_day (
  book_id       text NOT NULL,
  business_date date NOT NULL,
  stored_at     timestamptz NOT NULL DEFAULT kernel.now(),
  PRIMARY KEY (book_id, business_date)
);

-- What a code has ever had of an asset: found before its totals are.
CREATE TABLE accounting.gl_ledger (
  book_id text NOT NULL,
  gl_code text NOT NULL,
  asset   text NOT NULL REFERENCES accounting.asset (asset),
  PRIMARY KEY (book_id, gl_code, asset),
  FOREIGN KEY (book_id, gl_code) REFERENCES accounting.gl_account (book_id, code)
);

CREATE TABLE accounting.gl_total (
  book_id       text NOT NULL,
  gl_code       text NOT NULL,
  asset         text NOT NULL,
  business_date date NOT NULL,
  -- Of the date, and of all dates up to it.
  debit         numeric(60,0) NOT NULL CHECK (debit >= 0),
  credit        numeric(60,0) NOT NULL CHECK (credit >= 0),
  debit_total   numeric(60,0) NOT NULL CHECK (debit_total >= debit),
  credit_total  numeric(60,0) NOT NULL CHECK (credit_total >= credit),
  PRIMARY KEY (book_id, gl_code, asset, business_date),
  FOREIGN KEY (book_id, gl_code, asset) REFERENCES accounting.gl_ledger (book_id, gl_code, asset),
  CHECK (debit + credit > 0)
);
`;

export const glTotalFunctions = `
-- Writes what is not written yet, up to the date. Asked again it writes nothing.
CREATE FUNCTION accounting.store_gl_totals(book text, until_date date) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
SET plan_cache_mode = force_custom_plan SET search_path = accounting, pg_temp AS $fn$
DECLARE stored_until date; written int;
BEGIN
  IF NOT kernel.sees_book(book) THEN RAISE EXCEPTION 'book % is not seen', book USING ERRCODE = 'insufficient_privilege'; END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('gl-totals:' || book, 0));
  IF EXISTS (SELECT FROM business_day d WHERE d.book_id = book AND d.business_date <= until_date AND d.state NOT IN ('CLOSED','SKIPPED')) THEN
    RAISE EXCEPTION 'a date of % up to % still takes postings', book, until_date USING ERRCODE = 'check_violation';
  END IF;
  SELECT max(t.business_date) INTO stored_until FROM gl_total_day t WHERE t.book_id = book;
  IF stored_until >= until_date THEN RETURN 0; END IF;
  WITH moved AS MATERIALIZED (
    SELECT a.gl_code, l.asset, d.business_date, sum(d.debit) AS debit, sum(d.credit) AS credit
      FROM bucket_now d JOIN ledger_account l USING (ledger_account_id) JOIN account a ON a.book_id = l.book_id AND a.number = l.number
     WHERE d.book_id = book AND d.business_date <= until_date AND d.business_date > coalesce(stored_until, '-infinity')
     GROUP BY 1, 2, 3 HAVING sum(d.debit) + sum(d.credit) > 0),
  ledgers AS (
    INSERT INTO gl_ledger (book_id, gl_code, asset) SELECT DISTINCT book, m.gl_code, m.asset FROM moved m ORDER BY 2, 3 ON CONFLICT DO NOTHING)
  INSERT INTO gl_total (book_id, gl_code, asset, business_date, debit, credit, debit_total, credit_total)
  SELECT book, m.gl_code, m.asset, m.business_date, m.debit, m.credit,
         coalesce(b.debit_total, 0) + sum(m.debit) OVER w, coalesce(b.credit_total, 0) + sum(m.credit) OVER w
    FROM moved m
    LEFT JOIN LATERAL (SELECT t.debit_total, t.credit_total FROM gl_total t
                        WHERE t.book_id = book AND t.gl_code = m.gl_code AND t.asset = m.asset ORDER BY t.business_date DESC LIMIT 1) b ON true
  WINDOW w AS (PARTITION BY m.gl_code, m.asset ORDER BY m.business_date);
  GET DIAGNOSTICS written = ROW_COUNT;
  INSERT INTO gl_total_day (book_id, business_date) VALUES (book, until_date);
  RETURN written;
END $fn$;

-- What each code had of each asset up to a date, as known on a business date. 'closed' is what closing entries moved of it.
CREATE FUNCTION accounting.gl_standing(book text, at_date date, known_date date)
RETURNS TABLE (gl_code text, asset text, debit numeric, credit numeric, closed numeric) LANGUAGE plpgsql STABLE
-- Planned for the dates that are asked for: how many buckets there are to add up depends on them.
SET plan_cache_mode = force_custom_plan SET search_path = accounting, pg_temp AS $fn$
DECLARE stored_until date; until_date date := least(at_date, coalesce(known_date, at_date));
BEGIN
  SELECT max(t.business_date) INTO stored_until FROM gl_total_day t WHERE t.book_id = book;
  RETURN QUERY
  SELECT s.code, s.one, sum(s.dr), sum(s.cr), sum(s.closing)
    FROM (SELECT g.gl_code AS code, g.asset AS one, t.debit_total AS dr, t.credit_total AS cr, 0::numeric AS closing
            FROM gl_ledger g
           CROSS JOIN LATERAL (SELECT x.debit_total, x.credit_total FROM gl_total x
                                WHERE x.book_id = g.book_id AND x.gl_code = g.gl_code AND x.asset = g.asset AND x.business_date <= until_date
                                ORDER BY x.business_date DESC LIMIT 1) t
           WHERE g.book_id = book
          UNION ALL
          SELECT a.gl_code, l.asset, d.debit, d.credit, 0
            FROM bucket_now d JOIN ledger_account l USING (ledger_account_id) JOIN account a ON a.book_id = l.book_id AND a.number = l.number
           WHERE d.book_id = book AND d.business_date <= until_date AND d.business_date > coalesce(stored_until, '-infinity')
          UNION ALL
          -- Booked by then, but of another date; and of this date, but booked later.
          SELECT a.gl_code, l.asset, f.sign * f.debit, f.sign * f.credit, CASE WHEN f.sign = 1 AND f.purpose = 'CLOSING' THEN f.debit - f.credit ELSE 0 END
            FROM (SELECT -1 AS sign, x.* FROM accounting_shift x WHERE x.book_id = book AND x.business_date <= until_date
                  UNION ALL
                  SELECT 1, x.* FROM accounting_shift x WHERE x.book_id = book AND x.accounting_date <= at_date AND (known_date IS NULL OR x.business_date <= known_date)) f
            JOIN ledger_account l USING (ledger_account_id) JOIN account a ON a.book_id = l.book_id AND a.number = l.number) s
   GROUP BY 1, 2 HAVING sum(s.dr) <> 0 OR sum(s.cr) <> 0 OR sum(s.closing) <> 0;
END $fn$;
`;
