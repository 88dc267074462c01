import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** A hit may come when a payment is with the ledger or booked: it is not sent then; and no cycle runs without its watermarks. */
export class LateHits20261130001003 implements MigrationInterface {
  name = 'LateHits20261130001003';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE settlement.payment
        ADD COLUMN late_hit text CHECK (late_hit IN ('OPEN','RELEASED','CONFIRMED')),
        ADD COLUMN late_alert_id text,
        ADD CHECK ((late_hit IS NULL) = (late_alert_id IS NULL));
      COMMENT ON COLUMN settlement.payment.late_hit IS 'A hit that came after the payment went to the ledger: while it is open or confirmed, the payment is not sent';

      CREATE FUNCTION settlement.payment_late_hit() RETURNS trigger LANGUAGE plpgsql SET search_path = settlement, pg_temp AS $$
      BEGIN
        IF NEW.late_hit IN ('OPEN','CONFIRMED') AND NEW.batch_message_id IS DISTINCT FROM OLD.batch_message_id THEN
          RAISE EXCEPTION 'payment % is hit (%) and is not sent', NEW.payment_id, NEW.late_alert_id USING ERRCODE = 'restrict_violation';
        END IF;
        IF NEW.late_hit IN ('OPEN','CONFIRMED') AND NEW.status = 'BOOKING' AND OLD.status <> 'BOOKING' THEN
          RAISE EXCEPTION 'payment % is hit (%) and is not booked', NEW.payment_id, NEW.late_alert_id USING ERRCODE = 'restrict_violation';
        END IF;
        IF OLD.late_hit IS NOT NULL AND (NEW.late_hit IS NULL OR OLD.late_hit <> 'OPEN' AND NEW.late_hit <> OLD.late_hit
             AND NEW.late_alert_id = OLD.late_alert_id) THEN
          RAISE EXCEPTION 'the hit % of payment % is %', OLD.late_alert_id, NEW.payment_id, OLD.late_hit USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER payment_late_hit BEFORE UPDATE ON settlement.payment FOR EACH ROW EXECUTE FUNCTION settlement.payment_late_hit();

      ALTER TABLE settlement.day_phase ADD CONSTRAINT day_phase_cycle_has_watermarks
        CHECK (phase <> 'SETTLE' OR (screening_watermark IS NOT NULL AND history_watermark IS NOT NULL));`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE settlement.day_phase DROP CONSTRAINT day_phase_cycle_has_watermarks;
      DROP TRIGGER payment_late_hit ON settlement.payment;
      DROP FUNCTION settlement.payment_late_hit();
      ALTER TABLE settlement.payment DROP COLUMN late_hit, DROP COLUMN late_alert_id;`);
  }
}
