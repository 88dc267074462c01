import { type MigrationInterface, type QueryRunner } from 'typeorm';

/** What places confirm beyond an instruction is a fact of its own, booked against suspense. */
export class ConfirmationExcess20261124001001 implements MigrationInterface {
  name = 'ConfirmationExcess20261124001001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE settlement.confirmation_excess (
        entry_key      text PRIMARY KEY,
        instruction_id text NOT NULL REFERENCES settlement.instruction,
        book_id        text NOT NULL,
        message_id     text NOT NULL,
        quantity_units numeric(39,0) NOT NULL CHECK (quantity_units > 0),
        amount_minor   numeric(39,0) NOT NULL CHECK (amount_minor >= 0),
        effective_date date NOT NULL,
        business_date  date NOT NULL,
        state          text NOT NULL DEFAULT 'REQUESTED' CHECK (state IN ('REQUESTED','BOOKED','REFUSED')),
        refusal_code   text,
        entry_id       text,
        received_at    timestamptz NOT NULL DEFAULT kernel.now(),
        decided_at     timestamptz,
        CHECK ((state = 'BOOKED') = (entry_id IS NOT NULL)),
        CHECK ((state = 'REFUSED') = (refusal_code IS NOT NULL))
      );
      CREATE INDEX confirmation_excess_by_instruction ON settlement.confirmation_excess (instruction_id);
      COMMENT ON TABLE settlement.confirmation_excess IS 'Quantity and cash that a place confirmed above what was instructed, booked against SUSPENSE';
      GRANT SELECT, INSERT ON settlement.confirmation_excess TO settlement;
      GRANT UPDATE (state, refusal_code, entry_id, decided_at) ON settlement.confirmation_excess TO settlement;
      ALTER TABLE settlement.confirmation_excess ENABLE ROW LEVEL SECURITY;
      ALTER TABLE settlement.confirmation_excess FORCE ROW LEVEL SECURITY;
      CREATE POLICY by_book ON settlement.confirmation_excess USING (kernel.sees_book(book_id));`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE settlement.confirmation_excess');
  }
}
