import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';

export interface HoldDecision {
  readonly alertId: string;
  readonly objectKind: 'TRADE' | 'PAYMENT';
  readonly objectId: string;
  readonly decision: 'RELEASED' | 'CONFIRMED';
  readonly decidedBy: string;
}

@Injectable()
export class HoldDecisionsRepository {
  /**
   * Keeps a decision, with its object locked: a hit that is being applied in another transaction is then applied
   * either before this one looks, or finds the decision.
   */
  async keep(tx: Tx, decided: HoldDecision): Promise<void> {
    const [table, key] = decided.objectKind === 'TRADE' ? ['trade', 'trade_id'] : ['payment', 'payment_id'];
    await tx.execute(`SELECT 1 FROM settlement.${table} WHERE ${key} = $1 FOR UPDATE`, [decided.objectId]);
    await tx.execute(
      `INSERT INTO settlement.hold_decision (alert_id, object_kind, object_id, decision, decided_by)
       VALUES ($1, $2, $3, $4, $5) ON CONFLICT (alert_id) DO NOTHING`,
      [decided.alertId, decided.objectKind, decided.objectId, decided.decision, decided.decidedBy],
    );
  }

  /** Those already made of these alerts. */
  async of(tx: Tx, alertIds: readonly string[]): Promise<HoldDecision[]> {
    if (alertIds.length === 0) return [];
    return tx.rows(
      `SELECT alert_id AS "alertId", object_kind AS "objectKind", object_id AS "objectId", decision,
              decided_by AS "decidedBy"
         FROM settlement.hold_decision WHERE alert_id = ANY($1::text[]) ORDER BY alert_id`,
      [alertIds],
    );
  }
}
