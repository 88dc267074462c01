import { postingWrite } from './posting-function-write.js';

/**
 * `accounting.post_items`: decide and book up to some thousands of items in one call.
 *
 * Order of locks: business days, idempotency keys (sorted), balances (sorted). What does not depend on
 * the other items of the batch is decided set-based; the loop folds the rest in memory, in the order
 * given; the write is set-based again and derives sequences and running balances from the postings.
 *
 * An item is `{op, key, book, group?, kind, businessDate, valueDate, description, subject, forced?}` and
 *   ENTRY    `postings: [{account, asset, side, units}]`
 *   REVERSAL `reverses: entryId`
 *   HOLD     `hold: {debitAccount, creditAccount, asset, units, expiresAt, reason}`
 *   CAPTURE  `hold: {holdId, units, final}`       RELEASE `hold: {holdId, units?}`
 *   CLOSE    `close: {account, empty}`            REOPEN  `close: {account}`
 * Items with the same `group` are booked all or none. A hold may be captured by a later item of the batch that places it.
 * With `upTo` (DEBIT, CREDIT, BOTH) an entry of two postings, or a hold, is a sweep: it takes no more than what the debited
 * account has, or the credited one owes. A sweep that finds nothing is done and books nothing.
 */
export const postItems = `
CREATE OR REPLACE FUNCTION accounting.post_items(request jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path = accounting, pg_temp SET enable_seqscan = off SET jit = off AS $fn$
DECLARE
  moment timestamptz := kernel.now();
  requester text := coalesce(request->>'requestedBy', 'unknown');
  i record; f record;
  -- per item, in the order given
  items jsonb[]; op text[]; book text[]; key text[]; hash bytea[]; grp text[]; forced text[]; entry text[]; kind text[];
  up_to text[]; swept numeric[]; writes boolean[];
  code text[]; code_account text[]; code_asset text[]; code_available numeric[]; replayed boolean[]; same_as int[]; excess jsonb[];
  -- per line of an item
  l_item int[]; l_n int[]; l_account text[]; l_asset text[]; l_units numeric[]; l_id bigint[]; l_at int[];
  -- per locked ledger account; 'a_free' is what is available now, 'a_owed' the same seen from its other side
  a_id bigint[]; a_free numeric[]; a_owed numeric[]; a_closed boolean[]; a_book text[]; a_limit numeric[]; a_strict boolean[]; a_credit boolean[]; a_pending_debit numeric[]; a_pending_credit numeric[];
  a_number text[]; a_asset text[]; a_kind text[];
  -- How deep a forced item of this batch drew the account: only so far may its excess rise.
  a_forced numeric[];
  asked bigint[]; locked bigint[];
  -- per hold that an item of the batch names
  h_id text[]; h_open numeric[]; h_live boolean[]; h_debit int[]; h_credit int[]; h_captured numeric[]; h_released numeric[]; h_placed boolean[];
  moves jsonb := '[]'; expired jsonb;
  reversed text[] := '{}';
  done boolean[];
  n_items int := jsonb_array_length(request->'items');
  k int; at_index int; h int; amount numeric; change numeric; refusal text; fail_at int;
  group_now text; group_failed boolean := false; group_items int[] := '{}';
  s_free numeric[]; s_debit numeric[]; s_credit numeric[]; s_open numeric[]; s_captured numeric[]; s_released numeric[]; s_moves jsonb; s_reversed text[];
  s_forced numeric[]; s_owed numeric[]; s_closed boolean[]; s_placed boolean[];
  closings jsonb := '[]'; s_closings jsonb;
  result jsonb;
BEGIN
  IF coalesce(n_items, 0) = 0 THEN RETURN '[]'; END IF;

  SELECT array_agg(x ORDER BY o), array_agg(coalesce(x->>'op','ENTRY') ORDER BY o), array_agg(x->>'book' ORDER BY o), array_agg(x->>'key' ORDER BY o),
         array_agg(sha256(convert_to(x::text, 'UTF8')) ORDER BY o), array_agg(x->>'group' ORDER BY o),
         array_agg(x->'forced'->>'reason' ORDER BY o), array_agg(x->>'kind' ORDER BY o), array_agg(x->>'upTo' ORDER BY o),
         array_agg(CASE WHEN x->>'op' = 'HOLD' THEN 'hld_' ELSE 'ent_' END ||
                   substr(encode(sha256(convert_to((x->>'book') || E'\\x1f' || (x->>'key'), 'UTF8')), 'hex'), 1, 32) ORDER BY o)
    INTO items, op, book, key, hash, grp, forced, kind, up_to, entry
    FROM jsonb_array_elements(request->'items') WITH ORDINALITY AS t(x, o);
  code := array_fill(NULL::text, ARRAY[n_items]);
  code_account := code; code_asset := code;
  code_available := array_fill(NULL::numeric, ARRAY[n_items]);
  replayed := array_fill(false, ARRAY[n_items]); done := replayed;
  same_as := array_fill(NULL::int, ARRAY[n_items]);
  excess := array_fill(NULL::jsonb, ARRAY[n_items]);
  swept := code_available;

  -- Faults of the input itself: neither remembered nor booked.
  FOR f IN
    WITH line AS (
      SELECT o, p->>'asset' AS asset, p->>'side' AS side,
             CASE WHEN p->>'units' ~ '^-?[0-9]{1,60}$' THEN (p->>'units')::numeric END AS units
        FROM jsonb_array_elements(request->'items') WITH ORDINALITY AS t(x, o), jsonb_array_elements(x->'postings') p
       WHERE coalesce(x->>'op','ENTRY') = 'ENTRY'),
    held AS (
      SELECT o, x->'hold'->>'asset' AS asset, x->>'op' = 'RELEASE' AND x->'hold'->>'units' IS NULL AS takes_all,
             CASE WHEN x->'hold'->>'units' ~ '^-?[0-9]{1,60}$' THEN (x->'hold'->>'units')::numeric END AS units
        FROM jsonb_array_elements(request->'items') WITH ORDINALITY AS t(x, o) WHERE x->>'op' IN ('HOLD','CAPTURE','RELEASE')),
    fault AS (
      SELECT o, 0 AS rank, 'MALFORMED_ITEM' AS code, NULL AS asset
        FROM jsonb_array_elements(request->'items') WITH ORDINALITY AS t(x, o)
       WHERE op[o] NOT IN ('ENTRY','REVERSAL','HOLD','CAPTURE','RELEASE','CLOSE','REOPEN') OR coalesce(x->>'key', '') = '' OR coalesce(x->>'book', '') = ''
          OR op[o] IN ('ENTRY','REVERSAL','CAPTURE') AND coalesce(x->>'kind', '') = ''
          OR op[o] IN ('CLOSE','REOPEN') AND coalesce(x->'close'->>'account', '') = ''
          OR op[o] = 'HOLD' AND x->'hold'->>'debitAccount' = x->'hold'->>'creditAccount'
          OR up_to[o] IS NOT NULL AND (up_to[o] NOT IN ('DEBIT','CREDIT','BOTH') OR op[o] NOT IN ('ENTRY','HOLD') OR forced[o] IS NOT NULL
             OR op[o] = 'ENTRY' AND (jsonb_array_length(x->'postings') <> 2 OR x->'postings'->0->>'account' = x->'postings'->1->>'account'))
      UNION ALL
      SELECT o, 0, 'MALFORMED_ITEM', asset FROM line WHERE units IS NULL OR side IS NULL OR side NOT IN ('DEBIT','CREDIT')
      UNION ALL
      SELECT o, 0, 'MALFORMED_ITEM', asset FROM held WHERE units IS NULL AND NOT takes_all
      UNION ALL
      SELECT o, 1, 'TOO_FEW_POSTINGS', NULL
        FROM jsonb_array_elements(request->'items') WITH ORDINALITY AS t(x, o)
       WHERE coalesce(x->>'op','ENTRY') = 'ENTRY' AND jsonb_array_length(coalesce(x->'postings','[]')) < 2
      UNION ALL
      SELECT o, 2, 'AMOUNT_NOT_POSITIVE', asset FROM (SELECT o, asset, units FROM line UNION ALL SELECT o, asset, units FROM held) u WHERE units <= 0
      UNION ALL
      SELECT o, 3, 'AMOUNT_TOO_LARGE', asset FROM (SELECT o, asset, units FROM line UNION ALL SELECT o, asset, units FROM held) u
       WHERE units > 340282366920938463463374607431768211455
      UNION ALL
      SELECT o, 4, 'NOT_BALANCED', asset FROM line GROUP BY o, asset HAVING sum(CASE side WHEN 'DEBIT' THEN units ELSE -units END) <> 0)
    SELECT DISTINCT ON (o) o, fault.code, asset FROM fault ORDER BY o, rank, asset
  LOOP
    code[f.o] := f.code; code_asset[f.o] := f.asset;
  END LOOP;

  -- Business days first: a posting shares the key of its day, the closing takes the row (FOR UPDATE).
  PERFORM 1 FROM business_day d
    WHERE (d.book_id, d.business_date) IN (SELECT DISTINCT x->>'book', (x->>'businessDate')::date FROM jsonb_array_elements(request->'items') x)
    ORDER BY d.book_id, d.business_date FOR KEY SHARE;

  -- Then the keys, sorted. Whoever comes second waits here and finds what the first one left.
  FOR f IN
    WITH given AS (
      SELECT o, b, y, hs, c IS NOT NULL AS faulty, min(o) FILTER (WHERE c IS NULL) OVER (PARTITION BY b, y) AS first_o
        FROM unnest(book, key, hash, code) WITH ORDINALITY AS t(b, y, hs, c, o)),
    taken AS (
      INSERT INTO posting_key (book_id, key, request_hash, taken_at)
      SELECT b, y, hs, moment FROM given WHERE o = first_o AND NOT faulty ORDER BY b, y
      ON CONFLICT DO NOTHING RETURNING book_id, posting_key.key)
    SELECT g.o, g.first_o, g.faulty FROM given g LEFT JOIN taken t ON t.book_id = g.b AND t.key = g.y AND g.o = g.first_o
     WHERE t.key IS NULL ORDER BY g.o
  LOOP
    -- 0: look for what an earlier call left; otherwise the item of this batch that came first.
    same_as[f.o] := CASE WHEN f.faulty OR f.o = f.first_o THEN 0 ELSE f.first_o END;
  END LOOP;
  FOR f IN
    SELECT s.o, s.twin, pk.request_hash, r.code, r.account, r.asset, r.available_units, r.key IS NOT NULL AS was_refused, w.moved_units
      FROM unnest(same_as, book, key) WITH ORDINALITY AS s(twin, b, y, o)
      LEFT JOIN posting_key pk ON pk.book_id = s.b AND pk.key = s.y
      LEFT JOIN posting_refusal r ON r.book_id = s.b AND r.key = s.y
      LEFT JOIN sweep w ON w.book_id = s.b AND w.key = s.y
     WHERE s.twin IS NOT NULL ORDER BY s.o
  LOOP
    CONTINUE WHEN f.request_hash IS NULL;
    IF f.request_hash <> hash[f.o] THEN
      code[f.o] := 'IDEMPOTENCY_KEY_REUSED'; code_asset[f.o] := NULL;
    ELSIF f.twin = 0 THEN
      replayed[f.o] := true; swept[f.o] := f.moved_units;
      IF f.was_refused THEN
        code[f.o] := f.code; code_account[f.o] := f.account; code_asset[f.o] := f.asset; code_available[f.o] := f.available_units;
      END IF;
    END IF;
  END LOOP;

  -- Whoever changes the state of a number takes its row first, before any of its balances.
  PERFORM 1 FROM account a
    WHERE (a.book_id, a.number) IN (SELECT x->>'book', x->'close'->>'account' FROM jsonb_array_elements(request->'items') x WHERE x->>'op' IN ('CLOSE','REOPEN'))
    ORDER BY a.book_id, a.number FOR NO KEY UPDATE;

  -- The lines of every item that is still to be decided.
  SELECT array_agg(s.o ORDER BY s.o, s.n), array_agg(s.n ORDER BY s.o, s.n), array_agg(s.account ORDER BY s.o, s.n),
         array_agg(s.asset ORDER BY s.o, s.n), array_agg(s.units ORDER BY s.o, s.n), array_agg(s.id ORDER BY s.o, s.n)
    INTO l_item, l_n, l_account, l_asset, l_units, l_id
    FROM (
      SELECT t.o::int AS o, p.n::int AS n, p.v->>'account' AS account, p.v->>'asset' AS asset,
             CASE p.v->>'side' WHEN 'DEBIT' THEN (p.v->>'units')::numeric ELSE -(p.v->>'units')::numeric END AS units, NULL::bigint AS id
        FROM jsonb_array_elements(request->'items') WITH ORDINALITY AS t(x, o), jsonb_array_elements(x->'postings') WITH ORDINALITY AS p(v, n)
       WHERE op[t.o] = 'ENTRY' AND code[t.o] IS NULL AND same_as[t.o] IS NULL
      UNION ALL
      SELECT t.o::int, s.n, s.account, x->'hold'->>'asset', s.sign * (x->'hold'->>'units')::numeric, NULL
        FROM jsonb_array_elements(request->'items') WITH ORDINALITY AS t(x, o),
             LATERAL (VALUES (1, x->'hold'->>'debitAccount', 1), (2, x->'hold'->>'creditAccount', -1)) AS s(n, account, sign)
       WHERE op[t.o] = 'HOLD' AND code[t.o] IS NULL AND same_as[t.o] IS NULL
      UNION ALL
      SELECT t.o::int, p.n, l.number, p.asset, -p.units, p.ledger_account_id
        FROM jsonb_array_elements(request->'items') WITH ORDINALITY AS t(x, o)
        JOIN posting p ON p.entry_id = x->>'reverses' AND p.book_id = x->>'book'
        JOIN ledger_account l ON l.ledger_account_id = p.ledger_account_id
       WHERE op[t.o] = 'REVERSAL' AND code[t.o] IS NULL AND same_as[t.o] IS NULL
      UNION ALL
      SELECT t.o::int, s.n, l.number, hd.asset, s.sign * (x->'hold'->>'units')::numeric, s.id
        FROM jsonb_array_elements(request->'items') WITH ORDINALITY AS t(x, o)
        JOIN hold hd ON hd.hold_id = x->'hold'->>'holdId' AND hd.book_id = x->>'book',
             LATERAL (VALUES (1, hd.debit_account_id, 1), (2, hd.credit_account_id, -1)) AS s(n, id, sign)
        JOIN ledger_account l ON l.ledger_account_id = s.id
       WHERE op[t.o] IN ('CAPTURE','RELEASE') AND code[t.o] IS NULL AND same_as[t.o] IS NULL
      UNION ALL
      -- Of a hold that this batch places.
      SELECT t.o::int, s.n, s.account, y.v->'hold'->>'asset', s.sign * (x->'hold'->>'units')::numeric, NULL
        FROM jsonb_array_elements(request->'items') WITH ORDINALITY AS t(x, o)
        JOIN unnest(items, entry, op, same_as, code) WITH ORDINALITY AS y(v, made, does, twin, fault, o)
          ON y.made = x->'hold'->>'holdId' AND y.does = 'HOLD' AND y.twin IS NULL AND y.fault IS NULL AND y.v->>'book' = x->>'book',
             LATERAL (VALUES (1, y.v->'hold'->>'debitAccount', 1), (2, y.v->'hold'->>'creditAccount', -1)) AS s(n, account, sign)
       WHERE op[t.o] IN ('CAPTURE','RELEASE') AND code[t.o] IS NULL AND same_as[t.o] IS NULL
      UNION ALL
      -- What stands under a number that is closed or opened again, in each of its assets.
      SELECT t.o::int, row_number() OVER (PARTITION BY t.o ORDER BY l.ledger_account_id)::int, l.number, l.asset, 0, l.ledger_account_id
        FROM jsonb_array_elements(request->'items') WITH ORDINALITY AS t(x, o)
        JOIN ledger_account l ON l.book_id = x->>'book' AND l.number = x->'close'->>'account'
       WHERE op[t.o] IN ('CLOSE','REOPEN') AND code[t.o] IS NULL AND same_as[t.o] IS NULL
    ) s;

  -- A number is opened in an asset by its first posting. Whoever changes limits or state takes the account's row
  -- first, so what is read after this lock is what stands.
  PERFORM 1 FROM account a
    WHERE (a.book_id, a.number) IN (
            SELECT book[u.o], u.account FROM unnest(l_item, l_account, l_asset, l_id) AS u(o, account, asset, id)
             WHERE u.id IS NULL AND u.account IS NOT NULL AND NOT EXISTS (SELECT FROM ledger_account l WHERE l.book_id = book[u.o] AND l.number = u.account AND l.asset = u.asset))
    ORDER BY a.book_id, a.number FOR SHARE;
  IF FOUND THEN
    WITH wanted AS (
      SELECT DISTINCT book[u.o] AS b, u.account, u.asset FROM unnest(l_item, l_account, l_asset, l_id) AS u(o, account, asset, id) WHERE u.id IS NULL),
    fresh AS (
      INSERT INTO ledger_account (book_id, number, asset)
      SELECT w.b, w.account, w.asset
        FROM wanted w JOIN account a ON a.book_id = w.b AND a.number = w.account JOIN asset s ON s.asset = w.asset
       WHERE NOT EXISTS (SELECT FROM ledger_account l WHERE l.book_id = w.b AND l.number = w.account AND l.asset = w.asset)
         AND (s.kind = 'CURRENCY' AND a.kind NOT IN ('CLIENT_CUSTODY','DEPOT') AND coalesce(a.currency, w.asset) = w.asset
           OR s.kind = 'INSTRUMENT' AND a.kind IN ('CLIENT_CUSTODY','DEPOT','SUSPENSE','MIGRATION'))
       ORDER BY 1, 2, 3
      ON CONFLICT DO NOTHING RETURNING *)
    INSERT INTO balance (ledger_account_id, book_id, normal_side, is_strict, limit_units)
    SELECT fr.ledger_account_id, fr.book_id, a.normal_side, a.mode = 'STRICT', coalesce(m.overdraft_units, 0)
      FROM fresh fr JOIN account a USING (book_id, number) LEFT JOIN account_limit m USING (book_id, number, asset)
     ORDER BY fr.ledger_account_id;
  END IF;

  SELECT array_agg(coalesce(u.id, l.ledger_account_id) ORDER BY u.o, u.n) INTO l_id
    FROM unnest(l_item, l_n, l_account, l_asset, l_id) AS u(o, n, account, asset, id)
    LEFT JOIN ledger_account l ON u.id IS NULL AND l.book_id = book[u.o] AND l.number = u.account AND l.asset = u.asset;

  -- Holds that ran out are released by whoever next uses the account, so both of their accounts are locked too.
  SELECT array_agg(DISTINCT id) INTO asked FROM unnest(l_id) id WHERE id IS NOT NULL;
  SELECT array_agg(DISTINCT id ORDER BY id) INTO locked FROM (
    SELECT unnest(asked) AS id
    UNION SELECT unnest(ARRAY[hd.debit_account_id, hd.credit_account_id]) FROM hold hd
           WHERE hd.open_units > 0 AND hd.expires_at <= moment AND hd.debit_account_id = ANY (asked)
    UNION SELECT unnest(ARRAY[hd.debit_account_id, hd.credit_account_id]) FROM hold hd
           WHERE hd.open_units > 0 AND hd.expires_at <= moment AND hd.credit_account_id = ANY (asked)) t;
  PERFORM b.ledger_account_id FROM balance b WHERE b.ledger_account_id = ANY (locked) ORDER BY b.ledger_account_id FOR UPDATE;

  -- Everything below reads what was committed before the lock was granted.
  WITH gone AS (
    SELECT hd.hold_id, hd.open_units FROM hold hd
     WHERE hd.open_units > 0 AND hd.expires_at <= moment
       AND (hd.debit_account_id = ANY (asked) OR hd.credit_account_id = ANY (asked))
       AND hd.debit_account_id = ANY (locked) AND hd.credit_account_id = ANY (locked)),
  closed AS (
    UPDATE hold hd SET expired_units = hd.expired_units + gone.open_units FROM gone WHERE gone.hold_id = hd.hold_id
    RETURNING hd.hold_id, hd.book_id, hd.debit_account_id, hd.credit_account_id, gone.open_units AS units),
  traced AS (
    INSERT INTO hold_movement (hold_id, book_id, kind, units, moved_at) SELECT hold_id, book_id, 'EXPIRED', units, moment FROM closed ORDER BY hold_id)
  SELECT jsonb_agg(jsonb_build_object('debit', debit_account_id, 'credit', credit_account_id, 'units', units::text)) INTO expired FROM closed;
  IF expired IS NOT NULL THEN
    UPDATE balance b SET pending_debit = b.pending_debit - s.debit, pending_credit = b.pending_credit - s.credit,
           -- What was drawn beyond the limit shrinks with what is no longer held.
           forced_excess = CASE WHEN b.forced_excess = 0 THEN 0
             ELSE (SELECT CASE WHEN d.drawn > b.limit_units THEN least(b.forced_excess, d.drawn) ELSE 0 END
                     FROM (SELECT -b.available - CASE b.normal_side WHEN 'CREDIT' THEN s.debit ELSE s.credit END AS drawn) d) END
      FROM (SELECT id, sum(debit) AS debit, sum(credit) AS credit FROM (
              SELECT (e->>'debit')::bigint AS id, (e->>'units')::numeric AS debit, 0 AS credit FROM jsonb_array_elements(expired) e
              UNION ALL SELECT (e->>'credit')::bigint, 0, (e->>'units')::numeric FROM jsonb_array_elements(expired) e) t GROUP BY id) s
     WHERE s.id = b.ledger_account_id;
  END IF;

  SELECT array_agg(b.ledger_account_id ORDER BY b.ledger_account_id), array_agg(b.available ORDER BY b.ledger_account_id),
         array_agg(b.limit_units ORDER BY b.ledger_account_id), array_agg(b.is_strict ORDER BY b.ledger_account_id),
         array_agg(b.normal_side = 'CREDIT' ORDER BY b.ledger_account_id), array_agg(0::numeric ORDER BY b.ledger_account_id),
         array_agg(l.number ORDER BY b.ledger_account_id), array_agg(l.asset ORDER BY b.ledger_account_id), array_agg(s.kind ORDER BY b.ledger_account_id),
         array_agg(CASE b.normal_side WHEN 'CREDIT' THEN b.posted_debit - b.posted_credit - b.pending_credit ELSE b.posted_credit - b.posted_debit - b.pending_debit END
                   ORDER BY b.ledger_account_id),
         array_agg(a.state = 'CLOSED' ORDER BY b.ledger_account_id), array_agg(l.book_id ORDER BY b.ledger_account_id)
    INTO a_id, a_free, a_limit, a_strict, a_credit, a_pending_debit, a_number, a_asset, a_kind, a_owed, a_closed, a_book
    FROM balance b JOIN ledger_account l USING (ledger_account_id) JOIN asset s ON s.asset = l.asset
    JOIN account a ON a.book_id = l.book_id AND a.number = l.number
   WHERE b.ledger_account_id = ANY (locked);
  a_pending_credit := a_pending_debit; a_forced := a_pending_debit;
  SELECT array_agg(p.o::int ORDER BY u.o, u.n) INTO l_at
    FROM unnest(l_item, l_n, l_id) AS u(o, n, id) LEFT JOIN unnest(a_id) WITH ORDINALITY AS p(id, o) ON p.id = u.id;

  SELECT array_agg(hd.hold_id ORDER BY hd.hold_id), array_agg(hd.open_units ORDER BY hd.hold_id), array_agg(hd.expires_at > moment ORDER BY hd.hold_id),
         array_agg(d.o::int ORDER BY hd.hold_id), array_agg(c.o::int ORDER BY hd.hold_id), array_agg(0::numeric ORDER BY hd.hold_id),
         array_agg(hd.placed ORDER BY hd.hold_id)
    INTO h_id, h_open, h_live, h_debit, h_credit, h_captured, h_placed
    FROM (SELECT hd.hold_id, hd.open_units, hd.expires_at, hd.debit_account_id, hd.credit_account_id, true AS placed
            FROM (SELECT DISTINCT x->'hold'->>'holdId' AS id FROM jsonb_array_elements(request->'items') x WHERE x->>'op' IN ('CAPTURE','RELEASE')) w
            JOIN hold hd ON hd.hold_id = w.id
          UNION ALL
          SELECT entry[d.o], 0, (items[d.o]->'hold'->>'expiresAt')::timestamptz, d.id, c.id, false
            FROM unnest(l_item, l_n, l_id) AS d(o, n, id) JOIN unnest(l_item, l_n, l_id) AS c(o, n, id) ON c.o = d.o AND c.n = 2
           WHERE d.n = 1 AND op[d.o] = 'HOLD'
             AND entry[d.o] IN (SELECT x->'hold'->>'holdId' FROM jsonb_array_elements(request->'items') x WHERE x->>'op' IN ('CAPTURE','RELEASE'))) hd
    JOIN unnest(a_id) WITH ORDINALITY AS d(id, o) ON d.id = hd.debit_account_id
    JOIN unnest(a_id) WITH ORDINALITY AS c(id, o) ON c.id = hd.credit_account_id;
  h_released := h_captured;

  -- Refusals that no other item of the batch can change: the first in the published order wins.
  FOR f IN
    WITH line AS (
      SELECT u.o, u.n, u.account, u.asset, u.units, a.number IS NOT NULL AS has_account, s.asset IS NOT NULL AS has_asset,
             u.id IS NOT NULL AS opened, a.state, m.payment_limit_units,
             CASE a.normal_side WHEN 'CREDIT' THEN u.units ELSE -u.units END > 0 AND a.mode = 'STRICT' AS draws
        FROM (SELECT * FROM unnest(l_item, l_n, l_account, l_asset, l_units, l_id) AS ul(o, n, account, asset, units, id)
               WHERE op[ul.o] NOT IN ('CLOSE','REOPEN')) u
        LEFT JOIN account a ON a.book_id = book[u.o] AND a.number = u.account
        LEFT JOIN asset s ON s.asset = u.asset
        LEFT JOIN account_limit m ON m.book_id = book[u.o] AND m.number = u.account AND m.asset = u.asset),
    fault AS (
      SELECT o, 1 AS rank, n, 'ACCOUNT_NOT_FOUND' AS code, account, asset FROM line WHERE NOT has_account
      UNION ALL
      SELECT t.o, 1, 0, 'ACCOUNT_NOT_FOUND', x->'close'->>'account', NULL FROM jsonb_array_elements(request->'items') WITH ORDINALITY AS t(x, o)
        LEFT JOIN account a ON a.book_id = x->>'book' AND a.number = x->'close'->>'account'
       WHERE op[t.o] IN ('CLOSE','REOPEN') AND a.number IS NULL
      UNION ALL SELECT o, 2, n, 'ASSET_NOT_FOUND', account, asset FROM line WHERE NOT has_asset
      UNION ALL SELECT o, 3, n, 'ASSET_MISMATCH', account, asset FROM line WHERE has_account AND has_asset AND NOT opened
      UNION ALL
      SELECT t.o, CASE WHEN d.state IS NULL OR d.state = 'NEXT' THEN 4 ELSE 5 END, 0,
             CASE WHEN d.state IS NULL OR d.state = 'NEXT' THEN 'PERIOD_NOT_OPEN' ELSE 'PERIOD_CLOSED' END, NULL, NULL
        FROM jsonb_array_elements(request->'items') WITH ORDINALITY AS t(x, o)
        LEFT JOIN business_day d ON d.book_id = x->>'book' AND d.business_date = (x->>'businessDate')::date
       WHERE op[t.o] IN ('ENTRY','REVERSAL','CAPTURE') AND d.state IS DISTINCT FROM 'OPEN'
         -- What an institution brings along is booked before its first day.
         AND NOT (d.state IS NULL AND x->>'kind' IN ('OPENING_BALANCE','OPENING_REVERSED')
                  AND NOT EXISTS (SELECT FROM business_day any_day WHERE any_day.book_id = x->>'book'))
      UNION ALL
      SELECT t.o, CASE WHEN e.entry_id IS NULL THEN 6 WHEN e.reverses_entry_id IS NOT NULL THEN 7 ELSE 8 END, 0,
             CASE WHEN e.entry_id IS NULL THEN 'ENTRY_NOT_FOUND' WHEN e.reverses_entry_id IS NOT NULL THEN 'NOT_REVERSIBLE' ELSE 'ALREADY_REVERSED' END, NULL, NULL
        FROM jsonb_array_elements(request->'items') WITH ORDINALITY AS t(x, o)
        LEFT JOIN journal_entry e ON e.entry_id = x->>'reverses' AND e.book_id = x->>'book'
       WHERE op[t.o] = 'REVERSAL' AND (e.entry_id IS NULL OR e.reverses_entry_id IS NOT NULL
             OR EXISTS (SELECT FROM journal_entry r WHERE r.reverses_entry_id = e.entry_id))
      UNION ALL
      SELECT t.o, CASE WHEN hd.hold_id IS NULL THEN 9 WHEN hd.expires_at <= moment THEN 10 ELSE 11 END, 0,
             CASE WHEN hd.hold_id IS NULL THEN 'HOLD_NOT_FOUND' WHEN hd.expires_at <= moment THEN 'HOLD_EXPIRED' ELSE 'HOLD_CLOSED' END, NULL, NULL
        FROM jsonb_array_elements(request->'items') WITH ORDINALITY AS t(x, o)
        LEFT JOIN hold hd ON hd.hold_id = x->'hold'->>'holdId' AND hd.book_id = x->>'book'
       WHERE op[t.o] IN ('CAPTURE','RELEASE') AND (hd.hold_id IS NULL OR hd.open_units = 0 OR hd.expires_at <= moment)
         -- Whether this batch has placed it by then, the fold sees.
         AND NOT (hd.hold_id IS NULL AND x->'hold'->>'holdId' = ANY (coalesce(h_id, '{}')))
      UNION ALL
      SELECT t.o, 10, 0, 'HOLD_EXPIRED', NULL, NULL FROM jsonb_array_elements(request->'items') WITH ORDINALITY AS t(x, o)
       WHERE op[t.o] = 'HOLD' AND (x->'hold'->>'expiresAt')::timestamptz <= moment
      UNION ALL
      SELECT t.o, 13, 0, 'ACCOUNT_CLOSED', a.number, NULL FROM jsonb_array_elements(request->'items') WITH ORDINALITY AS t(x, o)
        JOIN account a ON a.book_id = x->>'book' AND a.number = x->'close'->>'account'
       WHERE op[t.o] = 'CLOSE' AND a.state = 'CLOSED'
         AND NOT EXISTS (SELECT FROM unnest(op, items) AS c(does, v) WHERE c.does = 'REOPEN' AND c.v->'close'->>'account' = a.number AND c.v->>'book' = a.book_id)
      UNION ALL SELECT o, 13, n, 'ACCOUNT_CLOSED', account, asset FROM line
       WHERE state = 'CLOSED' AND forced[o] IS NULL AND op[o] <> 'RELEASE'
         -- Where this batch opens it again or closes it, the fold sees.
         AND NOT EXISTS (SELECT FROM unnest(op, items) AS c(does, v) WHERE c.does IN ('CLOSE','REOPEN') AND c.v->'close'->>'account' = account AND c.v->>'book' = book[o])
      UNION ALL SELECT o, 14, n, 'ACCOUNT_BLOCKED', account, asset FROM line WHERE state = 'BLOCKED' AND draws AND forced[o] IS NULL AND op[o] <> 'RELEASE'
      UNION ALL
      SELECT o, 15, min(n), 'LIMIT_EXCEEDED', account, asset FROM line
       WHERE forced[o] IS NULL AND kind[o] IN ('PAYMENT','WITHDRAWAL','TRANSFER') AND op[o] = 'ENTRY'
       GROUP BY o, account, asset, payment_limit_units HAVING sum(units) > payment_limit_units)
    SELECT DISTINCT ON (o) o, fault.code, account, asset FROM fault
     WHERE same_as[o] IS NULL AND fault.o IS NOT NULL ORDER BY o, rank, n
  LOOP
    IF code[f.o] IS NULL THEN
      code[f.o] := f.code; code_account[f.o] := f.account; code_asset[f.o] := f.asset;
    END IF;
  END LOOP;

  -- The fold. Groups keep together, in the place of their first item.
  FOR i IN
    SELECT t.o, t.g, w.ats, w.nets, x->'hold' AS hold, x->>'reverses' AS reverses, x->'close' AS close
      FROM (SELECT o, gg AS g, min(o) OVER (PARTITION BY coalesce(gg, '#' || o)) AS place
              FROM unnest(grp) WITH ORDINALITY AS q(gg, o)) t
      JOIN jsonb_array_elements(request->'items') WITH ORDINALITY AS e(x, o) ON e.o = t.o
      LEFT JOIN (SELECT u.o, array_agg(u.at ORDER BY u.first_n) AS ats, array_agg(u.net ORDER BY u.first_n) AS nets
                   FROM (SELECT ll.o, ll.at, min(ll.n) AS first_n, sum(ll.units) AS net
                           FROM unnest(l_item, l_n, l_at, l_units) AS ll(o, n, at, units) GROUP BY ll.o, ll.at) u GROUP BY u.o) w ON w.o = t.o
     ORDER BY t.place, t.o
  LOOP
    IF i.g IS DISTINCT FROM group_now OR i.g IS NULL THEN
      group_now := i.g; group_failed := false; group_items := '{}';
      IF i.g IS NOT NULL THEN
        s_free := a_free; s_debit := a_pending_debit; s_credit := a_pending_credit;
        s_open := h_open; s_captured := h_captured; s_released := h_released; s_moves := moves; s_reversed := reversed; s_forced := a_forced;
        s_owed := a_owed; s_closed := a_closed; s_placed := h_placed; s_closings := closings;
      END IF;
    END IF;
    refusal := code[i.o];
    IF refusal IS NULL AND same_as[i.o] IS NULL THEN
      IF up_to[i.o] IS NOT NULL AND NOT group_failed THEN
        -- How far a sweep goes: what the debited account has, what the credited one owes, and never below nothing.
        amount := abs(i.nets[1]);
        FOR k IN 1 .. 2 LOOP
          at_index := i.ats[k];
          IF up_to[i.o] IN ('BOTH', CASE WHEN i.nets[k] > 0 THEN 'DEBIT' ELSE 'CREDIT' END) THEN
            amount := greatest(least(amount, CASE WHEN (i.nets[k] > 0) = a_credit[at_index] THEN a_free[at_index] ELSE a_owed[at_index] END), 0);
          END IF;
        END LOOP;
        swept[i.o] := amount;
        i.nets := ARRAY[sign(i.nets[1]) * amount, sign(i.nets[2]) * amount];
      END IF;
      IF op[i.o] IN ('CLOSE','REOPEN') THEN
        -- Also what an earlier item of this batch opened under the number.
        i.ats := ARRAY(SELECT s.at FROM generate_subscripts(a_id, 1) AS s(at) WHERE a_number[s.at] = i.close->>'account' AND a_book[s.at] = book[i.o]);
      END IF;
      fail_at := NULL;
      IF op[i.o] NOT IN ('RELEASE','REOPEN') AND forced[i.o] IS NULL AND true = ANY (a_closed) THEN
        SELECT c.at INTO fail_at FROM unnest(i.ats) WITH ORDINALITY AS c(at, n) WHERE a_closed[c.at] ORDER BY c.n LIMIT 1;
      END IF;
      IF fail_at IS NULL AND op[i.o] = 'CLOSE' AND coalesce((i.close->>'empty')::boolean, true) THEN
        SELECT c.at INTO fail_at FROM unnest(i.ats) AS c(at) WHERE a_free[c.at] <> 0 OR a_owed[c.at] <> 0 LIMIT 1;
      END IF;
      IF group_failed THEN
        refusal := 'LINKED_ITEM_REFUSED';
      ELSIF fail_at IS NOT NULL THEN
        refusal := CASE WHEN a_closed[fail_at] AND forced[i.o] IS NULL THEN 'ACCOUNT_CLOSED' ELSE 'ACCOUNT_NOT_EMPTY' END;
        code_account[i.o] := a_number[fail_at]; code_asset[i.o] := a_asset[fail_at];
      ELSIF op[i.o] IN ('CLOSE','REOPEN') THEN
        FOREACH k IN ARRAY coalesce(i.ats, '{}') LOOP a_closed[k] := op[i.o] = 'CLOSE'; END LOOP;
        closings := closings || jsonb_build_object('book', book[i.o], 'account', i.close->>'account', 'key', key[i.o],
          'state', CASE op[i.o] WHEN 'CLOSE' THEN 'CLOSED' ELSE 'OPEN' END);
      ELSIF swept[i.o] = 0 THEN
        NULL;
      ELSIF op[i.o] IN ('ENTRY','REVERSAL') THEN
        IF op[i.o] = 'REVERSAL' AND i.reverses = ANY (reversed) THEN
          refusal := 'ALREADY_REVERSED';
        ELSE
          fail_at := NULL;
          FOR k IN 1 .. array_length(i.ats, 1) LOOP
            at_index := i.ats[k];
            change := CASE WHEN a_credit[at_index] THEN -i.nets[k] ELSE i.nets[k] END;
            IF a_strict[at_index] AND change < 0 AND a_free[at_index] + change < -a_limit[at_index] THEN
              IF forced[i.o] IS NOT NULL THEN
                excess[i.o] := coalesce(excess[i.o], '[]') || jsonb_build_object('account', a_number[at_index], 'asset', a_asset[at_index],
                  'units', (-a_limit[at_index] - a_free[at_index] - change)::text);
                a_forced[at_index] := greatest(a_forced[at_index], -a_free[at_index] - change);
              ELSIF fail_at IS NULL OR (a_kind[at_index] = 'CURRENCY' AND a_kind[fail_at] <> 'CURRENCY') THEN
                fail_at := at_index;
              END IF;
            END IF;
          END LOOP;
          IF fail_at IS NOT NULL THEN
            refusal := CASE a_kind[fail_at] WHEN 'CURRENCY' THEN 'INSUFFICIENT_FUNDS' ELSE 'INSUFFICIENT_SECURITIES' END;
            code_account[i.o] := a_number[fail_at]; code_asset[i.o] := a_asset[fail_at]; code_available[i.o] := a_free[fail_at];
          ELSE
            FOR k IN 1 .. array_length(i.ats, 1) LOOP
              at_index := i.ats[k];
              change := CASE WHEN a_credit[at_index] THEN -i.nets[k] ELSE i.nets[k] END;
              a_free[at_index] := a_free[at_index] + change; a_owed[at_index] := a_owed[at_index] - change;
            END LOOP;
            IF op[i.o] = 'REVERSAL' THEN reversed := reversed || i.reverses; END IF;
          END IF;
        END IF;
      ELSIF op[i.o] = 'HOLD' THEN
        amount := coalesce(swept[i.o], (i.hold->>'units')::numeric);
        FOR k IN 1 .. array_length(i.ats, 1) LOOP
          at_index := i.ats[k];
          IF a_strict[at_index] AND (i.nets[k] > 0) = a_credit[at_index] AND a_free[at_index] - amount < -a_limit[at_index] THEN
            refusal := CASE a_kind[at_index] WHEN 'CURRENCY' THEN 'INSUFFICIENT_FUNDS' ELSE 'INSUFFICIENT_SECURITIES' END;
            code_account[i.o] := a_number[at_index]; code_asset[i.o] := a_asset[at_index]; code_available[i.o] := a_free[at_index];
            EXIT;
          END IF;
        END LOOP;
        IF refusal IS NULL THEN
          FOR k IN 1 .. array_length(i.ats, 1) LOOP
            at_index := i.ats[k];
            IF i.nets[k] > 0 THEN a_pending_debit[at_index] := a_pending_debit[at_index] + amount;
            ELSE a_pending_credit[at_index] := a_pending_credit[at_index] + amount; END IF;
            IF (i.nets[k] > 0) = a_credit[at_index] THEN a_free[at_index] := a_free[at_index] - amount;
            ELSE a_owed[at_index] := a_owed[at_index] - amount; END IF;
          END LOOP;
          h := array_position(h_id, entry[i.o]);
          IF h IS NOT NULL THEN h_open[h] := amount; h_placed[h] := true; END IF;
        END IF;
      ELSE
        h := array_position(h_id, i.hold->>'holdId');
        amount := coalesce((i.hold->>'units')::numeric, h_open[h]);
        IF NOT h_placed[h] THEN
          refusal := 'HOLD_NOT_FOUND';
        ELSIF h_open[h] = 0 THEN
          refusal := 'HOLD_CLOSED';
        ELSIF amount > h_open[h] THEN
          refusal := 'HOLD_EXCEEDED'; code_available[i.o] := h_open[h];
        ELSE
          IF op[i.o] = 'CAPTURE' THEN
            -- What was pending becomes posted: nothing changes on the drawing side, the receiving side grows.
            h_captured[h] := h_captured[h] + amount;
            IF NOT a_credit[h_debit[h]] THEN a_free[h_debit[h]] := a_free[h_debit[h]] + amount;
            ELSE a_owed[h_debit[h]] := a_owed[h_debit[h]] + amount; END IF;
            IF a_credit[h_credit[h]] THEN a_free[h_credit[h]] := a_free[h_credit[h]] + amount;
            ELSE a_owed[h_credit[h]] := a_owed[h_credit[h]] + amount; END IF;
            moves := moves || jsonb_build_object('hold', h_id[h], 'kind', 'CAPTURED', 'units', amount::text, 'entry', entry[i.o]);
            h_open[h] := h_open[h] - amount;
            a_pending_debit[h_debit[h]] := a_pending_debit[h_debit[h]] - amount;
            a_pending_credit[h_credit[h]] := a_pending_credit[h_credit[h]] - amount;
            amount := CASE WHEN coalesce((i.hold->>'final')::boolean, false) THEN h_open[h] ELSE 0 END;
          END IF;
          IF amount > 0 THEN
            h_released[h] := h_released[h] + amount; h_open[h] := h_open[h] - amount;
            a_pending_debit[h_debit[h]] := a_pending_debit[h_debit[h]] - amount;
            a_pending_credit[h_credit[h]] := a_pending_credit[h_credit[h]] - amount;
            IF a_credit[h_debit[h]] THEN a_free[h_debit[h]] := a_free[h_debit[h]] + amount;
            ELSE a_owed[h_debit[h]] := a_owed[h_debit[h]] + amount; END IF;
            IF NOT a_credit[h_credit[h]] THEN a_free[h_credit[h]] := a_free[h_credit[h]] + amount;
            ELSE a_owed[h_credit[h]] := a_owed[h_credit[h]] + amount; END IF;
            moves := moves || jsonb_build_object('hold', h_id[h], 'kind', 'RELEASED', 'units', amount::text,
              'key', CASE WHEN op[i.o] = 'RELEASE' THEN key[i.o] END);
          END IF;
        END IF;
      END IF;
      IF refusal IS NULL THEN
        done[i.o] := true; group_items := group_items || i.o::int;
      END IF;
    END IF;
    IF refusal IS NOT NULL AND same_as[i.o] IS DISTINCT FROM 0 THEN
      code[i.o] := refusal;
    END IF;
    IF refusal IS NOT NULL AND i.g IS NOT NULL AND NOT group_failed THEN
      group_failed := true;
      a_free := s_free; a_pending_debit := s_debit; a_pending_credit := s_credit;
      h_open := s_open; h_captured := s_captured; h_released := s_released; moves := s_moves; reversed := s_reversed; a_forced := s_forced;
      a_owed := s_owed; a_closed := s_closed; h_placed := s_placed; closings := s_closings;
      FOREACH k IN ARRAY group_items LOOP
        done[k] := false; code[k] := 'LINKED_ITEM_REFUSED'; excess[k] := NULL; swept[k] := NULL;
      END LOOP;
    END IF;
  END LOOP;

${postingWrite}
  -- An item that repeats one of this batch has its answer.
  FOR k IN 1 .. n_items LOOP
    IF same_as[k] > 0 AND code[k] IS NULL THEN
      replayed[k] := true;
      swept[k] := swept[same_as[k]];
      code[k] := code[same_as[k]]; code_account[k] := code_account[same_as[k]];
      code_asset[k] := code_asset[same_as[k]]; code_available[k] := code_available[same_as[k]];
    END IF;
  END LOOP;
  SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
           'outcome', CASE WHEN code[t.o] IS NULL THEN 'POSTED' ELSE 'REFUSED' END, 'key', key[t.o], 'book', book[t.o], 'op', op[t.o],
           'id', CASE WHEN code[t.o] IS NULL AND op[t.o] IN ('ENTRY','REVERSAL','HOLD','CAPTURE') AND coalesce(swept[t.o], 1) > 0 THEN entry[t.o] END,
           'units', CASE WHEN code[t.o] IS NULL THEN swept[t.o]::text END,
           'hash', encode(e.entry_hash, 'hex'),
           'code', code[t.o], 'account', code_account[t.o], 'asset', code_asset[t.o], 'availableUnits', code_available[t.o]::text,
           'excess', excess[t.o], 'replayed', replayed[t.o])) ORDER BY t.o)
    INTO result
    FROM unnest(entry) WITH ORDINALITY AS t(id, o)
    LEFT JOIN journal_entry e ON writes[t.o] AND e.entry_id = t.id;
  RETURN result;
END $fn$;

CREATE OR REPLACE FUNCTION accounting.entry_hash_of(entry_id text, book_id text, kind text, business_date date, value_date date, booked_at timestamptz,
  reverses text, forced text, lines text) RETURNS bytea LANGUAGE sql STABLE
-- RFC 6962, 2.1: a leaf is hashed behind a zero byte. The lines name account, asset and signed units.
RETURN sha256('\\x00'::bytea || convert_to(jsonb_build_array(entry_id, book_id, kind, business_date::text, value_date::text,
  to_char(booked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), reverses, forced, lines)::text, 'UTF8'));
REVOKE ALL ON FUNCTION accounting.entry_hash_of(text, text, text, date, date, timestamptz, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION accounting.entry_hash_of(text, text, text, date, date, timestamptz, text, text, text) TO verify;
`;
