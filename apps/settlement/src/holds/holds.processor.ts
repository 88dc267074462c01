import { Injectable } from '@nestjs/common';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { Handles } from '#libs/messaging/index.js';
import { SettlementsService } from '../instructions/settlements.service.js';
import { LedgerService } from '../ledger/ledger.service.js';
import { PaymentsService } from '../payments/payments.service.js';
import { TradesService } from '../trades/trades.service.js';
import { type HoldDecision, HoldDecisionsRepository } from './hold-decisions.repository.js';
import { HoldsService } from './holds.service.js';

/** Answers of compliance and of the ledger concern trades, payments and instructions alike: one handler each, which gives every part its own. */
@Injectable()
export class HoldsProcessor {
  constructor(
    private readonly holds: HoldsService,
    private readonly decisions: HoldDecisionsRepository,
    private readonly trades: TradesService,
    private readonly payments: PaymentsService,
    private readonly settlements: SettlementsService,
    private readonly ledger: LedgerService,
  ) {}

  @Handles('compliance.screening-completed.v1')
  async screened(tx: Tx, { items }: PayloadOf<'compliance.screening-completed.v1'>): Promise<void> {
    await this.trades.applyScreening(
      tx,
      items.filter(({ objectKind }) => objectKind === 'TRADE'),
    );
    await this.payments.applyScreening(
      tx,
      items.filter(({ objectKind }) => objectKind === 'PAYMENT'),
    );
    // A decision that came before its hit takes effect now.
    const alertIds = items.flatMap(({ alertId }) => (alertId ? [alertId] : []));
    for (const decision of await this.decisions.of(tx, alertIds)) await this.apply(tx, decision);
  }

  @Handles('compliance.hold-decided.v1')
  async decided(tx: Tx, decision: PayloadOf<'compliance.hold-decided.v1'>): Promise<void> {
    const { objectKind } = decision;
    if (objectKind === 'TRADE' || objectKind === 'PAYMENT') {
      await this.decisions.keep(tx, { ...decision, objectKind });
      await this.apply(tx, { ...decision, objectKind });
    } else {
      await this.holds.decideInstruction(tx, decision);
    }
  }

  private async apply(tx: Tx, decision: HoldDecision): Promise<void> {
    if (decision.objectKind === 'TRADE') await this.trades.applyHoldDecision(tx, decision);
    else await this.payments.applyHoldDecision(tx, decision);
  }

  @Handles('compliance.party-held.v1')
  async partyHeld(tx: Tx, held: PayloadOf<'compliance.party-held.v1'>): Promise<void> {
    await this.holds.holdParty(tx, held);
  }

  @Handles('accounting.entries-decided.v1')
  async entriesDecided(tx: Tx, { items }: PayloadOf<'accounting.entries-decided.v1'>): Promise<void> {
    const decided = await this.ledger.decided(tx, items);
    const instructions = decided.filter(({ subject }) => subject.kind === 'INSTRUCTION');
    const payments = decided.filter(({ subject }) => subject.kind === 'PAYMENT');
    if (instructions.length > 0) await this.settlements.entriesDecided(tx, instructions);
    if (payments.length > 0) await this.payments.entriesDecided(tx, payments);
  }
}
