import { type MigrationInterface, type QueryRunner } from 'typeorm';
import { declaredTransitions, holdFlags, processes } from '../../instructions/instruction-status.js';

const transitions = processes
  .flatMap((process) => declaredTransitions[process].map(([from, to]) => `('${process}','${from}','${to}')`))
  .join(', ');

const holdFlagsOf = (row: string) =>
  `concat_ws(' ', ${holdFlags.map((flag) => `CASE WHEN ${row}.${flag.toLowerCase()}_hold THEN '${flag}' END`).join(', ')})`;

/** The post room between us and the market, and the instructions that go through it. */
export class ExchangeAndInstructions20261123005001 implements MigrationInterface {
  name = 'ExchangeAndInstructions20261123005001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- A lease per channel and direction, so that only one process reads or writes a folder.
      CREATE TABLE settlement.exchange_lease (
        channel     text NOT NULL,
        direction   text NOT NULL CHECK (direction IN ('INBOUND','OUTBOUND')),
        owner       text NOT NULL,
        lease_until timestamptz NOT NULL,
        PRIMARY KEY (channel, direction)
      );

      -- The bytes of a file come before anything else: whatever happens later, they are here.
      CREATE TABLE settlement.exchange_file (
        file_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        channel     text NOT NULL,
        direction   text NOT NULL CHECK (direction IN ('INBOUND','OUTBOUND')),
        name        text NOT NULL,
        sha256      text NOT NULL,
        content     bytea NOT NULL,
        state       text NOT NULL CHECK (state IN ('STORED','HANDLED','REFUSED','COMPOSED','WRITTEN')),
        attempts    int NOT NULL DEFAULT 0,
        problems    jsonb NOT NULL DEFAULT '[]',
        stored_at   timestamptz NOT NULL DEFAULT kernel.now(),
        finished_at timestamptz,
        UNIQUE (channel, direction, name)
      );
      CREATE INDEX exchange_file_open ON settlement.exchange_file (channel, direction, file_id) WHERE state IN ('STORED','COMPOSED');

      CREATE TABLE settlement.exchange_message (
        sequence   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        channel    text NOT NULL,
        direction  text NOT NULL CHECK (direction IN ('INBOUND','OUTBOUND')),
        message_id text NOT NULL,
        type       text NOT NULL,
        document   text,
        file_id    bigint REFERENCES settlement.exchange_file,
        state      text NOT NULL CHECK (state IN ('PENDING','WRITTEN','HANDLED','REFUSED')),
        problems   jsonb NOT NULL DEFAULT '[]',
        created_at timestamptz NOT NULL DEFAULT kernel.now(),
        UNIQUE (channel, direction, message_id),
        CHECK (direction = 'INBOUND' OR document IS NOT NULL)
      );
      CREATE INDEX exchange_message_waiting ON settlement.exchange_message (channel, sequence) WHERE state = 'PENDING' AND file_id IS NULL;
      CREATE INDEX exchange_message_by_file ON settlement.exchange_message (file_id);

      GRANT SELECT, INSERT, UPDATE ON settlement.exchange_lease TO settlement;
      GRANT SELECT, INSERT ON settlement.exchange_file, settlement.exchange_message TO settlement;
      GRANT UPDATE (state, attempts, problems, finished_at) ON settlement.exchange_file TO settlement;
      GRANT UPDATE (state, file_id, problems) ON settlement.exchange_message TO settlement;

      CREATE TABLE settlement.instruction_transition (
        process     text NOT NULL,
        from_status text NOT NULL,
        to_status   text NOT NULL,
        PRIMARY KEY (process, from_status, to_status)
      );
      INSERT INTO settlement.instruction_transition (process, from_status, to_status) VALUES ${transitions};
      GRANT SELECT ON settlement.instruction_transition TO settlement;

