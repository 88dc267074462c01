import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Exchange rates and prices as settlement tells of them: every version, and whether it may be used. */
export class MarketFigures20261203000331 implements MigrationInterface {
  name = 'MarketFigures20261203000331';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(tables);
    await runner.query(guards);
    await runner.query(`
      GRANT SELECT, INSERT ON accounting.market_figure, accounting.figure_release TO accounting;
      GRANT UPDATE (state, fault) ON accounting.market_figure TO accounting;
      GRANT UPDATE (state, decided_by, decided_at, decision_reason) ON accounting.figure_release TO accounting;
      GRANT SELECT ON accounting.market_figure, accounting.figure_release TO verify`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE accounting.figure_release, accounting.market_figure;
      DROP FUNCTION accounting.figure_is_usable(), accounting.figure_keeps_its_words(), accounting.release_is_decided_once(),
        accounting.last_good_figure(text, text, text, date)`);
  }
}

const tables = `
  -- A unit of base (a currency, an instrument) is worth the value in quote. The market's, so of no book.
  CREATE TABLE accounting.market_figure (
    kind             text NOT NULL CHECK (kind IN ('RATE','PRICE')),
    version          bigint NOT NULL CHECK (version > 0),
    base             text NOT NULL,
    quote            text NOT NULL CHECK (quote ~ '^[A-Z]{3}$'),
    on_date          date NOT NULL,
    value            numeric NOT NULL,
    source           text NOT NULL CHECK (source <> ''),
    recorded_at      timestamptz NOT NULL,
    received_at      timestamptz NOT NULL DEFAULT kernel.now(),
    state            text NOT NULL CHECK (state IN ('GOOD','HELD','REFUSED','WITHDRAWN')),
    fault            text,
    -- The good figure it was compared with.
    compared_version bigint,
    PRIMARY KEY (kind, version),
    CHECK ((state = 'GOOD') = (fault IS NULL)),
    CONSTRAINT figure_is_positive CHECK (value > 0 OR state IN ('REFUSED','WITHDRAWN')),
    CHECK (base <> quote)
  );
  CREATE INDEX market_figure_good ON accounting.market_figure (kind, base, quote, on_date DESC) WHERE state = 'GOOD';
  CREATE INDEX market_figure_held ON accounting.market_figure (kind, base, quote) WHERE state = 'HELD';

  CREATE TABLE accounting.figure_release (
    approval_id     text PRIMARY KEY,
    kind            text NOT NULL,
    version         bigint NOT NULL,
    reason          text NOT NULL CHECK (reason <> ''),
    payload_hash    text NOT NULL CHECK (length(payload_hash) = 64),
    state           text NOT NULL CHECK (state IN ('PROPOSED','APPLIED','REFUSED','REJECTED','EXPIRED','WITHDRAWN','STALE')),
    requested_by    text NOT NULL,
    requested_at    timestamptz NOT NULL DEFAULT kernel.now(),
    expires_at      timestamptz NOT NULL,
    decided_by      text,
    decided_at      timestamptz,
    decision_reason text,
    FOREIGN KEY (kind, version) REFERENCES accounting.market_figure (kind, version),
    CONSTRAINT two_people CHECK (state <> 'APPLIED' OR decided_by IS NOT NULL AND decided_by <> requested_by)
  );
  CREATE UNIQUE INDEX figure_release_open ON accounting.figure_release (kind, version) WHERE state = 'PROPOSED';
`;

const guards = `
  -- The later date counts, on one date an override, then the later version.
  CREATE FUNCTION accounting.last_good_figure(of_kind text, of_base text, of_quote text, at date) RETURNS accounting.market_figure LANGUAGE sql STABLE AS $$
    SELECT m FROM accounting.market_figure m WHERE m.kind = of_kind AND m.base = of_base AND m.quote = of_quote AND m.state = 'GOOD' AND m.on_date <= at
     ORDER BY m.on_date DESC, (m.source = 'OVERRIDE') DESC, m.version DESC LIMIT 1
  $$;

  -- Ten times the last good figure, or a tenth of it, is good only by an override, which two people decided, or by a release of two people.
  CREATE FUNCTION accounting.figure_is_usable() RETURNS trigger LANGUAGE plpgsql AS $$
  DECLARE last accounting.market_figure;
  BEGIN
    IF NEW.state <> 'GOOD' OR NEW.source = 'OVERRIDE' THEN RETURN NEW; END IF;
    SELECT * INTO last FROM accounting.last_good_figure(NEW.kind, NEW.base, NEW.quote, NEW.on_date);
    IF last.version IS NOT NULL AND (NEW.value >= 10 * last.value OR NEW.value * 10 <= last.value) AND NOT EXISTS (
         SELECT FROM accounting.figure_release r WHERE r.kind = NEW.kind AND r.version = NEW.version AND r.state = 'APPLIED') THEN
      RAISE EXCEPTION '% % of % is too far from the last good one for use: two people have to agree', NEW.kind, NEW.version, NEW.base
        USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER figure_is_usable BEFORE INSERT ON accounting.market_figure FOR EACH ROW EXECUTE FUNCTION accounting.figure_is_usable();
  CREATE TRIGGER figure_is_usable_now BEFORE UPDATE ON accounting.market_figure FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)
    EXECUTE FUNCTION accounting.figure_is_usable();

  CREATE FUNCTION accounting.figure_keeps_its_words() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF TG_OP <> 'UPDATE' OR (NEW.kind, NEW.version, NEW.base, NEW.quote, NEW.on_date, NEW.value, NEW.source, NEW.recorded_at, NEW.received_at, NEW.compared_version)
         IS DISTINCT FROM (OLD.kind, OLD.version, OLD.base, OLD.quote, OLD.on_date, OLD.value, OLD.source, OLD.recorded_at, OLD.received_at, OLD.compared_version)
       OR NOT (OLD.state = 'HELD' AND NEW.state IN ('GOOD','WITHDRAWN') OR OLD.state = 'GOOD' AND NEW.state = 'WITHDRAWN' OR OLD.state = NEW.state) THEN
      RAISE EXCEPTION 'a figure of the market is never changed: what is known later is a version of its own' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER figure_keeps_its_words BEFORE UPDATE OR DELETE ON accounting.market_figure FOR EACH ROW EXECUTE FUNCTION accounting.figure_keeps_its_words();
  CREATE TRIGGER never_emptied BEFORE TRUNCATE ON accounting.market_figure FOR EACH STATEMENT EXECUTE FUNCTION accounting.never_changes();

  CREATE FUNCTION accounting.release_is_decided_once() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    IF TG_OP = 'INSERT' THEN
      IF NEW.state <> 'PROPOSED' OR NEW.decided_by IS NOT NULL THEN
        RAISE EXCEPTION 'a release begins with a proposal' USING ERRCODE = 'check_violation';
      END IF;
      RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' OR OLD.state <> 'PROPOSED' OR (NEW.kind, NEW.version, NEW.reason, NEW.payload_hash, NEW.requested_by)
        IS DISTINCT FROM (OLD.kind, OLD.version, OLD.reason, OLD.payload_hash, OLD.requested_by) THEN
      RAISE EXCEPTION 'a release is decided once and not changed' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $$;
  CREATE TRIGGER release_is_decided_once BEFORE INSERT OR UPDATE OR DELETE ON accounting.figure_release
    FOR EACH ROW EXECUTE FUNCTION accounting.release_is_decided_once();
`;
