import { Injectable } from '@nestjs/common';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { Handles } from '#libs/messaging/index.js';
import { Alerts } from './alerts.service.js';

@Injectable()
export class AlertsProcessor {
  constructor(private readonly alerts: Alerts) {}

  @Handles('settlement.party-hold-applied.v1')
  async partyHoldApplied(tx: Tx, answer: PayloadOf<'settlement.party-hold-applied.v1'>): Promise<void> {
    await this.alerts.partyHoldApplied(tx, answer);
  }
}
