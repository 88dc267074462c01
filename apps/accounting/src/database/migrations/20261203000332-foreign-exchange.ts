import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** What was dealt in foreign currencies, and every revaluation with what it remembers of those before. */
export class ForeignExchange20261203000332 implements MigrationInterface {
  name = 'ForeignExchange20261203000332';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(tables);
    await runner.query(guards);
    for (const table of ['valuation_run', 'currency_conversion', 'currency_deal', 'currency_revaluation']) {
      await runner.query(`
        ALTER TABLE accounting.${table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE accounting.${table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY by_book ON accounting.${table} USING (kernel.sees_book(book_id));
        GRANT SELECT, INSERT ON accounting.${table} TO accounting;
        GRANT SELECT ON accounting.${table} TO verify;
      `);
    }
    for (const table of ['currency_conversion', 'currency_deal', 'currency_revaluation']) {
      await runner.query(`CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON accounting.${table}
        FOR EACH STATEMENT EXECUTE FUNCTION accounting.never_changes()`);
    }
    await runner.query(
      `GRANT UPDATE (job_run_id, state, problems, finished_at) ON accounting.valuation_run TO accounting`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE accounting.currency_deal, accounting.currency_revaluation, accounting.currency_conversion, accounting.valuation_run;
      DROP FUNCTION accounting.deal_is_of_its_entry(), accounting.revaluation_follows(), accounting.units_on(text, text)`);
  }
}

const tables = `
  CREATE TABLE accounting.valuation_run (
    run_id        text PRIMARY KEY,
    book_id       text NOT NULL,
    business_date date NOT NULL,
    accept_stale  boolean NOT NULL,
    requested_by  text NOT NULL,
    requested_at  timestamptz NOT NULL DEFAULT kernel.now(),
    job_run_id    text,
    state         text NOT NULL DEFAULT 'RUNNING' CHECK (state IN ('RUNNING','DONE','REFUSED')),
    problems      jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(problems) = 'array'),
    finished_at   timestamptz,
    CHECK ((state = 'RUNNING') = (finished_at IS NULL)),
    CHECK ((state = 'REFUSED') = (problems <> '[]'))
  );
  CREATE INDEX valuation_run_book ON accounting.valuation_run (book_id, requested_at DESC);

  -- Income and expense of a day that became functional, and the rate by which they did.
  CREATE TABLE accounting.currency_conversion (
    entry_id         text PRIMARY KEY REFERENCES accounting.journal_entry (entry_id),
    book_id          text NOT NULL,
    business_date    date NOT NULL,
    currency         text NOT NULL,
    rate_numerator   numeric NOT NULL CHECK (rate_numerator > 0),
    rate_denominator numeric NOT NULL CHECK (rate_denominator > 0),
    figures          text NOT NULL CHECK (figures <> ''),
    is_stale         boolean NOT NULL
  );
  CREATE INDEX currency_conversion_day ON accounting.currency_conversion (book_id, business_date);

  -- Amounts in smallest units; rates are functional units for a foreign one.
  CREATE TABLE accounting.currency_revaluation (
    book_id           text NOT NULL,
    business_date     date NOT NULL,
    currency          text NOT NULL,
    -- 1 is the first of the date; a rate that was corrected, or a deal that came later, makes the next.
    version           int NOT NULL CHECK (version >= 1),
    functional        text NOT NULL CHECK (functional <> currency),
    position          numeric NOT NULL,
    cost              numeric NOT NULL,
    paid              numeric NOT NULL,
    -- Absent when nothing is open: it is worth nothing at any rate.
    rate_numerator    numeric CHECK (rate_numerator > 0),
    rate_denominator  numeric CHECK (rate_denominator > 0),
    figures           text NOT NULL,
    is_stale          boolean NOT NULL,
    equivalent_before numeric NOT NULL,
    equivalent_after  numeric NOT NULL,
    -- Since the beginning.
    realised          numeric NOT NULL,
    unrealised        numeric NOT NULL,
    -- By this revaluation.
    realised_posted   numeric NOT NULL,
    unrealised_posted numeric NOT NULL,
    entry_id          text UNIQUE REFERENCES accounting.journal_entry (entry_id),
    -- Of the account of the position: what stood on it up to here was looked at.
    up_to_place       bigint NOT NULL CHECK (up_to_place >= 0),
    stored_at         timestamptz NOT NULL DEFAULT kernel.now(),
    PRIMARY KEY (book_id, currency, business_date, version),
    CHECK ((rate_numerator IS NULL) = (rate_denominator IS NULL) AND (rate_numerator IS NOT NULL OR position = 0)),
    CONSTRAINT value_is_rounded CHECK (CASE WHEN position = 0 THEN equivalent_after = 0
      ELSE 2 * abs(position * rate_numerator - equivalent_after * rate_denominator) <= rate_denominator END),
    CONSTRAINT realised_is_cost_less_paid CHECK (realised = cost - paid),
    CONSTRAINT unrealised_is_value_less_cost CHECK (unrealised = equivalent_after - cost),
    CONSTRAINT only_differences CHECK (equivalent_after = equivalent_before + realised_posted + unrealised_posted),
    CHECK (position <> 0 OR cost = 0),
    CHECK ((entry_id IS NULL) = (realised_posted = 0 AND unrealised_posted = 0))
  );

