import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { type TradeState } from './trade.js';

export interface HeldTrade {
  readonly tradeId: string;
  readonly bookId: string;
  readonly holdState: 'NONE' | 'SCREENING' | 'HELD';
  readonly heldReason: string | null;
}

@Injectable()
export class ScreeningRepository {
  /** Marked as sent in the same statement: whoever gets them sends them in this transaction. */
  async unsent(
    tx: Tx,
    book: string,
    limit: number,
  ): Promise<{ tradeId: string; executionId: string; bookId: string; counterpartySealed: string | null }[]> {
    return tx.rows(
      `UPDATE settlement.trade SET screening_sent_at = kernel.now()
        WHERE trade_id IN (SELECT trade_id FROM settlement.trade
                            WHERE book_id = $1 AND hold_state = 'SCREENING' AND screening_sent_at IS NULL
                            ORDER BY trade_id LIMIT $2 FOR UPDATE)
       RETURNING trade_id AS "tradeId", execution_id AS "executionId", book_id AS "bookId", counterparty_sealed AS "counterpartySealed"`,
      [book, limit],
    );
  }

  async applyOutcomes(
    tx: Tx,
    outcomes: readonly { tradeId: string; outcome: 'CLEAR' | 'HIT'; alertId: string | null }[],
  ): Promise<HeldTrade[]> {
    if (outcomes.length === 0) return [];
    return tx.rows<HeldTrade>(
      `UPDATE settlement.trade t SET hold_state = CASE r.outcome WHEN 'HIT' THEN 'HELD' ELSE 'NONE' END,
              held_reason = CASE r.outcome WHEN 'HIT' THEN coalesce(r."alertId", 'SCREENING_HIT') END
         FROM jsonb_to_recordset($1::jsonb) AS r("tradeId" text, outcome text, "alertId" text)
        WHERE t.trade_id = r."tradeId" AND (t.hold_state = 'SCREENING' OR r.outcome = 'HIT' AND t.hold_state = 'NONE')
          AND t.state NOT IN ('SETTLED', 'CANCELLED')
       RETURNING t.trade_id AS "tradeId", t.book_id AS "bookId", t.hold_state AS "holdState", t.held_reason AS "heldReason"`,
      [JSON.stringify(outcomes)],
    );
  }

  async decideHold(tx: Tx, tradeId: string, decision: 'RELEASED' | 'CONFIRMED', alertId: string): Promise<HeldTrade[]> {
    return tx.rows<HeldTrade>(
      `UPDATE settlement.trade SET hold_state = CASE $2 WHEN 'RELEASED' THEN 'NONE' ELSE 'HELD' END,
              held_reason = CASE $2 WHEN 'RELEASED' THEN NULL ELSE 'CONFIRMED:' || $3 END
        WHERE trade_id = $1 AND hold_state <> 'NONE'
       RETURNING trade_id AS "tradeId", book_id AS "bookId", hold_state AS "holdState", held_reason AS "heldReason"`,
      [tradeId, decision, alertId],
    );
  }

  async hold(tx: Tx, tradeIds: readonly string[], reason: string): Promise<HeldTrade[]> {
    if (tradeIds.length === 0) return [];
    return tx.rows<HeldTrade>(
      `UPDATE settlement.trade SET hold_state = 'HELD', held_reason = $2
        WHERE trade_id = ANY($1::text[]) AND hold_state <> 'HELD' AND state NOT IN ('SETTLED', 'CANCELLED')
       RETURNING trade_id AS "tradeId", book_id AS "bookId", hold_state AS "holdState", held_reason AS "heldReason"`,
      [tradeIds, reason],
    );
  }

  async openOfParty(
    tx: Tx,
    partyId: string,
  ): Promise<{ tradeId: string; reference: string; bookId: string; state: TradeState }[]> {
    return tx.rows(
      `SELECT trade_id AS "tradeId", execution_id AS reference, book_id AS "bookId", state FROM settlement.trade
        WHERE (client_party_id = $1 OR counterparty_party_id = $1) AND state NOT IN ('SETTLED', 'CANCELLED', 'REJECTED')
        ORDER BY trade_id`,
      [partyId],
    );
  }
}
