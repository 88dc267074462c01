import { type MigrationInterface, type QueryRunner } from 'typeorm';

/**
 * The journal. Its invariants stand here, in the database: no application code is trusted with them.
 * Nobody is granted more than SELECT; the functions of the next migration are the only writers.
 */
export class Journal20261123000202 implements MigrationInterface {
  name = 'Journal20261123000202';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(tables);
    await runner.query(triggers);
    for (const table of [
      'journal_entry',
      'posting',
      'balance',
      'daily_bucket',
      'hold',
      'hold_movement',
      'posting_key',
      'posting_refusal',
    ]) {
      await runner.query(`
        ALTER TABLE accounting.${table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE accounting.${table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY by_book ON accounting.${table} USING (kernel.sees_book(book_id));
        GRANT SELECT ON accounting.${table} TO accounting, verify;
      `);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE accounting.posting_refusal, accounting.posting_key, accounting.hold_movement, accounting.hold,
        accounting.daily_bucket, accounting.balance, accounting.posting, accounting.journal_entry;
      DROP FUNCTION accounting.entry_is_whole(), accounting.posting_keeps_entry_whole(), accounting.balance_follows(), accounting.never_changes();
    `);
  }
}

const tables = `
  CREATE TABLE accounting.journal_entry (
    entry_id          text PRIMARY KEY,
    sequence          bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    book_id           text NOT NULL,
    kind              text NOT NULL,
    business_date     date NOT NULL,
    value_date        date NOT NULL,
    booked_at         timestamptz NOT NULL,
    description       text NOT NULL,
    subject_kind      text NOT NULL,
    subject_id        text NOT NULL,
    idempotency_key   text NOT NULL,
    requested_by      text NOT NULL,
    posting_count     int NOT NULL CHECK (posting_count >= 2),
    reverses_entry_id text REFERENCES accounting.journal_entry (entry_id),
    forced_reason     text CHECK (forced_reason <> ''),
    hold_id           text,
    entry_hash        bytea NOT NULL CHECK (length(entry_hash) = 32),
    UNIQUE (book_id, idempotency_key),
    UNIQUE (entry_id, book_id)
  );
  -- A correction is a linked reversal, once per original.
  CREATE UNIQUE INDEX journal_entry_reverses ON accounting.journal_entry (reverses_entry_id) WHERE reverses_entry_id IS NOT NULL;
  CREATE INDEX journal_entry_subject ON accounting.journal_entry (subject_kind, subject_id);
  CREATE INDEX journal_entry_day ON accounting.journal_entry (book_id, business_date, sequence);

  -- Debit positive, credit negative. balance_after has the same sign.
  CREATE TABLE accounting.posting (
    entry_id          text NOT NULL,
    n                 int NOT NULL CHECK (n >= 1),
    book_id           text NOT NULL,
    ledger_account_id bigint NOT NULL,
    asset             text NOT NULL,
    units             numeric(39,0) NOT NULL CHECK (units <> 0),
    business_date     date NOT NULL,
    value_date        date NOT NULL,
    account_sequence  bigint NOT NULL CHECK (account_sequence >= 1),
    balance_after     numeric(39,0) NOT NULL,
    PRIMARY KEY (entry_id, n),
    UNIQUE (ledger_account_id, account_sequence),
    FOREIGN KEY (entry_id, book_id) REFERENCES accounting.journal_entry (entry_id, book_id),
    FOREIGN KEY (ledger_account_id, book_id, asset) REFERENCES accounting.ledger_account (ledger_account_id, book_id, asset)
  );

  -- Four counters that never fall below zero; what may be used is derived from them by one formula.
  CREATE TABLE accounting.balance (
    ledger_account_id bigint PRIMARY KEY REFERENCES accounting.ledger_account (ledger_account_id),
    book_id           text NOT NULL,
    normal_side       text NOT NULL CHECK (normal_side IN ('DEBIT','CREDIT')),
    is_strict         boolean NOT NULL,
    posted_debit      numeric(39,0) NOT NULL DEFAULT 0 CHECK (posted_debit >= 0),
    posted_credit     numeric(39,0) NOT NULL DEFAULT 0 CHECK (posted_credit >= 0),
    pending_debit     numeric(39,0) NOT NULL DEFAULT 0 CHECK (pending_debit >= 0),
    pending_credit    numeric(39,0) NOT NULL DEFAULT 0 CHECK (pending_credit >= 0),
    last_sequence     bigint NOT NULL DEFAULT 0 CHECK (last_sequence >= 0),
    limit_units       numeric(39,0) NOT NULL DEFAULT 0 CHECK (limit_units >= 0),
    -- How far a confirmed fact drew a strict account beyond its limit; falls back to zero as it recovers.
    forced_excess     numeric(39,0) NOT NULL DEFAULT 0 CHECK (forced_excess >= 0),
    available         numeric(39,0) GENERATED ALWAYS AS (
      CASE normal_side WHEN 'CREDIT' THEN posted_credit - posted_debit - pending_debit
                       ELSE posted_debit - posted_credit - pending_credit END) STORED,
    CONSTRAINT available_within_limit CHECK (NOT is_strict OR
      CASE normal_side WHEN 'CREDIT' THEN posted_credit - posted_debit - pending_debit
                       ELSE posted_debit - posted_credit - pending_credit END >= -greatest(limit_units, forced_excess))
  ) WITH (fillfactor = 70);

  -- What moved on an account per value date and the business date it became known on.
  CREATE TABLE accounting.daily_bucket (
    ledger_account_id bigint NOT NULL REFERENCES accounting.ledger_account (ledger_account_id),
    value_date        date NOT NULL,
    business_date     date NOT NULL,
    book_id           text NOT NULL,
    debit             numeric(39,0) NOT NULL DEFAULT 0 CHECK (debit >= 0),
    credit            numeric(39,0) NOT NULL DEFAULT 0 CHECK (credit >= 0),
    PRIMARY KEY (ledger_account_id, value_date, business_date)
  ) WITH (fillfactor = 70);
  CREATE INDEX daily_bucket_day ON accounting.daily_bucket (book_id, business_date);

  -- A pending entry: it names both accounts, so pending debits equal pending credits too.
  CREATE TABLE accounting.hold (
    hold_id           text PRIMARY KEY,
    book_id           text NOT NULL,
    asset             text NOT NULL,
    debit_account_id  bigint NOT NULL,
    credit_account_id bigint NOT NULL,
    amount_units      numeric(39,0) NOT NULL CHECK (amount_units > 0),
    captured_units    numeric(39,0) NOT NULL DEFAULT 0 CHECK (captured_units >= 0),
    released_units    numeric(39,0) NOT NULL DEFAULT 0 CHECK (released_units >= 0),
    expired_units     numeric(39,0) NOT NULL DEFAULT 0 CHECK (expired_units >= 0),
    open_units        numeric(39,0) GENERATED ALWAYS AS (amount_units - captured_units - released_units - expired_units) STORED
                      CHECK (amount_units - captured_units - released_units - expired_units >= 0),
    reason            text NOT NULL,
    expires_at        timestamptz NOT NULL,
    placed_at         timestamptz NOT NULL,
    requested_by      text NOT NULL,
    idempotency_key   text NOT NULL,
    UNIQUE (book_id, idempotency_key),
    FOREIGN KEY (debit_account_id, book_id, asset) REFERENCES accounting.ledger_account (ledger_account_id, book_id, asset),
    FOREIGN KEY (credit_account_id, book_id, asset) REFERENCES accounting.ledger_account (ledger_account_id, book_id, asset)
  );
  CREATE INDEX hold_open_debit ON accounting.hold (debit_account_id, expires_at) WHERE open_units > 0;
  CREATE INDEX hold_open_credit ON accounting.hold (credit_account_id, expires_at) WHERE open_units > 0;

  CREATE TABLE accounting.hold_movement (
    movement_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hold_id     text NOT NULL REFERENCES accounting.hold (hold_id),
    book_id     text NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('CAPTURED','RELEASED','EXPIRED')),
    units       numeric(39,0) NOT NULL CHECK (units > 0),
    entry_id    text REFERENCES accounting.journal_entry (entry_id),
    -- Of a release that somebody asked for; an expiry has none, a capture's stands on its entry.
    idempotency_key text,
    moved_at    timestamptz NOT NULL,
    CHECK ((kind = 'CAPTURED') = (entry_id IS NOT NULL))
  );
  CREATE INDEX hold_movement_hold ON accounting.hold_movement (hold_id);
  CREATE UNIQUE INDEX hold_movement_key ON accounting.hold_movement (book_id, idempotency_key) WHERE idempotency_key IS NOT NULL;

