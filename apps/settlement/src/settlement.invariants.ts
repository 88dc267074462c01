import { exchangeInvariants } from './exchange/exchange.invariants.js';
import { instructionInvariants } from './instructions/instruction.invariants.js';
import { type Ask, type Broken, type Invariant } from './invariant.js';
import { paymentInvariants } from './payments/payment.invariants.js';
import { statementInvariants } from './statements/statement.invariants.js';

export async function proved(
  ask: Ask,
  counted: string,
  breaches: string,
): Promise<{ checked: number; broken: Broken[] }> {
  const [row] = await ask<{ count: number }>(`SELECT count(*)::int AS count FROM ${counted}`);
  return { checked: row?.count ?? 0, broken: await ask<Broken>(breaches) };
}

/** What must always hold of trades and static data. */
export const tradeInvariants: Invariant[] = [
  {
    number: 5,
    name: 'a trade is what its versions say: the highest one, cancelled when any of them cancels',
    check: (ask) =>
      proved(
        ask,
        'settlement.trade',
        `SELECT 'trade ' || t.execution_id AS where, 'version ' || t.version || ' ' || t.state || ', its versions say ' || v.version || CASE WHEN v.is_cancelled THEN ' cancelled' ELSE '' END AS detail
           FROM settlement.trade t
           JOIN (SELECT trade_id, max(version) AS version, bool_or(action = 'CANCEL') AS is_cancelled FROM settlement.trade_version GROUP BY trade_id) v USING (trade_id)
          WHERE t.version <> v.version OR v.is_cancelled AND t.state <> 'CANCELLED'
          UNION ALL
         SELECT 'trade ' || execution_id, 'has no version' FROM settlement.trade t
          WHERE NOT EXISTS (SELECT FROM settlement.trade_version v WHERE v.trade_id = t.trade_id)`,
      ),
  },
  {
    number: 8,
    name: 'the history of a trade only uses declared transitions and ends where the trade stands',
    check: (ask) =>
      proved(
        ask,
        'settlement.trade_state_history',
        `SELECT 'trade ' || h.trade_id AS where, h.from_state || ' to ' || h.to_state || ' is not declared' AS detail
           FROM settlement.trade_state_history h
          WHERE h.from_state <> h.to_state
            AND NOT EXISTS (SELECT FROM settlement.trade_transition d WHERE d.from_state = h.from_state AND d.to_state = h.to_state)
          UNION ALL
         SELECT 'trade ' || t.trade_id, 'stands at ' || t.state || ', its history ends at ' || h.to_state
           FROM settlement.trade t
           JOIN LATERAL (SELECT to_state FROM settlement.trade_state_history h WHERE h.trade_id = t.trade_id ORDER BY sequence DESC LIMIT 1) h ON true
          WHERE h.to_state <> t.state`,
      ),
  },
  {
    number: 5,
    name: 'the allocations of an allocated block are the block, in quantity and in cash',
    check: (ask) =>
      proved(
        ask,
        `settlement.trade WHERE is_block AND state NOT IN ('RECEIVED', 'ENRICHED', 'REPAIR', 'CANCELLED')`,
        `SELECT 'block ' || t.execution_id AS where, 'its allocations differ by ' || (t.quantity_units - coalesce(a.quantity, 0)) || ' units and ' || (t.amount_minor - coalesce(a.amount, 0)) || ' ' || t.currency AS detail
           FROM settlement.trade t
           LEFT JOIN (SELECT trade_id, sum(quantity_units) AS quantity, sum(amount_minor) AS amount FROM settlement.trade_allocation GROUP BY trade_id) a USING (trade_id)
          WHERE t.is_block AND t.state NOT IN ('RECEIVED', 'ENRICHED', 'REPAIR', 'CANCELLED')
            AND (t.quantity_units, t.amount_minor) IS DISTINCT FROM (a.quantity, a.amount)`,
      ),
  },
  {
    number: 12,
    name: 'no trade was instructed while its counterparty waited for screening or was held',
    check: (ask) =>
      proved(
        ask,
        `settlement.trade WHERE hold_state <> 'NONE'`,
        `SELECT 'trade ' || t.execution_id AS where, 'is ' || t.state || ' and its screening is still open' AS detail
           FROM settlement.trade t WHERE t.hold_state = 'SCREENING' AND t.state IN ('INSTRUCTED', 'SETTLED')`,
      ),
  },
  {
    number: 13,
    name: 'every trade in repair is an open work item with owner and due time',
    check: (ask) =>
      proved(
        ask,
        `settlement.trade WHERE state = 'REPAIR'`,
        `SELECT 'trade ' || t.execution_id AS where, 'is in repair (' || t.repair_reason || ') and nobody has it' AS detail
           FROM settlement.trade t
          WHERE t.state = 'REPAIR' AND NOT EXISTS (
            SELECT FROM settlement.work_item w
             WHERE w.object_kind = 'TRADE' AND w.object_id = t.trade_id AND w.category = 'REPAIR' AND w.state <> 'CLOSED'
               AND w.owner_team <> '' AND w.due_at IS NOT NULL)`,
      ),
  },
];

export const settlementInvariants: Invariant[] = [
  ...tradeInvariants,
  ...instructionInvariants,
  ...paymentInvariants,
  ...statementInvariants,
  ...exchangeInvariants,
];
