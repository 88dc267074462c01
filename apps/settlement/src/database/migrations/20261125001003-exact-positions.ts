import { type MigrationInterface, type QueryRunner } from 'typeorm';

const signOfClient = `CASE i.direction WHEN 'RECE' THEN 1 ELSE -1 END`;
const settled = `
      SELECT o.account, o.isin, o.book_id, o.holding_date AS business_date, o.quantity_units AS settled_units, 0::numeric AS pending_units, NULL::text AS instruction_id
        FROM settlement.position_opening o
      UNION ALL
      -- Settled pieces at an external place: the shares of a block, or the one client.
      SELECT (share->>'clientAccount') || '-SAFE', i.isin, i.book_id, s.business_date,
             ${signOfClient} * (share->>'quantityUnits')::numeric, 0, i.instruction_id
        FROM settlement.instruction_settlement s JOIN settlement.instruction i USING (instruction_id) CROSS JOIN LATERAL jsonb_array_elements(s.shares) share
       WHERE s.state = 'BOOKED' AND i.place_kind = 'EXTERNAL'
      UNION ALL
      -- Settled in the house: both clients.
      SELECT side.account || '-SAFE', i.isin, i.book_id, s.business_date, side.sign * s.quantity_units, 0, i.instruction_id
        FROM settlement.instruction_settlement s JOIN settlement.instruction i USING (instruction_id)
       CROSS JOIN LATERAL (VALUES (i.client_account, ${signOfClient}), (i.counterparty_account, -(${signOfClient}))) side(account, sign)
       WHERE s.state = 'BOOKED' AND i.place_kind = 'INTERNAL'`;
const open = `i.settlement_status <> 'SETTLED' AND i.processing_status NOT IN ('REJECTED','CANCELLED')`;
const untold = `t.state NOT IN ('INSTRUCTED','SETTLED','CANCELLED','REJECTED')`;
const signOfTrade = `CASE t.side WHEN 'BUY' THEN 1 ELSE -1 END`;

/** Pending positions in whole units: each client of a block by what it has still to get, and both sides of a trade in the house. */
export class ExactPositions20261125001003 implements MigrationInterface {
  name = 'ExactPositions20261125001003';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE OR REPLACE VIEW settlement.position_movement WITH (security_invoker = true) AS
      ${settled}
      UNION ALL
      -- Instructed and not settled, by the date it is to settle on.
      SELECT side.account || '-SAFE', i.isin, i.book_id, i.settlement_date, 0,
             side.sign * (i.quantity_units - i.settled_quantity_units), i.instruction_id
        FROM settlement.instruction i
       CROSS JOIN LATERAL (
         SELECT i.client_account AS account, ${signOfClient} AS sign
         UNION ALL SELECT i.counterparty_account, -(${signOfClient}) WHERE i.place_kind = 'INTERNAL') side
       WHERE ${open} AND i.allocations = '[]'
      UNION ALL
      -- A block: what each client was allocated, less what it has got.
      SELECT part.account || '-SAFE', i.isin, i.book_id, i.settlement_date, 0, ${signOfClient} * (part.units - coalesce(got.units, 0)), i.instruction_id
        FROM settlement.instruction i
       CROSS JOIN LATERAL (SELECT a->>'clientAccount' AS account, sum((a->>'quantityUnits')::numeric) AS units
                             FROM jsonb_array_elements(i.allocations) a GROUP BY 1) part
        LEFT JOIN LATERAL (SELECT sum((share->>'quantityUnits')::numeric) AS units
                             FROM settlement.instruction_settlement s CROSS JOIN LATERAL jsonb_array_elements(s.shares) share
                            WHERE s.instruction_id = i.instruction_id AND s.state = 'BOOKED' AND share->>'clientAccount' = part.account) got ON true
       WHERE ${open} AND i.allocations <> '[]'
      UNION ALL
      -- Traded and not yet instructed: the client, and in the house the client on the other side.
      SELECT side.account || '-SAFE', t.isin, t.book_id, t.settlement_date, 0, side.sign * t.quantity_units, NULL
        FROM settlement.trade t
       CROSS JOIN LATERAL (
         SELECT t.client_account AS account, ${signOfTrade} AS sign
         UNION ALL SELECT t.counterparty_account, -(${signOfTrade}) WHERE t.counterparty_account IS NOT NULL) side
       WHERE ${untold} AND NOT t.is_block
      UNION ALL
      SELECT a.client_account || '-SAFE', t.isin, t.book_id, t.settlement_date, 0, ${signOfTrade} * a.quantity_units, NULL
        FROM settlement.trade t JOIN settlement.trade_allocation a USING (trade_id)
       WHERE ${untold} AND t.is_block`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE OR REPLACE VIEW settlement.position_movement WITH (security_invoker = true) AS
      ${settled}
      UNION ALL
      SELECT side.account || '-SAFE', i.isin, i.book_id, i.settlement_date, 0,
             side.sign * (i.quantity_units - i.settled_quantity_units) * side.weight / i.quantity_units, i.instruction_id
        FROM settlement.instruction i
       CROSS JOIN LATERAL (
         SELECT i.client_account AS account, ${signOfClient} AS sign, i.quantity_units AS weight WHERE i.allocations = '[]'
         UNION ALL SELECT a->>'clientAccount', ${signOfClient}, (a->>'quantityUnits')::numeric FROM jsonb_array_elements(i.allocations) a
         UNION ALL SELECT i.counterparty_account, -(${signOfClient}), i.quantity_units WHERE i.place_kind = 'INTERNAL') side
       WHERE ${open}
      UNION ALL
      SELECT t.client_account || '-SAFE', t.isin, t.book_id, t.settlement_date, 0, ${signOfTrade} * t.quantity_units, NULL
        FROM settlement.trade t WHERE ${untold} AND NOT t.is_block`);
  }
}