  -- One input per key, for good. The hash tells another input from a repetition.
  CREATE TABLE accounting.posting_key (
    book_id      text NOT NULL,
    key          text NOT NULL,
    request_hash bytea NOT NULL,
    taken_at     timestamptz NOT NULL,
    PRIMARY KEY (book_id, key)
  );
  -- A refusal is remembered: the repetition of a refused command is refused again, also after a top-up.
  CREATE TABLE accounting.posting_refusal (
    book_id         text NOT NULL,
    key             text NOT NULL,
    code            text NOT NULL,
    account         text,
    asset           text,
    available_units numeric(39,0),
    PRIMARY KEY (book_id, key),
    FOREIGN KEY (book_id, key) REFERENCES accounting.posting_key (book_id, key)
  );
`;

const triggers = `
  -- Header and postings come in one statement: after it every entry must be whole.
  CREATE FUNCTION accounting.entry_is_whole() RETURNS trigger LANGUAGE plpgsql AS $$
  DECLARE broken text;
  BEGIN
    SELECT e.entry_id INTO broken
      FROM new_rows e
     WHERE e.posting_count <> (SELECT count(*) FROM accounting.posting p WHERE p.entry_id = e.entry_id)
        OR EXISTS (SELECT FROM accounting.posting p WHERE p.entry_id = e.entry_id GROUP BY p.asset HAVING sum(p.units) <> 0)
     LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'journal entry % does not sum to zero per asset or lacks postings', broken USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
  END $$;

