import { Injectable } from '@nestjs/common';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { Handles } from '#libs/messaging/index.js';
import { ChangesService } from './changes.service.js';

@Injectable()
export class ChangesProcessor {
  constructor(private readonly changes: ChangesService) {}

  @Handles('compliance.approval-decided.v1')
  async approvalDecided(tx: Tx, decision: PayloadOf<'compliance.approval-decided.v1'>): Promise<void> {
    await this.changes.decided(tx, decision);
  }
}
