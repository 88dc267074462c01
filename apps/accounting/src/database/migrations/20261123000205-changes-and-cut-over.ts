import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** What waits for a second person, and what an institution brings along. */
export class ChangesAndCutOver20261123000205 implements MigrationInterface {
  name = 'ChangesAndCutOver20261123000205';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE accounting.limit_change (
        approval_id         text PRIMARY KEY,
        book_id             text NOT NULL,
        number              text NOT NULL,
        asset               text NOT NULL REFERENCES accounting.asset (asset),
        overdraft_units     numeric(39,0) NOT NULL CHECK (overdraft_units >= 0),
        payment_limit_units numeric(39,0) CHECK (payment_limit_units >= 0),
        reason              text NOT NULL CHECK (reason <> ''),
        payload_hash        text NOT NULL CHECK (length(payload_hash) = 64),
        state               text NOT NULL CHECK (state IN ('PROPOSED','APPLIED','REJECTED','EXPIRED','WITHDRAWN','STALE')),
        requested_by        text NOT NULL,
        requested_at        timestamptz NOT NULL DEFAULT kernel.now(),
        expires_at          timestamptz NOT NULL,
        decided_by          text,
        decided_at          timestamptz,
        decision_reason     text,
        FOREIGN KEY (book_id, number) REFERENCES accounting.account (book_id, number)
      );

      CREATE TABLE accounting.reversal_proposal (
        approval_id     text PRIMARY KEY,
        book_id         text NOT NULL,
        entry_id        text NOT NULL REFERENCES accounting.journal_entry (entry_id),
        reason          text NOT NULL CHECK (reason <> ''),
        payload_hash    text NOT NULL CHECK (length(payload_hash) = 64),
        state           text NOT NULL CHECK (state IN ('PROPOSED','POSTED','REFUSED','REJECTED','EXPIRED','WITHDRAWN','STALE')),
        requested_by    text NOT NULL,
        requested_at    timestamptz NOT NULL DEFAULT kernel.now(),
        expires_at      timestamptz NOT NULL,
        decided_by      text,
        decided_at      timestamptz,
        decision_reason text,
        reversing_entry_id text REFERENCES accounting.journal_entry (entry_id),
        refusal_code    text
      );

      CREATE TABLE accounting.cut_over (
        import_id      text PRIMARY KEY,
        state          text NOT NULL CHECK (state IN ('APPLYING','SIGNED','ROLLED_BACK')),
        signed_by      text[],
        started_at     timestamptz NOT NULL DEFAULT kernel.now(),
        ended_at       timestamptz
      );
      CREATE TABLE accounting.cut_over_book (
        import_id text NOT NULL REFERENCES accounting.cut_over (import_id),
        book_id   text NOT NULL,
        signed_at timestamptz,
        PRIMARY KEY (import_id, book_id)
      );

      -- Kept for the features that work with them: each row validated, each with the import that brought it.
      CREATE TABLE accounting.lot (
        import_id      text NOT NULL,
        row_number     int NOT NULL,
        book_id        text NOT NULL,
        number         text NOT NULL,
        asset          text NOT NULL REFERENCES accounting.asset (asset),
        quantity_units numeric(39,0) NOT NULL,
        lot_date       date NOT NULL,
        lot_price      numeric,
        withdrawn_at   timestamptz,
        PRIMARY KEY (import_id, row_number)
      );
      CREATE TABLE accounting.standing_order (
        import_id     text NOT NULL,
        order_id      text NOT NULL,
        book_id       text NOT NULL,
        number        text NOT NULL,
        creditor_iban text NOT NULL,
        creditor_name text NOT NULL,
        currency      text NOT NULL,
        amount_minor  numeric(39,0) NOT NULL CHECK (amount_minor > 0),
        frequency     text NOT NULL,
        next_due      date NOT NULL,
        withdrawn_at  timestamptz,
        PRIMARY KEY (import_id, order_id)
      );
      CREATE TABLE accounting.accrued_interest (
        import_id    text NOT NULL,
        book_id      text NOT NULL,
        number       text NOT NULL,
        currency     text NOT NULL,
        from_date    date NOT NULL,
        to_date      date NOT NULL,
        -- Unrounded: it is rounded once, when it is posted.
        accrued      numeric NOT NULL,
        withdrawn_at timestamptz,
        PRIMARY KEY (import_id, number, currency, from_date),
        CHECK (to_date >= from_date)
      );
      CREATE TABLE accounting.imported_break (
        import_id    text NOT NULL,
        break_id     text NOT NULL,
        book_id      text NOT NULL,
        number       text NOT NULL,
        value_date   date NOT NULL,
        currency     text NOT NULL,
        amount_minor numeric(39,0) NOT NULL,
        description  text NOT NULL,
        withdrawn_at timestamptz,
        PRIMARY KEY (import_id, break_id)
      );
    `);
    for (const table of [
      'limit_change',
      'reversal_proposal',
      'cut_over_book',
      'lot',
      'standing_order',
      'accrued_interest',
      'imported_break',
    ]) {
      await runner.query(`
        ALTER TABLE accounting.${table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE accounting.${table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY by_book ON accounting.${table} USING (kernel.sees_book(book_id));
        GRANT SELECT, INSERT ON accounting.${table} TO accounting;
        GRANT SELECT ON accounting.${table} TO verify;
      `);
    }
    await runner.query(`
      GRANT UPDATE (overdraft_units, payment_limit_units, reason, payload_hash, state, decided_by, decided_at, decision_reason) ON accounting.limit_change TO accounting;
      GRANT UPDATE (state, decided_by, decided_at, decision_reason, reversing_entry_id, refusal_code) ON accounting.reversal_proposal TO accounting;
      GRANT SELECT, INSERT ON accounting.cut_over TO accounting;
      GRANT SELECT ON accounting.cut_over TO verify;
      GRANT UPDATE (state, signed_by, ended_at) ON accounting.cut_over TO accounting;
      GRANT UPDATE (signed_at) ON accounting.cut_over_book TO accounting;
      GRANT UPDATE (withdrawn_at) ON accounting.lot, accounting.standing_order, accounting.accrued_interest, accounting.imported_break TO accounting;
      GRANT UPDATE (import_id, currency) ON accounting.account TO accounting;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      DROP TABLE accounting.imported_break, accounting.accrued_interest, accounting.standing_order, accounting.lot,
        accounting.cut_over_book, accounting.cut_over, accounting.reversal_proposal, accounting.limit_change`);
  }
}
