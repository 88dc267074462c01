import pg from 'pg';

/**
 * What a day left behind, as the business would list it: one line per fact, without the ids and times that differ from
 * run to run. Two runs of the same day must leave the same lines, each as often.
 */
export type Facts = Record<string, string[]>;

const execution = `JOIN settlement.instruction i USING (instruction_id)`;

/** Ids that the product makes: a prefix and 26 random characters. */
const madeIds = /\b([a-z]{2,5})_[0-9a-z]{26}\b/g;

/** Kind of fact → its lines. */
const questions: Readonly<Record<string, string>> = {
  trade: `
    SELECT concat_ws(' ', source, execution_id, version, state, hold_state, repair_reason, is_confirmed) AS fact
    FROM settlement.trade`,
  tradeTransition: `
    SELECT concat_ws(' ', t.execution_id, h.version, h.from_state, h.to_state, h.reason) AS fact
    FROM settlement.trade_state_history h JOIN settlement.trade t USING (trade_id)`,
  allocation: `
    SELECT concat_ws(' ', t.execution_id, a.n, a.client_account, a.quantity_units, a.amount_minor) AS fact
    FROM settlement.trade_allocation a JOIN settlement.trade t USING (trade_id)`,
  fileLine: `
    SELECT concat_ws(' ', f.name, l.line, l.outcome, l.reference) AS fact
    FROM settlement.file_line l JOIN settlement.file f USING (file_id)`,
  instruction: `
    SELECT concat_ws(' ', execution_id, processing_status, matching_status, settlement_status, cancellation_status,
                     reason_code, confirmed_quantity_units, settled_quantity_units, settled_amount_minor) AS fact
    FROM settlement.instruction`,
  instructionStatus: `
    SELECT concat_ws(' ', i.execution_id, h.process, h.from_status, h.to_status, h.reason_code) AS fact
    FROM settlement.instruction_status_history h ${execution}`,
  settlement: `
    SELECT concat_ws(' ', i.execution_id, s.quantity_units, s.amount_minor, s.is_final, s.state) AS fact
    FROM settlement.instruction_settlement s ${execution}`,
  payment: `
    SELECT concat_ws(' ', source, end_to_end_id, amount_minor, currency, status, refusal_code, return_reason) AS fact
    FROM settlement.payment`,
  paymentStatus: `
    SELECT concat_ws(' ', p.end_to_end_id, h.from_status, h.to_status, h.reason_code) AS fact
    FROM settlement.payment_status_history h JOIN settlement.payment p USING (payment_id)`,
  // Not its place in the statement: an agent writes in the order in which the orders reach it.
  statementEntry: `
    SELECT concat_ws(' ', s.account, s.state, s.statement_date, e.signed_minor, e.end_to_end_id) AS fact
    FROM settlement.nostro_statement_entry e JOIN settlement.nostro_statement s USING (statement_id)`,
  posting: `
    SELECT concat_ws(' ', e.kind, e.book_id, e.subject_kind, coalesce(t.execution_id, p.end_to_end_id), a.number,
                     s.asset, s.units, s.value_date) AS fact
    FROM accounting.posting s
    JOIN accounting.journal_entry e USING (entry_id)
    JOIN accounting.ledger_account a USING (ledger_account_id)
    LEFT JOIN settlement.trade t ON t.trade_id = e.subject_id
    LEFT JOIN settlement.payment p ON p.payment_id = e.subject_id`,
  balance: `
    SELECT concat_ws(' ', a.book_id, a.number, a.asset, b.posted_debit, b.posted_credit, b.pending_debit,
                     b.pending_credit) AS fact
    FROM accounting.balance_now b JOIN accounting.ledger_account a USING (ledger_account_id)`,
  screening: `
    SELECT concat_ws(' ', object_kind, reference, outcome, score) AS fact FROM compliance.screening`,
  alert: `
    SELECT concat_ws(' ', object_kind, reference, reason_code, entry_name, state) AS fact FROM compliance.alert`,
  approval: `
    SELECT concat_ws(' ', kind, requested_by, state, decided_by) AS fact FROM compliance.approval`,
  workItem: `
    SELECT concat_ws(' ', category, reference, state) AS fact FROM settlement.work_item
    UNION ALL SELECT concat_ws(' ', category, reference, state) FROM accounting.work_item
    UNION ALL SELECT concat_ws(' ', category, reference, state) FROM compliance.work_item`,
};

export async function factsOf(ownerUrl: string): Promise<Facts> {
  const client = new pg.Client({ connectionString: ownerUrl });
  await client.connect();
  try {
    const facts: Facts = {};
    for (const [kind, question] of Object.entries(questions)) {
      const { rows } = await client.query<{ fact: string }>(question);
      facts[kind] = rows.map(({ fact }) => fact.replace(madeIds, '$1_…')).sort();
    }
    return facts;
  } finally {
    await client.end();
  }
}

export interface Comparison {
  /** Facts that the undisturbed day left. */
  acknowledged: number;
  /** Those that are not there, or less often. */
  lost: string[];
  /** Those that are there too often, or should not be at all. */
  doubled: string[];
}

/** Compares what a disturbed day left with what the undisturbed one did, fact by fact. */
export function compareFacts(undisturbed: Facts, disturbed: Facts): Comparison {
  const comparison: Comparison = { acknowledged: 0, lost: [], doubled: [] };
  for (const kind of new Set([...Object.keys(undisturbed), ...Object.keys(disturbed)])) {
    const [wanted, found] = [undisturbed[kind] ?? [], disturbed[kind] ?? []];
    comparison.acknowledged += wanted.length;
    const missing = (from: readonly string[], other: readonly string[]) => {
      const left = new Map<string, number>();
      for (const fact of other) left.set(fact, (left.get(fact) ?? 0) + 1);
      return from.filter((fact) => {
        const times = left.get(fact) ?? 0;
        left.set(fact, times - 1);
        return times <= 0;
      });
    };
    comparison.lost.push(...missing(wanted, found).map((fact) => `${kind}: ${fact}`));
    comparison.doubled.push(...missing(found, wanted).map((fact) => `${kind}: ${fact}`));
  }
  return comparison;
}
