import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** A date may close before what belongs to it was booked: payments and facts go to the next date, once. */
export class DatesThatWereMissed20261130001002 implements MigrationInterface {
  name = 'DatesThatWereMissed20261130001002';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      INSERT INTO settlement.payment_transition (from_status, to_status) VALUES ('BOOKING', 'READY') ON CONFLICT DO NOTHING;
      ALTER TABLE settlement.payment ADD COLUMN missed_dates int NOT NULL DEFAULT 0 CHECK (missed_dates >= 0);
      COMMENT ON COLUMN settlement.payment.missed_dates IS 'How often the ledger refused it for its date; each attempt has a key of its own';

      CREATE FUNCTION settlement.payment_redated() RETURNS trigger LANGUAGE plpgsql SET search_path = settlement, pg_temp AS $$
      BEGIN
        IF NEW.business_date IS DISTINCT FROM OLD.business_date AND
           (NEW.business_date < OLD.business_date OR OLD.status NOT IN ('READY','BOOKING') OR NEW.status <> 'READY') THEN
          RAISE EXCEPTION 'payment % (% to %) does not move from % to %', NEW.payment_id, OLD.status, NEW.status, OLD.business_date, NEW.business_date
            USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.missed_dates <> OLD.missed_dates + (OLD.status = 'BOOKING' AND NEW.status = 'READY')::int THEN
          RAISE EXCEPTION 'payment % missed % dates, not %', NEW.payment_id, OLD.missed_dates, NEW.missed_dates USING ERRCODE = 'restrict_violation';
        END IF;
        IF OLD.entry_id IS NOT NULL AND NEW.entry_id IS DISTINCT FROM OLD.entry_id THEN
          RAISE EXCEPTION 'payment % is booked by % and by no other entry', NEW.payment_id, OLD.entry_id USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER payment_redated BEFORE UPDATE ON settlement.payment FOR EACH ROW EXECUTE FUNCTION settlement.payment_redated();

      CREATE TABLE settlement.fact_entry (
        entry_key     text PRIMARY KEY,
        ledger_key    text NOT NULL UNIQUE,
        book_id       text NOT NULL,
        business_date date NOT NULL,
        not_before    date,
        missed_dates  int NOT NULL DEFAULT 0 CHECK (missed_dates >= 0),
        state         text NOT NULL CHECK (state IN ('WAITING','REQUESTED','BOOKED','REFUSED')),
        entry         jsonb NOT NULL,
        entry_id      text,
        refusal_code  text,
        received_at   timestamptz NOT NULL DEFAULT kernel.now(),
        decided_at    timestamptz,
        CHECK ((state = 'BOOKED') = (entry_id IS NOT NULL)),
        CHECK ((state = 'REFUSED') = (refusal_code IS NOT NULL)),
        CHECK ((missed_dates = 0) = (ledger_key = entry_key))
      );
      COMMENT ON TABLE settlement.fact_entry IS 'What places and agents confirmed and the ledger must book: kept until it has, on the next date when its own is closed';
      COMMENT ON COLUMN settlement.fact_entry.ledger_key IS 'The key it is asked for under; a key that was refused is used up, so each missed date has the next one';
      CREATE INDEX fact_entry_waiting ON settlement.fact_entry (book_id, entry_key) WHERE state = 'WAITING';

      -- A fact that is booked stays so, and what was confirmed does not change.
      CREATE FUNCTION settlement.fact_entry_kept() RETURNS trigger LANGUAGE plpgsql SET search_path = settlement, pg_temp AS $$
      BEGIN
        IF OLD.state IN ('BOOKED','REFUSED') OR NEW.business_date < OLD.business_date OR NEW.missed_dates < OLD.missed_dates
           OR OLD.state = 'WAITING' AND NEW.state <> 'REQUESTED' THEN
          RAISE EXCEPTION 'fact % is % of % and does not become % of %', OLD.entry_key, OLD.state, OLD.business_date, NEW.state, NEW.business_date
            USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER fact_entry_kept BEFORE UPDATE ON settlement.fact_entry FOR EACH ROW EXECUTE FUNCTION settlement.fact_entry_kept();

      GRANT SELECT, INSERT ON settlement.fact_entry TO settlement;
      GRANT UPDATE (ledger_key, business_date, not_before, missed_dates, state, entry_id, refusal_code, decided_at) ON settlement.fact_entry TO settlement;
      GRANT UPDATE (business_date) ON settlement.confirmation_excess TO settlement;
      ALTER TABLE settlement.fact_entry ENABLE ROW LEVEL SECURITY;
      ALTER TABLE settlement.fact_entry FORCE ROW LEVEL SECURITY;
      CREATE POLICY by_book ON settlement.fact_entry USING (kernel.sees_book(book_id));`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      REVOKE UPDATE (business_date) ON settlement.confirmation_excess FROM settlement;
      DROP TABLE settlement.fact_entry;
      DROP FUNCTION settlement.fact_entry_kept();
      DROP TRIGGER payment_redated ON settlement.payment;
      DROP FUNCTION settlement.payment_redated();
      ALTER TABLE settlement.payment DROP COLUMN missed_dates;
      DELETE FROM settlement.payment_transition WHERE from_status = 'BOOKING' AND to_status = 'READY';`);
  }
}
