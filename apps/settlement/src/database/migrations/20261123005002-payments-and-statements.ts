import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { paymentStatuses, paymentTransitions } from '../../payments/payment-status.js';

const transitions = paymentTransitions.map(([from, to]) => `('${from}','${to}')`).join(', ');
const statuses = paymentStatuses.map((status) => `'${status}'`).join(',');

export class PaymentsAndStatements20261123005002 implements MigrationInterface {
  name = 'PaymentsAndStatements20261123005002';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- Our accounts at agents: where payments of a book and currency leave, and what a first statement continues.
      CREATE TABLE settlement.nostro (
        account       text PRIMARY KEY,
        book_id       text NOT NULL,
        currency      text NOT NULL,
        channel       text NOT NULL,
        agent_bic     text NOT NULL,
        opening_minor numeric(39,0) NOT NULL,
        opening_date  date NOT NULL,
        import_id     text
      );
      CREATE INDEX nostro_by_book ON settlement.nostro (book_id, currency, account);
      COMMENT ON COLUMN settlement.nostro.opening_minor IS 'What the agent holds for us when we moved in: positive when it owes us';

      -- Until when a payment of a currency still goes out on its date, as wall time of a named zone.
      CREATE TABLE settlement.payment_cut_off (
        currency    text NOT NULL,
        valid_from  date NOT NULL,
        local_time  text NOT NULL CHECK (local_time ~ '^[0-2][0-9]:[0-5][0-9]$'),
        zone        text NOT NULL,
        calendar_id text NOT NULL,
        PRIMARY KEY (currency, valid_from)
      );
      INSERT INTO settlement.payment_cut_off (currency, valid_from, local_time, zone, calendar_id) VALUES
        ('EUR', '2026-01-01', '16:00', 'Europe/Berlin', 'TARGET'),
        ('GBP', '2026-01-01', '16:00', 'Europe/London', 'GBLO'),
        ('USD', '2026-01-01', '17:00', 'America/New_York', 'USNY'),
        ('JPY', '2026-01-01', '14:00', 'Asia/Tokyo', 'JPTO');

      CREATE TABLE settlement.payment_transition (
        from_status text NOT NULL,
        to_status   text NOT NULL,
        PRIMARY KEY (from_status, to_status)
      );
      INSERT INTO settlement.payment_transition (from_status, to_status) VALUES ${transitions};

      CREATE TABLE settlement.payment (
        payment_id         text PRIMARY KEY,
        book_id            text NOT NULL,
        source             text NOT NULL,
        end_to_end_id      text NOT NULL,
        debtor_account     text NOT NULL,
        currency           text NOT NULL,
        amount_minor       numeric(39,0) NOT NULL CHECK (amount_minor >= 0),
        creditor_sealed    text NOT NULL CHECK (creditor_sealed LIKE 'sealed:%'),
        creditor_account   text NOT NULL,
        creditor_country   text,
        remittance_sealed  text CHECK (remittance_sealed LIKE 'sealed:%'),
        status             text NOT NULL CHECK (status IN (${statuses})),
        refusal_code       text,
        refusal_message    text,
        problems           jsonb NOT NULL DEFAULT '[]',
        alert_id           text,
        screening_id       text,
        list_version_id    text,
        was_held           boolean NOT NULL DEFAULT false,
        received_date      date NOT NULL,
        business_date      date NOT NULL,
        cut_off_at         timestamptz,
        channel            text,
        nostro_account     text,
        entry_id           text,
        return_entry_id    text,
        return_reason      text,
        batch_message_id   text,
        agent_reference    text,
        file_id            text,
        content_hash       text NOT NULL,
        submitted_by       text NOT NULL,
        received_at        timestamptz NOT NULL DEFAULT kernel.now(),
        UNIQUE (source, end_to_end_id),
        CHECK ((status = 'REFUSED') = (refusal_code IS NOT NULL)),
        CHECK (business_date >= received_date)
      );
      COMMENT ON COLUMN settlement.payment.received_date IS 'The business date it came in on';
      COMMENT ON COLUMN settlement.payment.business_date IS 'The business date it is booked on: later when it came after the cut-off';
      CREATE INDEX payment_by_received ON settlement.payment (received_date, book_id);
      CREATE INDEX payment_ready ON settlement.payment (book_id, business_date, payment_id) WHERE status IN ('READY','SCREENING','HELD');
      CREATE INDEX payment_booked ON settlement.payment (channel, payment_id) WHERE status = 'BOOKED' AND batch_message_id IS NULL;
      CREATE INDEX payment_by_reference ON settlement.payment (end_to_end_id);
      CREATE INDEX payment_by_file ON settlement.payment (file_id) WHERE file_id IS NOT NULL;

      CREATE TABLE settlement.payment_status_history (
        sequence    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        payment_id  text NOT NULL,
        book_id     text NOT NULL,
        from_status text NOT NULL,
        to_status   text NOT NULL,
        reason_code text,
        at          timestamptz NOT NULL DEFAULT kernel.now()
      );
      CREATE INDEX payment_status_history_by_payment ON settlement.payment_status_history (payment_id, sequence);

