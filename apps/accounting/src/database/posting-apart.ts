/**
 * What surrounds `accounting.post_items`: the dry run, and the way out when the database itself refuses a batch.
 *
 * A fault that the function does not foresee (a CHECK behind a wrong fold, a counter that is full, a field that is no
 * date) would take every item of its batch along. So the batch is split in halves until the items at fault stand
 * alone: the others are booked as if these had not been there. Items of one group stay together. Locks are then taken
 * part by part, no more in one sorted order; a deadlock that comes of it is done again by the caller's transaction.
 */
export const postApart = `
-- One item, or one group, that the database refused: its key is used up by the refusal, unless the input cannot be read.
CREATE FUNCTION accounting.refuse_items(items jsonb, requester text, sql_state text, fault text) RETURNS jsonb LANGUAGE plpgsql
SET search_path = accounting, pg_temp AS $fn$
DECLARE
  x jsonb; answers jsonb := '[]'; taken int; kept text;
  refusal text := CASE WHEN sql_state = '22003' THEN 'BALANCE_OUT_OF_RANGE'
                       WHEN sql_state LIKE '22%' OR sql_state LIKE '54%' OR sql_state = '23502' THEN 'MALFORMED_ITEM'
                       ELSE 'LEDGER_CHECK_FAILED' END;
BEGIN
  FOR x IN SELECT v FROM jsonb_array_elements(items) WITH ORDINALITY AS t(v, o) ORDER BY o LOOP
    kept := refusal;
    IF refusal = 'MALFORMED_ITEM' THEN
      IF EXISTS (SELECT FROM posting_key k WHERE k.book_id = x->>'book' AND k.key = x->>'key') THEN kept := 'IDEMPOTENCY_KEY_REUSED'; END IF;
    ELSE
      INSERT INTO posting_key (book_id, key, request_hash, taken_at)
        VALUES (x->>'book', x->>'key', sha256(convert_to(x::text, 'UTF8')), kernel.now()) ON CONFLICT DO NOTHING;
      GET DIAGNOSTICS taken = ROW_COUNT;
      IF taken = 0 THEN
        -- Decided before, by whatever came first under this key: that is the answer.
        answers := answers || accounting.post_items(jsonb_build_object('requestedBy', requester, 'items', jsonb_build_array(x)));
        CONTINUE;
      END IF;
      INSERT INTO posting_refusal (book_id, key, code) VALUES (x->>'book', x->>'key', refusal);
    END IF;
    answers := answers || jsonb_build_array(jsonb_strip_nulls(jsonb_build_object('outcome', 'REFUSED', 'key', x->>'key', 'book', x->>'book',
      'op', coalesce(x->>'op', 'ENTRY'), 'code', kept, 'fault', sql_state || ' ' || fault, 'replayed', false)));
  END LOOP;
  RETURN answers;
END $fn$;

-- Given in the order of decision, each with the number of its unit: an item of no group, or a group.
CREATE FUNCTION accounting.post_apart(units jsonb, requester text) RETURNS jsonb LANGUAGE plpgsql
SET search_path = accounting, pg_temp AS $fn$
DECLARE
  first_unit int; last_unit int; middle int; items jsonb; sql_state text; fault text; failed_at text;
BEGIN
  SELECT min((v->>'unit')::int), max((v->>'unit')::int), jsonb_agg(v->'item' ORDER BY o) INTO first_unit, last_unit, items
    FROM jsonb_array_elements(units) WITH ORDINALITY AS t(v, o);
  BEGIN
    RETURN accounting.post_items(jsonb_build_object('requestedBy', requester, 'items', items));
  EXCEPTION WHEN data_exception OR integrity_constraint_violation OR program_limit_exceeded THEN
    GET STACKED DIAGNOSTICS sql_state = RETURNED_SQLSTATE, fault = MESSAGE_TEXT, failed_at = CONSTRAINT_NAME;
  END;
  IF first_unit = last_unit THEN
    RETURN accounting.refuse_items(items, requester, sql_state, concat_ws(': ', nullif(failed_at, ''), fault));
  END IF;
  middle := (first_unit + last_unit) / 2;
  RETURN accounting.post_apart((SELECT jsonb_agg(v ORDER BY o) FROM jsonb_array_elements(units) WITH ORDINALITY AS t(v, o) WHERE (v->>'unit')::int <= middle), requester)
      || accounting.post_apart((SELECT jsonb_agg(v ORDER BY o) FROM jsonb_array_elements(units) WITH ORDINALITY AS t(v, o) WHERE (v->>'unit')::int > middle), requester);
END $fn$;

-- All at once, and apart only when that fails.
CREATE FUNCTION accounting.post_somehow(request jsonb) RETURNS jsonb LANGUAGE plpgsql
SET search_path = accounting, pg_temp AS $fn$
DECLARE units jsonb; places int[]; answers jsonb;
BEGIN
  BEGIN
    RETURN accounting.post_items(request);
  EXCEPTION WHEN data_exception OR integrity_constraint_violation OR program_limit_exceeded THEN
    NULL;
  END;
  SELECT jsonb_agg(jsonb_build_object('unit', unit, 'item', x) ORDER BY unit, o), array_agg(o::int ORDER BY unit, o) INTO units, places
    FROM (SELECT o, x, dense_rank() OVER (ORDER BY place) AS unit
            FROM (SELECT o, x, min(o) OVER (PARTITION BY coalesce('g' || (x->>'group'), '#' || o)) AS place
                    FROM jsonb_array_elements(request->'items') WITH ORDINALITY AS t(x, o)) placed) numbered;
  answers := accounting.post_apart(units, coalesce(request->>'requestedBy', 'unknown'));
  RETURN (SELECT jsonb_agg(v ORDER BY places[o]) FROM jsonb_array_elements(answers) WITH ORDINALITY AS t(v, o));
END $fn$;

-- A dry run takes the very same path and is undone whole.
CREATE OR REPLACE FUNCTION accounting.post(request jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER
SET search_path = accounting, pg_temp AS $fn$
DECLARE decided jsonb;
BEGIN
  IF NOT coalesce((request->>'validateOnly')::boolean, false) THEN
    RETURN accounting.post_somehow(request);
  END IF;
  BEGIN
    decided := accounting.post_somehow(request);
    RAISE EXCEPTION 'dry run' USING ERRCODE = 'NGDRY';
  EXCEPTION WHEN SQLSTATE 'NGDRY' THEN
    RETURN decided;
  END;
END $fn$;

REVOKE ALL ON FUNCTION accounting.refuse_items(jsonb, text, text, text), accounting.post_apart(jsonb, text), accounting.post_somehow(jsonb) FROM PUBLIC;
`;

export const dropPostApart = `
CREATE OR REPLACE FUNCTION accounting.post(request jsonb) RETURNS jsonb LANGUAGE plpgsql SECURITY DEFINER
SET search_path = accounting, pg_temp AS $fn$
DECLARE decided jsonb;
BEGIN
  IF NOT coalesce((request->>'validateOnly')::boolean, false) THEN
    RETURN accounting.post_items(request);
  END IF;
  BEGIN
    decided := accounting.post_items(request);
    RAISE EXCEPTION 'dry run' USING ERRCODE = 'NGDRY';
  EXCEPTION WHEN SQLSTATE 'NGDRY' THEN
    RETURN decided;
  END;
END $fn$;
DROP FUNCTION accounting.post_somehow(jsonb), accounting.post_apart(jsonb, text), accounting.refuse_items(jsonb, text, text, text);
`;