      CREATE TABLE settlement.instruction (
        instruction_id         text PRIMARY KEY,
        trade_id               text NOT NULL UNIQUE,
        book_id                text NOT NULL,
        source                 text NOT NULL,
        execution_id           text NOT NULL,
        place_id               text NOT NULL,
        place_kind             text NOT NULL CHECK (place_kind IN ('EXTERNAL','INTERNAL')),
        direction              text NOT NULL CHECK (direction IN ('DELI','RECE')),
        payment                text NOT NULL CHECK (payment IN ('APMT','FREE')),
        isin                   text NOT NULL,
        asset_class            text NOT NULL,
        quantity_units         numeric(39,0) NOT NULL CHECK (quantity_units > 0),
        quantity_scale         int NOT NULL,
        amount_minor           numeric(39,0) NOT NULL CHECK (amount_minor >= 0),
        currency               text NOT NULL,
        trade_date             date NOT NULL,
        settlement_date        date NOT NULL,
        business_date          date NOT NULL,
        client_account         text NOT NULL,
        client_party_id        text,
        counterparty_id        text,
        counterparty_party_id  text,
        counterparty_account   text,
        counterparty_ssi_id    text,
        ssi_version_id         text,
        depot_account          text,
        cash_account           text,
        allocations            jsonb NOT NULL DEFAULT '[]',
        is_carried_fail        boolean NOT NULL DEFAULT false,
        processing_status      text NOT NULL DEFAULT 'CREATED',
        matching_status        text NOT NULL DEFAULT 'NONE',
        settlement_status      text NOT NULL DEFAULT 'PENDING',
        cancellation_status    text NOT NULL DEFAULT 'NONE',
        reason_code            text,
        party_hold             boolean NOT NULL DEFAULT false,
        csd_hold               boolean NOT NULL DEFAULT false,
        validation_hold        boolean NOT NULL DEFAULT false,
        conditional_hold       boolean NOT NULL DEFAULT false,
        compliance_hold        boolean NOT NULL DEFAULT false,
        compliance_alert_id    text,
        confirmed_quantity_units numeric(39,0) NOT NULL DEFAULT 0,
        confirmed_amount_minor   numeric(39,0) NOT NULL DEFAULT 0,
        settled_quantity_units numeric(39,0) NOT NULL DEFAULT 0,
        settled_amount_minor   numeric(39,0) NOT NULL DEFAULT 0,
        entry_id               text,
        attempts               int NOT NULL DEFAULT 0,
        created_at             timestamptz NOT NULL DEFAULT kernel.now(),
        sent_at                timestamptz,
        settled_at             timestamptz,
        CHECK (settled_quantity_units <= confirmed_quantity_units),
        CHECK (compliance_alert_id IS NOT NULL OR NOT compliance_hold)
      );
      CREATE INDEX instruction_open ON settlement.instruction (book_id, settlement_date, instruction_id)
        WHERE settlement_status <> 'SETTLED' AND processing_status NOT IN ('REJECTED','CANCELLED');
      CREATE INDEX instruction_unsent ON settlement.instruction (book_id, place_id, instruction_id) WHERE processing_status = 'CREATED';
      CREATE INDEX instruction_by_date ON settlement.instruction (book_id, settlement_date, instruction_id);
      CREATE INDEX instruction_by_client_party ON settlement.instruction (client_party_id);
      CREATE INDEX instruction_by_counterparty_party ON settlement.instruction (counterparty_party_id);
      CREATE INDEX instruction_by_execution ON settlement.instruction (source, execution_id);
      CREATE INDEX instruction_by_account ON settlement.instruction (client_account, isin);

      CREATE TABLE settlement.instruction_status_history (
        sequence       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        instruction_id text NOT NULL,
        book_id        text NOT NULL,
        process        text NOT NULL,
        from_status    text NOT NULL,
        to_status      text NOT NULL,
        reason_code    text,
        at             timestamptz NOT NULL DEFAULT kernel.now()
      );
      CREATE INDEX instruction_status_history_by_instruction ON settlement.instruction_status_history (instruction_id, sequence);

