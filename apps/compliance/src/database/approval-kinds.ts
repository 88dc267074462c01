/**
 * More kinds of what a second person agrees to, or fewer again. The kinds that are there are read from the constraint
 * itself, so that none is lost whichever migration came before.
 */
export const withKinds = (added: readonly string[]): string => changed(`kinds || ARRAY['${added.join(`', '`)}']`);
export const withoutKinds = (added: readonly string[]): string =>
  changed(`ARRAY(SELECT kind FROM unnest(kinds) AS kind WHERE kind NOT IN ('${added.join(`', '`)}'))`);

const changed = (kinds: string): string => `
  DO $do$
  DECLARE kinds text[];
  BEGIN
    SELECT array_agg(m[1] ORDER BY o) INTO kinds
      FROM pg_constraint c, regexp_matches(pg_get_constraintdef(c.oid), '''([A-Z_]+)''', 'g') WITH ORDINALITY AS t(m, o)
     WHERE c.conrelid = 'compliance.approval'::regclass AND c.conname = 'approval_kind_check';
    kinds := ${kinds};
    ALTER TABLE compliance.approval DROP CONSTRAINT approval_kind_check;
    EXECUTE 'ALTER TABLE compliance.approval ADD CONSTRAINT approval_kind_check CHECK (kind IN (' ||
      (SELECT string_agg(quote_literal(kind), ', ' ORDER BY o) FROM unnest(kinds) WITH ORDINALITY AS t(kind, o)) || '))';
  END $do$`;
