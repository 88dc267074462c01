import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** The phases of a business day and what the end of the day leaves as evidence. */
export class BusinessDay20261123000204 implements MigrationInterface {
  name = 'BusinessDay20261123000204';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE accounting.phase_run (
        phase_run_id     text PRIMARY KEY,
        book_id          text NOT NULL,
        business_date    date NOT NULL,
        phase            text NOT NULL,
        cycle            int NOT NULL CHECK (cycle >= 1),
        state            text NOT NULL CHECK (state IN ('WAITING','RUNNING','COMPLETED','STOPPED')),
        -- It starts when every message below this place has been consumed by every service.
        barrier_sequence bigint NOT NULL,
        waiting_for      int NOT NULL DEFAULT 0,
        requested_by     text NOT NULL,
        requested_at     timestamptz NOT NULL DEFAULT kernel.now(),
        started_at       timestamptz,
        completed_at     timestamptz,
        attempts         int NOT NULL DEFAULT 1,
        job_run_id       text,
        counts           jsonb NOT NULL DEFAULT '{}',
        problems         jsonb NOT NULL DEFAULT '[]',
        UNIQUE (book_id, business_date, phase, cycle),
        FOREIGN KEY (book_id, business_date) REFERENCES accounting.business_day (book_id, business_date)
      );
      CREATE UNIQUE INDEX phase_run_one_at_a_time ON accounting.phase_run (book_id) WHERE state IN ('WAITING','RUNNING');

      CREATE TABLE accounting.trial_balance_line (
        book_id           text NOT NULL,
        business_date     date NOT NULL,
        ledger_account_id bigint NOT NULL REFERENCES accounting.ledger_account (ledger_account_id),
        number            text NOT NULL,
        asset             text NOT NULL,
        debit_total       numeric(39,0) NOT NULL,
        credit_total      numeric(39,0) NOT NULL,
        PRIMARY KEY (book_id, business_date, ledger_account_id),
        FOREIGN KEY (book_id, business_date) REFERENCES accounting.business_day (book_id, business_date)
      );

      -- The Merkle root over the hashes of the day's entries, in their sequence.
      CREATE TABLE accounting.day_seal (
        book_id       text NOT NULL,
        business_date date NOT NULL,
        entry_count   bigint NOT NULL,
        root_hash     text NOT NULL CHECK (length(root_hash) = 64),
        sealed_at     timestamptz NOT NULL DEFAULT kernel.now(),
        PRIMARY KEY (book_id, business_date),
        FOREIGN KEY (book_id, business_date) REFERENCES accounting.business_day (book_id, business_date)
      );
    `);
    for (const table of ['phase_run', 'trial_balance_line', 'day_seal']) {
      await runner.query(`
        ALTER TABLE accounting.${table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE accounting.${table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY by_book ON accounting.${table} USING (kernel.sees_book(book_id));
        GRANT SELECT, INSERT ON accounting.${table} TO accounting;
        GRANT SELECT ON accounting.${table} TO verify;
      `);
    }
    await runner.query(`
      GRANT UPDATE (state, barrier_sequence, waiting_for, started_at, completed_at, attempts, job_run_id, counts, problems, requested_by, requested_at)
        ON accounting.phase_run TO accounting;
      GRANT UPDATE (debit_total, credit_total) ON accounting.trial_balance_line TO accounting;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE accounting.day_seal, accounting.trial_balance_line, accounting.phase_run');
  }
}