      -- Held against any writer: only declared transitions, nothing settled changes, and each change leaves its history.
      CREATE FUNCTION settlement.instruction_status_entered() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
        SET search_path = settlement, pg_temp AS $$
      DECLARE bad text;
      BEGIN
        IF TG_OP = 'INSERT' THEN
          SELECT format('%s: %s begins as %s', t.instruction_id, p.process, p.status) INTO bad
            FROM entered t CROSS JOIN LATERAL (VALUES ('PROCESSING', t.processing_status), ('MATCHING', t.matching_status),
                   ('SETTLEMENT', t.settlement_status), ('CANCELLATION', t.cancellation_status)) p(process, status)
           WHERE NOT EXISTS (SELECT 1 FROM settlement.instruction_transition d
                              WHERE d.process = p.process AND d.from_status = '' AND d.to_status = p.status) LIMIT 1;
          INSERT INTO settlement.instruction_status_history (instruction_id, book_id, process, from_status, to_status, reason_code)
          SELECT t.instruction_id, t.book_id, p.process, '', p.status, t.reason_code
            FROM entered t CROSS JOIN LATERAL (VALUES (1, 'PROCESSING', t.processing_status), (2, 'MATCHING', t.matching_status),
                   (3, 'SETTLEMENT', t.settlement_status), (4, 'CANCELLATION', t.cancellation_status),
                   (5, 'HOLD', ${holdFlagsOf('t')})) p(n, process, status)
           WHERE p.process <> 'HOLD' OR p.status <> ''
           ORDER BY t.instruction_id, p.n;
        ELSE
          SELECT format('%s is settled and does not change', n.instruction_id) INTO bad
            FROM entered n JOIN left_behind o USING (instruction_id)
           WHERE o.settlement_status = 'SETTLED' AND n IS DISTINCT FROM o LIMIT 1;
          IF bad IS NULL THEN
            SELECT format('%s: %s from %s to %s', n.instruction_id, p.process, p.was, p.now) INTO bad
              FROM entered n JOIN left_behind o USING (instruction_id)
             CROSS JOIN LATERAL (VALUES ('PROCESSING', o.processing_status, n.processing_status), ('MATCHING', o.matching_status, n.matching_status),
                   ('SETTLEMENT', o.settlement_status, n.settlement_status), ('CANCELLATION', o.cancellation_status, n.cancellation_status)) p(process, was, now)
             WHERE p.was <> p.now AND NOT EXISTS (SELECT 1 FROM settlement.instruction_transition d
                    WHERE d.process = p.process AND d.from_status = p.was AND d.to_status = p.now) LIMIT 1;
          END IF;
          IF bad IS NULL THEN
            SELECT format('%s: what was instructed does not change', n.instruction_id) INTO bad
              FROM entered n JOIN left_behind o USING (instruction_id)
             WHERE (n.trade_id, n.isin, n.direction, n.payment, n.quantity_units, n.amount_minor, n.currency, n.client_account)
                   IS DISTINCT FROM (o.trade_id, o.isin, o.direction, o.payment, o.quantity_units, o.amount_minor, o.currency, o.client_account)
             LIMIT 1;
          END IF;
          -- A reason that changes without its status is a change too (sese.024 is sent for it); it belongs to the process that waits.
          INSERT INTO settlement.instruction_status_history (instruction_id, book_id, process, from_status, to_status, reason_code)
          SELECT n.instruction_id, n.book_id, p.process, p.was, p.now, n.reason_code
            FROM entered n JOIN left_behind o USING (instruction_id)
           CROSS JOIN LATERAL (VALUES (1, 'PROCESSING', o.processing_status, n.processing_status), (2, 'MATCHING', o.matching_status, n.matching_status),
                 (3, 'SETTLEMENT', o.settlement_status, n.settlement_status), (4, 'CANCELLATION', o.cancellation_status, n.cancellation_status),
                 (5, 'HOLD', ${holdFlagsOf('o')}, ${holdFlagsOf('n')})) p(n, process, was, now)
           WHERE p.was <> p.now
              OR (p.process = 'SETTLEMENT' AND n.reason_code IS DISTINCT FROM o.reason_code
                  AND n.processing_status = o.processing_status AND n.matching_status = o.matching_status
                  AND n.settlement_status = o.settlement_status AND n.cancellation_status = o.cancellation_status)
           ORDER BY n.instruction_id, p.n;
        END IF;
        IF bad IS NOT NULL THEN
          RAISE EXCEPTION 'undeclared status of an instruction: %', bad USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN NULL;
      END $$;
      CREATE TRIGGER status_entered_new AFTER INSERT ON settlement.instruction
        REFERENCING NEW TABLE AS entered FOR EACH STATEMENT EXECUTE FUNCTION settlement.instruction_status_entered();
      CREATE TRIGGER status_entered AFTER UPDATE ON settlement.instruction
        REFERENCING OLD TABLE AS left_behind NEW TABLE AS entered FOR EACH STATEMENT EXECUTE FUNCTION settlement.instruction_status_entered();

