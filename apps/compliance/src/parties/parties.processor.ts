import { Injectable } from '@nestjs/common';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { Handles } from '#libs/messaging/index.js';
import { Parties } from './parties.service.js';

@Injectable()
export class PartiesProcessor {
  constructor(private readonly parties: Parties) {}

  @Handles('compliance.apply-cut-over.v1')
  async applyCutOver(tx: Tx, chunk: PayloadOf<'compliance.apply-cut-over.v1'>): Promise<void> {
    await this.parties.applyCutOver(tx, chunk);
  }

  @Handles('compliance.roll-back-cut-over.v1')
  async rollBackCutOver(tx: Tx, { importId }: PayloadOf<'compliance.roll-back-cut-over.v1'>): Promise<void> {
    await this.parties.rollBackCutOver(tx, importId);
  }

  @Handles('settlement.cut-over-signed.v1')
  async cutOverSigned(tx: Tx, { importId }: PayloadOf<'settlement.cut-over-signed.v1'>): Promise<void> {
    await this.parties.cutOverSigned(tx, importId);
  }
}