  CREATE FUNCTION accounting.posting_keeps_entry_whole() RETURNS trigger LANGUAGE plpgsql AS $$
  DECLARE broken text;
  BEGIN
    SELECT t.entry_id INTO broken
      FROM (SELECT DISTINCT entry_id FROM new_rows) t
      JOIN accounting.journal_entry e USING (entry_id)
     WHERE e.posting_count <> (SELECT count(*) FROM accounting.posting p WHERE p.entry_id = e.entry_id)
        OR EXISTS (SELECT FROM accounting.posting p WHERE p.entry_id = e.entry_id GROUP BY p.asset HAVING sum(p.units) <> 0)
     LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'journal entry % is complete: nothing is added to it', broken USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
  END $$;

  CREATE FUNCTION accounting.never_changes() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    RAISE EXCEPTION '% of accounting.% is not allowed: the journal is corrected by linked reversals', TG_OP, TG_TABLE_NAME
      USING ERRCODE = 'restrict_violation';
  END $$;

  -- A balance is what its last posting and its open holds say, whoever writes it.
  CREATE FUNCTION accounting.balance_follows() RETURNS trigger LANGUAGE plpgsql AS $$
  DECLARE broken bigint;
  BEGIN
    SELECT b.ledger_account_id INTO broken
      FROM new_rows b
      LEFT JOIN accounting.posting p ON p.ledger_account_id = b.ledger_account_id AND p.account_sequence = b.last_sequence
     WHERE b.posted_debit - b.posted_credit <> coalesce(p.balance_after, 0)
        OR (b.last_sequence > 0 AND p.entry_id IS NULL)
        OR EXISTS (SELECT FROM accounting.posting later
                    WHERE later.ledger_account_id = b.ledger_account_id AND later.account_sequence = b.last_sequence + 1)
        OR b.pending_debit <> (SELECT coalesce(sum(h.open_units), 0) FROM accounting.hold h
                                WHERE h.debit_account_id = b.ledger_account_id AND h.open_units > 0)
        OR b.pending_credit <> (SELECT coalesce(sum(h.open_units), 0) FROM accounting.hold h
                                 WHERE h.credit_account_id = b.ledger_account_id AND h.open_units > 0)
     LIMIT 1;
    IF FOUND THEN
      RAISE EXCEPTION 'the balance of ledger account % does not follow its postings and holds', broken USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
  END $$;

  CREATE TRIGGER entry_is_whole AFTER INSERT ON accounting.journal_entry
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION accounting.entry_is_whole();
  CREATE TRIGGER posting_keeps_entry_whole AFTER INSERT ON accounting.posting
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION accounting.posting_keeps_entry_whole();
  CREATE TRIGGER balance_opened AFTER INSERT ON accounting.balance
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION accounting.balance_follows();
  CREATE TRIGGER balance_moved AFTER UPDATE ON accounting.balance
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION accounting.balance_follows();

  CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON accounting.journal_entry
    FOR EACH STATEMENT EXECUTE FUNCTION accounting.never_changes();
  CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON accounting.posting
    FOR EACH STATEMENT EXECUTE FUNCTION accounting.never_changes();
  CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON accounting.hold_movement
    FOR EACH STATEMENT EXECUTE FUNCTION accounting.never_changes();
  CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON accounting.posting_key
    FOR EACH STATEMENT EXECUTE FUNCTION accounting.never_changes();
  CREATE TRIGGER never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON accounting.posting_refusal
    FOR EACH STATEMENT EXECUTE FUNCTION accounting.never_changes();
  CREATE TRIGGER never_changes BEFORE DELETE OR TRUNCATE ON accounting.balance
    FOR EACH STATEMENT EXECUTE FUNCTION accounting.never_changes();
  CREATE TRIGGER never_changes BEFORE DELETE OR TRUNCATE ON accounting.hold
    FOR EACH STATEMENT EXECUTE FUNCTION accounting.never_changes();
`;