      -- Each piece that a place confirmed or a cycle attempts, and what the ledger made of it.
      CREATE TABLE settlement.instruction_settlement (
        entry_key        text PRIMARY KEY,
        instruction_id   text NOT NULL REFERENCES settlement.instruction,
        book_id          text NOT NULL,
        quantity_units   numeric(39,0) NOT NULL CHECK (quantity_units > 0),
        amount_minor     numeric(39,0) NOT NULL CHECK (amount_minor >= 0),
        effective_date   date NOT NULL,
        business_date    date NOT NULL,
        is_final         boolean NOT NULL,
        shares           jsonb NOT NULL DEFAULT '[]',
        state            text NOT NULL DEFAULT 'REQUESTED' CHECK (state IN ('REQUESTED','BOOKED','REFUSED')),
        refusal_code     text,
        entry_id         text,
        cycle_id         text,
        market_reference text,
        requested_at     timestamptz NOT NULL DEFAULT kernel.now(),
        decided_at       timestamptz
      );
      CREATE INDEX instruction_settlement_by_instruction ON settlement.instruction_settlement (instruction_id);
      CREATE INDEX instruction_settlement_by_cycle ON settlement.instruction_settlement (cycle_id) WHERE cycle_id IS NOT NULL;
      CREATE UNIQUE INDEX instruction_settlement_waiting ON settlement.instruction_settlement (instruction_id)
        WHERE state = 'REQUESTED' AND cycle_id IS NOT NULL;

      -- A settlement cycle or gate: which list was in force, and up to where every screening answer had arrived.
      CREATE TABLE settlement.day_phase (
        phase_run_id        text PRIMARY KEY,
        book_id             text NOT NULL,
        business_date       date NOT NULL,
        phase               text NOT NULL,
        cycle               int NOT NULL,
        barrier_sequence    text NOT NULL,
        list_version_id     text,
        screening_watermark text,
        history_watermark   bigint,
        counts              jsonb NOT NULL DEFAULT '{}',
        started_at          timestamptz NOT NULL DEFAULT kernel.now(),
        finished_at         timestamptz
      );
      CREATE INDEX day_phase_by_date ON settlement.day_phase (book_id, business_date, phase, cycle);

      -- Parties that compliance stopped, and what we asked the places to stop for them.
      CREATE TABLE settlement.party_hold (
        alert_id        text PRIMARY KEY,
        party_id        text NOT NULL,
        list_version_id text NOT NULL,
        held_at         timestamptz NOT NULL DEFAULT kernel.now(),
        released_at     timestamptz
      );
      CREATE INDEX party_hold_open ON settlement.party_hold (party_id) WHERE released_at IS NULL;
      CREATE TABLE settlement.hold_request (
        message_id     text PRIMARY KEY,
        instruction_id text NOT NULL REFERENCES settlement.instruction,
        book_id        text NOT NULL,
        kind           text NOT NULL CHECK (kind IN ('HOLD','RELEASE','CANCEL')),
        alert_id       text,
        requested_at   timestamptz NOT NULL DEFAULT kernel.now()
      );
      CREATE INDEX hold_request_by_instruction ON settlement.hold_request (instruction_id);

      GRANT SELECT, INSERT, UPDATE ON settlement.instruction, settlement.instruction_settlement, settlement.day_phase, settlement.party_hold TO settlement;
      GRANT SELECT ON settlement.instruction_status_history TO settlement;
      GRANT SELECT, INSERT ON settlement.hold_request TO settlement;
    `);
    for (const table of [
      'instruction',
      'instruction_status_history',
      'instruction_settlement',
      'day_phase',
      'hold_request',
    ]) {
      await runner.query(`
      ALTER TABLE settlement.${table} ENABLE ROW LEVEL SECURITY;
      ALTER TABLE settlement.${table} FORCE ROW LEVEL SECURITY;
      CREATE POLICY by_book ON settlement.${table} USING (kernel.sees_book(book_id));`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE settlement.hold_request, settlement.party_hold, settlement.day_phase, settlement.instruction_settlement,
        settlement.instruction_status_history, settlement.instruction, settlement.instruction_transition,
        settlement.exchange_message, settlement.exchange_file, settlement.exchange_lease CASCADE;
      DROP FUNCTION settlement.instruction_status_entered();`);
  }
}
