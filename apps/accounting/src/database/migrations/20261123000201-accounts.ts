import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** Assets, the accounts of a book, and the days it works. */
export class Accounts20261123000201 implements MigrationInterface {
  name = 'Accounts20261123000201';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE accounting.asset (
        asset         text PRIMARY KEY,
        kind          text NOT NULL CHECK (kind IN ('CURRENCY','INSTRUMENT')),
        scale         int NOT NULL CHECK (scale BETWEEN 0 AND 12),
        name          text NOT NULL,
        registered_at timestamptz NOT NULL DEFAULT kernel.now(),
        CHECK ((kind = 'CURRENCY') = (length(asset) = 3))
      );

      -- What stands under one number, whatever assets it holds.
      CREATE TABLE accounting.account (
        book_id           text NOT NULL,
        number            text NOT NULL CHECK (length(number) BETWEEN 1 AND 64),
        kind              text NOT NULL CHECK (kind IN ('CLIENT_CASH','CLIENT_CUSTODY','NOSTRO','DEPOT','SUSPENSE','MIGRATION','INCOME','EXPENSE','EQUITY')),
        statement_class   text NOT NULL CHECK (statement_class IN ('OWN','CLIENT_MONEY','CLIENT_CUSTODY','MEMORANDUM')),
        normal_side       text NOT NULL CHECK (normal_side IN ('DEBIT','CREDIT')),
        mode              text NOT NULL CHECK (mode IN ('STRICT','ROLLUP')),
        state             text NOT NULL CHECK (state IN ('OPEN','BLOCKED','CLOSED')),
        party_id          text,
        currency          text,
        iban              text,
        agent_bic         text,
        statement_channel text,
        import_id         text,
        opened_at         timestamptz NOT NULL DEFAULT kernel.now(),
        PRIMARY KEY (book_id, number)
      );
      CREATE INDEX account_party ON accounting.account (party_id) WHERE party_id IS NOT NULL;
      CREATE INDEX account_import ON accounting.account (import_id) WHERE import_id IS NOT NULL;

      -- How far a client may go: overdraft, and the largest single payment (none = no limit of its own).
      CREATE TABLE accounting.account_limit (
        book_id             text NOT NULL,
        number              text NOT NULL,
        asset               text NOT NULL REFERENCES accounting.asset (asset),
        overdraft_units     numeric(39,0) NOT NULL DEFAULT 0 CHECK (overdraft_units >= 0),
        payment_limit_units numeric(39,0) CHECK (payment_limit_units >= 0),
        version             int NOT NULL DEFAULT 1,
        changed_at          timestamptz NOT NULL DEFAULT kernel.now(),
        PRIMARY KEY (book_id, number, asset),
        FOREIGN KEY (book_id, number) REFERENCES accounting.account (book_id, number)
      );

      -- A number in one asset: what postings name. Opened by the first posting.
      CREATE TABLE accounting.ledger_account (
        ledger_account_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        book_id           text NOT NULL,
        number            text NOT NULL,
        asset             text NOT NULL REFERENCES accounting.asset (asset),
        opened_at         timestamptz NOT NULL DEFAULT kernel.now(),
        UNIQUE (book_id, number, asset),
        UNIQUE (ledger_account_id, book_id, asset),
        FOREIGN KEY (book_id, number) REFERENCES accounting.account (book_id, number)
      );

      CREATE TABLE accounting.business_day (
        book_id            text NOT NULL,
        business_date      date NOT NULL,
        state              text NOT NULL CHECK (state IN ('NEXT','OPEN','CLOSING','CLOSED')),
        next_business_date date NOT NULL,
        opened_at          timestamptz,
        closed_at          timestamptz,
        PRIMARY KEY (book_id, business_date),
        CHECK (next_business_date > business_date)
      );
      -- One date per book is being worked.
      CREATE UNIQUE INDEX business_day_worked ON accounting.business_day (book_id) WHERE state IN ('OPEN','CLOSING');
    `);
    for (const table of ['account', 'account_limit', 'ledger_account', 'business_day']) {
      await runner.query(`
        ALTER TABLE accounting.${table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE accounting.${table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY by_book ON accounting.${table} USING (kernel.sees_book(book_id));
      `);
    }
    await runner.query(`
      GRANT SELECT, INSERT ON accounting.asset, accounting.account TO accounting;
      GRANT UPDATE (iban, agent_bic, statement_channel, party_id) ON accounting.account TO accounting;
      GRANT SELECT ON accounting.account_limit, accounting.ledger_account TO accounting;
      GRANT INSERT ON accounting.account_limit TO accounting;
      GRANT SELECT, INSERT ON accounting.business_day TO accounting;
      GRANT UPDATE (state, opened_at, closed_at, next_business_date) ON accounting.business_day TO accounting;
      GRANT SELECT ON accounting.asset, accounting.account, accounting.account_limit, accounting.ledger_account, accounting.business_day TO verify;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'DROP TABLE accounting.business_day, accounting.ledger_account, accounting.account_limit, accounting.account, accounting.asset',
    );
  }
}
