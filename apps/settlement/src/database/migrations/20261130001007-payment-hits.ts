import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** A payment may be hit more than once: each hit is kept with its own decision, and the payment goes on when none is left. */
export class PaymentHits20261130001007 implements MigrationInterface {
  name = 'PaymentHits20261130001007';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE settlement.payment_hit (
        payment_id     text NOT NULL REFERENCES settlement.payment,
        alert_id       text NOT NULL,
        book_id        text NOT NULL,
        state          text NOT NULL DEFAULT 'OPEN' CHECK (state IN ('OPEN','RELEASED','CONFIRMED')),
        is_late        boolean NOT NULL,
        was_sent       boolean NOT NULL,
        after_sequence bigint NOT NULL,
        hit_at         timestamptz NOT NULL DEFAULT kernel.now(),
        decided_at     timestamptz,
        PRIMARY KEY (payment_id, alert_id),
        CHECK ((state = 'OPEN') = (decided_at IS NULL))
      );
      COMMENT ON TABLE settlement.payment_hit IS 'Each hit of a payment: it is neither booked nor sent while one is open or confirmed';
      COMMENT ON COLUMN settlement.payment_hit.is_late IS 'The payment was with the ledger or booked, so that it could not be held';
      COMMENT ON COLUMN settlement.payment_hit.was_sent IS 'It had left for its agent';
      COMMENT ON COLUMN settlement.payment_hit.after_sequence IS 'How far the history of the payment had come';

      SELECT set_config('app.books', '*', true);
      INSERT INTO settlement.payment_hit (payment_id, alert_id, book_id, state, is_late, was_sent, after_sequence, decided_at)
      SELECT p.payment_id, p.late_alert_id, p.book_id, p.late_hit, true,
             EXISTS (SELECT FROM settlement.work_item w WHERE w.key = 'late-hit:' || p.payment_id || ':' || p.late_alert_id AND w.kind = 'HIT_AFTER_SENDING'),
             coalesce((SELECT max(sequence) FROM settlement.payment_status_history h WHERE h.payment_id = p.payment_id), 0),
             CASE WHEN p.late_hit <> 'OPEN' THEN kernel.now() END
        FROM settlement.payment p WHERE p.late_alert_id IS NOT NULL;
      INSERT INTO settlement.payment_hit (payment_id, alert_id, book_id, state, is_late, was_sent, after_sequence, decided_at)
      SELECT p.payment_id, p.alert_id, p.book_id, CASE p.status WHEN 'HELD' THEN 'OPEN' WHEN 'STOPPED' THEN 'CONFIRMED' ELSE 'RELEASED' END, false, false,
             coalesce((SELECT max(sequence) FROM settlement.payment_status_history h WHERE h.payment_id = p.payment_id), 0),
             CASE WHEN p.status <> 'HELD' THEN kernel.now() END
        FROM settlement.payment p WHERE p.alert_id IS NOT NULL AND p.alert_id IS DISTINCT FROM p.late_alert_id;

      -- How the payment stood is what the database sees, with the payment locked: a hit is before a booking or a sending, or after it.
      CREATE FUNCTION settlement.payment_hit_stands() RETURNS trigger LANGUAGE plpgsql SET search_path = settlement, pg_temp AS $$
      BEGIN
        IF TG_OP = 'UPDATE' THEN
          IF OLD.state <> 'OPEN' OR (NEW.payment_id, NEW.alert_id, NEW.book_id, NEW.is_late, NEW.was_sent, NEW.after_sequence, NEW.hit_at)
               IS DISTINCT FROM (OLD.payment_id, OLD.alert_id, OLD.book_id, OLD.is_late, OLD.was_sent, OLD.after_sequence, OLD.hit_at) THEN
            RAISE EXCEPTION 'the hit % of payment % is %', OLD.alert_id, OLD.payment_id, OLD.state USING ERRCODE = 'restrict_violation';
          END IF;
          RETURN NEW;
        END IF;
        SELECT p.book_id, p.status IN ('BOOKING','BOOKED','EXECUTED'), p.batch_message_id IS NOT NULL
          INTO NEW.book_id, NEW.is_late, NEW.was_sent FROM settlement.payment p WHERE p.payment_id = NEW.payment_id FOR UPDATE;
        SELECT coalesce(max(h.sequence), 0) INTO NEW.after_sequence FROM settlement.payment_status_history h WHERE h.payment_id = NEW.payment_id;
        IF NEW.state <> 'OPEN' THEN
          RAISE EXCEPTION 'the hit % of payment % begins open', NEW.alert_id, NEW.payment_id USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER payment_hit_stands BEFORE INSERT OR UPDATE ON settlement.payment_hit FOR EACH ROW EXECUTE FUNCTION settlement.payment_hit_stands();

      CREATE FUNCTION settlement.payment_hits_first() RETURNS trigger LANGUAGE plpgsql SET search_path = settlement, pg_temp AS $$
      DECLARE standing text;
      BEGIN
        SELECT h.alert_id INTO standing FROM settlement.payment_hit h WHERE h.payment_id = NEW.payment_id AND h.state <> 'RELEASED' LIMIT 1;
        IF standing IS NOT NULL THEN
          RAISE EXCEPTION 'payment % is hit (%) and is not %', NEW.payment_id, standing,
            CASE WHEN NEW.batch_message_id IS DISTINCT FROM OLD.batch_message_id THEN 'sent' WHEN NEW.status = 'BOOKING' THEN 'booked' ELSE 'released' END
            USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER payment_hits_first BEFORE UPDATE ON settlement.payment FOR EACH ROW
        WHEN (OLD.status = 'READY' AND NEW.status = 'BOOKING' OR OLD.status = 'HELD' AND NEW.status = 'READY'
              OR NEW.batch_message_id IS DISTINCT FROM OLD.batch_message_id)
        EXECUTE FUNCTION settlement.payment_hits_first();

      GRANT SELECT, INSERT ON settlement.payment_hit TO settlement;
      GRANT UPDATE (state, decided_at) ON settlement.payment_hit TO settlement;
      ALTER TABLE settlement.payment_hit ENABLE ROW LEVEL SECURITY;
      ALTER TABLE settlement.payment_hit FORCE ROW LEVEL SECURITY;
      CREATE POLICY by_book ON settlement.payment_hit USING (kernel.sees_book(book_id));`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TRIGGER payment_hits_first ON settlement.payment;
      DROP FUNCTION settlement.payment_hits_first();
      DROP TABLE settlement.payment_hit;
      DROP FUNCTION settlement.payment_hit_stands();`);
  }
}
