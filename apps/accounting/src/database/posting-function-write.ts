/**
 * The end of `accounting.post_items`: what the fold decided is written, set-based. Sequences and running balances are
 * derived from the postings here; the triggers of the tables look at each statement as a whole.
 */
export const postingWrite = `
  -- A sweep that found nothing is done, but there is nothing to write of it but that. The lines of another have its amount.
  SELECT array_agg(d AND coalesce(w, 1) > 0 ORDER BY o) INTO writes FROM unnest(done, swept) WITH ORDINALITY AS t(d, w, o);
  IF cardinality(array_remove(up_to, NULL)) > 0 THEN
    FOR k IN 1 .. coalesce(array_length(l_item, 1), 0) LOOP
      IF up_to[l_item[k]] IS NOT NULL AND writes[l_item[k]] THEN l_units[k] := sign(l_units[k]) * swept[l_item[k]]; END IF;
    END LOOP;
  END IF;

  -- The write. Holds come first, then entries, postings and balances in one statement: its triggers look at them together.
  INSERT INTO hold (hold_id, book_id, asset, debit_account_id, credit_account_id, amount_units, reason, expires_at, placed_at, requested_by, idempotency_key)
  SELECT entry[t.o], x->>'book', x->'hold'->>'asset', d.id, c.id, coalesce(swept[t.o], (x->'hold'->>'units')::numeric), x->'hold'->>'reason',
         (x->'hold'->>'expiresAt')::timestamptz, moment, requester, x->>'key'
    FROM jsonb_array_elements(request->'items') WITH ORDINALITY AS t(x, o)
    JOIN unnest(l_item, l_n, l_id) AS d(o, n, id) ON d.o = t.o AND d.n = 1
    JOIN unnest(l_item, l_n, l_id) AS c(o, n, id) ON c.o = t.o AND c.n = 2
   WHERE writes[t.o] AND op[t.o] = 'HOLD' ORDER BY t.o;
  IF moves <> '[]' THEN
    UPDATE hold hd SET captured_units = hd.captured_units + m.captured, released_units = hd.released_units + m.released
      FROM unnest(h_id, h_captured, h_released) AS m(id, captured, released) WHERE m.id = hd.hold_id AND m.captured + m.released > 0;
  END IF;
  -- Items are reached by their place in the array: a join would be planned for a handful and compare each with each.
  WITH line AS (
    SELECT u.o, u.n, u.id, u.asset, u.units, b.posted_debit - b.posted_credit AS base, b.last_sequence
      FROM unnest(l_item, l_n, l_id, l_asset, l_units) AS u(o, n, id, asset, units) JOIN balance b ON b.ledger_account_id = u.id
     WHERE writes[u.o] AND op[u.o] IN ('ENTRY','REVERSAL','CAPTURE')),
  header AS (
    INSERT INTO journal_entry (entry_id, book_id, kind, business_date, value_date, booked_at, description, subject_kind, subject_id,
                               idempotency_key, requested_by, posting_count, reverses_entry_id, forced_reason, hold_id, entry_hash)
    SELECT entry[s.o], x->>'book', x->>'kind', (x->>'businessDate')::date, (x->>'valueDate')::date, moment, x->>'description',
           x->'subject'->>'kind', x->'subject'->>'id', x->>'key', requester, s.count, x->>'reverses', forced[s.o],
           CASE WHEN op[s.o] = 'CAPTURE' THEN x->'hold'->>'holdId' END,
           accounting.entry_hash_of(entry[s.o], x->>'book', x->>'kind', (x->>'businessDate')::date, (x->>'valueDate')::date, moment,
                                    x->>'reverses', forced[s.o], s.lines)
      FROM (SELECT o, items[o] AS x, count(*) AS count, string_agg(n || ':' || id || ':' || asset || ':' || units, ';' ORDER BY n) AS lines
              FROM line GROUP BY o) s
     ORDER BY s.o),
  booked AS (
    INSERT INTO posting (entry_id, n, book_id, ledger_account_id, asset, units, business_date, value_date, account_sequence, balance_after)
    SELECT entry[line.o], line.n, book[line.o], line.id, line.asset, line.units,
           (items[line.o]->>'businessDate')::date, (items[line.o]->>'valueDate')::date,
           line.last_sequence + row_number() OVER by_account, line.base + sum(line.units) OVER by_account
      FROM line
    WINDOW by_account AS (PARTITION BY line.id ORDER BY line.o, line.n ROWS UNBOUNDED PRECEDING))
  UPDATE balance b
     SET posted_debit = b.posted_debit + s.debit, posted_credit = b.posted_credit + s.credit, last_sequence = b.last_sequence + s.count,
         pending_debit = b.pending_debit + s.pending_debit, pending_credit = b.pending_credit + s.pending_credit,
         -- Rises only by what a forced item drew; else it falls as the account recovers. So the CHECK stands behind the fold.
         forced_excess = CASE WHEN b.is_strict AND s.free < -b.limit_units THEN least(-s.free, greatest(b.forced_excess, s.deepest)) ELSE 0 END
    FROM (SELECT id, max(free) AS free, max(deepest) AS deepest, sum(pending_debit) AS pending_debit, sum(pending_credit) AS pending_credit,
                 sum(debit) AS debit, sum(credit) AS credit, sum(count) AS count
            FROM (SELECT a.id, a.free, a.deepest, a.pending_debit, a.pending_credit, 0 AS debit, 0 AS credit, 0 AS count
                    FROM unnest(a_id, a_free, a_forced, a_pending_debit, a_pending_credit) AS a(id, free, deepest, pending_debit, pending_credit)
                  UNION ALL
                  SELECT u.id, NULL, NULL, 0, 0, greatest(u.units, 0), greatest(-u.units, 0), 1
                    FROM unnest(l_item, l_id, l_units) AS u(o, id, units)
                   WHERE writes[u.o] AND op[u.o] IN ('ENTRY','REVERSAL','CAPTURE')) moved
           GROUP BY id HAVING sum(count) > 0 OR sum(pending_debit) <> 0 OR sum(pending_credit) <> 0) s
   WHERE s.id = b.ledger_account_id;
  IF moves <> '[]' THEN
    INSERT INTO hold_movement (hold_id, book_id, kind, units, entry_id, idempotency_key, moved_at)
    SELECT m.v->>'hold', hd.book_id, m.v->>'kind', (m.v->>'units')::numeric, m.v->>'entry', m.v->>'key', moment
      FROM jsonb_array_elements(moves) WITH ORDINALITY AS m(v, o) JOIN hold hd ON hd.hold_id = m.v->>'hold' ORDER BY m.o;
  END IF;

  INSERT INTO daily_bucket AS t (ledger_account_id, value_date, business_date, book_id, debit, credit)
  SELECT u.id, (items[u.o]->>'valueDate')::date, (items[u.o]->>'businessDate')::date, book[u.o],
         sum(greatest(u.units, 0)), sum(greatest(-u.units, 0))
    FROM unnest(l_item, l_id, l_units) AS u(o, id, units)
   WHERE writes[u.o] AND op[u.o] IN ('ENTRY','REVERSAL','CAPTURE')
   GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3
  ON CONFLICT (ledger_account_id, value_date, business_date) DO UPDATE SET debit = t.debit + excluded.debit, credit = t.credit + excluded.credit;

  INSERT INTO sweep (book_id, key, asked_units, moved_units, entry_id, hold_id)
  SELECT book[t.o], key[t.o], CASE op[t.o] WHEN 'HOLD' THEN (items[t.o]->'hold'->>'units')::numeric ELSE (items[t.o]->'postings'->0->>'units')::numeric END,
         t.w, CASE WHEN t.w > 0 AND op[t.o] = 'ENTRY' THEN entry[t.o] END, CASE WHEN t.w > 0 AND op[t.o] = 'HOLD' THEN entry[t.o] END
    FROM unnest(done, swept) WITH ORDINALITY AS t(d, w, o) WHERE t.d AND t.w IS NOT NULL ORDER BY 1, 2;
  IF closings <> '[]' THEN
    -- Of several for one number the last counts; each is kept.
    UPDATE account a SET state = c.state
      FROM (SELECT DISTINCT ON (1, 2) v->>'book' AS book_id, v->>'account' AS number, v->>'state' AS state
              FROM jsonb_array_elements(closings) WITH ORDINALITY AS t(v, o) ORDER BY 1, 2, o DESC) c
     WHERE c.book_id = a.book_id AND c.number = a.number AND a.state <> c.state;
    INSERT INTO account_state_change (book_id, number, state, idempotency_key, changed_at, requested_by)
    SELECT v->>'book', v->>'account', v->>'state', v->>'key', moment, requester FROM jsonb_array_elements(closings) WITH ORDINALITY AS t(v, o) ORDER BY o;
  END IF;

  INSERT INTO posting_refusal (book_id, key, code, account, asset, available_units)
  SELECT book[t.o], key[t.o], t.c, code_account[t.o], code_asset[t.o], code_available[t.o]
    FROM unnest(code, done, same_as) WITH ORDINALITY AS t(c, d, s, o)
   WHERE t.c IS NOT NULL AND t.s IS NULL AND NOT t.d AND t.c NOT IN ('MALFORMED_ITEM','TOO_FEW_POSTINGS','AMOUNT_NOT_POSITIVE','AMOUNT_TOO_LARGE','NOT_BALANCED','IDEMPOTENCY_KEY_REUSED')
   ORDER BY 1, 2;
`;