      CREATE FUNCTION settlement.payment_status_entered() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
        SET search_path = settlement, pg_temp AS $$
      DECLARE bad text;
      BEGIN
        IF TG_OP = 'INSERT' THEN
          SELECT format('%s begins as %s', t.payment_id, t.status) INTO bad FROM entered t
           WHERE NOT EXISTS (SELECT 1 FROM settlement.payment_transition d WHERE d.from_status = '' AND d.to_status = t.status) LIMIT 1;
          INSERT INTO settlement.payment_status_history (payment_id, book_id, from_status, to_status, reason_code)
          SELECT payment_id, book_id, '', status, refusal_code FROM entered ORDER BY payment_id;
        ELSE
          SELECT format('%s from %s to %s', n.payment_id, o.status, n.status) INTO bad
            FROM entered n JOIN left_behind o USING (payment_id)
           WHERE (n.status <> o.status AND NOT EXISTS (SELECT 1 FROM settlement.payment_transition d
                    WHERE d.from_status = o.status AND d.to_status = n.status))
              OR (n.book_id, n.source, n.end_to_end_id, n.debtor_account, n.currency, n.amount_minor, n.creditor_account)
                 IS DISTINCT FROM (o.book_id, o.source, o.end_to_end_id, o.debtor_account, o.currency, o.amount_minor, o.creditor_account)
           LIMIT 1;
          INSERT INTO settlement.payment_status_history (payment_id, book_id, from_status, to_status, reason_code)
          SELECT n.payment_id, n.book_id, o.status, n.status, coalesce(n.refusal_code, n.return_reason)
            FROM entered n JOIN left_behind o USING (payment_id) WHERE n.status <> o.status ORDER BY n.payment_id;
        END IF;
        IF bad IS NOT NULL THEN
          RAISE EXCEPTION 'undeclared change of a payment: %', bad USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NULL;
      END $$;
      CREATE TRIGGER status_entered_new AFTER INSERT ON settlement.payment
        REFERENCING NEW TABLE AS entered FOR EACH STATEMENT EXECUTE FUNCTION settlement.payment_status_entered();
      CREATE TRIGGER status_entered AFTER UPDATE ON settlement.payment
        REFERENCING OLD TABLE AS left_behind NEW TABLE AS entered FOR EACH STATEMENT EXECUTE FUNCTION settlement.payment_status_entered();

      -- Requests that had no second effect, for the figures of the day.
      CREATE TABLE settlement.payment_replay (
        n             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        book_id       text NOT NULL,
        business_date date NOT NULL,
        kind          text NOT NULL CHECK (kind IN ('REPLAY','KEY_REUSED')),
        reference     text NOT NULL,
        requested_by  text NOT NULL,
        at            timestamptz NOT NULL DEFAULT kernel.now()
      );
      CREATE INDEX payment_replay_by_date ON settlement.payment_replay (business_date, kind);

      CREATE TABLE settlement.nostro_statement (
        statement_id        text PRIMARY KEY,
        account             text NOT NULL,
        book_id             text NOT NULL,
        currency            text NOT NULL,
        state               text NOT NULL CHECK (state IN ('ACCEPTED','REFUSED')),
        number              int,
        message_id          text NOT NULL,
        channel             text NOT NULL,
        electronic_sequence text,
        statement_date      date NOT NULL,
        opening_minor       numeric(39,0) NOT NULL,
        closing_minor       numeric(39,0) NOT NULL,
        entry_count         int NOT NULL,
        content_hash        text NOT NULL,
        problems            jsonb NOT NULL DEFAULT '[]',
        received_at         timestamptz NOT NULL DEFAULT kernel.now(),
        UNIQUE (account, number),
        CHECK ((state = 'ACCEPTED') = (number IS NOT NULL))
      );
      CREATE UNIQUE INDEX nostro_statement_same ON settlement.nostro_statement (account, content_hash);
      CREATE TABLE settlement.nostro_statement_entry (
        statement_id     text NOT NULL REFERENCES settlement.nostro_statement,
        n                int NOT NULL,
        book_id          text NOT NULL,
        signed_minor     numeric(39,0) NOT NULL,
        currency         text NOT NULL,
        booking_date     date,
        value_date       date,
        reference        text,
        end_to_end_id    text,
        transaction_code text,
        is_reversal      boolean NOT NULL,
        details          jsonb NOT NULL,
        PRIMARY KEY (statement_id, n)
      );
      CREATE INDEX nostro_statement_entry_by_reference ON settlement.nostro_statement_entry (end_to_end_id);

      GRANT SELECT, INSERT, UPDATE ON settlement.payment TO settlement;
      GRANT SELECT, INSERT, UPDATE, DELETE ON settlement.nostro TO settlement;
      GRANT SELECT ON settlement.payment_transition, settlement.payment_status_history, settlement.payment_cut_off TO settlement;
      GRANT SELECT, INSERT ON settlement.payment_replay, settlement.nostro_statement, settlement.nostro_statement_entry TO settlement;

      -- What clients held when we moved in; the rest of a position follows from what settled since.
      CREATE TABLE settlement.position_opening (
        account        text NOT NULL,
        isin           text NOT NULL,
        book_id        text NOT NULL,
        quantity_units numeric(39,0) NOT NULL,
        holding_date   date NOT NULL,
        import_id      text NOT NULL,
        PRIMARY KEY (account, isin, import_id)
      );
      GRANT SELECT, INSERT, UPDATE, DELETE ON settlement.position_opening TO settlement;
    `);
    for (const table of [
      'nostro',
      'payment',
      'payment_status_history',
      'payment_replay',
      'nostro_statement',
      'nostro_statement_entry',
      'position_opening',
    ]) {
      await runner.query(`
      ALTER TABLE settlement.${table} ENABLE ROW LEVEL SECURITY;
      ALTER TABLE settlement.${table} FORCE ROW LEVEL SECURITY;
      CREATE POLICY by_book ON settlement.${table} USING (kernel.sees_book(book_id));`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE settlement.position_opening, settlement.nostro_statement_entry, settlement.nostro_statement, settlement.payment_replay,
        settlement.payment_status_history, settlement.payment, settlement.payment_transition, settlement.payment_cut_off, settlement.nostro CASCADE;
      DROP FUNCTION settlement.payment_status_entered();`);
  }
}