  -- What an entry bought of a currency (positive) or sold, and what was paid for it.
  CREATE TABLE accounting.currency_deal (
    entry_id      text NOT NULL REFERENCES accounting.journal_entry (entry_id),
    book_id       text NOT NULL,
    currency      text NOT NULL,
    business_date date NOT NULL,
    version       int NOT NULL,
    n             int NOT NULL CHECK (n >= 1),
    position      numeric NOT NULL,
    equivalent    numeric NOT NULL,
    realised      numeric NOT NULL,
    PRIMARY KEY (entry_id, currency),
    UNIQUE (book_id, currency, business_date, version, n),
    FOREIGN KEY (book_id, currency, business_date, version) REFERENCES accounting.currency_revaluation (book_id, currency, business_date, version)
      DEFERRABLE INITIALLY DEFERRED
  );
`;

const byKey = 'SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off';

const guards = `
  -- Debits less credits of an entry on an account, over the asset or all of them.
  CREATE FUNCTION accounting.units_on(entry text, account_number text) RETURNS TABLE (asset text, units numeric) LANGUAGE sql STABLE ${byKey} AS $$
    SELECT p.asset, sum(p.units) FROM accounting.posting p JOIN accounting.ledger_account l USING (ledger_account_id)
     WHERE p.entry_id = entry AND l.number = account_number GROUP BY p.asset
  $$;

  -- A deal is the mirror of its entry on the account of the position.
  CREATE FUNCTION accounting.deal_is_of_its_entry() RETURNS trigger LANGUAGE plpgsql ${byKey} AS $$
  BEGIN
    IF NOT EXISTS (SELECT FROM accounting.journal_entry e WHERE e.entry_id = NEW.entry_id AND e.book_id = NEW.book_id)
       OR NEW.position IS DISTINCT FROM -(SELECT u.units FROM accounting.units_on(NEW.entry_id, '1910') u WHERE u.asset = NEW.currency) THEN
      RAISE EXCEPTION 'entry % dealt another amount of %', NEW.entry_id, NEW.currency USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER deal_is_of_its_entry AFTER INSERT ON accounting.currency_deal FOR EACH ROW EXECUTE FUNCTION accounting.deal_is_of_its_entry();

  -- Each revaluation goes on from the one before it, with the deals between, and its entry posts what it says.
  CREATE FUNCTION accounting.revaluation_follows() RETURNS trigger LANGUAGE plpgsql ${byKey} AS $$
  DECLARE before accounting.currency_revaluation; dealt record; posted record;
  BEGIN
    SELECT * INTO before FROM accounting.currency_revaluation r
     WHERE r.book_id = NEW.book_id AND r.currency = NEW.currency AND (r.business_date, r.version) <> (NEW.business_date, NEW.version)
     ORDER BY r.business_date DESC, r.version DESC LIMIT 1;
    IF before.business_date > NEW.business_date
       OR NEW.version <> (CASE WHEN before.business_date = NEW.business_date THEN before.version + 1 ELSE 1 END) THEN
      RAISE EXCEPTION 'the revaluation of % on % version % does not follow', NEW.currency, NEW.business_date, NEW.version USING ERRCODE = 'check_violation';
    END IF;
    SELECT coalesce(sum(d.position), 0) AS position, coalesce(sum(d.equivalent), 0) AS equivalent, coalesce(sum(d.realised), 0) AS realised INTO dealt
      FROM accounting.currency_deal d
     WHERE d.book_id = NEW.book_id AND d.currency = NEW.currency AND d.business_date = NEW.business_date AND d.version = NEW.version;
    IF NEW.position <> coalesce(before.position, 0) + dealt.position OR NEW.paid <> coalesce(before.paid, 0) + dealt.equivalent
       OR NEW.realised <> coalesce(before.realised, 0) + dealt.realised
       OR NEW.equivalent_before <> coalesce(before.equivalent_after, 0) + dealt.equivalent
       OR NEW.realised_posted <> NEW.realised - coalesce(before.realised, 0) OR NEW.unrealised_posted <> NEW.unrealised - coalesce(before.unrealised, 0) THEN
      RAISE EXCEPTION 'the revaluation of % on % forgets what was dealt or posted before', NEW.currency, NEW.business_date USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.entry_id IS NULL THEN RETURN NULL; END IF;
    SELECT coalesce((SELECT units FROM accounting.units_on(NEW.entry_id, '1920') u WHERE u.asset = NEW.functional), 0) AS equivalent,
           coalesce((SELECT units FROM accounting.units_on(NEW.entry_id, '4410') u WHERE u.asset = NEW.functional), 0) AS realised,
           coalesce((SELECT units FROM accounting.units_on(NEW.entry_id, '4420') u WHERE u.asset = NEW.functional), 0) AS unrealised INTO posted;
    IF posted.realised <> -NEW.realised_posted OR posted.unrealised <> -NEW.unrealised_posted OR posted.equivalent <> NEW.realised_posted + NEW.unrealised_posted
       OR NOT EXISTS (SELECT FROM accounting.journal_entry e WHERE e.entry_id = NEW.entry_id AND e.book_id = NEW.book_id AND e.business_date = NEW.business_date) THEN
      RAISE EXCEPTION 'entry % posts something else than the revaluation says', NEW.entry_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
  END $$;
  CREATE TRIGGER revaluation_follows AFTER INSERT ON accounting.currency_revaluation FOR EACH ROW EXECUTE FUNCTION accounting.revaluation_follows();
`;
