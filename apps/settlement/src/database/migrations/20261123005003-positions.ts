import { type MigrationInterface, type QueryRunner } from 'typeorm';

export class Positions20261123005003 implements MigrationInterface {
  name = 'Positions20261123005003';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      -- Everything that moves a position, one line per client account and instrument: what was brought in, what settled, what waits.
      CREATE VIEW settlement.position_movement WITH (security_invoker = true) AS
      SELECT o.account, o.isin, o.book_id, o.holding_date AS business_date, o.quantity_units AS settled_units, 0::numeric AS pending_units, NULL::text AS instruction_id
        FROM settlement.position_opening o
      UNION ALL
      -- Settled pieces at an external place: the shares of a block, or the one client.
      SELECT (share->>'clientAccount') || '-SAFE', i.isin, i.book_id, s.business_date,
             CASE i.direction WHEN 'RECE' THEN 1 ELSE -1 END * (share->>'quantityUnits')::numeric, 0, i.instruction_id
        FROM settlement.instruction_settlement s JOIN settlement.instruction i USING (instruction_id) CROSS JOIN LATERAL jsonb_array_elements(s.shares) share
       WHERE s.state = 'BOOKED' AND i.place_kind = 'EXTERNAL'
      UNION ALL
      -- Settled in the house: both clients.
      SELECT side.account || '-SAFE', i.isin, i.book_id, s.business_date, side.sign * s.quantity_units, 0, i.instruction_id
        FROM settlement.instruction_settlement s JOIN settlement.instruction i USING (instruction_id)
       CROSS JOIN LATERAL (VALUES (i.client_account, CASE i.direction WHEN 'RECE' THEN 1 ELSE -1 END),
                                  (i.counterparty_account, CASE i.direction WHEN 'RECE' THEN -1 ELSE 1 END)) side(account, sign)
       WHERE s.state = 'BOOKED' AND i.place_kind = 'INTERNAL'
      UNION ALL
      -- Instructed and not settled, by the date it is to settle on.
      SELECT side.account || '-SAFE', i.isin, i.book_id, i.settlement_date, 0,
             side.sign * (i.quantity_units - i.settled_quantity_units) * side.weight / i.quantity_units, i.instruction_id
        FROM settlement.instruction i
       CROSS JOIN LATERAL (
         SELECT i.client_account AS account, CASE i.direction WHEN 'RECE' THEN 1 ELSE -1 END AS sign, i.quantity_units AS weight WHERE i.allocations = '[]'
         UNION ALL SELECT a->>'clientAccount', CASE i.direction WHEN 'RECE' THEN 1 ELSE -1 END, (a->>'quantityUnits')::numeric FROM jsonb_array_elements(i.allocations) a
         UNION ALL SELECT i.counterparty_account, CASE i.direction WHEN 'RECE' THEN -1 ELSE 1 END, i.quantity_units WHERE i.place_kind = 'INTERNAL') side
       WHERE i.settlement_status <> 'SETTLED' AND i.processing_status NOT IN ('REJECTED','CANCELLED')
      UNION ALL
      -- Traded and not yet instructed.
      SELECT t.client_account || '-SAFE', t.isin, t.book_id, t.settlement_date, 0, CASE t.side WHEN 'BUY' THEN 1 ELSE -1 END * t.quantity_units, NULL
        FROM settlement.trade t
       WHERE t.state NOT IN ('INSTRUCTED','SETTLED','CANCELLED','REJECTED') AND NOT t.is_block;
      GRANT SELECT ON settlement.position_movement TO settlement;
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP VIEW settlement.position_movement');
  }
}
