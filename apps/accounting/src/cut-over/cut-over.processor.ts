import { Injectable } from '@nestjs/common';
import { type PayloadOf } from '#libs/contracts/index.js';
import { type Tx } from '#libs/database/index.js';
import { Handles } from '#libs/messaging/index.js';
import { CutOver } from './cut-over.service.js';

@Injectable()
export class CutOverProcessor {
  constructor(private readonly cutOver: CutOver) {}

  @Handles('accounting.apply-cut-over.v1')
  async apply(tx: Tx, chunk: PayloadOf<'accounting.apply-cut-over.v1'>): Promise<void> {
    await this.cutOver.apply(tx, chunk);
  }

  @Handles('accounting.roll-back-cut-over.v1')
  async rollBack(tx: Tx, { importId }: PayloadOf<'accounting.roll-back-cut-over.v1'>): Promise<void> {
    await this.cutOver.rollBack(tx, importId);
  }

  @Handles('settlement.cut-over-signed.v1')
  async signed(tx: Tx, event: PayloadOf<'settlement.cut-over-signed.v1'>): Promise<void> {
    await this.cutOver.sign(tx, event);
  }
}
