import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Lots of what is held, their movements, the firm's own trades in securities, and what they were valued at. */
export class Lots20261203000333 implements MigrationInterface {
  name = 'Lots20261203000333';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(tables);
    await runner.query(guards);
    for (const table of byBook) {
      await runner.query(`
        ALTER TABLE accounting.${table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE accounting.${table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY by_book ON accounting.${table} USING (kernel.sees_book(book_id));
        GRANT SELECT ON accounting.${table} TO accounting, verify;
      `);
    }
    for (const table of ['lot_movement', 'own_bond', 'own_coupon', 'security_valuation']) {
      await runner.query(`CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON accounting.${table}
        FOR EACH STATEMENT EXECUTE FUNCTION accounting.never_changes()`);
    }
    await runner.query(`
      GRANT INSERT (lot_id, book_id, number, asset, owner, side, opened_on, currency, opened_by, import_id, import_row) ON accounting.holding_lot TO accounting;
      GRANT INSERT ON accounting.lot_movement, accounting.lot_place, accounting.own_bond, accounting.own_trade, accounting.own_coupon, accounting.security_valuation TO accounting;
      GRANT UPDATE (last_sequence) ON accounting.lot_place TO accounting;
      GRANT UPDATE (settled_by) ON accounting.own_trade TO accounting;
      GRANT UPDATE (currency, price_factor) ON accounting.asset TO accounting;
      REVOKE ALL ON FUNCTION accounting.lot_follows() FROM PUBLIC`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE accounting.security_valuation, accounting.own_coupon, accounting.own_trade, accounting.own_bond, accounting.lot_place,
        accounting.lot_movement, accounting.holding_lot;
      DROP FUNCTION accounting.lot_follows(), accounting.movements_are_of_their_entries(), accounting.valuation_follows(), accounting.settled_once();
      ALTER TABLE accounting.asset DROP COLUMN price_factor, DROP COLUMN currency`);
  }
}

const byBook = [
  'holding_lot',
  'lot_movement',
  'lot_place',
  'own_bond',
  'own_trade',
  'own_coupon',
  'security_valuation',
];

const tables = `
  -- Of instruments: in which money they are priced, and what a price is multiplied by (0.01 when it is a percentage).
  ALTER TABLE accounting.asset ADD currency text, ADD price_factor numeric CHECK (price_factor > 0);

  -- Quantities and costs are never negative: the side says the direction. What is open is the sum of the movements, which alone change it.
  CREATE TABLE accounting.holding_lot (
    lot_id        text PRIMARY KEY,
    book_id       text NOT NULL,
    number        text NOT NULL,
    asset         text NOT NULL REFERENCES accounting.asset (asset),
    owner         text NOT NULL CHECK (owner IN ('OWN','CLIENT')),
    side          text NOT NULL CHECK (side IN ('LONG','SHORT')),
    opened_on     date NOT NULL,
    -- Of the cost; absent when nobody knows what was paid.
    currency      text,
    opened_by     text NOT NULL REFERENCES accounting.journal_entry (entry_id),
    -- Of the cut-over, when it was brought along.
    import_id     text,
    import_row    int,
    open_quantity numeric NOT NULL DEFAULT 0 CONSTRAINT open_quantity_is_not_negative CHECK (open_quantity >= 0),
    open_cost     numeric NOT NULL DEFAULT 0 CONSTRAINT open_cost_is_not_negative CHECK (open_cost >= 0),
    -- What it was opened with: its cost by then is what a bond is brought to par from.
    first_quantity numeric NOT NULL DEFAULT 0,
    first_cost    numeric NOT NULL DEFAULT 0,
    CONSTRAINT nothing_open_costs_nothing CHECK (open_quantity > 0 OR open_cost = 0),
    CHECK (owner = 'CLIENT' OR currency IS NOT NULL),
    FOREIGN KEY (book_id, number) REFERENCES accounting.account (book_id, number)
  );
  CREATE INDEX holding_lot_open ON accounting.holding_lot (book_id, number, asset) WHERE open_quantity > 0;
  CREATE UNIQUE INDEX holding_lot_import ON accounting.holding_lot (import_id, import_row) WHERE import_id IS NOT NULL;

  -- What changed of a lot, each with the entry it came of. AMORTISED: the cost alone. CLOSED: with what it brought.
  CREATE TABLE accounting.lot_movement (
    movement_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lot_id        text NOT NULL REFERENCES accounting.holding_lot (lot_id),
    book_id       text NOT NULL,
    entry_id      text NOT NULL REFERENCES accounting.journal_entry (entry_id),
    kind          text NOT NULL CHECK (kind IN ('OPENED','ADDED','CLOSED','TRANSFERRED_OUT','TRANSFERRED_IN','AMORTISED')),
    business_date date NOT NULL,
    quantity      numeric NOT NULL,
    cost          numeric NOT NULL,
    amount        numeric CHECK (amount >= 0),
    realised      numeric,
    CHECK (CASE kind WHEN 'AMORTISED' THEN quantity = 0 AND cost <> 0 WHEN 'CLOSED' THEN quantity < 0 WHEN 'TRANSFERRED_OUT' THEN quantity < 0 ELSE quantity > 0 END),
    CHECK (kind = 'CLOSED' OR realised IS NULL AND amount IS NULL),
    CHECK ((realised IS NULL) = (amount IS NULL))
  );
  CREATE INDEX lot_movement_lot ON accounting.lot_movement (lot_id);
  CREATE INDEX lot_movement_entry ON accounting.lot_movement (entry_id);
  CREATE INDEX lot_movement_day ON accounting.lot_movement (book_id, business_date, movement_id);

  -- Up to where the postings of a client's holding have become lots.
  CREATE TABLE accounting.lot_place (
    ledger_account_id bigint PRIMARY KEY REFERENCES accounting.ledger_account (ledger_account_id),
    book_id           text NOT NULL,
    last_sequence     bigint NOT NULL CHECK (last_sequence >= 0)
  );

  -- What a bond of the book pays: the boundaries of its periods of interest, the last of which is its maturity.
  CREATE TABLE accounting.own_bond (
    book_id     text NOT NULL,
    asset       text NOT NULL REFERENCES accounting.asset (asset),
    annual_rate numeric NOT NULL CHECK (annual_rate >= 0),
    day_count   text NOT NULL CHECK (day_count <> ''),
    boundaries  date[] NOT NULL CHECK (cardinality(boundaries) >= 2 AND array_position(boundaries, NULL) IS NULL),
    method      text NOT NULL CHECK (method IN ('EFFECTIVE_INTEREST','STRAIGHT_LINE')),
    stored_by   text NOT NULL,
    stored_at   timestamptz NOT NULL DEFAULT kernel.now(),
    PRIMARY KEY (book_id, asset)
  );

  CREATE TABLE accounting.own_trade (
    trade_id        text PRIMARY KEY,
    book_id         text NOT NULL,
    number          text NOT NULL,
    asset           text NOT NULL,
    direction       text NOT NULL CHECK (direction IN ('BUY','SELL')),
    quantity        numeric NOT NULL CHECK (quantity > 0),
    currency        text NOT NULL,
    -- Without the accrued coupon, which is told beside it.
    amount          numeric NOT NULL CHECK (amount >= 0),
    accrued         numeric NOT NULL CHECK (accrued >= 0),
    trade_date      date NOT NULL,
    settlement_date date NOT NULL CHECK (settlement_date >= trade_date),
    recognition     text NOT NULL CHECK (recognition IN ('TRADE_DATE','SETTLEMENT_DATE')),
    depot           text NOT NULL,
    nostro          text NOT NULL,
    business_date   date NOT NULL,
    entry_id        text NOT NULL UNIQUE REFERENCES accounting.journal_entry (entry_id),
    -- The entry of the settlement; the same one when it is recognised then.
    settled_by      text REFERENCES accounting.journal_entry (entry_id),
    requested_by    text NOT NULL,
    stored_at       timestamptz NOT NULL DEFAULT kernel.now(),
    CHECK (recognition = 'TRADE_DATE' OR settled_by = entry_id)
  );
  CREATE INDEX own_trade_holding ON accounting.own_trade (book_id, number, asset, business_date);

  CREATE TABLE accounting.own_coupon (
    entry_id      text PRIMARY KEY REFERENCES accounting.journal_entry (entry_id),
    book_id       text NOT NULL,
    number        text NOT NULL,
    asset         text NOT NULL,
    currency      text NOT NULL,
    business_date date NOT NULL,
    amount        numeric NOT NULL CHECK (amount > 0)
  );
  CREATE INDEX own_coupon_holding ON accounting.own_coupon (book_id, number, asset, business_date);

  -- Amounts in the currency of the instrument. Sums since the beginning, and what this valuation posted of each.
  CREATE TABLE accounting.security_valuation (
    book_id            text NOT NULL,
    number             text NOT NULL,
    asset              text NOT NULL,
    business_date      date NOT NULL,
    version            int NOT NULL CHECK (version >= 1),
    currency           text NOT NULL,
    quantity           numeric NOT NULL,
    cost               numeric NOT NULL,
    figures            text NOT NULL,
    is_stale           boolean NOT NULL,
    fair_value         numeric NOT NULL,
    adjustment         numeric NOT NULL,
    adjustment_posted  numeric NOT NULL,
    amortised          numeric NOT NULL,
    amortised_posted   numeric NOT NULL,
    -- The coupon that stands to be paid; what was earned is that, less what was bought, with what was sold and paid.
    accrued            numeric NOT NULL,
    earned             numeric NOT NULL,
    earned_posted      numeric NOT NULL,
    entry_id           text UNIQUE REFERENCES accounting.journal_entry (entry_id),
    stored_at          timestamptz NOT NULL DEFAULT kernel.now(),
    PRIMARY KEY (book_id, number, asset, business_date, version),
    CONSTRAINT adjustment_is_value_less_cost CHECK (adjustment = fair_value - cost),
    CHECK (quantity <> 0 OR cost = 0 AND fair_value = 0),
    CHECK ((entry_id IS NULL) = (adjustment_posted = 0 AND amortised_posted = 0 AND earned_posted = 0))
  );
`;

const byKey = 'SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off';

const guards = `
  -- The one way in which a lot changes.
  CREATE FUNCTION accounting.lot_follows() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = accounting, pg_temp ${byKey} AS $fn$
  DECLARE faulty text;
  BEGIN
    SELECT r.lot_id INTO faulty FROM new_rows r JOIN holding_lot h USING (lot_id) WHERE h.book_id <> r.book_id LIMIT 1;
    IF FOUND THEN RAISE EXCEPTION 'lot % is of another book', faulty USING ERRCODE = 'check_violation'; END IF;
    -- One statement may change a lot several times: what counts is the sum.
    UPDATE holding_lot h SET open_quantity = h.open_quantity + t.quantity, open_cost = h.open_cost + t.cost,
           first_quantity = h.first_quantity + t.first_quantity, first_cost = h.first_cost + t.first_cost
      FROM (SELECT r.lot_id, sum(r.quantity) AS quantity, sum(r.cost) AS cost,
                   coalesce(sum(r.quantity) FILTER (WHERE r.kind IN ('OPENED','ADDED','TRANSFERRED_IN')), 0) AS first_quantity,
                   coalesce(sum(r.cost) FILTER (WHERE r.kind IN ('OPENED','ADDED','TRANSFERRED_IN')), 0) AS first_cost
              FROM new_rows r GROUP BY r.lot_id) t
     WHERE h.lot_id = t.lot_id;
    RETURN NULL;
  END $fn$;
  CREATE TRIGGER lot_follows AFTER INSERT ON accounting.lot_movement REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION accounting.lot_follows();

  -- What an entry moved of a holding is what its lots moved; of own lots the cost too is what it posted to own securities at cost.
  CREATE FUNCTION accounting.movements_are_of_their_entries() RETURNS trigger LANGUAGE plpgsql ${byKey} AS $fn$
  DECLARE broken text;
  BEGIN
    SELECT t.entry_id || ' on ' || t.number INTO broken FROM (
      SELECT m.entry_id, h.number, h.asset, sum(CASE h.side WHEN 'LONG' THEN m.quantity ELSE -m.quantity END) AS moved
        FROM (SELECT DISTINCT entry_id FROM new_rows) r JOIN accounting.lot_movement m USING (entry_id) JOIN accounting.holding_lot h USING (lot_id)
       GROUP BY m.entry_id, h.number, h.asset) t
     WHERE t.moved <> -coalesce((SELECT sum(p.units) FROM accounting.posting p JOIN accounting.ledger_account l USING (ledger_account_id)
                                   WHERE p.entry_id = t.entry_id AND l.number = t.number AND l.asset = t.asset), 0) LIMIT 1;
    IF FOUND THEN RAISE EXCEPTION 'the lots of entry % moved another quantity than it', broken USING ERRCODE = 'check_violation'; END IF;
    SELECT t.entry_id INTO broken FROM (
      SELECT m.entry_id, h.currency, sum(CASE h.side WHEN 'LONG' THEN m.cost ELSE -m.cost END) AS cost
        FROM (SELECT DISTINCT entry_id FROM new_rows) r JOIN accounting.lot_movement m USING (entry_id) JOIN accounting.holding_lot h USING (lot_id)
       WHERE h.owner = 'OWN' GROUP BY m.entry_id, h.currency) t
     WHERE t.cost <> coalesce((SELECT u.units FROM accounting.units_on(t.entry_id, '1410') u WHERE u.asset = t.currency), 0) LIMIT 1;
    IF FOUND THEN RAISE EXCEPTION 'the lots of entry % cost another amount than it', broken USING ERRCODE = 'check_violation'; END IF;
    RETURN NULL;
  END $fn$;
  CREATE TRIGGER movements_are_of_their_entries AFTER INSERT ON accounting.lot_movement REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION accounting.movements_are_of_their_entries();

  -- Each valuation goes on from the one before it and is of what the lots say, and its entry posts what it says.
  CREATE FUNCTION accounting.valuation_follows() RETURNS trigger LANGUAGE plpgsql ${byKey} AS $fn$
  DECLARE before accounting.security_valuation; held record; dealt numeric; posted record;
  BEGIN
    SELECT * INTO before FROM accounting.security_valuation v
     WHERE v.book_id = NEW.book_id AND v.number = NEW.number AND v.asset = NEW.asset AND (v.business_date, v.version) <> (NEW.business_date, NEW.version)
     ORDER BY v.business_date DESC, v.version DESC LIMIT 1;
    IF before.business_date > NEW.business_date
       OR NEW.version <> (CASE WHEN before.business_date = NEW.business_date THEN before.version + 1 ELSE 1 END) THEN
      RAISE EXCEPTION 'the valuation of % on % version % does not follow', NEW.asset, NEW.business_date, NEW.version USING ERRCODE = 'check_violation';
    END IF;
    SELECT coalesce(sum(CASE h.side WHEN 'LONG' THEN h.open_quantity ELSE -h.open_quantity END), 0) AS quantity,
           coalesce(sum(CASE h.side WHEN 'LONG' THEN h.open_cost ELSE -h.open_cost END), 0) AS cost INTO held
      FROM accounting.holding_lot h WHERE h.book_id = NEW.book_id AND h.number = NEW.number AND h.asset = NEW.asset AND h.open_quantity > 0;
    SELECT coalesce(sum(f.units), 0) INTO dealt FROM (
      SELECT CASE t.direction WHEN 'BUY' THEN t.accrued ELSE -t.accrued END AS units FROM accounting.own_trade t
       WHERE t.book_id = NEW.book_id AND t.number = NEW.number AND t.asset = NEW.asset
       UNION ALL
      SELECT -c.amount FROM accounting.own_coupon c WHERE c.book_id = NEW.book_id AND c.number = NEW.number AND c.asset = NEW.asset) f;
    SELECT coalesce(sum(f.units), 0) INTO dealt FROM (
      SELECT CASE t.direction WHEN 'BUY' THEN t.accrued ELSE -t.accrued END AS units FROM accounting.own_trade t
       WHERE t.book_id = NEW.book_id AND t.number = NEW.number AND t.asset = NEW.asset
       UNION ALL
      SELECT -c.amount FROM accounting.own_coupon c WHERE c.book_id = NEW.book_id AND c.number = NEW.number AND c.asset = NEW.asset) f;
    IF NEW.quantity <> held.quantity OR NEW.cost <> held.cost OR NEW.adjustment_posted <> NEW.adjustment - coalesce(before.adjustment, 0)
       OR NEW.amortised_posted <> NEW.amortised - coalesce(before.amortised, 0) OR NEW.earned_posted <> NEW.earned - coalesce(before.earned, 0)
       OR NEW.earned <> NEW.accrued - dealt THEN
      RAISE EXCEPTION 'the valuation of % on % forgets a lot, or what was posted before', NEW.asset, NEW.business_date USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.entry_id IS NULL THEN RETURN NULL; END IF;
    SELECT coalesce((SELECT units FROM accounting.units_on(NEW.entry_id, '1410') u WHERE u.asset = NEW.currency), 0) AS amortised,
           coalesce((SELECT units FROM accounting.units_on(NEW.entry_id, '1420') u WHERE u.asset = NEW.currency), 0) AS adjustment,
           coalesce((SELECT units FROM accounting.units_on(NEW.entry_id, '1430') u WHERE u.asset = NEW.currency), 0) AS accrued,
           coalesce((SELECT units FROM accounting.units_on(NEW.entry_id, '4320') u WHERE u.asset = NEW.currency), 0) AS unrealised,
           coalesce((SELECT units FROM accounting.units_on(NEW.entry_id, '4330') u WHERE u.asset = NEW.currency), 0) AS income INTO posted;
    IF (posted.amortised, posted.adjustment, posted.accrued, posted.unrealised, posted.income)
         IS DISTINCT FROM (NEW.amortised_posted, NEW.adjustment_posted, NEW.earned_posted, -NEW.adjustment_posted, -NEW.amortised_posted - NEW.earned_posted)
       OR NOT EXISTS (SELECT FROM accounting.journal_entry e WHERE e.entry_id = NEW.entry_id AND e.book_id = NEW.book_id AND e.business_date = NEW.business_date) THEN
      RAISE EXCEPTION 'entry % posts something else than the valuation says', NEW.entry_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
  END $fn$;
  CREATE TRIGGER valuation_follows AFTER INSERT ON accounting.security_valuation FOR EACH ROW EXECUTE FUNCTION accounting.valuation_follows();

  CREATE FUNCTION accounting.settled_once() RETURNS trigger LANGUAGE plpgsql AS $fn$
  BEGIN
    IF TG_OP = 'DELETE' OR OLD.settled_by IS NOT NULL OR to_jsonb(NEW) - 'settled_by' <> to_jsonb(OLD) - 'settled_by' THEN
      RAISE EXCEPTION 'a trade of the house is kept as it was dealt, and settled once' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
  END $fn$;
  CREATE TRIGGER settled_once BEFORE UPDATE OR DELETE ON accounting.own_trade FOR EACH ROW EXECUTE FUNCTION accounting.settled_once();
`;
